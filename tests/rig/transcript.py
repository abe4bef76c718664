"""What a run cost the main conversation, measured on the requests that the server saw."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rig.agents import first_command
from rig.conversation import QUIET, blocks, calls, text_of, texts
from rig.scripted_model import is_side_request

if TYPE_CHECKING:
    from rig.messages_api import JSON, Exchange

_REPORT = re.compile(r"(?:claudestrator-helper done|REPORT) (\S+) (?:--)?attempt (\d+)")


@dataclass(frozen=True)
class Transcript:
    """The main conversation of a run, in characters.

    `entered`: what came in after the first request: the model's own calls and words, results, notifications,
    reminders; `by_turn` is the same by request. `turns`: its requests. `reread`: the conversation as each request sent it, summed. `text`: all
    the distinct blocks that were ever in it, the first message included.
    """

    entered: int
    by_turn: tuple[int, ...]
    turns: int
    reread: int
    text: str

    def per_task(self, tasks: int) -> str:
        """One line for people."""
        return (
            f"{self.entered:,} characters entered the orchestrator's context in {self.turns} turns: "
            f"{self.entered / tasks:,.0f} characters and {self.turns / tasks:.1f} turns per task; "
            f"{self.reread:,} re-read in all"
        )


def transcript(exchanges: list[Exchange]) -> Transcript:
    """Raises ValueError when there was no main conversation."""
    main = main_exchanges(exchanges)
    if not main:
        raise ValueError("the main conversation never reached the model")
    seen = [_blocks(exchange.request.messages) for exchange in main]
    closing = sum(len(text_of(block)) for block in main[-1].answer)
    everything = dict.fromkeys(text for counts in seen for text in counts)
    by_turn = (*entered_by_turn(main), closing)
    return Transcript(
        entered=sum(by_turn),
        by_turn=by_turn,
        turns=len(main),
        reread=sum(map(_size, seen)),
        text="\n".join([*everything, *(text_of(block) for block in main[-1].answer)]),
    )


def entered_by_turn(main: list[Exchange]) -> list[int]:
    """How many characters each request of the main conversation brought in that the one before had not."""
    seen = [_blocks(exchange.request.messages) for exchange in main]
    # A difference of multisets: what Claude Code moves to another place is no news, what it adds anywhere is.
    return [0, *(_size(now - before) for before, now in pairwise(seen))]


def spoken(exchanges: list[Exchange]) -> list[str]:
    """What the main conversation's model said to the person, without its nothings to say."""
    answers = [block for exchange in main_exchanges(exchanges) for block in exchange.answer]
    return [block["text"] for block in answers if block["type"] == "text" and block["text"] != QUIET]


def main_exchanges(exchanges: list[Exchange]) -> list[Exchange]:
    """Those of the main conversation, in the order of its requests."""
    main = [each for each in exchanges if each.request.agent is None and not is_side_request(each.request)]
    return sorted(main, key=lambda exchange: exchange.request.number)


def agent_exchanges(exchanges: list[Exchange]) -> list[Exchange]:
    return [exchange for exchange in exchanges if exchange.request.agent]


def agents_that_ran(exchanges: list[Exchange]) -> list[str]:
    """Each as the id and the attempt of its prompt (`TASK-001 2`), in the order in which they came.

    One that never had its prompt is its first command.
    """
    told: dict[str, str] = {}
    for exchange in sorted(agent_exchanges(exchanges), key=lambda each: each.request.number):
        messages = exchange.request.messages
        seen = [*texts(messages[:1], "user"), *(call.result for call in calls(messages)[:1])]
        found = _REPORT.search("\n".join(seen))
        name = f"{found[1]} {found[2]}" if found else first_command(exchange.request) or ""
        if found or exchange.request.agent not in told:
            told[exchange.request.agent or ""] = name
    return list(told.values())


def _blocks(messages: list[JSON]) -> Counter[str]:
    return Counter(text_of(block) for message in messages for block in blocks(message))


def _size(counts: Counter[str]) -> int:
    return sum(len(text) * count for text, count in counts.items())
