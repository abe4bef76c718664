"""The lean engine: each agent is a forked skill. The orchestrator calls it and is blocked until the agent ends.

The hook on that call takes the run's next step. The next directive replaces the result of the call, so a task costs the
main conversation one call and one line.
"""

import time

from .. import host
from ..engine import markers, outage
from ..engine.state import State
from ..store import marker_files
from ..store.hidden_files import DIED
from ..store.paths import Project
from . import payload

#: The skills' names, without the model at the end.
SKILL = "claudestrator:work-"
#: Seconds to wait for the hook that reports why an agent died, which Claude Code runs at the same time as this one.
_PATIENCE = 0.5
Values = dict[str, object]


def is_call(current: State, given: Values) -> bool:
    """Whether this input of the Skill tool starts an agent that the run waits for."""
    return str(given.get(host.SKILL_NAME)).startswith(SKILL) and _id(given) in current.agents


def died(project: Project, name: str, error: object) -> None:
    """Records which API error ended the agent *name*, whose task is not known yet."""
    DIED.write(project, f"{name} {outage.reason(error)}\n")


def ended(project: Project, current: State, given: Values, got: Values) -> payload.Answer | None:
    """The answer to a Skill call that has returned; None where it started no agent. An agent without a report has
    failed. The result has the shape of a failed skill, because Claude Code adds no text to that (measured on
    2.1.329)."""
    if not str(given.get(host.SKILL_NAME)).startswith(SKILL) or got.get(host.STATUS) != host.FORKED:
        return None
    id_ = _id(given)
    agent = current.agents.get(id_)
    if agent and not marker_files.report_of(project, id_, agent.attempt):
        marker_files.fail(project, id_, agent.attempt, *_why(project, str(got.get(host.AGENT_NAME))))
    from ..run import steps
    from ..run.live_report import LiveReport
    from ..texts.directives import STOP, WORK

    page = LiveReport(project)
    page.renew()
    reply = page.ended(steps.hand_over(project))
    output = {key: got.get(key) for key in host.FORK_NAMES}
    output |= host.FORK_FAILED | {host.FORK_RESULT: "\n".join(each.line() for each in reply.directives)}
    # Claude Code shows only the name of the call.
    now = [f"now {each.id}" for each in reply.directives if each.kind == WORK]
    said = {host.MESSAGE: "\n".join([*reply.lines, *now])} if reply.lines or now else {}
    over = [payload.notified(each.sentence) for each in reply.directives if each.kind == STOP]
    return {**said, **(over[0] if over else {})} | payload.specific(host.POST_TOOL_USE, **{host.OUTPUT: output})


def _id(given: Values) -> str:
    return str(given.get(host.SKILL_ARGS) or "").strip()


def _why(project: Project, name: str) -> tuple[str, str]:
    """The reason and the cause of an agent's end: an API error, or silence where it ended by itself."""
    deadline = time.monotonic() + _PATIENCE
    while not (why := _told(project, name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return (why, markers.API) if why else (markers.ENDED, markers.SILENCE)


def _told(project: Project, name: str) -> str:
    found, _, why = DIED.read(project).strip().partition(" ")
    return why if found == name else ""
