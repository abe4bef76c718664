"""What the hook on a typed `/orchestrate` leaves for `start`, which runs right behind it and is told less."""

import json
import os

from . import files
from .paths import Project


def _path(project: Project) -> str:
    return os.path.join(project.markers, ".asked")


def note(project: Project, session: str, mode: str) -> None:
    files.write(_path(project), json.dumps({"session": session, "mode": mode}) + "\n", within=project.bounds)


def mode(project: Project, session: str) -> str:
    """The permission mode in which that session typed its last `/orchestrate`; "" where no hook saw it."""
    text = files.read(_path(project), project.bounds)
    try:
        asked = json.loads(text or "{}")
        return str(asked["mode"]) if session and asked["session"] == session else ""
    except (ValueError, KeyError, TypeError):
        return ""
