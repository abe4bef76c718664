"""The first part of a step: settles every report that has come. engine/next_step.py does the rest."""

from ..texts import ids, queue_problems
from ..texts.fields import cut, many
from ..texts.models import stronger
from ..texts.queue import Queue
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING, SKIPPED
from . import loop_phases, markers, outage, verification
from .state import PAUSED, STOPPING, Agent
from .step_builder import StepBuilder

#: Seconds in which an orchestrator launches the agent that it was told to.
LAUNCH = 10


def settle_all(run: StepBuilder) -> None:
    verification.take(run)
    for id_, agent in list(run.state.agents.items()):
        _settle(run, id_, agent)
    _settle_late(run)
    _keep_completed(run)


def _settle(run: StepBuilder, id_: str, agent: Agent) -> None:
    found = run.markers.reports.get(id_)
    report = found if found and found.attempt in (None, agent.attempt) else None
    is_task, status = id_ in run.statuses, run.statuses.get(id_, IN_PROGRESS)
    # Where a step was killed that gave it up, the time since then may count as nobody's.
    claimed = run.inputs.state.agents[id_].claimed if status == FAILED else agent.claimed
    is_late = run.now - claimed >= 60 * run.config.task_timeout
    # A kill between the queue and the state leaves a task failed that is still to be given up.
    given_up = agent.failures + 1 >= run.config.attempts if report else is_late
    ours = (PENDING, IN_PROGRESS, FAILED) if given_up else (PENDING, IN_PROGRESS)
    if not is_task and ids.role(id_) == "task":
        run.drop(id_, agent, "no longer in the queue")
    elif report and report.kind == markers.DONE and status != SKIPPED:
        _task_done(run, id_, agent, report) if is_task else _role_done(run, id_, agent)
    elif status not in ours:
        run.drop(id_, agent, f"set to {cut(status, 30)} by hand")
    elif report and report.cause == markers.REFUSAL:
        _refused(run, id_, agent)
    elif report and report.cause == markers.UNCOMMITTED:
        _halted(run, id_, agent, report.reason)
    elif report:
        _attempt_failed(run, id_, agent, report.reason, report.cause)
    elif is_late and id_ not in run.inputs.reporting:
        run.give_up(id_, agent, f"no report within {run.config.task_timeout} minutes", markers.TIMEOUT)
    elif not run.is_over:
        _keep(run, id_, agent)
    elif _has_started(run, id_, agent):
        # Where hooks are at work, they have a report of each agent that ended by itself.
        interrupted, silent = (outage.INTERRUPTED, markers.INTERRUPTION), (markers.ENDED, markers.SILENCE)
        _attempt_failed(run, id_, agent, *(interrupted if run.state.owner.hooked else silent))
    else:
        outage.unstarted(run, id_, agent)


def _keep(run: StepBuilder, id_: str, agent: Agent) -> None:
    overdue = not _has_started(run, id_, agent) and run.now - agent.spawned >= _patience(run, id_, agent)
    # Before it was claimed: who typed `/orchestrate` again wants its SPAWN now.
    if overdue and _is_unseen(run, id_) and len(run.state.agents) > 1 and agent.spawned >= agent.claimed:
        _put_back(run, id_, agent)
        return
    if overdue:
        run.respawn(id_, agent._replace(spawned=run.now), "spawned again")
    elif run.statuses.get(id_) == PENDING:
        # A kill between the claim and the queue's edit, or a hand that set it back while its agent works.
        run.out.claimed[id_] = IN_PROGRESS


def _refused(run: StepBuilder, id_: str, agent: Agent) -> None:
    """Claude Code has started no agent, and has said so."""
    if len(run.state.agents) > 1:
        _put_back(run, id_, agent)
    else:
        run.out.retried.append(id_)
        outage.unstarted(run, id_, agent)


def _put_back(run: StepBuilder, id_: str, agent: Agent) -> None:
    """Makes a task ready again that no agent was started for, until one of the others has ended."""
    run.log("refused", id_, agent, "")
    run.out.lines.append(f"refused {id_}: no agent was started for it; it is {PENDING} again")
    run.release(id_)
    run.record(id_, refused=True)


def _halted(run: StepBuilder, id_: str, agent: Agent, why: str) -> None:
    """Makes a task ready again whose work can't be committed, for the run as it is continued."""
    run.log("lost", id_, agent, why, markers.UNCOMMITTED)
    run.out.lines.append(f"no commit of {id_}: {why}; it is {PENDING} again, with its work")
    run.release(id_)
    run.state = run.state._replace(halted=why)


def _patience(run: StepBuilder, id_: str, agent: Agent) -> int:
    """Seconds for which an agent that gives no sign of life isn't spawned again.

    A hook tells what was launched; where one is at work and has seen nothing, the SPAWN was refused, or lost in a
    compaction. It is believed once only.
    """
    return LAUNCH if _is_unseen(run, id_) and agent.spawned == agent.claimed else run.config.start_timeout


def _is_unseen(run: StepBuilder, id_: str) -> bool:
    return run.state.owner.hooked and id_ not in run.markers.launched


def _has_started(run: StepBuilder, id_: str, agent: Agent) -> bool:
    return run.markers.started.get(id_, -1) in (None, agent.attempt)


def _task_done(run: StepBuilder, id_: str, agent: Agent, report: markers.Marker) -> None:
    run.complete(id_, report)
    run.drop(id_, agent, "", ", nothing changed" if report.unchanged else "")
    run.out.events[-1]["proof"] = "gate" if report.proved else "word"


def _role_done(run: StepBuilder, id_: str, agent: Agent) -> None:
    wrong = _why_not_decomposed(run.queue) if id_ == ids.DECOMPOSITION else loop_phases.why_not_done(run, id_)
    if wrong:
        _attempt_failed(run, id_, agent, wrong)
    else:
        run.drop(id_, agent, many(len(run.queue.tasks), "task") if id_ == ids.DECOMPOSITION else "")
        run.ended.append(id_)


def _attempt_failed(run: StepBuilder, id_: str, agent: Agent, reason: str, cause: str = "") -> None:
    lost = outage.is_one(reason, cause)
    if id_ == verification.id_of(run.state) and not run.state.verification.checking:
        run.drop(id_, agent, "")
    elif run.state.status in (STOPPING, PAUSED) and (lost or _may_come_again(run, id_, agent)):
        _stop_at(run, id_, agent, reason, cause)
    elif lost:
        outage.settle(run, id_, agent, reason, cause)
    elif agent.failures + 1 >= run.config.attempts:
        run.give_up(id_, agent, reason, cause)
    else:
        run.retry(id_, agent, reason, cause)


def _may_come_again(run: StepBuilder, id_: str, agent: Agent) -> bool:
    return agent.failures + 1 < run.config.attempts or id_ not in run.statuses


def _stop_at(run: StepBuilder, id_: str, agent: Agent, reason: str, cause: str) -> None:
    """Leaves a task whose agent has failed to the run as it is continued or resumed."""
    run.log("failed", id_, agent, reason, cause)
    asked = "is paused" if run.state.status == PAUSED else "was asked to stop"
    run.out.lines.append(f"failed {id_}: {cut(reason)}; it is {PENDING} again, as the run {asked}")
    run.release(id_)
    if not outage.is_one(reason, cause):
        # An agent that carries out no task gets its last attempt again.
        failures = min(agent.failures + 1, run.config.attempts - 1)
        run.record(id_, lost=agent._replace(model=stronger(agent.model), failures=failures, reason=reason))


def _settle_late(run: StepBuilder) -> None:
    """A task that ran out of time, or whose session died, and that finished after all."""
    for id_, report in run.markers.reports.items():
        status = run.out.settled.get(id_, run.statuses.get(id_, ""))
        is_done = report.kind == markers.DONE and id_ not in run.out.fresh
        if is_done and markers.counts_late(run.state, id_, status, report.attempt):
            run.complete(id_, report)
            run.log("done", id_, None, "late")
            run.out.lines.append(f"done {id_} {run.progress()}: late")


def _keep_completed(run: StepBuilder) -> None:
    """An editor that saves an older text takes back nothing that this run has settled; `set-status` does."""
    for id_ in run.state.completed:
        if id_ not in run.state.agents and run.statuses.get(id_) in (PENDING, IN_PROGRESS):
            run.change(id_, COMPLETED)
            again = f"`claudestrator-helper set-status {id_} {PENDING}` runs it again"
            run.out.lines.append(f"kept {id_} {COMPLETED}, as the run has it: {again}")
    for id_ in run.state.failed:
        if id_ not in run.state.agents and run.statuses.get(id_) == IN_PROGRESS:
            run.change(id_, FAILED)


def _why_not_decomposed(parsed: Queue) -> str:
    if not parsed.tasks:
        return "it reported done but the queue holds no task"
    wrong = [f"line {problem.line}: {problem.text}" for problem in queue_problems.problems(parsed)]
    return f"the queue has {many(len(wrong), 'error')}, the first: {wrong[0]}" if wrong else ""
