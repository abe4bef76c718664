"""The end of a loop: its commit and its snapshot.

A kill may repeat both: a commit that exists already is recognised by its last line, and a snapshot is written whole
from the log.
"""

import json
import os
import time
from collections.abc import Container, Iterable

from ..engine import loop_phases, markers, state
from ..engine.config import BY_TASK, SUBJECT, Config
from ..store import event_lines, files, issue_file, marker_files, project_files, queue_file, run_log, state_file
from ..store.hidden_files import CLOSING_LOCK, DIRTY_BEFORE
from ..store.paths import Project
from ..system import git, git_safety
from ..system.commit_witness import Repository
from ..texts import issues, queue
from ..texts.fields import cut, named
from ..texts.statuses import COMPLETED, FAILED
from . import task_commits


def begin(project: Project) -> None:
    """Records which files are dirty now: no commit of the run may include them."""
    DIRTY_BEFORE.write(project, json.dumps(git.dirty(project)))


def renew(project: Project, current: state.State) -> list[str]:
    """Records what has changed since the run was last at work, for a session that continues it: a person may have
    worked there in the meantime. An agent's last changes may be among it, and are not committed either.

    Returns one line that names what changed, or none.

    """
    before = _noted(project)
    if before is None:
        return []
    within = git_safety.top(project.root)[1]
    own = [os.path.normpath(os.path.join(within, os.path.relpath(path, project.root))) for path in project.kept]
    changed = git.changed_since(project, _last_at_work(project, current))
    theirs = [path for path in changed if path not in before and not f"{path}/".startswith(tuple(f"{o}/" for o in own))]
    if not theirs:
        return []
    DIRTY_BEFORE.write(project, json.dumps([*before, *theirs]))
    names = named([cut(path, 60) for path in theirs], len(theirs))
    return [f"changed while no session had the run, so kept out of its commits until you commit it yourself: {names}"]


def _last_at_work(project: Project, current: state.State) -> float:
    """When the run was last heard of: its heartbeat, its last step or an unsettled report."""
    steps = [entry for entry in run_log.read(project) if entry.get("run") == current.run and entry["event"] != "issue"]
    times = [current.owner.heartbeat, *(event_lines.seconds(entry.get("time")) for entry in steps[-1:])]
    reports = [
        marker_files.path(project, id_, kind) for id_ in current.agents for kind in (markers.DONE, markers.FAILED)
    ]
    # Steps are timed in whole seconds.
    return max([max(times) + 1, *(os.stat(path).st_mtime for path in reports if os.path.exists(path))])


def close(project: Project, config: Config, patience: float) -> list[str]:
    """Commits the loop, writes its snapshot and moves the run to the next phase. Returns lines for the person.

    Raises HeldError if another process has been closing the loop for *patience* seconds.

    """
    # Not the project's lock: agents wait for that, so it is only ever held for milliseconds.
    with files.locked(CLOSING_LOCK.path(project), patience, project.bounds):
        current = state_file.read(project)
        if current.phase != loop_phases.COMMIT:
            return []
        parsed = queue.parse(queue_file.text(project))
        off = git.Result(why="commits are off")
        result = _commit(project, current, parsed, config) if config.commit != "none" else off
        _snapshot(project, current, parsed, result)
        with files.locked(project.lock, within=project.bounds):
            now = state_file.read(project)
            if (now.run, now.loop.number, now.phase) == (current.run, current.loop.number, loop_phases.COMMIT):
                made = {"event": task_commits.COMMITTED, "commit": result.commit, "reason": f"loop {now.loop.number}"}
                run_log.append(project, now, [{**made}] if result.commit else [], time.time())
                state_file.write(project, loop_phases.committed(now, result.commit))
    return _lines(current, result, len(current.loop.ran))


def _commit(project: Project, current: state.State, parsed: queue.Queue, config: Config) -> git.Result:
    if current.worktrees:
        return git.Result(why="each task has a commit of its own")
    place = task_commits.repository(project, current.run) if config.commit == BY_TASK else None
    if isinstance(place, str):
        return git.Result(why=place)
    if made := _made(project, current, place):
        return git.Result(commit=made)
    without = task_commits.left_out(project, place) if place else _before(project)
    if without is None:
        # In a repository younger than the run, anything may be someone's unfinished work.
        known = "what was dirty before the run is not known"
        return git.Result(why=known if git.dirty(project) is not None else "there is no git repository")
    if not current.loop.ran and _only_accounts(project, git.dirty(project, place) or [], without):
        return git.Result(why=git.NOTHING)
    result = git.commit(project, without, _message(current, parsed, config.commit_subject), place)
    if not result.commit and (made := _made(project, current, place)):
        # The git of a killed helper has finished in the meantime.
        result = result._replace(commit=made, why="")
    if not result.missing:
        # What anyone has committed since is no longer unfinished work from before the run.
        still = git.dirty(project, place) or []
        before = [path for path, why in without.items() if why == git.BEFORE]
        DIRTY_BEFORE.write(project, json.dumps([path for path in before if path in still]))
    return result


def _only_accounts(project: Project, dirty: list[str], without: Container[str]) -> bool:
    """Whether nothing but the accounts of loops has changed, of which no one misses a commit of their own."""
    changed = [path for path in dirty if path not in without]
    within = os.path.relpath(project.snapshots, project.root)
    folder = os.path.normpath(os.path.join(git_safety.top(project.root)[1], within))
    return bool(changed) and all(path.startswith(f"{folder}/") for path in changed)


def _made(project: Project, current: state.State, place: Repository | None) -> str:
    """The last commit's id if the commit is this loop's, otherwise ""; a hook may have added lines to its message."""
    commit_id, message = git.last_message(project, place)
    return commit_id if _mark(current) in message.split("\n") else ""


def _message(current: state.State, parsed: queue.Queue, form: str) -> str:
    lines = []
    for id_ in current.loop.ran:
        task = parsed.by_id[id_][0] if id_ in parsed.by_id else None
        objective = cut(task.objective, 72) if task else "no longer in the queue"
        lines.append(f"{id_} {task.status if task else 'removed'}: {objective}")
        if task and task.status == FAILED:
            lines.append(
                f"  {cut(current.record(id_).failed or 'no reason given')}; what it left behind is part of this commit"
            )
    body = "\n".join(lines) or "No task was run."
    subject = f"Loop {current.loop.number}"
    if form != SUBJECT:
        subject = task_commits.filled(form, subject, f"Complete {', '.join(current.loop.ran) or 'nothing'}")
    return f"{subject}\n\n{body}\n\n{_mark(current)}"


def _mark(current: state.State) -> str:
    return f"Claudestrator-Run: {current.run}/{current.loop.number}"


def _lines(current: state.State, result: git.Result, tasks: int) -> list[str]:
    counted = f"{tasks} {'task' if tasks == 1 else 'tasks'}"
    made = f"commit {result.commit[:7]} Loop {current.loop.number} ({counted})"
    lines = [made if result.commit else f"no commit of loop {current.loop.number}: {cut(result.why)}"]
    left = [f"{cut(path, 60)} ({why})" for path, why in result.left.items() if why != git.BEFORE]
    lines += [f"left out of the commit: {named(left, len(left))}"] if left else []
    return lines + ([result.missing] if result.missing else [])


def _snapshot(project: Project, current: state.State, parsed: queue.Queue, result: git.Result) -> None:
    events = [
        entry
        for entry in run_log.read(project)
        if entry.get("run") == current.run and entry.get("loop") == current.loop.number
    ]
    found = issue_file.parsed(project)
    document = {
        "run": current.run,
        "loop": current.loop.number,
        "focus": current.loop.focus,
        "begun": current.loop.begun,
        "commit": result.commit or None,
        "no_commit_because": result.why or None,
        "left_out": result.left,
        "tasks": [_task(id_, parsed, events) for id_ in current.loop.ran],
        "issues": {
            "found": [entry["id"] for entry in events if entry["event"] == "issue"],
            "closed": _closed(found, parsed, current.loop.ran),
        },
    }
    path = os.path.join(project.snapshots, f"loop-{current.loop.number}.json")
    _keep_other_runs(project, path, current.run)
    project_files.write(project, path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def _task(id_: str, parsed: queue.Queue, events: Iterable[dict[str, object]]) -> dict[str, object]:
    mine = [entry for entry in events if entry.get("id") == id_]
    ended = [entry for entry in mine if entry["event"] in ("done", "failed", "dropped")]
    return {
        "id": id_,
        "status": parsed.by_id[id_][0].status if id_ in parsed.by_id else None,
        "attempts": sum(entry["event"] == "spawned" for entry in mine),
        "models": [entry["model"] for entry in mine if entry["event"] == "spawned"],
        "seconds": sum(int(str(entry.get("seconds", 0))) for entry in ended),
    }


def _closed(filed: queue.Queue, parsed: queue.Queue, ran: list[str]) -> list[str]:
    named = {issues.issue_of(parsed.by_id[id_][0]) for id_ in ran if id_ in parsed.by_id}
    return [issue.id for issue in filed.tasks if issue.id in named and issues.status(issue) == COMPLETED]


def _keep_other_runs(project: Project, path: str, run: str) -> None:
    """Each run counts its loops from 1: a snapshot of the same loop of another run is renamed, not overwritten."""
    text = project_files.text(project, path)
    try:
        other = json.loads(text)["run"] if text else run
    except (ValueError, KeyError, TypeError):
        other = "unknown"
    if other != run:
        os.replace(path, f"{path.removesuffix('.json')}.{''.join(filter(str.isalnum, str(other)))[:40]}.json")


def _before(project: Project) -> dict[str, str] | None:
    before = _noted(project)
    return None if before is None else dict.fromkeys(before, git.BEFORE)


def _noted(project: Project) -> list[str] | None:
    try:
        noted = json.loads(DIRTY_BEFORE.read(project))
    except ValueError:
        return None
    return [str(path) for path in noted] if isinstance(noted, list) else None
