"""What headings above tasks say of all of their tasks."""

from __future__ import annotations

import functools
import re

from . import order, plain_dependencies
from .fields import has
from .pieces import NEARLY, NEEDS, kind_of, mentioned
from .sections import DEPENDENCIES
from .stated_dependencies import Needs, needs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from .fields import Span
    from .sections import Block
    from .written_ids import Names

    class Task(Protocol):
        """What is asked of a task here."""

        block: Block
        position: int
        id: str

        @property
        def needs(self) -> Needs: ...

        def span(self, names: str) -> Span | None: ...

    class Queue(Protocol):
        """What is asked of a queue here."""

        text: str
        masked: str
        blocks: list[Block]

        def __hash__(self) -> int: ...

        @property
        def hidden(self) -> Sequence[object]: ...

        @property
        def by_id(self) -> Mapping[str, Sequence[Task]]: ...

        @property
        def stating(self) -> Sequence[Block]: ...

        @property
        def tasks(self) -> Sequence[Task]: ...

        @property
        def names(self) -> Names: ...


#: So much of a line is looked at.
_LONGEST = 1000


class Group:
    """A heading that is no task, the tasks below it, and what it says that they depend on; *single* is what it says of
    single tasks, by their ids: what they depend on, and the sentence with its offset."""

    __slots__ = ("block", "needs", "single", "tasks")

    def __init__(
        self, block: Block, tasks: list[Task], needs: Needs, single: dict[str, dict[str, tuple[int, str]]]
    ) -> None:
        self.block, self.tasks, self.needs, self.single = block, tasks, needs, single


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
            found.append(_read(queue, block, tasks))
    return found


def _read(queue: Queue, block: Block, tasks: list[Task]) -> Group:
    own, position = {task.id for task in tasks}, tasks[0].position if tasks else len(queue.tasks)
    told = needs(queue.text, queue.masked, block.start, block.end, queue.names, position)
    single: dict[str, dict[str, tuple[int, str]]] = {}
    for sentence, ids in _by_sentence(told).items():
        about = [other for other in _subjects(queue, *sentence, own) if other not in ids]
        said = {id_: told.likely.pop(id_) for id_ in ids} if about else {}
        for other in about:
            # What a line says of some of the group's tasks, it says of no other.
            single.setdefault(other, {}).update(said)
    # Text without an id lists what the project is built on, as likely as not.
    told.guessed += [(block.start, id_) for id_ in told.ids if not queue.names.find(id_)]
    told.guessed += told.likely.values()
    told.ids = [*(id_ for id_ in told.ids if queue.names.find(id_)), *told.likely]
    overview = kind_of(block.title) in (NEEDS, NEARLY) and not own.isdisjoint(told.ids)
    return Group(block, [] if overview else tasks, told, _unknown(queue, single) if single else single)


def _by_sentence(told: Needs) -> dict[tuple[int, str], list[str]]:
    found: dict[tuple[int, str], list[str]] = {}
    for id_, sentence in told.likely.items():
        found.setdefault(sentence, []).append(id_)
    return found


def _subjects(queue: Queue, at: int, sentence: str, own: set[str]) -> list[str]:
    """The tasks among *own* that a sentence of the line at that offset is about: those before it in its clause, in its
    line, or in itself. A line about all tasks is about none of them."""
    start = queue.masked.rfind("\n", 0, at) + 1
    before, said, _ = queue.masked[start : start + _LONGEST].partition("\n")[0].partition(sentence)
    if has(r"\b(?:all|both|each|entire|every\w*|whole)\b", before):
        return []
    for text in (re.split(r"[.;]\s", before)[-1], before, said):
        found = [id_ for id_ in mentioned(text, queue.names) if id_ in own]
        if found:
            return found
    return []


@functools.lru_cache(1)
def _fielded(queue: Queue) -> dict[str, int]:
    """By id, the positions of all tasks that have to be completed before by what the tasks' fields say, a bit each."""

    def direct(task: Task) -> list[str]:
        plain = plain_dependencies.ids_of(queue, task.block, task.span(DEPENDENCIES))
        return task.needs.ids if plain is None else plain

    return order.before(queue.tasks, queue.by_id, direct)


def _unknown(queue: Queue, single: dict[str, dict[str, tuple[int, str]]]) -> dict[str, dict[str, tuple[int, str]]]:
    """What of it is no order that the tasks' fields have already, in either direction."""
    known = _fielded(queue)

    def is_known(one: str, other: str) -> bool:
        return other in queue.by_id and bool(known.get(one, 0) >> queue.by_id[other][0].position & 1)

    return {
        about: {id_: said for id_, said in told.items() if not is_known(about, id_) and not is_known(id_, about)}
        for about, told in single.items()
    }


def inherited(queue: Queue) -> dict[int, list[list[str]]]:
    """By the position of a task, what each of its groups says that all of their tasks depend on, or it alone."""
    found: dict[int, list[list[str]]] = {}
    for group in stating(queue):
        own = {task.id for task in group.tasks}
        # "All tasks" above a group means the others: its own would wait for each other for ever.
        others = own if own.issubset(group.needs.ids) else ()
        needed = [id_ for id_ in group.needs.ids if id_ not in others]
        for task in group.tasks if needed else ():
            # The same list, because many tasks may be below a heading that names many.
            found.setdefault(task.position, []).append(needed)
        for about, told in group.single.items():
            found.setdefault(queue.by_id[about][0].position, []).append(list(told))
    return found
