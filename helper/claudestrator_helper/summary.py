"""Sentences about a run, for its person: short, and with nothing in them that could pass for a directive."""

import re
from collections import Counter
from collections.abc import Iterable

from . import schedule
from .check import Problem, miscounted
from .fields import cut
from .queue import Queue
from .state import State
from .statuses import COMPLETED, FAILED, IN_PROGRESS, MOVES, PENDING

#: Of a list of ids, so many are named.
NAMED = 5


def same(one: str, other: str) -> bool:
    """Whether two reasons say the same, numbers and ids apart."""
    return _kernel(one) == _kernel(other)


def _kernel(reason: str) -> str:
    return re.sub(r"[\w.-]*\d[\w.-]*|\W+", " ", reason).strip().lower()


def counts(statuses: Iterable[str]) -> str:
    count = Counter(statuses)
    return f"{count[COMPLETED]} of {sum(count.values())} tasks completed"


def counted(tasks: Iterable[tuple[str, str]], state: State) -> str:
    """The counts of tasks, given as ids with statuses, and how many of them were verified where they had to be."""
    found = list(tasks)
    passed = sum(status == COMPLETED and state.is_verified(id_) for id_, status in found)
    return counts(status for _, status in found) + (f", {passed} verified" if state.verify else "")


def streak(state: State, counted: str) -> str:
    reason = cut(state.failed[state.streak[-1]])
    return (
        f"The run has ended, {counted}: {_named(state.streak)} failed in a row for the same reason ({reason}). "
        f"{_AGAIN.format(state.streak[0])}"
    )


_AGAIN = "`claudestrator-helper set-status {} pending` and `/orchestrate` try one again."


def ending(queue: Queue, state: State, unreadable: list[Problem]) -> str:
    """How the run ended: all completed, or what failed, what is blocked by what, and what could not be read."""
    statuses = {task.id: task.status for task in queue.tasks}
    said = counted(((task.id, task.status) for task in queue.tasks), state)
    parts = [*_failed(statuses, state), *_blocked(queue), *_odd(statuses)]
    parts += [f"line {line} of the queue can't be read ({cut(text, 160)})" for line, text in unreadable[:NAMED]]
    left, flag = _unverified(statuses, state), _unchanged(statuses, state) + _miscounted(queue)
    if not parts:
        done = f"All {len(queue.tasks)} tasks are completed" if len(queue.tasks) > 1 else "The one task is completed"
        return "; ".join([f"{done}{' and verified' if state.verify and not left else ''}", *left]) + f".{flag}"
    parts += left
    again = [id_ for id_, status in statuses.items() if status == FAILED]
    hint = _AGAIN.format(again[0]) if again else "`claudestrator-helper check` names what to mend."
    return f"The run has ended, {said}; {'; '.join(parts)}. {hint}{flag}"


def _unverified(statuses: dict[str, str], state: State) -> list[str]:
    """The completed tasks that no verdict has passed, though they had to be verified."""
    left = [id_ for id_, status in statuses.items() if status == COMPLETED and not state.is_verified(id_)]
    why = dict.fromkeys(state.completed, "no verdict") | state.unverified
    named = [f"{id_} ({cut(why.get(id_, 'not completed by this run'))})" for id_ in left]
    return [f"not verified: {_named(named)}"] if named and state.verify else []


def _unchanged(statuses: dict[str, str], state: State) -> str:
    # A task that somebody has deleted since is nobody's concern.
    left = [id_ for id_ in state.unchanged if id_ in statuses]
    return f" Completed with nothing changed: {_named(left)}." if left else ""


def _miscounted(queue: Queue) -> str:
    return "".join(f" Line {line} of the queue is another matter: {text}." for line, text in miscounted(queue)[:1])


def loops(state: State, queue: Queue, issues: Queue) -> str:
    """How a run of loops ended: tasks, and what became of the issues."""
    count = Counter(issue.status.lower() for issue in issues.tasks)
    found = ", ".join(f"{count[word]} {word}" for word in ("completed", "accepted", PENDING, "rejected") if count[word])
    said = counted(((task.id, task.status) for task in queue.tasks), state)
    parts = [f"{state.loop} of {state.loops} loops are done, {said}"]
    parts += [f"issues: {found}"] if found else []
    statuses = {task.id: task.status for task in queue.tasks}
    mine = {id_: status for id_, status in statuses.items() if id_ in state.completed}
    parts += [*_failed(statuses, state), *_blocked(queue), *_odd(statuses), *_unverified(mine, state)]
    return f"{'; '.join(parts)}.{_unchanged(statuses, state)}"


def _failed(statuses: dict[str, str], state: State) -> list[str]:
    failed = [
        f"{id_} ({cut(state.failed.get(id_, 'before this run'))})"
        for id_, status in statuses.items()
        if status == FAILED
    ]
    return [f"failed: {_named(failed)}"] if failed else []


def _blocked(queue: Queue) -> list[str]:
    blocked = [f"{id_} by {_culprit(cause)}" for id_, cause in schedule.causes(queue).items()]
    return [f"blocked: {_named(blocked)}"] if blocked else []


def _culprit(cause: schedule.Cause) -> str:
    return f"the {cause}" if cause.kind == schedule.CYCLE else f"{cut(cause.culprit)} ({cut(cause.why)})"


def _odd(statuses: dict[str, str]) -> list[str]:
    odd = [f"{id_} is {cut(status, 30)!r}" for id_, status in statuses.items() if status not in MOVES]
    odd += [f"{id_} is in progress, but not by this run" for id_, status in statuses.items() if status == IN_PROGRESS]
    return [_named(odd)] if odd else []


def _named(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def bar(statuses: Iterable[str], width: int = 30) -> str:
    """A line of *width* characters and the counts by status."""
    count = Counter(statuses)
    total = sum(count.values())
    filled = width * count[COMPLETED] // total if total else 0
    known = [f"{count[status]} {status}" for status in (COMPLETED, IN_PROGRESS, PENDING, FAILED) if count[status]]
    other = total - sum(count[status] for status in MOVES)
    text = ", ".join(known + ([f"{other} unknown"] if other else []))
    return f"[{'#' * filled}{'.' * (width - filled)}] {count[COMPLETED]}/{total}  {text}".rstrip()
