"""What holds for every queue text, whatever it holds. Each function raises Broken where it doesn't."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NoReturn

import commonmark
from claudestrator_helper.commands import next_task
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import paths
from claudestrator_helper.texts import additions, ids, queue_problems, schedule, statuses
from claudestrator_helper.texts import queue as q
from queues import task

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_REASONS = ("ready", "waiting", "blocked", "cycle", "complete", "empty")
#: How long a line about a queue may be, whatever the queue holds. An id of 64 characters may be in it five times.
_LONGEST = 600
#: Of the changes of status that a text's tasks allow, so many are tried.
_CHANGES = 6
#: And so many are asked of set-status, which reads its text anew.
_ASKED = 2
#: To this share of the texts, a task is added.
_ADDING = 0.25
NEW = "FUZZ-31337"


class Broken(Exception):  # noqa: N818 (it is what the fuzz looks for)
    """An invariant that does not hold: *kind* in a few words, and what was seen."""

    def __init__(self, kind: str, seen: object = "") -> None:
        super().__init__(f"{kind}: {seen!r:.300}")
        self.kind = kind


class Project:
    """A project on disk whose queue is replaced for each text."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / ".claude" / "task_queue.md"
        self.file.parent.mkdir(parents=True)
        self.project = paths.project(str(folder))

    def put(self, text: str) -> None:
        self.file.write_bytes(text.encode("utf-8", "surrogateescape"))


def examine(text: str, rng: Random, project: Project, *, thorough: bool = False) -> Counter[str]:
    """Holds *text* against all invariants, and counts what was tried and refused. Raises Broken.

    What is slow is done with a share of the texts, or where it has to be *thorough*, which compares the headings with
    those that an independent Markdown parser finds, too.

    """
    counted: Counter[str] = Counter()
    with no_traceback("parse"):
        parsed = q.parse(text)
        _parts(parsed)
    counted["tasks"] += len(parsed.tasks)
    with no_traceback("check"):
        problems = _problems(parsed)
    counted["problems"] += len(problems)
    with no_traceback("select"):
        counted[f"next: {_selected(parsed)}"] += 1
    with no_traceback("next-task"):
        project.put(text)
        counted += _answered(project.project, parsed, (True, False) if thorough else (rng.random() < 0.5,))
    with no_traceback("set-status"):
        counted += _changed(parsed, rng)
    with no_traceback("add-tasks"):
        counted += _added(parsed) if thorough or rng.random() < _ADDING else Counter()
    if thorough:
        dropped = list(commonmark.dropped(parsed))
        need(not dropped, "a heading is silently dropped", dropped)
        counted["held against markdown-it"] += 1
    return counted


def need(holds: object, kind: str, seen: object = "") -> None:
    if not holds:
        raise Broken(kind, seen)


@contextmanager
def no_traceback(part: str) -> Iterator[None]:
    try:
        yield
    except Broken:
        raise
    except Exception as error:
        raise Broken(f"{part} raises {type(error).__name__}", error) from error


def _one_line(line: str, kind: str) -> None:
    need(line.strip() and not CONTROL.search(line), f"{kind} is not one line of text", line)


def line_at(text: str, offset: int) -> int:
    return len(_LINE_END.findall(text, 0, offset)) + 1


# Parse


def _parts(parsed: q.Queue) -> None:
    text, masked = parsed.text, parsed.masked
    need(len(masked) == len(text), "the mask has another length than the text")
    for block, following in itertools.zip_longest(parsed.blocks, parsed.blocks[1:]):
        need(block.start < block.body <= block.end, "a section is out of order", (block.start, block.body, block.end))
        need(block.end == (following.start - 1 if following else len(text)), "a section has a gap behind it", block.end)
        need(re.compile(" {0,3}#").match(masked, block.start), "a section begins with no heading", block.start)
        need(block.start == 0 or text[block.start - 1] in "\r\n", "a section begins in the middle of a line")
    parts = [*(found.block for found in parsed.tasks), *parsed.others]
    need(sorted(parts, key=lambda block: block.start) == parsed.blocks, "a section is neither a task nor another thing")
    for found in parsed.tasks:
        _task(parsed, found)


def _task(parsed: q.Queue, found: q.Task) -> None:
    block, span, text = found.block, found.status_span, parsed.text
    need(ids.is_id(found.id), "a task's id is no id", found.id)
    need(found.id in text[block.start : block.body], "a task's id is not in its heading", found.id)
    assert span is not None
    need(block.body <= span[0] <= span[1] <= block.end, "a status is outside of its section", found.id)
    need(not _LINE_END.search(text, *span), "a status has more than a line", text[slice(*span)])
    written = found.as_json()
    need(json.loads(json.dumps(written)) == written, "a task is not JSON", written)
    need(written["line"] == line_at(text, block.start), "a task's line is another one", written["line"])
    need(written["model"] in ("haiku", "sonnet", "opus"), "a task has no model", written["model"])
    for line in (found.objective, *found.criteria, *found.files, *found.dependencies, *filter(None, [found.status])):
        need(not CONTROL.search(line) or line == found.status, "a task's value is not one line", line)


# Check and next-task


def _problems(parsed: q.Queue) -> list[queue_problems.Problem]:
    problems, unreadable = queue_problems.problems(parsed), queue_problems.unreadable(parsed)
    need(problems == sorted(problems) and unreadable == sorted(unreadable), "problems are out of order")
    need(set(unreadable) <= set(problems), "check does not name all that can't be read")
    lines = line_at(parsed.text, len(parsed.text))
    for line, said in problems:
        need(1 <= line <= lines, "a problem stands on no line of the text", (line, lines, said))
        _one_line(said, "a problem")
        need(len(said) <= _LONGEST, "a problem takes too long to tell", len(said))
    return problems


def _selected(parsed: q.Queue) -> str:
    unreadable = queue_problems.unreadable(parsed)
    found = schedule.select(parsed, unreadable)
    need(found.reason in _REASONS, "next-task has no such reason", found.reason)
    need((found.task is None) == (found.reason != "ready"), "next-task has a task and is not ready, or none and is")
    count = Counter(parsed.ids)
    completed = {each.id for each in parsed.tasks if each.status == "completed" and count[each.id] == 1}
    ready = [
        each
        for each in parsed.tasks
        if each.status == "pending" and count[each.id] == 1 and completed.issuperset(each.dependencies)
    ]
    # A dependency that stands twice, completed both times, is completed.
    need(found.task in ready or found.task is None or len(count) < len(parsed.ids), "next-task is not ready")
    need(found.task or not ready, "next-task keeps quiet about a task that is ready", ready and ready[0].id)
    if found.reason == "complete":
        need(all(each.status == "completed" for each in parsed.tasks), "complete over a task that is not")
    if found.reason in ("complete", "empty"):
        need(not unreadable, f"{found.reason} over what can't be read", unreadable[:1])
    need((found.reason == "empty") <= (not parsed.tasks), "empty over tasks")
    if found.task is None:
        _one_line(found.detail, "a reason")
        need(len(found.detail) <= _LONGEST, "a reason takes too long to tell", len(found.detail))
    return found.reason


def _answered(project: paths.Project, parsed: q.Queue, ways: Sequence[bool]) -> Counter[str]:
    named = []
    for as_json in ways:
        told = next_task.answer(project, as_json=as_json)
        _one_line(told, "next-task's answer")
        named.append(_named(told) if as_json else "" if told.startswith("none: ") else told.split(" ")[0])
    need(len(set(named)) == 1, "next-task's answers differ", named)
    need(not named[0] or named[0] in parsed.ids, "next-task names a task that isn't there", named)
    return Counter(f"next-task{' --json' if as_json else ''}" for as_json in ways)


def _named(told: str) -> str:
    """The id in the JSON, as any program may read it."""
    try:
        found = json.loads(told.encode("utf-8", "surrogateescape").decode("utf-8"))
    except ValueError as error:
        raise Broken("next-task's JSON is not JSON in UTF-8", told) from error
    need(set(found) == {"task", "reason", "detail"} and found["reason"] in _REASONS, "next-task's JSON lacks a key")
    return found["task"]["id"] if found["task"] else ""


# Set-status


def _changed(parsed: q.Queue, rng: Random) -> Counter[str]:
    counted: Counter[str] = Counter()
    pairs = [(found, status) for found in parsed.tasks for status in statuses.MOVES]
    pairs = rng.sample(pairs, min(len(pairs), _CHANGES))
    for at, (found, status) in enumerate(pairs):
        after = q.edited(parsed, {found.id: status})
        _only_that_cell(parsed, found, status, after.text)
        _read_back(parsed, found, status, after, thorough=at == 0)
        counted["status changes"] += 1
        if at < _ASKED:
            counted[_asked(parsed, found, status, after.text)] += 1
    changes = {found.id: status for found, status in pairs}
    together, one_by_one = q.edited(parsed, changes).text, parsed
    for id_, status in changes.items():
        one_by_one = q.edited(one_by_one, {id_: status})
    need(together == one_by_one.text, "changes at once and one by one differ")
    return counted


def _asked(parsed: q.Queue, found: q.Task, status: str, after: str) -> str:
    """What set_status does with that change: the same, or a refusal of what is forbidden."""
    twice = len(parsed.by_id[found.id]) > 1
    forbidden = status not in (found.status, *statuses.MOVES.get(found.status, statuses.MOVES))
    try:
        changed = q.set_status(parsed.text, found.id, status)
    except ClaudestratorError as refusal:
        _one_line(str(refusal), "a refusal")
        need(twice or forbidden, "set-status refuses a move that is allowed", refusal)
        return "refused: the id is used more than once" if twice else f"refused: from {found.status} to {status}"
    need(not twice and not forbidden, "set-status does what it has to refuse", (found.id, found.status, status))
    need(changed == after, "set-status changes something else than the run does")
    return "status changes by set-status"


def _only_that_cell(parsed: q.Queue, found: q.Task, status: str, after: str) -> None:
    text, span = parsed.text, found.status_span
    assert span is not None
    if found.status == status or len(parsed.by_id[found.id]) > 1:
        need(after == text, "set-status to the same status, or to one of two, changed the text")
        return
    before = [text[: span[0]].encode("utf-8", "surrogateescape"), text[span[1] :].encode("utf-8", "surrogateescape")]
    told = statuses.changed(text[slice(*span)], status)
    rest, kept = iter(text[slice(*span)]), told.replace(status, "", 1)
    need(status in told and all(sign in rest for sign in kept), "set-status adds more than a status", told)
    cell = told.encode("utf-8", "surrogateescape")
    # Behind the name of a field without a value, a blank comes first.
    cells = [cell, b" " + cell] if span[0] == span[1] else [cell]
    written = after.encode("utf-8", "surrogateescape")
    need(written in [cell.join(before) for cell in cells], "set-status changed other bytes", written)
    need("status" in text[found.block.body : span[0]].lower(), "set-status changed something that is no status")


def _read_back(parsed: q.Queue, found: q.Task, status: str, after: q.Queue, *, thorough: bool) -> None:
    changed = len(parsed.by_id[found.id]) == 1
    wanted = [(each.id, status if changed and each.id == found.id else each.status) for each in parsed.tasks]
    need([(each.id, each.status) for each in after.tasks] == wanted, "set-status reads back otherwise", found.id)
    if thorough:
        for one, other in zip(parsed.tasks, after.tasks, strict=True):
            need({**one.as_json(), "status": ""} == {**other.as_json(), "status": ""}, "set-status changed a field")
        need(
            len(queue_problems.unreadable(after)) <= len(queue_problems.unreadable(parsed)),
            "set-status made something unreadable",
        )


# Add-tasks


def _added(parsed: q.Queue) -> Counter[str]:
    text = parsed.text
    try:
        after, added = additions.add(text, task(NEW))
    except ClaudestratorError as refusal:
        for line in str(refusal).split("\n"):
            _one_line(line, "a refusal")
        need(any(not span.closed for span in parsed.hidden), "add-tasks refuses a sound task", refusal)
        return Counter(["refused: the queue's end hides what is added"])
    need(after.startswith(text) or not text.strip(), "add-tasks changed what stood there", after[: len(text)])
    found = q.parse(after)
    need(added == [NEW] and found.ids == [*parsed.ids, NEW], "add-tasks added something else", found.ids)
    need(found.tasks[-1].objective == "Build it", "the task that was added reads otherwise")
    for one, other in zip(parsed.tasks, found.tasks, strict=False):
        # "All tasks" takes in the one that was added.
        now = {**other.as_json(), "dependencies": [id_ for id_ in other.dependencies if id_ != NEW]}
        need(one.as_json() == now, "add-tasks changed a task", (one.as_json(), now))
    return Counter(["tasks added"])


def raise_hang(*_: object) -> NoReturn:
    raise Broken("it takes too long")
