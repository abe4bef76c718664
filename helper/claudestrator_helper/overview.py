"""What `tasks`, `status` and `check` say to people."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable

from . import check, fields, files, issues, markers, owner, prd, queue, state, summary
from .config import LEAN
from .errors import ClaudestratorError
from .fields import LINES, cut, few, named, one_line
from .paths import Project

#: Lines of what `check` finds.
FOUND = 200


def tasks(project: Project) -> queue.Queue:
    return _parsed(project, files.read(project.queue, project.bounds) or "")


def _parsed(project: Project, text: str) -> queue.Queue:
    return queue.parse(text, archive=lambda: state.archive(project))


def table(parsed: queue.Queue) -> list[str]:
    """One line a task: status, id, model, objective."""
    width = max((len(task.id) for task in parsed.tasks), default=0)
    return few(
        [
            f"{cut(task.status, 11):<11}  {task.id:<{width}}  {task.model:<6}  {cut(task.objective, 80)}"
            for task in parsed.tasks
        ],
        fields.TABLE,
    )


def status(project: Project, now: float | None = None) -> list[str]:
    """Where the run stands: bar and counts, phase, agents at work with their time, failures with reasons."""
    current, parsed = state.read(project), tasks(project)
    at = int(time.time() if now is None else now)
    lines = [summary.bar(task.status for task in parsed.tasks), f"run: {_run(current, at)}"]
    running = []
    for id_, agent in current.agents.items():
        text = f"{id_}  {agent.model}, attempt {agent.attempt}, {_elapsed(at - agent.claimed)}"
        running.append(f"running: {text}{'' if _started(project, id_, agent) else ', not started yet'}")
    lines += [*few(running), *_verification(current), *_loops(project, current), *_issues(project)]
    lines += few([f"failed: {id_}  {cut(reason)}" for id_, reason in current.failed.items()])
    lines += [] if current.unfinished or not current.run else _context(project)
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
    if current.unfinished and (current.engine == LEAN or current.parallel > 1):
        where.append("lean engine" if current.engine == LEAN else f"up to {current.parallel} tasks at a time")
    heard = max(0, at - current.heartbeat)
    if current.unfinished and heard > 60 and not owner.alive(current.process):
        where.append(f"its session was last heard of {_elapsed(heard)} ago: `/orchestrate` goes on with it")
    # The state may have come with somebody's repository.
    return one_line(", ".join(where))


def _verification(current: state.State) -> list[str]:
    if not current.verify:
        return []
    passed = sum(map(current.is_verified, current.completed))
    checking = current.verifying
    under = f", under check: {named(checking, len(checking))}" if checking else ""
    back = [f"returned: {id_}  {cut(why)}" for id_, why in current.returned.items() if id_ not in current.failed]
    left = [f"not verified: {id_}  {cut(why)}" for id_, why in current.unverified.items()]
    return [
        f"verification: {passed} of {len(current.completed)} tasks of this run verified{under}",
        *few(back),
        *few(left),
    ]


def _loops(project: Project, current: state.State) -> list[str]:
    """One line for each loop of this run that has been closed."""
    try:
        numbers = (name[5:-5] for name in os.listdir(project.snapshots) if len(name) < 20 and name.isascii())
    except OSError:
        return []
    closed = sorted(number for number in map(int, filter(str.isdigit, numbers)) if number <= current.loop)
    # Of a long run, the last loops say where it stands.
    more = [f"loops before: {len(closed) - LINES:,}, in {project.snapshots}"] if len(closed) > LINES else []
    return more + list(filter(None, (_loop(project, number, current.run) for number in closed[-LINES:])))


def _loop(project: Project, number: int, run: str) -> str:
    """What the snapshot of a run's loop says; nothing where there is none that the helper wrote."""
    try:
        path = os.path.join(project.snapshots, f"loop-{number}.json")
        snapshot = json.loads(files.read(path, project.bounds) or "{}")
        count = Counter(str(task["status"]) for task in snapshot["tasks"])
        did = ", ".join(f"{number} {word}" for word, number in count.items()) or "no tasks"
        commit = str(snapshot["commit"] or "no commit")[:9]
        found, closed = (len(snapshot["issues"][kind]) for kind in ("found", "closed"))
        line = f"loop {number}: {commit}, tasks: {did}; issues: {found} found, {closed} closed"
        return cut(line, 200) if snapshot["run"] == run else ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""


def _context(project: Project) -> list[str]:
    """What the run cost the orchestrator's context; nothing where its transcripts are gone."""
    from . import context, context_text

    try:
        return [context_text.in_short(context.of_project(project, with_agents=False))]
    except ClaudestratorError:
        return []


def _issues(project: Project) -> list[str]:
    filed = queue.parse(files.read(project.issues, project.bounds) or "")
    count = Counter(issues.status(issue) for issue in filed.tasks)
    words = (f"{number} {cut(word, 20)}" for word, number in count.most_common())
    return [f"issues: {named(words, len(count))}"] if count else []


def _started(project: Project, id_: str, agent: state.Agent) -> bool:
    return markers.read(project, {id_: agent.attempt}).started.get(id_, -1) in (None, agent.attempt)


def _elapsed(seconds: int) -> str:
    minutes, seconds = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def problems(project: Project) -> list[str]:
    """Everything wrong in queues, configuration and state, one line each, with its file and line."""
    found = [*_of_queue(project), *_of_issues(project), *_refusal(state.read, project)]
    if os.path.lexists(project.config):
        from . import config_file

        found += config_file.problems(project)
    if os.path.lexists(project.knowledge):
        from . import memory

        found += _refusal(memory.read, project)
    return few(found, FOUND)


def _of_queue(project: Project) -> list[str]:
    try:
        text = files.read(project.queue, project.bounds)
    except ClaudestratorError as error:
        return [str(error)]
    if text is None:
        missing = prd.why_not(project)
        return [missing] if missing else []
    parsed = _parsed(project, text)
    wrongs = sorted([*check.problems(parsed), *check.miscounted(parsed), *check.unread(parsed)])
    found = [f"{project.queue}:{line}: {wrong}" for line, wrong in wrongs]
    cut = next((at for at, char in enumerate(text) if "\udc80" <= char <= "\udcff"), None)
    if cut is not None:
        found.append(
            f"{project.queue}:{text.count(chr(10), 0, cut) + 1}: bytes that are not UTF-8; they are kept as they are"
        )
    return found


def _of_issues(project: Project) -> list[str]:
    parsed = queue.parse(files.read(project.issues, project.bounds) or "")
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
