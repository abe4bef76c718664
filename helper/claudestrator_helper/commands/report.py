"""The verb `report`: what a run was asked, what came of it, and what that took."""

import os
import time
from contextlib import suppress

import click

from .. import output
from ..errors import ClaudestratorError
from ..store import state_file
from ..store.paths import Project

#: While a run is at work, writing its page may take this share of the time, and no more than one core's.
_SHARE = 0.05


@click.command("report")
@click.option("--open", "opens", is_flag=True, help="Show the page in the browser.")
@click.option("--run", default="", metavar="ID", help="An earlier run [default: the last one].")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md", "json"]),
    default="html",
    metavar="FORMAT",
    help="html writes a page and prints its path; md, for a pull request, and json are printed [default: html].",
)
@click.option("--list", "lists", is_flag=True, help="List the runs that there is a report of.")
@click.option("--renew", is_flag=True, hidden=True)
@click.pass_obj
def report_verb(project: Project, *, opens: bool, run: str, form: str, lists: bool, renew: bool) -> None:
    """Show what a run was asked, what came of it, and what that took."""
    if lists:
        output.echo(_listed(project))
    elif renew:
        _renew(project)
    elif form == "html":
        output.echo(_page(project, run, opens=opens))
    else:
        output.echo(_printed(project, run, form))


def _printed(project: Project, run: str, form: str) -> list[str]:
    from ..report import earlier, model, pull_request

    report = earlier.report(project, run)
    return [pull_request.render(report) if form == "md" else output.as_json_line(model.as_object(report))]


def _page(project: Project, run: str, *, opens: bool) -> list[str]:
    from ..report import earlier, keep, layout

    report = earlier.report(project, run)
    path = keep.write(project, report)
    if opens:
        import webbrowser
        from pathlib import PurePath

        webbrowser.open(PurePath(path).as_uri())
    drawn = not report.tasks or layout.is_there()
    return [
        path,
        *([] if drawn else [f"without the picture of the dependencies: {layout.advice()} installs what draws it"]),
    ]


def _listed(project: Project) -> list[str]:
    from ..report import history, keep
    from ..store import run_log

    kept, logged = keep.runs(project), history.runs(run_log.read(project))
    runs = list(dict.fromkeys([*kept, *logged]))
    if not runs:
        raise ClaudestratorError("no run here yet: `/orchestrate` in Claude Code starts one")
    return [f"{run}  {keep.page(project, run)}" if run in kept else run for run in sorted(runs)]


def _renew(project: Project) -> None:
    """Writes the page of the last run for a `wait`, unless that was done too short a while ago for what it takes."""
    from ..report import gather, keep

    current = state_file.read(project)
    if current.unfinished:
        os.nice(10)
        with suppress(ClaudestratorError):
            # A page that was kept before says how long one takes.
            before = keep.read(project, current.run)
            if before and before.took > _SHARE * (time.time() - before.written):
                return
    keep.write(project, gather.gather(project))
