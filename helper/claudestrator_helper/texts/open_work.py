"""Work that is written in a queue and became no task: open boxes, lists and tables.

Whatever is told here keeps a run from being "complete" and the queue from being "empty", so a line has to look like
open work: a glossary, a legend, an index of the queue's own tasks and what is ticked do not.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from . import fields, ids, sections, statuses
from .named_tuples import NamedTuple
from .open_signs import ABOUT, BOX, BULLET, DROPPED, INLINE, LAST, OPEN, OVER, TODO, is_legend, is_open, new_number
from .queue import Queue
from .sections import Block

_LINE = rf"\n([ \t>]*)(?=\S)({BULLET}*)[ \t*_]*({BOX})?([^\n]*)"
_ID = rf"({ids.WORD}|[A-Za-z]+\d+)(?![\w-]|\.\w)"
#: The beginning of a line, or of a cell, that is about something with an id.
_LEAD = rf"[^\w\n~]*(?:\d+[.)][ \t]+)?(?:(?i:{OPEN})\b[^\w\n]{{1,6}})?{_ID}"
#: Such a line in the section of a task; the marks before the id can be read in one way only, so a line takes no square.
_INSIDE = rf"\n(?=((?:[^\w\n#~]|~(?!~))*))\1(?:(?=(\d+[.)][^\w\n#~]*))\2)?{_ID}([^\n]*)"
_STATUS = r"[^\w\n]*(?:task )?(?:status|state)\b[*_`]*[ \t]*[:=][ \t*_`:]*([^\n|]*)"
#: Headings above lists of what is still to be done, and those that say so only where the queue has no task.
_REST = (
    r"(?i)\W*(?:to[ -]?dos?|(?:still |left |things |what(?:'s| is) (?:left )?)to do|(?:open|remaining|pending|"
    r"outstanding|upcoming|next)(?: (?:tasks?|work|items?))?|backlog|not started|in progress|doing)\W*\Z"
)
#: Headings above work that is no longer to be done, and above boxes that are ticked for every task.
_GONE = (
    r"(?i)\W*(?:completed?|done|finished|archived?|history|removed|dropped|cancell?ed|rejected|obsolete|not in scope|"
    r"out[ -]of[ -]scope|non-goals|won['’]t (?:do|fix))(?: (?:tasks?|work|items?))?\W*\Z"
)
_EVERY = r"(?i)\W*(?:definition of (?:done|ready)|dod)\b|.*\b(?:for|of|in|before) (?:every|each) task\b"
_LIST = r"(?i)\W*(?:tasks?|task list|(?:phase|sprint|milestone|week|stage) \d+\b.*|implementation(?: plan)?)\W*\Z"
_PLAN = r"(?i).*\b(?:tasks?|plan|steps?|phases?|roadmap|implementation)\b"
_STATUS_COLUMN = r"(?i)(?:status|state|progress|done\??)\Z"
_ONE = r"(?i)(?:task|to-?do|title|task (?:name|title)|story|feature|what)\Z"
_TASK_COLUMN = r"(?i)(?:tasks?|task (?:id|name|title)|title|to-?dos?|story|feature)\Z"
#: What follows the number of a task that a line is about.
_NAMED = r"[*_`)\]]*[ \t]*(?:[:–—-]|\Z|</)"
_RULE = r"\n {0,3}(?:-{3,}|\*{3,}|_{3,})[ \t]*(?=\r?\n|\Z)"
#: What has ids and a state, and is no work.
_OTHERS = r"(?i).*\b(?:risks?|decisions?|milestones?|questions?|assumptions?|glossary|terms|history|archived?)\b"
#: What a task still has to say after a rule.
_FIELDS = f"{sections.ANY_FIELD}|{sections.FILES}|{sections.NOTES}|{sections.GATE}|Description|Steps"
#: Of a heading or a row, so much is looked at.
_LONGEST, _CELLS = 200, 50


class _Item(NamedTuple):
    """A line that may be a task's: where it begins, how far it is indented (-1 for a heading), its id, and its text."""

    at: int
    column: int
    id: str
    text: str


def found(parsed: Queue) -> Iterator[tuple[int, str]]:
    """The lines of open work, each with what is said of it."""
    families = set(map(family, parsed.families))
    ends = [_end(parsed, task.block) for task in parsed.tasks]
    first = parsed.blocks[0].start if parsed.blocks else len(parsed.masked)
    tails = [
        (end, task.block.end, None, "") for task, end in zip(parsed.tasks, ends, strict=True) if end < task.block.end
    ]
    for start, end, heading, title in [(0, first, None, ""), *_others(parsed), *tails]:
        yield from _Prose(parsed, start, end, families, heading, title).found()
    yield from _inside(parsed, ends, families)


def _others(parsed: Queue) -> Iterator[tuple[int, int, _Item | None, str]]:
    """The sections that are no tasks; the heading of a group has no status of its own."""
    following = dict(zip(parsed.blocks, parsed.blocks[1:], strict=False))
    for block in parsed.others:
        if not parsed.masked[block.body : block.end].strip():
            continue
        below = following.get(block)
        is_group = below and below.id and below.level > block.level
        item = _Item(block.start, -1, block.id or "", block.title if block.level > 1 else "")
        yield block.body, block.end, None if is_group or re.match(ABOUT, block.title) else item, block.title


def _end(parsed: Queue, block: Block) -> int:
    """Where a task's section ends: at its last rule, if none of its fields and no heading comes after that."""
    text, end = parsed.masked, block.end
    if text[block.body : end].rstrip(" \t\n").endswith("\n---"):
        return end  # as the helper writes it
    at = max((match.start() for match in re.compile(_RULE).finditer(text, block.body, end)), default=end)
    after = text[at:end]
    if not after.strip("-*_ \t\r\n") or "\n#" in after or fields.find(text, at, end, _FIELDS):
        return end
    return at


def _inside(parsed: Queue, ends: list[int], families: set[str]) -> Iterator[tuple[int, str]]:
    """Lines in the sections of tasks that begin with the id of another task and have a box or a status of their own."""
    starts = [task.block.start for task in parsed.tasks]
    lines, status = f"\n{parsed.masked}", re.compile(rf"\n(?=[ \t]){_STATUS}", re.IGNORECASE)
    # Most lines begin with another letter than the ids, which is soon seen.
    letters = "".join(sorted({letter for name in families for letter in (name[0], name[0].lower())}))
    for match in re.finditer(_INSIDE.replace(_ID, f"(?=[{letters}]){_ID}"), lines):
        id_, place, marks = match[3], bisect_right(starts, match.start()) - 1, match[1] + (match[2] or "")
        if place < 0 or match.start() >= ends[place] or not _is_new(parsed, id_) or family(id_) not in families:
            continue
        if id_.startswith(tuple(f"{parsed.tasks[place].id}{mark}" for mark in "-_.")):
            continue
        box, below = re.search(BOX, marks), status.match(lines, match.end())
        state = _status_in(match[4].split("|")) if "|" in marks else statuses.normalise(below[1]) if below else ""
        if (box and is_open(box[0])) or (state in statuses.MOVES and state not in statuses.CLOSED):
            yield parsed.line_at(match.start()), _said(id_, "")


class _Prose:
    """A stretch of the queue that belongs to no task; *item* is the line that a status below it is about."""

    def __init__(self, parsed: Queue, start: int, end: int, families: set[str], item: _Item | None, title: str) -> None:
        self.parsed, self.start, self.families, self.item, self.title = parsed, start, families, item, title[:_LONGEST]
        self.lines = f"\n{parsed.masked[start:end]}"
        self.rows: list[tuple[int, list[str]]] = []
        #: How far the entry of an index is indented; what is indented further belongs to it.
        self.entry: int | None = None

    def found(self) -> Iterator[tuple[int, str]]:
        for line in re.finditer(_LINE, self.lines):
            if "|" in line[4] and not line[2] and not line[3]:
                cells = re.split(r"(?<!\\)\|", line[0], maxsplit=_CELLS)
                self.rows.append((line.start(), [cell.strip() for cell in cells]))
                continue
            yield from self._table()
            yield from self._line(line)
        yield from self._table()

    def _line(self, line: re.Match[str]) -> Iterator[tuple[int, str]]:
        text = line[4].strip()
        # Front matter, below a task of the queue.
        named = text.removeprefix("id:") if self.parsed.tasks else text
        item = _Item(self.start + line.start(), len(line[1].expandtabs(4)), _lead(named), text)
        status = None if item.id or "tat" not in text[:40].lower() else re.match(_STATUS, text, re.IGNORECASE)
        if self.entry is not None and item.column <= self.entry:
            self.entry = None
        if status:
            yield from self._status(item, statuses.normalise(status[1]))
        elif self._is_entry(item):
            self.entry, self.item = item.column, item
        elif (item.id or self.entry is None) and self._is_work(line, item):
            self.item = None
            yield self._told(item)
        elif item.id or line[2] or line[3]:
            self.item = item
        elif text.endswith(":"):
            self.title = text[:_LONGEST]

    def _status(self, item: _Item, status: str) -> Iterator[tuple[int, str]]:
        """The line above, where this status makes it a task's."""
        above = self.item
        if above is None or (above.id and not _is_new(self.parsed, above.id)):
            return
        lasts = status in statuses.MOVES and status not in statuses.CLOSED
        nested = above.text and lasts and item.column > above.column
        if nested or (above.id and (above.column < 0 or status not in statuses.CLOSED)):
            self.item = None
            yield self._told(above)

    def _is_entry(self, item: _Item) -> bool:
        """Whether a line is one of an index: it begins with a task's id, ends with it in brackets, or is its title."""
        if not self.parsed.tasks:
            return False
        if item.id and not _is_new(self.parsed, item.id):
            return True
        last = re.search(rf"[(\[]#?{_ID}[)\]]\W*\Z", item.text[-80:])
        if last and last[1] in self.parsed.by_id:
            return True
        return item.text.strip(" *_`").casefold() in self.parsed.titles

    def _is_work(self, line: re.Match[str], item: _Item) -> bool:
        box, text = line[3], item.text
        if text.startswith("~~") or re.match(_EVERY, self.title):
            return False
        if box and (line[2] or not re.match(r"\[\w", box)):
            return is_open(box) and not is_legend(text) and not re.search(DROPPED, text)
        if re.search(OVER, text) or re.match(_GONE, self.title):
            return False
        if item.id:
            return self._is_named(line, item)
        titled = line[2] or line[0].lstrip().startswith(("**", "__")) or not self.parsed.tasks
        if titled and new_number(self.parsed, text, _NAMED, "task"):
            return True
        return bool(re.match(TODO, text) or (line[2] and re.search(LAST, text))) or self._is_listed(line, text)

    def _is_named(self, line: re.Match[str], item: _Item) -> bool:
        """Whether a line that begins with an id, and has no box, is about a task."""
        label = line[0].lstrip().startswith(("**", "__")) or re.match(rf"\W*{_ID}\W*(?:[:)]|[-–—][ \t])", item.text)
        alone = not self.parsed.tasks and not item.text.endswith(".")
        related = family(item.id) in self.families and (line[2] or label or alone)
        others = re.match(_OTHERS, self.title)
        return bool(
            related or (line[2] and not others and (re.search(INLINE, item.text) or re.search(LAST, item.text)))
        )

    def _is_listed(self, line: re.Match[str], text: str) -> bool:
        """Whether a plain item of a list is below a heading that makes it a task."""
        if not line[2] or line[1] or not re.search(r"\w", text) or re.match(r"[*_`]*[\w -]{1,24}[*_`]*:", text):
            return False
        numbered = line[2][0].isdigit() and re.match(_PLAN, self.title)
        alone = not self.parsed.tasks and (numbered or re.match(_LIST, self.title) or not self.parsed.blocks)
        return bool(alone or re.match(_REST, self.title))

    def _table(self) -> Iterator[tuple[int, str]]:
        if not self.rows:
            return
        rows, self.rows = self.rows, []
        ruled = next((at for at, (_, cells) in enumerate(rows) if at and _is_rule(cells)), 0)
        head = rows[ruled - 1][1] if ruled else []
        for at, cells in rows[ruled + 1 if ruled else 0 :]:
            id_ = next(filter(None, map(_lead, cells)), "")
            if self._is_open_row(head, cells, id_):
                yield self._told(_Item(self.start + at, 0, id_, " | ".join(filter(None, cells))))

    def _is_open_row(self, head: list[str], cells: list[str], id_: str) -> bool:
        named = [at for at, name in enumerate(head) if re.match(_STATUS_COLUMN, name) and at > 1 - bool(head[0])]
        status = statuses.normalise(cells[named[0]]) if named and named[0] < len(cells) else _status_in(cells)
        if status in statuses.CLOSED or (id_ and not _is_new(self.parsed, id_)):
            return False
        boxes = [cell for cell in cells if re.fullmatch(BOX, cell)]
        if any(map(is_open, boxes)):
            return not all(is_legend(cell) for cell in cells if cell and cell not in boxes)
        if id_:
            others = re.match(_OTHERS, " ".join([self.title, *head]))
            return (family(id_) in self.families and not re.match(_GONE, self.title)) or bool(status and not others)
        of_tasks = (named and status in statuses.MOVES) or any(re.match(_TASK_COLUMN, name) for name in head)
        if not self.parsed.tasks:
            return bool(of_tasks)
        column = next((at for at, name in enumerate(head) if re.match(_ONE, name)), len(cells))
        is_one = column < len(cells) and re.search(r"[^\W\d]{2}", cells[column])
        return bool(is_one and named and status in statuses.MOVES and not self._is_indexed(cells))

    def _is_indexed(self, cells: list[str]) -> bool:
        """Whether a row without an id is about a task of the queue, by its number, its title or its objective."""
        tasks = self.parsed.tasks
        known = {task.objective.casefold() for task in tasks} | self.parsed.titles
        numbers = {int(number) for task in tasks for number in re.findall(r"\d{1,9}", task.id)}
        return any(
            cell.strip(" *_`").casefold() in known
            or (re.fullmatch(r"#?\d{1,9}", cell) and int(cell.lstrip("#")) in numbers)
            for cell in cells
        )

    def _told(self, item: _Item) -> tuple[int, str]:
        return self.parsed.line_at(item.at), _said(item.id, item.text)


def _said(id_: str, text: str) -> str:
    if id_:
        return f"{fields.cut(id_)} looks like a task but is not a section of its own (### {fields.cut(id_)})"
    return f"open work that is no task: {fields.cut(text, 60)!r} is not a section of its own (### TASK-001)"


def _lead(text: str) -> str:
    match = re.match(_LEAD, text)
    return match[1] if match and any(map(str.isdigit, match[1])) else ""


def _is_new(parsed: Queue, id_: str) -> bool:
    return any(map(str.isdigit, id_)) and id_ not in parsed.by_id


def family(id_: str) -> str:
    """The letters that an id begins with."""
    return re.split(r"[^A-Za-z]", id_, maxsplit=1)[0].upper()


def _is_rule(cells: list[str]) -> bool:
    return all(re.fullmatch(r":?-+:?|", cell) for cell in cells)


def _status_in(cells: list[str]) -> str:
    """The first status that a whole cell is."""
    words = (statuses.normalise(cell) for cell in cells if cell.strip())
    return next((word for word in words if word in statuses.MOVES), "")
