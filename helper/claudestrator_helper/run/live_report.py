"""The page of a run's report while the run goes on: another process writes it, and no step waits for that.

A `wait` has nothing to do until an agent reports, so that is when it has the page written. A page that is too young for
another is left alone, so short runs write one page, at their end.
"""

import os
import sys
import time
from contextlib import suppress

from ..engine.state import State
from ..errors import ClaudestratorError
from ..store.paths import Project
from ..texts.directives import STOP, Directive, Reply

#: Seconds between two pages, and from a run's begin to its first one.
INTERVAL = 30
#: Seconds between two looks at whether a page is due.
_LOOK = 1.0
#: Seconds for which the end of a run waits for its last page.
_PATIENCE = 10.0
#: Starts the helper as bin/claudestrator-helper does: nothing in the current folder can be imported.
_ENTRY = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'claudestrator-helper'; "
    "from claudestrator_helper.__main__ import main; main()"
)


class LiveReport:
    """The page of the project's run, whose name is *run* once it is known. At most one process writes it; *next* is
    when to look again whether it is due."""

    def __init__(self, project: Project) -> None:
        self.project, self.run, self.writer = project, "", 0
        self.next = time.monotonic() + _LOOK

    def sleep(self, seconds: float) -> None:
        """Sleeps, as a `wait` does between two looks, and has the page written if it is time for that."""
        if time.monotonic() >= self.next:
            self.renew()
        time.sleep(seconds)

    def renew(self) -> None:
        """Has the page written if it is time for that."""
        self.next = time.monotonic() + _LOOK
        # The state of a long run takes longer to read than all else here.
        if self.run and not self._is_due():
            return
        current = _state(self.project)
        self.run = current.run if current and current.unfinished else ""
        if self.run and self._is_due() and not self._is_written():
            self.writer = _started(self.project)
            # The process may find that it is too early for another page.
            self.next = time.monotonic() + INTERVAL

    def ended(self, reply: Reply) -> Reply:
        """*reply*, with the page of its run named if it is the end of one. The last page is waited for: its writer may
        be ended with the session, as headless and in a sandbox."""
        last = reply.directives[-1] if reply.directives else None
        if last is None or last.kind != STOP or not os.path.exists(self.project.log):
            return reply
        current = _state(self.project)
        run = current.run if current else ""
        # `start` may find nothing to do, and then there is nothing to report.
        if not run or not self._had_agents(run) or not self._is_complete():
            return reply
        path = os.path.join(self.project.reports, f"{run}.html")
        shown = os.path.relpath(path, self.project.root) if self.project.bounds == self.project.root else path
        named = Directive(STOP, sentence=f"{last.sentence} Report: {shown}")
        return reply._replace(directives=[*reply.directives[:-1], named])

    def _had_agents(self, run: str) -> bool:
        from ..store import run_log

        about = ("spawned", "done", "failed")
        return any(each.get("run") == run and each["event"] in about for each in run_log.read(self.project))

    def _is_due(self) -> bool:
        try:
            age = time.time() - os.stat(os.path.join(self.project.reports, f"{self.run}.html")).st_mtime
        except OSError:
            age = _age(self.run)
        return age >= INTERVAL

    def _is_written(self) -> bool:
        """Whether the last writer is still at work."""
        if self.writer and os.waitpid(self.writer, os.WNOHANG)[0]:
            self.writer = 0
        return self.writer > 0

    def _is_complete(self) -> bool:
        """Whether the last page of the run was written in time."""
        deadline = time.monotonic() + _PATIENCE
        writer = _started(self.project)
        while writer and time.monotonic() < deadline:
            found, status = os.waitpid(writer, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status) == 0
            time.sleep(0.01)
        return False


def _age(run: str) -> float:
    """How long ago a run began."""
    try:
        # time.strptime imports locale, calendar and datetime, which takes as long as a tenth of a step.
        day, moment = int(run[:8]), int(run[9:15])
        when = (day // 10_000, day // 100 % 100, day % 100, moment // 10_000, moment // 100 % 100, moment % 100)
        return time.time() - time.mktime((*when, 0, 0, -1))
    except (ValueError, OverflowError):
        return INTERVAL


def _state(project: Project) -> State | None:
    """The state of the run; None if it can't be read, which is for others to say."""
    from ..store import state_file

    with suppress(ClaudestratorError):
        return state_file.read(project)
    return None


def _started(project: Project) -> int:
    """The number of a new process that writes the page; 0 if none could be started."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    words = [sys.executable, "-I", "-c", _ENTRY, package, "--project", project.root, "report", "--renew"]
    nowhere = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in range(3)]
    try:
        # A session of its own: what ends the call that it came from does not end it.
        return os.posix_spawn(sys.executable, words, os.environ, file_actions=nowhere, setsid=True)
    except (OSError, NotImplementedError):
        return 0
