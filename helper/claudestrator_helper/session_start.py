"""What a session that begins is told: an unfinished run, in one line, and nothing otherwise."""

import json
import os
import sys
from contextlib import suppress

from . import files, next_task, paths, state
from .queue import parse
from .statuses import COMPLETED


def main(folder: str | None) -> None:
    # A hook never fails a session, whatever is wrong with our files.
    with suppress(Exception):
        event = json.loads(sys.stdin.buffer.read(1_000_000) or b"{}")
        start = folder or os.environ.get("CLAUDE_PROJECT_DIR") or event.get("cwd")
        project = paths.project(paths.root_around(start) if start else None)
        line = unfinished(project) if os.path.exists(project.session) else ""
        if line:
            next_task.say(line)


def unfinished(project: paths.Project) -> str:
    """One line about an unfinished run with the command that goes on with it; "" where there is none."""
    if not state.read(project).unfinished:
        return ""
    tasks = parse(files.read(project.queue) or "").tasks
    done = sum(task.status == COMPLETED for task in tasks)
    found = next_task.select(project)
    following = f"next {found.task.id}" if found.task else found.detail
    counts = f"{done} of {len(tasks)} tasks completed; {following}"
    return f"Claudestrator: a run is unfinished here ({counts}). `/orchestrate` goes on with it."
