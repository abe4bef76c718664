"""Models that obey, but for slips and for what befalls them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rig.conversation import say, use
from rig.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.messages_api import JSON, Request
    from rig.plays import Play

    #: Given what the model would say in the main conversation: what it says instead, or None where this isn't the place.
    Slip = Callable[[list[JSON]], list[JSON] | None]

WAIT = use("Bash", command="claudestrator-helper wait", timeout=3_600_000)
#: Above this share of its window Claude Code compacts a conversation.
WINDOW, FULL = 200_000, 195_000


class Slipping(ScriptedModel):
    """Each slip happens once, in their order, at the first place that it finds."""

    def __init__(self, play: Play, *slips: Slip) -> None:
        super().__init__(play)
        self._slips = list(slips)

    @property
    def left(self) -> int:
        """How many slips have not happened yet."""
        return len(self._slips)

    def orchestrate(self, request: Request) -> list[JSON]:
        meant = super().orchestrate(request)
        said = self._slips[0](meant) if self._slips else None
        if said is not None:
            self._slips.pop(0)
        return meant if said is None else said


def ends_instead_of(word: str, before: Callable[[], object] = lambda: None) -> Slip:
    """It makes no call that holds the word, and ends its turn with a sentence where it has no other to make."""

    def slip(meant: list[JSON]) -> list[JSON] | None:
        if not _calls(meant, word):
            return None
        before()
        return [block for block in meant if word not in json.dumps(block)] or [say("The agents are at work.")]

    return slip


def waits_instead_of(word: str) -> Slip:
    """It forgets a call that holds the word, and waits."""
    return lambda meant: [WAIT] if _calls(meant, word) else None


def runs_instead_of(word: str, command: str) -> Slip:
    return lambda meant: [use("Bash", command=command)] if _calls(meant, word) else None


def is_full_at(word: str) -> Slip:
    """Its conversation is as long as it may be when it makes a call that holds the word."""
    return lambda meant: [*meant, {"type": "usage", "input_tokens": FULL}] if _calls(meant, word) else None


def _calls(blocks: list[JSON], word: str) -> bool:
    return any(block["type"] == "tool_use" and word in json.dumps(block["input"]) for block in blocks)
