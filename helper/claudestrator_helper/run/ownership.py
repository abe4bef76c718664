"""Who has the run on disk, and who calls: what engine/begin_run.py asks of the machine."""

from ..engine import begin_run, state
from ..errors import ClaudestratorError
from ..system import processes


def caller(current: state.State, session: str, process: str = "", *, hooked: bool = False) -> begin_run.Caller:
    """Who calls, and whether the process that has the run lives."""
    return begin_run.Caller(
        session, process, hooked, processes.alive(current.owner.process) if current.owner.process else None
    )


def admitted(current: state.State, session: str, process: str, now: int) -> str:
    """Whose the run is, OURS or FREE. Raises ClaudestratorError where another session is at work on it."""
    found = begin_run.whose(current, caller(current, session or current.owner.session, process), now)
    if found == begin_run.TAKEN:
        raise ClaudestratorError("another session has this run: continue there, or take it over with `/orchestrate`")
    refuse_foreign(current, session, process)
    return found


def refuse_foreign(current: state.State, session: str, process: str = "") -> None:
    """Raises ClaudestratorError for a run to continue if nothing shows that it began here, as when its state
    came with a repository. No one else knows a session's id and a process; of runs that older versions left, only
    those since the machine was started are known.

    """
    if not (current.unfinished or current.status == state.STOPPED) or (session and session == current.owner.session):
        return
    if process and process == current.owner.process:
        return
    if not processes.began(current.run, current.owner.origin, current.owner.process):
        raise ClaudestratorError(
            "the run here was begun on another machine or by another user: `/orchestrate --takeover` continues it "
            "all the same; to begin anew, delete session_state.md"
        )
