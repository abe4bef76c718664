"""The verbs that look at one thing closely: `show`, `log`, `tail`."""

import time
from collections.abc import Callable

import click

from ..output import echo, pause
from ..store import paths
from . import arguments, one_task

#: Seconds between two looks at a file that is followed.
_INTERVAL = 0.5


@click.command("show")
@click.argument("id_", metavar="ID")
@click.pass_obj
def show_verb(project: paths.Project, id_: str) -> None:
    """Show all there is about one task: its fields, what it waits for, its attempts, hint and note.

    A single - reads the ID from standard input.
    """
    echo(one_task.lines(project, arguments.text_of(id_).strip(), time.time()))


@click.command("log")
@click.argument("id_", metavar="[ID]", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what happens, until Ctrl-C.")
@click.option("-n", "--lines", "most", type=click.IntRange(min=1), default=50, metavar="N", help="How many [50].")
@click.pass_obj
def log_verb(project: paths.Project, id_: str | None, follow: bool, most: int) -> None:
    """Show the last events of all runs, or those of one ID.

    A single - reads the ID from standard input.
    """
    from ..store import event_lines, run_log

    id_ = arguments.text_of(id_).strip() or None
    shown = 0

    def new() -> list[str]:
        nonlocal shown
        found = [entry for entry in run_log.read(project) if id_ is None or entry.get("id") == id_]
        fresh, shown = found[shown or max(0, len(found) - most) :], len(found)
        return [event_lines.line(entry) for entry in fresh]

    lines = new()
    if id_ is not None and not lines:
        one_task.refuse_unknown(project, id_)
    echo(lines or ["nothing yet"] if not follow else lines)
    if follow:
        _follow(lambda: [project.log], new)


@click.command("tail")
@click.argument("id_", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on with what it and later agents of ID do, until Ctrl-C.")
@click.option("-n", "--lines", "most", type=click.IntRange(min=1), default=20, metavar="N", help="How many [20].")
@click.pass_obj
def tail_verb(project: paths.Project, id_: str, follow: bool, most: int) -> None:
    """Show what the last agent of ID said and called, from its transcript.

    A single - reads the ID from standard input.
    """
    from ..errors import ClaudestratorError

    id_ = arguments.text_of(id_).strip()
    one_task.refuse_unknown(project, id_)
    doings = Doings(project, id_)
    lines = doings.new()
    if not doings.path and not follow:
        raise ClaudestratorError(
            f"no transcript of an agent of {id_} here: `claudestrator-helper status` shows who works"
        )
    echo(lines[-most:] or ([] if follow else ["it has done nothing yet"]))
    if follow:
        _follow(lambda: [project.session, project.markers, doings.path], doings.new)


class Doings:
    """What the agents of one id do, each the last one in its time; *path* is its transcript, "" for none yet."""

    def __init__(self, project: paths.Project, id_: str) -> None:
        self.project, self.id = project, id_
        self.path, self.offset, self.attempt = "", 0, 0

    def new(self) -> list[str]:
        """The lines that are new; the ones of a later attempt after one that names it."""
        from ..accounts import activity
        from ..store import state_file

        current = state_file.read(self.project)
        path, attempt = activity.path(self.project, current, self.id) or "", current.record(self.id).attempts
        lines = self._more()
        if path != self.path:
            self.path, self.offset = path, 0
            lines += [f"attempt {attempt}"] if path and self.attempt else []
            self.attempt = attempt if path else self.attempt
            lines += self._more()
        return lines

    def _more(self) -> list[str]:
        from ..accounts import activity

        entries, self.offset = activity.entries(self.path, self.offset)
        return list(activity.lines(entries))


def _follow(paths_: Callable[[], list[str]], new: Callable[[], list[str]]) -> None:
    """Prints what *new* returns whenever one of the files has changed."""
    from ..run import polling

    before = polling.fingerprint(paths_())
    while True:
        pause(_INTERVAL)
        now = polling.fingerprint(paths_())
        # What is missing may be found elsewhere.
        if now != before or None in now:
            echo(new())
            before = now
