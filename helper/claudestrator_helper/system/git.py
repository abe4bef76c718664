"""The parts of git that a loop's commit needs.

A commit holds only what changed since the run began. The index, the person's unfinished work and their secrets stay as
they are. It is made from an index of its own, so the person's index is intact even if a hook or a kill stops it. Paths
are relative to the repository's root; bytes in them that are not UTF-8 are surrogates.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..errors import ClaudestratorError
from ..store import files
from ..store.paths import Project
from ..texts import fields
from . import commit_witness, git_safety, refusals, secret_names, secret_scanners, set_aside
from .commit_witness import Repository
from .git_process import NO_GIT, Interrupted, call

#: Seconds for a commit; its hooks may run a test suite.
COMMIT_TIMEOUT = 900
#: Why there is no commit of what has changed nothing.
NOTHING = "nothing has changed"
_NO_REPOSITORY = "there is no git repository"

#: Files in the git folder while a commit would become part of an operation that a person has begun.
_UNDER_WAY = {
    "MERGE_HEAD": "a merge", "rebase-merge": "a rebase", "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert", "BISECT_LOG": "a bisection",
}  # fmt: skip
_CONFLICTS = ("DD", "AU", "UD", "UA", "DU", "AA", "UU")
#: Why most paths are left out; the person who changed them knows.
BEFORE = "it was changed before the run"
_NONE: Mapping[str, str] = {}


class Result(NamedTuple):
    """The result of a commit: its id, or "" and why there is none. *left* gives the reason for each path left out, and
    *missing* says which of a person's changes a hook has taken away. *said* are the last lines of what refused it, and
    *final* says that no change to the files would help."""

    commit: str = ""
    why: str = ""
    left: Mapping[str, str] = _NONE
    missing: str = ""
    said: tuple[str, ...] = ()
    final: bool = False


def dirty(project: Project, place: Repository | None = None) -> list[str] | None:
    """The paths below the project that are untracked or differ from the last commit, of *place* if it is named;
    None outside a repository."""
    repository = place or repository_of(project)
    if isinstance(repository, str):
        return None
    changes = changes_in(repository)
    return None if isinstance(changes, str) else list(changes)


def changed_since(project: Project, moment: float) -> list[str]:
    """The dirty paths that were changed after *moment*, in seconds, by the ctime of their inode, or of the folder for a
    deleted file. Neither a copy nor `touch` can set the ctime."""
    repository = repository_of(project)
    changes = "" if isinstance(repository, str) else changes_in(repository)
    if isinstance(repository, str) or isinstance(changes, str):
        return []
    return [path for path in changes if changed_at(os.path.join(repository.root, path)) > moment]


def changed_at(path: str) -> float:
    """The ctime of a path's inode, in seconds, or that of the folder where a deleted one was."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return os.lstat(path).st_ctime


def commit(
    project: Project,
    without: Mapping[str, str],
    message: str,
    place: Repository | None = None,
    known: dict[str, str] | None = None,
) -> Result:
    """Commits the paths that are dirty now and not in *without*, which says why each is left out, with the repository's
    hooks and a separate index; in *place* if it is named. *known* are the changes there, if the caller has asked for
    them. Raises ClaudestratorError if this process is asked to end meanwhile."""
    repository = place or repository_of(project)
    if isinstance(repository, str):
        return Result(why=repository)
    changes = changes_in(repository) if known is None else known
    if isinstance(changes, str):
        return Result(why=changes)
    left, since = left_out(repository.root, changes, without), time.time()
    if begun := under_way(repository):
        return Result(why=f"{begun} is under way", left=left)
    killed, began = commit_witness.cut_off(repository)
    interrupted, kept, result = False, list(left), Result()
    try:
        left |= secret_scanners.findings(repository.root, [path for path in changes if path not in left])
        kept = [*left, *_around(repository)]
        chosen = {path: changes[path] for path in changes if path not in left}
        result = _committed(repository, chosen, kept, message, _hooks(project, repository))
    except (OSError, ClaudestratorError) as error:
        return Result(why=fields.one_line(str(error)), left=left)
    except Interrupted:
        interrupted = True
    # A hook sees the whole repository, not only the project.
    whole = repository._replace(within=".")
    missing = _missing(whole, left, since) or _missing(whole, kept, since, sure=False)
    missing = missing or _missing(whole, killed, began, sure=False)
    if interrupted:
        raise ClaudestratorError(f"{missing or 'the commit was interrupted'}; `/orchestrate` continues the loop")
    return result._replace(left=left, missing=missing)


def under_way(repository: Repository) -> str:
    """The operation that a person has begun in this working tree; "" if there is none."""
    # A git folder of our own lies in the person's.
    folders = [repository.folder, *([os.path.dirname(repository.folder)] if repository.own else [])]
    found = (what for name, what in _UNDER_WAY.items() for at in folders if os.path.exists(os.path.join(at, name)))
    return next(found, "")


def _missing(repository: Repository, left: Collection[str], since: float, *, sure: bool = True) -> str:
    now = changes_in(repository) if left else {}
    gone = [] if isinstance(now, str) else [path for path in left if path not in now]
    return set_aside.missing(repository, gone, since, sure=sure)


def last_message(project: Project, place: Repository | None = None) -> tuple[str, str]:
    """The id and the message of the last commit, of *place* if it is named; both "" if there is none."""
    repository = place or repository_of(project)
    if isinstance(repository, str):
        return "", ""
    words = ["-c", "log.showSignature=false", "log", "-1", "--encoding=UTF-8", "--format=%H%n%B"]
    done = repository.call(*words)
    commit_id, _, message = done.text.partition("\n")
    return ("", "") if done.code else (commit_id, message.rstrip("\n"))


def repository_of(project: Project) -> Repository | str:
    """The repository around the project, or why there is none."""
    root, within = git_safety.top(project.root)
    if not root:
        return _NO_REPOSITORY if shutil.which("git") else NO_GIT
    words = ("--show-toplevel", "--absolute-git-dir")
    asked = [call(root, "rev-parse", *words)]
    if asked[0].text.count("\n") > len(words):
        # A path has a line feed.
        asked = [call(root, "rev-parse", word) for word in words]
    if failed := next((each for each in asked if each.code), None):
        return _NO_REPOSITORY if "not a git repository" in failed.why else failed.why
    tree, folder = [each.text.removesuffix("\n") for each in asked] if asked[1:] else asked[0].text.split("\n")[:2]
    try:
        if not os.path.samefile(tree, root):
            return f"the repository in {root} belongs to another folder"
    except OSError as error:
        return f"{root} can't be looked at: {error.strerror}"
    found = Repository(root, folder, within)
    commit_witness.settle(found)
    return found


def changes_in(repository: Repository) -> dict[str, str] | str:
    """The two letters of git's short status by path, or why git can't tell."""
    # Renames are a deletion and an addition, so that each entry is one path. No lock, so that nothing has to wait.
    words = ["--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"]
    done = repository.call(*words, "--", f":(literal){repository.within}")
    if done.code:
        return done.why
    # A path that is both removed from the index and untracked comes twice; the last entry is its state on the disk.
    return {entry[3:]: entry[:2] for entry in done.text.split("\0") if entry}


def left_out(root: str, changes: dict[str, str], without: Mapping[str, str]) -> dict[str, str]:
    left = {}
    for path, code in changes.items():
        full = os.path.join(root, path)
        if path in without:
            left[path] = without[path]
        elif code in _CONFLICTS:
            left[path] = "it is in conflict"
        elif "D" in code:
            continue
        elif secret_names.is_secret(path):
            left[path] = "it looks like a secret"
        elif os.path.isdir(full) and not os.path.islink(full):
            left[path] = "it is a repository of its own"
    return left


def _hooks(project: Project, repository: Repository) -> list[str]:
    """The words by which git finds hooks that a worktree lacks because git ignores them, as those of husky."""
    top = git_safety.top(project.root)[0]
    if os.path.realpath(repository.root) == top:
        return []
    # The last value is that of the call itself, which runs no hook.
    named = ["", *repository.call("config", "--type=path", "--get-all", "core.hooksPath").text.splitlines()[:-1]][-1]
    if not named or os.path.isabs(named):
        return []
    there, here = os.path.join(top, named), os.path.join(repository.root, named)
    return ["-c", f"core.hooksPath={there}"] if {*files.names(there)} - {*files.names(here)} else []


def _committed(
    repository: Repository, chosen: dict[str, str], kept: list[str], message: str, hooks: list[str]
) -> Result:
    """A new commit of the *chosen* changes and of none that are *kept* out, or why there is none. *hooks* are words for
    git. Raises OSError or ClaudestratorError if a file can't be written, Interrupted if this process is asked to end.
    """
    if not chosen:
        return Result(why=NOTHING)
    old = commit_witness.head(repository)
    with tempfile.TemporaryDirectory(prefix="claudestrator-") as folder:
        index = os.path.join(folder, "index")
        why = staged(repository, index, old, chosen)
        if why or not repository.call("diff", "--cached", "--quiet", "--no-ext-diff", index=index).code:
            return Result(why=why or NOTHING)
        commit_witness.leave(repository, message, old, chosen, kept)
        words, trace = [*hooks, "commit", "--quiet", "--cleanup=whitespace", "--file=-"], os.path.join(folder, "trace")
        done = repository.call(*words, text=message, index=index, timeout=COMMIT_TIMEOUT, hooks=True, trace=trace)
        final = refusals.final(done, trace)
        # If git was stopped in a hook that runs after the commit, the commit exists nevertheless.
        id_, why = commit_witness.settle(repository, over=True, made=not done.code, index=index)
    if id_ or why:
        return Result(id_, why)
    return Result(why=final or done.why or NOTHING, said=done.said, final=bool(final))


def _around(repository: Repository) -> list[str]:
    """The changed paths outside the project, which no commit of a run holds unless a hook adds them."""
    within = f"{repository.within}/"
    changes = changes_in(repository._replace(within=".")) if within != "./" else {}
    if isinstance(changes, str):
        raise ClaudestratorError(changes)
    return [path for path in changes if not path.startswith(within)]


def staged(repository: Repository, index: str, old: str, changes: dict[str, str]) -> str:
    """Fills *index* with the last commit and the changes; returns what went wrong, or ""."""
    if why := commit_witness.copied_index(repository.folder, index):
        return why
    gone = [path for path, code in changes.items() if "D" in code]
    there = [path for path, code in changes.items() if "D" not in code]
    calls = [
        (["read-tree", *(["--reset", old] if old else ["--empty"])], [""]),
        (["update-index", "-z", "--force-remove", "--stdin"], gone),
        (["update-index", "-z", "--add", "--remove", "--replace", "--stdin"], there),
    ]
    for words, paths in calls:
        if not paths:
            continue
        done = repository.call(*words, text="\0".join(paths), index=index, timeout=COMMIT_TIMEOUT)
        if done.code:
            return done.why
    return ""
