"""One step of a run, up to where every report that has come is settled; engine/next_step.py goes on from there."""

from collections.abc import Container
from dataclasses import replace

from ..texts import ids, queue, queue_problems, schedule
from ..texts.fields import cut
from ..texts.models import stronger
from ..texts.queue import Queue, Task
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING
from . import heartbeat, loop_phases, markers, outage, sentences, verification
from .config import LEAN, TASK
from .state import STOPPED, STOPPING, Agent, State
from .step import Inputs, Step

#: Seconds in which an orchestrator launches the agent that it was told to.
LAUNCH = 10
_SPAWN = "SPAWN"
#: What starts an agent, by the engine.
_WORDS = {TASK: _SPAWN, LEAN: "WORK"}


class Settlement:
    """What all of a step works on: *state* and *statuses* as they become, *out* as it will be applied."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.config = inputs, inputs.config
        # Nobody waits while an agent is at work in the foreground.
        self.is_over = inputs.alone and inputs.state.engine == LEAN
        before = replace(inputs.state, heartbeat=inputs.now) if self.is_over else inputs.state
        self.state = heartbeat.attended(before, inputs.now)
        self.queue, self.markers, self.prd, self.now = inputs.queue, inputs.markers, inputs.prd, inputs.now
        self.out = Step(self.state)
        self.statuses = {task.id: task.status for task in self.queue.tasks}
        self.edited: Queue | None = None

    def settle_all(self) -> None:
        verification.take(self)
        for id_, agent in list(self.state.agents.items()):
            self.settle(id_, agent)
        self.settle_late()
        self.keep_completed()

    def settle(self, id_: str, agent: Agent) -> None:
        found = self.markers.reports.get(id_)
        report = found if found and found.attempt in (None, agent.attempt) else None
        is_task, status = id_ in self.statuses, self.statuses.get(id_, IN_PROGRESS)
        is_late = self.now - agent.claimed >= 60 * self.config.task_timeout
        # A kill between the queue and the state leaves a task failed that is still to be given up.
        given_up = agent.failures + 1 >= self.config.attempts if report else is_late
        ours = (PENDING, IN_PROGRESS, FAILED) if given_up else (PENDING, IN_PROGRESS)
        if not is_task and not ids.ROLE.fullmatch(id_):
            self.drop(id_, agent, "no longer in the queue")
        elif report and report.kind == markers.DONE:
            self.task_done(id_, agent, report) if is_task else self.role_done(id_, agent)
        elif status not in ours:
            self.drop(id_, agent, f"set to {cut(status, 30)} by hand")
        elif report:
            self.attempt_failed(id_, agent, report.reason, report.cause)
        elif is_late:
            self.give_up(id_, agent, f"no report within {self.config.task_timeout} minutes", markers.TIMEOUT)
        elif not self.is_over:
            self.keep(id_, agent)
        elif self.has_started(id_, agent):
            # Where hooks are at work, they have a report of each agent that ended by itself.
            interrupted, silent = (outage.INTERRUPTED, markers.INTERRUPTION), (markers.ENDED, markers.SILENCE)
            self.attempt_failed(id_, agent, *(interrupted if self.state.hooked else silent))
        else:
            outage.unstarted(self, id_, agent)

    def keep(self, id_: str, agent: Agent) -> None:
        overdue = not self.has_started(id_, agent) and self.now - agent.spawned >= self.patience(id_, agent)
        # Before it was claimed: who typed `/orchestrate` again wants its SPAWN now.
        if overdue and self.is_unseen(id_) and len(self.state.agents) > 1 and agent.spawned >= agent.claimed:
            self.put_back(id_, agent)
            return
        if self.statuses.get(id_) == PENDING:
            # A kill between the claim and the queue's edit, or a hand that set it back while its agent works.
            self.out.claimed[id_] = IN_PROGRESS
        if overdue:
            self.spawn(id_, replace(agent, spawned=self.now), "spawned again")

    def put_back(self, id_: str, agent: Agent) -> None:
        """Makes a task ready again that no agent was started for, until one of the others has ended."""
        self.log("refused", id_, agent, "")
        self.out.lines.append(f"refused {id_}: no agent was started for it; it is {PENDING} again")
        self.release(id_)
        self.state = replace(self.state, refused=[*self.state.refused, id_])

    def patience(self, id_: str, agent: Agent) -> int:
        """Seconds for which an agent that gives no sign of life isn't spawned again.

        A hook tells what was launched; where one is at work and has seen nothing, the SPAWN was refused, or lost in a
        compaction. It is believed once only.
        """
        return LAUNCH if self.is_unseen(id_) and agent.spawned == agent.claimed else self.config.start_timeout

    def is_unseen(self, id_: str) -> bool:
        return self.state.hooked and id_ not in self.markers.launched

    def has_started(self, id_: str, agent: Agent) -> bool:
        return self.markers.started.get(id_, -1) in (None, agent.attempt)

    def task_done(self, id_: str, agent: Agent, report: markers.Marker) -> None:
        self.complete(id_, report)
        self.drop(id_, agent, "", ", nothing changed" if report.unchanged else "")

    def complete(self, id_: str, report: markers.Marker) -> None:
        self.change(id_, COMPLETED)
        unchanged = [*(each for each in self.state.unchanged if each != id_), *([id_] if report.unchanged else [])]
        failed = {key: why for key, why in self.state.failed.items() if key != id_}
        completed = {**self.state.completed, id_: report.attempt or self.state.attempts[id_]}
        self.state = replace(self.state, streak=[], outages=0, failed=failed, completed=completed, unchanged=unchanged)

    def role_done(self, id_: str, agent: Agent) -> None:
        wrong = _why_not_decomposed(self.queue) if id_ == ids.DECOMPOSITION else loop_phases.why_not_done(self, id_)
        if wrong:
            self.attempt_failed(id_, agent, wrong)
        else:
            self.drop(id_, agent, f"{len(self.queue.tasks)} tasks" if id_ == ids.DECOMPOSITION else "")
            loop_phases.advance(self, id_)

    def drop(self, id_: str, agent: Agent, why: str, flag: str = "") -> None:
        self.without(id_)
        self.log("done" if not why or id_ == ids.DECOMPOSITION else "dropped", id_, agent, why)
        note = f": {why}" if why and id_ != ids.DECOMPOSITION else ""
        self.out.lines.append(f"{'done' if not note else 'left'} {id_} {self.progress()}{note}{flag}")

    def attempt_failed(self, id_: str, agent: Agent, reason: str, cause: str = "") -> None:
        lost = outage.is_one(reason, cause)
        if id_ == verification.id_of(self.state) and not self.state.verifying:
            self.drop(id_, agent, "")
        elif self.state.status == STOPPING and (lost or self.may_come_again(id_, agent)):
            self.stop_at(id_, agent, reason, cause)
        elif lost:
            outage.settle(self, id_, agent, reason, cause)
        elif agent.failures + 1 >= self.config.attempts:
            self.give_up(id_, agent, reason, cause)
        else:
            self.retry(id_, agent, reason, cause)

    def may_come_again(self, id_: str, agent: Agent) -> bool:
        return agent.failures + 1 < self.config.attempts or id_ not in self.statuses

    def stop_at(self, id_: str, agent: Agent, reason: str, cause: str) -> None:
        """Leaves a task whose agent has failed to whoever goes on with the run."""
        self.log("failed", id_, agent, reason, cause)
        self.out.lines.append(f"failed {id_}: {cut(reason)}; it is {PENDING} again, as the run was asked to stop")
        self.release(id_)
        if not outage.is_one(reason, cause):
            # An agent that carries out no task gets its last attempt again.
            failures = min(agent.failures + 1, self.config.attempts - 1)
            next_one = replace(agent, model=stronger(agent.model), failures=failures, reason=reason)
            self.state = replace(self.state, lost={**self.state.lost, id_: next_one})

    def release(self, id_: str) -> None:
        """Makes it pending again: its agent is gone, and no other is to come now."""
        self.without(id_)
        self.change(id_, PENDING)

    def retry(self, id_: str, agent: Agent, reason: str, cause: str) -> None:
        again = Agent(self.next_attempt(id_), stronger(agent.model), self.now, self.now, agent.failures + 1, reason)
        self.log("failed", id_, agent, reason, cause)
        self.out.lines.append(f"failed {id_}: {cut(reason)}; retrying with {again.model}")
        self.out.retried.append(id_)
        self.spawn(id_, again, "spawned")

    def give_up(self, id_: str, agent: Agent | None, reason: str, cause: str = "") -> None:
        self.without(id_)
        self.change(id_, FAILED)
        failed = {**{key: why for key, why in self.state.failed.items() if key != id_}, id_: reason}
        self.state = replace(self.state, failed=failed, streak=self.streak(id_, reason))
        self.log("failed", id_, agent, reason, cause)
        self.out.lines.append(f"failed {id_} {self.progress()}: {cut(reason)}")
        loop_phases.advance(self, id_)

    def streak(self, id_: str, reason: str) -> list[str]:
        """The different tasks that failed in a row for that reason; agents that carry out none don't count."""
        before = self.state.streak
        if id_ not in self.statuses:
            return before
        same = before and sentences.same(self.state.failed.get(before[-1], ""), reason)
        return [*(each for each in before if each != id_), id_] if same else [id_]

    def settle_late(self) -> None:
        """A task that ran out of time, or whose session died, and that finished after all."""
        for id_, report in self.markers.reports.items():
            status = self.out.settled.get(id_, self.statuses.get(id_, ""))
            is_done = report.kind == markers.DONE and id_ not in self.out.fresh
            if is_done and counts_late(self.state, id_, status, report.attempt):
                self.complete(id_, report)
                self.log("done", id_, None, "late")
                self.out.lines.append(f"done {id_} {self.progress()}: late")

    def keep_completed(self) -> None:
        """An editor that saves an older text takes back nothing that this run has settled; `set-status` does."""
        for id_ in self.state.completed:
            if id_ not in self.state.agents and self.statuses.get(id_) in (PENDING, IN_PROGRESS):
                self.change(id_, COMPLETED)
                again = f"`claudestrator-helper set-status {id_} {PENDING}` runs it again"
                self.out.lines.append(f"kept {id_} {COMPLETED}, as the run has it: {again}")
        for id_ in self.state.failed:
            if id_ not in self.state.agents and self.statuses.get(id_) == IN_PROGRESS:
                self.change(id_, FAILED)

    # Parts

    def spawn(self, id_: str, agent: Agent, event: str) -> None:
        self.state = replace(
            self.state,
            agents={**self.state.agents, id_: agent},
            attempts={**self.state.attempts, id_: agent.attempt},
            earlier={key: attempt for key, attempt in self.state.earlier.items() if key != id_},
            lost={key: lost for key, lost in self.state.lost.items() if key != id_},
            released={key: attempt for key, attempt in self.state.released.items() if key != id_},
            unverified={key: why for key, why in self.state.unverified.items() if key != id_},
            models={**self.state.models, id_: agent.model},
        )
        if self.statuses.get(id_) == PENDING:
            self.out.claimed[id_] = IN_PROGRESS
        self.log(event, id_, agent, "")
        self.out.directives.append(f"{_WORDS.get(self.state.engine, _SPAWN)} {id_} {agent.model}")

    def next_attempt(self, id_: str) -> int:
        return self.state.attempts.get(id_, 0) + 1

    def without(self, id_: str) -> None:
        agents = {key: agent for key, agent in self.state.agents.items() if key != id_}
        self.state = replace(self.state, agents=agents)

    def change(self, id_: str, status: str) -> None:
        if id_ in self.statuses and self.statuses[id_] != status:
            self.statuses[id_] = status
            self.out.settled[id_], self.edited = status, None

    def current(self) -> Queue:
        """The queue as it is once this step's settlements are written."""
        # Several parts of a step look at it, and to parse a long queue takes most of one.
        self.edited = self.edited or queue.edited(self.queue, self.out.settled)
        return self.edited

    def progress(self) -> str:
        done = sum(status == COMPLETED for status in self.statuses.values())
        return f"({done}/{len(self.statuses)})"

    def log(self, event: str, id_: str, agent: Agent | None, why: str, cause: str = "") -> None:
        entry: dict[str, object] = {"event": event, "id": id_} if id_ else {"event": event}
        if agent:
            entry |= {
                "attempt": agent.attempt,
                "model": agent.model,
                "seconds": max(0, self.now - agent.claimed),
            }
        self.out.events.append(entry | ({"reason": why} if why else {}) | ({"cause": cause} if cause else {}))

    def ready(self, among: Container[str] | None = None) -> Task | None:
        """The first task that can run beside those at work, of those *among* them."""
        parsed = self.current()
        from ..texts import overlap

        at_work = [overlap.places(parsed.by_id[id_][0].files) for id_ in self.state.agents if id_ in parsed.by_id]
        held = self.state.refused if at_work and not self.freed() else ()
        found = (task for task in schedule.ready(parsed) if task.id not in (*held, *self.state.agents))
        return next((task for task in found if (among is None or task.id in among) and self.fits(task, at_work)), None)

    def fits(self, task: Task, at_work: list[frozenset[str]]) -> bool:
        from ..texts import overlap

        if self.config.share_files or not at_work:
            return True
        places = overlap.places(task.files)
        return not any(overlap.meet(places, others) for others in at_work)

    def freed(self) -> bool:
        """Whether an agent has ended in this step."""
        return any(id_ not in self.state.agents and id_ not in self.state.refused for id_ in self.inputs.state.agents)

    def finish(self, status: str, sentence: str) -> None:
        # A run that was stopped goes on in its phase.
        self.state = replace(self.state, status=status, phase=self.state.phase if status == STOPPED else "")
        self.log(status, "", None, "")
        self.out.directives.append(f"STOP {sentence}")


def _why_not_decomposed(parsed: Queue) -> str:
    if not parsed.tasks:
        return "it reported done but the queue holds no task"
    wrong = [f"line {problem.line}: {problem.text}" for problem in queue_problems.problems(parsed)]
    return f"the queue has {len(wrong)} errors, the first: {wrong[0]}" if wrong else ""


def counts_late(state: State, id_: str, status: str, attempt: int | None) -> bool:
    """Whether a `done` of a task that no agent of the run has any more completes it."""
    if id_ in state.agents or id_ not in state.attempts:
        return False
    if status == PENDING:
        return attempt is not None and attempt == state.released.get(id_)
    return status == FAILED and attempt in (None, state.attempts[id_])
