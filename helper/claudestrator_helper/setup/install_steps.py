"""The steps of an installation on the disk, each with its undo."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from .. import host
from ..errors import ClaudestratorError
from ..store import files
from ..store.links import stays
from ..store.paths import existing
from . import command_files, settings_edit
from .command_files import Plan
from .settings_edit import Addition

Undo = list[Callable[[], object]]
#: Settings that set nothing.
EMPTY = "{}\n"


class Place(NamedTuple):
    """A ``.claude`` folder. No link may lead out of *within*, which is "" for the person's own folder. A *local*
    installation is for one person only and changes no file that a project shares."""

    folder: str
    within: str = ""
    local: bool = False

    @property
    def settings(self) -> str:
        return os.path.join(self.folder, host.LOCAL_SETTINGS if self.local else host.SETTINGS)

    @property
    def manifest(self) -> str:
        return os.path.join(self.folder, command_files.LOCAL_NAME if self.local else command_files.NAME)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)


@contextmanager
def all_or_nothing() -> Iterator[Undo]:
    """If its block fails, takes back the steps that the block has listed, the last one first."""
    undo: Undo = []
    try:
        yield undo
    except (Exception, KeyboardInterrupt):
        for step in reversed(undo):
            # The manifest lists what can't be taken back, for --uninstall.
            with suppress(Exception):
                step()
        raise


@contextmanager
def alone(folder: str) -> Iterator[None]:
    """Keeps a second installer out, if the file system has locks. It locks a folder, so no lock file is left."""
    descriptor = -1
    with suppress(OSError):
        descriptor = os.open(existing(os.path.dirname(folder)), os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def refuse_unwritable(place: Place, plan: Plan, others: Iterable[str]) -> None:
    """Raises ClaudestratorError for a read-only file or folder. Replacing a file would ignore the file's own mode."""
    paths = [place.path(name) for name in (*plan.writes, *plan.removals)]
    for path in (existing(place.folder), *filter(os.path.exists, (*paths, *others, place.manifest))):
        if not os.access(path, os.W_OK) or not os.stat(path).st_mode & 0o222:
            raise ClaudestratorError(f"{path} can't be written: make it writable and run this again")


def put(place: Place, path: str, text: str | None, undo: Undo) -> None:
    """Writes a file, or removes it if *text* is None, unless that changes nothing."""
    old = files.read(path, place.within)
    if old != text:
        undo.append(lambda: _set(place, path, old))
        _set(place, path, text)


def _set(place: Place, path: str, text: str | None) -> None:
    if text is None:
        files.remove(path, place.within)
    else:
        files.write(path, text, place.within)


def merge(place: Place, before: Sequence[Addition], more: Sequence[Addition], undo: Undo) -> None:
    """Adds to the settings as they are at that moment: what someone saves meanwhile is kept, also by the undo."""
    old = files.read(place.settings, place.within)
    new, ours = settings_edit.merge(old or EMPTY, before, more)
    if new != old:
        added = [addition for addition in ours if addition not in before]
        undo.append(lambda: _withdraw(place, added, {new: old or EMPTY}, made=old is None))
        files.edit(place.settings, lambda text: settings_edit.merge(text or EMPTY, before, more)[0], place.within)


def withdraw(place: Place, settings: Sequence[Addition], *, made: bool) -> None:
    """Removes these additions from the settings, and the file itself if we *made* it and nothing else is in it."""
    if files.read(place.settings, place.within):
        _withdraw(place, settings, {}, made=made)


def _withdraw(place: Place, settings: Sequence[Addition], known: Mapping[str, str], *, made: bool) -> None:
    def without(text: str) -> str:
        return known.get(text) or settings_edit.withdraw(text, settings)[0]

    if files.edit(place.settings, without, place.within).strip() == "{}" and made:
        files.remove(place.settings, place.within)


def remove_folders(place: Place, names: Iterable[str]) -> None:
    """Removes these folders, outermost first in *names*, if they are empty."""
    for name in reversed(list(names)):
        stays(place.path(name), place.within)
        with suppress(OSError):  # it holds someone else's files, or is gone
            os.rmdir(place.path(name))
