"""What a hook answers Claude Code."""

from .. import host

Answer = dict[str, object]


def specific(event: str, **fields: object) -> Answer:
    """An answer with *fields* that only *event* has."""
    return {host.SPECIFIC: {host.SPECIFIC_EVENT: event, **fields}}


def block(reason: str) -> Answer:
    """An answer that keeps an agent or a session working, or a prompt out, for *reason*."""
    return {host.DECISION: host.BLOCK, host.REASON: reason}
