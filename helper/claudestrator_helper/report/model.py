"""The report of a run as values. docs/report.md describes their JSON; times are whole seconds since the epoch."""

import functools
import types
import typing
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from typing import Any

from ..errors import ClaudestratorError

#: The version of the JSON; it rises when a field is removed or changes its meaning.
VERSION = 1
#: A larger number in a document is none of ours.
_MOST = 10**12
#: How an attempt went on. A lost attempt was ended by the API, by an interruption or with its session.
RUNNING, DONE, FAILED, LOST, DROPPED, REFUSED = "running", "done", "failed", "lost", "dropped", "refused"
#: How a completed task was proven: by a verifying agent, by its gate, by its own agent's word, or not by this run.
VERIFIED, GATE, REPORTED, ELSEWHERE = "verified", "gate", "reported", "elsewhere"


@dataclass(frozen=True)
class Cost:
    """Requests and tokens, by the names of the API; *dollars* is None if a model has no known price."""

    requests: int = 0
    input: int = 0
    cache_creation: int = 0
    cache_read: int = 0
    output: int = 0
    dollars: float | None = 0.0

    @property
    def tokens(self) -> int:
        return self.input + self.cache_creation + self.cache_read + self.output

    def __add__(self, other: "Cost") -> "Cost":
        known = self.dollars is not None and other.dollars is not None
        return Cost(
            self.requests + other.requests,
            self.input + other.input,
            self.cache_creation + other.cache_creation,
            self.cache_read + other.cache_read,
            self.output + other.output,
            (self.dollars or 0.0) + (other.dollars or 0.0) if known else None,
        )


@dataclass(frozen=True)
class Attempt:
    """One agent. *reason* says why it failed, or what its verdict says; *cause* is set if no agent reported the
    failure; *verdict* is pass, fail or "". *transcript* is a path; *cost* is None without a transcript."""

    attempt: int
    model: str
    began: int
    ended: int | None = None
    outcome: str = RUNNING
    reason: str = ""
    cause: str = ""
    verdict: str = ""
    transcript: str = ""
    cost: Cost | None = None

    def until(self, now: int) -> int:
        return now if self.ended is None else self.ended

    def seconds(self, now: int) -> int:
        return self.until(now) - self.began


@dataclass(frozen=True)
class Change:
    """The lines that agents added to a file and removed from it with their editing tools; *path* is relative to the
    project's root if the file is in the project."""

    path: str
    added: int
    removed: int


@dataclass(frozen=True)
class Work:
    """A task, or what an agent of another role did. *status* is a task's own word; *ready* is when its dependencies
    were met; *files* is None without a transcript. *commit* is that of the task on the run's branch, and *worktree*
    where its work is until then, from the project's folder."""

    id: str
    role: str
    title: str = ""
    status: str = ""
    complexity: str = ""
    dependencies: list[str] = field(default_factory=list)
    proof: str = ""
    remark: str = ""
    blocked_by: str = ""
    issue: str = ""
    loop: int = 0
    ready: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    files: list[Change] | None = None
    note: str = ""
    commit: str = ""
    worktree: str = ""

    def seconds(self, now: int) -> int:
        return sum(each.seconds(now) for each in self.attempts)

    @property
    def cost(self) -> Cost | None:
        """The sum over the attempts that have a transcript; None if none has."""
        known = [each.cost for each in self.attempts if each.cost]
        return sum(known, Cost()) if known else None


@dataclass(frozen=True)
class Loop:
    """An improvement loop that was closed. *why_no_commit* is "" if there is a *commit*; *changes* is its diff."""

    loop: int
    began: int = 0
    commit: str = ""
    why_no_commit: str = ""
    tasks: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    changes: list[Change] | None = None


@dataclass(frozen=True)
class Issue:
    id: str
    title: str
    status: str
    priority: str
    loop: int
    tasks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Model:
    """All requests to one model. *agents* counts those that made any; the main conversation is not an agent."""

    model: str
    agents: int
    cost: Cost


@dataclass(frozen=True)
class Orchestration:
    """What the run cost the main conversation, as `context` counts it."""

    characters: int
    turns: int
    reread: int
    compactions: int
    cost: Cost


@dataclass(frozen=True)
class Run:
    """*asked* is the beginning of PRD.md; *built* the summary of the last loop; *ending* the sentence that the run
    ended with. *ended* is None while the run is at work."""

    id: str
    project: str
    status: str
    began: int
    ended: int | None
    engine: str = ""
    parallel: int = 1
    verify: bool = False
    loops: int = 0
    loop: int = 0
    focus: str = ""
    sessions: int = 0
    asked: str = ""
    built: str = ""
    ending: str = ""


@dataclass(frozen=True)
class Report:
    """*written* is when this was gathered, and *took* how many seconds that needed. *works* are the tasks in the order
    of the queue, then the other agents in the order of their starts. *prices* names the source of the dollars.
    *missing* are sentences on what is not known."""

    version: int
    written: int
    took: float
    run: Run
    works: list[Work]
    loops: list[Loop]
    issues: list[Issue]
    models: list[Model]
    orchestration: Orchestration | None
    prices: str
    missing: list[str]

    @property
    def is_live(self) -> bool:
        return self.run.ended is None

    @property
    def until(self) -> int:
        """When the run ended; while it is at work, when this was gathered."""
        return self.written if self.run.ended is None else self.run.ended

    @property
    def tasks(self) -> list[Work]:
        return [work for work in self.works if work.role == "task"]

    @property
    def others(self) -> list[Work]:
        return [work for work in self.works if work.role != "task"]


def as_object(report: Report) -> dict[str, Any]:
    return asdict(report)


def of_object(value: object, name: str) -> Report:
    """The report in a JSON document; *name* is for messages. Raises ClaudestratorError for anything else."""
    try:
        report: Report = _of(value, Report, name)
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        why = f"{name} is not a report of this version ({error!s:.60})"
        raise ClaudestratorError(f"{why}: delete it, and `claudestrator-helper report` makes it again") from error
    return report


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _of(value: Any, kind: Any, where: str) -> Any:
    """*value* as *kind*: a dataclass, a list, an optional or a plain type. Raises TypeError where it is not one."""
    if is_dataclass(kind):
        hints = _hints(typing.cast("type", kind))
        known = {}
        for each in fields(kind):
            if each.name in value or each.default is MISSING:
                known[each.name] = _of(value[each.name], hints[each.name], each.name)
        return typing.cast("Any", kind)(**known)
    if typing.get_origin(kind) is list:
        if not isinstance(value, list):
            raise TypeError(where)
        return [_of(each, typing.get_args(kind)[0], where) for each in value]
    if isinstance(kind, types.UnionType):
        return None if value is None else _of(value, typing.get_args(kind)[0], where)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind or (kind is int and abs(value) >= _MOST) or (where == "version" and value != VERSION):
        raise TypeError(where)
    return value
