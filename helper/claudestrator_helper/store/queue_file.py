"""The queue, also while a person saves it: some editors move a file away or empty it before they write."""

import time
from collections.abc import Mapping

from ..engine.state import State
from ..texts import ids, queue
from ..texts.models import BY_COMPLEXITY
from . import files, state_file
from .paths import Project

#: How often a queue with missing tasks is read, and the seconds between two times.
_LOOKS, _MOMENT = 8, 0.05


def read(project: Project, current: State, models: Mapping[str, str] = BY_COMPLEXITY) -> queue.Queue:
    """The queue, read again while a running task or every task is missing. Raises as `files.read`."""
    known = [id_ for id_ in (*current.agents, *current.completed) if ids.role(id_) == "task"]
    for look in range(_LOOKS):
        if look:
            time.sleep(_MOMENT)
        parsed = queue.parse(files.read(project.queue, project.bounds) or "", models, current.archive)
        gone = [id_ for id_ in known if id_ not in parsed.by_id]
        if not gone or (parsed.tasks and not current.agents.keys() & gone):
            break
    return parsed


def parsed(project: Project) -> queue.Queue:
    """The queue as it is now. Raises as `files.read`."""
    return parsed_text(project, files.read(project.queue, project.bounds) or "")


def parsed_text(project: Project, text: str) -> queue.Queue:
    """The queue *text*, with the tasks that the run has archived as known dependencies."""
    return queue.parse(text, archive=lambda: state_file.archive(project))
