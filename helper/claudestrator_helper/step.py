"""What a step of a run looks at, and what it decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from . import queue
from .config import Config
from .markers import Markers
from .queue import Queue
from .state import State

NO_ISSUES = queue.parse("")
NO_VERDICTS: Mapping[str, str] = {}


class Inputs(NamedTuple):
    """What a step looks at: *prd* is why PRD.md can't be decomposed, or "" where it can; *now* in seconds; *issues* the
    issue queue; *model* names that of an agent that carries out no task, by its role; *verdicts* are those that have
    come on the tasks under verification, by id: "" for a pass, else why it fails; *alone* says that the orchestrator
    itself asks, which it doesn't while an agent is at work in the foreground."""

    state: State
    queue: Queue
    markers: Markers
    prd: str
    now: int
    config: Config = Config()
    issues: Queue = NO_ISSUES
    model: Callable[[str], str] = lambda _: "opus"
    verdicts: Mapping[str, str] = NO_VERDICTS
    alone: bool = False


@dataclass(eq=False, repr=False, match_args=False)
class Step:
    """What a step decides. *settled* and *claimed* are statuses to write, by id; *fresh* and *retried* the ids whose
    old markers go, *unjudged* those whose old verdicts do, *returned* the tasks that a verdict says aren't completed;
    *lines* are for the person, *directives* for the orchestrator, *events* for the log. *close* asks for the loop's
    commit and snapshot, after which another step is due."""

    state: State
    settled: dict[str, str] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    directives: list[str] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    close: bool = False
