"""An agent has ended."""

from .. import host
from ..engine.state import State
from ..store.paths import Project
from .payload import Answer, block

_REPORT = (
    "If {id} is done and you saw it work, run `claudestrator-helper done {id} --attempt {attempt}`; if not, run "
    "`claudestrator-helper fail {id} --attempt {attempt} 'the reason'`. Then end with the line that it prints."
)
_REMIND = "You are ending without a report, and the run is waiting for one. "
_BUSY = (
    "You are ending your turn while {jobs} is still running, and the run is waiting for your report. If you need its "
    "result, wait for it in this turn, by a call that returns when it has ended; if you don't, stop it. Then report. "
)


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Asks an agent of the run that ends without a report for it, once. If it ends silently again, its failure is
    recorded and the wait returns. In auto mode no hook can hold an agent, so the failure is recorded at once."""
    from ..engine import markers
    from ..store import marker_files
    from . import subagents

    id_ = subagents.task_of(project, current, event)
    agent = current.agents.get(id_)
    if agent is None or marker_files.report_of(project, id_, agent.attempt):
        return None
    again, is_free = bool(event.get(host.HOOK_ACTIVE)), event.get(host.MODE) == host.AUTO
    text = _REPORT.format(id=id_, attempt=agent.attempt)
    running = subagents.jobs(current, event, id_)
    if running:
        # The end of its job will wake it, so it has not ended, and it has not been asked for its report yet.
        if is_free or (again and subagents.will_be_woken(current)):
            return None
        if again:
            subagents.wait_for_end(event, running)
        marker_files.leave(project, id_, markers.HELD, agent.attempt, markers.HELD)
        return block(_BUSY.format(jobs=subagents.names(running)) + text)
    if is_free or (again and not marker_files.is_held(project, id_, agent.attempt)):
        marker_files.fail(project, id_, agent.attempt, markers.ENDED, markers.SILENCE)
        return None
    marker_files.remove(project, id_, markers.HELD)
    return block(_REMIND + text)
