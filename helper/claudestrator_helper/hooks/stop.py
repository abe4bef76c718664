"""The session that has the run is about to end its turn."""

import os

from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


#: So many times a session is sent back to a run in which nothing happens. Claude Code's own cap is 8.
MOST_RETURNS = 3
_GO_ON = (
    "The run is not finished. Call Bash: command `claudestrator-helper wait`, timeout `3600000`, and obey what it "
    "prints, until STOP."
)


def answer(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """The session that has the run is sent back to it, unless an agent's end will wake it, or somebody asked the run
    to stop. It is let go where its waits change nothing, as when they are refused."""
    from ..engine import state
    from ..store import files

    if current.status != state.RUNNING or event.get("session_id") != current.session or _will_wake(current, event):
        return None
    path = os.path.join(project.markers, ".sent-back")
    seen = os.stat(project.session)
    since, _, count = (files.read(path, within=project.bounds) or "").strip().partition(" ")
    now = f"{seen.st_mtime_ns}-{seen.st_ino}"
    returns = int(count) + 1 if since == now and count.isdigit() else 1
    if returns > MOST_RETURNS:
        return None
    files.write(path, f"{now} {returns}\n", within=project.bounds)
    return {"decision": "block", "reason": _GO_ON}


def _will_wake(current: "State", event: dict[str, object]) -> bool:
    """Whether the end of an agent of the run will wake the session. Nobody wakes a headless one: Claude Code ends the
    agents of a session without a terminal ten minutes after its last turn, and itself with them."""
    if os.environ.get("CLAUDE_CODE_SESSION_ATTENDED") == "0":
        return False
    from . import subagents

    return any(task.get("description") in current.agents for task in subagents.background(event))
