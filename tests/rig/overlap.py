"""When each agent was at work, and how many were at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from rig.agents import task_of
from rig.transcript import agent_exchanges

if TYPE_CHECKING:
    from rig.messages_api import Exchange


class Work(NamedTuple):
    """What one agent worked on, from its first request to the answer that is its report, or to its last one without it."""

    task: str
    begun: float
    ended: float


def work(exchanges: list[Exchange]) -> list[Work]:
    found: dict[str, Work] = {}
    reported = set[str]()
    for exchange in sorted(agent_exchanges(exchanges), key=lambda each: each.request.number):
        name, task = exchange.request.agent or "", task_of(exchange.request) or ""
        if name not in reported:
            # It takes the time of its own before the answer, which the API's errors are not.
            ended = max(exchange.time, exchange.answered)
            found[name] = Work(task, found[name].begun if name in found else exchange.time, ended)
        if any("helper done" in json.dumps(block) for block in exchange.answer):
            reported.add(name)
    return list(found.values())


def most_at_once(works: list[Work]) -> int:
    return max(sum(other.begun <= each.begun <= other.ended for other in works) for each in works)
