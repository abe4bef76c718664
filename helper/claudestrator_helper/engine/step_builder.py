"""The builder of a step: the state and the queue as they become, and the parts that every policy builds from.

Which of them a report, an outage, a verdict or a phase takes is for the modules above: engine/settle_reports.py,
outage.py, verification.py, loop_phases.py and next_step.py.
"""

from collections.abc import Container

from ..texts import directives, ids, queue, schedule
from ..texts.directives import SPAWN, WORK, Directive
from ..texts.fields import cut
from ..texts.models import stronger
from ..texts.queue import Queue, Task
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING, SKIPPED
from . import heartbeat, markers, sentences
from .config import LEAN, ROLE_MODEL
from .state import STOPPED, Agent
from .step import Inputs, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class StepBuilder:
    """A step in the making: *state* and *statuses* as they become, *out* as it will be applied, and *ended* the ids
    whose agents have ended for good, however they ended."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.config = inputs, inputs.config
        # Nothing calls `wait` while an agent is at work in the foreground.
        self.is_over = inputs.alone and inputs.state.in_foreground
        owner = inputs.state.owner._replace(heartbeat=inputs.now) if self.is_over else inputs.state.owner
        self.state = heartbeat.attended(inputs.state._replace(owner=owner), inputs.now)
        self.queue, self.markers, self.now = inputs.queue, inputs.markers, inputs.now
        self.out = Step(self.state)
        self.ended: list[str] = []
        self.statuses = {task.id: task.status for task in self.queue.tasks}
        self.edited: Queue | None = None

    def record(self, id_: str, *, last: bool = False, **values: "Any") -> None:
        """Changes values of a task's record; see State.recorded."""
        self.state = self.state.recorded(id_, last=last, **values)

    def spawn(self, id_: str, agent: Agent, event: str) -> None:
        self.record(
            id_,
            last=not self.state.record(id_).agent,
            agent=agent,
            attempts=agent.attempt,
            model=agent.model,
            **dict.fromkeys(("earlier", "lost", "released", "unverified")),
        )
        if self.statuses.get(id_) == PENDING:
            self.out.claimed[id_] = IN_PROGRESS
        self.log(event, id_, agent, "")
        self.out.directives.append(Directive(WORK if self.state.engine == LEAN else SPAWN, id_, agent.model))

    def claim(self, id_: str, model: str, reason: str = "") -> None:
        agent = Agent(self.next_attempt(id_), model, self.now, self.now, reason=reason)
        before = self.state.record(id_).lost
        if before and before.failures:
            # Its session died before its second attempt was over: the first has failed all the same.
            agent = agent._replace(model=before.model, failures=before.failures, reason=before.reason)
        if not self.improving():
            role = ids.role(id_)
            self.enter("tasks" if role == "task" else role)
        self.out.fresh.append(id_)
        self.spawn(id_, agent, "spawned")

    def claim_role(self, id_: str) -> None:
        if self.lacks_tree():
            return
        self.claim(id_, self.inputs.role_models.get(ids.role(id_), ROLE_MODEL))

    def next_attempt(self, id_: str) -> int:
        return self.state.record(id_).attempts + 1

    def release(self, id_: str) -> None:
        """Makes it pending again: its agent is gone, and no other is to come now. What failed before counts."""
        record = self.state.record(id_)
        self.record(id_, agent=None, lost=record.agent or record.lost)
        self.change(id_, PENDING)

    def retry(self, id_: str, agent: Agent, reason: str, cause: str) -> None:
        again = Agent(self.next_attempt(id_), stronger(agent.model), self.now, self.now, agent.failures + 1, reason)
        self.log("failed", id_, agent, reason, cause)
        self.out.lines.append(f"failed {id_}: {cut(reason)}; retrying with {again.model}")
        self.respawn(id_, again, "spawned")

    def respawn(self, id_: str, agent: Agent, event: str) -> None:
        """Spawns an agent once more. Where someone has removed its worktree, it begins as soon as there is another."""
        if self.state.worktrees and (id_ if id_ in self.statuses else self.state.run) not in self.inputs.trees:
            self.release(id_)
            self.record(id_, lost=agent)
            return
        if agent.attempt != self.state.record(id_).attempts:
            self.out.retried.append(id_)
        self.spawn(id_, agent, event)

    def give_up(self, id_: str, agent: Agent | None, reason: str, cause: str = "") -> None:
        self.change(id_, FAILED)
        streak = self.streak(id_, reason)
        self.record(id_, last=True, agent=None, failed=reason)
        self.state = self.state._replace(streak=streak)
        self.log("failed", id_, agent, reason, cause)
        self.out.lines.append(f"failed {id_} {self.progress()}: {cut(reason)}")
        self.ended.append(id_)

    def streak(self, id_: str, reason: str) -> list[str]:
        """The different tasks that failed in a row for that reason; agents that carry out none don't count."""
        before = self.state.streak
        if id_ not in self.statuses:
            return before
        same = before and sentences.same(self.state.record(before[-1]).failed or "", reason)
        return [*(each for each in before if each != id_), id_] if same else [id_]

    def complete(self, id_: str, report: markers.Marker) -> None:
        self.change(id_, COMPLETED)
        attempt = report.attempt or self.state.record(id_).attempts
        proved = attempt if report.proved else None
        unchanged = report.unchanged
        values = {"unchanged": unchanged, "proved": proved, **dict.fromkeys(("failed", "hint", "committed"))}
        self.record(id_, last=True, completed=attempt, **values)
        self.state = self.state._replace(streak=[], outages=0, gated=self.state.gated or report.proved)

    def drop(self, id_: str, agent: Agent, why: str, flag: str = "") -> None:
        self.record(id_, agent=None)
        self.log("done" if not why or id_ == ids.DECOMPOSITION else "dropped", id_, agent, why)
        note = f": {why}" if why and id_ != ids.DECOMPOSITION else ""
        self.out.lines.append(f"{'done' if not note else 'left'} {id_} {self.progress()}{note}{flag}")

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
        skipped = sum(status == SKIPPED for status in self.statuses.values())
        return f"({done}/{len(self.statuses) - skipped})"

    def counted(self) -> str:
        return sentences.counted(self.current(), self.state)

    def log(self, event: str, id_: str, agent: Agent | None, why: str, cause: str = "") -> None:
        entry: dict[str, object] = {"event": event, "id": id_} if id_ else {"event": event}
        if agent:
            entry |= {"attempt": agent.attempt, "model": agent.model, "seconds": max(0, self.now - agent.claimed)}
        self.out.events.append(entry | ({"reason": why} if why else {}) | ({"cause": cause} if cause else {}))

    def ready(self, among: Container[str] | None = None) -> Task | None:
        """The first task that can run beside those at work, of those *among* them."""
        parsed = self.current()
        from ..texts import overlap

        begun = {*self.state.agents, *self.out.trees}
        at_work = [overlap.places(parsed.by_id[id_][0].files) for id_ in begun if id_ in parsed.by_id]
        held = at_work and not self.freed()
        records = ((task, self.state.record(task.id)) for task in schedule.ready(parsed) if task.id not in begun)
        found = (task for task, record in records if not (held and record.refused))
        found = (task for task in found if among is None or task.id in among)
        if not self.state.worktrees:
            return next((task for task in found if self.fits(task, at_work)), None)
        # Two of them may change the same file, but then the second has a conflict to solve.
        free = list(found)
        return next((task for task in free if self.fits(task, at_work)), next(iter(free), None))

    def lacks_tree(self, id_: str = "") -> bool:
        """Whether the agent of that task, or else one that carries out no task, can't begin yet, for want of a
        worktree, which is asked for then. All those without a task use the run's own, one after the other."""
        name = id_ or self.state.run
        lacking = self.state.worktrees and name not in self.inputs.trees
        if lacking:
            self.out.trees.append(name)
        return lacking

    def fits(self, task: Task, at_work: list[frozenset[str]]) -> bool:
        from ..texts import overlap

        if self.config.share_files or not at_work:
            return True
        places = overlap.places(task.files)
        if self.state.worktrees:
            # What is not named may be anything, but that is no reason to wait.
            at_work = [others for others in at_work if others and places]
        return not any(overlap.meet(places, others) for others in at_work)

    def freed(self) -> bool:
        """Whether an agent has ended in this step."""
        now = map(self.state.record, self.inputs.state.agents)
        return any(not (record.agent or record.refused) for record in now)

    def improving(self) -> bool:
        return self.state.loop.total > 0 and self.state.initial_prd_tasks_complete

    def enter(self, phase: str) -> None:
        self.state = self.state._replace(phase=phase)

    def finish(self, status: str, sentence: str) -> None:
        # A stopped run continues in its phase.
        self.enter(self.state.phase if status == STOPPED else "")
        self.state = self.state._replace(status=status)
        self.log(status, "", None, sentence)
        self.out.directives.append(directives.stop(sentence))
