"""The run as a state machine: state, queue, markers and clock in; new state, edits and directives out.

Nothing here touches the disk. Whoever applies a Step does so in the order that run.apply gives reasons for.
"""

from dataclasses import replace

from ..texts import ids, queue_problems, schedule
from ..texts.fields import cut
from ..texts.queue import Queue
from . import loop_phases, outage, sentences, verification
from .config import MOST_PARALLEL
from .settle_reports import Settlement
from .state import FINISHED, RUNNING, STOPPED, STOPPING, Agent
from .step import Inputs, Step

#: So many tasks that fail in a row for the same reason end the run.
SAME_FAILURES = 3


def next_step(inputs: Inputs) -> Step:
    """Settles every report that has come, and takes the run's next step, if there is one to take.

    A step with neither directives nor a loop to close means: an agent is at work, wait on.

    """
    return Run(inputs).step()


class Run(Settlement):
    """One step in the making; engine/loop_phases.py has the phases of a loop."""

    def step(self) -> Step:
        self.settle_all()
        if not self.out.directives and not self.state.agents:
            self.dispatch()
        while self.may_add() and self.take_task():
            pass
        self.out.state = self.state
        return self.out

    def dispatch(self) -> None:
        if not self.state.unfinished:
            self.nothing_runs()
        elif self.is_complete():
            self.end()
        elif self.state.status == STOPPING:
            counted = sentences.counted(self.current(), self.state)
            self.finish(STOPPED, f"The run has stopped, as asked: {counted}. `/orchestrate` goes on with it.")
        elif outage.is_over(self.state):
            outage.stop(self)
        elif len(self.state.streak) >= SAME_FAILURES:
            self.finish(FINISHED, sentences.streak(self.state, sentences.counted(self.current(), self.state)))
        elif ids.DECOMPOSITION in self.state.failed or self.is_undecomposed():
            self.decompose()
        elif self.improving():
            loop_phases.dispatch(self)
        elif not (self.take_task() or verification.begin(self)):
            self.end()

    def is_complete(self) -> bool:
        """Whether nothing is left that the run could do, whatever else would end it."""
        rest = (
            self.state.loops or (self.state.verify and verification.due(self)) or ids.DECOMPOSITION in self.state.failed
        )
        return not rest and self.is_all_completed(self.current())

    @staticmethod
    def is_all_completed(parsed: Queue) -> bool:
        # Only now it matters whether there are sections that can't be read.
        found = schedule.select(parsed).reason == schedule.COMPLETE
        return found and not queue_problems.unreadable(parsed)

    def may_add(self) -> bool:
        """Whether a task may be begun beside those at work."""
        state = self.state
        halted = state.status != RUNNING or outage.is_over(state) or len(state.streak) >= SAME_FAILURES
        return 0 < len(state.agents) < min(state.parallel, MOST_PARALLEL) and not halted and self.only_tasks()

    def only_tasks(self) -> bool:
        return all(id_ in self.statuses for id_ in self.state.agents)

    def take_task(self) -> bool:
        """Claims the next task that can run now; whether there is one."""
        task = loop_phases.next_task(self) if self.improving() else self.ready()
        if task:
            model, why = verification.again(self.state, task) if task.id in self.state.returned else (task.model, "")
            self.claim(task.id, model, why)
        return task is not None

    def improving(self) -> bool:
        return self.state.loops > 0 and self.state.initial_prd_tasks_complete

    def is_undecomposed(self) -> bool:
        return not (self.improving() or self.queue.tasks or queue_problems.unreadable(self.queue))

    def nothing_runs(self) -> None:
        parsed = self.current()
        self.out.directives.append(f"STOP {sentences.idle(parsed, self.state, queue_problems.unreadable(parsed))}")

    def decompose(self) -> None:
        reason = self.state.failed.get(ids.DECOMPOSITION)
        if reason:
            why = f"The decomposition of PRD.md failed: {cut(reason)}."
            self.finish(FINISHED, f"{why} Mend PRD.md and type `/orchestrate` again.")
        elif self.prd:
            self.finish(FINISHED, self.prd)
        else:
            self.claim_role(ids.DECOMPOSITION)

    def claim(self, id_: str, model: str, reason: str = "") -> None:
        agent = Agent(self.next_attempt(id_), model, self.now, self.now, reason=reason)
        if before := self.state.lost.get(id_):
            # Its session died before its second attempt was over: the first has failed all the same.
            agent = replace(agent, model=before.model, failures=before.failures, reason=before.reason)
        if not self.improving():
            role = ids.role(id_)
            self.state = replace(self.state, phase="tasks" if role == "task" else role)
        self.out.fresh.append(id_)
        self.spawn(id_, agent, "spawned")

    def claim_role(self, id_: str) -> None:
        self.claim(id_, self.inputs.model(ids.role(id_)))

    def end(self) -> None:
        parsed = self.current()
        complete = self.is_all_completed(parsed)
        if complete:
            self.state = replace(self.state, initial_prd_tasks_complete=True)
        if complete and self.state.loops:
            self.state = replace(self.state, phase="")
            loop_phases.dispatch(self)
        else:
            self.finish(FINISHED, sentences.ending(parsed, self.state, queue_problems.unreadable(parsed)))
