"""What runs have left behind in the repository: worktrees that no run uses any more, and branches of runs.

Only what is ours is looked at, by our note in a worktree's git folder and by a branch's name. Nothing is forced: what
would be lost stays, and is named.
"""

import os
import re
import time

from ..engine import heartbeat, state
from ..errors import ClaudestratorError, HeldError
from ..store import files, state_file
from ..store.hidden_files import CLOSING_LOCK, MAKING_LOCK
from ..store.paths import Project
from ..system import commit_witness, git, processes, run_branch, worktrees
from ..system.commit_witness import Repository
from ..system.worktrees import Tree
from ..texts import fields
from . import tree_setup

#: The name of a run's branch; a person may have branches of their own beside them.
_BRANCH = re.compile(rf"{re.escape(run_branch.name(''))}\d{{8}}-\d{{6}}-[0-9a-f]{{4}}")


def found(project: Project) -> list[str]:
    """A line for each worktree that no run is at work in, with what is in it, and one on what to do."""
    trees, going = _strays(project), _going(project)
    words = ["kept for an unfinished run" if tree.note.run == going else "left by a run" for tree in trees]
    told = [f"{_place(project, tree)} ({_whose(tree)}): {_content(tree, project)}" for tree in trees]
    lines = [f"{word}: {each}" for word, each in zip(words, told, strict=True)]
    if any(tree.note.run == going for tree in trees):
        lines.append(f"the run {fields.cut(going, 40)} is unfinished: `/orchestrate` continues it")
    if any(tree.note.run != going for tree in trees):
        lines.append("`claudestrator-helper clean` removes worktrees in which nothing would be lost")
    return lines


def clean(project: Project, *, dry_run: bool = False) -> list[str]:
    """Removes the worktrees that no run uses and from which nothing would be lost, and the branches of runs that are
    merged; with *dry_run*, only says so. Returns a line for each, and why what stays does.

    Raises ClaudestratorError while another process commits, and outside a repository.

    """
    person = git.repository_of(project)
    if isinstance(person, str):
        raise ClaudestratorError(f"there is nothing to clean, as {person}")
    try:
        with (
            files.locked(MAKING_LOCK.path(project), 1.0, project.bounds),
            files.locked(CLOSING_LOCK.path(project), 1.0, project.bounds),
        ):
            lines = [_cleaned(project, tree, dry_run=dry_run) for tree in _strays(project, going=False)]
            lines += _in_use(project)
            return lines + [_deleted(person, name, dry_run=dry_run) for name in _branches(project, person)]
    except HeldError as error:
        raise ClaudestratorError("a task is being committed or merged: call this again once that is over") from error


def _strays(project: Project, *, going: bool = True) -> list[Tree]:
    """The worktrees that no run is at work in; with *going*, also those of a run that its session has left unfinished,
    and that `/orchestrate` continues."""
    listed = worktrees.listed(project)
    current = state_file.read(project) if listed else state.State()
    lives = processes.alive(current.owner.process)
    is_left = going and not (heartbeat.fresh(current, int(time.time())) if lives is None else lives)
    used = {current.run} if current.unfinished and not is_left else set()
    return [tree for tree in listed if tree.note.run not in used and not tree_setup.is_running(project, tree)]


def _going(project: Project) -> str:
    """The run that is unfinished; "" if there is none."""
    current = state_file.read(project)
    return current.run if current.unfinished else ""


def _in_use(project: Project) -> list[str]:
    going = _going(project)
    used = [tree for tree in worktrees.listed(project) if tree.note.run == going]
    many = f"{len(used)} worktree{'' if len(used) == 1 else 's'}"
    return [f"kept {many} of the run {fields.cut(going, 40)}, which is unfinished"] if used else []


def _place(project: Project, tree: Tree) -> str:
    return os.path.relpath(tree.path, project.root)


def _whose(tree: Tree) -> str:
    of = "" if tree.note.id.startswith(tree.note.run) else f"{fields.cut(tree.note.id.removesuffix('.left'), 64)} of "
    return f"{of}the run {fields.cut(tree.note.run, 40)}"


def _content(tree: Tree, project: Project) -> str:
    left = worktrees.left_in(tree, project)
    changes = [fields.cut(path, 60) for path in left if path != worktrees.COMMITS]
    parts = [worktrees.COMMITS] if worktrees.COMMITS in left else []
    parts += [f"changes that no commit has, in {fields.named(changes, len(changes))}"] if changes else []
    return "; ".join(parts) or "nothing that is not merged"


def _cleaned(project: Project, tree: Tree, *, dry_run: bool) -> str:
    place = f"{_place(project, tree)} ({_whose(tree)})"
    if worktrees.left_in(tree, project):
        return f"kept {place}: {_content(tree, project)}"
    why = "" if dry_run else worktrees.remove(tree, project)
    return f"kept {place}: {why}" if why else f"{_done('removed', dry_run=dry_run)} {place}"


def _done(word: str, *, dry_run: bool) -> str:
    return f"would be {word}:" if dry_run else word


def _branches(project: Project, person: Repository) -> list[str]:
    """The branches of runs, other than that of one that is unfinished or was stopped, which goes on there."""
    current = state_file.read(project)
    used = run_branch.name(current.run) if current.unfinished or current.status == state.STOPPED else ""
    words = ["for-each-ref", "--format=%(refname:short)", f"refs/heads/{run_branch.name('')}"]
    return [name for name in person.call(*words).text.split("\n") if _BRANCH.fullmatch(name) and name != used]


def _deleted(person: Repository, name: str, *, dry_run: bool) -> str:
    tip, head = commit_witness.head(person, f"refs/heads/{name}"), commit_witness.head(person)
    if not head or person.call("merge-base", "--is-ancestor", tip, head).code:
        count = person.call("rev-list", "--count", tip, *([f"^{head}"] if head else []), "--").text.strip()
        way = f"`git merge {name}` takes them over, and `git branch -D {name}` drops them"
        return f"kept {name}: commits that are not merged, {count}; {way}"
    # It refuses what is not merged, and a branch that is checked out somewhere.
    done = None if dry_run else person.call("branch", "-d", name)
    return f"kept {name}: {done.why}" if done and done.code else f"{_done('removed', dry_run=dry_run)} {name}"
