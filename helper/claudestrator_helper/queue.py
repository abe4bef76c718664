"""The task queue: tasks found in a Markdown text, and edits that splice it.

``parse(text).text == text`` for every text; an edit changes the characters that it is about and no others.
The functions take and give texts; whoever reads bytes decodes them with ``surrogateescape``.
"""

import re
from collections.abc import Mapping
from functools import cached_property

from . import fields, ids, markdown, statuses
from .errors import ClaudestratorError
from .models import BY_COMPLEXITY

STATUS = "Status"
COMPLEXITY = "Complexity"
OBJECTIVE = "Objective|Goal"
CRITERIA = "Acceptance Criteria|Acceptance|Criteria"
DEPENDENCIES = "Dependencies|Dependency|Depends on|Depends-on|DependsOn|Depends|Blocked by|Prerequisites"
FILES = "Files|File"
NOTES = "Notes|Note"
ANY_FIELD = f"{STATUS}|{COMPLEXITY}|{OBJECTIVE}|{CRITERIA}|{DEPENDENCIES}"

_MARKS = r"(?:[^\w\n]|_|\d+[.)](?=\s))*"
_LONG_ID = re.compile(rf"{_MARKS}({ids.WORD.pattern})")
_SHORT_ID = rf"{_MARKS}([A-Za-z]+[0-9]+)(?![\w.-])"
_DIGIT = re.compile(r"\d")
#: Dependencies of one task that may always be spelled out, and those of all tasks together: "all previous" in each of
#: 9,000 tasks is 40 million.
_SPELLED_OUT, _EDGES = 100, 500_000
#: How most tasks name what they depend on; the other ways are read by dependencies.py.
_PLAIN = re.compile(rf"(?:{ids.WORD.pattern},? *)+")


class Block:
    """A stretch of the text from one heading to the next that ends it; *id* is None for prose."""

    __slots__ = ("body", "end", "id", "level", "start", "title")

    def __init__(self, id_: str | None, heading: markdown.Heading, end: int) -> None:
        self.id, self.title, self.level = id_, heading.title, heading.level
        # The body begins at the newline of the heading's line, because the pattern of a field begins with one.
        self.start, self.body, self.end = heading.start, heading.end, end


class Task:
    """One task; its fields are read from the queue's text when they are asked for."""

    def __init__(self, queue: "Queue", block: Block, position: int) -> None:
        self.queue, self.block, self.position = queue, block, position
        self.id = block.id or ""

    def span(self, names: str) -> fields.Span | None:
        return fields.find(self.queue.masked, self.block.body, self.block.end, names)

    def text(self, names: str) -> str:
        span = self.span(names)
        return self.queue.text[span[0] : span[1]] if span else ""

    def _paragraph(self, names: str) -> str:
        span = self.span(names)
        if span is None:
            return ""
        span = fields.first_paragraph(self.queue.masked, span)
        return self.queue.text[span[0] : span[1]]

    @cached_property
    def status_span(self) -> fields.Span | None:
        span = self.span(STATUS)
        return self._status_at(fields.first_line(self.queue.masked, span)) if span else None

    def _status_at(self, span: fields.Span) -> fields.Span:
        """*span*, or the end of the field's name where nothing stands behind it, or a paragraph that is no status."""
        name = self.block.body + len(self.queue.masked[self.block.body : span[0]].rstrip())
        between = self.queue.masked[name : span[0]]
        if span[0] == span[1]:
            empty = "\r" in between or "\n" in between
        else:
            value = self.queue.text[span[0] : span[1]]
            empty = between.count("\n") > 1 and statuses.normalise(value) not in statuses.MOVES
        return (name, name) if empty else span

    @cached_property
    def status(self) -> str:
        """One of the four statuses, or the raw word."""
        span = self.status_span
        return statuses.normalise(self.queue.text[span[0] : span[1]]) if span else ""

    @cached_property
    def complexity(self) -> str:
        """Easy, normal or complex, or the raw word; normal where none is given."""
        words = self._paragraph(COMPLEXITY).strip("*_` ").split()
        if not words:
            return "normal"
        return words[0].lower() if words[0].lower() in BY_COMPLEXITY else fields.one_line(" ".join(words))

    @property
    def model(self) -> str:
        return self.queue.models.get(self.complexity) or self.queue.models["normal"]

    @property
    def objective(self) -> str:
        """One line; the title behind the id where the task has no Objective."""
        return fields.one_line(self._paragraph(OBJECTIVE)) or self.title

    @property
    def title(self) -> str:
        return fields.one_line(self.block.title.split(self.id, 1)[-1].lstrip(" :.-–—*`_)]"))

    @property
    def criteria(self) -> list[str]:
        return fields.items(self.text(CRITERIA))

    @property
    def files(self) -> list[str]:
        named = [part for item in fields.items(self._paragraph(FILES)) for part in item.split(",")]
        if not named:
            return []
        from . import dependencies

        paths = [re.split(r"\s+\(|\s+[—–]\s", part)[0].strip("`* ") for part in named]
        return [path for path in paths if not dependencies.is_nothing(path)]

    @property
    def notes(self) -> str:
        return self.text(NOTES)

    @cached_property
    def dependencies(self) -> list[str]:
        """Ids, in the order written; what names none is kept as it stands, so that it can be reported."""
        text = self._paragraph(DEPENDENCIES)
        if text in ("", "None"):
            return []
        if _PLAIN.fullmatch(text):
            found = ids.words(text)
            if len(found) == text.count(",") + 1 == len(set(found)):
                return found
        from . import dependencies

        found = dependencies.read(text, self.queue.ids, self.position)
        return found if len(found) <= _SPELLED_OUT or len(found) <= self.queue.room else [fields.cut(text)]

    @property
    def names_plainly(self) -> bool:
        """Whether it names the tasks that it depends on one by one, or none."""
        text = self._paragraph(DEPENDENCIES)
        return text in ("", "None") or _PLAIN.fullmatch(text) is not None

    @property
    def line(self) -> int:
        """The line of the heading, counted from 1."""
        return self.queue.line_at(self.block.start)

    def as_json(self) -> dict[str, object]:
        names = (
            "id",
            "status",
            "complexity",
            "model",
            "objective",
            "criteria",
            "dependencies",
            "files",
            "line",
        )
        return {name: getattr(self, name) for name in names}


class Queue:
    """A parsed text: its tasks in the order of the file, and the blocks that are no tasks."""

    def __init__(self, text: str, models: Mapping[str, str] = BY_COMPLEXITY) -> None:
        self.text, self.models = text, models
        self.hidden = markdown.hidden(text)
        self.masked = markdown.mask(text, self.hidden)
        self.blocks = _blocks(self.masked)
        self.tasks: list[Task] = []
        self.others: list[Block] = []
        for block in self.blocks:
            task = Task(self, block, len(self.tasks))
            if block.id and task.status_span:
                self.tasks.append(task)
            else:
                self.others.append(block)

    @cached_property
    def ids(self) -> list[str]:
        return [task.id for task in self.tasks]

    @cached_property
    def by_id(self) -> dict[str, list[Task]]:
        """The tasks by id; a list of more than one is a mistake of the file's writer."""
        index: dict[str, list[Task]] = {}
        for task in self.tasks:
            index.setdefault(task.id, []).append(task)
        return index

    @cached_property
    def room(self) -> int:
        """How many tasks a task may depend on, given how many don't name them one by one."""
        return _EDGES // max(1, sum(not task.names_plainly for task in self.tasks))

    @cached_property
    def _newlines(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.masked)]

    def line_at(self, offset: int) -> int:
        """The line, counted from 1, on which *offset* stands."""
        # Counting anew for each line of a long list would take the square of the queue's length.
        from bisect import bisect_left

        return bisect_left(self._newlines, offset) + 1

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
            raise ClaudestratorError(f"{id_} stands more than once in the queue, at lines {lines}: rename all but one")
        raise ClaudestratorError(f"no task {fields.cut(id_)} in the queue: `claudestrator-helper tasks` lists them")


def parse(text: str, models: Mapping[str, str] = BY_COMPLEXITY) -> Queue:
    """The queue of a text; *models* are those of its tasks, by complexity."""
    return Queue(text, models)


def set_status(text: str, id_: str, status: str) -> str:
    """*text* with that task's status cell changed, and nothing else.

    Raises ClaudestratorError for an id that is not there exactly once, and for a move that statuses.MOVES forbids.

    """
    parsed = parse(text)
    task = parsed.task(id_)
    if status not in statuses.MOVES:
        raise ClaudestratorError(f"{status[:40]!r} is not a status: use {', '.join(statuses.MOVES)}")
    if status not in (task.status, *statuses.MOVES.get(task.status, statuses.MOVES)):
        raise ClaudestratorError(f"{id_} is {task.status}: set it to {statuses.PENDING} first, then to {status}")
    return edited(parsed, {id_: status}).text


def edited(parsed: Queue, changes: Mapping[str, str]) -> Queue:
    """The queue with the statuses of some tasks replaced, by id; an id that isn't there exactly once is left alone."""
    edits = []
    for task in parsed.tasks:
        status, span = changes.get(task.id), task.status_span
        if status and span and task.status != status and len(parsed.by_id[task.id]) == 1:
            # Only behind the name of a field that has no value, nothing stands between the two.
            gap = " " if span[0] == span[1] and parsed.text[span[0] - 1] in "*:" else ""
            edits.append((span, f"{gap}{status}"))
    return parse(fields.spliced(parsed.text, edits), parsed.models) if edits else parsed


def _blocks(masked: str) -> list[Block]:
    opened: list[tuple[str | None, markdown.Heading]] = []
    for heading in markdown.headings(masked):
        id_ = _id_of(heading.title)
        if id_ or not opened or not opened[-1][0] or heading.level <= opened[-1][1].level:
            opened.append((id_, heading))
    ends = [*(heading.start - 1 for _, heading in opened[1:]), len(masked)]
    return [Block(id_, heading, end) for (id_, heading), end in zip(opened, ends)]  # noqa: B905 (one end too many for none)


def _id_of(title: str) -> str | None:
    match = _LONG_ID.match(title) or re.match(_SHORT_ID, title)
    if match is None or not _DIGIT.search(match[1]) or len(match[1]) > ids.LONGEST:
        return None
    return match[1]
