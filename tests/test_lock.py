"""One lock for all that a project's processes change: nothing is lost, and nobody waits for ever."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import pytest
from claudestrator_helper.store import files
from disk import mode, refused, take, umask
from running import fork, joined, killed


def test_eight_processes_lose_no_increment(tmp_path: Path) -> None:
    number = tmp_path / "number"
    number.write_text("0")
    assert joined([fork(lambda: count_up(number)) for _ in range(8)]) == [0] * 8
    assert number.read_text() == "400"


def count_up(number: Path) -> None:
    for _ in range(50):
        with files.locked(f"{number}.lock"):
            value = int(number.read_text())
            number.write_text("")
            number.write_text(str(value + 1))


def test_a_lock_that_is_held_is_refused_in_one_line_within_its_timeout(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with files.locked(str(path)):
        began = time.monotonic()
        refused(lambda: take(path, 0.3), f"{path} has been held by another process for ")
        assert 0.3 <= time.monotonic() - began < 30


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), files.locked(str(path)):
        raise ZeroDivisionError
    take(path, 0)


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    read_end, write_end = os.pipe()
    holder = fork(lambda: hold_forever(path, write_end))
    os.read(read_end, 1)
    refused(lambda: take(path, 0.05), f"{path} has been held")
    killed(holder)
    take(path, 0)


def hold_forever(path: Path, told: int) -> None:
    with files.locked(str(path)):
        os.write(told, b"x")
        time.sleep(60)


def test_a_plain_flock_holds_off_the_helper(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused(lambda: take(path, 0.05), f"{path} has been held")
    take(path, 0.05)


def test_filelock_holds_off_the_helper_and_is_held_off_by_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with filelock.FileLock(path):
        refused(lambda: take(path, 0.05), f"{path} has been held")
    with files.locked(str(path)), pytest.raises(filelock.Timeout):
        filelock.FileLock(path, timeout=0.05).acquire()
    with filelock.FileLock(path, timeout=0.05):
        pass


def test_a_lock_that_becomes_free_is_taken_while_it_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        began = time.monotonic()
        threading.Timer(0.1, fcntl.flock, (file, fcntl.LOCK_UN)).start()
        take(path, 60)
    assert 0.09 < time.monotonic() - began < 30


def test_waiting_for_a_lock_imports_nothing(tmp_path: Path) -> None:
    # Importing filelock took more processor time than an agent's whole report, each time two ended at once.
    path = tmp_path / "lock"
    waits = (
        "import sys; from claudestrator_helper.errors import HeldError; from claudestrator_helper.store import files\n"
        "before = set(sys.modules)\n"
        "try:\n    files.locked(sys.argv[1], 0.02).__enter__()\n"
        "except HeldError:\n    print(*set(sys.modules) - before)"
    )
    with files.locked(str(path)):
        done = subprocess.run([sys.executable, "-c", waits, path], check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


def test_a_lock_file_that_was_removed_before_it_was_taken_guards_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    real = fcntl.flock

    def too_late(descriptor: int, operation: int) -> None:
        monkeypatch.undo()
        path.unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", too_late)
    with files.locked(str(path)):
        assert path.exists()
        refused(lambda: take(path, 0.05), f"{path} has been held")


@pytest.mark.parametrize("wrong", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(wrong, os.strerror(wrong))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    path = tmp_path / "lock"
    text = refused(lambda: take(path), f"cannot lock {path}: its file system has no locks ")
    assert text.endswith("name a folder on another one in CLAUDESTRATOR_STATE_DIR")


def test_a_lock_that_fails_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", broken)
    refused(lambda: take(tmp_path / "lock"), f"cannot lock {tmp_path}/lock: Input/output error; ")


def test_a_lock_file_that_is_a_link_or_a_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    refused(lambda: take(tmp_path / "link"), f"cannot write {tmp_path}/link: it is a link that is not followed; ")
    os.mkfifo(tmp_path / "pipe")
    refused(lambda: take(tmp_path / "pipe"), f"cannot lock {tmp_path}/pipe: it is a pipe or a device; ")
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


def test_a_lock_whose_holder_hangs_is_refused_after_the_timeout(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    read_end, write_end = os.pipe()
    holder = fork(lambda: hold_forever(path, write_end))
    os.read(read_end, 1)
    os.kill(holder, signal.SIGSTOP)
    refused(lambda: take(path, 0.3), f"{path} has been held by another process for 0 s: end that ")
    os.kill(holder, signal.SIGCONT)
    killed(holder)


def test_two_users_of_one_group_share_the_lock(tmp_path: Path) -> None:
    with umask(0o002):
        take(tmp_path / "lock")
    assert mode(tmp_path / "lock") == 0o664
