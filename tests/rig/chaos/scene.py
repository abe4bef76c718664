"""What the processes of one chaos run share: a clock, a disk that may be full, and a journal of all that happens."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import time
from dataclasses import dataclass
from typing import Any

#: The clock of the chaos itself, which neither runs fast nor jumps.
real = time.monotonic
_wall = time.time
#: The journal's, on a disk that is never full.
_write = os.write

Event = dict[str, Any]


class Weather:
    """Memory that all processes of a run see: by how much the clock has jumped, and until when the disk is full."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def jump(self) -> float:
        """Seconds of the helper's clock."""
        return float(struct.unpack_from("d", self.memory, 0)[0])

    @jump.setter
    def jump(self, seconds: float) -> None:
        struct.pack_into("d", self.memory, 0, seconds)

    @property
    def full(self) -> bool:
        return bool(struct.unpack_from("d", self.memory, 8)[0] > real())

    def fill(self, seconds: float) -> None:
        struct.pack_into("d", self.memory, 8, real() + seconds)

    def fell_at(self, calls: int) -> None:
        """Has the process die that makes the call number *calls* of git from now on."""
        struct.pack_into("i", self.memory, 16, calls)

    def falls(self) -> bool:
        """Whether this call of git is that one."""
        left: int = struct.unpack_from("i", self.memory, 16)[0]
        struct.pack_into("i", self.memory, 16, max(0, left - 1))
        return left == 1


class Clock:
    """The helper's clock: *speed* times as fast as the real one, so that its minutes pass in seconds."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.weather: Weather | None = None
        self._real, self._wall = real(), _wall()

    def install(self) -> None:
        """Has to come before the helper is imported: some of its functions have the clock as a default."""
        time.time = lambda: self._wall + self._passed() + (self.weather.jump if self.weather else 0)
        time.monotonic = lambda: self._real + self._passed()

    def _passed(self) -> float:
        return (real() - self._real) * self.speed


class Journal:
    """One JSON object a line, from whichever process; *t* is real() when it was written."""

    def __init__(self, path: str) -> None:
        self.path, self.at = path, 0
        self.descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)

    def note(self, event: str, **facts: object) -> None:
        line = json.dumps({"t": round(real(), 4), "event": event, **facts}) + "\n"
        _write(self.descriptor, line.encode())

    def news(self) -> list[Event]:
        """What was written since the last call of this process."""
        size = os.fstat(self.descriptor).st_size
        data = os.pread(self.descriptor, size - self.at, self.at)
        whole = data[: data.rfind(b"\n") + 1]
        self.at += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def all(self) -> list[Event]:
        self.at = 0
        return self.news()


@dataclass(frozen=True)
class Scene:
    """A run: *folder* holds all of it, *root* is the project, which may move; *seed* makes its dice, and *speed* is that
    of the helper's clock."""

    folder: str
    root: str
    seed: str
    journal: Journal
    weather: Weather
    speed: float = 1

    @property
    def queue(self) -> str:
        return os.path.join(self.root, ".claude", "task_queue.md")

    @property
    def config(self) -> str:
        return os.path.join(self.root, ".claudestrator", "config.toml")

    @property
    def state(self) -> str:
        return os.path.join(self.root, ".claude", "session_state.md")

    @property
    def lock(self) -> str:
        return os.path.join(self.root, ".claude", "claudestrator.lock")

    @property
    def log(self) -> str:
        return os.path.join(self.root, ".claude", "run_log.jsonl")

    @property
    def ledger(self) -> str:
        return os.path.join(self.folder, "ledger")


def become(name: str) -> None:
    """Gives this process the name that `ps` shows: the helper tells shells from Claude Code by it."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)
