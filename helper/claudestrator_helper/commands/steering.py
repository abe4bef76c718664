"""The verbs by which a person steers a run: `stop`, `pause`, `resume`."""

import click

from ..output import echo
from ..store import paths


@click.command("stop")
@click.pass_obj
def stop_verb(project: paths.Project) -> None:
    """Ask the run to end at its next step; agents at work finish."""
    from ..run import steering

    echo([steering.stop(project)])


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
