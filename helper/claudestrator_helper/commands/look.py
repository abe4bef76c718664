"""The verbs that look at one thing closely: `show`, `log`, `tail`."""

import os
import time
from collections.abc import Callable

import click

from ..output import echo
from ..store import paths

#: Seconds between two looks at a file that is followed.
_INTERVAL = 0.5


@click.command("show")
@click.argument("id_", metavar="ID")
@click.pass_obj
def show_verb(project: paths.Project, id_: str) -> None:
    """Show all there is about one task: its fields, what it waits for, its attempts, hint and note."""
    from . import one_task

    echo(one_task.lines(project, id_, time.time()))


@click.command("log")
@click.argument("id_", metavar="[ID]", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what happens, until Ctrl-C.")
@click.option("-n", "--lines", "most", type=click.IntRange(min=1), default=50, metavar="N", help="How many [50].")
@click.pass_obj
def log_verb(project: paths.Project, id_: str | None, follow: bool, most: int) -> None:
    """Show the last events of all runs, or those of one ID."""
    from ..store import event_lines, run_log

    shown = 0

    def new() -> list[str]:
        nonlocal shown
        found = [entry for entry in run_log.read(project) if id_ is None or entry.get("id") == id_]
        fresh, shown = found[shown or max(0, len(found) - most) :], len(found)
        return [event_lines.line(entry) for entry in fresh]

    echo(new() or ["nothing yet"] if not follow else new())
    if follow:
        _follow(lambda: project.log, new)


@click.command("tail")
@click.argument("id_", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on printing what it does, until Ctrl-C.")
@click.option("-n", "--lines", "most", type=click.IntRange(min=1), default=20, metavar="N", help="How many [20].")
@click.pass_obj
def tail_verb(project: paths.Project, id_: str, follow: bool, most: int) -> None:
    """Show what the last agent of ID said and called, from its transcript."""
    from ..accounts import activity
    from ..errors import ClaudestratorError
    from ..store import state_file

    found = activity.path(project, state_file.read(project), id_)
    if not found:
        raise ClaudestratorError(
            f"no transcript of an agent of {id_} here: `claudestrator-helper status` shows who works"
        )
    offset = 0

    def new() -> list[str]:
        nonlocal offset
        entries, offset = activity.entries(found, offset)
        return list(activity.lines(entries))

    echo(new()[-most:] or ["it has done nothing yet"])
    if follow:
        _follow(lambda: found, new)


def _follow(path: Callable[[], str], new: Callable[[], list[str]]) -> None:
    """Prints what *new* returns whenever the file has changed."""
    before = _size(path())
    while True:
        time.sleep(_INTERVAL)
        now = _size(path())
        if now != before:
            echo(new())
            before = now


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
