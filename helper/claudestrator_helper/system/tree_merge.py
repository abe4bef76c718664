"""Moving what an agent has changed in a worktree to another commit of the run's branch, by a merge.

Git merges trees without touching a working tree (https://git-scm.com/docs/git-merge-tree, from 2.38 on). Only the paths
that differ are then written. If a kill stops that, the next call first takes back what had been written.
"""

import contextlib
import os
import re
import tempfile
from typing import NamedTuple

from ..errors import ClaudestratorError
from ..store.paths import Project
from . import claude_files, commit_witness, git, made_by_setup, worktrees
from .commit_witness import Repository
from .worktrees import Tree

#: The labels of the markers are commits of ours, so text of the project that looks like markers is none. A path follows
#: where a file was renamed, and the attribute `conflict-marker-size` sets how long they are.
_MARKER = re.compile(rb"^<+ [0-9a-f]{40,64}(?::.*)?\s*$", re.MULTILINE)
#: Those of a merge that an agent has begun have labels of its own.
_ANY_MARKERS = re.compile(rb"^<{7,} .*^>{7,} ", re.MULTILINE | re.DOTALL)
#: Files in the git folder while an agent's own merge is under way, and what ends it and leaves the files as they are.
_ENDED_BY = {"MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert"}
#: The end of a name that git gives to a file where the other side has a folder, or the other way round.
_IN_THE_WAY = re.compile(r"~[0-9a-f]{40,64}(?:_\d+)?(?:/|$)")
#: Merges need commits, and these are in no history.
_NOBODY = ("-c", "user.name=claudestrator", "-c", "user.email=claudestrator@localhost", "-c", "commit.gpgSign=false")


class Merged(NamedTuple):
    """A merged *tree*, with markers in it if there are *conflicts*: their paths, and what git *said* of each."""

    tree: str
    conflicts: list[str]
    said: list[str]


def merge(place: Repository, base: str, mine: str, theirs: str) -> Merged:
    """The changes from *base* to *theirs* in *mine*; each is a tree or a commit. Raises ClaudestratorError if git can't
    merge."""
    # The option --merge-base is younger than the rest (2.40), so git has to find it.
    if place.call("merge-base", "--is-ancestor", base, theirs).code:
        common = _commit(place, base)
        sides = [_commit(place, each, common) for each in (mine, theirs)]
    else:
        sides = [_commit(place, mine, base), theirs]
    done = place.call("merge-tree", "--write-tree", "-z", "--name-only", *sides)
    tree, *rest = done.text.split("\0")
    if done.code not in (0, 1) or not tree:
        raise ClaudestratorError(f"git can't merge: {done.why}")
    names = rest[: rest.index("")] if "" in rest else []
    return Merged(tree, list(dict.fromkeys(names)), _messages(rest[len(names) + 1 :]) if names else [])


def _commit(place: Repository, tree: str, *parents: str) -> str:
    words = [word for parent in parents for word in ("-p", parent)]
    done = place.call(*_NOBODY, "commit-tree", f"{tree}^{{tree}}", *words, text="merge\n")
    if done.code:
        raise ClaudestratorError(f"git can't merge: {done.why}")
    return done.text.strip()


def _messages(words: list[str]) -> list[str]:
    """The messages about conflicts: each comes as a number of paths, these, a kind, and a text."""
    found = []
    while words and words[0].isdigit():
        at = int(words[0]) + 1
        kind, text, words = words[at], words[at + 1], words[at + 2 :]
        found += [text.strip()] if kind.startswith("CONFLICT") else []
    return found


def move(tree: Tree, main: Project, tip: str) -> tuple[Tree, list[str]]:
    """Moves the work in *tree* to the commit *tip*. Returns the tree, which notes the conflicts, and what git said of
    them. Raises ClaudestratorError, with the work where it was, if that can't be done."""
    ours = tree.repository
    tree = _taken_back(tree)
    # What an earlier attempt has left is still to be looked at.
    waiting = unresolved(tree)
    with tempfile.TemporaryDirectory(prefix="claudestrator-") as folder:
        index = os.path.join(folder, "index")
        before = _snapshot(tree, main, index)
        merged = merge(ours, tree.note.base, before, tip)
        _make_room(tree, before, merged.tree, index)
        _hold(tree, before, merged.tree)
        tree = tree.noted(moving=[before, merged.tree])
        _checked(ours.call("read-tree", "-m", "-u", before, merged.tree, index=index).why, tree)
        # What git knows from it of files that stay the same saves it from reading them. The times count, too.
        _checked(commit_witness.copied_index(folder, os.path.join(tree.folder, "index")), tree)
    _rebased(tree, tip)
    conflicts = list(dict.fromkeys([*merged.conflicts, *waiting]))
    return _moved(tree, base=tip, conflicts=conflicts), merged.said


def _hold(tree: Tree, before: str, after: str) -> None:
    """Keeps these two trees from `git gc --prune=now`, without which a move that a kill has cut off can't be taken
    back. Git keeps only what a reference of the repository names; it prunes what is named by another worktree's own
    (measured with 2.39)."""
    made = tree.repository.call("mktree", text=f"040000 tree {after}\tafter\n040000 tree {before}\tbefore\n")
    _checked(made.why, tree)
    _checked(tree.repository.call("update-ref", _held_by(tree), made.text.strip()).why, tree)


def _moved(tree: Tree, **values: object) -> Tree:
    tree = tree.noted(moving=[], **values)
    tree.repository.call("update-ref", "-d", _held_by(tree))
    return tree


def _held_by(tree: Tree) -> str:
    return f"refs/claudestrator/moving/{os.path.basename(tree.folder)}"


def _make_room(tree: Tree, before: str, after: str, index: str) -> None:
    """Takes back what the set-up has changed where others have finished something: git would not overwrite it."""
    if made := made_by_setup.unchanged(tree.repository):
        differing = _differing(tree, before, after)
        made_by_setup.put_back(tree.repository, [path for path in made if path in differing], index)


def _differing(tree: Tree, before: str, after: str) -> list[str]:
    listed = tree.repository.call("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after).text
    return [path for path in listed.split("\0") if path]


def _rebased(tree: Tree, base: str) -> None:
    """Sets HEAD and the index to *base*, and leaves the files as they are."""
    ours = tree.repository
    for words in (["update-ref", "--no-deref", "HEAD", base], ["read-tree", "--reset", base]):
        _checked(ours.call(*words).why, tree)


def _checked(why: str, tree: Tree) -> None:
    if why:
        raise ClaudestratorError(f"git can't move the work in {tree.path}: {why}")


def unfold(tree: Tree) -> Tree:
    """Makes commits of the agent's own, one of ours that was not merged, and what a merge has brought that the agent
    has begun, changes again; no branch moves. Raises ClaudestratorError for what only the agent can end."""
    commit_witness.settle(tree.repository)
    if begun := git.under_way(tree.repository):
        tree = _ended(tree, begun)
    if commit_witness.head(tree.repository) != tree.note.base:
        _rebased(tree, tree.note.base)
    return tree


def _ended(tree: Tree, begun: str) -> Tree:
    """The tree without the operation that its agent has *begun*, if its files have all of that."""
    verbs = [verb for name, verb in _ENDED_BY.items() if os.path.exists(os.path.join(tree.folder, name))]
    if not verbs or os.path.exists(os.path.join(tree.folder, "sequencer")):
        verb = begun.rsplit(maxsplit=1)[-1]
        ways = "`git bisect reset`" if verb == "bisection" else f"`git {verb} --continue` or `git {verb} --abort`"
        raise ClaudestratorError(f"{begun} is under way in {tree.path}: end it there by {ways}, and report again")
    listed = tree.repository.call("ls-files", "--unmerged", "-z", "--full-name").text.split("\0")
    if unmerged := {entry.partition("\t")[2] for entry in listed if entry}:
        tree = tree.noted(begun=sorted(unmerged))
    # After a kill the operation is still there, and the note has the paths.
    _rebased(tree, tree.note.base)
    for verb in verbs:
        _checked(tree.repository.call(verb, "--quit").why, tree)
    return tree


def _snapshot(tree: Tree, main: Project, index: str) -> str:
    """A tree of what the worktree holds, as far as a commit may hold it; *index* is filled with it."""
    ours = tree.repository
    changes = git.changes_in(ours)
    if isinstance(changes, str):
        raise ClaudestratorError(f"git can't read {tree.path}: {changes}")
    left = git.left_out(ours.root, changes, skipped(tree, main, changes))
    chosen = {path: code for path, code in changes.items() if path not in left}
    _checked(git.staged(ours, index, tree.note.base, chosen), tree)
    # A file that was written as it was before is not among the changes, and git refuses to replace one of another time.
    ours.call("update-index", "-q", "--refresh", index=index)
    done = ours.call("write-tree", index=index)
    _checked(done.why, tree)
    return done.text.strip()


def skipped(tree: Tree, main: Project, changes: dict[str, str]) -> dict[str, str]:
    """The changed paths that no commit of a worktree holds, and why: the run's own, what tools generate, and what the
    set-up has left."""
    state = os.path.normpath(os.path.join(tree.within, os.path.relpath(main.state, main.root)))
    own = claude_files.left_out(tree.path, state, changes, git.BEFORE)
    generated = [path for path, code in changes.items() if code == "??" and worktrees.is_generated(path)]
    copied = [path for path in changes if path in tree.note.copied]
    return own | dict.fromkeys([*generated, *copied, *made_by_setup.unchanged(tree.repository)], git.BEFORE)


def unresolved(tree: Tree) -> list[str]:
    """The paths that were in conflict and still have markers, or the name that git gave them."""
    full = {path: os.path.join(tree.path, path) for path in tree.note.conflicts}
    named = [path for path in full if _IN_THE_WAY.search(path) and os.path.lexists(full[path])]
    begun = [path for path in tree.note.begun if _has_markers(os.path.join(tree.path, path), _ANY_MARKERS)]
    return [path for path in full if path in named or _has_markers(full[path], _MARKER)] + begun


def _has_markers(path: str, markers: re.Pattern[bytes]) -> bool:
    with contextlib.suppress(OSError), open(path, "rb", opener=_no_link) as file:
        return bool(markers.search(file.read()))
    return False


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _taken_back(tree: Tree) -> Tree:
    """The tree as it was before a move that was killed, apart from what its agent has changed since."""
    if not tree.note.moving:
        return tree
    before, after = tree.note.moving
    ours = tree.repository
    with tempfile.TemporaryDirectory(prefix="claudestrator-") as folder:
        index = os.path.join(folder, "index")
        _checked(ours.call("read-tree", "--reset", after, index=index).why, tree)
        ours.call("update-index", "-q", "--refresh", index=index)
        touched = ours.call("diff-files", "--name-only", "-z", index=index).text.split("\0")
        moved = [path for path in _differing(tree, before, after) if path not in touched]
        _put_back(ours, before, moved, index)
    _rebased(tree, tree.note.base)
    return _moved(tree)


def _put_back(ours: Repository, before: str, paths: list[str], index: str) -> None:
    ours.call("read-tree", "--reset", before, index=index)
    held = {path for path in ours.call("ls-files", "-z", "--full-name", index=index).text.split("\0") if path}
    back = [path for path in paths if path in held]
    ours.call("checkout-index", "-f", "-z", "--stdin", text="\0".join(back), index=index)
    for path in set(paths) - held:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(ours.root, path))
