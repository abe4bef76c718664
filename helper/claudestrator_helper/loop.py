"""The run as a state machine: state, queue, markers and clock in; new state, edits and directives out.

Nothing here touches the disk. Whoever applies a Step does so in the order that run.apply gives reasons for.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from . import check, ids, markers, queue, schedule, summary
from .fields import cut
from .models import stronger
from .queue import Queue
from .state import FINISHED, STOPPED, STOPPING, Agent, State
from .statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING

#: Attempts at one task, or at a decomposition, in one run.
ATTEMPTS = 2
#: Seconds after which a SPAWN that no agent has answered is printed again.
START_TIMEOUT = 180
#: Seconds after which an agent that hasn't reported has failed, and isn't tried again.
TASK_TIMEOUT = 3600
#: So many tasks that fail in a row for the same reason end the run.
SAME_FAILURES = 3
#: Seconds without a `wait` after which the time isn't counted against agents: the machine slept, or nobody was there.
ABSENCE = 60
#: Seconds between two renewals of the heartbeat.
HEARTBEAT = 15


class Inputs(NamedTuple):
    """What a step looks at: *prd* is why PRD.md can't be decomposed, or "" where it can; *now* in seconds."""

    state: State
    queue: Queue
    markers: markers.Markers
    prd: str
    now: int


@dataclass
class Step:
    """What a step decides. *settled* and *claimed* are statuses to write, by id; *fresh* and *retried* the ids whose
    old markers go; *lines* are for the person, *directives* for the orchestrator, *events* for the log."""

    state: State
    settled: dict[str, str] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    directives: list[str] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)


def next_step(inputs: Inputs) -> Step:
    """Settles every report that has come, and takes the run's next step, if there is one to take.

    A step without directives means: an agent is at work, wait on.

    """
    return _Run(inputs).step()


class _Run:
    def __init__(self, inputs: Inputs) -> None:
        self.state = attended(inputs.state, inputs.now)
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
        elif self.now - agent.claimed >= TASK_TIMEOUT:
            self.give_up(id_, agent, f"no report within {TASK_TIMEOUT // 60} minutes")
        else:
            self.keep(id_, agent)

    def keep(self, id_: str, agent: Agent) -> None:
        if self.statuses.get(id_) == PENDING:
            # A kill between the claim and the queue's edit, or a hand that set it back while its agent works.
            self.out.claimed[id_] = IN_PROGRESS
        if not self.has_started(id_, agent) and self.now - agent.spawned >= START_TIMEOUT:
            self.spawn(id_, replace(agent, spawned=self.now), "spawned again")

    def has_started(self, id_: str, agent: Agent) -> bool:
        return self.markers.started.get(id_, -1) in (None, agent.attempt)

    def task_done(self, id_: str, agent: Agent) -> None:
        self.change(id_, COMPLETED)
        self.state = replace(self.state, streak=[])
        self.drop(id_, agent, "")

    def role_done(self, id_: str, agent: Agent) -> None:
        wrong = _why_not_decomposed(self.queue)
        if wrong:
            self.attempt_failed(id_, agent, wrong)
        else:
            self.drop(id_, agent, f"{len(self.queue.tasks)} tasks")

    def drop(self, id_: str, agent: Agent, why: str) -> None:
        self.without(id_)
        self.log("done" if not why or id_ == ids.DECOMPOSITION else "dropped", id_, agent, why)
        note = f": {why}" if why and id_ != ids.DECOMPOSITION else ""
        self.out.lines.append(f"{'done' if not note else 'left'} {id_} {self.progress()}{note}")

    def attempt_failed(self, id_: str, agent: Agent, reason: str) -> None:
        if agent.failures + 1 >= ATTEMPTS:
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
        same = self.state.streak and summary.same(self.state.failed.get(self.state.streak[-1], ""), reason)
        streak = [*self.state.streak, id_] if same else [id_]
        failed = {**{key: why for key, why in self.state.failed.items() if key != id_}, id_: reason}
        self.state = replace(self.state, failed=failed, streak=streak)
        self.log("failed", id_, agent, reason)
        self.out.lines.append(f"failed {id_} {self.progress()}: {cut(reason)}")

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
        elif ids.DECOMPOSITION in self.state.failed or not (self.queue.tasks or check.unreadable(self.queue)):
            self.decompose()
        else:
            task = next(iter(schedule.ready(self.current())), None)
            self.claim(task.id, task.model) if task else self.end()

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
            self.claim(ids.DECOMPOSITION, "opus")

    def claim(self, id_: str, model: str) -> None:
        agent = Agent(self.next_attempt(id_), model, self.now, self.now)
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
        self.finish(FINISHED, summary.ending(parsed, self.state, check.unreadable(parsed)))

    def finish(self, status: str, sentence: str) -> None:
        self.state = replace(self.state, status=status, phase="")
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


def attended(state: State, now: int) -> State:
    """*state* with a fresh heartbeat, where one is due; time in which nobody waited isn't counted against agents."""
    gap = now - state.heartbeat
    if 0 <= gap < HEARTBEAT:
        return state
    shift = gap if gap < 0 or gap > ABSENCE else 0
    agents = {
        id_: replace(agent, claimed=agent.claimed + shift, spawned=agent.spawned + shift)
        for id_, agent in state.agents.items()
    }
    return replace(state, heartbeat=now, agents=agents)


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
