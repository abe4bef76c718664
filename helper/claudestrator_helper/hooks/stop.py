"""The session that has the run is about to end its turn."""

import os

from .. import host
from ..engine.state import State
from ..store.paths import Project
from .payload import Answer, block

#: How often a session is sent back to a run in which nothing happens; host.STOP_BLOCKS is Claude Code's own limit.
MOST_RETURNS = 3
_GO_ON = (
    "The run is not finished. Call Bash: command `claudestrator-helper wait`, timeout `3600000`, and obey what it "
    "prints, until STOP."
)


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Sends the session back to its run, unless an agent's end will wake it: a run that was asked to stop ends by a
    `wait`, too. The session may end where its waits change nothing, for example because they are refused."""
    from ..engine import state
    from ..store.hidden_files import SENT_BACK

    if (
        current.engine == "mod"
        or current.status not in (state.RUNNING, state.STOPPING)
        or event.get(host.SESSION) != current.owner.session
        or _will_wake(current, event)
    ):
        return None
    seen = os.stat(project.session)
    since, _, count = SENT_BACK.read(project).strip().partition(" ")
    now = f"{seen.st_mtime_ns}-{seen.st_ino}"
    returns = int(count) + 1 if since == now and count.isdigit() else 1
    if returns > MOST_RETURNS:
        return None
    SENT_BACK.write(project, f"{now} {returns}\n")
    return block(_GO_ON)


def _will_wake(current: State, event: dict[str, object]) -> bool:
    """Whether the end of an agent of the run will wake the session. A headless session is never woken: Claude Code ends
    its agents, and then itself, ten minutes after its last turn (measured on 2.1.329)."""
    if os.environ.get(host.ATTENDED) == "0":
        return False
    from . import subagents

    return any(subagents.described(task) in current.agents for task in subagents.background(event))
