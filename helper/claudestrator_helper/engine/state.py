"""Where a run is: the values that `session_state.md` keeps.

Times are whole seconds since the epoch. The values are named tuples, because hooks make them, and importing dataclasses
takes a quarter of a hook's time.
"""

from __future__ import annotations

from functools import cached_property

from ..texts.named_tuples import NamedTuple
from .config import LEAN, MOD, TASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUNNING, STOPPING, STOPPED, FINISHED = "running", "stopping", "stopped", "finished"
#: A run that starts no agent until it is resumed; those at work finish.
PAUSED = "paused"


class Agent(NamedTuple):
    """An agent that was spawned and has not been settled: *claimed* is when its attempt began, *spawned* when its
    SPAWN was last printed, *failures* how many attempts of this run failed before it, *reason* why the last one did."""

    attempt: int
    model: str
    claimed: int
    spawned: int
    failures: int = 0
    reason: str = ""


class TaskRecord(NamedTuple):
    """What is known of one id, a task's or a role's. *attempts* counts those of all runs and never falls, so that a
    report names its attempt for certain; *model* is that of the last one, *agent* who is at work on it.

    In this run: *failed* is the reason why it was given up; *completed* the attempt that completed it, *unchanged*
    whether that changed nothing, *committed* the commit of it on the run's branch, "" if none could be made; *released*
    the attempt whose session died, and *lost* its agent, or one that was given up with no other in its place; *refused*
    whether Claude Code started no agent for it while others were at work; *returned* why a verdict sent it back to
    pending, and *unverified* why it got none.

    In any run: *earlier* is the attempt that completed it in a run before this one, *verified* the one that passed, and
    *proved* the one whose gate was green, and *hint* what a person has to say to its next agent.

    """

    attempts: int = 0
    model: str = ""
    agent: Agent | None = None
    lost: Agent | None = None
    released: int | None = None
    failed: str | None = None
    completed: int | None = None
    earlier: int | None = None
    unchanged: bool = False
    refused: bool = False
    verified: int | None = None
    returned: str | None = None
    unverified: str | None = None
    hint: str | None = None
    proved: int | None = None
    committed: str | None = None

    @property
    def is_verified(self) -> bool:
        """Whether the last attempt has passed verification."""
        return self.verified == self.attempts

    @property
    def is_proved(self) -> bool:
        """Whether the gate of the last attempt was green."""
        return self.proved == self.attempts


NO_RECORD = TaskRecord()
#: Never changed in place, like all that a state holds.
NO_IDS = list[str]()
_NO_TASKS, _NO_VALUES = dict[str, TaskRecord](), dict[str, object]()
#: How many of a run's last lines are kept.
LINES = 20


class Owner(NamedTuple):
    """Who has the run: *process* is its processes.current(), *origin* the processes.origin() where the run began,
    *hooked* whether our hooks are at work in its session, *heartbeat* when it was last heard of, and *mod* the digest
    of the key that the mod's calls name."""

    session: str = ""
    process: str = ""
    hooked: bool = False
    origin: str = ""
    heartbeat: int = 0
    mod: str = ""


class Loop(NamedTuple):
    """The loop that is under way, *number* of *total*: *ran* are its tasks, *begun* is when it began, *commit* the
    commit that closed it."""

    number: int = 0
    total: int = 0
    focus: str = ""
    ran: list[str] = NO_IDS
    begun: int = 0
    commit: str = ""


class Verification(NamedTuple):
    """Whether the run's tasks are verified, as *asked*, and those that an agent is *checking* now."""

    asked: bool = False
    checking: list[str] = NO_IDS


class _Values(NamedTuple):
    initial_prd_tasks_complete: bool = False
    run: str = ""
    status: str = ""
    phase: str = ""
    wish: str = ""
    engine: str = TASK
    background: bool = False
    parallel: int = 1
    outages: int = 0
    outage: str = ""
    streak: list[str] = NO_IDS
    owner: Owner = Owner()
    loop: Loop = Loop()
    verification: Verification = Verification()
    tasks: dict[str, TaskRecord] = _NO_TASKS
    others: dict[str, object] = _NO_VALUES
    gated: bool = False
    worktrees: bool = False
    halted: str = ""
    said: int = 0
    lines: list[str] = NO_IDS


class State(_Values):
    """A run, or the last one. *wish* is the engine that was asked for, *engine* the one that was chosen, *background*
    whether LEAN's skills run in the background, and *parallel* how many tasks run at once; *streak* holds the ids that
    failed in a row for the same reason, *outages* how many agents in a row the API has ended, and *outage* how the
    last. *tasks* are in the order in which each last began, was completed or was given up. *others* are values that a
    person added, *gated* says whether a gate is to prove the run's tasks, and *worktrees* whether its agents work in
    worktrees, which holds from its beginning to its end. A mod's run has *said* so many lines to its person, and
    *lines* are the last of them, because what was to show them may have been killed. *halted* is why no commit can be
    made until a person has corrected something, or ""."""

    @property
    def unfinished(self) -> bool:
        return self.status in (RUNNING, STOPPING, PAUSED)

    @property
    def in_foreground(self) -> bool:
        """Whether each agent blocks the conversation that called it."""
        return self.engine == LEAN and not self.background

    @cached_property
    def agents(self) -> dict[str, Agent]:
        """Those at work, by the id of what they are at work on."""
        return {id_: record.agent for id_, record in self.tasks.items() if record.agent}

    @cached_property
    def completed(self) -> dict[str, int]:
        """What this run has completed, with the attempts."""
        return {id_: record.completed for id_, record in self.tasks.items() if record.completed is not None}

    @cached_property
    def failed(self) -> dict[str, str]:
        """The reasons of this run's failures, by id."""
        return {id_: record.failed for id_, record in self.tasks.items() if record.failed is not None}

    def archive(self) -> set[str]:
        """The tasks that the project's runs have completed, as queue.parse asks for them."""
        return {id_ for id_, record in self.tasks.items() if (record.completed, record.earlier) != (None, None)}

    def record(self, id_: str) -> TaskRecord:
        return self.tasks.get(id_, NO_RECORD)

    def is_verified(self, id_: str) -> bool:
        """Whether that task's last attempt has passed verification."""
        return self.record(id_).is_verified

    def after(self, lines: list[str]) -> State:
        """The state after these lines were said."""
        if not lines or self.engine != MOD:
            return self
        return self._replace(said=self.said + len(lines), lines=[*self.lines, *lines][-LINES:])

    def unheard(self, run: str, said: int) -> list[str]:
        """The last lines, for someone who has heard *said* lines of that *run*."""
        new = self.said - said if run == self.run else self.said
        return self.lines[-new:] if new > 0 else []

    def recorded(self, id_: str, *, last: bool = False, **values: Any) -> State:
        """The state with these values in the record of *id_*, which is the *last* one from then on."""
        tasks = dict(self.tasks)
        before = (tasks.pop if last else tasks.get)(id_, NO_RECORD)
        tasks[id_] = before._replace(**values)
        return self._replace(tasks=tasks)

    def fresh(self, run: str, loop: Loop) -> State:
        """The state of a new run. It keeps what all runs know of a task, and who may still be at work on it."""
        tasks = {
            id_: TaskRecord(
                attempts=record.attempts,
                model=record.model,
                agent=record.agent,
                released=record.released,
                earlier=record.earlier if record.completed is None else record.completed,
                verified=record.verified,
                hint=record.hint,
                proved=record.proved,
            )
            for id_, record in self.tasks.items()
        }
        return State(
            initial_prd_tasks_complete=self.initial_prd_tasks_complete,
            run=run,
            owner=self.owner,
            loop=loop,
            tasks=tasks,
            others=self.others,
        )
