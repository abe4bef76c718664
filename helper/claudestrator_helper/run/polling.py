"""Waiting for files by `stat`: inotify sees nothing on some mounts (WSL, Docker binds, NFS), and a look costs 3 µs."""

import os
from collections.abc import Callable, Iterable

from .. import host

#: Seconds between two looks.
INTERVAL = 0.03

#: Seconds: Claude Code's cap on one Bash call unless BASH_MAX_TIMEOUT_MS says otherwise, and the timeout that
#: orchestrate.md asks for, which no cap exceeds.
BASH_CAP, LONGEST_WAIT = host.BASH_CAP, 3600
#: A wait ends this many seconds before the cap: past it, Claude Code moves the call to the background.
MARGIN = 15

Print = tuple[tuple[int, int, int] | None, ...]


def fingerprint(paths: Iterable[str]) -> Print:
    """Each file's mtime in ns, inode and size, None for a missing file. It changes when a file is made or replaced."""
    return tuple(_stat(path) for path in paths)


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def wait_until(
    ready: Callable[[], bool], timeout: float, sleep: Callable[[float], None], clock: Callable[[], float]
) -> bool:
    """Whether *ready* became true within *timeout* seconds of *clock*."""
    deadline = clock() + timeout
    while not ready():
        left = deadline - clock()
        if left <= 0:
            return False
        sleep(min(INTERVAL, left))
    return True


def limit(environ: dict[str, str] | os._Environ[str] = os.environ) -> float:
    """Seconds that a wait may take, at least 1: Claude Code's cap less the margin."""
    try:
        cap = int(environ.get(host.MAX_TIMEOUT, "")) / 1000
    except ValueError:
        cap = BASH_CAP
    return max(1.0, min(cap, LONGEST_WAIT) - MARGIN)


def command(folder: str, ids: Iterable[str], limit: int) -> str:
    """One bash command that waits up to *limit* seconds until each of *ids* has a marker in *folder*.

    It needs no helper. If markers are missing at the end, it names their ids and exits with 1. Raises
    ClaudestratorError for anything but an id, which a shell could take for more than a word.

    """
    import shlex

    from ..texts.ids import checked

    names = " ".join(map(checked, ids))
    return (
        f"d={shlex.quote(folder)}; for i in $(seq {limit}); do m=; for a in {names}; do "
        '[ -e "$d/$a.done" ] || [ -e "$d/$a.failed" ] || m="$m $a"; done; '
        '[ -z "$m" ] && break; sleep 1; done; [ -z "$m" ] && echo reported || { echo "still waiting for$m"; false; }'
    )
