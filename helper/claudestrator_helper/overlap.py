"""Which tasks may touch the same file, and so don't run at the same time."""

import posixpath
import re
from collections.abc import Iterable, Iterator

#: Characters of a path that are looked at; no disk has longer ones.
_LONGEST = 4096


def collide(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two tasks that name these files may touch the same one; a task that names none may touch any."""
    return meet(places(one), places(other))


def places(files: Iterable[str]) -> frozenset[str]:
    """The files and folders that a task names, as they compare."""
    return frozenset(map(_place, files))


def meet(ones: frozenset[str], others: frozenset[str]) -> bool:
    """Whether what two tasks name may be the same file, or may be one in the other's folder."""
    everything = not (ones and others) or "." in ones or "." in others
    return everything or _is_within(ones, others) or _is_within(others, ones)


def _is_within(ones: frozenset[str], others: frozenset[str]) -> bool:
    """Whether one of *ones*, or a folder that it is in, is among *others*."""
    # Each with each would take the square of what two tasks name.
    return any(folder in others for path in ones for folder in _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _place(path: str) -> str:
    """A path as it compares; of a pattern, the folder that it is about."""
    text = re.sub(r":\d[\d,-]*$", "", path[:_LONGEST].replace("\\", "/")).lstrip("/")
    wild = re.search(r"[*?]", text)
    # Some disks take README.md and readme.md for one file.
    return posixpath.normpath(text[: wild.start()].rpartition("/")[0] if wild else text).casefold()
