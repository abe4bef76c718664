"""The run as a state machine: state, queue, markers and clock in; new state, edits and directives out.

Nothing here touches the disk. Whoever applies a Step does so in the order that run.apply gives reasons for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from . import check, heartbeat, ids, improve, markers, queue, schedule, summary
from .config import Config
from .fields import cut
from .models import stronger
from .queue import Queue, Task
from .state import FINISHED, STOPPED, STOPPING, Agent, State
from .statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING

#: So many tasks that fail in a row for the same reason end the run.
SAME_FAILURES = 3
NO_ISSUES = queue.parse("")


class Inputs(NamedTuple):
    """What a step looks at: *prd* is why PRD.md can't be decomposed, or "" where it can; *now* in seconds; *issues* the
    issue queue; *model* names that of an agent that carries out no task, by its role."""

    state: State
    queue: Queue
    markers: markers.Markers
    prd: str
    now: int
    config: Config = Config()
    issues: Queue = NO_ISSUES
    model: Callable[[str], str] = lambda _: "opus"


@dataclass(eq=False, repr=False, match_args=False)
class Step:
    """What a step decides. *settled* and *claimed* are statuses to write, by id; *fresh* and *retried* the ids whose
    old markers go; *lines* are for the person, *directives* for the orchestrator, *events* for the log. *close* asks
    for the loop's commit and snapshot, after which another step is due."""

    state: State
    settled: dict[str, str] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    directives: list[str] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    close: bool = False


def next_step(inputs: Inputs) -> Step:
    """Settles every report that has come, and takes the run's next step, if there is one to take.

    A step with neither directives nor a loop to close means: an agent is at work, wait on.

    """
    return Run(inputs).step()


class Run:
    """One step in the making; improve.py has the phases of a loop."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.config = inputs, inputs.config
        self.state = heartbeat.attended(inputs.state, inputs.now)
        self.queue, self.markers, self.prd, self.now = inputs.queue, inputs.markers, inputs.prd, inputs.now
        self.out = Step(self.state)
        self.statuses = {task.id: task.status for task in self.queue.tasks}

    def step(self) -> Step:
        for id_, agent in list(self.state.agents.items()):
            self.settle(id_, agent)
        self.settle_late()
        if not self.out.directives and not self.state.agents:
            self.dispatch()
        self.out.state = self.state
        return self.out

    # Reports

    def settle(self, id_: str, agent: Agent) -> None:
        report = self.markers.reports.get(id_)
        is_task = id_ in self.statuses
        if report and report.attempt in (None, agent.attempt):
            if report.kind == markers.FAILED:
                self.attempt_failed(id_, agent, report.reason)
            elif is_task:
                self.task_done(id_, agent)
            else:
                self.role_done(id_, agent)
        elif is_task and self.statuses[id_] in (COMPLETED, FAILED):
            self.drop(id_, agent, f"set to {self.statuses[id_]} by hand")
        elif not is_task and not ids.ROLE.fullmatch(id_):
            self.drop(id_, agent, "no longer in the queue")
        elif self.now - agent.claimed >= 60 * self.config.task_timeout:
            self.give_up(id_, agent, f"no report within {self.config.task_timeout} minutes")
        else:
            self.keep(id_, agent)

    def keep(self, id_: str, agent: Agent) -> None:
        if self.statuses.get(id_) == PENDING:
            # A kill between the claim and the queue's edit, or a hand that set it back while its agent works.
            self.out.claimed[id_] = IN_PROGRESS
        if not self.has_started(id_, agent) and self.now - agent.spawned >= self.config.start_timeout:
            self.spawn(id_, replace(agent, spawned=self.now), "spawned again")

    def has_started(self, id_: str, agent: Agent) -> bool:
        return self.markers.started.get(id_, -1) in (None, agent.attempt)

    def task_done(self, id_: str, agent: Agent) -> None:
        self.change(id_, COMPLETED)
        self.state = replace(self.state, streak=[])
        self.drop(id_, agent, "")

    def role_done(self, id_: str, agent: Agent) -> None:
        wrong = _why_not_decomposed(self.queue) if id_ == ids.DECOMPOSITION else improve.why_not_done(self, id_)
        if wrong:
            self.attempt_failed(id_, agent, wrong)
        else:
            self.drop(id_, agent, f"{len(self.queue.tasks)} tasks" if id_ == ids.DECOMPOSITION else "")
            improve.advance(self, id_)

    def drop(self, id_: str, agent: Agent, why: str) -> None:
        self.without(id_)
        self.log("done" if not why or id_ == ids.DECOMPOSITION else "dropped", id_, agent, why)
        note = f": {why}" if why and id_ != ids.DECOMPOSITION else ""
        self.out.lines.append(f"{'done' if not note else 'left'} {id_} {self.progress()}{note}")

    def attempt_failed(self, id_: str, agent: Agent, reason: str) -> None:
        if agent.failures + 1 >= self.config.attempts:
            self.give_up(id_, agent, reason)
        else:
            self.retry(id_, agent, reason)

    def retry(self, id_: str, agent: Agent, reason: str) -> None:
        again = Agent(self.next_attempt(id_), stronger(agent.model), self.now, self.now, agent.failures + 1, reason)
        self.log("failed", id_, agent, reason)
        self.out.lines.append(f"failed {id_}: {cut(reason)}; retrying with {again.model}")
        self.out.retried.append(id_)
        self.spawn(id_, again, "spawned")

    def give_up(self, id_: str, agent: Agent, reason: str) -> None:
        self.without(id_)
        self.change(id_, FAILED)
        failed = {**{key: why for key, why in self.state.failed.items() if key != id_}, id_: reason}
        self.state = replace(self.state, failed=failed, streak=self.streak(id_, reason))
        self.log("failed", id_, agent, reason)
        self.out.lines.append(f"failed {id_} {self.progress()}: {cut(reason)}")
        improve.advance(self, id_)

    def streak(self, id_: str, reason: str) -> list[str]:
        """The different tasks that failed in a row for that reason; agents that carry out none don't count."""
        before = self.state.streak
        if id_ not in self.statuses:
            return before
        same = before and summary.same(self.state.failed.get(before[-1], ""), reason)
        return [*(each for each in before if each != id_), id_] if same else [id_]

    def settle_late(self) -> None:
        """A task that ran out of time, or whose session died, and that finished after all."""
        for id_, report in self.markers.reports.items():
            status = self.out.settled.get(id_, self.statuses.get(id_, ""))
            if report.kind == markers.DONE and counts_late(self.state, id_, status, report.attempt):
                self.change(id_, COMPLETED)
                failed = {key: why for key, why in self.state.failed.items() if key != id_}
                self.state = replace(self.state, failed=failed, streak=[])
                self.log("done", id_, None, "late")
                self.out.lines.append(f"done {id_} {self.progress()}: late")

    # The next step

    def dispatch(self) -> None:
        if self.state.status == STOPPING:
            counted = summary.counts(self.statuses.values())
            self.finish(STOPPED, f"The run has stopped, as asked: {counted}. `/orchestrate` goes on with it.")
        elif not self.state.unfinished:
            self.nothing_runs()
        elif len(self.state.streak) >= SAME_FAILURES:
            self.finish(FINISHED, summary.streak(self.state, summary.counts(self.statuses.values())))
        elif ids.DECOMPOSITION in self.state.failed or self.is_undecomposed():
            self.decompose()
        elif self.improving():
            improve.dispatch(self)
        else:
            task = self.ready()
            self.claim(task.id, task.model) if task else self.end()

    def improving(self) -> bool:
        return self.state.loops > 0 and self.state.initial_prd_tasks_complete

    def is_undecomposed(self) -> bool:
        return not (self.improving() or self.queue.tasks or check.unreadable(self.queue))

    def ready(self) -> Task | None:
        return next(iter(schedule.ready(self.current())), None)

    def nothing_runs(self) -> None:
        parsed = self.current()
        last = summary.ending(parsed, self.state, check.unreadable(parsed)) if self.state.run else ""
        self.out.directives.append(f"STOP No run is going on here: `/orchestrate` starts one. {last}".rstrip())

    def decompose(self) -> None:
        reason = self.state.failed.get(ids.DECOMPOSITION)
        if reason:
            why = f"The decomposition of PRD.md failed: {cut(reason)}."
            self.finish(FINISHED, f"{why} Mend PRD.md and type `/orchestrate` again.")
        elif self.prd:
            self.finish(FINISHED, self.prd)
        else:
            self.claim_role(ids.DECOMPOSITION)

    def claim(self, id_: str, model: str) -> None:
        agent = Agent(self.next_attempt(id_), model, self.now, self.now)
        if not self.improving():
            self.state = replace(self.state, phase=ids.DECOMPOSITION if id_ == ids.DECOMPOSITION else "tasks")
        self.out.fresh.append(id_)
        if id_ in self.statuses:
            self.out.claimed[id_] = IN_PROGRESS
        self.spawn(id_, agent, "spawned")

    def end(self) -> None:
        parsed = self.current()
        complete = schedule.select(parsed, check.unreadable(parsed)).reason == schedule.COMPLETE
        if complete:
            self.state = replace(self.state, initial_prd_tasks_complete=True)
        if complete and self.state.loops:
            self.state = replace(self.state, phase="")
            improve.dispatch(self)
        else:
            self.finish(FINISHED, summary.ending(parsed, self.state, check.unreadable(parsed)))

    def finish(self, status: str, sentence: str) -> None:
        # A run that was stopped goes on in its phase.
        self.state = replace(self.state, status=status, phase=self.state.phase if status == STOPPED else "")
        self.log(status, "", None, "")
        self.out.directives.append(f"STOP {sentence}")

    # Parts

    def spawn(self, id_: str, agent: Agent, event: str) -> None:
        self.state = replace(
            self.state,
            agents={**self.state.agents, id_: agent},
            attempts={**self.state.attempts, id_: agent.attempt},
            released={key: attempt for key, attempt in self.state.released.items() if key != id_},
        )
        self.log(event, id_, agent, "")
        self.out.directives.append(f"SPAWN {id_} {agent.model}")

    def claim_role(self, id_: str) -> None:
        self.claim(id_, self.inputs.model(ids.role(id_)))

    def next_attempt(self, id_: str) -> int:
        return self.state.attempts.get(id_, 0) + 1

    def without(self, id_: str) -> None:
        agents = {key: agent for key, agent in self.state.agents.items() if key != id_}
        self.state = replace(self.state, agents=agents)

    def change(self, id_: str, status: str) -> None:
        if id_ in self.statuses and self.statuses[id_] != status:
            self.statuses[id_] = status
            self.out.settled[id_] = status

    def current(self) -> Queue:
        """The queue as it is once this step's settlements are written."""
        return queue.edited(self.queue, self.out.settled)

    def progress(self) -> str:
        done = sum(status == COMPLETED for status in self.statuses.values())
        return f"({done}/{len(self.statuses)})"

    def log(self, event: str, id_: str, agent: Agent | None, why: str) -> None:
        entry: dict[str, object] = {"event": event, "id": id_} if id_ else {"event": event}
        if agent:
            entry |= {
                "attempt": agent.attempt,
                "model": agent.model,
                "seconds": max(0, self.now - agent.claimed),
            }
        self.out.events.append(entry | ({"reason": why} if why else {}))


def _why_not_decomposed(parsed: Queue) -> str:
    if not parsed.tasks:
        return "it reported done but the queue holds no task"
    wrong = [f"line {problem.line}: {problem.text}" for problem in check.problems(parsed)]
    return f"the queue has {len(wrong)} errors, the first: {wrong[0]}" if wrong else ""


def counts_late(state: State, id_: str, status: str, attempt: int | None) -> bool:
    """Whether a `done` of a task that no agent of the run has any more completes it."""
    if id_ in state.agents or id_ not in state.attempts:
        return False
    if status == PENDING:
        return attempt is not None and attempt == state.released.get(id_)
    return status == FAILED and attempt in (None, state.attempts[id_])
