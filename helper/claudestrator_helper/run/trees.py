"""The worktrees of a run: whether it has any, and when they come and go. run/merging.py merges what is in them."""

import os
import time
from contextlib import suppress

from ..engine import settle_reports, state
from ..engine.begin_run import Asked
from ..engine.config import NO_COMMITS, Config
from ..errors import ClaudestratorError
from ..store import files, queue_file, state_file
from ..store.hidden_files import CLOSING_LOCK, MAKING_LOCK
from ..store.paths import Project
from ..system import git, run_branch, worktrees
from ..system.worktrees import Tree
from ..texts import fields, schedule
from . import merging, task_commits, tree_setup


def wanted(project: Project, current: state.State, config: Config, asked: Asked) -> tuple[bool, str]:
    """Whether the agents of a run that begins are to have worktrees, and a note if what was asked for can't be."""
    if current.unfinished or current.status == state.STOPPED:
        return current.worktrees, ""
    # The work of a run that was not merged is on its branch only, so what builds on it has to begin there.
    waiting = run_branch.unmerged(project)
    if not waiting and (asked.parallel or config.parallel) == 1:
        return False, ""
    if not config.worktrees:
        why = "" if not waiting else "run.worktrees is false"
    elif config.commit == NO_COMMITS:
        why = 'run.commit is "none"'
    else:
        why = worktrees.why_not(project) or _uncommitted(project, current)
        if not why:
            return True, _unseen(project)
    if waiting:
        return False, f"the agents do not see {waiting}, which is not merged, as {why}"
    return False, f"the agents share the working tree, as {why}" if why else ""


def _unseen(project: Project) -> str:
    """What a person has not committed, and a checkout therefore lacks; the requirements are read from their place."""
    person = git.repository_of(project)
    if isinstance(person, str):
        return ""
    within = os.path.join(os.path.realpath(project.root), "")
    own = (f"{within}.claudestrator/", f"{within}PRD.md")
    found = [path for path in git.dirty(project, person) or [] if not task_commits.is_own(project, person, path)]
    left = [path for path in found if not os.path.join(person.root, path).startswith(own)]
    names = fields.named([fields.cut(path, 60) for path in left], len(left))
    return f"the agents do not see what no commit has: {names}" if left else ""


def _uncommitted(project: Project, current: state.State) -> str:
    """What the last run has done in the working tree, and no commit has."""
    if not current.archive() or current.worktrees:
        return ""
    before, person, begun = task_commits.noted(project) or [], git.repository_of(project), run_branch.begun(project)
    if isinstance(person, str) or begun is None:
        return ""
    left = [path for path in begun[1] if path not in before and not task_commits.is_own(project, person, path)]
    names = fields.named([fields.cut(path, 60) for path in left], len(left))
    return f"no commit has {names}, which may be the work of the last run" if left else ""


def ready(project: Project, current: state.State) -> frozenset[str]:
    """Whose worktrees are ready: tasks, and the run, by its name, if its own has all that is finished."""
    found = [each for each in worktrees.listed(project) if each.note.ready and each.note.run == current.run]
    ids = [each.note.id for each in found if each.note.id != current.run]
    own = [each for each in found if each.note.id == current.run]
    own = [each for each in own if each.note.base == run_branch.tip(each.repository, current.run)]
    return frozenset([*ids, *(each.note.id for each in own)])


def prepare(project: Project, ids: list[str], patience: float) -> tuple[list[str], bool]:
    """Makes worktrees of these agents, as many as it can soon, but at least one; lines for the person, and whether
    nothing has to be waited for any more.

    Raises ClaudestratorError if git can't, and HeldError if another process has been committing for *patience* seconds.

    """
    lines, begun = list[str](), time.monotonic()
    with files.locked(MAKING_LOCK.path(project), max(1.0, patience), project.bounds):
        current = state_file.read(project)
        parsed = queue_file.read(project, current)
        for id_ in ids:
            what = parsed.task(id_).objective if id_ in parsed.by_id else ""
            lines += _made(project, current, id_, what)
            # Agents may begin where they are ready, and the next step renews the heartbeat.
            if time.monotonic() - begun > settle_reports.LAUNCH:
                break
    return lines, tree_setup.wait(project, ids, min(patience, settle_reports.LAUNCH))


def _made(project: Project, current: state.State, id_: str, what: str) -> list[str]:
    tip, tree, lines = merging.tip(project, current), worktrees.of(project, id_), list[str]()
    if tree and tree.note.ready and id_ == current.run:
        tree = _renewed(tree, tip)
    if tree and tree.note.ready and tree.note.run != current.run and tree.note.what not in ("", what):
        lines = [f"kept {os.path.relpath(tree.path, project.root)}: it is of an earlier {id_}, {tree.note.what}"]
        _set_aside(tree)
        tree = None
    if tree is None:
        tree = worktrees.add(project, current.run, id_, tip)
    elif not tree.note.ready and not (tree.note.run == current.run and tree_setup.is_begun(project, tree)):
        tree = worktrees.checked_out(tree.noted(run=current.run), tip)
    elif tree.note.run != current.run:
        # It holds what an earlier run could not finish.
        with files.locked(CLOSING_LOCK.path(project), within=project.bounds):
            merging.moved(project, tree.noted(run=current.run), tip)
        return [f"{id_} goes on in the worktree that an earlier run has left"]
    return lines if tree.note.ready else lines + tree_setup.furnish(project, tree.noted(what=what))


def ahead(project: Project, current: state.State) -> bool:
    """Makes the worktree of a task that may come next, up to one for each agent, and whether there was one to make. It
    is brought to the branch's last commit, furnished and ready once its agent is to begin."""
    if current.status != state.RUNNING:
        return False
    waiting = {tree.note.id for tree in worktrees.listed(project)} - current.agents.keys()
    parsed = queue_file.read(project, current)
    id_ = next((each for each in schedule.soon(parsed, current.parallel) if each not in waiting), "")
    with suppress(ClaudestratorError):  # as one that can't be made is said when its agent is to begin
        if id_:
            with files.locked(MAKING_LOCK.path(project), 1.0, project.bounds):
                worktrees.add(project, current.run, id_, merging.tip(project, current))
            return True
    return False


def _renewed(tree: Tree, tip: str) -> Tree | None:
    """The run's own worktree with the files of *tip*; None if it holds something that is in the way of them."""
    try:
        return worktrees.checked_out(tree, tip)
    except ClaudestratorError:
        _set_aside(tree)
        return None


def _set_aside(tree: Tree) -> None:
    """Leaves it to the person, who is told of it at the end."""
    tree.noted(id=f"{tree.note.id}.left")


def tidy(project: Project, current: state.State, seen: set[str]) -> list[str] | None:
    """Removes one worktree whose task is merged, and that is not among those *seen*, to which it is added. Returns a
    line if something would be lost with it; None if there is none to remove."""
    for tree in worktrees.listed(project):
        record = current.record(tree.note.id)
        if record.committed is not None and not record.agent and tree.path not in seen:
            seen.add(tree.path)
            why = worktrees.remove(tree, project)
            return [f"kept {os.path.relpath(tree.path, project.root)}: {why}"] if why else []
    return None


def ended(project: Project) -> str:
    """Removes the worktrees from which nothing would be lost; what a person has to know of the others."""
    current, kept = state_file.read(project), list[Tree]()
    try:
        with (
            files.locked(MAKING_LOCK.path(project), 1.0, project.bounds),
            files.locked(CLOSING_LOCK.path(project), 1.0, project.bounds),
        ):
            idle = [tree for tree in worktrees.listed(project) if tree.note.id not in current.agents]
            idle = [tree for tree in idle if not tree_setup.is_running(project, tree)]
            kept = [tree for tree in idle if worktrees.remove(tree, project)]
            holding = [tree for tree in kept if worktrees.left_in(tree, project)]
    except ClaudestratorError:
        return ""
    folder = worktrees.folder_of(project)
    told = [f"Work that no commit has is in {folder}: {_names(holding)}."] if holding else []
    # Such as one with submodules.
    bare = [tree for tree in kept if tree not in holding]
    told += [f"Git does not remove, although nothing would be lost, in {folder}: {_names(bare)}."] if bare else []
    return " ".join(told)


def _names(found: list[Tree]) -> str:
    return fields.named([os.path.basename(tree.path) for tree in found], len(found))
