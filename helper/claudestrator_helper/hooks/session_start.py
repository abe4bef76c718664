"""What a new session is told: one line about an unfinished run, otherwise nothing."""

import json
import os
import sys
from contextlib import suppress

from .. import host, output
from ..store import files, paths
from .payload import specific


def main(folder: str | None) -> None:
    """Prints that line for the event on standard input, in the project of *folder* or else of the event."""
    # A hook never fails a session, whatever is wrong with our files.
    with suppress(Exception):
        event = json.loads(sys.stdin.buffer.read(1_000_000) or b"{}")
        start = folder or os.environ.get(host.PROJECT_FOLDER) or event.get(host.CWD)
        project = paths.project(paths.root_around(start) if start else None)
        # A resumed session is a new process under the old id. Its agents are gone, and `/orchestrate` handles that.
        session = event.get(host.SESSION) if event.get(host.SOURCE) in (host.COMPACTED, host.CLEARED) else None
        is_at_terminal = os.environ.get(host.ATTENDED) != "0"
        resumed = event.get(host.SESSION) if event.get(host.SOURCE) == host.RESUMED and is_at_terminal else None
        line = unfinished(project, session, resumed) if os.path.exists(project.session) else ""
        if session and not line and event.get(host.SOURCE) == host.CLEARED:
            _rename(project, str(session))
        if line:
            # The person is told, too, unless their session goes on with the run anyway.
            told = {} if session and "orchestrator" in line else {host.MESSAGE: line}
            output.echo([json.dumps(told | specific(host.SESSION_START, **{host.CONTEXT: line}))])


def unfinished(project: paths.Project, session: object, resumed: object = None) -> str:
    """One line about an unfinished run of this machine and the command that continues it; "" where there is none, and
    where a mod goes on with it, in its *session* or in the *resumed* one. A model reads the line as instructions, so it
    holds only numbers from the project's files, which may be anyone's."""
    from ..store import state_file
    from ..system import processes

    text = files.read(project.session, project.bounds, files.HEAD) or ""
    ours = bool(session) and f'\nsession: "{session}"\n' in text
    current = state_file.own(project, text, whole=ours)
    if current is None or not current.unfinished:
        return ""
    if not (ours or processes.began(current.run, current.owner.origin, current.owner.process)):
        return ""
    text = f"Claudestrator: a run is unfinished here{_counted(project)}."
    # `/clear` gives the session another id, and its run goes on.
    is_same = ours or (bool(session) and processes.below(current.owner.process))
    if current.engine == "mod" and (is_same or (resumed and current.owner.session == resumed)):
        return ""
    if ours:
        return (
            f"{text} You are its orchestrator: call Bash with the command `claudestrator-helper wait` and timeout "
            "3600000, and obey the directives that it prints, as `/orchestrate` said."
        )
    return f"{text} `/orchestrate` continues it."


def _rename(project: paths.Project, session: str) -> None:
    """Gives the run of the mod in this process the id that `/clear` has given its session, so that the session goes on
    with the run when it is resumed."""
    import time

    from ..store import run_log, state_file
    from ..system import processes

    if not os.path.exists(project.session):
        return
    with files.locked(project.lock, within=project.bounds):
        current = state_file.read(project)
        if current.unfinished and current.engine == "mod" and processes.below(current.owner.process):
            state_file.write(project, current._replace(owner=current.owner._replace(session=session)))
            run_log.append(project, current, [{"event": run_log.BEGAN, "session": session}], int(time.time()))


def _counted(project: paths.Project) -> str:
    """How many tasks there are and how many are completed, in brackets; "" for a queue that takes long to read."""
    from ..engine import sentences
    from ..texts import queue

    if not os.path.exists(project.queue) or os.path.getsize(project.queue) > files.HEAD:
        return ""
    parsed = queue.parse(files.read(project.queue, project.bounds) or "")
    return f" ({sentences.counts(task.status for task in parsed.tasks)})"
