"""An agent's last message as its report, where a mod reads it: a line `REPORT ID attempt N: done`, or `: failed`, and
the note or the reason below."""

import re

from ..engine import markers, outage
from ..engine.state import State
from ..errors import ClaudestratorError, TransientError
from ..store import marker_files, state_file
from ..store.paths import Project
from ..system import consent
from ..texts import ids
from . import reports

#: How a run of an agent ends, in Claude Code's words.
COMPLETED, FAILED, STOPPED = "completed", "failed", "stopped"
#: The line, with what Markdown may put around it.
_LINE = re.compile(r"^[ \t>*`#]*REPORT (\S{1,64}) attempt (\d{1,9}): (done|failed)[ \t*`.]*$", re.MULTILINE)


def has_to_call(project: Project, id_: str, current: State) -> bool:
    """Whether no last message can report *id_* as done, because that runs a gate, or merges a worktree."""
    allowed = consent.read(project)
    return ids.role(id_) == "task" and (current.worktrees or (allowed is not None and allowed.proves))


def take(project: Project, id_: str, attempt: int, text: str) -> bool:
    """Whether *text* is a clear report of that attempt, which is recorded then as `done` and `fail` record theirs.

    Raises ClaudestratorError for a report that does not hold, as they do.

    """
    # JSON may hold halves of characters, which no file can hold.
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    found = list(_LINE.finditer(text))
    if len(found) != 1 or (found[0][1], int(found[0][2])) != (id_, attempt):
        return False
    below = text[found[0].end() :].strip().strip("`").strip()
    if found[0][3] == "done" and has_to_call(project, id_, state_file.read(project)):
        way = f"`claudestrator-helper done {id_} --attempt {attempt}`"
        raise ClaudestratorError(f"{id_} is not done before its gate was green: report with {way}")
    if found[0][3] == "done":
        reports.done(project, id_, attempt, below)
    else:
        reports.fail(project, id_, attempt, below)
    return True


def ended(project: Project, name: str, status: str, text: str) -> None:
    """Records how the agent *name* of the run has ended, unless it has reported. Without a clear report it has failed.

    Raises ClaudestratorError if that can't be written: it is asked again then.

    """
    agents = state_file.read(project).agents.items()
    id_, agent = next(
        ((id_, a) for id_, a in agents if name and marker_files.name(project, id_, a.attempt) == name), ("", None)
    )
    if agent is None or marker_files.report_of(project, id_, agent.attempt):
        return
    why = {
        FAILED: (outage.reason("unknown"), markers.API),
        STOPPED: (outage.INTERRUPTED, markers.INTERRUPTION),
    }.get(status, (markers.ENDED, markers.SILENCE))
    try:
        if status == COMPLETED and take(project, id_, agent.attempt, text):
            return
    except TransientError:
        raise  # which is no fault of the report
    except ClaudestratorError as error:
        why = (str(error), markers.SILENCE)
    marker_files.fail(project, id_, agent.attempt, *why)
