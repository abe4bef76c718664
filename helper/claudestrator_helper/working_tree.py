"""Whether anything in the working tree has changed while an agent was at work, as git sees it.

Agents wait for this, so git is started without `subprocess`, whose import takes longer than git does.
"""

import os
import select
import signal
import time
import zlib
from contextlib import suppress

from .paths import Project

#: Seconds after which nothing is said: a tree on which git takes longer isn't worth an agent's waiting.
TIMEOUT = 10.0
#: Words in front of the path in a line of git's status, by the line's kind.
_BEFORE_PATH = {b"1": 8, b"u": 10, b"?": 1}


def fingerprint(project: Project) -> str:
    """Another one once something is committed, changed, added or removed outside the state folder; "" where git can't
    tell in time, or there is none."""
    status = _status(project)
    if not status:
        return ""
    top = os.fsencode(_top(project.root))
    stamps = [_stamp(top, entry) for entry in status.split(b"\0") if entry[:1] in _BEFORE_PATH]
    return f"{zlib.crc32(status):08x}{zlib.crc32(repr(stamps).encode()):08x}"


def _top(folder: str) -> str:
    """The repository's root, from which git counts paths."""
    at = folder
    while not os.path.exists(os.path.join(at, ".git")):
        if at == os.path.dirname(at):
            return folder
        at = os.path.dirname(at)
    return at


def _stamp(folder: bytes, entry: bytes) -> tuple[int, int] | None:
    """Size and time of the file that a line of the status is about: it may change again and stay as changed."""
    path = entry.split(b" ", _BEFORE_PATH[entry[:1]])[-1]
    try:
        found = os.lstat(os.path.join(folder, path))
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def _status(project: Project) -> bytes | None:
    state = os.path.relpath(project.state, project.root)
    outside = [] if state.startswith("..") else [f":(exclude,literal){state}"]
    words = [
        *("git", "-C", project.root, "--no-optional-locks", "-c", "core.fsmonitor=false"),
        *("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all", "--", ".", *outside),
    ]
    # The project's folder says which repository it is.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
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
            os.kill(pid, signal.SIGKILL)
    return text if os.waitpid(pid, 0)[1] == 0 else None


def _read(file: int, deadline: float) -> bytes | None:
    """All of it; None if it doesn't end in time."""
    parts: list[bytes] = []
    while select.select([file], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(file, 1_000_000)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None
