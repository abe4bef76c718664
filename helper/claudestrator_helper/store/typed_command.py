"""Notes from hooks: from a typed `/orchestrate` for `start`, which runs right after it and is told less, and from the
orchestrator's Bash calls for `wait`."""

import os
import time

from ..texts import ids
from ..texts.named_tuples import NamedTuple
from . import files, leftovers, links, project_files
from .hidden_files import GUARDED, PERMIT
from .paths import Project

#: A permission mode that nothing has told yet, and what begins one that was told after the start.
UNKNOWN, NEW = "unknown", "new "
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
    import json

    found = Asking(mode, process, words, offset)._asdict()
    asked = found | {"session": session, "at": time.monotonic()}
    project_files.write(project, _path(project, session), json.dumps(asked) + "\n")


def read(project: Project, session: str) -> Asking:
    """How *session* typed its last `/orchestrate`; an empty Asking if that is unknown."""
    import json

    text = project_files.text(project, _path(project, session))
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
    with files.locked(project.lock, within=project.bounds):
        found = read(project, session)
        if found.words is not None or found.offset >= 0:
            note(project, session, found.mode, found.process, None)
    return found


def guard(project: Project, *, permit: bool, turn: str = "") -> None:
    """Records that a hook sees the run's calls; *permit* lets the orchestrator's next `wait` pass, in that *turn*."""
    if permit or not GUARDED.exists(project):
        GUARDED.write(project, turn if permit else "")
    if permit:
        PERMIT.write(project, "")


def turn(project: Project) -> str:
    """The turn of the orchestrator's last `wait`, by Claude Code's id of its prompt; "" if that is unknown."""
    return GUARDED.read(project)


def unguard(project: Project) -> None:
    """Forgets the record, because a run may begin or continue with other hooks."""
    GUARDED.remove(project)


def admit(project: Project) -> bool:
    """Uses up the permit for one `wait`, because a call's environment does not say whether an agent made the call.

    Returns whether there was a permit, or no hook is known that would leave one. Raises ClaudestratorError if something
    else is in its place, so that the hook could leave nothing.

    """
    path = PERMIT.path(project)
    links.stays(path, project.bounds)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return not GUARDED.exists(project)
    except OSError as error:
        raise files.refused("remove", path, error) from error
    return True
