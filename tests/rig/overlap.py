"""When each agent was at work, and how many were at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from rig.agents import task_of
from rig.transcript import agent_exchanges

if TYPE_CHECKING:
    from rig.messages_api import Exchange


class Work(NamedTuple):
    """What one agent worked on, from its first request to the one answered with its report, or to its last without one."""

    task: str
    begun: float
    ended: float


def work(exchanges: list[Exchange]) -> list[Work]:
    found: dict[str, Work] = {}
    reported = set[str]()
    for exchange in sorted(agent_exchanges(exchanges), key=lambda each: each.request.number):
        name, task = exchange.request.agent or "", task_of(exchange.request) or ""
        if name not in reported:
            found[name] = Work(task, found[name].begun if name in found else exchange.time, exchange.time)
        if any("helper done" in json.dumps(block) for block in exchange.answer):
            reported.add(name)
    return list(found.values())


def most_at_once(works: list[Work]) -> int:
    return max(sum(other.begun <= each.begun <= other.ended for other in works) for each in works)
