"""``run_log.jsonl``: the events of all runs, one a line; run/steps.py writes it."""

import json

from . import files
from .paths import Project

#: The event of a session that has begun a run, or taken over another session's.
BEGAN = "began"
#: The format of an event's time, in UTC.
TIME = "%Y-%m-%dT%H:%M:%SZ"


def read(project: Project) -> list[dict[str, object]]:
    """Every event, in order, without invalid lines, such as a line that a kill cut short."""
    found = []
    for line in (files.read(project.log, within=project.bounds) or "").split("\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and "event" in entry:
            found.append(entry)
    return found
