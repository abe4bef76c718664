"""What a person asks of a run between its steps: to stop, to pause, to resume. Each is kept in the state, which the
run's next step obeys, whoever takes it."""

import time
from dataclasses import replace

from ..engine import heartbeat, state
from ..store import files, run_log, state_file
from ..store.paths import Project

_NOTHING = "Nothing is running here."


def stop(project: Project) -> str:
    """Asks the run to end at its next step. Returns what to tell the person."""
    current = _ask(project, state.STOPPING, (state.RUNNING, state.PAUSED, state.STOPPING))
    if current is None:
        return _NOTHING
    names = ", ".join(current.agents)
    return f"The run will stop once {names} has reported." if names else "The run will stop at its next step."


def pause(project: Project) -> str:
    """Asks the run to start no agent until it is resumed. Returns what to tell the person."""
    current = _ask(project, state.PAUSED, (state.RUNNING, state.PAUSED))
    if current is None:
        stopping = state_file.read(project).status == state.STOPPING
        return "The run is stopping already: `/orchestrate` continues it." if stopping else _NOTHING
    names = ", ".join(current.agents)
    at_work = f" once {names} has reported" if names else ""
    return f"The run pauses{at_work}; `claudestrator-helper resume` continues it."


def resume(project: Project, now: float | None = None) -> str:
    """Lets a paused run start agents again. Returns what to tell the person."""
    current = _ask(project, state.RUNNING, (state.PAUSED,))
    if current is None:
        return (
            "The run is not paused." if state_file.read(project).unfinished else f"{_NOTHING} /orchestrate starts it."
        )
    # Its session may have ended its turn meanwhile, or died.
    heard = heartbeat.fresh(current, int(time.time() if now is None else now))
    return "The run continues." if heard else "The run may start agents again: type /orchestrate to continue it."


def _ask(project: Project, status: str, among: tuple[str, ...]) -> state.State | None:
    """The state before its run got that status; None if its own is not *among* those that may get it."""
    if state_file.read(project).status not in among:
        return None
    with files.locked(project.lock):
        current = state_file.read(project)
        if current.status not in among:
            return None
        if current.status != status:
            state_file.write(project, replace(current, status=status))
            run_log.append(project, current, [{"event": _EVENTS[status]}], time.time())
    return current


_EVENTS = {state.STOPPING: "asked to stop", state.PAUSED: "paused", state.RUNNING: "resumed"}
