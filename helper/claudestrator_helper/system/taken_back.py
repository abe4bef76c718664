"""What a person has taken back of a run's commits in the working tree, by `git reset`, `checkout`, `stash` or `clean`.

For git it is a change since the last commit of the run's branch, and no task has made it.
"""

import os

from ..store.paths import Project
from . import commit_witness, git
from .commit_witness import Repository

WHY = "it was taken back to what your last commit has, and no task is known to have done that"


def paths(project: Project, ours: Repository, since: float, before: list[str]) -> list[str]:
    """The changed paths that are as the person's last commit has them, other than those that an agent which began at
    *since*, in seconds, may have removed: it has a reason to remove a new file, and little to restore an old one.
    *before* are those that were taken back when an earlier task was committed."""
    person = Repository(ours.root, os.path.dirname(ours.folder), ours.within)
    changed = git.dirty(project, ours) if commit_witness.head(person) != commit_witness.head(ours) else None
    if not changed:
        return []
    theirs, held = _names(person), _names(ours)
    # Against the commit, because the index may have been told what the run has committed.
    words = ["diff", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "HEAD", "--"]
    differs = set(person.call(*words).text.split("\0"))
    restored = [path for path in changed if path in theirs and path not in differs]
    added = held - theirs
    gone = [path for path in changed if path in added and not _exists(ours, path)]
    # `stash` and `clean` leave none of the new files.
    all_gone = gone and not any(_exists(ours, path) for path in added)
    early = all_gone and all(git.changed_at(os.path.join(ours.root, path)) < since for path in gone)
    return restored + [path for path in gone if path in before or (all_gone and (restored or early))]


def _names(place: Repository) -> set[str]:
    """The paths of the last commit."""
    return set(filter(None, place.call("ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD").text.split("\0")))


def _exists(place: Repository, path: str) -> bool:
    return os.path.lexists(os.path.join(place.root, path))
