"""Notes from hooks: from a typed `/orchestrate` for `start`, which runs right after it and is told less, and from the
orchestrator's Bash calls for `wait`."""

import json
import os
import time
from typing import NamedTuple

from ..errors import ClaudestratorError
from ..texts import ids
from . import files, leftovers
from .paths import Project

#: Seconds within which `start` follows the hook; older words belong to a command that never ran.
_FRESH = 120


class Asking(NamedTuple):
    """How `/orchestrate` was typed. *mode* is the session's permission mode, "" if no hook of ours saw it; *process* is
    processes.current() of the hook, which no sandbox hides. *words* are the typed words, None once they are taken.
    *offset* is the size of the session's transcript, in bytes, before the words came; -1 if they come from a hook."""

    mode: str = ""
    process: str = ""
    words: str | None = None
    offset: int = -1


def _path(project: Project, session: str) -> str:
    """A file for each session, because two may type at the same moment."""
    return os.path.join(project.markers, f"{leftovers.ASKED}{session if ids.is_id(session) else ''}")


def note(
    project: Project, session: str, mode: str, process: str = "", words: str | None = "", offset: int = -1
) -> None:
    """Records how *session* typed `/orchestrate`; see Asking. Raises ClaudestratorError if it can't be written."""
    found = Asking(mode, process, words, offset)._asdict()
    asked = found | {"session": session, "at": time.monotonic()}
    files.write(_path(project, session), json.dumps(asked) + "\n", within=project.bounds)


def read(project: Project, session: str) -> Asking:
    """How *session* typed its last `/orchestrate`; an empty Asking if that is unknown."""
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
    """The same as `read`, and the words are gone afterwards."""
    with files.locked(project.lock):
        found = read(project, session)
        if found.words is not None or found.offset >= 0:
            note(project, session, found.mode, found.process, None)
    return found


def _permit(project: Project) -> str:
    return os.path.join(project.markers, ".permit")


def permit(project: Project) -> None:
    """Permits one `wait`, which the orchestrator is about to call."""
    files.write(_permit(project), "", within=project.bounds, lasting=False)


def admit(project: Project) -> None:
    """Uses up the permit for one `wait`, because a call's environment does not say whether an agent made the call.
    Raises ClaudestratorError if there is none."""
    try:
        os.unlink(_permit(project))
    except OSError:
        only = "only the orchestrator's own call waits here, and an agent ends with its report"
        raise ClaudestratorError(f"{only}; where hooks were switched off, type /orchestrate again") from None
