"""Faults at the boundary to the system: a process that dies, or whose calls fail, at the n-th of the calls it makes.

They are put into a process of its own, such as running.helper makes, so nothing needs to be taken back.
"""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: What changes the disk, and what starts another process; `open` where it may write, `close` of what was so opened.
CHANGES = ("open", "write", "close", "replace", "rename", "link", "symlink", "unlink", "rmdir", "mkdir", "fsync", "chmod",
           "fchmod", "truncate", "ftruncate", "utime", "Popen", "posix_spawn", "posix_spawnp")  # fmt: skip
#: What looks at the disk; `open` where it only reads.
LOOKS = ("open", "stat", "lstat", "fstat", "listdir", "scandir", "readlink", "pread")
#: What needs room on the disk, or may be told late that there was none.
NEED_ROOM = frozenset(CHANGES) - {"unlink", "rmdir", "chmod", "fchmod", "truncate", "ftruncate", "utime"}
DIED = 9

Call = Callable[..., Any]
#: Stands for a call: its name, the real thing, and what it was called with.
Fault = Callable[[str, Call, tuple[Any, ...]], Any]


def spied(names: tuple[str, ...], fault: Callable[[int, str], Fault | None]) -> None:
    """Asks *fault* at every call of *names*, by its number, from 1, and its name, what is to happen instead of it."""
    spy = _Spy(names is CHANGES, fault)
    for name in names:
        home: Any = subprocess if name == "Popen" else os
        setattr(home, name, spy.wrapped(name, getattr(home, name)))


class _Spy:
    def __init__(self, changes: bool, fault: Callable[[int, str], Fault | None]) -> None:
        self.changes, self.fault = changes, fault
        self.count, self.writable = 0, set[int]()

    def wrapped(self, name: str, call: Call) -> Call:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not self.counts(name, args):
                return call(*args, **kwargs)
            self.count += 1
            fault = self.fault(self.count, name)
            result = fault(name, lambda *given: call(*given, **kwargs), args) if fault else call(*args, **kwargs)
            if name == "open" and self.changes:
                self.writable.add(result)
            return result

        return wrapper

    def counts(self, name: str, args: tuple[Any, ...]) -> bool:
        if name == "open":
            flags = args[1] if len(args) > 1 else 0
            return args[0] != os.devnull and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) == self.changes
        return name != "close" or args[0] in self.writable


def record(names: tuple[str, ...], path: Path) -> None:
    """Writes the name of every call into the file at *path*."""
    descriptor, write = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), os.write

    def note(_: int, name: str) -> None:
        write(descriptor, f"{name}\n".encode())

    spied(names, note)


def die(at: int, *, after: bool = False) -> None:
    """The process dies before the call number *at*, or *after* it; of a write half is done by then."""

    def dying(name: str, call: Call, args: tuple[Any, ...]) -> Any:
        try:
            if after and name == "write":
                call(args[0], args[1][: len(args[1]) // 2])
            elif after:
                call(*args)
        finally:
            os._exit(DIED)

    spied(CHANGES, lambda number, _: dying if number == at else None)


def fill_disk(at: int, code: int = errno.ENOSPC) -> None:
    """From the call number *at* on there is no room on the disk."""
    spied(CHANGES, lambda number, name: _failing(code) if number >= at and name in NEED_ROOM else None)


def fail_once(at: int, code: int) -> None:
    """The look number *at* fails, and no other."""
    spied(LOOKS, lambda number, _: _failing(code) if number == at else None)


def _failing(code: int) -> Fault:
    def fail(name: str, call: Call, args: tuple[Any, ...]) -> Any:
        if name == "close":
            call(*args)
        raise OSError(code, os.strerror(code))

    return fail
