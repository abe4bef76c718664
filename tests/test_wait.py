"""Waiting: bounded sleeps, no change missed, and one bash command that does it without the helper."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import polling
from claudestrator_helper.store import files
from hypothesis import given
from hypothesis import strategies as st
from running import fork, joined


class Time:
    """A clock that only moves while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def waited(ready: Callable[[], bool], timeout: float, time_: Time) -> bool:
    return polling.wait_until(ready, timeout, time_.sleep, time_.clock)


def test_what_is_ready_is_not_slept_for() -> None:
    time_ = Time()
    assert waited(lambda: True, 0, time_)
    assert time_.slept == []


def test_a_change_is_seen_within_a_twentieth_of_a_second() -> None:
    time_ = Time()
    assert waited(lambda: time_.now >= 1012.345, 600, time_)
    assert 1012.345 <= time_.now <= 1012.395
    assert max(time_.slept) <= 0.05


@given(st.floats(0, 20))
def test_the_timeout_is_kept_to_the_moment(timeout: float) -> None:
    time_ = Time()
    assert not waited(lambda: False, timeout, time_)
    assert time_.now == pytest.approx(1000 + timeout)
    assert all(0 < seconds <= 0.05 for seconds in time_.slept)


def test_what_becomes_ready_in_the_last_sleep_counts() -> None:
    time_ = Time()
    assert waited(lambda: time_.now >= 1000.5, 0.5, time_)


def changed(path: Path, change: Callable[[], object]) -> bool:
    before = polling.fingerprint([str(path)])
    assert polling.fingerprint([str(path)]) == before
    change()
    return polling.fingerprint([str(path)]) != before


def test_a_file_that_appears_or_goes_changes_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert polling.fingerprint([str(path)]) == (None,)
    assert changed(path, path.touch)
    assert changed(path, path.unlink)


def test_a_file_that_is_replaced_by_its_like_changes_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for _ in range(100):
        files.write(str(path), "same")
        assert changed(path, lambda: files.write(str(path), "same"))


def test_a_file_rewritten_in_place_at_the_same_size_changes_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    time.sleep(0.02)  # file systems keep times by the tick of their clock
    assert changed(path, lambda: path.write_text("two"))


def test_a_file_whose_time_is_set_back_changes_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")

    def rewrite() -> None:
        path.write_text("longer")
        os.utime(path, ns=(before, before))

    before = path.stat().st_mtime_ns
    assert changed(path, rewrite)


def test_a_file_in_the_place_of_another_changes_the_fingerprint_whatever_its_time_and_size(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    for each in (path, other):
        each.write_text("same")
        os.utime(each, ns=(10**18, 10**18))
    assert changed(path, lambda: other.replace(path))


def test_each_path_has_its_own_place_in_the_fingerprint(tmp_path: Path) -> None:
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.touch()
    both = polling.fingerprint([str(here), str(gone)])
    assert both == (*polling.fingerprint([str(here)]), None)


@pytest.fixture(params=["plain", "with space", "o'clock", 'quo"te', "$HOME `id` ;x", "-n", "ünï"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder for markers, with a name that a shell could misread."""
    path = tmp_path / str(request.param)
    path.mkdir()
    return path


def in_shell(command: str, shell: str = "bash") -> tuple[int, str]:
    done = subprocess.run([shell, "-c", command], check=False, capture_output=True, text=True, timeout=20)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_command_is_plain_shell_on_one_line(folder: Path) -> None:
    command = polling.command(str(folder), ["TASK-001", "TASK-T1.b_2"], 10)
    assert "\n" not in command
    for shell in ("sh", "bash"):
        subprocess.run([shell, "-n", "-c", command], check=True)


def test_the_command_returns_at_once_when_every_marker_is_there(folder: Path) -> None:
    (folder / "TASK-001.done").touch()
    (folder / "TASK-002.failed").touch()
    command = polling.command(str(folder), ["TASK-001", "TASK-002"], 600)
    for shell in ("sh", "bash"):
        assert in_shell(command, shell) == (0, "reported\n")


def test_the_command_names_what_is_missing_when_its_time_is_up(tmp_path: Path) -> None:
    (tmp_path / "TASK-001.done").touch()
    (tmp_path / "TASK-0022.done").touch()
    (tmp_path / "TASK-003.started").touch()
    command = polling.command(str(tmp_path), ["TASK-001", "TASK-002", "TASK-003"], 1)
    assert in_shell(command) == (1, "still waiting for TASK-002 TASK-003\n")


def test_the_command_sees_a_marker_that_comes_while_it_waits(tmp_path: Path) -> None:
    command = polling.command(str(tmp_path / "later"), ["TASK-001"], 15)
    reporter = fork(lambda: report_after(0.3, tmp_path / "later"))
    assert in_shell(command) == (0, "reported\n")
    assert joined([reporter]) == [0]


def report_after(seconds: float, folder: Path) -> None:
    time.sleep(seconds)
    folder.mkdir()
    (folder / "TASK-001.done").touch()


@pytest.mark.parametrize("word", ["x; touch owned", "$(touch owned)", "`id`", "a b", "../../etc/passwd", "*", "", "-e"])
def test_a_word_that_is_no_id_is_put_into_no_command(word: str) -> None:
    with pytest.raises(ClaudestratorError, match="is not an id"):
        polling.command("/p", ["TASK-001", word], 1)


def test_the_command_is_none_of_those_that_claude_code_refuses() -> None:
    assert not polling.command("/p/.claude/agent_complete", ["TASK-001"], 585).startswith("sleep")
