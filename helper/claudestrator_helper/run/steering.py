"""What a person asks of a run between its steps: to stop, to pause, to resume, to try tasks again or leave them out.
Each is kept in the state and the queue, which the run's next step obeys, whoever takes it."""

import time

from ..engine import heartbeat, sentences, state
from ..engine.config import MOD
from ..errors import ClaudestratorError
from ..store import files, marker_files, queue_file, run_log, state_file
from ..store.paths import Project
from ..texts import queue
from ..texts.fields import cut, named
from ..texts.queue import Queue
from ..texts.statuses import COMPLETED, PENDING, SKIPPED, UNBLOCKING
from . import notify

_NOTHING = "Nothing is running here."


def stop(project: Project, *, now: bool = False) -> str:
    """Asks the run to end at its next step, or ends it *now*, as where a command that a person typed in the run's own
    session has ended its wait, so that no step would follow. Returns what to tell the person."""
    before = state_file.read(project)
    # A mod waits beside the conversation, whatever is typed there.
    attended = heartbeat.fresh(before, int(time.time()))
    now = (now and not (before.engine == MOD and attended)) or not (attended or _awaited(project, before))
    current = _ask(project, state.STOPPED if now else state.STOPPING, (state.RUNNING, state.PAUSED, state.STOPPING))
    if current is None:
        return _NOTHING
    names = ", ".join(current.agents)
    if now:
        left = f" What {names} reports will count." if names else ""
        return f"The run has stopped: `/orchestrate` continues it.{left}{_home(project, current)}"
    return f"The run will stop once {_reported(current)}." if names else "The run will stop at its next step."


def _reported(current: state.State) -> str:
    return f"{', '.join(current.agents)} {'has' if len(current.agents) == 1 else 'have'} reported"


def _awaited(project: Project, current: state.State) -> bool:
    """Whether an agent has not reported yet. Its end wakes the session; without one, no step may follow."""
    return any(not marker_files.report_of(project, id_, each.attempt) for id_, each in current.agents.items())


def _home(project: Project, current: state.State) -> str:
    """Where the run's commits are, ready to be taken over."""
    said = sentences.commits(current)
    if not said:
        return ""
    # Most calls have none, and git takes longer to import than the rest.
    from . import task_commits

    return sentences.brought_home(said, current, task_commits.bring_home(project))


def pause(project: Project) -> str:
    """Asks the run to start no agent until it is resumed. Returns what to tell the person."""
    current = _ask(project, state.PAUSED, (state.RUNNING, state.PAUSED))
    if current is None:
        stopping = state_file.read(project).status == state.STOPPING
        return "The run is stopping already: `/orchestrate` continues it." if stopping else _NOTHING
    at_work = f" once {_reported(current)}" if current.agents else ""
    way = "/claudestrator-resume" if current.engine == MOD else "claudestrator-helper resume"
    if _is_last(project, current):
        return f"The run ends{at_work}, as nothing else is left; if that fails, `{way}` continues it."
    return f"The run pauses{at_work}; `{way}` continues it."


def _is_last(project: Project, current: state.State) -> bool:
    """Whether the run is complete once those at work are."""
    if not current.agents or current.loop.total or current.verification.asked:
        return False
    left = {task.id for task in queue_file.parsed(project).tasks if task.status not in (COMPLETED, SKIPPED)}
    return left == {*current.agents}


def resume(project: Project, now: float | None = None) -> str:
    """Lets a paused run start agents again. Returns what to tell the person."""
    current = _ask(project, state.RUNNING, (state.PAUSED,))
    if current is None:
        return (
            "The run is not paused." if state_file.read(project).unfinished else f"{_NOTHING} /orchestrate starts it."
        )
    # Its session may have ended its turn meanwhile, or died.
    heard = heartbeat.fresh(current, int(time.time() if now is None else now))
    return "The run continues." if heard else "The run may start agents again: type /orchestrate to continue it."


def retry(project: Project, ids: list[str], hint: str) -> list[str]:
    """Makes tasks pending again as if no attempt had failed, all or none, and keeps *hint* for their next agents.
    Returns a line for each. Raises ClaudestratorError for a task that is missing, there twice, or at work."""
    with files.locked(project.lock, within=project.bounds):
        before = _read(project, ids)
        current = state_file.read(project)
        if busy := [id_ for id_ in ids if id_ in current.agents]:
            way = "`claudestrator-helper skip` gives up on it, and then this tries it again"
            raise ClaudestratorError(f"{busy[0]} is at work: wait for its report; {way}")
        after = _forgotten(current, ids)
        for id_ in ids if hint.strip() else ():
            after = after.recorded(id_, hint=cut(hint, 1000))
        # The state comes first: a run keeps completed what its state says it has completed.
        _write(project, current, after)
        _edit(project, dict.fromkeys(ids, PENDING))
        run_log.append(project, current, [{"event": "retry", "id": id_} for id_ in ids], time.time())
    then = "" if current.unfinished else ": `/orchestrate` runs it"
    return [f"{id_} {PENDING}, it was {cut(before.task(id_).status, 30)}{then}" for id_ in ids]


def skip(project: Project, ids: list[str], *, unblock: bool) -> list[str]:
    """Leaves tasks out of the run, all or none; with *unblock*, what depends on them may run all the same. Returns a
    line for each. Raises ClaudestratorError for a task that is missing, there twice, or completed."""
    with files.locked(project.lock, within=project.bounds):
        before = _read(project, ids)
        if done := [id_ for id_ in ids if before.task(id_).status == COMPLETED]:
            raise ClaudestratorError(f"{done[0]} is completed: leave it, or retry it first")
        current = state_file.read(project)
        # A task that is skipped already may get the other word.
        _edit(project, dict.fromkeys(ids, PENDING), dict.fromkeys(ids, UNBLOCKING if unblock else SKIPPED))
        _write(project, current, _forgotten(current, ids))
        run_log.append(project, current, [{"event": SKIPPED, "id": id_} for id_ in ids], time.time())
    return [f"{id_} {SKIPPED}{_after(before, current, id_, unblock=unblock)}" for id_ in ids]


def _after(parsed: Queue, current: state.State, id_: str, *, unblock: bool) -> str:
    needing = [task.id for task in parsed.tasks if id_ in task.dependencies and task.status == PENDING]
    stay = "stays" if len(needing) == 1 else "stay"
    said = f"; {named(needing, len(needing))} {'may run' if unblock else f'{stay} blocked without --unblock'}"
    at_work = "; the report of its agent, which is still at work, will not count"
    return f"{said if needing else ''}{at_work if id_ in current.agents else ''}"


def _read(project: Project, ids: list[str]) -> Queue:
    """The queue, in which each of *ids* is one task. Raises ClaudestratorError if one is not."""
    parsed = queue_file.parsed(project)
    for id_ in ids:
        parsed.task(id_)
    return parsed


def _edit(project: Project, *changes: dict[str, str]) -> None:
    def change(text: str) -> str:
        for each in changes:
            text = queue.edited(queue.parse(text), each).text
        return text

    queue_file.edit(project, change)


def _write(project: Project, before: state.State, after: state.State) -> None:
    if after != before:
        state_file.write(project, after)


def _forgotten(current: state.State, ids: list[str]) -> state.State:
    """*current* without what runs know of these tasks, but for the numbers of their attempts and who is at work."""
    for id_ in {*ids} & {*current.tasks}:
        record = current.record(id_)
        kept = state.TaskRecord(attempts=record.attempts, model=record.model, agent=record.agent)
        current = current._replace(tasks={**current.tasks, id_: kept})
    return current._replace(streak=[each for each in current.streak if each not in ids])


def _ask(project: Project, status: str, among: tuple[str, ...]) -> state.State | None:
    """The state before its run got that status; None if its own is not *among* those that may get it."""
    if state_file.read(project).status not in among:
        return None
    with files.locked(project.lock, within=project.bounds):
        current = state_file.read(project)
        if current.status not in among:
            return None
        if current.status != status:
            state_file.write(project, current._replace(status=status))
            run_log.append(project, current, [{"event": _EVENTS[status]}], time.time())
            if status == state.PAUSED:
                notify.send(project, status, "The run pauses", "`claudestrator-helper resume` continues it.")
    return current


_EVENTS = {state.STOPPING: "asked to stop", state.STOPPED: "stopped", state.PAUSED: "paused", state.RUNNING: "resumed"}
