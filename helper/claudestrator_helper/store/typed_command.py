"""What the hook on a typed `/orchestrate` leaves for `start`, which runs right after it and is told less, and what the
hook on the orchestrator's Bash calls leaves for `wait`."""

import json
import os
import time
from typing import NamedTuple

from ..texts import ids
from . import files, leftovers, links
from .paths import Project

#: Seconds within which `start` follows the hook; words that have waited longer belong to a command that never ran.
_FRESH = 120


class Asking(NamedTuple):
    """The permission mode of the session, "" where no hook of ours saw it, and the processes.current() of the hook,
    which no sandbox hides. *words* is what was typed, None once it was taken; *offset* is the size that the session's
    transcript had before the words came, -1 where they aren't looked for there."""

    mode: str = ""
    process: str = ""
    words: str | None = None
    offset: int = -1


def _path(project: Project, session: str) -> str:
    """Each session has its own, because two may type at the same moment."""
    return os.path.join(project.markers, f"{leftovers.ASKED}{session if ids.is_id(session) else ''}")


def note(
    project: Project, session: str, mode: str, process: str = "", words: str | None = "", offset: int = -1
) -> None:
    found = Asking(mode, process, words, offset)._asdict()
    asked = found | {"session": session, "at": time.monotonic()}
    files.write(_path(project, session), json.dumps(asked) + "\n", within=project.bounds)


def read(project: Project, session: str) -> Asking:
    """How that session typed its last `/orchestrate`; nothing where that is unknown."""
    text = files.read(_path(project, session), project.bounds)
    try:
        asked = json.loads(text or "{}")
        if not session or asked["session"] != session:
            return Asking()
        words = asked["words"] if 0 <= time.monotonic() - asked["at"] < _FRESH else None
        known = words if isinstance(words, str) else None
        return Asking(str(asked["mode"]), str(asked["process"]), known, int(asked["offset"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Asking()


def take(project: Project, session: str) -> Asking:
    """The same, and nobody is told the words again."""
    with files.locked(project.lock):
        found = read(project, session)
        if found.words is not None or found.offset >= 0:
            note(project, session, found.mode, found.process, None)
    return found


def _permit(project: Project) -> str:
    return os.path.join(project.markers, ".permit")


def _guard(project: Project) -> str:
    return os.path.join(project.markers, ".guarded")


def guard(project: Project, *, permit: bool) -> None:
    """Keeps that a hook sees the run's calls; *permit* lets one `wait` pass, the orchestrator's next."""
    if not os.path.exists(_guard(project)):
        files.write(_guard(project), "", within=project.bounds, lasting=False)
    if permit:
        files.write(_permit(project), "", within=project.bounds, lasting=False)


def unguard(project: Project) -> None:
    """Forgets it, as a run that begins or goes on may do so with other hooks."""
    files.remove(_guard(project), project.bounds)


def admit(project: Project) -> bool:
    """Uses up what lets one `wait` pass; whether there was anything, or no hook is known that would leave it.

    Raises ClaudestratorError for something else in its place, where the hook could leave nothing.

    """
    path = _permit(project)
    links.stays(path, project.bounds)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return not os.path.exists(_guard(project))
    except OSError as error:
        raise files.refused("remove", path, error) from error
    return True
