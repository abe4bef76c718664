"""Waiting for files, by looking at them: inotify sees nothing on some mounts, and a look costs microseconds."""

import os
from collections.abc import Callable, Iterable

#: Seconds between two looks.
INTERVAL = 0.1

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


def command(folder: str, ids: Iterable[str], limit: int) -> str:
    """One bash command that waits up to *limit* seconds until each of *ids* has a marker in *folder*.

    It needs no helper, names what is missing at its end, and then exits with 1.

    """
    import shlex

    names = " ".join(ids)
    return (
        f"d={shlex.quote(folder)}; for i in $(seq {limit}); do m=; for a in {names}; do "
        '[ -e "$d/$a.done" ] || [ -e "$d/$a.failed" ] || m="$m $a"; done; '
        '[ -z "$m" ] && break; sleep 1; done; [ -z "$m" ] && echo reported || { echo "still waiting for$m"; false; }'
    )
