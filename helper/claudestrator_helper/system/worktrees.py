"""Worktrees of a run: checkouts of the run's branch, below `.claude/worktrees`, in which its agents work.

Each has a detached HEAD, so that no branch is checked out twice, and what its agent has changed lies on top of one
commit of the run's branch, its *base*. A note in the worktree's git folder makes it recognisable as ours and goes when
git removes the worktree. Git is always told which git folder to use, because an agent may write to the worktree.
"""

import contextlib
import filecmp
import json
import os
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from .. import host
from ..errors import ClaudestratorError
from ..store import files
from ..store.paths import TREE_NOTE, Project
from ..texts import fields
from . import commit_witness, git, git_process, git_safety, made_by_setup, run_branch, secret_names
from .commit_witness import Repository

#: From this version on, git can merge without a working tree.
_SINCE = (2, 38)
#: What is said of a worktree with commits that are on no branch.
COMMITS = "commits of its own"
#: Seconds to check out a large repository.
_CHECKOUT = 600
#: What tools leave beside sources, and no commit of a run holds.
_GENERATED = re.compile(r"(?:^|/)(?:__pycache__|node_modules|\.DS_Store)(?:/|$)|\.py[co]$")


class Note(NamedTuple):
    """The *project* that a worktree is for, the *run* that made it, *id* whose agent works there on *what*, its *base*,
    and whether it is *ready* for the agent. *moving* are the trees before and after while the work is moved to another
    base. *conflicts* are paths that its agent has to look at, and *refused* says how often the *attempt* was refused.
    *copied* are paths that no commit may hold, *begun* those in conflict in a merge that the agent had begun."""

    project: str
    run: str
    id: str
    base: str
    ready: bool = False
    moving: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    attempt: int = 0
    refused: int = 0
    copied: Sequence[str] = ()
    begun: Sequence[str] = ()
    what: str = ""


class Tree(NamedTuple):
    """A worktree of ours: its *path*, its git *folder*, the project's place *within* it, and our *note*."""

    path: str
    folder: str
    within: str
    note: Note

    @property
    def root(self) -> str:
        """The project's folder in it."""
        return os.path.normpath(os.path.join(self.path, self.within))

    @property
    def repository(self) -> Repository:
        return Repository(self.path, self.folder, self.within, own=True)

    def project(self, main: Project) -> Project:
        """The project *main*, with its state, as it is in this worktree."""
        return Project(self.root, main.state)

    def noted(self, **values: object) -> "Tree":
        """The tree with these values in its note, which is written."""
        changed = self._replace(note=self.note._replace(**values))  # type: ignore[arg-type]
        if changed != self or not values:
            # Nothing is lost with one that is not ready.
            text = json.dumps(changed.note._asdict()) + "\n"
            files.write(os.path.join(self.folder, TREE_NOTE), text, lasting=changed.note.ready)
        return changed


def why_not(project: Project) -> str:
    """Why the project's agents can't have worktrees; "" if they can."""
    person = git.repository_of(project)
    if isinstance(person, str):
        return person
    if git_version() < _SINCE:
        return f"git is older than {'.'.join(map(str, _SINCE))}"
    folder = folder_of(project)
    if os.path.realpath(folder) != os.path.join(os.path.realpath(project.root), host.WORKTREES):
        return f"a link leads {host.WORKTREES} elsewhere"
    if not commit_witness.head(person):
        return "the repository has no commit yet"
    if taken := run_branch.taken(person):
        return f"a branch is called {taken}, so git can make none below that name"
    return _why_no_commit(person)


def _why_no_commit(person: Repository) -> str:
    """Why no commit could hold what the agents do; "" if it can."""
    if person.within != "." and not person.call("check-ignore", "-z", "--stdin", text=f"{person.within}/new").code:
        return "git ignores what is new in the project's folder"
    return "" if not person.call("var", "GIT_COMMITTER_IDENT").code else "git knows no name and e-mail of yours"


@cache
def git_version() -> tuple[int, ...]:
    """The version of git, (0,) if it can't be told."""
    found = re.search(r"\d+(?:\.\d+)+", git_process.call(os.sep, "version").text)
    return tuple(map(int, found[0].split("."))) if found else (0,)


def folder_of(project: Project) -> str:
    """The folder of the project's worktrees."""
    return os.path.join(project.root, host.WORKTREES)


def listed(project: Project) -> list[Tree]:
    """The worktrees that runs of this project have made and that are still there, sorted by path."""
    top, within = git_safety.top(project.root)
    held = os.path.join(_common(top), "worktrees") if top else ""
    trees = (_read(project, os.path.join(held, name), within) for name in files.names(held))
    return sorted(filter(None, trees), key=lambda tree: tree.path)


def of(project: Project, id_: str) -> Tree | None:
    """The worktree of *id_*; None if there is none."""
    return next((tree for tree in listed(project) if tree.note.id == id_), None)


def _read(project: Project, folder: str, within: str) -> Tree | None:
    try:
        note = Note(**json.loads(files.read(os.path.join(folder, TREE_NOTE)) or ""))
        # A newer git may have been told to use relative paths.
        path = os.path.dirname(os.path.join(folder, (files.read(os.path.join(folder, "gitdir")) or "").strip("\n")))
        if note.project != os.path.realpath(project.root) and not os.path.exists(note.project):
            note, path = _brought_along(project, folder, note, path)
    except (ClaudestratorError, ValueError, TypeError):
        return None
    # What an agent puts in its place may lead to the person's own files.
    is_ours = note.project == os.path.realpath(project.root) and os.path.isdir(path) and not os.path.islink(path)
    return Tree(path, folder, within, note) if is_ours else None


def _brought_along(project: Project, folder: str, note: Note, path: str) -> tuple[Note, str]:
    """The note and the place of a worktree of a project that has been moved, and its worktrees with it: git has to be
    told, as by `git worktree repair`."""
    place = os.path.join(os.path.realpath(folder_of(project)), os.path.basename(path))
    if not os.path.isfile(os.path.join(place, ".git")):
        return note, path
    files.write(os.path.join(place, ".git"), f"gitdir: {folder}\n")
    files.write(os.path.join(folder, "gitdir"), f"{os.path.join(place, '.git')}\n")
    note = note._replace(project=os.path.realpath(project.root))
    files.write(os.path.join(folder, TREE_NOTE), json.dumps(note._asdict()) + "\n")
    return note, place


def _common(top: str) -> str:
    """The git folder that all worktrees of a repository share."""
    found = os.path.join(top, ".git")
    if not os.path.isfile(found):
        return found
    linked = (files.read(found) or "").removeprefix("gitdir:").strip()
    folder = os.path.normpath(os.path.join(top, linked))
    shared = (files.read(os.path.join(folder, "commondir")) or ".").strip()
    return os.path.normpath(os.path.join(folder, shared))


def add(project: Project, run: str, id_: str, base: str) -> Tree:
    """A new worktree for *id_*, with the files of the commit *base*. Raises ClaudestratorError if git can't make it."""
    person = git.repository_of(project)
    if isinstance(person, str):
        raise ClaudestratorError(f"there can be no worktree for {id_}, as {person}")
    path = _free(project, id_)
    # Nothing in it is anyone's before there is a note, so one whose making was killed is taken over.
    if not os.path.isdir(path) or not os.listdir(path):
        words = ["worktree", "add", "--quiet", "--detach", "--no-checkout", path, base]
        done = person.call(*words)
        if done.code and not os.path.lexists(path):
            # A worktree there was deleted by hand, and git still knows it.
            person.call("worktree", "remove", path)
            done = person.call(*words)
        if done.code:
            raise ClaudestratorError(f"the worktree for {id_} can't be made: {done.why}")
    folder = _folder(path)
    tree = Tree(
        path, folder, git_safety.top(project.root)[1], Note(os.path.realpath(project.root), run, id_, base)
    ).noted()
    return checked_out(tree, base)


def checked_out(tree: Tree, base: str) -> Tree:
    """The tree with the files of the commit *base*. Raises ClaudestratorError if git refuses, as it does where that
    would overwrite something."""
    if tree.note.ready and _has_commits(tree):
        raise ClaudestratorError(f"{tree.path} has commits of its own")
    # In one that is not ready, what a kill has left half written is nobody's work.
    words = ["checkout", "--quiet", "--detach"] if tree.note.ready else ["reset", "--quiet", "--hard"]
    done = tree.repository.call(*words, base, timeout=_CHECKOUT)
    if done.code:
        raise ClaudestratorError(f"{tree.path} can't be brought to {base[:7]}: {done.why}")
    with contextlib.suppress(OSError):
        # No commit may have the project's folder yet.
        os.makedirs(tree.root, exist_ok=True)
    return tree.noted(base=base)


def _folder(path: str) -> str:
    """The git folder of the worktree at *path*."""
    return (files.read(os.path.join(path, ".git")) or "").removeprefix("gitdir:").strip()


def _free(project: Project, id_: str) -> str:
    """A path for a new worktree of *id_*: where nothing is, or no more than a kill has left of one."""
    folder = folder_of(project)
    os.makedirs(folder, exist_ok=True)
    ignore = os.path.join(folder, ".gitignore")
    if not os.path.lexists(ignore):
        files.write(ignore, "*\n", project.root)
    number = 1
    while True:
        path = os.path.join(folder, f"{id_}-{number}" if number > 1 else id_)
        if not os.path.lexists(path) or _is_shell(project, path):
            return path
        number += 1


def _is_shell(project: Project, path: str) -> bool:
    """Whether a kill has left a worktree there that has neither a file nor a note."""
    if os.path.islink(path) or not os.path.isdir(path) or os.listdir(path) not in ([], [".git"]):
        return False
    if not os.listdir(path):
        return True
    folder = os.path.realpath(_folder(path))
    held = os.path.join(os.path.realpath(_common(git_safety.top(project.root)[0])), "worktrees")
    return os.path.dirname(folder) == held and not any(
        os.path.exists(os.path.join(folder, name)) for name in ("index", TREE_NOTE)
    )


def left_in(tree: Tree, project: Project) -> list[str]:
    """What would be lost with that worktree: paths that no commit has, and ignored files that look like secrets and
    are no copies of the project's own. Other ignored files, such as caches and builds, are not looked at."""
    words = ["--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"]
    done = tree.repository.call(*words, "--ignored=traditional")
    if done.code:
        return [done.why]
    found, made = [], made_by_setup.unchanged(tree.repository)
    for code, path in ((entry[:2], entry[3:]) for entry in done.text.split("\0") if entry):
        is_copy = code == "!!" and (not secret_names.is_secret(path) or _is_copy(tree, project, path))
        # No agent has been in one that is not ready: what differs there, a kill has left half written.
        is_half = not tree.note.ready and code not in ("??", "!!")
        if not (is_copy or is_half or path in made) and not (code == "??" and is_generated(path)):
            found.append(path)
    return found + ([COMMITS] if _has_commits(tree) else [])


def _has_commits(tree: Tree) -> bool:
    ours = tree.repository
    head = commit_witness.head(ours)
    branch = f"refs/heads/{run_branch.name(tree.note.run)}"
    return head != tree.note.base and bool(ours.call("merge-base", "--is-ancestor", head, branch).code)


def is_generated(path: str) -> bool:
    """Whether an untracked path is what tools leave beside sources."""
    return bool(_GENERATED.search(path))


def _is_copy(tree: Tree, project: Project, path: str) -> bool:
    other = os.path.join(git_safety.top(project.root)[0], path)
    with contextlib.suppress(OSError):
        return filecmp.cmp(os.path.join(tree.path, path), other, shallow=False)
    return False


def remove(tree: Tree, project: Project) -> str:
    """Removes a worktree from which nothing would be lost; why not, or ""."""
    if left := left_in(tree, project):
        return f"it holds {fields.named([fields.cut(path, 60) for path in left], len(left))}"
    if not tree.note.ready:
        tree.repository.call("reset", "--quiet", "--hard", timeout=_CHECKOUT)
    made_by_setup.put_back(tree.repository, made_by_setup.unchanged(tree.repository))
    for path in _generated(tree):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(tree.path, path))
    person = git.repository_of(project)
    if isinstance(person, str):
        return person
    done = person.call("worktree", "remove", tree.path, timeout=_CHECKOUT)
    return done.why


def _generated(tree: Tree) -> list[str]:
    listed = tree.repository.call("ls-files", "--others", "--exclude-standard", "-z").text
    return [path for path in listed.split("\0") if path and is_generated(path)]
