"""``run_log.jsonl``: the events of all runs, one a line; run/disk.py and run/steering.py write it."""

import json
import time
from collections.abc import Iterable

from ..engine.state import State
from . import event_lines, files, project_files
from .paths import Project

#: The event of a session that has begun a run, or taken over another session's.
BEGAN = "began"
#: The format of an event's time, in UTC.
TIME = "%Y-%m-%dT%H:%M:%SZ"


def read(project: Project) -> list[dict[str, object]]:
    """Every event, in order, without invalid lines."""
    return list(event_lines.events(project_files.text(project, project.log).split("\n")))


def sessions(project: Project) -> list[str]:
    """The sessions that have had the project's runs, the last one first."""
    began = [str(entry.get("session")) for entry in read(project) if entry.get("event") == BEGAN]
    return list(dict.fromkeys(reversed(began)))


def append(
    project: Project, current: State, events: Iterable[dict[str, object]], now: float, loop: int | None = None
) -> None:
    """Adds events of the *current* run, at *now* in seconds since the epoch; the caller holds the lock. Raises as
    `files.append_line`."""
    at = time.strftime(TIME, time.gmtime(now))
    for event in events:
        entry = {"time": at, "run": current.run, "loop": current.loop.number if loop is None else loop, **event}
        files.append_line(project.log, json.dumps(entry, ensure_ascii=False), project.bounds)
