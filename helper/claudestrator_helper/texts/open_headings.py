"""Headings without an id that are meant for a task's."""

import re

from . import sections, statuses
from .open_signs import ABOUT, BOX, INLINE, OVER, TICKED, TODO, new_number
from .queue import Queue
from .sections import Block

#: What a queue's own header, which may have a Status, does not have.
_OF_TASKS = f"{sections.COMPLEXITY}|{sections.CRITERIA}"
_STEP = r"(?i)(?:(?:step )?\d+(?:\.\d+)*[.):]?[ \t]|(?:phase|milestone|sprint|stage|part) \d+\b)"
#: So much of a heading is looked at.
_LONGEST = 200
#: Titles of a queue whose headings are its tasks.
_TASKS = r"(?i)\W*(?:tasks?|task list|to[ -]?dos?|to do list|backlog|plan)\W*\Z"


def is_heading(parsed: Queue, block: Block, status: str) -> bool:
    """Whether a heading without an id is meant for a task's."""
    title = block.title[:_LONGEST]
    about = re.match(ABOUT, title) and not parsed.has(block, _OF_TASKS)
    if status in statuses.MOVES and not about:
        return block.level > 1 or parsed.has(block, f"{_OF_TASKS}|{sections.DEPENDENCIES}")
    if about or re.search(OVER, title):
        return False
    number = new_number(parsed, title)
    if number is not None:
        return number
    ticked = re.match(rf"\W*?{TICKED.removeprefix('(?i)')}", title)
    boxed = re.match(rf"\W*?(?:{BOX}|{TODO})", title) and not ticked
    if boxed or (block.level > 1 and (parsed.has(block, _OF_TASKS) or re.search(INLINE, title))):
        return True
    return not parsed.tasks and block.level > 1 and _is_alone(parsed, block, title)


def _is_alone(parsed: Queue, block: Block, title: str) -> bool:
    """Whether a heading of a queue without any task is one: by its number, or as the queue is called so."""
    body = parsed.masked[block.body : block.end]
    called = parsed.blocks[0].level == 1 and re.match(_TASKS, parsed.blocks[0].title)
    return bool((re.match(_STEP, title) or called) and body.strip() and not re.search(BOX, body))
