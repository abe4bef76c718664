"""What headings above tasks say of all of their tasks; and what is told of the reading of dependencies."""

import re
from collections.abc import Iterator

from . import fields, plain_dependencies
from .blocks import Block
from .queue import Queue, Task
from .stated_dependencies import NEEDS, Needs, kind_of, mentioned, needs


class Group:
    """A heading that is no task, the tasks below it, and what it says that they depend on."""

    __slots__ = ("block", "needs", "tasks")

    def __init__(self, block: Block, tasks: list[Task], needs: Needs) -> None:
        self.block, self.tasks, self.needs = block, tasks, needs


def _members(queue: Queue) -> dict[Block, list[Task]]:
    """The tasks below each heading that is no task, by the headings' levels."""
    tasks = {task.block: task for task in queue.tasks}
    found: dict[Block, list[Task]] = {}
    above: list[Block] = []
    before: Block | None = None
    for block in queue.blocks:
        while above and above[-1].level >= block.level:
            above.pop()
        if block in tasks:
            for group in above:
                found[group].append(tasks[block])
        else:
            above.append(block)
            found[block] = []
            if before is not None and kind_of(block.title) == NEEDS:
                # A heading "Dependencies" that is not below its task's, but beside it.
                beside = before in tasks and before.level == block.level
                found[block] = [tasks[before]] if beside else found.get(before, []) if before in above else []
        before = block
    return found


def titles(queue: Queue) -> dict[str, list[str]]:
    """The ids in each group by its lower-case title, with and without what is behind a colon or dash."""
    found: dict[str, list[str]] = {}
    for block, tasks in _members(queue).items():
        title = " ".join(block.title.lower().replace("*", " ").replace("`", " ").split())
        for name in dict.fromkeys([title, re.split(r"\s*[:(–—]|\s-\s", title)[0]]):
            if tasks and name:
                found.setdefault(name, []).extend(task.id for task in tasks)
    return found


def stating(queue: Queue) -> list[Group]:
    """The headings that are no tasks and say something of dependencies."""
    found = []
    for block, tasks in _members(queue).items():
        if plain_dependencies.stated(queue.masked[block.start : block.end]):
            position = tasks[0].position if tasks else len(queue.tasks)
            told = needs(queue.text, queue.masked, block.start, block.end, queue.names, position)
            # Text without an id lists what the project is built on, as likely as not.
            told.guessed += [(block.start, id_) for id_ in told.ids if not queue.names.find(id_)]
            told.guessed += told.likely.values()
            told.ids = [*(id_ for id_ in told.ids if queue.names.find(id_)), *told.likely]
            found.append(Group(block, tasks, told))
    return found


def problems(queue: Queue) -> Iterator[tuple[int, str]]:
    for group in stating(queue):
        for id_ in group.needs.ids:
            if id_ not in queue.by_id:
                title = fields.cut(group.block.title, 40)
                yield (
                    queue.line_at(group.block.start),
                    f"{title!r}: its dependency {fields.cut(id_, 80)!r} is not in the queue",
                )


def inherited(queue: Queue) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for group in stating(queue):
        own = {task.id for task in group.tasks}
        # "All tasks" above a group means the others: its own would wait for each other for ever.
        needed = [id_ for id_ in group.needs.ids if id_ not in own or not own.issubset(group.needs.ids)]
        for task in group.tasks if needed else ():
            found.setdefault(task.position, []).extend(needed)
    return found


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
        if not (group.tasks and group.needs.ids) and not _is_overview(queue, group):
            line = queue.line_at(group.block.start)
            yield line, f"{title!r} names dependencies that are not read: write them in the Dependencies of the tasks"


def _is_overview(queue: Queue, group: Group) -> bool:
    """Whether a section repeats what the tasks' own fields say: whatever a line names comes before or after something
    else in it, and what it names alone before or after each other task."""
    for line in queue.masked[group.block.start : group.block.end].split("\n"):
        named = [] if "parallel" in line.lower() else mentioned(line, queue.names)
        if not (group.needs.ids or (plain_dependencies.stated(line) and len(named) > 1)):
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
        named = [id_ for id_ in mentioned(piece.text, task.queue.names) if id_ not in known]
        # Of two tasks that come one after the other, neither waits for too little.
        named = [id_ for id_ in named if not (task.queue.comes(id_, task.id) or task.queue.comes(task.id, id_))]
        if named:
            told = fields.named(map(fields.cut, named), len(named))
            yield (
                piece.start,
                f"mentions {told} where no field is read; what the task needs belongs in its Dependencies",
            )


def _guess(clause: str) -> str:
    return f"{fields.cut(clause)!r} is a guess: the ids in it count as dependencies; in Dependencies, write ids alone"
