"""The lean engine: each agent is a forked skill, which the orchestrator calls.

In the foreground the call blocks until the agent ends. In the background it returns at once, and the hook on it waits.
Either way the hook takes the run's next step, and the next directive replaces the result of the call, so a task costs
the main conversation one call and one line.
"""

import os
import time

from .. import host
from ..engine import markers
from ..engine.config import MOST_FORKED
from ..engine.state import Agent, State
from ..store import files, marker_files, skill_calls, state_file
from ..store.hidden_files import DIED
from ..store.paths import Project
from ..store.skill_calls import SKILL, SkillCall
from . import payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..texts.directives import Reply

#: What follows the model in the names of its other skills. The agent of one may still be saying its last words when
#: the place is free again, so there is one more than places.
OTHERS = tuple(f"-{number}" for number in range(2, MOST_FORKED + 2))
#: Seconds to wait for the hook that reports why an agent died, which Claude Code runs at the same time as this one.
_PATIENCE = 0.5
#: Seconds that an agent has to begin before the wait for it takes processor time, unless one has reported.
_LEAD = 0.3
Values = dict[str, object]


def is_call(current: State, given: Values) -> bool:
    """Whether this input of the Skill tool starts an agent that the run waits for."""
    return str(given.get(host.SKILL_NAME)).startswith(SKILL) and _id(given) in current.agents


def called(project: Project, current: State, given: Values) -> Values:
    """The input with which the skill is called: in the background, with the name that has been free for longest."""
    if not current.background:
        return given
    id_, wanted = _id(given), str(given[host.SKILL_NAME])
    calls = {each.skill: each for each in skill_calls.read(project)}
    order = list(calls)
    names = [wanted, *(wanted + other for other in OTHERS)]
    free = [name for name in names if name not in calls or not _is_at_work(current, calls[name])] or names
    skill = min(free, key=lambda name: order.index(name) if name in calls else -1)
    skill_calls.note(project, SkillCall(skill, id_, current.agents[id_].attempt))
    return {**given, host.SKILL_NAME: skill, host.SKILL_ARGS: id_}


def died(project: Project, name: str, error: object) -> None:
    """Records which API error ended the agent *name*, whose task is not known yet."""
    from ..engine import outage

    DIED.write(project, f"{name} {outage.reason(error)}\n")


def returned(project: Project, current: State, given: Values, got: Values) -> payload.Answer | None:
    """The answer to a Skill call that has returned; None where it started no agent. An agent that has ended without a
    report has failed."""
    if not str(given.get(host.SKILL_NAME)).startswith(SKILL) or got.get(host.STATUS) != host.FORKED:
        return None
    id_ = _id(given)
    agent = current.agents.get(id_)
    if agent and got.get(host.BACKGROUND):
        return _launched(project, current, given, got)
    if agent and not marker_files.report_of(project, id_, agent.attempt):
        marker_files.fail(project, id_, agent.attempt, *_why(project, str(got.get(host.AGENT_NAME))))
    # In the background, others may be at work: it was called while another agent of that skill was.
    reply = _waited(project, current) if current.background else _handed_over(project)
    return _answered(project, got, reply)


def _launched(project: Project, current: State, given: Values, got: Values) -> payload.Answer:
    """Notes the agent, and waits for the run's next step once the last of a message's calls has returned."""
    id_, name = _id(given), str(got.get(host.AGENT_NAME))
    attempt = current.agents[id_].attempt
    marker_files.leave(project, id_, markers.AGENT, attempt, name)
    skill_calls.note(project, SkillCall(str(given[host.SKILL_NAME]), id_, attempt, name))
    if not current.background:
        # Nothing in the environment has told it.
        with files.locked(project.lock, within=project.bounds):
            state_file.write(project, state_file.read(project)._replace(background=True))
    return _answered(project, got, _waited(project, current))


def _handed_over(project: Project) -> "Reply":
    from ..run import steps
    from ..run.live_report import LiveReport

    page = LiveReport(project)
    page.renew()
    return page.ended(steps.hand_over(project))


def _waited(project: Project, current: State) -> "Reply":
    from ..run import polling
    from ..texts.directives import WAIT, Directive, Reply

    if any(not _is_launched(project, *each) for each in current.agents.items()):
        return Reply([], [Directive(WAIT)])
    at_work = [(id_, agent.attempt) for id_, agent in current.agents.items()]
    polling.wait_until(
        lambda: any(marker_files.report_of(project, *each) for each in at_work), _LEAD, time.sleep, time.monotonic
    )
    # What comes after the step is imported here too, while there is time.
    from ..agents import reports  # noqa: F401
    from ..run import steps
    from ..run.live_report import LiveReport
    from . import progress  # noqa: F401

    page, limit = LiveReport(project), polling.LONGEST_WAIT - polling.MARGIN
    return page.ended(steps.wait_for_step(project, current.owner.session, limit, page.sleep))


def _is_launched(project: Project, id_: str, agent: Agent) -> bool:
    return bool(marker_files.name(project, id_, agent.attempt) or marker_files.report_of(project, id_, agent.attempt))


def _answered(project: Project, got: Values, reply: "Reply") -> payload.Answer:
    from . import progress

    called = [each.id for each in reply.directives if each.id]
    if len(called) == 1:
        from ..agents import starting

        starting.make(project, called[0])
    if got.get(host.BACKGROUND):
        progress.keep(project, state_file.read(project))
    return progress.of_reply(project, reply) | _replaced(got, reply)


def _replaced(got: Values, reply: "Reply") -> payload.Answer:
    """The answer that puts the directives in the place of what a call has returned. It has the shape of a failed skill,
    to which Claude Code adds no text; earlier releases add least to a skill that is not forked."""
    result = "\n".join(each.line() for each in reply.directives)
    if host.lacks(os.environ, host.BARE_RESULTS):
        output: Values = {"success": True, host.FORK_NAME: f"\n{result}", host.AGENT_NAME: got.get(host.AGENT_NAME)}
    else:
        output = {key: got[key] for key in (host.FORK_NAME, host.AGENT_NAME, host.BACKGROUND) if key in got}
        output |= host.FORK_FAILED | {host.FORK_RESULT: result}
    return payload.specific(host.POST_TOOL_USE, **{host.OUTPUT: output})


def _is_at_work(current: State, call: SkillCall) -> bool:
    agent = current.agents.get(call.id)
    return agent is not None and agent.attempt == call.attempt


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
