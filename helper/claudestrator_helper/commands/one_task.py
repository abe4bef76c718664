"""All there is about one task, for `show`."""

import os
from collections.abc import Iterable

from ..accounts import estimate
from ..engine.sentences import model
from ..engine.state import State
from ..errors import ClaudestratorError
from ..store import config_file, event_lines, queue_file, run_log, state_file
from ..store.paths import Project
from ..system import worktrees
from ..texts import ids, schedule
from ..texts.fields import LINES, cut, few, named
from ..texts.queue import Queue, Task
from ..texts.statuses import PENDING


def lines(project: Project, id_: str, now: float) -> list[str]:
    """What the files say about a task, or about an agent without one, such as `decomposition`.

    Raises ClaudestratorError for an id that is in none of them.

    """
    current, log = state_file.read(project), run_log.read(project)
    parsed = queue_file.read(project, current, config_file.models(project))
    events = [entry for entry in log if entry.get("id") == id_]
    if id_ not in parsed.by_id and not events and id_ not in current.agents:
        raise _unknown(id_)
    found = _task(parsed, parsed.task(id_), current, project.queue) if id_ in parsed.by_id else [id_]
    complexity = parsed.by_id[id_][0].complexity if id_ in parsed.by_id else ""
    found += [
        *_worktree(project, current, id_),
        *_at_work(current, id_, estimate.times(log, parsed).median(complexity), now),
        *_told(project, current, id_),
    ]
    return few(found + [event_lines.line(entry) for entry in events[-LINES:]], 200)


def refuse_unknown(project: Project, id_: str) -> None:
    """Raises ClaudestratorError for an id that neither the queue nor the log nor the run knows."""
    if id_ in queue_file.parsed(project).by_id or id_ in state_file.read(project).agents:
        return
    if not any(entry.get("id") == id_ for entry in run_log.read(project)):
        raise _unknown(id_)


def _unknown(id_: str) -> ClaudestratorError:
    what = f"there is no {cut(id_)} here" if id_.strip() else "name a task after the command"
    return ClaudestratorError(f"{what}: `claudestrator-helper tasks` lists the tasks")


def _task(parsed: Queue, task: Task, current: State, place: str) -> list[str]:
    needed = [other.id for other in parsed.tasks if task.id in other.dependencies]
    cause = schedule.causes(parsed).get(task.id) if task.status == PENDING else None
    return [
        f"{task.id}  {cut(task.status, 30)}  {cut(task.complexity, 20)}, {cut(model(task, current), 20)}",
        *_row("objective", [task.objective]),
        *(f"criterion: {cut(each, 200)}" for each in task.criteria),
        *_row("files", task.files),
        *_row("needs", [_with_status(parsed, id_) for id_ in task.dependencies]),
        *_row("needed by", needed),
        *([f"now: {cause}"] if cause else []),
        f"written in {place}, line {task.line}",
    ]


def _with_status(parsed: Queue, id_: str) -> str:
    found = parsed.by_id.get(id_)
    return f"{cut(id_)} ({cut(found[0].status, 30) if found else 'not in the queue'})"


def _row(name: str, values: Iterable[str]) -> list[str]:
    listed = [cut(value, 200) for value in values]
    return [f"{name}: {named(listed, len(listed))}"] if any(listed) else []


def _at_work(current: State, id_: str, median: int | None, now: float) -> list[str]:
    agent = current.agents.get(id_)
    if not agent:
        return []
    usual = f", usually {estimate.rounded(median)}" if median and ids.role(id_) == "task" else ""
    return [f"running: {agent.model}, attempt {agent.attempt}, {estimate.exact(now - agent.claimed)}{usual}"]


def _worktree(project: Project, current: State, id_: str) -> list[str]:
    """Where its work is, until it is merged."""
    if not current.worktrees or current.record(id_).committed:
        return []
    tree = worktrees.of(project, id_)
    if tree is None:
        return []
    conflicts = [cut(path, 80) for path in tree.note.conflicts]
    said = f", in conflict with what is finished in {named(conflicts, len(conflicts))}" if conflicts else ""
    return [f"worktree: {os.path.relpath(tree.path, project.root)}, on top of {tree.note.base[:7]}{said}"]


def _told(project: Project, current: State, id_: str) -> list[str]:
    record = current.record(id_)
    said = {
        "hint": record.hint,
        "failed": record.failed,
        "returned by verification": record.returned,
        "not verified": record.unverified,
    }
    found = [f"{name}: {cut(text, 400)}" for name, text in said.items() if text]
    if record.committed:
        # What runs git takes longer to import than the rest.
        from ..run import task_commits

        found.append(f"committed: {record.committed[:7]} {cut(task_commits.place(project, current))}")
    found += ["verified"] if record.completed is not None and record.is_verified else []
    return found + ([f"note: {project.note(id_)}"] if ids.is_id(id_) and os.path.exists(project.note(id_)) else [])
