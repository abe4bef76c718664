"""What a run cost and how long it took, by what the server saw of it."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from rig.conversation import calls
from rig.scripted_model import is_side_request
from rig.transcript import agent_exchanges, entered_by_turn, main_exchanges, transcript

if TYPE_CHECKING:
    from rig.conversation import Call
    from rig.messages_api import JSON, Exchange

#: A call that holds one of these is an agent's report.
_REPORTS = ("claudestrator-helper done ", "claudestrator-helper fail ", ".claude/agent_complete/")


@dataclass(frozen=True)
class Span:
    """An agent's time, in seconds since the epoch: from its first request to the one that came after its report."""

    start: float
    end: float


@dataclass(frozen=True)
class Cost:
    """`entered` and `reread` are characters of the main conversation, `tokens` what entered it by the server's count.

    `wall` runs from the first request to the last. `dispatch` is the median of the seconds from a report to the first request of the
    agent that took the place. `growth` has the characters that have entered by the time that so many agents, decomposition
    included, have been started, from 0.
    """

    agents: int
    entered: int
    tokens: int
    turns: int
    reread: int
    wall: float
    dispatch: float
    growth: list[int]


@dataclass(frozen=True)
class Figures(Cost):
    """Those of one run; `compactions` must be none where figures are to be compared."""

    compactions: int


def figures(exchanges: list[Exchange]) -> Figures:
    """Without a main conversation it cost nothing. Raises ValueError for fewer than two agents."""
    main = main_exchanges(exchanges)
    if not main:
        return _without_conversation(exchanges)
    cost = transcript(exchanges)
    spans = agent_spans(exchanges)
    entered = list(accumulate(entered_by_turn(main)))
    started = [sum(span.start < exchange.time for span in spans) for exchange in main]
    return Figures(
        agents=len(spans),
        entered=cost.entered,
        tokens=tokens(main[-1].request.body) - tokens(main[0].request.body) + tokens({"content": main[-1].answer}),
        turns=cost.turns,
        reread=cost.reread,
        wall=main[-1].time - main[0].time,
        dispatch=statistics.median(dispatches(spans)),
        compactions=sum(bool(each.request.tools) and is_side_request(each.request) for each in exchanges),
        growth=_grown(started, entered),
    )


def _without_conversation(exchanges: list[Exchange]) -> Figures:
    spans = agent_spans(exchanges)
    wall = max(span.end for span in spans) - min(span.start for span in spans)
    return Figures(len(spans), 0, 0, 0, 0, wall, statistics.median(dispatches(spans)), [0] * (len(spans) + 1), 0)


def tokens(body: JSON) -> int:
    """The server's count, which is what Claude Code reports as usage: a token for four bytes."""
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) // 4


def agent_spans(exchanges: list[Exchange]) -> list[Span]:
    """In the order in which the agents came. One whose last message is its report ended with that."""
    by_agent: dict[str, list[Exchange]] = {}
    for each in sorted(agent_exchanges(exchanges), key=lambda each: each.request.number):
        by_agent.setdefault(each.request.agent or "", []).append(each)
    return [Span(asked[0].time, _ended(asked)) for asked in by_agent.values()]


def dispatches(spans: list[Span]) -> list[float]:
    """For each agent that took the place of one that had reported, the seconds between; the oldest place goes first."""
    free: list[float] = []
    found: list[float] = []
    events = sorted([(span.end, 0) for span in spans] + [(span.start, 1) for span in spans])
    for moment, starts in events:
        if not starts:
            free.append(moment)
        elif free:
            found.append(moment - free.pop(0))
    return found


def _ended(asked: list[Exchange]) -> float:
    reported = (each.time for each in asked if any(map(_is_report, calls(each.request.messages))))
    return next(reported, max(asked[-1].time, asked[-1].answered))


def _is_report(call: Call) -> bool:
    text = call.input.get("command") or call.input.get("file_path") or ""
    return any(mark in text for mark in _REPORTS)


def _grown(started: list[int], entered: list[int]) -> list[int]:
    """The largest `entered` for each number of agents that were started; where a number was skipped, that before it."""
    by_number: dict[int, int] = dict(zip(started, entered, strict=True))
    grown = [0]
    for number in range(1, max(started) + 1):
        grown.append(by_number.get(number, grown[-1]))
    return grown
