"""Waiting for files, by looking at them: inotify sees nothing on some mounts, and a look costs microseconds."""

import os
from collections.abc import Callable, Iterable

from .. import host

#: Seconds between two looks.
INTERVAL = 0.05

#: Claude Code's cap on one Bash call, in seconds, where BASH_MAX_TIMEOUT_MS doesn't say otherwise, and the timeout that
#: orchestrate.md asks for, which no cap exceeds.
BASH_CAP, LONGEST_WAIT = host.BASH_CAP, 3600
#: A wait ends so many seconds before the cap, because past it the call is moved to the background.
MARGIN = 15

Print = tuple[tuple[int, int, int] | None, ...]


def fingerprint(paths: Iterable[str]) -> Print:
    """What `stat` tells of each file; None for one that isn't there. It differs when a file was made or replaced."""
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
    """Seconds that a wait may take: Claude Code's cap less the margin."""
    try:
        cap = int(environ.get(host.MAX_TIMEOUT, "")) / 1000
    except ValueError:
        cap = BASH_CAP
    return max(1.0, min(cap, LONGEST_WAIT) - MARGIN)


def command(folder: str, ids: Iterable[str], limit: int) -> str:
    """One bash command that waits up to *limit* seconds until each of *ids* has a marker in *folder*.

    It needs no helper, names what is missing at its end, and then exits with 1. Raises ClaudestratorError for a word
    that is no id, which could be more than a word in a shell.

    """
    import shlex

    from ..texts.ids import checked

    names = " ".join(map(checked, ids))
    return (
        f"d={shlex.quote(folder)}; for i in $(seq {limit}); do m=; for a in {names}; do "
        '[ -e "$d/$a.done" ] || [ -e "$d/$a.failed" ] || m="$m $a"; done; '
        '[ -z "$m" ] && break; sleep 1; done; [ -z "$m" ] && echo reported || { echo "still waiting for$m"; false; }'
    )
