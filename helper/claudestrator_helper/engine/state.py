"""Where a run is: the values that `session_state.md` keeps.

Times are whole seconds since the epoch.
"""

from collections.abc import Container
from dataclasses import dataclass, field

from .config import LEAN, TASK

RUNNING, STOPPING, STOPPED, FINISHED = "running", "stopping", "stopped", "finished"


@dataclass(frozen=True, repr=False, match_args=False)
class Agent:
    """An agent that was spawned and has not been settled: *claimed* is when its attempt began, *spawned* when its
    SPAWN was last printed, *failures* how many attempts of this run failed before it, *reason* why the last one did."""

    attempt: int
    model: str
    claimed: int
    spawned: int
    failures: int = 0
    reason: str = ""


@dataclass(frozen=True, repr=False, match_args=False)
class State:
    """A run, or the last one. *attempts* counts each id's attempts over all runs and never falls, so that a report
    names its attempt for certain; *models* those of each id's last attempt; *failed* holds the reasons of this run's
    failures by id, in order; *streak* the ids that failed in a row for the same reason; *released* the attempts whose
    session died, by id, and *lost* the agents of those that were not the first; *ran* the tasks of this loop, *begun*
    when it began, *commit* the commit that closed it.

    *process* is the processes.current() that has the run, *origin* the processes.origin() where it began, *hooked*
    whether our hooks are at work in its session, *outages* how many agents in a row the API has ended, and *outage* how
    the last. *wish* is the engine that was asked for, *engine* the one that was chosen, *background* whether LEAN's
    skills run in the background, *parallel* how many tasks run at once, *refused* those that Claude Code started no
    agent for while others were at work.

    *completed* are the tasks that this run completed, with their attempts, *earlier* those of the runs before it, and
    *unchanged* those of this run whose agents changed nothing. *verify* says whether they are verified: *verifying* are
    those that an agent checks now, *verified* those that passed, with their attempts; *returned* holds why a task went
    back to pending, by id, *unverified* why another got no verdict.

    """

    initial_prd_tasks_complete: bool = False
    run: str = ""
    origin: str = ""
    status: str = ""
    session: str = ""
    process: str = ""
    hooked: bool = False
    outages: int = 0
    outage: str = ""
    heartbeat: int = 0
    loops: int = 0
    loop: int = 0
    phase: str = ""
    focus: str = ""
    agents: dict[str, Agent] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    streak: list[str] = field(default_factory=list)
    released: dict[str, int] = field(default_factory=dict)
    lost: dict[str, Agent] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    begun: int = 0
    commit: str = ""
    completed: dict[str, int] = field(default_factory=dict)
    earlier: dict[str, int] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=dict)
    wish: str = ""
    engine: str = TASK
    background: bool = False
    parallel: int = 1
    refused: list[str] = field(default_factory=list)
    verify: bool = False
    verifying: list[str] = field(default_factory=list)
    verified: dict[str, int] = field(default_factory=dict)
    returned: dict[str, str] = field(default_factory=dict)
    unverified: dict[str, str] = field(default_factory=dict)
    others: dict[str, object] = field(default_factory=dict)

    @property
    def unfinished(self) -> bool:
        return self.status in (RUNNING, STOPPING)

    @property
    def in_foreground(self) -> bool:
        """Whether each agent blocks the conversation that called it."""
        return self.engine == LEAN and not self.background

    def archive(self) -> Container[str]:
        """The tasks that the project's runs have completed, as queue.parse asks for them."""
        return {**self.earlier, **self.completed}

    def is_verified(self, id_: str) -> bool:
        """Whether that task's last attempt has passed verification."""
        return self.verified.get(id_) == self.attempts.get(id_, 0)
