"""All that is left of a chaos run: its journal, the run's log, the agents' ledger and the files."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from rig.chaos.person import content

if TYPE_CHECKING:
    from rig.chaos.history import History
    from rig.chaos.scene import Event, Scene

COMPLETED = "completed"
#: What a task may build on.
DONE = (COMPLETED, "skipped (unblocks)")
#: Verbs by which a person takes a task out of the run's hands, or gives it back.
SET_BACK = ("set-status", "skip", "retry", "undo")


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
    history: History | None = None

    def of(self, *events: str) -> list[Event]:
        return [event for event in self.journal if event["event"] in events]

    def calls(self, *verbs: str) -> list[Event]:
        """Calls that have ended, of these verbs."""
        return [event for event in self.of("end") if event["words"][0] in verbs]


def evidence(scene: Scene) -> Evidence:
    from rig.chaos import history

    log = [json.loads(line) for line in content(scene.log).splitlines() if line.startswith("{") and line.endswith("}")]
    ledger = [line.split() for line in content(scene.ledger).splitlines()]
    effects = [Effect(id_, int(attempt), who, float(at)) for id_, attempt, who, at in ledger]
    issues = content(os.path.join(os.path.dirname(scene.queue), "issue_queue.md"))
    journal = told([printed(event) for event in scene.journal.all()])
    before = next((each["look"] for each in journal if each["event"] == "repository"), None)
    made = history.read(scene.root, before) if before else None
    return Evidence(journal, log, effects, content(scene.queue), issues, made)


def printed(event: Event) -> Event:
    """The event, with what a mod was answered as it would be printed for a model."""
    if event["event"] != "end" or "--mod" not in event["words"] or not event["out"].startswith("{"):
        return event
    reply = json.loads(event["out"])
    if "directives" not in reply:
        # Another engine is to carry it out, or it is the answer to an agent's end.
        return {**event, "out": "STOP not by the mod" if "engine" in reply else ""}
    said = [
        " ".join(str(each.get(key, "")) for key in ("kind", "id", "model", "sentence")) for each in reply["directives"]
    ]
    return {**event, "out": "\n".join([*reply["lines"], *(re.sub(" +", " ", each).strip() for each in said)])}


def told(journal: list[Event]) -> list[Event]:
    """The events, with it noted of each `start` whether it knew what was typed: a mod says it, or else a hook has."""
    last: dict[str, bool] = {}
    for event in journal:
        if event["event"] == "typed":
            last[event["who"]] = event["told"]
        elif event["event"] == "end" and event["words"][0] == "start":
            event["told"] = "--mod" in event["words"] or last.get(event["who"], False)
    return journal


def set_back(found: Evidence, id_: str) -> int:
    """How often somebody gave a task back to the run, knowingly or by saving an older text."""
    by_hand = [event for event in found.calls(*SET_BACK) if event["words"][1] == id_ and event["code"] != 1]
    stale = [save for save in found.of("saved") if save["changed"].get(id_, ("",))[0] == COMPLETED]
    return len(by_hand) + len(stale)
