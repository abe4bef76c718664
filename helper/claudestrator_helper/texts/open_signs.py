"""What marks a line or a heading as open work, or as work that is over."""

import functools

from . import ids, statuses
from .fields import has, pattern
from .queue import Queue

BULLET = (
    r"(?:(?:[-*+•]|\d+[.)])[ \t\xa0]+|[-*+](?=\[)"
    r"|<(?:li|p|div|table|tbody|tr|td|ul|ol|dl|dt|dd|label|h[1-6]|b|strong|summary)\b[^>\n]*>[ \t]*)"
)
BOX = (
    r"\\?\[(?:[^\]\w\n]{0,3}|_|[ ]?[A-Za-z][ ]?)\](?![*_`]*[(:\[])|\([ \t]\)(?=\s)"
    r"|［\s?］|[☐☑☒✅✔✓⬜▢□◻🔲❏❑🗹]\ufe0f?|<input\b[^>\n]*>"
)
TICKED = r"(?i)\\?\[\W*(?:x|✓|✔|✅|☑|v)\W*\]|[☑☒✅✔✓🗹]|<input.*\bchecked\b"
OVER = (
    r"(?i)\b(?:done|completed?|finished|shipped|merged|cancell?ed|dropped|removed|obsolete|skipped|archived)\b"
    r"[^A-Za-z]*\Z|[✅☑✔✓]|~~"
)
#: What is in each text of that kind.
_ENDED = "done|complete|finish|ship|merge|cancel|drop|remove|obsolete|skip|archive|[✅☑✔✓]|~~"
#: The same, of what will not be done.
DROPPED = r"(?i)\b(?:cancell?ed|dropped|removed|obsolete|skipped|archived)\b[^A-Za-z]*\Z"
LEGEND = r"(?i)\W*(?:blocked|deferred|cancell?ed|skipped|on hold|not started|optional|priority)\W*\Z|[ \t]*[=:→–—]"
TODO = r"(?:(?:TODO|FIXME)\b(?!\W*(?i:apps?|lists?|items?|application|page|api|mvc)\b)|(?i:to-?do[ \t]*:))\W*\w"
OPEN = r"(?:pending|to-?do|in[ _-]progress|open|not started|blocked)"
#: A status at the end of a line, with what parts it from the rest; the same where nothing has to.
INLINE = rf"(?i)[(\[—–:-][ \t*_`]*{OPEN}[*_`)\] \t]*\Z"
LAST = rf"(?i)(?:\bstatus\b[*_`: \t]*{OPEN}[*_`)\] \t]*|(?<=[ \t])\[ ?\]|[☐⬜])\Z"
#: Headings of a queue that may have a status and are about no task.
ABOUT = (
    r"(?i)\W*(?:overview|summary|progress|(?:project |overall |queue |current )?status|stat(?:istic)?s|metrics"
    r"|meta(?:data)?|about|notes?|legend|task queue|queue)\W*\Z"
)
#: Headings above work that is no longer to be done.
GONE = (
    r"(?i)\W*(?:completed?|done|finished|archived?|history|removed|dropped|cancell?ed|rejected|obsolete|not in scope|"
    r"out[ -]of[ -]scope|non-goals|won['’]t (?:do|fix))(?: (?:tasks?|work|items?))?\W*\Z"
)
#: What has ids and a state, and is no work.
OTHERS = r"(?i).*\b(?:risks?|decisions?|milestones?|questions?|assumptions?|glossary|terms|history|archived?)\b"
ID = rf"({ids.WORD}|[A-Za-z]+\d+)(?![\w-]|\.\w)"
#: The beginning of a line, or of a cell, that is about something with an id.
LEAD = rf"[^\w\n~]*(?:\d+[.)][ \t]+)?(?:(?i:{OPEN})\b[^\w\n]{{1,6}})?{ID}"
#: What lists and tables of tasks are called in other languages.
TASKS = (
    r"(?:aufgaben?(?:liste)?|tâches?|tareas?|tarefas?|compiti|taken|задач[аи]?|任务(?:列表|清单|队列)?|任務(?:列表|清單)?"
    r"|待办(?:事项)?|待辦(?:事項)?|タスク(?:リスト|一覧)?|할 ?일(?: 목록)?|작업(?: 목록)?)"
)
#: A task that is named by its number alone.
_TASK = r"(?i)[^\w\n]*(task|story|user story|issue|ticket|work item|feature)s?[ #._-]*(\d{1,9})"


def is_over(text: str) -> bool:
    return has(_ENDED, text) and pattern(OVER).search(text) is not None


def is_open(box: str) -> bool:
    return not pattern(TICKED).match(box)


def is_legend(text: str) -> bool:
    """Whether *text* says what a sign means: "pending", or "pending · 🔄 in progress · ✅ completed"."""
    parts = (part.strip(" =:-–—*_`") for part in pattern(r"[·|,/•;]").split(text))
    return bool(pattern(LEGEND).match(text)) or all(
        statuses.normalise(part) in statuses.MOVES or pattern(LEGEND).match(part) for part in parts
    )


def new_number(parsed: Queue, text: str, after: str = r"\b", kind: str = "") -> bool | None:
    """Whether *text* begins with a task's number that the queue doesn't have, such as "Task 2"; None without one.
    *after* is what follows the number, and *kind* what alone counts as a task, where not everything does."""
    number = pattern(_TASK + after).match(text)
    if number is None or (kind and number[1].lower() != kind):
        return None
    return f"{number[1]}{int(number[2])}".upper() not in _numbered(parsed)


@functools.lru_cache(1)
def _numbered(parsed: Queue) -> set[str]:
    """The queue's ids in capitals, without what may part letters from a number."""
    return {pattern(r"[-_.]0*").sub("", id_).upper() for id_ in parsed.by_id}


def lead(text: str) -> str:
    """The id that a line or a cell begins with."""
    match = pattern(LEAD).match(text)
    return match[1] if match and any(map(str.isdigit, match[1])) else ""


def is_new(parsed: Queue, id_: str) -> bool:
    """Whether an id is none of the queue's tasks."""
    return any(map(str.isdigit, id_)) and id_ not in parsed.by_id


def family(id_: str) -> str:
    """The letters that an id begins with."""
    return pattern(r"[^A-Za-z]").split(id_, maxsplit=1)[0].upper()
