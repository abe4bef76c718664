"""The verb `context`."""

import click

from .. import output
from ..output import as_json_line
from ..store import paths


@click.command("context")
@click.argument("transcript", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@click.pass_obj
def context_verb(project: paths.Project, transcript: str | None, as_json: bool) -> None:
    """Show what the last run, or the last run in TRANSCRIPT, cost the orchestrator's context."""
    from ..accounts import report
    from ..accounts import run_cost as accounts

    account = accounts.of_transcript(project, transcript) if transcript else accounts.of_project(project)
    output.echo([as_json_line(report.as_object(account))] if as_json else report.lines(account))
