"""An agent has ended."""

from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


_REPORT = (
    "If {id} is done and you saw it work, run `claudestrator-helper done {id} --attempt {attempt}`; if not, run "
    "`claudestrator-helper fail {id} --attempt {attempt} 'the reason'`. Then end with the line that it prints."
)
_REMIND = "You are ending without a report, and the run is waiting for one. "
_BUSY = (
    "You are ending your turn while {jobs} is still running, and the run is waiting for your report. If you need its "
    "result, wait for it in this turn, by a call that returns when it has ended; if you don't, stop it. Then report. "
)


def answer(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours that ends without a report is asked once for it; then its failure is on record, and the wait
    returns. In auto mode Claude Code lets no hook hold an agent, so there the failure is recorded at once."""
    from ..engine import markers
    from ..store import marker_files
    from . import subagents

    id_ = subagents.task_of(project, current, event)
    agent = current.agents.get(id_)
    if agent is None or marker_files.report_of(project, id_, agent.attempt):
        return None
    again, is_free = bool(event.get("stop_hook_active")), event.get("permission_mode") == "auto"
    text = _REPORT.format(id=id_, attempt=agent.attempt)
    running = subagents.jobs(current, event, id_)
    if running:
        # What it has started will bring it back, so it has not ended, and was not asked for its report yet.
        if is_free or (again and subagents.will_be_woken(current)):
            return None
        if again:
            subagents.wait_for_end(event, running)
        marker_files.leave(project, id_, markers.HELD, agent.attempt, markers.HELD)
        return {"decision": "block", "reason": _BUSY.format(jobs=subagents.names(running)) + text}
    if is_free or (again and not marker_files.is_held(project, id_, agent.attempt)):
        marker_files.fail(project, id_, agent.attempt, markers.ENDED, markers.SILENCE)
        return None
    marker_files.remove(project, id_, markers.HELD)
    return {"decision": "block", "reason": _REMIND + text}
