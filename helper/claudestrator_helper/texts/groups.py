"""What headings above tasks say of all of their tasks."""

from __future__ import annotations

import functools
import re

from .pieces import NEEDS, kind_of
from .stated_dependencies import Needs, needs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from .sections import Block
    from .written_ids import Names

    class Task(Protocol):
        """What is asked of a task here."""

        block: Block
        position: int
        id: str

    class Queue(Protocol):
        """What is asked of a queue here."""

        text: str
        masked: str
        blocks: list[Block]

        def __hash__(self) -> int: ...

        @property
        def stating(self) -> Sequence[Block]: ...

        @property
        def tasks(self) -> Sequence[Task]: ...

        @property
        def names(self) -> Names: ...


class Group:
    """A heading that is no task, the tasks below it, and what it says that they depend on."""

    __slots__ = ("block", "needs", "tasks")

    def __init__(self, block: Block, tasks: list[Task], needs: Needs) -> None:
        self.block, self.tasks, self.needs = block, tasks, needs


@functools.lru_cache(1)
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
    """The ids in each group by its lower-case title, with and without what follows a colon or dash."""
    found: dict[str, list[str]] = {}
    for block, tasks in _members(queue).items():
        title = " ".join(block.title.lower().replace("*", " ").replace("`", " ").split())
        for name in dict.fromkeys([title, re.split(r"\s*[:(–—]|\s-\s", title)[0]]):
            if tasks and name:
                found.setdefault(name, []).extend(task.id for task in tasks)
    return found


@functools.lru_cache(1)
def stating(queue: Queue) -> list[Group]:
    """The headings that are no tasks and say something of dependencies."""
    found = []
    said = set(queue.stating)
    for block, tasks in _members(queue).items() if said else ():
        if block in said:
            position = tasks[0].position if tasks else len(queue.tasks)
            told = needs(queue.text, queue.masked, block.start, block.end, queue.names, position)
            # Text without an id lists what the project is built on, as likely as not.
            told.guessed += [(block.start, id_) for id_ in told.ids if not queue.names.find(id_)]
            told.guessed += told.likely.values()
            told.ids = [*(id_ for id_ in told.ids if queue.names.find(id_)), *told.likely]
            found.append(Group(block, tasks, told))
    return found


def inherited(queue: Queue) -> dict[int, list[list[str]]]:
    """By the position of a task, what each of its groups says that all of their tasks depend on."""
    found: dict[int, list[list[str]]] = {}
    for group in stating(queue):
        own = {task.id for task in group.tasks}
        # "All tasks" above a group means the others: its own would wait for each other for ever.
        others = own if own.issubset(group.needs.ids) else ()
        needed = [id_ for id_ in group.needs.ids if id_ not in others]
        for task in group.tasks if needed else ():
            # The same list, because many tasks may be below a heading that names many.
            found.setdefault(task.position, []).append(needed)
    return found
