"""``run_log.jsonl``: what happened in the runs, one event a line; see run/steps.py for who writes it."""

import json

from . import files
from .paths import Project

#: A session has begun a run, or gone on with one that was another's.
BEGAN = "began"
#: How an event's time is written.
TIME = "%Y-%m-%dT%H:%M:%SZ"


def read(project: Project) -> list[dict[str, object]]:
    """Every event, in order; a line that is none, as one that a kill cut short, is left out."""
    found = []
    for line in (files.read(project.log, within=project.bounds) or "").split("\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and "event" in entry:
            found.append(entry)
    return found
