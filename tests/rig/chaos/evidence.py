"""All that is left of a chaos run: its journal, the run's log, the agents' ledger and the files."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from rig.chaos.person import content

if TYPE_CHECKING:
    from rig.chaos.scene import Event, Scene

COMPLETED = "completed"


class Effect(NamedTuple):
    id: str
    attempt: int
    who: str
    at: float


class Evidence(NamedTuple):
    """All that is left of a run: *journal* and *log* as they were written, and texts."""

    journal: list[Event]
    log: list[Event]
    ledger: list[Effect]
    queue: str
    issues: str

    def of(self, *events: str) -> list[Event]:
        return [event for event in self.journal if event["event"] in events]

    def calls(self, *verbs: str) -> list[Event]:
        """Calls that have ended, of these verbs."""
        return [event for event in self.of("end") if event["words"][0] in verbs]


def evidence(scene: Scene) -> Evidence:
    log = [json.loads(line) for line in content(scene.log).splitlines() if line.startswith("{") and line.endswith("}")]
    ledger = [line.split() for line in content(scene.ledger).splitlines()]
    effects = [Effect(id_, int(attempt), who, float(at)) for id_, attempt, who, at in ledger]
    issues = content(os.path.join(os.path.dirname(scene.queue), "issue_queue.md"))
    return Evidence(scene.journal.all(), log, effects, content(scene.queue), issues)


def set_back(found: Evidence, id_: str) -> int:
    """How often somebody gave a task back to the run, knowingly or by saving an older text."""
    by_hand = [event for event in found.calls("set-status") if event["words"][1] == id_ and event["code"] != 1]
    stale = [save for save in found.of("saved") if save["changed"].get(id_, ("",))[0] == COMPLETED]
    return len(by_hand) + len(stale)
