"""The verbs that file what agents and people found: issues, and what a loop has taught."""

import json
import time

from . import files, issues, queue, state
from .fields import TABLE, cut, few
from .paths import Project
from .statuses import PENDING


def add_issues(project: Project, addition: str, source: str) -> list[str]:
    """Adds issues to the queue and to the log; one line for what was added, and one for each that repeats another.

    Raises ClaudestratorError as issues.add does.

    """
    added: list[str] = []
    repeated: list[str] = []

    def change(text: str) -> str:
        joined, added[:], repeated[:] = issues.add(
            text,
            addition,
            source=cut(source, 20) or ("research" if current.phase == "research" else "user"),
            loop=loop,
            day=time.strftime("%Y%m%d"),
            taken=files.read(project.queue, project.bounds) or "",
        )
        return joined

    with files.locked(project.lock):
        current = state.read(project)
        loop = current.loop if current.unfinished else 0
        files.edit(project.issues, change, project.bounds)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for id_ in added:
            entry = {"time": at, "run": current.run, "loop": loop, "event": "issue", "id": id_}
            files.append_line(project.log, json.dumps(entry), within=project.bounds)
    return [
        f"added {len(added)}: {', '.join(few(added))}" if added else "added none",
        *few([f"left out: {line}" for line in repeated]),
    ]


def table(project: Project) -> list[str]:
    """One line an issue: status, id, priority, summary."""
    lines = [
        f"{cut(issues.status(each), 11):<11}  {each.id}  {issues.priority(each):<8}  {cut(issues.summary(each), 80)}"
        for each in _filed(project).tasks
    ]
    return few(lines, TABLE)


def as_json(project: Project) -> list[str]:
    from .next_task import as_json_line

    found = [
        {
            "id": issue.id,
            "status": issues.status(issue),
            "priority": issues.priority(issue),
            "summary": issues.summary(issue),
            "criteria": issue.criteria,
            "files": issue.files,
            "tasks": issue.text(issues.TASK_REF).split(", ") if issues.status(issue) != PENDING else [],
            "line": issue.line,
        }
        for issue in _filed(project).tasks
    ]
    return [as_json_line(found)]


def remember(project: Project, report: str) -> list[str]:
    """Keeps a memory agent's report; what to tell it. Raises ClaudestratorError as memory.remember does."""
    from . import memory

    reported = memory.parse(report)
    with files.locked(project.lock):
        current = state.read(project)
        return memory.remember(project, reported, loop=current.loop, run=current.run)


def _filed(project: Project) -> queue.Queue:
    return queue.parse(files.read(project.issues, project.bounds) or "")
