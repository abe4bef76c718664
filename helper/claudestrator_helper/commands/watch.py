"""The verb `watch`: a run as it goes, as a live view in a terminal, otherwise as a line for each change."""

import io
import sys
import time
from collections.abc import Callable

import click

from .. import output
from ..accounts import progress, spending
from ..run import polling
from ..store import event_lines, paths, state_file
from ..store.paths import Project
from . import proofs

#: Seconds between two looks at the files, and between two pictures of a run in which nothing changes but the time.
LOOK, PICTURE = 0.5, 2.0
Show = Callable[[progress.Progress, float | None], None]


@click.command("watch")
@click.pass_obj
def watch_verb(project: paths.Project) -> None:
    """Show the run as it goes, until it ends or Ctrl-C; without a terminal, a line for each change."""
    watch(project)


def watch(project: Project) -> None:
    """Shows the project's run until it ends. Without one, waits for the next. Raises ClaudestratorError if a file can't
    be read."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may know ASCII only
    if not state_file.read(project).unfinished:
        waits = "claudestrator-helper: no run is at work here; the next one is shown, until Ctrl-C"
        print(waits, file=sys.stderr)  # noqa: T201
    if not sys.stdout.isatty():
        follow(project, Lines())
        return
    try:
        from . import live_view
    except ImportError:
        from ..system import extras

        way = f"{extras.way('rich>=13')} gives a live view"
        print(f"claudestrator-helper: a line for each change; {way}", file=sys.stderr)  # noqa: T201
        follow(project, Lines())
        return
    with live_view.opened() as show:
        follow(project, show)


def follow(project: Project, show: Show, sleep: Callable[[float], None] = output.pause) -> None:
    """Calls *show* with the run's progress and its cost in dollars whenever either has changed, and every PICTURE
    seconds, until a run that was seen unfinished has ended."""
    seen: polling.Print | None = None
    found, drawn, going = None, 0.0, False
    cost = spending.Spending(project)
    while True:
        marks = polling.fingerprint([project.session, project.queue, project.log, project.gates])
        if marks != seen:
            seen, drawn = marks, 0.0
            found = None
        now = time.time()
        if now - drawn >= PICTURE:
            # Of files that have not changed, only the times are new.
            found = proofs.read(project, now, found)
            show(found, cost.dollars(now))
            drawn = now
            ended = going and not found.state.unfinished
            if ended:
                return
            going = found.state.unfinished
        sleep(LOOK)


class Lines:
    """Prints a line for each new event, with how many tasks are completed, and first where the run is."""

    def __init__(self) -> None:
        self.told: int | None = None
        self.run = ""

    def __call__(self, found: progress.Progress, dollars: float | None) -> None:
        done = f"{found.counts['completed']}/{found.todo}"
        events = found.events
        if self.told is None or found.state.run != self.run:
            output.echo([found.bar])
            self.told, self.run = (len(events) if self.told is None else 0), found.state.run
        output.echo([f"{event_lines.line(event)}  {done}" for event in events[self.told :]])
        self.told = len(events)
