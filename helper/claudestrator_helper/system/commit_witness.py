"""What is left of a commit to do once git has made it, which a kill must not lose.

The commit was made from an index of its own, so the repository's index has to be told of it; and a hook may have put
into it what was left out, so that it has to be undone. The witness, a file in the git folder, says what was meant. It
counts for a commit that carries the run's mark and for no other: a person's own is none of ours.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from ..errors import ClaudestratorError
from ..store import files
from ..texts import fields
from . import secret_names
from .git_process import call

#: Seconds for which another git may hold the index after a commit.
_BUSY = 3.0
_NAME = "claudestrator-commit"


@dataclass(frozen=True)
class Repository:
    """*root* is the working tree's folder, *folder* git's own of this working tree, *within* the project in *root*."""

    root: str
    folder: str
    within: str = "."


@dataclass(frozen=True)
class Witness:
    """*old* is the commit before ours, *mark* the last line of our message, *index* what the repository's index held
    for each path that is to be committed, *left* the paths that are not to be."""

    old: str
    mark: str
    index: dict[str, str]
    left: list[str]


def leave(repository: Repository, message: str, old: str, paths: Iterable[str], left: Iterable[str]) -> None:
    """Says what is about to be committed. Raises ClaudestratorError where it can't be written."""
    held = _held(repository)
    index = {path: held.get(path, "") for path in paths}
    mark = message.rstrip().rpartition("\n")[2]
    files.write(_path(repository), json.dumps(asdict(Witness(old, mark, index, [*left]))))


def settle(repository: Repository, *, over: bool = False, made: bool = False) -> tuple[str, str]:
    """Finishes the commit that a witness tells of: its id, or "" and why it was undone; both "" where there is none.

    *over* says that git has ended, *made* that it has made the commit. After a kill it may still be at work.

    """
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
    if _told(repository, entries, found.index):
        _remove(repository)
    return new, ""


def cut_off(repository: Repository) -> tuple[list[str], float]:
    """What was left out of a commit that was killed before git made it, and when that was."""
    found = _read(repository)
    return (found.left, os.path.getmtime(_path(repository))) if found else ([], 0.0)


def head(repository: Repository, name: str = "HEAD") -> str:
    return call(repository.root, "rev-parse", "--verify", "--quiet", name).text.strip()


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
    """Whether the last commit is the one that was meant; a hook may have added lines to its message."""
    if head(repository, "HEAD^") != found.old:
        return False
    said = call(repository.root, "-c", "log.showSignature=false", "log", "-1", "--encoding=UTF-8", "--format=%B")
    return bool(found.mark) and found.mark in said.text.split("\n")


def _is_foreign(path: str, found: Witness) -> bool:
    """Whether that path is in the commit against our will; what a hook formats or generates may be."""
    left_out = path in found.left or f"{path}/" in found.left
    return left_out or (path not in found.index and secret_names.is_secret(path))


def _undone(repository: Repository, old: str, new: str) -> str:
    """Takes the commit back, and with it nothing in the working tree or the index, which don't know of it yet."""
    words = ["-m", "claudestrator: undone", "HEAD", old, new] if old else ["-d", "HEAD", new]
    done = call(repository.root, "update-ref", *words)
    return f"it could not be undone ({done.why})" if done.code else "it was undone"


def _changed(repository: Repository, old: str) -> dict[str, tuple[str, str]]:
    """What the commits since *old* have changed, by path: what the index held before it, and what it is to hold."""
    between = [old, "HEAD"] if old else ["--root", "HEAD"]
    done = call(repository.root, "diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", *between, "--")
    words = done.text.split("\0")
    # Of each change: ":old-mode new-mode old-id new-id letter", then its path. Mode 0 is no entry, and removes one.
    raws = ((raw[1:].split(), path) for raw, path in zip(words[::2], words[1::2], strict=False))
    return {path: (f"{old} {id_}" if int(old) else "", f"{new} {now}") for (old, new, id_, now, _), path in raws}


def _held(repository: Repository) -> dict[str, str]:
    """What the index holds of each path."""
    listed = call(repository.root, "ls-files", "--stage", "-z", "--full-name").text.split("\0")
    entries = (entry.partition("\t") for entry in listed if entry)
    # Of each path: "mode id 0"; the other numbers are the sides of a conflict.
    return {path: said.removesuffix(" 0") for said, _, path in entries}


def _told(repository: Repository, entries: dict[str, tuple[str, str]], index: dict[str, str]) -> bool:
    """Whether the index has taken over these entries; not while another git holds it. What a person has staged since
    the commit began stays as it is."""
    held = _held(repository)
    known = (path for path, (old, _) in entries.items() if held.get(path, "") == index.get(path, old))
    text = "".join(f"{entries[path][1]}\t{path}\0" for path in known)
    for _ in _until(time.monotonic() + _BUSY):
        if not call(repository.root, "update-index", "-z", "--index-info", text=text).code:
            call(repository.root, "update-index", "-q", "--refresh")
            return True
    return False


def _until(end: float) -> Iterator[None]:
    yield
    while time.monotonic() < end:
        time.sleep(0.1)
        yield
