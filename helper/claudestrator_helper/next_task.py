"""The verb `next-task`, without click: hooks and prompts run it, so it has to start fast."""

import sys
from collections.abc import Container

from . import files, paths, queue, schedule
from .errors import ClaudestratorError, UsageError
from .fields import LINE, cut

USAGE = "usage: claudestrator-helper [--project DIR] next-task [--json] [--hook]"


def main(folder: str | None, words: list[str]) -> int:
    unknown = [word for word in words if word not in ("--json", "--hook")]
    if unknown:
        raise UsageError(f"next-task takes no {unknown[0]!r}; {USAGE}")
    if "--hook" in words:
        from . import session_start

        session_start.main(folder)
    else:
        say(answer(paths.project(folder), as_json="--json" in words))
    return 0


def say(line: str) -> None:
    """Prints a line; bytes that are not UTF-8 come out as they went in, whatever the terminal's encoding."""
    sys.stdout.buffer.write(f"{line}\n".encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def answer(project: paths.Project, *, as_json: bool) -> str:
    """The next ready task, or why there is none, as text or JSON.

    Raises ClaudestratorError for a queue that can't be read.

    """
    found = select(project)
    if as_json:
        task = found.task.as_json() if found.task else None
        return as_json_line({"task": task, "reason": found.reason, "detail": found.detail})
    if found.task:
        return f"{found.task.id} {found.task.model} {cut(found.task.objective, LINE)}"
    return f"none: {cut(found.detail, LINE)}"


def as_json_line(value: object) -> str:
    """*value* as JSON; bytes that are not UTF-8, which JSON can't hold, as U+FFFD."""
    import json
    import re

    return re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(value, ensure_ascii=False))


def select(project: paths.Project) -> schedule.Selection:
    parsed = queue.parse(files.read(project.queue, project.bounds) or "", archive=lambda: _archive(project))
    found = schedule.select(parsed)
    if found.reason in (schedule.COMPLETE, schedule.EMPTY):
        # Only now does it matter whether there are sections that nobody could read.
        from . import check

        found = schedule.select(parsed, check.unreadable(parsed))
    return found


def _archive(project: paths.Project) -> Container[str]:
    # To read the state takes longer than all the rest.
    from . import state

    return state.archive(project)


def report(error: ClaudestratorError) -> int:
    """Says a refusal, which may quote anybody's words and paths; its exit code."""
    lines = str(error).encode("utf-8", "replace").decode().split("\n")
    text = "\n".join(cut(line, LINE) for line in lines)
    print(f"claudestrator-helper: {text}", file=sys.stderr)
    return 2 if isinstance(error, UsageError) else 1
