"""What the commands of `[worktree] setup` have changed in a worktree, which is no work of its agent's.

A file in the worktree's git folder names the paths, and what each held then. What the agent has changed since is its
work.
"""

import contextlib
import json
import os
import zlib

from ..errors import ClaudestratorError
from ..store import files
from . import git
from .commit_witness import Repository

_NAME = "claudestrator-made"


def note(place: Repository) -> None:
    """Records what differs from the commit that is checked out there. Raises ClaudestratorError if that fails."""
    changes = git.changes_in(place)
    if isinstance(changes, str):
        raise ClaudestratorError(f"git can't read {place.root}: {changes}")
    stamps = {path: _stamp(os.path.join(place.root, path)) for path in changes}
    files.write(os.path.join(place.folder, _NAME), json.dumps(stamps) + "\n")


def unchanged(place: Repository) -> list[str]:
    """The paths that are as the commands have left them."""
    try:
        stamps = json.loads(files.read(os.path.join(place.folder, _NAME)) or "{}")
    except (ClaudestratorError, ValueError):
        return []
    return [path for path, stamp in stamps.items() if _stamp(os.path.join(place.root, path)) == stamp]


def put_back(place: Repository, paths: list[str], index: str = "") -> None:
    """Makes these paths as the *index* has them, or else the worktree's own."""
    listed = place.call("ls-files", "-z", "--full-name", index=index).text.split("\0") if paths else []
    held = {*listed} & {*paths}
    if held:
        place.call("checkout-index", "-f", "-u", "-z", "--stdin", text="\0".join(held), index=index)
    for path in {*paths} - held:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(place.root, path))


def _stamp(path: str) -> list[int]:
    """Size and checksum: another call of the commands may write the same once more."""
    try:
        if os.path.islink(path):
            content = os.fsencode(os.readlink(path))
        else:
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
                content = file.read()
    except OSError:
        return []
    return [len(content), zlib.crc32(content)]
