"""The steps of an installation on the disk, each with the step that takes it back."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from ..errors import ClaudestratorError
from ..store import files
from ..store.links import stays
from . import command_files, settings_edit
from .command_files import Plan
from .settings_edit import Addition

Undo = list[Callable[[], object]]
#: Settings that set nothing.
EMPTY = "{}\n"


class Place(NamedTuple):
    """The ``.claude`` folder that is meant. No link may lead out of *within*; "" where the folder is the person's own.

    *local* is for the person alone, and touches no file that a project shares.

    """

    folder: str
    within: str = ""
    local: bool = False

    @property
    def settings(self) -> str:
        return os.path.join(self.folder, "settings.local.json" if self.local else "settings.json")

    @property
    def manifest(self) -> str:
        return os.path.join(self.folder, command_files.LOCAL_NAME if self.local else command_files.NAME)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)


@contextmanager
def all_or_nothing() -> Iterator[Undo]:
    """Takes the steps back, the last one first, that its block has listed when it fails."""
    undo: Undo = []
    try:
        yield undo
    except (Exception, KeyboardInterrupt):
        for step in reversed(undo):
            # What can't be taken back is in the manifest, for --uninstall.
            with suppress(Exception):
                step()
        raise


@contextmanager
def alone(folder: str) -> Iterator[None]:
    """Keeps a second installer out, where the file system has locks. A folder is locked, so no file is left."""
    descriptor = -1
    with suppress(OSError):
        descriptor = os.open(_existing(os.path.dirname(folder)), os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def refuse_unwritable(place: Place, plan: Plan, others: Iterable[str]) -> None:
    """Before anything is written. A file is replaced by way of its folder, so its own mode would not be asked."""
    paths = [place.path(name) for name in (*plan.writes, *plan.removals)]
    for path in (_existing(place.folder), *filter(os.path.exists, (*paths, *others, place.manifest))):
        if not os.access(path, os.W_OK) or not os.stat(path).st_mode & 0o222:
            raise ClaudestratorError(f"{path} can't be written: make it writable and run this again")


def put(place: Place, path: str, text: str | None, undo: Undo) -> None:
    """Writes a file, or removes it where *text* is None, unless it is so already."""
    old = files.read(path, place.within)
    if old != text:
        undo.append(lambda: _set(place, path, old))
        _set(place, path, text)


def _set(place: Place, path: str, text: str | None) -> None:
    if text is None:
        files.remove(path, place.within)
    else:
        files.write(path, text, place.within)


def merge(place: Place, before: Sequence[Addition], undo: Undo) -> None:
    """Adds to the settings as they are at that moment: what somebody saves meanwhile stays, now and on the way back."""
    old = files.read(place.settings, place.within)
    new, ours = settings_edit.merge(old or EMPTY, before)
    if new != old:
        added = [addition for addition in ours if addition not in before]
        undo.append(lambda: _withdraw(place, added, {new: old or EMPTY}, made=old is None))
        files.edit(place.settings, lambda text: settings_edit.merge(text or EMPTY, before)[0], place.within)


def withdraw(place: Place, settings: Sequence[Addition], *, made: bool) -> None:
    """Takes these out of the settings, and removes a file that we have *made* if nothing else has come into it."""
    if files.read(place.settings, place.within):
        _withdraw(place, settings, {}, made=made)


def _withdraw(place: Place, settings: Sequence[Addition], known: Mapping[str, str], *, made: bool) -> None:
    def without(text: str) -> str:
        return known.get(text) or settings_edit.withdraw(text, settings)[0]

    if files.edit(place.settings, without, place.within).strip() == "{}" and made:
        files.remove(place.settings, place.within)


def remove_folders(place: Place, names: Iterable[str]) -> None:
    for name in reversed(list(names)):
        stays(place.path(name), place.within)
        with suppress(OSError):  # others have put something there, or it is gone
            os.rmdir(place.path(name))


def _existing(folder: str) -> str:
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return folder
