"""What a new worktree gets before its agent begins: files that git ignores, and the commands of `[worktree] setup`.

The commands run in a process of their own, as a gate's do (system/gate_process.py), because they may take longer than a
call. Meanwhile the work of other agents is merged.
"""

import os
import time

from ..engine import gates
from ..engine.config import Config
from ..engine.state import State
from ..store import config_file, project_files
from ..store.paths import Project
from ..system import consent, gate_process, made_by_setup, tree_copies, worktrees
from ..system.gate_process import TOO_LONG, Record
from ..system.worktrees import Tree
from ..texts import fields
from . import polling

#: How often something else may end the commands before the worktree counts as one that can't be set up.
_LOST = 3


def is_begun(project: Project, tree: Tree) -> bool:
    """Whether the commands have been started in that worktree; its files stay as they are from then on."""
    record = gate_process.read(project, _name(tree))
    return record is not None and record.key == _key(tree)


def is_running(project: Project, tree: Tree) -> bool:
    record = gate_process.read(project, _name(tree))
    return record is not None and record.key == _key(tree) and gate_process.is_running(record)


def furnish(project: Project, tree: Tree) -> list[str]:
    """Copies the files and starts the commands, if that has not been done; the worktree is ready once both are over.
    Returns lines for the person. The caller holds the lock of commits."""
    config, lines = config_file.read(project), list[str]()
    commands = allowed(project, config)
    if not is_begun(project, tree):
        tree, lines = tree_copies.copied(tree, project, config.worktree_copy)
    if not commands:
        tree.noted(ready=True)
    elif _is_over(project, tree, commands):
        made_by_setup.note(tree.repository)
        tree.noted(ready=True)
    elif not (is_running(project, tree) or _why_not(project, tree, commands)):
        wanted = Record(_key(tree), commands)
        gate_process.start(tree.project(project), _name(tree), wanted, commands, config.worktree_timeout)
    return lines


def wait(project: Project, ids: list[str], patience: float) -> bool:
    """Whether the commands in the worktree of one of these are over within *patience* seconds, or in all already."""
    trees = [tree for id_ in ids if (tree := worktrees.of(project, id_)) and is_running(project, tree)]
    return not trees or polling.wait_until(
        lambda: not all(is_running(project, tree) for tree in trees), patience, time.sleep, time.monotonic
    )


def problem(project: Project, current: State) -> str:
    """Why a worktree of the run can't be set up; "" if none is known."""
    commands = allowed(project, config_file.read(project))
    waiting = [tree for tree in worktrees.listed(project) if not tree.note.ready and tree.note.run == current.run]
    return next(filter(None, (_why_not(project, tree, commands) for tree in waiting)), "") if commands else ""


def forget(project: Project) -> None:
    """Lets what can't be set up be tried again."""
    for tree in worktrees.listed(project):
        if not tree.note.ready and not is_running(project, tree):
            project_files.remove(project, os.path.join(project.gates, f"{_name(tree)}.json"))


def allowed(project: Project, config: Config) -> list[str]:
    """The commands, if a person has allowed them."""
    known = consent.read(project) if config.worktree_setup else None
    return config.worktree_setup if known and config.worktree_setup == known.setup else []


def _is_over(project: Project, tree: Tree, commands: list[str]) -> bool:
    record = gate_process.read(project, _name(tree))
    is_its = record is not None and (record.key, record.commands, record.over) == (_key(tree), commands, True)
    return is_its and record is not None and record.green == commands


def _why_not(project: Project, tree: Tree, commands: list[str]) -> str:
    record = gate_process.read(project, _name(tree))
    if record is None or (record.key, record.commands) != (_key(tree), commands):
        return ""
    place = os.path.relpath(tree.path, project.root)
    if not record.over and record.refused >= _LOST and not gate_process.is_running(record):
        return f"the set-up of {place} was ended by something else {record.refused} times"
    red = next((each for each in record.outcomes if each.code), None)
    if not (record.over and red):
        return ""
    last = next((line for line in reversed(red.tail) if line.strip()), "it printed nothing")
    how = "took too long" if red.code == TOO_LONG else f"ended with exit code {red.code}"
    return f"`{fields.cut(red.command, 80)}`, which sets up {place}, {how} ({fields.cut(last, 160)})"


def _name(tree: Tree) -> str:
    # No id has that sign.
    return gates.SETUP.format(tree.note.id)


def _key(tree: Tree) -> str:
    """A text that no other worktree has, made before or after in the same place."""
    made = os.stat(os.path.join(tree.folder, "gitdir")).st_mtime_ns
    return f"{tree.note.run} {made}"
