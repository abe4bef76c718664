"""The verbs without click, for click: their help, and the calls that `__main__` does not route past it."""

import click

from ..output import echo
from ..store import paths


@click.command("hook")
def hook_verb() -> None:
    """Answer one hook event of Claude Code, JSON on standard input."""
    from ..hooks.dispatch import main

    main()


@click.command("next-task")
@click.option("--json", "as_json", is_flag=True, help="Print an object: task, reason, detail.")
@click.option(
    "--hook", is_flag=True, help="Read a hook's event on standard input; print a line only if a run is unfinished."
)
@click.pass_obj
def next_task_verb(project: paths.Project, as_json: bool, hook: bool) -> None:
    """Print the next ready task, `ID MODEL OBJECTIVE`, or `none:` and why."""
    from .next_task import answer

    echo([answer(project, as_json=as_json)])


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print an object, which docs/watching.md describes.")
@click.option("--watch", is_flag=True, help="The same as the verb `watch`.")
@click.pass_obj
def status_verb(project: paths.Project, as_json: bool, watch: bool) -> None:
    """Show the run's progress: counts, times, agents at work, what failed and what is blocked."""
    from .status import main

    main(project.root, ["--json"] * as_json + ["--watch"] * watch)


@click.command("status-line")
@click.pass_obj
def status_line_verb(project: paths.Project) -> None:
    """Print the run in one line for Claude Code's status line, whose JSON is read from standard input."""
    from .status_line import main

    main(project.root, [])
