"""Agents' reports: `prompt` as a sign of life, `done` and `fail` as markers.

Each is a file of its own, put in place whole. A report is written under the lock, because the run may be about to give
the task to another attempt.
"""

import re
import time

from ..engine import markers, state
from ..errors import ClaudestratorError
from ..store import config_file, files, marker_files, project_files, queue_file, state_file
from ..store.paths import Project
from ..system import processes, working_tree
from ..texts import fields, ids, queue
from . import prompts

#: Characters of a note that are kept: about 500 tokens.
NOTE_LENGTH = 2000


def begin(project: Project, id_: str, tree: str | None = None) -> str:
    """The agent's prompt. Leaves the marker that says that the agent has started. *tree* is the working tree's
    fingerprint if the caller knows it.

    Raises ClaudestratorError for an id that no agent has while a run is unfinished; otherwise anyone may look at a
    task's prompt. It does so too for an agent whose worktree is gone, whose attempt is made again then.

    """
    current, parsed = _read(project)
    text = prompts.prompt(project, ids.checked(id_), current, parsed)
    agent = current.agents.get(id_)
    if current.unfinished and not agent:
        # An orchestrator that lost its place may send, or wake, an agent that the run does not wait for.
        raise ClaudestratorError(f"no agent is to work on {id_} now: end here, without doing anything")
    process = processes.current() if agent else ""
    if process and current.owner.process not in ("", process):
        # If that one is dead, too: whoever goes on with the run begins all that it had at work anew.
        raise ClaudestratorError(f"another session has taken over {id_}: end here, without doing anything")
    if agent and not text:
        raise _held_back(project, id_, agent.attempt)
    if agent and marker_files.begun(project, id_, agent.attempt) is None:
        if ids.role(id_) != "task" or current.worktrees:
            tree = ""
        elif tree is None:
            tree = working_tree.fingerprint(project)
        marker_files.leave(project, id_, markers.STARTED, agent.attempt, markers.STARTED, tree)
    return text


def _held_back(project: Project, id_: str, attempt: int) -> ClaudestratorError:
    """Records that an agent has no worktree, and so would work in the person's tree; why it gets no prompt."""
    if marker_files.report_of(project, id_, attempt) is None:
        why = "held back, as its worktree was gone"
        marker_files.fail(project, id_, attempt, why, markers.INTERRUPTION)
    # The hook on its end tells by the number that it is not the agent of the next attempt.
    report = f"`claudestrator-helper done {id_} --attempt {attempt}`"
    return ClaudestratorError(
        f"the worktree of {id_} is gone, so {report} would count for nothing: end here, without doing anything"
    )


def open_attempt(project: Project, id_: str, attempt: int | None) -> int:
    """The number of the attempt that a `done` of *id_* would be for; 0 if it is reported already. Raises as `done`."""
    current, parsed = _read(project)
    if _reported(project, current, id_, markers.DONE):
        return 0
    return _awaited(project, current, parsed, id_, attempt)


def being_made(project: Project, id_: str, attempt: int, note: str) -> None:
    """Writes the note, and that the report is being made: what it waits for is not the agent's time."""
    keep_note(project, id_, note)
    marker_files.leave(project, id_, markers.REPORTING, attempt, markers.REPORTING, str(int(time.time())))


def keep_note(project: Project, id_: str, note: str) -> None:
    """Writes the note of a task's agent, if notes are kept."""
    if note.strip() and config_file.read(project).journal:
        project_files.write(project, project.note(id_), _kept(note))


def queue_of(project: Project, current: state.State) -> queue.Queue:
    return queue_file.read(project, current)


def done(
    project: Project, id_: str, attempt: int | None, note: str, *, proved: bool = False, unchanged: bool | None = None
) -> str:
    """Leaves the marker and the note. Returns the line that the agent ends with. *proved* says that its gate was green,
    and *unchanged* whether it has changed nothing, None if the working tree shall tell.

    Raises ClaudestratorError for an id that no agent has, for an attempt that is over, for a report that contradicts
    the first, for a decomposition without a result, and for a verification without all its verdicts.

    """
    current, parsed = _read(project)
    if _reported(project, current, id_, markers.DONE):
        return f"done {id_}"
    latest = _awaited(project, current, parsed, id_, attempt)
    if id_ == ids.DECOMPOSITION:
        _decomposed(parsed)
    elif ids.role(id_) == "verify":
        _judged(project, id_, current, parsed)
    if ids.role(id_) == "task":
        keep_note(project, id_, note)
    if unchanged is None:
        before = marker_files.begun(project, id_, latest)
        unchanged = bool(before) and working_tree.fingerprint(project) == before
    more = f"{markers.UNCHANGED if unchanged else ''}\n{markers.PROVED if proved else ''}"
    _leave(project, id_, markers.DONE, latest, markers.DONE, more)
    return f"done {id_}"


def fail(project: Project, id_: str, attempt: int | None, reason: str, cause: str = "") -> str:
    """Leaves the marker with the reason, and the cause if it is not the agent's own report. Returns the line that the
    agent ends with. Raises as `done` does."""
    current, parsed = _read(project)
    if _reported(project, current, id_, markers.FAILED):
        return f"failed {id_}"
    latest = _awaited(project, current, parsed, id_, attempt)
    more = marker_files.CAUSE + cause if cause else ""
    _leave(project, id_, markers.FAILED, latest, fields.cut(reason, 1000) or "no reason given", more)
    return f"failed {id_}"


def _leave(project: Project, id_: str, kind: str, attempt: int, first_line: str, more: str = "") -> None:
    """Writes the marker under the lock: the run may be about to give the task to another attempt.

    Raises ClaudestratorError if it has done so since the report was checked.

    """
    with files.locked(project.lock, within=project.bounds):
        current, parsed = _read(project)
        if not _reported(project, current, id_, kind):
            _awaited(project, current, parsed, id_, attempt)
            marker_files.leave(project, id_, kind, attempt, first_line, more)


def _read(project: Project) -> tuple[state.State, queue.Queue]:
    current = state_file.read(project)
    return current, queue_file.read(project, current)


def _reported(project: Project, current: state.State, id_: str, kind: str) -> bool:
    """Whether the attempt that was spawned last has left this report already. Raises if it has left the other one."""
    before = marker_files.report_of(project, ids.checked(id_), current.record(id_).attempts)
    if before is None:
        return False
    if before.kind != kind:
        raise ClaudestratorError(f"{id_} has reported already, as {before.kind}: end here, the first report counts")
    return True


def _awaited(project: Project, current: state.State, parsed: queue.Queue, id_: str, attempt: int | None) -> int:
    """The number of the attempt that a report of *id_* is for. Raises ClaudestratorError if no such report counts."""
    if id_ not in current.agents and id_ not in parsed.by_id:
        raise ClaudestratorError(
            f"{id_} is not a task of {project.queue}: run this in the project's folder, or name it with --project"
        )
    latest = current.record(id_).attempts
    if attempt not in (None, latest):
        raise ClaudestratorError(f"attempt {attempt} of {id_} is over: end here, nothing was recorded")
    status = parsed.task(id_).status if id_ in parsed.by_id else ""
    if id_ not in current.agents and not markers.counts_late(current, id_, status, latest):
        way = f"`claudestrator-helper set-status {id_} completed`"
        raise ClaudestratorError(f"no agent was given {id_}, it is {status}: if you finished it by hand, use {way}")
    return latest


def _decomposed(parsed: queue.Queue) -> None:
    from ..texts import queue_problems

    problems = queue_problems.problems(parsed)
    if not parsed.tasks:
        raise ClaudestratorError(
            "the queue holds no task yet: add them with `claudestrator-helper add-tasks -`, then report"
        )
    if problems:
        listed = "\n".join(f"line {line}: {text}" for line, text in problems[:10])
        way = f"`claudestrator-helper fail {ids.DECOMPOSITION} -`"
        raise ClaudestratorError(f"the queue has errors; fix them, or report with {way}:\n{listed}")


def _judged(project: Project, id_: str, current: state.State, parsed: queue.Queue) -> None:
    from . import verdicts

    left = verdicts.missing(project, current, parsed)
    if left:
        listed = f"{', '.join(left[:10])}{'…' if left[10:] else ''}"
        raise ClaudestratorError(
            f"no verdict yet on {listed}: give each with `claudestrator-helper verdict`, then report; if you can't, "
            f"report with `claudestrator-helper fail {id_} -`"
        )


def _kept(note: str) -> str:
    # Control characters could carry terminal escapes into whatever shows the note.
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", note).strip()
    return (text if len(text) <= NOTE_LENGTH else text[: NOTE_LENGTH - 1].rstrip() + "…") + "\n"
