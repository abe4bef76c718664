"""What a hook answers Claude Code."""

import os

from .. import host

Answer = dict[str, object]


def specific(event: str, **fields: object) -> Answer:
    """An answer with *fields* that only *event* has."""
    return {host.SPECIFIC: {host.SPECIFIC_EVENT: event, **fields}}


def block(reason: str) -> Answer:
    """An answer that keeps an agent or a session working, or a prompt out, for *reason*."""
    return {host.DECISION: host.BLOCK, host.REASON: reason}


def notified(text: str) -> Answer:
    """An answer that has the terminal notify the person; empty where Claude Code is not known to be able to."""
    if (host.release(os.environ) or ()) < host.TERMINAL_SINCE:
        return {}
    from ..texts.fields import cut

    # OSC 777, which several terminals read: its parts end at a semicolon.
    return {host.TERMINAL: f"\x1b]777;notify;Claudestrator;{cut(text).replace(';', ',')}\x07"}
