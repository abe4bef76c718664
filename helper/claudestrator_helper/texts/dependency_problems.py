"""What is told of the reading of dependencies: those in no queue, guesses, and mentions that no field reads."""

from collections.abc import Iterator

from . import fields, overviews, plain_dependencies
from .groups import Group, stating
from .pieces import mentioned
from .queue import Queue, Task

_UNREAD = "names dependencies that are not read: write them in the Dependencies of the tasks"


def problems(queue: Queue) -> Iterator[tuple[int, str]]:
    for group in stating(queue):
        for id_ in group.needs.ids:
            if id_ not in queue.by_id:
                title = fields.cut(group.block.title, 40)
                yield (
                    queue.line_at(group.block.start),
                    f"{title!r}: its dependency {fields.cut(id_, 80)!r} is not in the queue",
                )


def notes(queue: Queue) -> Iterator[tuple[int, str]]:
    """The line of each dependency that had to be guessed, and of each mention of a task that no field has read."""
    for task in queue.tasks:
        section = queue.masked[task.block.start : task.block.end]
        if task.plain is None or not {task.id, *task.plain}.issuperset(mentioned(section, queue.names)):
            for offset, text in _of_task(task):
                yield queue.line_at(offset), f"{task.id}: {text}"
    for offset, row in overviews.orders(queue):
        yield queue.line_at(offset), f"{fields.cut(row)!r} {_UNREAD}"
    for group in stating(queue):
        title = fields.cut(group.block.title, 40)
        for offset, clause in group.needs.guessed if group.tasks else ():
            yield queue.line_at(offset), f"{title!r}: {_guess(clause)}"
        for told in group.single.values():
            for offset, sentence in told.values():
                yield queue.line_at(offset), f"{title!r}: {_guess(sentence)}"
        if (group.single or not (group.tasks and group.needs.ids)) and not _is_overview(queue, group):
            line = queue.line_at(group.block.start)
            yield line, f"{title!r} {_UNREAD}"


def _is_overview(queue: Queue, group: Group) -> bool:
    """Whether a section repeats what the tasks' own fields say: whatever a line names comes before or after something
    else in it, and what it names alone before or after each other task."""
    for line in queue.masked[group.block.start : group.block.end].split("\n"):
        named = [] if "parallel" in line.lower() else mentioned(line, queue.names)
        wide = len(named) > 1 or fields.has(r"\b(?:all|every\w*|each|others?|rest)\b", line)
        if not (group.needs.ids or (plain_dependencies.stated(line) and wide)):
            continue
        for id_ in named:
            others = [other for other in (named if len(named) > 1 else queue.ids) if other != id_]
            ordered = [queue.comes(id_, other) or queue.comes(other, id_) for other in others]
            if not (any(ordered) if len(named) > 1 else all(ordered)):
                return False
    return True


def _of_task(task: Task) -> Iterator[tuple[int, str]]:
    for offset, clause in task.needs.guessed:
        yield offset, _guess(clause)
    for id_, (offset, sentence) in task.needs.likely.items():
        if id_ in task.dependencies:
            yield offset, _guess(sentence)
        else:
            yield offset, f"{fields.cut(sentence)!r} is not read, as {id_} depends on {task.id}"
    known = {task.id, *task.dependencies}
    for piece in task.needs.unread:
        named = [
            id_
            for id_ in mentioned(piece.text, task.queue.names)
            # Of two tasks that come one after the other, neither waits for too little.
            if id_ not in known and not (task.queue.comes(id_, task.id) or task.queue.comes(task.id, id_))
        ]
        if named:
            told = fields.named(map(fields.cut, named), len(named))
            yield (
                piece.start,
                f"mentions {told} where no field is read; what the task needs belongs in its Dependencies",
            )


def _guess(clause: str) -> str:
    return f"{fields.cut(clause)!r} is a guess: the ids in it count as dependencies; in Dependencies, write ids alone"
