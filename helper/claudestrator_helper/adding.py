"""The verb `add-tasks`: what `check` lets in, and no id that was a task's before."""

import os

from . import check, fields, files, state
from .errors import ClaudestratorError
from .paths import Project


def add_tasks(project: Project, addition: str) -> str:
    """Adds the sections to the queue, all or none, and says so. Raises ClaudestratorError as check.add does."""
    added: list[str] = []

    def change(text: str) -> str:
        joined, added[:] = check.add(text, addition, lambda: state.archive(project))
        _refuse_used(project, added)
        return joined

    with files.locked(project.lock):
        files.edit(project.queue, change, project.bounds)
    return f"added {len(added)}: {', '.join(fields.few(added))}"


def _refuse_used(project: Project, added: list[str]) -> None:
    """Raises ClaudestratorError where an id was a task's before: a report would be taken for another's."""
    attempts = state.read(project).attempts
    used = [id_ for id_ in added if id_ in attempts or os.path.exists(project.note(id_))]
    if used:
        raise ClaudestratorError(f"nothing was added; {', '.join(used)} was a task before: take ids that never were")
