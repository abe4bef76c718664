"""Taking a task back: its commit is reverted, and it is pending again."""

import os
import re

from ..errors import ClaudestratorError
from ..store import files, queue_file, state_file
from ..store.hidden_files import CLOSING_LOCK
from ..store.paths import Project
from ..system import commit_witness, git, run_branch, tree_merge, worktrees
from ..system.commit_witness import Repository
from ..texts import ids, queue
from ..texts.fields import cut, named
from ..texts.statuses import COMPLETED, PENDING
from . import merging, task_commits

#: Why a revert that git would make is refused: the part would come back when that other commit is undone.
_PART = "a part of it has been changed or removed since"


def undo(project: Project, id_: str) -> list[str]:
    """Reverts the last commit of that task and sets it back to pending. Returns lines for the person.

    Raises ClaudestratorError, with everything as it was, if the task has no commit, if agents are at work, if the
    working tree has changes, or if the revert conflicts with what came later.

    """
    with files.locked(CLOSING_LOCK.path(project), within=project.bounds):
        current = state_file.read(project)
        if current.unfinished and current.agents:
            raise ClaudestratorError(f"agents are at work: `claudestrator-helper stop`, and undo {id_} once they ended")
        task = queue_file.parsed(project).task(ids.checked(id_))
        record = current.record(id_)
        if record.committed == "":
            # One that is found is that of another task, which had this id in an earlier queue.
            raise ClaudestratorError(f"{id_} can't be undone, as it has no commit: `claudestrator-helper log` says why")
        repository, commit_id, made = _found(project, id_)
        is_apart = repository.own and run_branch.is_apart(run_branch.person_of(repository))
        if made and task.status != COMPLETED:
            raise ClaudestratorError(f"{id_} is undone already, by {made[:7]}")
        if task.status != COMPLETED:
            raise ClaudestratorError(f"{id_} is {task.status}, and the commit {commit_id[:7]} may be of another task")
        if not made:
            made = (
                _reverted_apart(repository, id_, commit_id)
                if is_apart
                else _reverted(project, repository, id_, commit_id)
            )
        tree = worktrees.of(project, id_)
        # What the worktree still has of the commit, the next attempt would take for there already.
        if tree and worktrees.remove(tree, project) and is_apart:
            merging.moved(project, tree, commit_witness.head(repository))
        with files.locked(project.lock, within=project.bounds):
            state_file.forget_completed(project, [id_], undone=True)
            # Of a folder that is moved meanwhile, the queue is empty.
            queue_file.edit(project, lambda text: queue.edited(queue.parse(text).task(id_).queue, {id_: PENDING}).text)
        if repository.own and not is_apart:
            task_commits.bring_home(project)
    lines = [f"undone {id_}: {made[:7]} reverts {commit_id[:7]}; it is {PENDING} again"]
    built_on = [each.id for each in task.queue.tasks if id_ in each.dependencies and each.status == COMPLETED]
    return lines + ([f"built on it, and still {COMPLETED}: {named(built_on, len(built_on))}"] if built_on else [])


def _found(project: Project, id_: str) -> tuple[Repository, str, str]:
    """Where the last commit of that task is, on the run's branch or in the person's own; its id; and that of the commit
    that reverts it, "" if there is none."""
    person = git.repository_of(project)
    if isinstance(person, str):
        raise ClaudestratorError(f"{id_} can't be undone, as {person}")
    ours = run_branch.of(person)
    found = commit_witness.head(ours) if run_branch.current(person) else ""
    is_home = not found or not person.call("merge-base", "--is-ancestor", found, "HEAD").code
    place = person if is_home else ours
    commit_id = _matching(place, f"^Claudestrator-Task: {re.escape(id_)}$")
    if not commit_id:
        raise ClaudestratorError(f"{id_} can't be undone, as no commit of it was found: `git log` shows what there is")
    _refuse_squashed(place, id_, commit_id)
    if place.own:
        _refuse_copied(person, id_, _message(place, commit_id))
    return place, commit_id, _matching(place, f"^This reverts commit {commit_id}")


def _refuse_squashed(place: Repository, id_: str, commit_id: str) -> None:
    """Raises ClaudestratorError if that commit holds other tasks too, because a person has squashed the branch."""
    said = _message(place, commit_id)
    others = [
        each for each in dict.fromkeys(re.findall(r"^Claudestrator-Task: (\S+)$", said, re.MULTILINE)) if each != id_
    ]
    if others:
        names = named(others, len(others))
        raise ClaudestratorError(
            f"{id_} can't be undone by itself, as {commit_id[:7]} holds {names} too: revert it by hand"
        )


def _refuse_copied(person: Repository, id_: str, said: str) -> None:
    """Raises ClaudestratorError if what is checked out has a copy of that commit of the run's branch, as by a rebase:
    then the person may no longer use the branch."""
    mark = re.search(r"^Claudestrator-Run: \S+$", said, re.MULTILINE)
    if copy := _matching(person, f"^{re.escape(mark[0])}$") if mark else "":
        branch = run_branch.current(person).removeprefix("refs/heads/")
        way = f"`git branch -D {branch}` if you have all of it, and undo it again; else revert it by hand in both"
        raise ClaudestratorError(f"{id_} is in what is checked out too, as {copy[:7]}: {way}")


def _message(place: Repository, commit_id: str) -> str:
    return place.call("-c", "log.showSignature=false", "log", "-1", "--format=%B", commit_id, "--").text


def _matching(place: Repository, pattern: str) -> str:
    """The last commit with a line of that pattern; "" if there is none."""
    # Another part of the repository may be a project too, with the same ids.
    words = ["log", "-1", "--full-history", "--format=%H", "-E", f"--grep={pattern}", "HEAD", "--"]
    within = [f":(literal){place.within}"] if place.within != "." else []
    return place.call("-c", "log.showSignature=false", *words, *within).text.strip()


def _refuse_dirty(project: Project, place: Repository) -> None:
    if place.own and os.path.exists(os.path.join(place.folder, "REVERT_HEAD")):
        # Of an undo that was killed.
        place.call("revert", "--abort")
    if place.own:
        # A merge of the person's commits may have been killed before the index had it.
        place.call("read-tree", "--reset", "HEAD")
        place.call("update-index", "-q", "--refresh")
    if begun := git.under_way(place):
        raise ClaudestratorError(f"{begun} is under way: end that first")
    changes, before = git.changes_in(place), set(task_commits.noted(project) or [])
    dirty = {} if isinstance(changes, str) else changes
    if place.own:
        before |= run_branch.committed_elsewhere(place)
    else:
        # What is staged in the person's own index would be in the commit, and lost if that is given up.
        whole = git.changes_in(place._replace(within="."))
        staged = {path for path, code in ({} if isinstance(whole, str) else whole).items() if code[0] not in " ?"}
        before, dirty = before - staged, dirty | dict.fromkeys(staged, "")
    changed = [path for path in dirty if path not in before and not task_commits.is_own(project, place, path)]
    if changed:
        names = named([cut(path, 60) for path in changed], len(changed))
        raise ClaudestratorError(f"there are changes that no commit has: {names}; commit or stash them first")


def _reverted_apart(place: Repository, id_: str, commit_id: str) -> str:
    """The same, on a branch that no working tree follows."""
    old = commit_witness.head(place)
    merged = tree_merge.merge(place, commit_id, old, f"{commit_id}^")
    if merged.conflicts:
        names = named([cut(path, 60) for path in merged.conflicts], len(merged.conflicts))
        raise ClaudestratorError(f"{id_} can't be undone, as what came later is built on it ({names})")
    if _counts(place, "diff-tree", "-r", old, merged.tree) != _inverse(place, commit_id):
        raise ClaudestratorError(f"{id_} can't be undone, as what came later is built on it ({_PART})")
    said = place.call("-c", "log.showSignature=false", "log", "-1", "--format=%s", commit_id, "--").text.strip()
    message = f'Revert "{said}"\n\nThis reverts commit {commit_id}.\n'
    made = place.call("commit-tree", merged.tree, "-p", old, text=message)
    new = made.text.strip()
    why = made.why or place.call("update-ref", "-m", f"revert: {said}", "HEAD", new, old).why
    if why:
        raise ClaudestratorError(f"{id_} can't be undone: {why}")
    return new


def _reverted(project: Project, place: Repository, id_: str, commit_id: str) -> str:
    """The commit that reverts that one. Raises ClaudestratorError, with everything as it was, if there can be none."""
    _refuse_dirty(project, place)
    old, why = commit_witness.head(place), ""
    done = place.call("-c", "revert.reference=false", "revert", "--no-commit", commit_id)
    if not done.code and _counts(place, "diff", "--cached", "HEAD") != _inverse(place, commit_id):
        why = _PART
    elif not done.code:
        done = place.call("commit", "--quiet", "--no-edit")
    new = commit_witness.head(place)
    if not new:
        raise ClaudestratorError(f"{place.root} was moved while {id_} was undone: call `undo` again in its new place")
    if why or done.code or new == old:
        place.call("revert", "--abort")
        raise ClaudestratorError(f"{id_} can't be undone, as what came later is built on it ({cut(why or done.why)})")
    return new


def _inverse(place: Repository, commit_id: str) -> list[list[str]]:
    return _counts(place, "diff-tree", "-r", "-R", "--root", "--no-commit-id", commit_id)


def _counts(place: Repository, *words: str) -> list[list[str]]:
    """How many lines a difference adds and takes away in each file, whatever the files are called."""
    done = place.call(*words, "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", "-z", "--")
    return sorted(each.split("\t")[:2] for each in done.text.split("\0") if each)
