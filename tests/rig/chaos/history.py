"""The repository of a chaos run: what of it is the person's, and the verdict on the commits of its tasks."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rig.chaos.evidence import COMPLETED, set_back
from rig.chaos.person import is_broken, statuses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.chaos.evidence import Evidence

BY_TASK = 'commit = "task"\n'
#: What the person has at work: changed, staged, and new. No agent goes near it.
FOREIGN = {"notes.txt": "changed\n", "staged.txt": "staged\n", "mine.txt": "new\n"}
_MARK = re.compile(r"^Claudestrator-Run: (\S+)/(\S+)/(\d+)$", re.MULTILINE)


class Commit(NamedTuple):
    """*marks* are the run, the task and the attempt that its message names, and *reverts* is the commit that it undoes,
    "" for none."""

    id: str
    marks: list[tuple[str, str, int]]
    paths: list[str]
    reverts: str = ""


class History(NamedTuple):
    """The commits on branches of runs, the paths at their tips, those in worktrees that are left, and how the person's
    things were and are."""

    commits: list[Commit]
    held: set[str]
    kept: set[str]
    before: dict[str, Any]
    after: dict[str, Any]


def prepare(root: str) -> dict[str, Any]:
    """A repository in which the person is at work; what it looks like."""
    _git(root, "init", "--quiet")
    for name in ("notes.txt", "staged.txt"):
        _write(root, name, "as it was\n")
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "-m", "by hand")
    for name, text in FOREIGN.items():
        _write(root, name, text)
    _git(root, "add", "staged.txt")
    return look(root)


def look(root: str) -> dict[str, Any]:
    """What must stay as it is."""
    contents = {}
    for name in FOREIGN:
        with open(os.path.join(root, name), encoding="utf-8") as file:
            contents[name] = file.read()
    index = _git(root, "ls-files", "--stage", *FOREIGN).split("\n")
    return {"head": _git(root, "rev-parse", "HEAD"), "index": index, "contents": contents}


def read(root: str, before: dict[str, Any]) -> History:
    branches = _git(root, "for-each-ref", "--format=%(refname)", "refs/heads/claudestrator").split()
    ids = _git(root, "rev-list", "--reverse", "--no-merges", *branches, "--not", "HEAD").split() if branches else []
    held = {path for branch in branches for path in _git(root, "ls-tree", "-r", "--name-only", branch).split("\n")}
    trees = Path(root, ".claude", "worktrees")
    kept = {str(path.relative_to(tree)) for tree in trees.glob("*") for path in tree.glob("src/*")}
    return History([_commit(root, id_) for id_ in ids], held, kept, before, look(root))


def _commit(root: str, id_: str) -> Commit:
    message = _git(root, "log", "-1", "--format=%B", id_)
    paths = _git(root, "diff-tree", "-r", "--root", "--no-commit-id", "--name-only", id_).split("\n")
    reverts = re.search(r"^This reverts commit (\w+)", message, re.MULTILINE)
    marks = [(run, task, int(attempt)) for run, task, attempt in _MARK.findall(message)]
    return Commit(id_, marks, paths, reverts[1] if reverts else "")


def committed(found: Evidence) -> Iterable[str]:
    """Each completed task has one commit, which holds nothing of the person's; what has none is said to have none."""
    history = found.history
    if history is None:
        return
    marks = Counter(mark for commit in history.commits for mark in commit.marks)
    yield from (
        f"{id_}, attempt {attempt}, has {count} commits" for (_, id_, attempt), count in marks.items() if count > 1
    )
    for commit in history.commits:
        if len(commit.marks) != (not commit.reverts):
            yield f"the commit {commit.id[:7]} names {len(commit.marks)} tasks"
        yield from (f"the commit {commit.id[:7]} holds the person's {path}" for path in commit.paths if path in FOREIGN)
        yield from (f"the commit {commit.id[:7]} holds {path}" for path in commit.paths if path.startswith(".claude/"))
    known = {(run, id_) for run, id_, _ in marks}
    by_task = {run for run, _ in known} | (
        {each["run"] for each in found.log} if found.of("begins")[0]["commit"] else set()
    )
    alone = all(each["parallel"] == 1 for each in found.of("begins", "session opens")) or bool(in_trees(found))
    for run, id_ in dict.fromkeys((each["run"], each["id"]) for each in found.log if each["event"] == "done"):
        is_due = id_.startswith("TASK-") and run in by_task and (run, id_) not in known
        if not is_due or set_back(found, id_) or without(found, id_):
            continue
        if any(each["of"] == "full disk" for each in found.of("fault")) and f"src/{id_}.txt" in history.held:
            # On a full disk neither the commit nor the word of it may come; the next commit has the work.
            continue
        if alone or f"src/{id_}.txt" not in history.held:
            # Beside others in one working tree, its work may be in the commit of one of them.
            yield f"{id_} was completed, has no commit, and nobody was told"


def undone(found: Evidence) -> Iterable[str]:
    """A commit is undone once at most, because a person asked for it, and its task is no longer completed by it."""
    history = found.history
    if history is None:
        return
    reverted = Counter(commit.reverts for commit in history.commits if commit.reverts)
    made = {commit.id: id_ for commit in history.commits for _, id_, _ in commit.marks}
    yield from (f"the commit {id_[:7]} was undone {count} times" for id_, count in reverted.items() if count > 1)
    asked = [
        each["words"][1] for each in found.calls("undo") if not each["code"] or is_broken(each["code"], each["err"])
    ]
    undone = Counter(made.get(id_, "?") for id_ in reverted)
    for id_, count in undone.items():
        if count > asked.count(id_):
            yield f"{count} commits of {id_} were undone, and nobody asked for it"
    left = {id_ for commit, id_ in made.items() if commit not in reverted}
    for id_, status in statuses(found.queue).items():
        if status == COMPLETED and id_ in {*undone} - left and not without(found, id_):
            yield f"{id_} is completed, and all its commits were undone"


def in_trees(found: Evidence) -> set[str]:
    """The agents that worked in worktrees, by their names in the journal."""
    return {each["who"] for each in found.of("works") if each.get("tree")}


def without(found: Evidence, id_: str) -> list[str]:
    """Why there is no commit of that task, as it was said."""
    said = (each["out"] for each in found.calls("wait", "start", "hook"))
    logged = [str(each["reason"]) for each in found.log if (each["event"], each.get("id")) == ("uncommitted", id_)]
    return logged + [why for text in said for why in re.findall(rf"commit none of {id_}: ([^\n\\]*)", text)]


def kept_whole(found: Evidence) -> Iterable[str]:
    """What the tasks with commits have made is at the end of a branch, and nothing of the person's has changed."""
    history = found.history
    if history is None:
        return
    head = [each["head"] for each in found.of("committed")][-1:]
    for what, was in {**history.before, **({"head": head[0]} if head else {})}.items():
        if history.after[what] != was:
            yield f"the person's {what} was {was}, and is {history.after[what]}"
    reverted = {commit.reverts for commit in history.commits}
    with_commit = {id_ for commit in history.commits for _, id_, _ in commit.marks if commit.id not in reverted}
    gone = {id_ for commit in history.commits for _, id_, _ in commit.marks if commit.id in reverted}
    worked = {effect.id for effect in found.ledger}
    for id_, status in statuses(found.queue).items():
        if status == COMPLETED and id_ in with_commit & worked and f"src/{id_}.txt" not in history.held:
            yield f"src/{id_}.txt is in no branch, and {id_} has a commit"
    trees = in_trees(found)
    for id_ in dict.fromkeys(effect.id for effect in found.ledger if effect.who in trees and effect.id not in gone):
        if f"src/{id_}.txt" not in history.held | history.kept:
            yield f"the work on {id_} was in a worktree, and is nowhere"


def _write(root: str, name: str, text: str) -> None:
    with open(os.path.join(root, name), "w", encoding="utf-8") as file:
        file.write(text)


def _git(root: str, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
