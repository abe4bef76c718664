"""The rows of tables that are open work and became no task."""

import functools
from collections.abc import Iterator

from . import statuses
from .fields import pattern
from .open_signs import BOX, GONE, OTHERS, TASKS, family, is_legend, is_new, is_open, lead
from .queue import Queue

_STATUS_COLUMN = r"(?i)(?:status|state|progress|done\??)\Z"
_ONE = r"(?i)(?:task|to-?do|title|task (?:name|title)|story|feature|what)\Z"
_TASK_COLUMN = rf"(?i)(?:tasks?|task (?:id|name|title)|title|to-?dos?|story|feature|{TASKS})\Z"


#: A row: its offset, and its cells.
Row = tuple[int, list[str]]


def open_rows(parsed: Queue, families: set[str], title: str, rows: list[Row]) -> Iterator[tuple[int, str, str]]:
    """The rows of a table below the heading *title* that are open work: offset, id if there is one, and text."""
    ruled = next((at for at, (_, cells) in enumerate(rows) if at and _is_rule(cells)), 0)
    head = rows[ruled - 1][1] if ruled else []
    table = _Table(parsed, families, title, head)
    for at, cells in rows[ruled + 1 if ruled else 0 :]:
        id_ = next(filter(None, map(lead, cells)), "")
        if table.is_open(cells, id_):
            yield at, id_, " | ".join(filter(None, cells))


class _Table:
    def __init__(self, parsed: Queue, families: set[str], title: str, head: list[str]) -> None:
        self.parsed, self.families = parsed, families
        self.is_gone = pattern(GONE).match(title) is not None
        self.is_other = pattern(OTHERS).match(" ".join([title, *head])) is not None
        self.status = next(
            (at for at, name in enumerate(head) if _is(_STATUS_COLUMN, name) and at > 1 - bool(head[0])), None
        )
        self.of_tasks = any(_is(_TASK_COLUMN, name) for name in head)
        self.one = next((at for at, name in enumerate(head) if _is(_ONE, name)), None)

    def is_open(self, cells: list[str], id_: str) -> bool:
        named = self.status is not None
        status = (
            status_in(cells)
            if self.status is None or self.status >= len(cells)
            else statuses.normalise(cells[self.status])
        )
        if status in statuses.CLOSED or (id_ and not is_new(self.parsed, id_)):
            return False
        boxes = [cell for cell in cells if pattern(BOX).fullmatch(cell)]
        if any(map(is_open, boxes)):
            return not all(is_legend(cell) for cell in cells if cell and cell not in boxes)
        if id_:
            return (family(id_) in self.families and not self.is_gone) or bool(status and not self.is_other)
        if not self.parsed.tasks:
            return (named and status in statuses.MOVES) or self.of_tasks
        if not named or status not in statuses.MOVES or self.one is None or self.one >= len(cells):
            return False
        return pattern(r"[^\W\d]{2}").search(cells[self.one]) is not None and not self._is_indexed(cells)

    def _is_indexed(self, cells: list[str]) -> bool:
        """Whether a row without an id is about a task of the queue, by its number, its title or its objective."""
        known, numbers = _index(self.parsed)
        return any(
            cell.strip(" *_`").casefold() in known
            or (pattern(r"#?\d{1,9}").fullmatch(cell) and int(cell.lstrip("#")) in numbers)
            for cell in cells
        )


def _is(name: str, cell: str) -> bool:
    return pattern(name).match(cell) is not None


@functools.lru_cache(1)
def _index(parsed: Queue) -> tuple[set[str], set[int]]:
    """What a row of an index may call the queue's tasks, and their numbers."""
    known = {task.objective.casefold() for task in parsed.tasks} | parsed.titles
    return known, {int(number) for task in parsed.tasks for number in pattern(r"\d{1,9}").findall(task.id)}


def _is_rule(cells: list[str]) -> bool:
    return all(not cell or pattern(":?-+:?").fullmatch(cell) for cell in cells)


def status_in(cells: list[str]) -> str:
    """The first status that a whole cell is."""
    words = (statuses.normalise(cell) for cell in cells if cell.strip())
    return next((word for word in words if word in statuses.MOVES), "")
