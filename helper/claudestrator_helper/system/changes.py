"""What has changed in a project's files since a moment, committed or not."""

import os
from typing import NamedTuple

from ..store.paths import Project
from . import git, git_process, git_safety

#: Seconds for each of three calls.
_TIMEOUT = 10


class Changes(NamedTuple):
    """How many *files* of the repository have changed, by how many lines *added* and *removed*, and how many are *new*
    and not in it."""

    files: int
    added: int
    removed: int
    new: int


def since(project: Project, moment: float) -> Changes | None:
    """What differs from the last commit before *moment*, in seconds since the epoch, and was changed after it, without
    the files of the run itself; None outside a repository, and if git fails."""
    top, within = git_safety.top(project.root)
    base = _base(top, int(moment)) if top else ""
    if not base:
        return None
    # Paths of `diff` are the repository's, and of `ls-files` the folder's.
    rows = _rows(top, base, within)
    fresh = _called(top, "ls-files", "--others", "--exclude-standard", "-z", "--", within)
    if rows is None or fresh is None:
        return None
    rows = [row for row in rows if _is_later(project, top, row[2], moment)]
    new = sum(_is_later(project, top, path, moment) for path in fresh.split("\0") if path)
    return Changes(len(rows), *_lines(rows), new)


def on_branch(project: Project, branch: str) -> Changes | None:
    """What merging the *branch* brings to the commit that is checked out; None outside a repository, and if git
    fails."""
    top, within = git_safety.top(project.root)
    rows = _rows(top, f"HEAD...refs/heads/{branch}", within) if top else None
    return None if rows is None else Changes(len(rows), *_lines(rows), 0)


def _rows(top: str, base: str, within: str) -> list[list[str]] | None:
    """The changed files, each as its added and removed lines and its path in the repository; None if git fails."""
    words = ("diff", "--no-ext-diff", "--no-textconv", "--no-renames", "--numstat", "-z", base, "--", within)
    diff = _called(top, *words)
    return None if diff is None else [line.split("\t", 2) for line in diff.split("\0") if line.count("\t") > 1]


def _lines(rows: list[list[str]]) -> tuple[int, int]:
    """The lines that were added and removed in all; git counts none in a binary file."""
    added, removed = (sum(int(row[at]) for row in rows if row[at].isdigit()) for at in (0, 1))
    return added, removed


def _base(top: str, moment: int) -> str:
    """The last commit before *moment*, or an empty tree; "" if git fails."""
    found = _called(top, "rev-list", "-1", f"--min-age={moment}", "HEAD")
    return (found or "").strip() or (_called(top, "hash-object", "-t", "tree", "--stdin") or "").strip()


def _is_later(project: Project, top: str, path: str, moment: float) -> bool:
    full = os.path.join(top, path)
    own = f"{full}/".startswith(f"{os.path.realpath(project.state)}/")
    # A step's time is in whole seconds.
    return not own and git.changed_at(full) >= moment + 1


def _called(top: str, *words: str) -> str | None:
    done = git_process.call(top, *words, timeout=_TIMEOUT)
    return None if done.code else done.text
