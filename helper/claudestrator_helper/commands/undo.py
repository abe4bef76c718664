"""The verb `undo`."""

import click

from ..output import echo
from ..store import paths


@click.command("undo")
@click.argument("id_", metavar="ID")
@click.pass_obj
def undo_verb(project: paths.Project, id_: str) -> None:
    """Revert the commit of the task ID and set it back to pending.

    Works where commits are made for each task (commit = "task"), on the run's branch or once it was merged. It refuses
    while there are changes that no commit has, and if the revert conflicts; then everything stays as it was.
    """
    from ..run import undo

    echo(undo.undo(project, id_))
