"""What the hook on a typed `/orchestrate` leaves for `start`, which runs right behind it and is told less."""

import json
import os
from typing import NamedTuple

from . import files
from .paths import Project


class Asking(NamedTuple):
    """The permission mode of the session, and the owner.current() of the hook, which no sandbox hides."""

    mode: str = ""
    process: str = ""


def _path(project: Project) -> str:
    return os.path.join(project.markers, ".asked")


def note(project: Project, session: str, mode: str, process: str = "") -> None:
    asked = {"session": session, "mode": mode, "process": process}
    files.write(_path(project), json.dumps(asked) + "\n", within=project.bounds)


def read(project: Project, session: str) -> Asking:
    """How that session typed its last `/orchestrate`; nothing where no hook saw it."""
    text = files.read(_path(project), project.bounds)
    try:
        asked = json.loads(text or "{}")
        known = session and asked["session"] == session
        return Asking(str(asked["mode"]), str(asked["process"])) if known else Asking()
    except (ValueError, KeyError, TypeError):
        return Asking()
