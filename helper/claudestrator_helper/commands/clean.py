"""The verb `clean`."""

import click

from ..output import echo
from ..store import paths


@click.command("clean")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and change nothing.")
@click.pass_obj
def clean_verb(project: paths.Project, *, dry_run: bool) -> None:
    """Remove the worktrees and branches of ended runs that are merged, and name what stays and why.

    A worktree with changes or commits that are nowhere else stays, and so does a branch that is not merged into what is
    checked out. Branches of your own are not looked at.
    """
    from ..run import strays

    echo(strays.clean(project, dry_run=dry_run) or ["there is nothing to clean"])
