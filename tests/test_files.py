"""The disk: every byte kept, a file whole whenever a process dies, and one lock for all."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from claudestrator_helper import files
from claudestrator_helper.errors import ClaudestratorError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running import fork, joined

BYTES = [
    b"",
    b"plain\n",
    b"a\r\nb\rc\n",
    b"\xef\xbb\xbfmark\n",
    b"\xff\xfe not \x80 UTF-8\xc3\n",
    b"\0\x1b\x7f",
    "日本\u2028😀".encode(),
]
OLD, NEW = "old " * 5000, "new " * 7000


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may do everything, so it becomes nobody for a while; an ordinary user stays."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(call: Callable[[], object], start: str) -> str:
    """The line of a refusal."""
    with pytest.raises(ClaudestratorError) as refusal:
        call()
    text = str(refusal.value)
    assert text.startswith(start)
    assert "\n" not in text
    return text


def take(path: Path, timeout: float = 5.0) -> None:
    with files.locked(str(path), timeout):
        pass


# Bytes


@pytest.mark.parametrize("content", BYTES)
def test_every_byte_is_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    text = files.read(str(path))
    assert text is not None
    files.write(str(path), text)
    assert path.read_bytes() == content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary())
def test_any_bytes_are_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    files.write(str(path), files.read(str(path)) or "")
    assert path.read_bytes() == content


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert files.read(str(tmp_path / "gone")) is None
    assert files.read(str(tmp_path / "gone" / "too")) is None


# Replacing


def test_a_new_file_has_the_mode_that_any_program_gives_it(tmp_path: Path) -> None:
    for mask, expected in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        path = tmp_path / f"{mask}"
        with umask(mask):
            files.write(str(path), "x")
            assert os.umask(mask) == mask
        assert mode(path) == expected


@pytest.mark.parametrize("kept", [0o600, 0o644, 0o755, 0o444])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "file"
    path.write_text(OLD)
    path.chmod(kept)
    files.write(str(path), NEW)
    assert (path.read_text(), mode(path)) == (NEW, kept)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link, second = tmp_path / "far" / "target", tmp_path / "link", tmp_path / "second"
    target.write_text(OLD)
    link.symlink_to(Path("far", "target"))
    second.symlink_to("link")
    files.write(str(second), NEW)
    assert link.is_symlink()
    assert second.is_symlink()
    assert (target.read_text(), target.is_symlink()) == (NEW, False)


def test_a_link_to_nowhere_gets_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "later" / "target")
    files.write(str(link), NEW)
    assert link.is_symlink()
    assert (tmp_path / "later" / "target").read_text() == NEW


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    files.write(str(tmp_path / "a" / "b" / "file"), NEW)
    assert (tmp_path / "a" / "b" / "file").read_text() == NEW


def test_nothing_lies_beside_a_file_that_was_written(tmp_path: Path) -> None:
    files.write(str(tmp_path / "file"), OLD)
    files.write(str(tmp_path / "file"), NEW)
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_is_not_followed_out_of_a_folder_that_was_named(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "file").write_text(OLD)
    (inside / "link").symlink_to(outside / "file")
    (inside / "folder").symlink_to(outside)
    for path in (inside / "link", inside / "folder" / "file", inside / ".." / "outside" / "file"):
        refused(lambda path=path: files.write(str(path), NEW, str(inside)), f"{path} leads out of {inside}")  # type: ignore[misc]
        refused(lambda path=path: files.read(str(path), str(inside)), f"{path} leads out of {inside}")  # type: ignore[misc]
    assert (outside / "file").read_text() == OLD


def test_a_folder_that_is_itself_a_link_is_no_way_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    folder = tmp_path / "link"
    folder.symlink_to("real")
    files.write(str(folder / "a" / "file"), NEW, str(folder))
    assert files.read(str(tmp_path / "real" / "a" / "file"), str(folder)) == NEW


# Refusals, as root and as anybody


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.mkdir()
    refused(lambda: files.read(str(place)), f"cannot read {place}: Is a directory; ")
    refused(lambda: files.write(str(place), NEW), f"cannot write {place}: Is a directory; ")
    refused(lambda: files.append_line(str(place), "x"), f"cannot write {place}: Is a directory; ")
    refused(lambda: files.remove(str(place)), f"cannot remove {place}: ")
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    path = tmp_path / "folder" / "file"
    refused(lambda: files.read(str(path)), f"cannot read {path}: Not a directory; ")
    refused(lambda: files.write(str(path), NEW), f"cannot write {path.parent}: it is no folder; ")
    refused(lambda: files.append_line(str(path), "x"), f"cannot write {path}: Not a directory; ")
    refused(lambda: take(path), f"cannot write {path.parent}: it is no folder; ")


def test_what_a_user_may_not_do_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        path = Path(folder, "file")
        unreadable = Path(folder, "secret")
        with umask(0o077):
            os.chmod(folder, 0o755)
            unreadable.write_text("x")
            unreadable.chmod(0)
            os.chmod(folder, 0o555)
        with ordinary_user():
            refused(lambda: files.write(str(path), NEW), f"cannot write {path}: Permission denied; ")
            refused(lambda: files.append_line(str(path), "x"), f"cannot write {path}: Permission denied; ")
            refused(lambda: files.read(str(unreadable)), f"cannot read {unreadable}: Permission denied; ")
            refused(lambda: files.remove(str(unreadable)), f"cannot remove {unreadable}: Permission denied; ")
            refused(lambda: take(path), f"cannot write {path}: Permission denied; ")
        os.chmod(folder, 0o755)
        assert os.listdir(folder) == ["secret"]


def test_what_is_gone_needs_no_removing(tmp_path: Path) -> None:
    files.remove(str(tmp_path / "gone"))


# Appending


def test_lines_of_many_processes_never_mix(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    assert joined([fork(lambda name=name: append(path, name)) for name in "abcdef"]) == [0] * 6  # type: ignore[misc]
    lines = Path(path).read_text().splitlines()
    assert sorted(lines) == sorted(name * 3000 for name in "abcdef" for _ in range(40))


def append(path: str, name: str) -> None:
    for _ in range(40):
        files.append_line(path, name * 3000)


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b"new\n"), (b"old\n", b"old\nnew\n"), (b'{"cut', b'{"cut\nnew\n'), (b"\xff", b"\xff\nnew\n")],
)
def test_a_line_that_was_cut_short_is_ended_first(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(before)
    files.append_line(str(path), "new")
    assert path.read_bytes() == after
