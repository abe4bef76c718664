"""Adding tasks to a queue, which admits nothing wrong."""

from ..errors import ClaudestratorError
from . import fields, foreign_formats, queue, queue_problems, statuses
from .queue import Queue
from .queue_problems import Problem


def add(text: str, addition: str, archive: queue.Archive = tuple) -> tuple[str, list[str]]:
    """*text* with the sections of *addition* after it, and their ids; *archive* as for queue.parse.

    Raises ClaudestratorError, naming each error with its line in *addition*, where anything is wrong; then nothing
    is added.

    """
    new = queue.parse(addition)
    if not new.tasks:
        raise ClaudestratorError(f"no task on standard input: {_FORM}")
    old = queue.parse(text, archive=archive)
    if not old.tasks and (name := foreign_formats.of_data(text)):
        raise ClaudestratorError(f"nothing was added: the queue looks like {name}; move it away, then send this again")
    joined = queue.parse(_joined(text, addition), archive=archive)
    if joined.ids != old.ids + new.ids:
        raise ClaudestratorError(
            f"the queue's end hides what is added there: {'; '.join(map(_say, queue_problems.hidden(old)))}"
        )
    wrongs = _wrongs(old, new, joined)
    if wrongs:
        listed = fields.few([_say(wrong) for wrong in wrongs])
        raise ClaudestratorError("nothing was added; fix this and send the whole call again:\n" + "\n".join(listed))
    return joined.text, new.ids


def _wrongs(old: Queue, new: Queue, joined: Queue) -> list[Problem]:
    """What is wrong in the addition, by its own lines; if nothing is, what it makes wrong in the queue."""
    shift = joined.tasks[len(old.tasks)].line - new.tasks[0].line
    found = set(queue_problems.problems(joined))
    # What was wrong before is no error of the addition's. Mostly nothing is, and the old queue need not be checked.
    before = queue_problems.problems(old) if found else []
    # A line of prose may look like a task as soon as there are others of its family.
    known = {line for line, _ in before} | {line for line, _ in (queue_problems.unreadable(joined) if found else [])}
    found = {problem for problem in found.difference(before) if problem.line > shift or problem.line not in known}
    # A cycle of before is no error of a task that waits for one of its tasks either.
    cycles = {wrong.partition(": ")[2] for _, wrong in before if ": cycle " in wrong}
    errors = {
        Problem(line - shift, wrong) for line, wrong in found if line > shift and wrong.partition(": ")[2] not in cycles
    }
    found = {problem for problem in found if problem.line <= shift}
    errors |= {
        Problem(task.line, f"{task.id}: it is new, so its status has to be pending")
        for task in new.tasks
        if task.status != statuses.PENDING
    }
    return sorted(errors) or [Problem(line, f"{wrong} (in the queue)") for line, wrong in sorted(found)]


_FORM = "a task begins with a line `### TASK-001` and has a row `| Status | pending |`"


def _joined(text: str, addition: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    body = addition.lstrip("\ufeff").replace("\r\n", "\n").strip("\n").replace("\n", newline) + newline
    if not text.strip():
        return f"# Task Queue{newline}{newline}{body}"
    missing = 2 if not text.endswith("\n") else 0 if text.endswith(newline * 2) else 1
    return text + newline * missing + body


def _say(problem: Problem) -> str:
    return f"line {problem.line}: {problem.text}"
