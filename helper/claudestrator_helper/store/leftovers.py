"""Temporary files of writers that were killed, and what old sessions have typed."""

import os
from collections.abc import Iterable
from contextlib import suppress

from ..errors import ClaudestratorError
from . import files, links

#: Seconds after which nobody is writing a file any more.
AGE = 3600
#: What the names begin with under which sessions' words are kept, and for how many seconds.
ASKED, _KEPT = ".asked.", 7 * 24 * AGE


def sweep(folders: Iterable[str], now: float, within: str) -> None:
    """Removes them from these folders, where they are old enough at the time *now* to be nobody's any more."""
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
