"""What the person is shown of a run in the session: Claude Code folds away what commands print."""

import os
from contextlib import suppress

from .. import host
from ..agents import starting
from ..engine.state import State
from ..errors import ClaudestratorError
from ..store import queue_file
from ..store.hidden_files import PROGRESS
from ..store.paths import Project
from ..texts.directives import STOP, Reply
from ..texts.fields import cut, named
from ..texts.queue import Queue
from ..texts.statuses import COMPLETED
from .payload import Answer, notified

#: The first words of the lines that are for the orchestrator; the first two start an agent.
_DIRECTIVES = ("SPAWN", "WORK", "WAIT", "STOP")


def message(project: Project, lines: list[str], begun: list[str]) -> Answer:
    """The part of an answer that shows these *lines*, and the agents that are *begun* now; empty for nothing."""
    said = [*lines, *([_next(queue_file.parsed(project), begun)] if begun else [])]
    return {host.MESSAGE: "\n".join(said)} if said else {}


def of_reply(project: Project, reply: Reply) -> Answer:
    """The part of an answer that shows what a step has come to, and notifies the person of the run's end."""
    said = message(project, reply.lines, [each.id for each in reply.directives if each.id])
    over = next((notified(each.sentence) for each in reply.directives if each.kind == STOP), {})
    return {**said, **over}


def of_wait(project: Project, given: dict[str, object], got: dict[str, object]) -> Answer:
    """The answer to a Bash call: what a `wait` has printed, with a notice of the run's end."""
    if str(given.get("command")).strip() != "claudestrator-helper wait":
        return {}
    words = [line.split(" ") for line in str(got.get("stdout") or "").strip().split("\n")]
    # Where Claude Code does not fold it away, the person has read it.
    is_folded = not host.lacks(os.environ, host.FOLDED)
    lines = [" ".join(each) for each in words if each[0] not in _DIRECTIVES and is_folded]
    begun = [each[1] for each in words if each[0] in _DIRECTIVES[:2] and each[1:]]
    over = next((notified(" ".join(each[1:])) for each in words if each[0] == STOP), {})
    return {**message(project, lines, begun), **over}


def line(project: Project, current: State) -> str:
    """Where the run is, in a few words: what has ended and what is next has been shown when the step was taken."""
    tasks, at_work = queue_file.parsed(project).tasks, current.agents
    done = f"done {sum(task.status == COMPLETED for task in tasks)}/{len(tasks)}"
    return f"{done}, at work: {named(at_work, len(at_work))}" if at_work else done


def keep(project: Project, current: State) -> None:
    """Keeps `line` for the notices that come with the next request, which waits for the hooks on them."""
    with suppress(ClaudestratorError, OSError):
        PROGRESS.write(project, f"{starting.seal(project)}\n{line(project, current)}")


def _next(parsed: Queue, begun: list[str]) -> str:
    """The agents that begin; of a single one the objective too."""
    objective = parsed.task(begun[0]).objective if len(begun) == 1 and begun[0] in parsed.by_id else ""
    return f"next {begun[0]}: {cut(objective)}" if objective else f"next {named(begun, len(begun))}"
