"""The verbs of the queues, of what is wrong with them, and of what was learned."""

import sys

import click

from . import paths
from .cli import cli, echo, pass_project, text_of


@cli.command("next-task")
@click.option("--json", "as_json", is_flag=True, help="Print an object: task, reason, detail.")
@click.option(
    "--hook",
    is_flag=True,
    help="Read a hook's event on standard input; print a line only if a run is unfinished.",
)
@pass_project
def next_task(project: paths.Project, as_json: bool, hook: bool) -> None:
    """Print the next ready task, `ID MODEL OBJECTIVE`, or `none:` and why."""
    from .next_task import answer

    echo([answer(project, as_json=as_json)])


@cli.command("set-status")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.argument("status")
@pass_project
def set_status(project: paths.Project, ids: tuple[str, ...], status: str) -> None:
    """Set tasks' status: pending, in_progress, completed or failed, in the words that a queue may have for them.

    Changes those cells and nothing else: all of them, or none.
    """
    import os

    from . import files, queue, statuses

    meant = statuses.normalise(status)

    def change(text: str) -> str:
        for id_ in ids:
            text = queue.set_status(text, id_, meant)
        if meant != statuses.COMPLETED and os.path.exists(project.session):
            from . import state

            for id_ in ids:
                state.forget_completed(project, id_)
        return text

    with files.locked(project.lock):
        files.edit(project.queue, change, project.bounds)
    echo([f"{id_} {meant}" for id_ in ids])


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_project
def tasks(project: paths.Project, as_json: bool) -> None:
    """List the queue: status, id, model, objective."""
    from . import overview
    from .next_task import as_json_line

    parsed = overview.tasks(project)
    echo([as_json_line([task.as_json() for task in parsed.tasks])] if as_json else overview.table(parsed))


@cli.command("add-tasks")
@click.argument("source", metavar="-", type=click.Choice(["-"]))
@pass_project
def add_tasks(project: paths.Project, source: str) -> None:
    """Add the task sections on standard input, all or none; each error is named with its line."""
    from . import adding, files

    echo([adding.add_tasks(project, files.stdin())])


@cli.command("add-issue")
@click.option("--source", default="", metavar="WHO", help="Who found it [default: the run's research, else user].")
@click.argument("input_", metavar="-", type=click.Choice(["-"]))
@pass_project
def add_issue(project: paths.Project, source: str, input_: str) -> None:
    """Add the issue sections on standard input and number them; what repeats an issue is named and left out."""
    from . import filing

    echo(filing.add_issues(project, text_of(input_), source))


@cli.command("issues")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@pass_project
def issues_(project: paths.Project, as_json: bool) -> None:
    """List the issue queue: status, id, priority, summary."""
    from . import filing

    echo(filing.as_json(project) if as_json else filing.table(project))


@cli.command()
@click.argument("input_", metavar="-", type=click.Choice(["-"]))
@pass_project
def remember(project: paths.Project, input_: str) -> None:
    """Keep the memory agent's report on standard input: summary, patterns, gotchas."""
    from . import filing

    echo(filing.remember(project, text_of(input_)))


@cli.command("check")
@pass_project
def check_(project: paths.Project) -> None:
    """Name what is wrong in queue, state and installation, then what is good to know; exit 1 if anything is wrong."""
    from . import installation, overview

    found = overview.problems(project)
    wrong, notes = installation.findings(project)
    found += wrong
    echo([*(found or ["nothing is wrong"]), *notes])
    sys.exit(1 if found else 0)
