"""The merge queue: the work in an agent's worktree becomes one commit on the run's branch, one agent at a time.

The work is moved on top of the branch's last commit, the gate runs on the result, it is committed there, and the branch
advances. Whatever stops that leaves the work in the worktree, and the next call does the rest.
"""

import re
import time
from collections.abc import Sequence
from contextlib import suppress

from ..agents import reports
from ..engine import markers
from ..engine.state import STOPPED, State
from ..errors import ClaudestratorError, HeldError
from ..store import config_file, files, state_file
from ..store.hidden_files import CLOSING_LOCK, MERGE_LOCK
from ..store.paths import Project
from ..system import gate_process, git, run_branch, tree_merge, worktrees
from ..system.worktrees import Tree
from ..texts import fields, ids
from ..texts.statuses import SKIPPED
from . import gates, polling, task_commits

#: Lines of what git says of a conflict.
_SAID = 20


class _RefusalError(Exception):
    """Why the work can't be merged as it is, and what git *said* of it."""

    def __init__(self, why: str, said: list[str]) -> None:
        super().__init__(why)
        self.why, self.said = why, said


def done(project: Project, id_: str, attempt: int | None, note: str, limit: float | None = None) -> str:
    """Reports *id_* as done, once its work is merged and the gate is green on the result; a run without worktrees has
    only the gate. Waits for at most *limit* seconds, None for as long as one Bash call may take.

    Raises RedError for a conflict, a red gate, and a hook that refuses the commit; ClaudestratorError if it takes
    longer, and as `gates.done` does.

    """
    if ids.role(id_) != "task" or not state_file.read(project).worktrees:
        return gates.done(project, id_, attempt, note, limit)
    latest = reports.open_attempt(project, id_, attempt)
    if not latest:
        return reports.done(project, id_, attempt, note)
    reports.being_made(project, id_, latest, note)
    return _merged(project, id_, latest, gates.patience() if limit is None else limit)


def _merged(project: Project, id_: str, attempt: int, patience: float) -> str:
    deadline, current = time.monotonic() + patience, state_file.read(project)
    why = "as another task is being merged"
    try:
        # One after the other: a gate beside another's would have to run again.
        with files.locked(MERGE_LOCK.path(project), patience, project.bounds):
            while _is_idle(project, deadline - time.monotonic()):
                with files.locked(CLOSING_LOCK.path(project), max(1.0, deadline - time.monotonic()), project.bounds):
                    ended = _tried(project, current, id_, attempt)
                if ended is not None:
                    return ended
            why = "as a gate is still running"
    except HeldError:
        pass
    except _RefusalError as refusal:
        return _refused(project, id_, attempt, refusal)
    again = f"call `claudestrator-helper done {id_} --attempt {attempt}` again"
    raise gates.RunningError(f"{id_} is not reported yet, {why}: {again}")


def _tried(project: Project, current: State, id_: str, attempt: int) -> str | None:
    """One try, under the lock: the line that the agent ends with; None if its gate runs now."""
    found = reports.queue_of(project, current).by_id.get(id_)
    if not found or found[0].status == SKIPPED:
        raise ClaudestratorError(f"{id_} was skipped or removed: end here, its work stays in its worktree")
    tree = worktrees.of(project, id_)
    commit_id = made(project, current, id_, attempt, tree)
    if commit_id:
        return reports.done(project, id_, attempt, "")
    if tree is None:
        raise _RefusalError("its worktree is gone: report that it failed, and the next attempt gets another", [])
    tree = _on_tip(project, current, tree)
    try:
        passed = gates.proved(project, id_, attempt, 0, tree.project(project))
    except gates.RunningError:
        return None
    if isinstance(passed, str):
        return passed
    result = merge(project, current, id_, attempt, tree)
    if result.final:
        return reports.fail(project, id_, attempt, result.why, markers.UNCOMMITTED)
    if not result.commit and result.why != git.NOTHING:
        raise _RefusalError(f"its work can't be committed ({fields.cut(result.why)})", [*result.said])
    return reports.done(project, id_, attempt, "", proved=passed, unchanged=not result.commit)


def settle(project: Project, ids: list[str], patience: float) -> list[str]:
    """Records the commits that `done` has made of these tasks; see task_commits.commit."""
    # Others may be merging for a while, and the next agent need not wait for them.
    lines, left = task_commits.recorded(project, ids, _found)
    return lines + (task_commits.commit(project, left, patience, _settled) if left else [])


def _found(project: Project, current: State, id_: str) -> str:
    return made(project, current, id_, current.record(id_).completed or 0, worktrees.of(project, id_))


def _settled(project: Project, current: State, id_: str) -> git.Result:
    if commit_id := _found(project, current, id_):
        return git.Result(commit=commit_id)
    return _late(project, current, id_, current.record(id_).completed or 0)


def _late(project: Project, current: State, id_: str, attempt: int) -> git.Result:
    """Merges the work of a task that counts as done without it, as where a person has made its marker by hand."""
    tree = worktrees.of(project, id_)
    if tree is None:
        return git.Result(why="it has no worktree")
    try:
        return merge(project, current, id_, attempt, _on_tip(project, current, tree))
    except _RefusalError as refusal:
        return git.Result(why=refusal.why)
    except ClaudestratorError as error:
        return git.Result(why=str(error))


def tip(project: Project, current: State) -> str:
    """The last commit of the run's branch, which is made if it is missing.

    Raises ClaudestratorError if there can be no such branch.

    """
    start = task_commits.start_of(project)
    if start is None:
        raise ClaudestratorError("what was checked out before the run is not known")
    person = git.repository_of(project)
    if isinstance(person, str):
        raise ClaudestratorError(person)
    # Of a branch that is gone, a commit that has just been made is not recorded yet.
    found = [] if run_branch.tip(person, current.run) else worktrees.listed(project)
    bases = [tree.note.base for tree in found if tree.note.run == current.run]
    return run_branch.apart(person, current.run, task_commits.known(person, current, start, bases))


def catch_up(project: Project) -> None:
    """Lets a run that a person continues begin on what they have committed, where it has no commits of its own."""
    current, start = state_file.read(project), task_commits.start_of(project)
    if current.worktrees and start and (current.unfinished or current.status == STOPPED):
        with suppress(HeldError), files.locked(CLOSING_LOCK.path(project), 1.0, project.bounds):
            run_branch.catch_up(project, current.run, start.branch)


def merge(project: Project, current: State, id_: str, attempt: int, tree: Tree) -> git.Result:
    """Commits the work in a worktree, which lies on top of the run's branch, and moves that on to the commit; the
    caller holds the lock."""
    changes = git.changes_in(tree.repository)
    if isinstance(changes, str):
        return git.Result(why=changes)
    message = task_commits.message(project, current, id_, attempt)
    left = tree_merge.skipped(tree, project, changes)
    result = git.commit(project, left, message, tree.repository, changes)
    if result.commit:
        if why := run_branch.advance(tree.repository, current.run, result.commit, tree.note.base):
            return result._replace(commit="", why=why)
        tree.noted(base=result.commit, refused=0)
    return result


def made(project: Project, current: State, id_: str, attempt: int, tree: Tree | None) -> str:
    """The commit of that attempt on the run's branch; "" if there is none."""
    place, start = tree.repository if tree else git.repository_of(project), task_commits.start_of(project)
    if isinstance(place, str) or start is None:
        return ""
    pattern = f"^{re.escape(task_commits.mark(current, id_, attempt))}$"
    among = f"{start.commit}..refs/heads/{run_branch.name(current.run)}"
    words = ["-c", "log.showSignature=false", "log", "-1", "--format=%H", "-E", f"--grep={pattern}", among, "--"]
    return place.call(*words).text.strip()


def moved(project: Project, tree: Tree, tip: str) -> Tree:
    """The tree, with its work on top of *tip*, and with the conflicts that this comes to in its note."""
    return tree_merge.move(tree_merge.unfold(tree), project, tip)[0].noted(ready=True)


def _on_tip(project: Project, current: State, tree: Tree) -> Tree:
    """The tree, with its work on top of the branch. Raises _RefusalError for a conflict that is left to the agent."""
    said = list[str]()
    try:
        tree = tree_merge.unfold(tree)
    except ClaudestratorError as error:
        raise _RefusalError(str(error), []) from error
    if left := tree_merge.unresolved(tree):
        raise _RefusalError(f"there are conflict markers in {_named(left)}", [])
    last = run_branch.tip(tree.repository, current.run) or tip(project, current)
    if last != tree.note.base:
        tree, said = tree_merge.move(tree, project, last)
        # Of the conflict before this one nothing is left, and the agent can't know what others finish.
        tree = tree.noted(refused=0) if said else tree
    elif tree.note.conflicts:
        tree = tree.noted(conflicts=[])
    if said or tree.note.conflicts:
        what = f"what others have finished meanwhile conflicts with it in {_named(tree.note.conflicts)}"
        raise _RefusalError(what, said)
    return tree


def _refused(project: Project, id_: str, attempt: int, refusal: _RefusalError) -> str:
    tree, most = worktrees.of(project, id_), config_file.read(project).gate_refusals
    if tree is None:
        raise ClaudestratorError(f"{id_} is not done, as {refusal.why}")
    refused = tree.note.refused + 1 if tree.note.attempt == attempt else 1
    tree = tree.noted(attempt=attempt, refused=refused)
    if refused > most:
        return reports.fail(project, id_, attempt, refusal.why)
    left = f"{most - refused + 1} more until the attempt has failed"
    way = f"nothing is lost; solve that in {tree.path}, see that the whole works, and report again ({left})"
    raise gates.RedError(f"{id_} is not done, as {refusal.why}: {way}", [*refusal.said[-_SAID:], *_how(tree)])


def _how(tree: Tree) -> list[str]:
    if not tree.note.conflicts:
        return []
    return [
        f"Your worktree is now on top of what others have finished. In {_named(tree.note.conflicts)}, lines from",
        "<<<<<<< to ======= are yours, and those from there to >>>>>>> are theirs. Keep what both are for, and remove",
        "the markers. A file without markers is as you left it, or theirs if you removed it;",
        f"`git show {tree.note.base[:12]}:PATH` has theirs.",
    ]


def _named(paths: Sequence[str]) -> str:
    return fields.named([fields.cut(path, 80) for path in paths], len(paths))


def _is_idle(project: Project, patience: float) -> bool:
    """Whether no gate of a task runs, for which it waits at most *patience* seconds. One may, of a call that took too
    long."""
    return polling.wait_until(lambda: not _gate_runs(project), patience, time.sleep, time.monotonic)


def _gate_runs(project: Project) -> bool:
    records = (gate_process.read(project, tree.note.id) for tree in worktrees.listed(project))
    return any(record and gate_process.is_running(record) for record in records)
