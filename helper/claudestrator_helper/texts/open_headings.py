"""Headings without an id that are meant for a task's."""

from . import sections, statuses
from .fields import pattern
from .open_signs import ABOUT, BOX, INLINE, TASKS, TICKED, TODO, is_over, new_number
from .queue import Queue
from .sections import Block

#: What a queue's own header, which may have a Status, does not have.
_OF_TASKS = f"{sections.COMPLEXITY}|{sections.CRITERIA}"
_TICKED, _BOXED = rf"\W*?{TICKED.removeprefix('(?i)')}", rf"\W*?(?:{BOX}|{TODO})"
_STEP = (
    r"(?i)(?:(?:step )?\d+(?:\.\d+)*[.):]?[ \t]|(?:phase|milestone|sprint|stage|part) \d+\b"
    rf"|(?:{TASKS}|schritt|paso|etapa|passo|(?=[^\s\d]*[^\x00-\x7f])[^\W\d_]{{1,20}})[ #№-]{{0,3}}\d+(?!\d))"
)
#: So much of a heading is looked at.
_LONGEST = 200
#: Titles of a queue whose headings are its tasks.
_TASKS = rf"(?i)\W*(?:tasks?|task list|to[ -]?dos?|to do list|backlog|plan|{TASKS})\W*\Z"


def is_heading(parsed: Queue, block: Block, status: str) -> bool:
    """Whether a heading without an id is meant for a task's."""
    title = block.title[:_LONGEST]
    about = pattern(ABOUT).match(title) and not parsed.has(block, _OF_TASKS)
    if status in statuses.MOVES and not about:
        return block.level > 1 or parsed.has(block, f"{_OF_TASKS}|{sections.DEPENDENCIES}")
    if about or is_over(title):
        return False
    number = new_number(parsed, title)
    if number is not None:
        return number
    ticked = pattern(_TICKED).match(title)
    boxed = pattern(_BOXED).match(title) and not ticked
    if boxed or (block.level > 1 and (parsed.has(block, _OF_TASKS) or pattern(INLINE).search(title))):
        return True
    return not parsed.tasks and block.level > 1 and _is_alone(parsed, block, title)


def _is_alone(parsed: Queue, block: Block, title: str) -> bool:
    """Whether a heading of a queue without any task is one: by its number, or as the queue is called so."""
    body = parsed.masked[block.body : block.end]
    called = parsed.blocks[0].level == 1 and pattern(_TASKS).match(parsed.blocks[0].title)
    return bool((pattern(_STEP).match(title) or called) and body.strip() and not pattern(BOX).search(body))
