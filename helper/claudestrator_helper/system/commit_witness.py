"""What remains to be done once git has made a commit, recorded so that a kill can't lose it.

The commit is made from an index of its own, so the repository's index has to be updated. A hook may have added files
that were left out, and then the commit has to be undone. The witness, a file in the git folder, says what was intended.
It applies only to a commit with the run's mark, never to a person's own.
"""

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..errors import ClaudestratorError
from ..store import files
from ..texts import fields
from . import secret_names
from .git_process import Done, call

#: Seconds to wait for another git that holds the index after a commit.
_BUSY = 3.0
_NAME = "claudestrator-commit"


class Repository(NamedTuple):
    """*root* is the working tree's folder, *folder* its git folder, *within* the project's path relative to *root*. A
    git folder of our *own* has a HEAD and an index of its own for the same working tree; see run_branch."""

    root: str
    folder: str
    within: str = "."
    own: bool = False

    def call(self, *words: str, trace: str = "", **more: Any) -> Done:
        """Runs git here; see git_process.call. *trace* is a file for its events."""
        variables = {"GIT_DIR": self.folder, "GIT_WORK_TREE": self.root} if self.own else {}
        variables |= {"GIT_TRACE2_EVENT": trace} if trace else {}
        return call(self.root, *words, variables=variables, **more)


class Witness(NamedTuple):
    """*old* is the commit before ours, *mark* the last line of our message, *held* the entry that the repository's
    index had for each path to commit, *left* the paths to leave out."""

    old: str
    mark: str
    held: dict[str, str]
    left: list[str]


def leave(repository: Repository, message: str, old: str, paths: Iterable[str], left: Iterable[str]) -> None:
    """Records the commit that is about to be made. Raises ClaudestratorError if the witness can't be written."""
    held = {} if repository.own else _held(repository)
    index = {path: held.get(path, "") for path in paths}
    mark = message.rstrip().rpartition("\n")[2]
    files.write(_path(repository), json.dumps(Witness(old, mark, index, [*left])._asdict()))


def settle(repository: Repository, *, over: bool = False, made: bool = False, index: str = "") -> tuple[str, str]:
    """Finishes the commit of the witness; returns its id, or "" and why it was undone, or "" twice without a commit.
    *over* says that git has ended, *made* that it has made the commit, from that *index*. After a kill git may still be
    at work."""
    found = _read(repository)
    new = head(repository) if found else ""
    if found and (new in ("", found.old) and not over):
        return "", ""
    ours = found and new not in ("", found.old) and (made or _is_ours(repository, found))
    if not (found and ours):
        _remove(repository)
        return "", ""
    entries = _changed(repository, found.old)
    foreign = [path for path in entries if _is_foreign(path, found)]
    if foreign:
        why = _undone(repository, found.old, new)
        _remove(repository)
        return "", f"{why}, as a hook put {fields.named(map(_short, foreign), len(foreign))} into it"
    if _renewed(repository, index) if repository.own else _told(repository, entries, found.held):
        _remove(repository)
    return new, ""


def cut_off(repository: Repository) -> tuple[list[str], float]:
    """The paths left out of a commit that was killed before git made it, and when that was, in seconds."""
    found = _read(repository)
    return (found.left, os.path.getmtime(_path(repository))) if found else ([], 0.0)


def head(repository: Repository, name: str = "HEAD") -> str:
    """The id of the commit *name*, which is HEAD or a branch's; "" if there is none."""
    # To start git takes fifty times as long as to read its file.
    found = _plain(repository, name)
    if found.startswith("ref: refs/heads/"):
        found = _plain(repository, found.removeprefix("ref: "))
    if re.fullmatch("[0-9a-f]{40,64}", found):
        return found
    return repository.call("rev-parse", "--verify", "--quiet", name).text.strip()


def _plain(repository: Repository, name: str) -> str:
    """What git's file of that name says; "" if there is none, as for a branch that git has packed."""
    folder = repository.folder
    with contextlib.suppress(ClaudestratorError):
        if name != "HEAD" and (common := files.read(os.path.join(folder, "commondir"))):
            folder = os.path.join(folder, common.strip("\n"))
        return (files.read(os.path.join(folder, name)) or "").strip()
    return ""


def _short(path: str) -> str:
    return fields.cut(path, 40)


def _path(repository: Repository) -> str:
    return os.path.join(repository.folder, _NAME)


def _read(repository: Repository) -> Witness | None:
    try:
        return Witness(**json.loads(files.read(_path(repository)) or ""))
    except (ClaudestratorError, ValueError, TypeError):
        return None


def _remove(repository: Repository) -> None:
    with contextlib.suppress(ClaudestratorError):
        files.remove(_path(repository))


def _is_ours(repository: Repository, found: Witness) -> bool:
    """Whether the last commit is the intended one; a hook may have added lines to its message."""
    if head(repository, "HEAD^") != found.old:
        return False
    said = repository.call("-c", "log.showSignature=false", "log", "-1", "--encoding=UTF-8", "--format=%B")
    return bool(found.mark) and found.mark in said.text.split("\n")


def _is_foreign(path: str, found: Witness) -> bool:
    """Whether *path* must not be in the commit. Files that a hook formats or generates may be."""
    left_out = path in found.left or f"{path}/" in found.left
    return left_out or (path not in found.held and secret_names.is_secret(path))


def _undone(repository: Repository, old: str, new: str) -> str:
    """Undoes the commit; the working tree and the index, which don't have it yet, stay as they are."""
    words = ["-m", "claudestrator: undone", "HEAD", old, new] if old else ["-d", "HEAD", new]
    done = repository.call("update-ref", *words)
    return f"it could not be undone ({done.why})" if done.code else "it was undone"


def _changed(repository: Repository, old: str) -> dict[str, tuple[str, str]]:
    """The changes since *old*, by path: the index entry before them and the entry that the index should get."""
    between = [old, "HEAD"] if old else ["--root", "HEAD"]
    done = repository.call("diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", *between, "--")
    return dict(_entries(done.text))


def _entries(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each path of raw changes, with its index entry before and after them."""
    words = text.split("\0")
    # Each change is ":old-mode new-mode old-id new-id letter" and then its path. Mode 0 means no entry, or removes one.
    for raw, path in zip(words[::2], words[1::2], strict=False):
        old, new, id_, now, _ = raw[1:].split()
        yield path, (f"{old} {id_}" if int(old) else "", f"{new} {now}")


def _held(repository: Repository) -> dict[str, str]:
    """The index entry of each path, as "mode id"."""
    listed = repository.call("ls-files", "--stage", "-z", "--full-name").text.split("\0")
    entries = (entry.partition("\t") for entry in listed if entry)
    # Each path has "mode id 0"; other numbers mark the sides of a conflict.
    return {path: said.removesuffix(" 0") for said, _, path in entries}


def tell(repository: Repository, old: str, new: str) -> None:
    """Updates the index with what the commits after *old*, up to *new*, have changed; *old* is "" for all of them. An
    entry that the person has staged stays."""
    held, wanted = _held(repository), dict[str, tuple[str, str]]()
    passed: dict[str, set[str]] = {}
    words = ["log", "--raw", "-r", "-z", "--no-renames", "--no-abbrev", "--format=", "--root", "-m"]
    done = repository.call("-c", "log.showSignature=false", *words, f"{old}..{new}" if old else new, "--")
    for path, (before, after) in _entries(done.text):
        # The newest commit comes first.
        wanted.setdefault(path, (before, after))
        passed.setdefault(path, set()).update((before, "" if after.startswith("000000") else after))
    ours = {path: entry for path, entry in wanted.items() if held.get(path, "") in passed[path]}
    _told(repository, ours, {path: held.get(path, "") for path in ours})


def _told(repository: Repository, entries: dict[str, tuple[str, str]], index: dict[str, str]) -> bool:
    """Updates the index with these entries; False if another git holds it for too long. What a person has staged since
    the commit began stays as it is."""
    held = _held(repository)
    known = (path for path, (old, _) in entries.items() if held.get(path, "") == index.get(path, old))
    text = "".join(f"{entries[path][1]}\t{path}\0" for path in known)
    for _ in _until(time.monotonic() + _BUSY):
        if not repository.call("update-index", "-z", "--index-info", text=text).code:
            repository.call("update-index", "-q", "--refresh")
            return True
    return False


def _renewed(repository: Repository, index: str) -> bool:
    """Sets an index that is our own to the last commit, by a copy of the one that it was made from if that is there."""
    if index and not copied_index(os.path.dirname(index), os.path.join(repository.folder, "index")):
        return True
    done = repository.call("read-tree", "--reset", "HEAD")
    repository.call("update-index", "-q", "--refresh")
    return not done.code


def copied_index(folder: str, path: str) -> str:
    """Copies the index of a git folder, whose times save git from reading all files; returns why that failed, or ""."""
    try:
        # copy2 keeps the age that those times rely on.
        shutil.copy2(os.path.join(folder, "index"), f"{path}.new")
        os.replace(f"{path}.new", path)
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"git's index can't be copied: {error.strerror}"
    return ""


def whole_index(repository: Repository, path: str) -> str:
    """Copies the index for another git folder; returns why that failed, or ""."""
    why = copied_index(repository.folder, path)
    # The other part of a split index is looked for in the git folder in use.
    is_split = any(name.startswith("sharedindex.") for name in files.names(repository.folder))
    return why or (repository.call("update-index", "--no-split-index", index=path).why if is_split else "")


def _until(end: float) -> Iterator[None]:
    yield
    while time.monotonic() < end:
        time.sleep(0.1)
        yield
