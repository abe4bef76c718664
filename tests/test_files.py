"""The disk: every byte kept, a file whole whenever a process dies, and one lock for all."""

import errno
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import files, leftovers, project_files
from claudestrator_helper.store.paths import Project
from disk import NEW, OLD, mode, refused, take, umask
from examples import TIMES
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


def edit(path: Path, within: str = "") -> str:
    return files.edit(str(path), lambda text: f"{text}!", within)


# Bytes


@pytest.mark.parametrize("content", BYTES)
def test_every_byte_is_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    text = files.read(str(path))
    assert text is not None
    files.write(str(path), text)
    assert path.read_bytes() == content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50 * TIMES)
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


def test_a_project_that_a_person_has_moved_is_not_begun_anew_in_its_old_place(tmp_path: Path) -> None:
    old = Project(str(tmp_path / "old"), str(tmp_path / "old" / ".claude"))
    with pytest.raises(ClaudestratorError, match="no longer there: try again where it is now"):
        project_files.write(old, old.session, "text")
    with pytest.raises(ClaudestratorError, match="no longer there"):
        project_files.edit(old, old.issues, lambda text: f"{text}more")
    assert not (tmp_path / "old").exists()


def test_a_project_that_is_moved_during_a_call_is_not_begun_anew_in_its_old_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / ".claude").mkdir(parents=True)
    project = Project(str(tmp_path / "here"), str(tmp_path / "here" / ".claude"))

    def moved(_: float) -> None:
        if Path(project.root).exists():
            Path(project.root).rename(tmp_path / "there")

    # As it does before it looks again for a file that is missing.
    monkeypatch.setattr(time, "sleep", moved)
    with pytest.raises(ClaudestratorError, match=r"cannot write .*No such file or directory"):
        project_files.edit(project, project.issues, lambda _: "new")
    with (
        pytest.raises(ClaudestratorError, match=r"cannot write .*No such file or directory"),
        files.locked(project.lock, within=project.bounds),
    ):
        pass
    assert os.listdir(tmp_path) == ["there"]


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
    above = inside / ".." / "outside" / "file"
    for path, named in ((inside / "link", "link"), (inside / "folder" / "file", "folder"), (above, "../outside/file")):
        for call in (partial(files.write, str(path), NEW), partial(files.read, str(path)), partial(edit, path)):
            refused(partial(call, within=str(inside)), f"{inside}/{named} leads out of {inside} by a link: remove")
        refused(partial(files.append_line, str(path), "x", str(inside)), f"{inside}/{named} leads out of")
        refused(partial(take, path, within=str(inside)), f"{inside}/{named} leads out of")
    refused(lambda: files.remove(str(inside / "folder" / "file"), str(inside)), f"{inside}/folder leads out of")
    assert (outside / "file").read_text() == OLD
    assert os.listdir(outside) == ["file"]


def test_removing_a_link_leaves_what_it_leads_to(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.write_text(OLD)
    (inside / "link").symlink_to(outside)
    files.remove(str(inside / "link"), str(inside))
    assert (os.listdir(inside), outside.read_text()) == ([], OLD)


def test_links_that_stay_in_the_folder_are_followed_however_many_they_are(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "one").symlink_to("a")
    (tmp_path / "a" / "two").symlink_to(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "file").symlink_to("../three")
    path = tmp_path / "one" / "two" / "file"
    files.write(str(path), NEW, str(tmp_path))
    assert files.read(str(path), str(tmp_path)) == (tmp_path / "a" / "three").read_text() == NEW
    (tmp_path / "a" / "three").unlink()
    (tmp_path / "a" / "three").symlink_to("/etc/passwd")
    refused(lambda: files.read(str(path), str(tmp_path)), f"{path} leads out of {tmp_path}")


def test_a_folder_whose_name_only_begins_alike_is_another_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "insides").mkdir()
    path = tmp_path / "insides" / "file"
    refused(lambda: files.write(str(path), NEW, str(tmp_path / "inside")), f"{path} leads out of {tmp_path}/inside ")


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


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (os.mkfifo, "it is a pipe or a device"),
    "folder": (os.mkdir, "Is a directory"),
    "device": (lambda path: os.symlink("/dev/zero", path), "it is a pipe or a device"),
    "itself": (lambda path: os.symlink(path, path), "it is a link that is not followed"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_plain_file_is_refused_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    make, why = ODD[kind]
    make(path)
    refused(lambda: files.read(str(path)), f"cannot read {path}: {why}; ")
    target = "/dev/zero" if kind == "device" else path
    refused(lambda: files.write(str(path), NEW), f"cannot write {target}: {why}; ")
    refused(lambda: edit(path), f"cannot read {path}: {why}; ")
    refused(lambda: files.append_line(str(path), "x"), f"cannot write {path}: {why}; ")
    refused(lambda: take(path), "cannot ")
    assert os.listdir(tmp_path) == ["file"]
    assert not path.is_file()


def test_a_file_that_is_far_too_big_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(10**12)
    refused(lambda: files.read(str(path)), f"cannot read {path}: it has more than 100,000,000 bytes; ")


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    path = tmp_path / "folder" / "file"
    refused(lambda: files.read(str(path)), f"cannot read {path.parent}: it is not a folder; ")
    refused(lambda: files.write(str(path), NEW), f"cannot write {path.parent}: it is not a folder; ")
    refused(lambda: files.append_line(str(path), "x"), f"cannot write {path.parent}: it is not a folder; ")
    refused(lambda: take(path), f"cannot write {path.parent}: it is not a folder; ")


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
        with files.locked(f"{path}.lock"):
            files.append_line(path, name * 3000)


def test_a_line_that_the_disk_has_no_room_for_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    monkeypatch.setattr(os, "write", half_then_full(os.write))
    refused(lambda: files.append_line(str(path), "new" * 100), f"cannot write {path}: No space left on device; ")
    monkeypatch.undo()
    files.append_line(str(path), "new")
    assert path.read_text() == "old\nnew\n"


def half_then_full(write: Callable[[int, memoryview], int]) -> Callable[[int, memoryview], int]:
    """What a disk does that has room for half of a text: it takes that, and then refuses."""
    calls = itertools.count()

    def taken(descriptor: int, data: memoryview) -> int:
        if next(calls):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[: len(data) // 2])

    return taken


def test_a_write_that_takes_less_than_it_was_given_goes_on_with_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:1000]))
    files.write(str(tmp_path / "file"), NEW)
    assert (tmp_path / "file").read_text() == NEW


# Other programs


def test_what_a_person_saves_while_a_text_is_edited_is_edited_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    seen = []

    def change(text: str) -> str:
        seen.append(text)
        if len(seen) < 3:
            path.write_text(text + " more")
        return text + "!"

    assert files.edit(str(path), change) == "one more more!"
    assert path.read_text() == "one more more!"
    assert seen == ["one", "one more", "one more more"]
    assert os.listdir(tmp_path) == ["file"]


def test_a_text_that_is_known_is_not_read_again_and_yet_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("saved")
    assert files.edit(str(path), lambda text: text + "!", known="read") == "saved!"
    path.unlink()
    assert files.edit(str(path), lambda text: text + "!", known="") == path.read_text() == "!"


def test_an_edit_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    assert files.edit(str(tmp_path / "gone"), lambda text: text) == ""
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_saved_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    rounds = itertools.count()

    def change(text: str) -> str:
        path.write_text(str(next(rounds)))
        return text + "!"

    refused(lambda: files.edit(str(path), change), f"another program keeps saving {path}: ")


@pytest.mark.parametrize("times", [1, 2])
def test_a_stale_handle_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    path = tmp_path / "file"
    for name in ("open", "replace"):
        stale(monkeypatch, name, times)
        files.write(str(path), NEW)
    stale(monkeypatch, "open", times)
    assert files.read(str(path)) == NEW
    stale(monkeypatch, "open", times)
    files.append_line(str(path), "x")
    stale(monkeypatch, "open", times)
    take(tmp_path / "lock")
    stale(monkeypatch, "unlink", times)
    files.remove(str(path))
    assert os.listdir(tmp_path) == ["lock"]


def test_a_handle_that_stays_stale_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text(OLD)
    stale(monkeypatch, "open", 1000)
    refused(lambda: files.read(str(path)), f"cannot read {path}: Stale file handle; ")
    refused(lambda: files.write(str(path), NEW), f"cannot write {path}: Stale file handle; ")


def stale(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """Lets the next calls of one function in `os` fail as on NFS."""
    real, left = getattr(os, name), iter(range(times))

    def call(*args: object, **kwargs: object) -> object:
        if next(left, None) is not None:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return real(*args, **kwargs)

    monkeypatch.setattr(os, name, call)


def test_what_killed_writers_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    random = "0123456789ab"
    swept = [f".queue.md.{random}.tmp", f".TASK-1.done.{random}.tmp", f"..gitignore.{random}.tmp"]
    kept = [f".fresh.{random}.tmp", f"queue.{random}.tmp", ".queue.md.0123456789.tmp", ".x.0123456789aB.tmp", f".x{random}.tmp",
            f".x.{random}.tmp.md", "queue.md", f".{random}.tmp"]  # fmt: skip
    for name in swept + kept:
        (tmp_path / name).write_text("x")
        age = 60 if "fresh" in name else 4000
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    leftovers.sweep([str(tmp_path / "gone"), str(tmp_path)], time.time(), str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_nothing_is_swept_where_a_link_leads(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / ".x.0123456789ab.tmp").write_text("x")
    (inside / "journal").symlink_to(outside)
    leftovers.sweep([str(inside / "journal")], time.time() + 10_000, str(inside))
    assert os.listdir(outside) == [".x.0123456789ab.tmp"]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b"new\n"), (b"old\n", b"old\nnew\n"), (b'{"cut', b'{"cut\nnew\n'), (b"\xff", b"\xff\nnew\n")],
)
def test_a_line_that_was_cut_short_is_ended_first(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(before)
    files.append_line(str(path), "new")
    assert path.read_bytes() == after
