"""An agent has ended."""

from .. import host
from ..engine.state import State
from ..errors import ClaudestratorError, TransientError
from ..store.paths import Project
from .payload import Answer, block

_REPORT = (
    "If {id} is done and you saw it work, run `claudestrator-helper done {id} --attempt {attempt}`; if not, run "
    "`claudestrator-helper fail {id} --attempt {attempt} 'the reason'`. Then end with the line that it prints."
)
_REPORT_BY_MESSAGE = (
    "If {id} is done and you saw it work, end with a message that begins with the line `REPORT {id} attempt {attempt}: "
    "done`; if not, with `REPORT {id} attempt {attempt}: failed` and the reason below it."
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

    id_ = _task(project, current, event)
    agent = current.agents.get(id_)
    wrong = _take_message(project, current, id_, event)
    if agent is None or marker_files.report_of(project, id_, agent.attempt):
        return None
    again, is_free = bool(event.get(host.HOOK_ACTIVE)), event.get(host.MODE) == host.AUTO
    if wrong and not again:
        return block(wrong)
    text = _report(project, current, id_).format(id=id_, attempt=agent.attempt)
    if running := subagents.jobs(current, event, id_):
        # The end of its job will wake it, so it has not ended, and it has not been asked for its report yet.
        marker_files.leave(project, id_, markers.HELD, agent.attempt, markers.HELD)
        if is_free or (again and subagents.will_be_woken(current)):
            return None
        if again:
            subagents.wait_for_end(event, running)
        return block(_BUSY.format(jobs=subagents.names(running)) + text)
    if is_free or (again and not marker_files.is_held(project, id_, agent.attempt)):
        if not (is_free and current.engine == "mod"):  # which sees the report where no hook does
            marker_files.fail(project, id_, agent.attempt, markers.ENDED, markers.SILENCE)
        return None
    marker_files.remove(project, id_, markers.HELD)
    return block(_REMIND + text)


def _task(project: Project, current: State, event: dict[str, object]) -> str:
    """The task of the agent; "" too where every agent of the run has reported by a call, as it takes longest to find
    out whose the agent in the foreground is."""
    from ..store import marker_files
    from . import subagents

    agents = current.agents.items()
    if current.engine != "mod" and all(marker_files.report_of(project, id_, each.attempt) for id_, each in agents):
        return ""
    return subagents.task_of(project, current, event)


def _report(project: Project, current: State, id_: str) -> str:
    from ..agents import final_message

    by_message = current.engine == "mod" and not final_message.has_to_call(project, id_, current)
    return _REPORT_BY_MESSAGE if by_message else _REPORT


def _take_message(project: Project, current: State, id_: str, event: dict[str, object]) -> str:
    """Records the last message of a mod's agent, if it is a report; returns why the report does not hold, or ""."""
    if current.engine != "mod" or id_ not in current.agents:
        return ""
    from ..agents import final_message

    try:
        final_message.take(project, id_, current.agents[id_].attempt, str(event.get(host.LAST_MESSAGE) or ""))
    except TransientError:
        raise  # the agent can't help it, and the mod takes the report, too
    except ClaudestratorError as error:
        return str(error)
    return ""
