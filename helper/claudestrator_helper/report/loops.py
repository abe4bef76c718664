"""The improvement loops of a run, by their snapshots and commits."""

import json
import os
import re
from typing import Any

from ..errors import ClaudestratorError
from ..store import files, project_files
from ..store.paths import Project
from .model import Change, Loop

#: Loops that are shown, the last ones; files that are named of a commit; characters of a name.
_MOST, _FILES, _NAME = 100, 200, 300
#: Seconds for a look at a commit.
_TIMEOUT = 5


def closed(project: Project, run: str) -> list[Loop]:
    """The run's loops that have a snapshot, in order."""
    names = filter(re.compile(r"loop-\d{1,9}(\.\w+)?\.json").fullmatch, files.names(project.snapshots))
    found = [loop for name in names if (loop := _read(project, name, run))]
    return sorted(found, key=lambda loop: loop.loop)[-_MOST:]


def _read(project: Project, name: str, run: str) -> Loop | None:
    """The loop of a snapshot; None for one of another run, or that the helper has not written."""
    try:
        text = project_files.text(project, os.path.join(project.snapshots, name))
        snapshot: dict[str, Any] = json.loads(text) if run in text else {}
        if snapshot.get("run") != run or type(snapshot["loop"]) is not int:
            return None
        commit = str(snapshot["commit"] or "")[:64]
        return Loop(
            loop=snapshot["loop"],
            began=snapshot["begun"] if type(snapshot["begun"]) is int else 0,
            commit=commit,
            why_no_commit=str(snapshot["no_commit_because"] or "")[:_NAME],
            tasks=[str(task["id"])[:_NAME] for task in snapshot["tasks"]],
            found=[str(each)[:_NAME] for each in snapshot["issues"]["found"]],
            closed=[str(each)[:_NAME] for each in snapshot["issues"]["closed"]],
            left_out=[str(path)[:_NAME] for path in snapshot["left_out"]],
            changes=_changes(project, commit),
        )
    except (ClaudestratorError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _changes(project: Project, commit: str) -> list[Change] | None:
    """The lines that a commit added and removed, by file; None if git doesn't know it."""
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        return None
    from ..system import git_process, git_safety

    top = git_safety.top(project.root)[0]
    shown = (
        "diff-tree",
        "--no-ext-diff",
        "--no-textconv",
        "-r",
        "--root",
        "--numstat",
        "--no-renames",
        "--no-commit-id",
        "-z",
        commit,
    )
    done = git_process.call(top, *shown, timeout=_TIMEOUT)
    if done.code:
        return None
    found = [re.fullmatch(r"(\d+|-)\t(\d+|-)\t(.*)", line, re.DOTALL) for line in done.text.split("\0")]
    return [Change(m[3][:_NAME], _count(m[1]), _count(m[2])) for m in found if m][:_FILES]


def _count(word: str) -> int:
    return int(word) if word.isdigit() else 0
