"""How far a run is: what `status`, the live view and the status line show, as values."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ..engine import sentences, state
from ..store import marker_files, queue_file, run_log, state_file
from ..store.paths import Project
from ..texts import schedule
from ..texts.queue import Queue
from ..texts.statuses import MOVES, PENDING, SKIPPED
from . import estimate
from .estimate import Event, Range


class AtWork(NamedTuple):
    """An agent at work: for how many *seconds*, and how many are *usual* for a task of its complexity, None if that is
    unknown. *objective* and *complexity* are "" for an agent that carries out no task. *worktree* is the folder in
    which it works, from the project's, which whoever shows it has to add."""

    id: str
    objective: str
    complexity: str
    model: str
    attempt: int
    seconds: int
    usual: int | None
    started: bool
    worktree: str | None = None


class Gate(NamedTuple):
    """A gate that has been running for so many *seconds* before what *name* says: the report of a task, an agent, or
    the first task (engine/gates.py: BASELINE). *refused* says how often it has refused that report before."""

    name: str
    seconds: int
    refused: int


#: Never changed in place.
NO_GATES = list[Gate]()


class Progress(NamedTuple):
    """A run at one moment: *seconds* since it began, until it ended, None if unknown; how many are *left*; the pending
    tasks that are *blocked*, and by what; the *events* of its log, and the whole *log*; the *gates* that are running,
    and whether the session of an unfinished run is *gone*, which whoever shows them has to add."""

    state: state.State
    queue: Queue
    at_work: list[AtWork]
    blocked: dict[str, schedule.Cause]
    seconds: int | None
    left: Range | None
    events: list[Event]
    log: list[Event]
    gates: list[Gate] = NO_GATES
    gone: bool = False

    @property
    def proofs(self) -> dict[str, int]:
        """How many of the completed tasks have each proof, the strongest counts; empty if none is asked for."""
        if not (sentences.is_gated(self.queue, self.state) or self.state.verification.asked):
            return {}
        count = Counter(sentences.proof(task, self.state) for task in self.queue.tasks)
        return {each: count[each] for each in sentences.PROOFS}

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks have each status, those with an unknown one as `other`; what is blocked is pending too."""
        count = Counter(task.status for task in self.queue.tasks)
        known = {status: count[status] for status in MOVES}
        return {**known, "other": len(self.queue.tasks) - sum(known.values()), "blocked": len(self.blocked)}

    @property
    def todo(self) -> int:
        """How many tasks there are, without those that were skipped."""
        return sum(task.status != SKIPPED for task in self.queue.tasks)

    @property
    def bar(self) -> str:
        held = self.blocked
        return sentences.bar(
            sentences.BLOCKED if each.status == PENDING and each.id in held else each.status
            for each in self.queue.tasks
        )


def read(project: Project, now: float) -> Progress:
    """The progress of the project's run, or of its last one. Raises ClaudestratorError if a file can't be read."""
    return of(project, state_file.read(project), queue_file.parsed(project), run_log.read(project), now)


def of(project: Project, current: state.State, parsed: Queue, events: Iterable[Event], now: float) -> Progress:
    """The progress of a run whose files have been read."""
    log = list(events)
    known = estimate.times(log, parsed)
    agents = [_at_work(project, current, parsed, known, id_, int(now)) for id_ in current.agents]
    going = {agent.id: agent.seconds for agent in agents}
    mine = [event for event in log if event.get("run") == current.run]
    return Progress(
        current,
        parsed,
        agents,
        {id_: cause for id_, cause in schedule.causes(parsed).items() if cause.kind != schedule.WAITING},
        estimate.elapsed(mine, current.run, now if current.unfinished else None),
        estimate.remaining(parsed, known, going, current.parallel) if current.unfinished else None,
        mine,
        log,
    )


def _at_work(
    project: Project, current: state.State, parsed: Queue, known: estimate.Times, id_: str, now: int
) -> AtWork:
    agent, task = current.agents[id_], next(iter(parsed.by_id.get(id_, ())), None)
    started = marker_files.read(project, {id_: agent.attempt}).started.get(id_, -1) in (None, agent.attempt)
    return AtWork(
        id_,
        task.objective if task else "",
        task.complexity if task else "",
        agent.model,
        agent.attempt,
        max(0, now - agent.claimed),
        known.median(task.complexity) if task else None,
        started,
    )
