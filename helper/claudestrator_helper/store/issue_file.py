"""The issue queue on disk."""

from collections.abc import Callable

from ..texts import queue
from . import project_files
from .paths import Project


def parsed(project: Project) -> queue.Queue:
    """The issues as they are now. Raises as `files.read`."""
    return queue.parse(project_files.text(project, project.issues))


def edit(project: Project, change: Callable[[str], str], known: str | None = None) -> None:
    """Replaces the text with what *change* makes of it. See `files.edit`."""
    project_files.edit(project, project.issues, change, known)
