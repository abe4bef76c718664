"""What a session that begins is told: an unfinished run, in one line, and nothing otherwise."""

import json
import os
import sys
from contextlib import suppress

from .. import output
from ..store import files, paths


def main(folder: str | None) -> None:
    # A hook never fails a session, whatever is wrong with our files.
    with suppress(Exception):
        event = json.loads(sys.stdin.buffer.read(1_000_000) or b"{}")
        start = folder or os.environ.get("CLAUDE_PROJECT_DIR") or event.get("cwd")
        project = paths.project(paths.root_around(start) if start else None)
        # What is resumed is another process under the old id: its agents are gone, which `/orchestrate` sees.
        session = event.get("session_id") if event.get("source") in ("compact", "clear") else None
        line = unfinished(project, session) if os.path.exists(project.session) else ""
        if line:
            output.say(line)


def unfinished(project: paths.Project, session: object) -> str:
    """One line about an unfinished run of this machine with the command that goes on with it; "" where there is none.

    It holds nothing but numbers from the project's files, which may be anybody's: a model reads it as instructions.

    """
    from ..store import state_file
    from ..system import processes

    text = files.read(project.session, project.bounds, files.HEAD) or ""
    ours = bool(session) and f'\nsession: "{session}"\n' in text
    current = state_file.own(project, text, whole=ours)
    if current is None or not current.unfinished:
        return ""
    if not (ours or processes.began(current.run, current.origin, current.process)):
        return ""
    text = f"Claudestrator: a run is unfinished here{_counted(project)}."
    if ours:
        return (
            f"{text} You are its orchestrator: call Bash with the command `claudestrator-helper wait` and timeout "
            "3600000, and obey the directives that it prints, as `/orchestrate` said."
        )
    return f"{text} `/orchestrate` goes on with it."


def _counted(project: paths.Project) -> str:
    """How many tasks there are and how many are completed, in brackets; "" where that takes a long time to read."""
    from ..engine import sentences
    from ..texts import queue

    if not os.path.exists(project.queue) or os.path.getsize(project.queue) > files.HEAD:
        return ""
    parsed = queue.parse(files.read(project.queue, project.bounds) or "")
    return f" ({sentences.counts(task.status for task in parsed.tasks)})"
