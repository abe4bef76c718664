"""Whether anything that git sees in the working tree has changed while an agent was at work.

Agents wait for this, so git is started without `subprocess`, whose import takes longer than git itself.
"""

import os
import select
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

from ..store.paths import Project
from . import git_safety

#: signal.SIGKILL: importing signal makes enums of all that it has.
_KILL = 9
#: Seconds after which git is stopped, because an agent is waiting.
TIMEOUT = 10.0
#: Words before the path in a line of git's status, by the line's kind;
#: see https://git-scm.com/docs/git-status#_porcelain_format_version_2
_BEFORE_PATH = {b"1": 8, b"u": 10, b"?": 1}
#: Files and seconds in which a folder without a repository is looked through.
_MOST, _PATIENCE = 50_000, 3.0


def fingerprint(project: Project) -> str:
    """A text that differs once anything outside the state folder is committed, changed, added or removed; "" outside a
    repository, if git ignores the whole project, and if git fails or takes longer than TIMEOUT."""
    top, within = git_safety.top(project.root)
    status = _status(project, top, within) if top else None
    if not status:
        return ""
    if within != ".":
        entries = status.split(b"\0")
        if b"! " + os.fsencode(within) + b"/" in entries:
            return ""
        status = b"\0".join(entry for entry in entries if entry[:1] != b"!")
    stamps = [_stamp(os.fsencode(top), entry) for entry in status.split(b"\0") if entry[:1] in _BEFORE_PATH]
    return f"{zlib.crc32(status):08x}{zlib.crc32(repr(stamps).encode()):08x}"


def print_of_files(project: Project) -> str:
    """The same for a gate's result, and outside a repository too; "" if there is too much to look through."""
    if found := fingerprint(project):
        return found
    deadline, stamps = time.monotonic() + _PATIENCE, list[tuple[str, int, int]]()
    for entry in _files(project.root, project.state):
        with suppress(OSError):
            seen = entry.stat(follow_symlinks=False)
            stamps.append((entry.path.removeprefix(project.root), seen.st_size, seen.st_mtime_ns))
        if len(stamps) > _MOST or time.monotonic() > deadline:
            return ""
    return f"{zlib.crc32(repr(sorted(stamps)).encode('utf-8', 'surrogateescape')):08x}"


def _files(folder: str, without: str) -> Iterator["os.DirEntry[str]"]:
    folders = [folder]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield entry
                elif entry.path != without:
                    folders.append(entry.path)


def _stamp(folder: bytes, entry: bytes) -> tuple[int, int] | None:
    """Size and time, in nanoseconds, of the file in a line of the status, because a changed file may change again."""
    path = entry.split(b" ", _BEFORE_PATH[entry[:1]])[-1]
    try:
        found = os.lstat(os.path.join(folder, path))
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def _status(project: Project, top: str, within: str) -> bytes | None:
    state = os.path.relpath(project.state, project.root)
    outside = [] if state.startswith("..") else [f":(exclude,literal){os.path.normpath(os.path.join(within, state))}"]
    status = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all"]
    status += ["--ignored=matching"] if within != "." else []
    words = git_safety.command("-C", top, "--no-optional-locks", *status, "--", f":(literal){within}", *outside)
    environment = git_safety.environment()
    ours, its = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate((nothing, its, nothing))]
        pid = os.posix_spawnp("git", words, environment, file_actions=actions)
    except OSError:
        os.close(ours)
        return None
    finally:
        os.close(its)
        os.close(nothing)
    with open(ours, "rb", buffering=0) as output:
        text = _read(output.fileno(), time.monotonic() + TIMEOUT)
    if text is None:
        with suppress(ProcessLookupError):
            os.kill(pid, _KILL)
    return text if os.waitpid(pid, 0)[1] == 0 else None


def _read(file: int, deadline: float) -> bytes | None:
    """Everything up to the end of *file*; None if it doesn't end before *deadline*."""
    parts: list[bytes] = []
    while select.select([file], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(file, 1_000_000)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None
