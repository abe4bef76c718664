"""Which task can run next, and why the others can't."""

from collections.abc import Iterable, Iterator
from itertools import islice

from .fields import NAMED, cut, named
from .queue import Queue, Task
from .statuses import CLOSED, FAILED, IN_PROGRESS, PENDING, SKIPPED

READY, WAITING, BLOCKED, CYCLE, COMPLETE, EMPTY = "ready", "waiting", "blocked", "cycle", "complete", "empty"


class Selection:
    """The next ready task, or None with the reason (one of the six words above) and a line that names the culprit."""

    __slots__ = ("detail", "reason", "task")

    def __init__(self, task: Task | None, reason: str, detail: str) -> None:
        self.task, self.reason, self.detail = task, reason, detail


class Cause:
    """Why a pending task can't run now: WAITING, BLOCKED or CYCLE, the culprit, and what is wrong with it."""

    __slots__ = ("culprit", "kind", "why")

    def __init__(self, kind: str, culprit: str, why: str) -> None:
        self.kind, self.culprit, self.why = kind, culprit, why

    def __str__(self) -> str:
        if self.kind == CYCLE:
            return f"cycle {self.culprit}"
        return f"{'waiting on' if self.kind == WAITING else 'blocked by'} {self.culprit} ({self.why})"


def ready(queue: Queue) -> Iterable[Task]:
    """The tasks that can run now, in the order of the file."""
    for task in queue.tasks:
        alone = len(queue.by_id[task.id]) == 1
        if task.status == PENDING and alone and all(_unblocks(queue, id_) for id_ in task.dependencies):
            yield task


def soon(queue: Queue, count: int) -> list[str]:
    """The ids of the first *count* tasks that can run now or once those at work are completed."""
    at_work = {task.id for task in queue.tasks if task.status == IN_PROGRESS}
    free = (
        task.id
        for task in queue.tasks
        if task.status == PENDING
        and len(queue.by_id[task.id]) == 1
        and all(id_ in at_work or _unblocks(queue, id_) for id_ in task.dependencies)
    )
    return list(islice(free, count))


def select(queue: Queue, problems: Iterable[tuple[int, str]] = ()) -> Selection:
    """The first ready task, or why there is none; *problems* are the lines of sections that can't be read."""
    task = next(iter(ready(queue)), None)
    if task:
        return Selection(task, READY, task.objective)
    running = [task.id for task in queue.tasks if task.status == IN_PROGRESS]
    if running:
        return Selection(None, WAITING, f"waiting on {named(running, len(running))}")
    for line, text in problems:
        return Selection(None, BLOCKED, f"blocked by line {line}: {text}")
    if not queue.tasks:
        return Selection(None, EMPTY, "empty")
    return _stuck(queue)


def _stuck(queue: Queue) -> Selection:
    found = causes(queue)
    for task in queue.tasks:
        if task.status == PENDING:
            cause = found[task.id]
            return Selection(None, cause.kind, f"{cause}" if cause.kind == CYCLE else f"{cause}, which {task.id} needs")
        if task.status not in CLOSED:
            return Selection(None, BLOCKED, f"blocked by {task.id} ({_why(task)})")
    return Selection(None, COMPLETE, "complete")


def causes(queue: Queue) -> dict[str, Cause]:
    """For each pending task that isn't ready, by id, what holds it; the culprit is the root, not the next link."""
    pending = {task.id: task for task in queue.tasks if task.status == PENDING}
    found: dict[str, Cause] = {id_: _twice(task) for id_, task in pending.items() if len(queue.by_id[id_]) > 1}
    # Depth first: the tasks from the first to the current one, the place of each, and what else it needs.
    path: list[str] = []
    places: dict[str, int] = {}
    needed: dict[str, Iterator[str]] = {}
    for first in pending:
        path += [first] if first not in needed else []
        while path:
            id_ = path[-1]
            places.setdefault(id_, len(path) - 1)
            for other in needed.setdefault(id_, iter(pending[id_].dependencies)):
                if other in places:
                    _close(path, places[other], found)
                elif other in pending and other not in needed:
                    path.append(other)
                    break
            else:
                del places[path.pop()]
                cause = found.get(id_) or _cause(queue, pending[id_], found)
                if cause:
                    found[id_] = cause
    return {id_: found[id_] for id_ in pending if id_ in found}


def _close(path: list[str], place: int, found: dict[str, Cause]) -> None:
    """Notes the cycle from that place of *path* to its end, whose last task needs the first again."""
    told, more = path[place : place + NAMED], len(path) - place - NAMED
    arrows = " → ".join([*told, *([f"{more} more"] if more > 0 else []), path[place]])
    for at in range(len(path) - 1, place - 1, -1):
        if path[at] in found:
            break  # what leads to a cycle that is known has its cause there
        found[path[at]] = Cause(CYCLE, arrows, "each needs the next")


def _cause(queue: Queue, task: Task, found: dict[str, Cause]) -> Cause | None:
    waiting = None
    for id_ in task.dependencies:
        if _unblocks(queue, id_):
            continue
        cause = found.get(id_) or _of_dependency(queue, id_)
        if cause.kind != WAITING:
            return cause
        waiting = waiting or cause
    return waiting


def _of_dependency(queue: Queue, id_: str) -> Cause:
    tasks = queue.by_id.get(id_)
    if not tasks:
        return Cause(BLOCKED, cut(id_), "not in the queue")
    if len(tasks) > 1:
        return _twice(tasks[0])
    kind = WAITING if tasks[0].status in (IN_PROGRESS, PENDING) else BLOCKED
    return Cause(kind, id_, _why(tasks[0]))


def _twice(task: Task) -> Cause:
    return Cause(BLOCKED, task.id, "it is in the queue more than once")


def _why(task: Task) -> str:
    if task.status in (PENDING, IN_PROGRESS, FAILED, SKIPPED):
        return task.status.replace("_", " ")
    return f"its status {task.status[:40]!r} is not known"


def _unblocks(queue: Queue, id_: str) -> bool:
    tasks = queue.by_id.get(id_)
    return all(task.unblocks for task in tasks) if tasks else id_ in queue.archived
