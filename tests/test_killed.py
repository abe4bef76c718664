"""A process that dies, a disk that is full: a file holds the old text or the new one, and never another."""

import errno
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import files
from disk import NEW, OLD, refused
from running import fork, joined, killed


@pytest.mark.slow
def test_a_file_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(OLD)
    chance = random.Random(7)
    seen = []
    for _ in range(250):
        writer = fork(lambda: write_in_turn(str(path)))
        time.sleep(chance.uniform(0, 0.006))
        killed(writer)
        seen.append(path.read_text())
    assert set(seen) == {OLD, NEW}


def write_in_turn(path: str) -> None:
    while True:
        files.write(path, NEW)
        files.write(path, OLD)


#: All that the standard library could reach for to replace a file.
CALLS = ["open", "write", "stat", "lstat", "fstat", "chmod", "fchmod", "fsync", "fdatasync", "close", "rename", "replace", "link", "unlink", "remove",
         "mkdir", "makedirs", "truncate", "ftruncate", "utime", "sync"]  # fmt: skip


class Interrupted:
    """Lets `os` fail, or this process die, at the call number *at* of those above."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, fault: Callable[[], None], *, after: bool = False) -> None:
        self.names, self.at, self.fault, self.after = list[str](), at, fault, after
        for name in CALLS:
            patch.setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **kwargs: object) -> object:
            self.names.append(name)
            due = len(self.names) == self.at
            if due and not self.after:
                self.fault()
            try:
                return call(*args, **kwargs)
            finally:
                if due and self.after:
                    self.fault()

        return wrapper


def full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def calls_of_a_write(path: Path) -> list[str]:
    path.write_text(NEW)
    with pytest.MonkeyPatch.context() as patch:
        recorder = Interrupted(patch, 0, full)
        files.write(str(path), OLD)
    return recorder.names


def test_a_text_is_on_the_disk_before_it_takes_its_place(tmp_path: Path) -> None:
    names = calls_of_a_write(tmp_path / "file")
    assert names.index("open") < names.index("fsync") < names.index("replace")


def test_a_file_is_whole_at_whichever_step_the_disk_is_full(tmp_path: Path) -> None:
    path = tmp_path / "file"
    steps = len(calls_of_a_write(path))
    failures = 0
    for step in range(1, steps + 1):
        files.write(str(path), OLD)
        with pytest.MonkeyPatch.context() as patch:
            Interrupted(patch, step, full)
            try:
                files.write(str(path), NEW)
            except ClaudestratorError:
                failures += 1
        assert path.read_text() in (OLD, NEW)
        assert os.listdir(tmp_path) == ["file"]
    assert failures >= 3


@pytest.mark.parametrize("after", [False, True])
def test_a_file_is_whole_at_whichever_step_its_writer_dies(tmp_path: Path, after: bool) -> None:
    path = tmp_path / "file"
    steps = len(calls_of_a_write(path))
    seen = []
    for step in range(1, steps + 1):
        files.write(str(path), OLD)
        assert joined([fork(lambda at=step: write_and_die(path, at, after=after))]) == [9]  # type: ignore[misc]
        seen.append(path.read_text())
    assert set(seen) == ({OLD, NEW} if after else {OLD})
    files.write(str(path), NEW)
    assert path.read_text() == NEW


def write_and_die(path: Path, step: int, *, after: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Interrupted(patch, step, lambda: os._exit(9), after=after)
        files.write(str(path), NEW)


def test_a_disk_that_takes_half_of_a_text_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write(str(path), OLD)
    assert joined([fork(lambda: write_with_limit(path, len(NEW) // 2))]) == [0]
    assert path.read_text() == OLD
    assert os.listdir(tmp_path) == ["file"]


def write_with_limit(path: Path, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    refused(lambda: files.write(str(path), NEW), f"cannot write {path}: File too large; ")
