"""The branch of a run, `claudestrator/<run>`: commits of the working tree that move neither the person's branch nor
their index.

Git gets a second git folder for the same working tree, `claudestrator` in the real one. It has a HEAD and an index of
its own and shares everything else by `commondir`, as the git folders of linked worktrees do
(https://git-scm.com/docs/gitrepository-layout). It is not registered as a worktree, so a person may check the branch
out or delete it.
"""

import os
from contextlib import suppress
from typing import NamedTuple

from ..errors import ClaudestratorError
from ..store import files
from ..store.paths import Project
from ..texts import fields
from . import commit_witness, git, processes
from .commit_witness import Repository
from .git_process import call

_FOLDER = "claudestrator"
#: A file in our git folder, if the working tree does not follow the branch.
_APART = "apart"
MOVED = "another branch is checked out than when the run began"


class Start(NamedTuple):
    """Where the branch of a run begins: the commit, "" before the first one, and the branch that is checked out, "" for
    none."""

    commit: str
    branch: str


def name(run: str) -> str:
    return f"claudestrator/{run}"


def begun(project: Project) -> tuple[Start, list[str]] | None:
    """Where a run's branch begins now, and what is dirty there; None outside a repository. It is the end of the last
    run's branch, if that was not merged and the working tree still has what it holds, or has never had it.

    Raises ClaudestratorError if that branch conflicts with what is checked out.

    """
    person = git.repository_of(project)
    if isinstance(person, str):
        return None
    dirty, commit = git.dirty(project, person) or [], commit_witness.head(person)
    ours, branch = of(person), branch_of(person)
    tip = commit_witness.head(ours) if current(person) else ""
    if tip and is_apart(person):
        return Start(_above(person, commit, tip), branch), dirty
    held = _changed(person, commit, tip) if tip and is_within(person, commit, tip) else set()
    if held and held <= set(dirty):
        return Start(tip, branch), git.dirty(project, ours) or []
    return Start(commit, branch), dirty


def _above(person: Repository, commit: str, tip: str) -> str:
    """A commit that has both what is checked out and the last run's branch."""
    if not person.call("merge-base", "--is-ancestor", tip, commit).code:
        return commit
    if is_within(person, commit, tip):
        return tip
    new, conflicts = joined(person, commit, tip)
    if not new:
        branch, names = current(person).removeprefix("refs/heads/"), fields.named(conflicts, len(conflicts))
        way = f"`git merge {branch}`, or delete that branch"
        raise ClaudestratorError(f"{branch} is not merged, and conflicts with what is checked out ({names}): {way}")
    return new


def branch_of(person: Repository) -> str:
    """The branch that is checked out; "" for none."""
    return person.call("symbolic-ref", "--quiet", "HEAD").text.strip()


def is_within(person: Repository, commit: str, tip: str) -> bool:
    """Whether *tip* has all that *commit* has, the first "" for none."""
    return not commit or not person.call("merge-base", "--is-ancestor", commit, tip).code


def _changed(person: Repository, old: str, new: str) -> set[str]:
    """The paths that differ between two commits, the first "" for none."""
    empty = "" if old else person.call("hash-object", "-t", "tree", "--stdin").text.strip()
    words = ["diff-tree", "-r", "-z", "--no-renames", "--name-only", "--no-commit-id", old or empty, new, "--"]
    return set(filter(None, person.call(*words).text.split("\0")))


def opened(project: Project, run: str, start: Start) -> Repository | str:
    """The repository in which the run's branch is checked out, or why there is none. The branch begins at *start*."""
    person = git.repository_of(project)
    if isinstance(person, str):
        return person
    if branch_of(person) != start.branch:
        return MOVED
    found = of(person)
    head = os.path.join(found.folder, "HEAD")
    ref = f"ref: refs/heads/{name(run)}\n"
    try:
        is_old = is_apart(person) or os.path.isabs(files.read(f"{found.folder}/commondir") or "")
        # Only before the first commit there is none.
        is_made = files.read(head) == ref and not is_old and bool(not start.commit or commit_witness.head(found))
        if not is_made and (why := _made(person, found, run, start, ref)):
            return why
    except (OSError, ClaudestratorError) as error:
        return str(error)
    commit_witness.settle(found)
    return found


def of(person: Repository) -> Repository:
    """Our own git folder for this project in that of a person's repository, whether it is there or not."""
    folder = _FOLDER if person.within == "." else f"{_FOLDER}-{processes.digest(person.within)}"
    return Repository(person.root, os.path.join(person.folder, folder), person.within, own=True)


def person_of(ours: Repository) -> Repository:
    """The person's repository around our own git folder."""
    return Repository(ours.root, os.path.dirname(ours.folder), ours.within)


def current(person: Repository) -> str:
    """The branch of the last run that made commits here; "" if there is none."""
    with suppress(ClaudestratorError):
        text = files.read(os.path.join(of(person).folder, "HEAD")) or ""
        return text.removeprefix("ref: refs/heads/").strip()
    return ""


def apart(person: Repository, run: str, start: Start) -> str:
    """The last commit of a run's branch that no working tree follows, because its agents have worktrees. The branch is
    made if it is missing, at *start*. Raises ClaudestratorError if that fails."""
    found, ref = of(person), f"refs/heads/{name(run)}"
    tip = commit_witness.head(person, ref)
    if tip and current(person) == name(run):
        return tip
    done = person.call("update-ref", ref, start.commit, "") if not tip else None
    if done and done.code:
        raise ClaudestratorError(f"{name(run)} can't be made: {done.why}")
    os.makedirs(found.folder, exist_ok=True)
    if why := _shared(person, found):
        raise ClaudestratorError(f"{name(run)} can't be made: {why}")
    files.write(os.path.join(found.folder, _APART), "")
    files.write(os.path.join(found.folder, "HEAD"), f"ref: {ref}\n")
    return tip or start.commit


def tip(place: Repository, run: str) -> str:
    """The last commit of the run's branch; "" if there is no such branch."""
    return commit_witness.head(place, f"refs/heads/{name(run)}")


def taken(person: Repository) -> str:
    """The branch of a person's that leaves no room for a run's, "" if there is none."""
    parent = os.path.dirname(name("x"))
    return parent if commit_witness.head(person, f"refs/heads/{parent}") else ""


def advance(place: Repository, run: str, new: str, old: str) -> str:
    """Moves the run's branch from one commit on to the next; why that failed, or "".

    Where a person has it checked out, their HEAD stays at the commit that they have, no longer on the branch: git would
    take what is new on it for something that they have taken back.

    """
    ref = f"refs/heads/{name(run)}"
    checkout = place.call("for-each-ref", "--format=%(worktreepath)", ref).text.strip("\n")
    if checkout and os.path.isdir(checkout):
        call(checkout, "update-ref", "--no-deref", "-m", "claudestrator: detached", "HEAD", old, old)
    return place.call("update-ref", "-m", "claudestrator: merged", ref, new, old).why


def catch_up(project: Project, run: str, branch: str) -> None:
    """Moves a run's branch that no working tree follows on to what the person has committed since on *branch*, the one
    on which the run began, if it has no commit that they lack."""
    person = git.repository_of(project)
    if isinstance(person, str) or not is_apart(person) or branch_of(person) != branch:
        return
    old, head = tip(person, run), commit_witness.head(person)
    if old and old != head and is_within(person, old, head):
        person.call("update-ref", "-m", "claudestrator: caught up", f"refs/heads/{name(run)}", head, old)


def unmerged(project: Project) -> str:
    """The branch of the last run, if its agents had worktrees and the person has not taken its work over; else ""."""
    person = git.repository_of(project)
    if isinstance(person, str) or not is_apart(person):
        return ""
    tip = commit_witness.head(of(person))
    is_home = not tip or not person.call("merge-base", "--is-ancestor", tip, "HEAD").code
    return "" if is_home else current(person).removeprefix("refs/heads/")


def is_apart(person: Repository) -> bool:
    """Whether the working tree has never had what the last run's branch holds."""
    return bool(current(person)) and os.path.exists(os.path.join(of(person).folder, _APART))


def _shared(person: Repository, found: Repository) -> str:
    """Names git's folder in ours, by the way there, as a person may move the project; why that failed, or ""."""
    # Before git 2.31, nothing makes it print an absolute path.
    common = person.call("rev-parse", "--git-common-dir")
    if not common.code:
        way = os.path.relpath(os.path.join(person.root, common.text.strip("\n")), found.folder)
        files.write(os.path.join(found.folder, "commondir"), f"{way}\n")
    return common.why


def _made(person: Repository, found: Repository, run: str, start: Start, ref: str) -> str:
    """Makes the branch and our git folder; why that failed, or "". HEAD comes late: after a kill all is made anew."""
    for each in ("HEAD", _APART):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(found.folder, each))
    os.makedirs(found.folder, exist_ok=True)
    if why := _shared(person, found):
        return why
    if why := commit_witness.whole_index(person, os.path.join(found.folder, "index")):
        return why
    if start.commit and not commit_witness.head(person, f"refs/heads/{name(run)}"):
        done = person.call("update-ref", f"refs/heads/{name(run)}", start.commit, "")
        if done.code:
            return done.why
    files.write(os.path.join(found.folder, "HEAD"), ref)
    words = ["--reset", "HEAD"] if commit_witness.head(found) else ["--empty"]
    done = found.call("read-tree", *words)
    found.call("update-index", "-q", "--refresh")
    return done.why


def committed_elsewhere(ours: Repository) -> set[str]:
    """The paths that a person has committed in their own branch since the run's branch left it."""
    person = person_of(ours)
    theirs, tip = commit_witness.head(person), commit_witness.head(ours)
    common = person.call("merge-base", theirs, tip).text.strip() if theirs and tip else ""
    return _changed(person, common, theirs) if common and common != theirs else set()


def joined(person: Repository, theirs: str, tip: str) -> tuple[str, list[str]]:
    """A commit that merges the last run's branch into *theirs*; "" and the paths in conflict if there can be none."""
    # From git 2.38 on.
    made = person.call("merge-tree", "--write-tree", "--name-only", "--no-messages", theirs, tip)
    tree, *conflicts = filter(None, made.text.split("\n")) if made.text else [""]
    message = f"Merge branch '{current(person).removeprefix('refs/heads/')}'\n"
    new = "" if made.code else person.call("commit-tree", tree, "-p", theirs, "-p", tip, text=message).text.strip()
    return new, [fields.cut(path, 60) for path in conflicts]
