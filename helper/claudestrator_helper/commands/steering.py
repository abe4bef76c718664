"""The verbs by which a person steers a run: `stop`, `pause`, `resume`, `retry`, `skip`."""

import click

from ..output import echo
from ..store import paths
from . import arguments


@click.command("stop")
@click.option("--now", is_flag=True, help="End it at once; what agents at work report counts when it is continued.")
@click.pass_obj
def stop_verb(project: paths.Project, now: bool) -> None:
    """Ask the run to end at its next step; agents at work finish."""
    from ..run import steering

    echo([steering.stop(project, now=now)])


@click.command("pause")
@click.pass_obj
def pause_verb(project: paths.Project) -> None:
    """Let the run start no agent until `resume`; agents at work finish."""
    from ..run import steering

    echo([steering.pause(project)])


@click.command("resume")
@click.pass_obj
def resume_verb(project: paths.Project) -> None:
    """Let a paused run start agents again."""
    from ..run import steering

    echo([steering.resume(project)])


@click.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--hint", default="", metavar="TEXT", help="What the next agent is told (- reads standard input).")
@click.pass_obj
def retry_verb(project: paths.Project, ids: tuple[str, ...], hint: str) -> None:
    """Make tasks pending again, with all their attempts."""
    from ..run import steering

    echo(steering.retry(project, list(ids), arguments.text_of(hint)))


@click.command("skip")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--unblock", is_flag=True, help="Let the tasks that depend on them run all the same.")
@click.pass_obj
def skip_verb(project: paths.Project, ids: tuple[str, ...], unblock: bool) -> None:
    """Leave tasks out of the run; `retry` takes them up again."""
    from ..run import steering

    echo(steering.skip(project, list(ids), unblock=unblock))
