"""Of the text of the queue: that all is in it that was put there, and nothing else has changed."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from rig.chaos.agent import TASKS
from rig.chaos.person import notes, statuses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.chaos.evidence import Evidence
    from rig.chaos.scene import Event

_STATUS_CELL = re.compile(r"^\| Status \| .*? \|$", re.MULTILINE)


def kept(found: Evidence) -> Iterable[str]:
    """Nothing but statuses changed in the queue since it was given and somebody saved it or added to it."""
    ids = re.findall(r"^### (\S+)$", found.queue, re.MULTILINE)
    yield from (f"{id_} stands {count} times in the queue" for id_, count in Counter(ids).items() if count > 1)
    saves = found.of("saved")
    expected = _expected(found, saves)
    yield from (f"{id_} has vanished from the queue" for id_ in expected if id_ not in ids)
    remaining, saved = notes(found.queue), saves[-1]["notes"] if saves else []
    if remaining != saved:
        yield f"the person's comments are {remaining}, and were {saved} when they were saved last"
    given = found.of("begins")[0]["queue"]
    if given and not any(ids != saved["ids"][: len(ids)] for saved in saves):
        bare = re.sub(r"<!-- note \d+ of the person -->\n\n", "", found.queue)
        if not _without_statuses(bare).startswith(_without_statuses(given).rstrip("\n")):
            yield "more than statuses has changed in the queue"


def decomposed(found: Evidence) -> Iterable[str]:
    """A decomposition that has begun ends with all its tasks in the queue, in this run or another."""
    given = found.of("begins")[0]
    begun = any((each["event"], each.get("id")) == ("spawned", "decomposition") for each in found.log)
    if given["queue"] or not begun:
        return
    added = {id_ for each in found.calls("add-tasks") for id_ in re.findall(r"TASK-\d+", each["out"])}
    for id_ in TASKS[: given["tasks"]]:
        if id_ not in {*added, *statuses(found.queue)}:
            yield f"PRD.md was being decomposed, and its {id_} was never added"


def _expected(found: Evidence, saves: list[Event]) -> list[str]:
    """Every id that was given or added, less what somebody's editor saved over."""
    given = list(statuses(found.of("begins")[0]["queue"]))
    since = 0.0
    if saves:
        given, since = list(saves[-1]["ids"]), saves[-1]["t"]
    added = [event for event in found.calls("add-tasks") if event["code"] == 0 and event["t"] > since + 0.5]
    return given + [id_ for event in added for id_ in re.findall(r"TASK-\d+", event["out"])]


def _without_statuses(text: str) -> str:
    return _STATUS_CELL.sub("| Status | |", text)
