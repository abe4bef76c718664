"""The texts of a project: what the modules of this package read and write, and no link may lead out of it."""

import os
from collections.abc import Callable

from ..errors import ClaudestratorError
from . import files
from .paths import Project


def read(project: Project, path: str) -> str | None:
    """The text; None if there is no file. Raises as `files.read`."""
    return files.read(path, project.bounds)


def text(project: Project, path: str) -> str:
    """The text, "" if there is no file. Raises as `files.read`."""
    return files.read(path, project.bounds) or ""


def present(project: Project, path: str) -> str:
    """The same, of a file that an editor may have moved away for a moment."""
    return files.present(path, project.bounds)


def write(project: Project, path: str, content: str, *, lasting: bool = True) -> None:
    """Replaces the text. Raises as `files.write`, and if the project is no longer there."""
    _refuse_moved(project)
    files.write(path, content, project.bounds, lasting=lasting)


def edit(project: Project, path: str, change: Callable[[str], str], known: str | None = None) -> str:
    """Replaces the text with what *change* makes of it. See `files.edit`."""
    _refuse_moved(project)
    return files.edit(path, change, project.bounds, known)


def remove(project: Project, path: str) -> None:
    files.remove(path, project.bounds)


def _refuse_moved(project: Project) -> None:
    """What a call writes whose project a person moves meanwhile would be lost in a new folder in the old place."""
    if not os.path.isdir(project.root):
        raise ClaudestratorError(f"{project.root} is no longer there: try again where it is now")
