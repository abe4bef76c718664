"""What `tasks`, `status` and `check` say to people."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from . import check, files, issues, markers, prd, queue, state, summary
from .errors import ClaudestratorError
from .fields import cut
from .paths import Project


def tasks(project: Project) -> queue.Queue:
    return queue.parse(files.read(project.queue) or "")


def table(parsed: queue.Queue) -> list[str]:
    """One line a task: status, id, model, objective."""
    width = max((len(task.id) for task in parsed.tasks), default=0)
    return [
        f"{cut(task.status, 11):<11}  {task.id:<{width}}  {task.model:<6}  {cut(task.objective, 80)}"
        for task in parsed.tasks
    ]


def status(project: Project, now: float | None = None) -> list[str]:
    """Where the run stands: bar and counts, phase, agents at work with their time, failures with reasons."""
    current, parsed = state.read(project), tasks(project)
    at = int(time.time() if now is None else now)
    lines = [summary.bar(task.status for task in parsed.tasks), f"run: {_run(current, at)}"]
    for id_, agent in current.agents.items():
        text = f"{id_}  {agent.model}, attempt {agent.attempt}, {_elapsed(at - agent.claimed)}"
        lines.append(f"running: {text}{'' if _started(project, id_, agent) else ', not started yet'}")
    lines += [*_loops(project, current), *_issues(project)]
    lines += [f"failed: {id_}  {cut(reason)}" for id_, reason in current.failed.items()]
    wrong = len(check.problems(parsed))
    if wrong:
        lines.append(f"queue: {wrong} problems, `claudestrator-helper check` names them")
    return lines


def _run(current: state.State, at: int) -> str:
    if not current.run:
        return "none yet, `/orchestrate` in Claude Code starts one"
    where = [f"{current.status} ({current.run})"]
    if current.loops:
        where.append(f"loop {current.loop} of {current.loops}")
    where += [current.phase] if current.phase else []
    heard = max(0, at - current.heartbeat)
    if current.unfinished and heard > 60:
        where.append(f"its session was last heard of {_elapsed(heard)} ago: `/orchestrate` goes on with it")
    return ", ".join(where)


def _loops(project: Project, current: state.State) -> list[str]:
    """One line for each loop of this run that has been closed."""
    found = [_snapshot(project, number) for number in range(1, current.loop + 1)]
    return [_loop(snapshot) for snapshot in found if snapshot.get("run") == current.run]


def _snapshot(project: Project, number: int) -> dict[str, Any]:
    """What a loop's snapshot says; nothing where there is none, or none that the helper wrote."""
    try:
        found = json.loads(files.read(os.path.join(project.snapshots, f"loop-{number}.json")) or "{}")
        return found if {"loop", "tasks", "commit", "issues"} <= set(found) else {}
    except (ValueError, TypeError):
        return {}


def _loop(snapshot: dict[str, Any]) -> str:
    count = Counter(str(task["status"]) for task in snapshot["tasks"])
    did = ", ".join(f"{number} {word}" for word, number in count.items()) or "no tasks"
    commit = str(snapshot["commit"] or "no commit")[:9]
    found, closed = (len(snapshot["issues"][kind]) for kind in ("found", "closed"))
    return f"loop {snapshot['loop']}: {commit}, tasks: {did}; issues: {found} found, {closed} closed"


def _issues(project: Project) -> list[str]:
    count = Counter(issues.status(issue) for issue in queue.parse(files.read(project.issues) or "").tasks)
    return [f"issues: {', '.join(f'{number} {cut(word, 20)}' for word, number in count.items())}"] if count else []


def _started(project: Project, id_: str, agent: state.Agent) -> bool:
    return markers.read(project, {id_: agent.attempt}).started.get(id_, -1) in (None, agent.attempt)


def _elapsed(seconds: int) -> str:
    minutes, seconds = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def problems(project: Project) -> list[str]:
    """Everything wrong in queues, configuration, state and installation, one line each, with its file and line."""
    found = [*_of_queue(project), *_of_issues(project), *_refusal(state.read, project)]
    if os.path.lexists(project.config):
        from . import config_file

        found += config_file.problems(project)
    if os.path.lexists(project.knowledge):
        from . import memory

        found += _refusal(memory.read, project)
    return [*found, *_of_folders(project), *_of_installation(project)]


def _of_queue(project: Project) -> list[str]:
    try:
        text = files.read(project.queue)
    except ClaudestratorError as error:
        return [str(error)]
    if text is None:
        missing = prd.why_not(project)
        return [missing] if missing else []
    found = [f"{project.queue}:{line}: {wrong}" for line, wrong in check.problems(queue.parse(text))]
    cut = next((at for at, char in enumerate(text) if "\udc80" <= char <= "\udcff"), None)
    if cut is not None:
        found.append(
            f"{project.queue}:{text.count(chr(10), 0, cut) + 1}: bytes that are not UTF-8; they are kept as they are"
        )
    return found


def _of_issues(project: Project) -> list[str]:
    parsed = queue.parse(files.read(project.issues) or "")
    found = []
    for issue in parsed.tasks:
        if len(parsed.by_id[issue.id]) > 1:
            found.append(f"{project.issues}:{issue.line}: {issue.id} stands more than once")
        if issues.status(issue) not in issues.STATUSES:
            known = ", ".join(issues.STATUSES)
            found.append(
                f"{project.issues}:{issue.line}: {issue.id}: its status {issue.status[:40]!r} is none of {known}"
            )
    return found


def _refusal(read: Callable[[Project], object], project: Project) -> list[str]:
    try:
        read(project)
    except ClaudestratorError as error:
        return [str(error)]
    return []


def _of_folders(project: Project) -> list[str]:
    folder = project.state if os.path.isdir(project.state) else project.root
    found = (
        []
        if os.access(folder, os.W_OK)
        else [f"{folder} can't be written: give yourself the right to, or start elsewhere"]
    )
    ignore = os.path.join(project.state, ".gitignore")
    text = files.read(ignore)
    missing = [name for name in state.IGNORED.split() if text is not None and name not in text.split()]
    if missing:
        found.append(f"{ignore}: add {', '.join(missing)}, so that the run's own files stay out of git")
    return found


def _of_installation(project: Project) -> list[str]:
    found = []
    if not _on_path("claudestrator-helper"):
        found.append(
            "claudestrator-helper is not on PATH: run Claudestrator's install.sh again, or put its folder on PATH"
        )
    if not _on_path("git"):
        found.append("git is not on PATH: install git, agents and people want to see what changed")
    elif not any(os.path.exists(os.path.join(folder, ".git")) for folder in _upwards(project.root)):
        found.append(f"{project.root} is in no git repository: `git init` there lets you see and undo what agents do")
    return found


def _on_path(name: str) -> bool:
    # What shutil.which does beyond this is for Windows, and importing it takes longer than the whole check.
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in folders)


def _upwards(folder: str) -> list[str]:
    found = [folder]
    while os.path.dirname(found[-1]) != found[-1]:
        found.append(os.path.dirname(found[-1]))
    return found
