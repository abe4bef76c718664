"""Which tasks may touch the same file, and so don't run at the same time."""

import posixpath
import re
from collections.abc import Iterable


def collide(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two tasks that name these files may touch the same one; a task that names none may touch any."""
    ones, others = set(map(_place, one)), set(map(_place, other))
    return not (ones and others) or any(_meet(a, b) for a in ones for b in others)


def _place(path: str) -> str:
    """A path as it compares; of a pattern, the folder that it is about."""
    text = re.sub(r":\d[\d,-]*$", "", path.replace("\\", "/")).lstrip("/")
    wild = re.search(r"[*?]", text)
    # Some disks take README.md and readme.md for one file.
    return posixpath.normpath(text[: wild.start()].rpartition("/")[0] if wild else text).casefold()


def _meet(one: str, other: str) -> bool:
    return "." in (one, other) or one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
