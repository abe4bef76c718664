"""The issue queue: what research and people found, in the format of the task queue.

Issues are numbered here and never by an agent. What becomes of them is read off the tasks that name them, so that it
needs no memory of its own and comes out the same however often it is asked.
"""

import re
from collections.abc import Collection, Iterable

from ..errors import ClaudestratorError
from . import fields, markdown, queue
from .queue import Queue, Task
from .statuses import COMPLETED, FAILED, PENDING, SKIPPED

ACCEPTED, REJECTED = "accepted", "rejected"
STATUSES = (PENDING, ACCEPTED, COMPLETED, REJECTED)
PRIORITIES = ("critical", "high", "medium", "low")
TYPES = ("bug", "security", "performance", "test", "docs", "refactor", "feature")
SUMMARY, DETAILS, PRIORITY, TYPE, SOURCE, TASK_REF = "Summary", "Details", "Priority", "Type", "Source", "Task Ref"
#: The field of a task that names the issue it came from.
ISSUE = "Issue"
_ID = r"\bISSUE-[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*"
#: A summary that says all that another says, and this part of its words besides at most, is the same finding.
_ALIKE = 0.25
#: Issues that share a word and are compared, and characters of a summary that are.
_NEAR, _SAID = 100, 2000
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an the is are was were be been of in on at to for with by from into as and or it its "
        "this that which when if there has have does do",
    )
)
#: Words that make another finding of it, however much alike the rest is.
_TURNS = r".*\d.*|no|not|never|without|missing"


def status(issue: Task) -> str:
    """Pending, accepted, completed or rejected, or the raw word."""
    return issue.status.strip("*_` ").lower()


def summary(issue: Task) -> str:
    return fields.one_line(issue.text(SUMMARY)) or issue.title


def priority(issue: Task) -> str:
    word = fields.one_line(issue.text(PRIORITY)).strip("*_` ").lower()
    return word if word in PRIORITIES else "medium"


def open_issues(parsed: Queue) -> list[Task]:
    """The pending issues, the most urgent first, otherwise in the order of the file."""
    pending = [issue for issue in parsed.tasks if status(issue) == PENDING]
    return sorted(pending, key=lambda issue: PRIORITIES.index(priority(issue)))


def issue_of(task: Task) -> str:
    """The id of the issue that a task names; "" for none."""
    found = re.search(_ID, task.text(ISSUE))
    return found[0] if found else ""


def add(
    text: str, addition: str, *, source: str, loop: int, day: str, taken: str = ""
) -> tuple[str, list[str], list[str]]:
    """*text* with the issues of *addition* after it, their new ids, and a line for each duplicate.

    *day* is YYYYMMDD; numbers that occur in *taken*, such as the task queue, are not given again. Raises
    ClaudestratorError, naming each error with its line, where a section is not an issue; then nothing is added.

    """
    sections = _sections(addition.removeprefix("\ufeff").replace("\r\n", "\n"))
    old = queue.parse(text)
    known = Known((issue.id, summary(issue)) for issue in old.tasks)
    added: list[str] = []
    repeated: list[str] = []
    number, rendered = _last_number(text + taken, day), []
    for section in sections:
        said = summary(section)
        twin = known.twin(said)
        if twin:
            repeated.append(f"{fields.cut(said)} repeats {twin}")
            continue
        number += 1
        id_ = f"ISSUE-{day}-{number:03d}"
        rendered.append(_rendered(section, id_, source, loop, day))
        known.add(id_, said)
        added.append(id_)
    joined = _appended(text, "\n".join(rendered)) if rendered else text
    if queue.parse(joined).ids != old.ids + added:
        raise ClaudestratorError("a code block or comment in the issue queue never ends: end it and send this again")
    return joined, added, repeated


def follow(issues: Queue, tasks: Queue, returned: Collection[str] = ()) -> str:
    """The issue queue's text with each issue's status and Task Ref as the tasks that name it have made them.

    Task Ref names the tasks of the last attempt at the issue: those added since it was pending, or, while it is
    accepted, those too that came later. While one of them is unfinished the issue is accepted; then it is completed,
    or pending again if one failed, or rejected if all were skipped. Where there is no Task Ref, the last task that
    names it decides. What a person has rejected or completed stays so, but an issue is not completed any more with one
    of the *returned* tasks.

    """
    by_issue: dict[str, list[Task]] = {}
    for first, *_ in tasks.by_id.values():
        by_issue.setdefault(issue_of(first), []).append(first)
    edits: list[tuple[fields.Span, str]] = []
    for issue in issues.tasks:
        named = by_issue.get(issue.id)
        if named and len(issues.by_id[issue.id]) == 1 and _is_open(issue, named, returned):
            edits += _edits(issue, named)
    return fields.spliced(issues.text, sorted(edits))


def _is_open(issue: Task, named: list[Task], returned: Collection[str]) -> bool:
    back = status(issue) == COMPLETED and any(task.id in returned for task in named)
    return back or status(issue) in (PENDING, ACCEPTED)


def _edits(issue: Task, named: list[Task]) -> list[tuple[fields.Span, str]]:
    span = _ref(issue)
    edits: list[tuple[fields.Span, str]] = []
    written = issue.queue.text[span[0] : span[1]] if span else ""
    attempt = _attempt(issue, named, written) if span else _unfinished(named) or named[-1:]
    word = _word({task.status for task in attempt})
    if issue.status_span and status(issue) != word:
        edits.append((issue.status_span, word))
    told = ", ".join(task.id for task in attempt)
    if span and written != told:
        # An empty value has no white space of its own in front of it.
        edits.append((span, told if span[0] < span[1] else f" {told}"))
    return edits


def _word(statuses: set[str]) -> str:
    """What becomes of an issue whose tasks have these statuses. A skipped task is nobody's work any more."""
    if statuses == {SKIPPED}:
        return REJECTED
    left = statuses - {SKIPPED}
    return COMPLETED if left == {COMPLETED} else PENDING if left <= {COMPLETED, FAILED} else ACCEPTED


def _unfinished(named: list[Task]) -> list[Task]:
    return [task for task in named if task.status not in (COMPLETED, FAILED, SKIPPED)]


def _attempt(issue: Task, named: list[Task], written: str) -> list[Task]:
    """The tasks that decide what becomes of the issue, of those that name it."""
    words = frozenset(re.split(r"[\s,;`\[\]]+", written))
    last = max((position for position, task in enumerate(named) if task.id in words), default=-1)
    known, later = [task for task in named if task.id in words], named[last + 1 :]
    return later if later and (status(issue) == PENDING or not known) else known + later


def _ref(issue: Task) -> fields.Span | None:
    """Where Task Ref's value is: its first line, and nothing of what a person has written below the field."""
    span = issue.span(TASK_REF)
    if span is None:
        return None
    text = issue.queue.text
    span = fields.first_line(issue.queue.masked, span)
    name = len(issue.queue.masked[: span[0]].rstrip())
    return (name, name) if span[0] == span[1] or "\n" in text[name : span[0]] else span


def _sections(addition: str) -> list[Task]:
    """The issues of an addition, each read as a section of its own.

    Raises ClaudestratorError, with each error and its line.

    """
    hidden = markdown.hidden(addition)
    headings = [each for each in markdown.headings(markdown.mask(addition, hidden)) if each.level <= 3]
    starts = [heading for heading in headings if heading.level == 3]
    if not starts:
        raise ClaudestratorError("no issue on standard input: one begins with a line `### New issue`")
    ends = [heading.start for heading in headings[1:]] + [len(addition)]
    errors = [(span.start, "a code block or comment that never ends") for span in hidden if not span.closed]
    found = []
    for heading, end in zip(headings, ends, strict=True):
        # Whatever its heading says, here it is a section with an id and a status, so that the queue's parser reads it.
        body = addition[heading.end : end]
        section = queue.parse(f"### NEW-1\n\n| Status | {PENDING} |\n{body}").tasks[0]
        if heading.level == 3:
            found.append(section)
            errors += [(heading.start, wrong) for wrong in _errors(section)]
        elif heading.start > starts[0].start or section.span(SUMMARY):
            errors.append((heading.start, f"a heading with {heading.level} `#`; an issue begins with `### New issue`"))
    if errors:
        said = [f"line {markdown.line_of(addition, at)}: {wrong}" for at, wrong in sorted(errors)[: fields.LINES + 1]]
        listed = fields.few(said + [""] * (len(errors) - len(said)))
        raise ClaudestratorError("nothing was added; fix this and send the whole call again:\n" + "\n".join(listed))
    return found


def _errors(section: Task) -> list[str]:
    found = [] if fields.one_line(section.text(SUMMARY)) else ["an issue needs a **Summary:**"]
    found += [] if section.criteria else ["an issue needs **Acceptance Criteria:**"]
    for name, allowed in ((PRIORITY, PRIORITIES), (TYPE, TYPES)):
        word = fields.one_line(section.text(name)).strip("*_` ").lower()
        if word and word not in allowed:
            found.append(f"{name} is {fields.cut(word, 40)!r}; it has to be one of {', '.join(allowed)}")
    return found


def _rendered(section: Task, id_: str, source: str, loop: int, day: str) -> str:
    kind = fields.one_line(section.text(TYPE)).strip("*_` ").lower() or "bug"
    rows = {
        "Status": PENDING, "Source": fields.one_line(source).replace("|", "/"), "Type": kind,
        "Priority": priority(section), "Created": f"{day[:4]}-{day[4:6]}-{day[6:]}", "Loop": str(loop),
    }  # fmt: skip
    others, prose = _parts(section, rows)
    table = "".join(f"| {name} | {value} |\n" for name, value in rows.items()) + "".join(others)
    ref = "" if section.span(TASK_REF) else f"**{TASK_REF}:** None\n\n"
    return f"### {id_}\n\n| Field | Value |\n|-------|-------|\n{table}\n{prose}\n\n{ref}---\n"


def _parts(section: Task, rows: Iterable[str]) -> tuple[list[str], str]:
    """The rows of a section's first table that are not among *rows*, and everything below it, as it was sent."""
    lines = section.queue.text.split("\n")[3:]
    named = re.compile(rf"\|[\s*_`]*(?:{'|'.join(rows)}|Field)[\s*_`:]*\|.*|\|[\s|:-]*", re.IGNORECASE)
    while lines and re.fullmatch("(?:-{3,})?", lines[-1].strip()):
        lines.pop()
    first = next(
        (at for at, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("|")), len(lines)
    )
    table = (line.strip() for line in lines[:first])
    return [f"{row}\n" for row in table if row and not named.fullmatch(row)], "\n".join(lines[first:]).rstrip()


def _appended(text: str, section: str) -> str:
    if not text.strip():
        return f"# Issue Queue\n\n{section}"
    gap = "" if text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    newline = "\r\n" if "\r\n" in text else "\n"
    return text + (gap + section).replace("\n", newline)


def _last_number(text: str, day: str) -> int:
    return max((int(number) for number in re.findall(rf"ISSUE-{day}-(\d{{3,9}})\b", text)), default=0)


class Known:
    """The issues that are filed, by their words, so that a new one is compared with a few of them only."""

    def __init__(self, filed: Iterable[tuple[str, str]]) -> None:
        self.texts: dict[str, str] = {}
        self.words: dict[str, frozenset[str]] = {}
        self.same: dict[frozenset[str], str] = {}
        self.by_word: dict[str, list[str]] = {}
        for id_, text in filed:
            self.add(id_, text)

    def add(self, id_: str, text: str) -> None:
        words = self.words.setdefault(id_, _words(text))
        self.texts.setdefault(fields.one_line(text), id_)
        if words:
            self.same.setdefault(words, id_)
        for word in words:
            self.by_word.setdefault(word, []).append(id_)

    def twin(self, text: str) -> str | None:
        """The first issue that says the same: the same words, in whatever order and form, or a few more."""
        words = _words(text)
        if not words:
            return self.texts.get(fields.one_line(text))
        near = (id_ for id_ in self.near(words) if _alike(words, self.words[id_]))
        return self.same.get(words) or next(near, None)

    def near(self, words: frozenset[str]) -> list[str]:
        """Issues with one of the rarest words; as a twin has three quarters of all, it has one of any quarter and one
        more. Of words that hundreds have, the last issues only: each with each would take the square of them."""
        rarest = sorted(words, key=lambda word: len(self.by_word.get(word, ())))[: int(_ALIKE * len(words)) + 1]
        return list(dict.fromkeys(id_ for word in rarest for id_ in self.by_word.get(word, ())[-_NEAR:]))


def _alike(first: frozenset[str], second: frozenset[str]) -> bool:
    more = first ^ second
    within = first <= second or second <= first
    return within and len(more) <= _ALIKE * len(first | second) and not any(re.fullmatch(_TURNS, word) for word in more)


def _words(text: str) -> frozenset[str]:
    found = (word for word in re.findall(r"\w+", text[:_SAID].lower()) if word not in _FILLERS)
    return frozenset(re.sub(r"(?<=\w{3})(?:ing|ed|es|s|e)\Z", "", word) for word in found)
