"""The task queue: tasks found in a Markdown text, and edits that splice it.

``parse(text).text == text`` for every text; an edit changes the characters that it is about and no others.
The functions take and return texts; callers that read bytes decode them with ``surrogateescape``.
"""

import re
from collections.abc import Callable, Container, Mapping
from functools import partial

from ..errors import ClaudestratorError
from . import fields, markdown, plain_dependencies, sections, statuses
from .models import BY_COMPLEXITY
from .once import once
from .sections import ANY_FIELD, DEPENDENCIES, Block, Section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import stated_dependencies, written_ids

#: Dependencies of all tasks together that are spelled out: "all previous" in each of 9,000 tasks is 40 million.
_EDGES = 500_000

Archive = Callable[[], Container[str]]


class Task(Section):
    """One task of a queue, and the tasks that it depends on."""

    def __init__(self, queue: "Queue", block: Block, position: int) -> None:
        super().__init__(queue.text, queue.masked, block)
        self.queue, self.position = queue, position

    @property
    def model(self) -> str:
        return self.queue.models.get(self.complexity) or self.queue.models["normal"]

    @once
    def dependencies(self) -> list[str]:
        """Ids, in the order written; text that names none is kept as it is, so that it can be reported.

        A sentence that names a task which depends on this one names none of this one's dependencies.

        """
        if self.plain is not None:
            return self.written
        likely = (id_ for id_ in self.needs.likely if not self.queue.comes(self.id, id_))
        return list(dict.fromkeys([*self.written, *likely]))

    @once
    def written(self) -> list[str]:
        """The dependencies that fields name, those of the groups included."""
        if self.plain is not None:
            return self.plain
        from .written_ids import FEW

        inherited = self.queue.inherited.get(self.position, [])
        if sum(map(len, inherited)) > max(FEW, self.queue.room):
            return [fields.cut(self._paragraph(DEPENDENCIES))]
        more = (id_ for ids in inherited for id_ in ids if id_ != self.id)
        return list(dict.fromkeys([*self.needs.ids, *more]))

    @once
    def plain(self) -> list[str] | None:
        """The dependencies of a task that names them as the helper writes them and nowhere else; None for others."""
        span = self.span(DEPENDENCIES)
        inherits = self.position in self.queue.inherited
        return None if inherits else plain_dependencies.ids_of(self.queue, self.block, span)

    @once
    def needs(self) -> "stated_dependencies.Needs":
        """What the section says of dependencies, in fields and elsewhere."""
        from . import fenced_dependencies, stated_dependencies

        queue, block = self.queue, self.block
        found = stated_dependencies.needs(queue.text, queue.masked, block.start, block.end, queue.names, self.position)
        if queue.hidden:
            for id_, said in fenced_dependencies.found(queue.text, block.start, block.end, queue.names, self.position):
                if id_ not in found.ids:
                    found.likely.setdefault(id_, said)
        found.likely.pop(self.id, None)
        return found

    @once
    def line(self) -> int:
        """The line of the heading, counted from 1."""
        return self.queue.line_at(self.block.start)

    def as_json(self) -> dict[str, object]:
        names = ("id", "status", "complexity", "model", "objective", "criteria", "dependencies", "files", "line")
        return {name: getattr(self, name) for name in names}


class Queue:
    """A parsed text: its tasks in the order of the file, and the blocks that are no tasks."""

    def __init__(self, text: str, models: Mapping[str, str], archive: Archive) -> None:
        self.text, self.models, self.archive = text, models, archive
        self.hidden = markdown.hidden(text)
        self.masked = markdown.mask(text, self.hidden)
        self.blocks = sections.of(self.masked)
        self.tasks: list[Task] = []
        self.others: list[Block] = []
        for block in self.blocks:
            task = Task(self, block, len(self.tasks)) if block.id else None
            if task and task.status_span:
                self.tasks.append(task)
            else:
                self.others.append(block)
        told = self._told()
        if told:
            self.tasks = [task for task in self.tasks if task.block not in told]
            tasks = {task.block for task in self.tasks}
            self.others = [block for block in self.blocks if block not in tasks]
            for position, task in enumerate(self.tasks):
                task.position = position
        if any(block.id for block in self.others):
            self._take_in_details()

    def _told(self) -> set[Block]:
        """Groups and parts of tasks whose status is in no field, as it is in the tasks below or above them."""
        found: set[Block] = set()
        if len({task.block.level for task in self.tasks}) < 2:
            return found
        own, above = {task.block: task for task in self.tasks}, None
        for block in self.blocks:
            task = own.get(block)
            if above is None or block.level <= above.block.level:
                above = task
            elif task:
                bare = self._bare(above, task)
                found |= {bare.block} if bare else set()
                above = above if bare is task else task
        return found

    def _bare(self, above: Task, task: Task) -> Task | None:
        """Which of two tasks of different families has no field at all, if the other one has a Status."""
        one, other = (each.span(sections.STATUS) is None for each in (above, task))
        if one == other or above.id.split("-")[0] == task.id.split("-")[0]:
            return None
        bare = above if one else task
        return None if self.has(bare.block, ANY_FIELD) else bare

    def _take_in_details(self) -> None:
        """Gives each task the deeper sections whose heading only mentions something like an id: `#### UTF-8 input`."""
        own, above, taken = {task.block for task in self.tasks}, None, set()
        for block in self.blocks:
            if block in own:
                above = block
            elif above and above.level < block.level and self._is_detail(block, above):
                above.end = block.end
                taken.add(block)
            else:
                above = None
        self.blocks = [block for block in self.blocks if block not in taken]
        self.others = [block for block in self.others if block not in taken]

    def _is_detail(self, block: Block, above: Block) -> bool:
        if block.id is None or block.id.startswith(tuple(f"{above.id}{mark}" for mark in "-_.")):
            return True
        return block.id.split("-")[0] not in self.families and not self.has(block, ANY_FIELD)

    @once
    def families(self) -> set[str]:
        """What the ids of this queue's tasks begin with."""
        return {"TASK", *(task.id.split("-")[0] for task in self.tasks)}

    @once
    def archived(self) -> Container[str]:
        """The ids of tasks that a run has completed and that a person may have moved elsewhere since."""
        return self.archive()

    @once
    def ids(self) -> list[str]:
        return [task.id for task in self.tasks]

    @once
    def by_id(self) -> dict[str, list[Task]]:
        """The tasks by id; a list of more than one is a mistake of the file's writer."""
        index: dict[str, list[Task]] = {}
        for task in self.tasks:
            index.setdefault(task.id, []).append(task)
        return index

    @once
    def titles(self) -> set[str]:
        """The titles after the tasks' ids, in lower case."""
        return {task.title.casefold() for task in self.tasks} - {""}

    @property
    def room(self) -> int:
        """How many tasks a task may depend on, given how many don't name them one by one."""
        # While the groups are read, it is not known yet which tasks inherit any of what they say.
        return self._room if "inherited" in vars(self) else _EDGES // len(self.blocks)

    @once
    def _room(self) -> int:
        return _EDGES // max(1, sum(task.plain is None for task in self.tasks))

    @once
    def _newlines_before(self) -> Callable[[int], int]:
        # Counting anew for each line of a long list would take the square of the queue's length.
        from bisect import bisect_left

        return partial(bisect_left, [match.start() for match in re.finditer("\n", self.masked)])

    def line_at(self, offset: int) -> int:
        """The line, counted from 1, that contains *offset*."""
        return self._newlines_before(offset) + 1

    @once
    def inherited(self) -> dict[int, list[list[str]]]:
        """By the position of a task, what the headings of the groups it is in say that all of their tasks depend on."""
        if not self.stating:
            return {}
        from . import groups

        return groups.inherited(self)

    @once
    def stating(self) -> list[Block]:
        """The blocks that are no tasks and may say something of dependencies."""
        sections = [self.masked[block.start : block.end] for block in self.others]
        # Of all of them together it is soon known that none does.
        if not plain_dependencies.stated("\n".join(sections)):
            return []
        return [block for block, text in zip(self.others, sections, strict=True) if plain_dependencies.stated(text)]

    def comes(self, first: str, then: str) -> bool:
        """Whether the task *then* depends on the task *first*, by what fields say."""
        place = self.by_id[first][0].position if first in self.by_id else len(self.tasks)
        return bool(self._before.get(then, 0) >> place & 1)

    @once
    def _before(self) -> dict[str, int]:
        from . import order

        return order.before(self.tasks, self.by_id, lambda task: task.written)

    @once
    def names(self) -> "written_ids.Names":
        from . import groups, written_ids

        return written_ids.Names(self.ids, groups.titles(self), lambda: self.room)

    def where(self, id_: str) -> str:
        """The lines of the tasks of that id."""
        found = self.by_id[id_]
        return fields.named((str(task.line) for task in found), len(found), " and ")

    def has(self, block: Block, names: str) -> bool:
        return fields.find(self.masked, block.body, block.end, names) is not None

    def task(self, id_: str) -> Task:
        """The task of that id.

        Raises ClaudestratorError where there is none, or more than one.

        """
        found = self.by_id.get(id_, [])
        if len(found) == 1:
            return found[0]
        if found:
            lines = self.where(id_)
            raise ClaudestratorError(f"{id_} is in the queue more than once, at lines {lines}: rename all but one")
        raise ClaudestratorError(f"no task {fields.cut(id_)} in the queue: `claudestrator-helper tasks` lists them")


def parse(text: str, models: Mapping[str, str] = BY_COMPLEXITY, archive: Archive = tuple) -> Queue:
    """The queue of a text; *models* are those of its tasks, by complexity, and *archive* is asked for the ids of
    completed tasks once a task needs an id that the text lacks."""
    return Queue(text, models, archive)


def set_status(text: str, id_: str, status: str) -> str:
    """*text* with that task's status cell changed, and nothing else.

    Raises ClaudestratorError for an id that is missing or used twice, and for a move that statuses.MOVES forbids.

    """
    parsed = parse(text)
    task = parsed.task(id_)
    if status not in statuses.MOVES:
        raise ClaudestratorError(f"{status[:40]!r} is not a status: use {', '.join(statuses.MOVES)}")
    if status not in (task.status, *statuses.MOVES.get(task.status, statuses.MOVES)):
        raise ClaudestratorError(f"{id_} is {task.status}: set it to {statuses.PENDING} first, then to {status}")
    return edited(parsed, {id_: status}).text


def edited(parsed: Queue, changes: Mapping[str, str]) -> Queue:
    """The queue with the statuses of some tasks replaced, by id; an id that is missing or used twice is left alone."""
    edits = []
    for task in parsed.tasks:
        status, span = changes.get(task.id), task.status_span
        if status and span and task.status != status and len(parsed.by_id[task.id]) == 1:
            # Only a field without a value has no space between its name and the place of the value.
            gap = " " if span[0] == span[1] and parsed.text[span[0] - 1] in "*:：" else ""
            edits.append((span, f"{gap}{statuses.changed(parsed.text[span[0] : span[1]], status)}"))
    return parse(fields.spliced(parsed.text, edits), parsed.models, parsed.archive) if edits else parsed
