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
    if commit_witness.head(person) == commit_witness.head(ours):
        return []
    theirs = git.dirty(project, person)
    found = [path for path in git.dirty(project, ours) or [] if path not in (theirs or ())]
    if theirs is None or not found:
        return []
    known = set(person.call("ls-files", "-z", "--full-name").text.split("\0"))
    restored = [path for path in found if path in known]
    held = ours.call("ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD").text.split("\0")
    added = [path for path in held if path and path not in known]
    gone = [path for path in found if path not in known and not _exists(ours, path)]
    # `stash` and `clean` leave none of the new files.
    all_gone = gone and not any(_exists(ours, path) for path in added)
    early = all_gone and all(git.changed_at(os.path.join(ours.root, path)) < since for path in gone)
    return restored + [path for path in gone if path in before or (all_gone and (restored or early))]


def _exists(place: Repository, path: str) -> bool:
    return os.path.lexists(os.path.join(place.root, path))
