"""What a step of a run looks at, and what it decides."""

from collections.abc import Mapping
from typing import NamedTuple

from ..texts import queue
from ..texts.directives import Directive
from ..texts.queue import Queue
from .config import Config
from .markers import Markers
from .state import State

NO_ISSUES = queue.parse("")
NO_VERDICTS: Mapping[str, str] = {}
NO_MODELS: Mapping[str, str] = {}
NO_GATES: frozenset[str] = frozenset()
NO_TREES: frozenset[str] = frozenset()
NO_AGENTS: frozenset[str] = frozenset()


class Inputs(NamedTuple):
    """What a step looks at: *prd_problem* is why PRD.md can't be decomposed, or "" where it can; *now* in seconds;
    *issues* the issue queue; *role_models* are those of agents that carry out no task, by role; *verdicts* are those
    that have come on the tasks under verification, by id: "" for a pass, else why it fails; *alone* says that the
    orchestrator itself asks, which it doesn't while an agent is at work in the foreground; *gates_due* are the
    gates that have not run yet, by what they have to run before; *trees* are the worktrees that are there, by whose
    they are, and *setup_problem* is why one can't be set up, or ""; *reporting* are the agents whose reports are being
    made."""

    state: State
    queue: Queue
    markers: Markers
    prd_problem: str
    now: int
    config: Config = Config()
    issues: Queue = NO_ISSUES
    role_models: Mapping[str, str] = NO_MODELS
    verdicts: Mapping[str, str] = NO_VERDICTS
    alone: bool = False
    gates_due: frozenset[str] = NO_GATES
    trees: frozenset[str] = NO_TREES
    setup_problem: str = ""
    reporting: frozenset[str] = NO_AGENTS


class Step:
    """What a step decides. *settled* and *claimed* are statuses to write, by id; *fresh* and *retried* the ids whose
    old markers go, *unjudged* those whose old verdicts do, *returned* the tasks that a verdict says aren't completed;
    *lines* are for the person, *directives* for the orchestrator, *events* for the log. *close* asks for the loop's
    commit and snapshot, *commits* for those of these tasks, *gate* for the gate of that name, and *trees* for worktrees
    for these agents; after each another step is due."""

    close = False
    gate = ""

    def __init__(self, state: State) -> None:
        self.state = state
        self.settled: dict[str, str] = {}
        self.claimed: dict[str, str] = {}
        self.fresh: list[str] = []
        self.retried: list[str] = []
        self.unjudged: list[str] = []
        self.returned: list[str] = []
        self.commits: list[str] = []
        self.trees: list[str] = []
        self.lines: list[str] = []
        self.directives = list[Directive]()
        self.events: list[dict[str, object]] = []
