"""The reports that are kept, a page and its JSON for each run, in a folder that git ignores."""

import json
import os
import time
from dataclasses import replace

from ..errors import ClaudestratorError
from ..output import as_json_line
from ..store import files, project_files, state_file
from ..store.paths import Project
from ..texts import ids
from . import model
from .model import Report

#: The runs whose reports are kept, the latest ones.
RUNS = 50
_PAGE, _DATA = ".html", ".json"


def page(project: Project, run: str) -> str:
    """The path of a run's page. Raises ClaudestratorError for a name that is no run's."""
    return os.path.join(project.reports, ids.checked(run) + _PAGE)


def write(project: Project, report: Report) -> str:
    """Keeps the report and its page, and forgets the oldest ones. Returns the path of the page. Raises
    ClaudestratorError if they can't be written."""
    from . import page as pages

    begun = time.perf_counter()
    html = pages.render(report)
    report = replace(report, took=round(report.took + time.perf_counter() - begun, 3))
    path = page(project, report.run.id)
    with files.locked(os.path.join(project.reports, ".lock"), within=project.bounds):
        # A run that has ended meanwhile has its last page, or will get it.
        if not report.is_live or state_file.read(project).unfinished:
            _put(project, report, path, html)
    return path


def _put(project: Project, report: Report, path: str, html: str) -> None:
    ignore = os.path.join(project.reports, ".gitignore")
    if not os.path.lexists(ignore):
        project_files.write(project, ignore, "*\n", lasting=False)
    project_files.write(project, _data(path), as_json_line(model.as_object(report)) + "\n", lasting=False)
    project_files.write(project, path, html, lasting=False)
    for run in runs(project)[:-RUNS]:
        for suffix in (_PAGE, _DATA):
            project_files.remove(project, os.path.join(project.reports, run + suffix))


def read(project: Project, run: str) -> Report | None:
    """The report that was kept of a run; None if none was. Raises ClaudestratorError for an unreadable file."""
    path = _data(page(project, run))
    text = project_files.read(project, path)
    if text is None:
        return None
    try:
        return model.of_object(json.loads(text), path)
    except (ValueError, RecursionError) as error:
        raise ClaudestratorError(f"{path} is damaged: delete it, and the report is made again") from error


def runs(project: Project) -> list[str]:
    """The runs of which a report is kept, the oldest first: a run's name begins with its time."""
    found = map(os.path.splitext, files.names(project.reports))
    return sorted(stem for stem, suffix in found if suffix == _DATA and ids.is_id(stem))


def _data(path: str) -> str:
    return path.removesuffix(_PAGE) + _DATA
