"""The verb `next-task`, without click: hooks and prompts run it, so it must start fast."""

import os
from collections.abc import Container, Mapping

from .. import output
from ..store import files, paths
from ..texts import queue, schedule
from ..texts.fields import LINE, cut
from ..texts.models import BY_COMPLEXITY


def main(folder: str | None, words: list[str]) -> int:
    """Runs the verb and returns its exit code. Raises ClaudestratorError for unknown words and as `answer` does."""
    if words:
        from . import arguments

        arguments.refuse_others("next-task", words, "--json", "--hook")
    if "--hook" in words:
        from ..hooks import session_start

        session_start.main(folder)
    else:
        output.echo([answer(paths.project(folder), as_json="--json" in words)])
    return 0


def answer(project: paths.Project, *, as_json: bool) -> str:
    """The next ready task, or why there is none, as text or JSON.

    Raises ClaudestratorError for a queue that can't be read.

    """
    found = select(project)
    if as_json:
        task = found.task.as_json() if found.task else None
        return output.as_json_line({"task": task, "reason": found.reason, "detail": found.detail})
    if found.task:
        return f"{found.task.id} {found.task.model} {cut(found.task.objective, LINE)}"
    return f"none: {cut(found.detail, LINE)}"


def select(project: paths.Project) -> schedule.Selection:
    """The next ready task, or why there is none. Raises ClaudestratorError for a queue that can't be read."""
    text = files.read(project.queue, project.bounds) or ""
    parsed = queue.parse(text, _models(project), lambda: _archive(project))
    found = schedule.select(parsed)
    if found.reason in (schedule.COMPLETE, schedule.EMPTY):
        # Only now does it matter whether some sections could not be read.
        from ..texts import queue_problems

        wrong = queue_problems.unreadable(parsed)
        found = schedule.select(parsed, wrong) if wrong else found
    return found


def _models(project: paths.Project) -> Mapping[str, str]:
    if not os.path.exists(project.config):
        return BY_COMPLEXITY
    # Importing what reads it takes longer than everything else.
    from ..store import config_file

    return config_file.models(project)


def _archive(project: paths.Project) -> Container[str]:
    # Reading the state takes longer than everything else.
    from ..store import state_file

    return state_file.archive(project)
