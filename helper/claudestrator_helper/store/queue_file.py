"""The queue, also while a person saves it: some editors move a file away or empty it before they write."""

import time
from collections.abc import Callable, Mapping

from ..engine.state import State
from ..texts import ids, queue
from ..texts.models import BY_COMPLEXITY
from . import project_files, state_file
from .paths import Project

#: How often a queue with missing tasks is read, and the seconds between two times.
_LOOKS, _MOMENT = 8, 0.05


def read(project: Project, current: State, models: Mapping[str, str] = BY_COMPLEXITY) -> queue.Queue:
    """The queue, read again while a running task or every task is missing. Raises as `files.read`."""
    known = [id_ for id_ in (*current.agents, *current.completed) if ids.role(id_) == "task"]
    for look in range(_LOOKS):
        if look:
            time.sleep(_MOMENT)
        parsed = queue.parse(text(project), models, current.archive)
        gone = [id_ for id_ in known if id_ not in parsed.by_id]
        if not gone or (parsed.tasks and not current.agents.keys() & gone):
            break
    return parsed


def text(project: Project) -> str:
    """The queue's text, "" if there is none. Raises as `files.read`."""
    return project_files.text(project, project.queue)


def parsed(project: Project, given: str | None = None) -> queue.Queue:
    """The queue as it is now, or the *given* text, with the tasks that the run has archived as known dependencies.
    Raises as `files.read`."""
    return queue.parse(text(project) if given is None else given, archive=lambda: state_file.archive(project))


def edit(project: Project, change: Callable[[str], str], known: str | None = None) -> None:
    """Replaces the text with what *change* makes of it. See `files.edit`."""
    project_files.edit(project, project.queue, change, known)


def set_statuses(project: Project, parsed: queue.Queue, changes: Mapping[str, str]) -> queue.Queue:
    """Makes these changes to the queue, in a text that a person may have saved since it was *parsed*. Returns the new
    queue."""
    edited = queue.edited(parsed, changes)

    def change(text: str) -> str:
        nonlocal edited
        if text != parsed.text:
            edited = queue.edited(queue.parse(text, parsed.models, parsed.archive), changes)
        return edited.text

    edit(project, change, parsed.text)
    return edited
