"""Leftovers: temporary files of writers that were killed, and the words of old sessions."""

import os
from collections.abc import Iterable
from contextlib import suppress

from ..errors import ClaudestratorError
from . import files, links

#: Seconds after which no process is still writing a file.
AGE = 3600
#: The prefix of the files with sessions' words, and the seconds for which they are kept.
ASKED, _KEPT = ".asked.", 7 * 24 * AGE


def sweep(folders: Iterable[str], now: float, within: str) -> None:
    """Removes from *folders* the leftovers that are old enough at the time *now*, in seconds since the epoch."""
    for folder in folders:
        with suppress(OSError, ClaudestratorError):
            links.stays(folder, within)
            for name in os.listdir(folder):
                age = AGE if _is_temporary(name) else _KEPT if name.startswith(ASKED) else now
                path = os.path.join(folder, name)
                if os.lstat(path).st_mtime < now - age:
                    os.unlink(path)


def _is_temporary(name: str) -> bool:
    stem, _, random = name.removesuffix(".tmp").rpartition(".")
    ours = len(random) == 2 * files.RANDOM and not random.strip("0123456789abcdef")
    return ours and stem[:1] == "." and name.endswith(".tmp")
