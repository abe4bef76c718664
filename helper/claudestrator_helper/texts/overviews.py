"""Lines outside of the tasks that put tasks in an order which the tasks' own dependencies don't have: arrows, also in a
diagram, and tables with a column of dependencies."""

import itertools
import re
from collections.abc import Iterator

from . import fields, statuses
from .pieces import NEEDS, kind_of, mentioned
from .queue import Queue

_ARROW = re.compile(r"(?:[-=–—.]{1,5}|(?<=\s))>{1,2}(?:\|[^|\n]{0,40}\|)?|[→⟶⇒➜➔➝]")
_CELL = re.compile(r"(?<!\\)\|")
_ROW = re.compile(r"[ \t|:-]+\Z")
#: How many tasks of one side of an arrow, or of a cell, are looked at, how many of a line's arrows, and of its cells.
_MOST, _CELLS = 20, 50


def orders(queue: Queue) -> Iterator[tuple[int, str]]:
    """The offset of each such line, and the line."""
    first = queue.blocks[0].start if queue.blocks else len(queue.text)
    hidden = [(span.start, span.end) for span in queue.hidden if "<!--" in queue.text[span.start : span.start + 40]]
    for start, end in [(0, first), *((block.start, block.end) for block in queue.others)]:
        if fields.has("depend|deps|block|requires|prerequ|predecess|>|[→⟶⇒➜➔➝]", queue.text[start:end]):
            yield from _in_section(queue, _shown(queue.text[start:end], start, hidden), start)


def _shown(text: str, start: int, hidden: list[tuple[int, int]]) -> str:
    """*text* without its comments; code stays."""
    parts, at = [], 0
    for begin, end in hidden:
        if at < end - start and begin - start < len(text):
            parts += [
                text[at : max(begin - start, at)],
                re.sub(r"[^\n]", " ", text[max(begin - start, at) : end - start]),
            ]
            at = end - start
    return "".join([*parts, text[at:]])


def _in_section(queue: Queue, text: str, at: int) -> Iterator[tuple[int, str]]:
    columns: list[int] = []
    above = ""
    for line in text.split("\n"):
        if "|" in line and _ROW.match(line):
            columns = [
                n for n, cell in enumerate(_CELL.split(above)) if cell.strip() and kind_of(cell.strip()) == NEEDS
            ]
            found = False
        elif columns and "|" in line:
            found = _is_missing_in_row(queue, _CELL.split(line, _CELLS), columns)
        else:
            columns = []
            found = bool(line) and _is_missing_in_arrows(queue, _ARROW.split(line, _MOST))
        if found:
            yield at, line
        above = line
        at += len(line) + 1


def _is_missing_in_row(queue: Queue, cells: list[str], columns: list[int]) -> bool:
    named = [mentioned(cell, queue.names)[:_MOST] for cell in cells]
    own = next((ids[0] for at, ids in enumerate(named) if ids and at not in columns), "")
    needed = [id_ for at in columns if at < len(named) for id_ in named[at]]
    return _is_open(queue, own) and any(_is_open(queue, id_) and not queue.comes(id_, own) for id_ in needed)


def _is_missing_in_arrows(queue: Queue, parts: list[str]) -> bool:
    # "TASK-001 -> src/a.py, TASK-002 -> src/b.py" says nothing of the order.
    sides = [mentioned(part, queue.names)[:_MOST] for part in parts] if len(parts) > 1 else []
    for at, (ones, others) in enumerate(itertools.pairwise(sides), 1):
        if not others or re.search(r"[,;/]|\.\s", parts[at].partition(others[0])[0]):
            continue
        if any(
            one != other and _is_open(queue, one) and _is_open(queue, other) and not _are_ordered(queue, one, other)
            for one in ones
            for other in others
        ):
            return True
    return False


def _are_ordered(queue: Queue, one: str, other: str) -> bool:
    return queue.comes(one, other) or queue.comes(other, one)


def _is_open(queue: Queue, id_: str) -> bool:
    return id_ in queue.by_id and queue.by_id[id_][0].status not in statuses.CLOSED
