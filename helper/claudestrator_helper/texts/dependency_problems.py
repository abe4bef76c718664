"""What is told of the reading of dependencies: those in no queue, guesses, and mentions that no field reads."""

from collections.abc import Iterator

from . import fields
from .groups import stating
from .queue import Queue, Task
from .stated_dependencies import mentioned


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
    for group in stating(queue):
        title = fields.cut(group.block.title, 40)
        for offset, clause in group.needs.guessed if group.tasks else ():
            yield queue.line_at(offset), f"{title!r}: {_guess(clause)}"
        if not group.tasks and group.needs.ids:
            yield (
                queue.line_at(group.block.start),
                f"{title!r} names dependencies and has no task below it: they are not read",
            )


def _of_task(task: Task) -> Iterator[tuple[int, str]]:
    for offset, clause in task.needs.guessed:
        yield offset, _guess(clause)
    known = {task.id, *task.dependencies}
    for piece in task.needs.unread:
        named = [id_ for id_ in mentioned(piece.text, task.queue.names) if id_ not in known]
        if named:
            told = fields.named(map(fields.cut, named), len(named))
            yield (
                piece.start,
                f"{told} is mentioned where no field is read; what the task needs belongs into its Dependencies",
            )


def _guess(clause: str) -> str:
    return f"{fields.cut(clause)!r} is a guess: the ids in it count as dependencies; in Dependencies, write ids alone"
