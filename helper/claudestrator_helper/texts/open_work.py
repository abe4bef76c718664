"""Work that is written in a queue and became no task: open boxes, lists and tables.

Whatever is told here keeps a run from being "complete" and the queue from being "empty", so a line has to look like
open work: a glossary, a legend, an index of the queue's own tasks and what is ticked do not.
"""

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator

from . import fields, open_tables, sections, statuses
from .fields import pattern
from .named_tuples import NamedTuple
from .open_signs import (
    ABOUT,
    BOX,
    BULLET,
    DROPPED,
    GONE,
    ID,
    INLINE,
    LAST,
    OTHERS,
    TASKS,
    TODO,
    family,
    is_legend,
    is_new,
    is_open,
    is_over,
    lead,
    new_number,
)
from .queue import Queue
from .sections import Block

_LINE = rf"\n([ \t>]*)(?=\S)({BULLET}*)[ \t*_]*({BOX})?([^\n]*)"
#: Such a line in the section of a task; the marks before the id can be read in one way only, so a line takes no square.
_INSIDE = rf"\n(?=((?:[^\w\n#~]|~(?!~))*))\1(?:(?=(\d+[.)][^\w\n#~]*))\2)?{ID}([^\n]*)"
_STATUS = r"(?i:[^\w\n]*(?:task )?(?:status|state)\b[*_`]*[ \t]*[:=][ \t*_`:]*([^\n|]*))"
#: Headings above lists of what is still to be done, and those that say so only where the queue has no task.
_REST = (
    r"(?i)\W*(?:to[ -]?dos?|(?:still |left |things |what(?:'s| is) (?:left )?)to do|(?:open|remaining|pending|"
    r"outstanding|upcoming|next)(?: (?:tasks?|work|items?))?|backlog|not started|in progress|doing)\W*\Z"
)
#: Headings above boxes that are ticked for every task.
_EVERY = r"(?i)\W*(?:definition of (?:done|ready)|dod)\b|.*\b(?:for|of|in|before) (?:every|each) task\b"
_LIST = (
    rf"(?i)\W*(?:tasks?|task list|user stories|{TASKS}|(?:phase|sprint|milestone|week|stage) \d+\b.*"
    r"|implementation(?: plan)?)\W*\Z"
)
_PLAN = r"(?i).*\b(?:tasks?|plan|steps?|phases?|roadmap|implementation)\b"
#: What follows the number of a task that a line is about.
_NAMED = r"[*_`)\]]*[ \t]*(?:[:–—-]|\Z|</)"
#: An id that is a label, or in brackets at the end of a line.
_LABEL, _LAST_ID = rf"\W*{ID}\W*(?:[:)]|[-–—][ \t])", rf"[(\[]#?{ID}[)\]]\W*\Z"
_RULE = r"\n {0,3}(?:-{3,}|\*{3,}|_{3,})[ \t]*(?=\r?\n|\Z)"
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
        yield block.body, block.end, None if is_group or pattern(ABOUT).match(block.title) else item, block.title


def _end(parsed: Queue, block: Block) -> int:
    """Where a task's section ends: at its last rule, if none of its fields and no heading comes after that."""
    text, end = parsed.masked, block.end
    if text[block.body : end].rstrip(" \t\n").endswith("\n---"):
        return end  # as the helper writes it
    at = max((match.start() for match in pattern(_RULE).finditer(text, block.body, end)), default=end)
    after = text[at:end]
    if not after.strip("-*_ \t\r\n") or "\n#" in after or fields.find(text, at, end, _FIELDS):
        return end
    return at


def _inside(parsed: Queue, ends: list[int], families: set[str]) -> Iterator[tuple[int, str]]:
    """Lines in the sections of tasks that begin with the id of another task and have a box or a status of their own."""
    starts = [task.block.start for task in parsed.tasks]
    lines, status = f"\n{parsed.masked}", re.compile(rf"\n(?=[ \t]){_STATUS}")
    # Most lines begin with another letter than the ids, which is soon seen.
    letters = "".join(sorted({letter for name in families for letter in (name[0], name[0].lower())}))
    for match in re.finditer(_INSIDE.replace(ID, f"(?=[{letters}]){ID}"), lines):
        id_, place, marks = match[3], bisect_right(starts, match.start()) - 1, match[1] + (match[2] or "")
        if place < 0 or match.start() >= ends[place] or not is_new(parsed, id_) or family(id_) not in families:
            continue
        if id_.startswith(tuple(f"{parsed.tasks[place].id}{mark}" for mark in "-_.")):
            continue
        box, below = pattern(BOX).search(marks), status.match(lines, match.end())
        stated = statuses.normalise(below[1]) if below else ""
        state = open_tables.status_in(match[4].split("|")) if "|" in marks else stated
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
        for line in pattern(_LINE).finditer(self.lines):
            if "|" in line[4] and not line[2] and not line[3]:
                cells = pattern(r"(?<!\\)\|").split(line[0], maxsplit=_CELLS)
                self.rows.append((line.start(), [cell.strip() for cell in cells]))
                continue
            yield from self._table()
            yield from self._line(line)
        yield from self._table()

    def _line(self, line: re.Match[str]) -> Iterator[tuple[int, str]]:
        text = line[4].strip()
        # Front matter, below a task of the queue.
        named = text.removeprefix("id:") if self.parsed.tasks else text
        item = _Item(self.start + line.start(), len(line[1].expandtabs(4)), lead(named), text)
        status = None if item.id or "tat" not in text[:40].lower() else pattern(_STATUS).match(text)
        if self.entry is not None and item.column <= self.entry:
            self.entry = None
        if not text.strip("-=*_") and not line[2] and not line[3]:
            return  # a rule
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
        if above is None or (above.id and not is_new(self.parsed, above.id)):
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
        if item.id and not is_new(self.parsed, item.id):
            return True
        end = item.text[-80:]
        last = pattern(_LAST_ID).search(end) if ")" in end or "]" in end else None
        if last and last[1] in self.parsed.by_id:
            return True
        return item.text.strip(" *_`").casefold() in self.parsed.titles

    def _is_work(self, line: re.Match[str], item: _Item) -> bool:
        box, text = line[3], item.text
        if text.startswith("~~") or _is_titled(_EVERY, self.title):
            return False
        if box and (line[2] or not pattern(r"\[\w").match(box)):
            return is_open(box) and not is_legend(text) and not pattern(DROPPED).search(text)
        if is_over(text) or _is_titled(GONE, self.title):
            return False
        if item.id:
            return self._is_named(line, item)
        titled = line[2] or line[0].lstrip().startswith(("**", "__")) or not self.parsed.tasks
        if titled and new_number(self.parsed, text, _NAMED, "task"):
            return True
        return bool(pattern(TODO).match(text) or (line[2] and pattern(LAST).search(text))) or self._is_listed(
            line, text
        )

    def _is_named(self, line: re.Match[str], item: _Item) -> bool:
        """Whether a line that begins with an id, and has no box, is about a task."""
        label = line[0].lstrip().startswith(("**", "__")) or pattern(_LABEL).match(item.text)
        alone = not self.parsed.tasks and not item.text.endswith(".")
        related = family(item.id) in self.families and (line[2] or label or alone)
        others = _is_titled(OTHERS, self.title)
        return bool(
            related
            or (line[2] and not others and (pattern(INLINE).search(item.text) or pattern(LAST).search(item.text)))
        )

    def _is_listed(self, line: re.Match[str], text: str) -> bool:
        """Whether a plain item of a list is below a heading that makes it a task."""
        if (
            not line[2]
            or line[1]
            or not pattern(r"\w").search(text)
            or pattern(r"[*_`]*[\w -]{1,24}[*_`]*:").match(text)
        ):
            return False
        numbered = line[2][0].isdigit() and _is_titled(_PLAN, self.title)
        alone = not self.parsed.tasks and (numbered or _is_titled(_LIST, self.title) or not self.parsed.blocks)
        return bool(alone or _is_titled(_REST, self.title))

    def _table(self) -> Iterator[tuple[int, str]]:
        if not self.rows:
            return
        rows, self.rows = self.rows, []
        for at, id_, text in open_tables.open_rows(self.parsed, self.families, self.title, rows):
            yield self._told(_Item(self.start + at, 0, id_, text))

    def _told(self, item: _Item) -> tuple[int, str]:
        return self.parsed.line_at(item.at), _said(item.id, item.text)


@functools.lru_cache(100)
def _is_titled(kind: str, title: str) -> bool:
    """Whether *title*, below which there may be many lines, is of that kind."""
    return pattern(kind).match(title) is not None


def _said(id_: str, text: str) -> str:
    if id_:
        id_ = fields.cut(id_)
        return f"{id_} looks like a task but is not a section of its own (### {id_})"
    return f"open work that is no task: {fields.cut(text, 60)!r} is not a section of its own (### TASK-001)"
