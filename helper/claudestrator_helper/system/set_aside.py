"""Where hooks put a person's unstaged work while they run, in case they never restore it."""

import glob
import os
import time
from collections.abc import Iterable

from ..texts import fields
from .commit_witness import Repository


def missing(repository: Repository, paths: Iterable[str], since: float, *, sure: bool = True) -> str:
    """A sentence on *paths*, whose changes are gone from the working tree; "" if there are none. If it is not *sure*
    that a hook took them, it needs a patch or stash that is not older than *since*, in seconds."""
    gone = list(paths)
    places = [fields.cut(place, 200) for place in _places(repository, since)] if gone else []
    if not (gone and (sure or places)):
        return ""
    names = fields.named([fields.cut(path, 60) for path in gone], len(gone))
    where = f"look in {fields.named(places, len(places))} (`git apply` takes a patch)" if places else "look for them"
    return f"your changes in {names} are gone: {where}"


def _places(repository: Repository, since: float) -> list[str]:
    """The patches of pre-commit and lint-staged and the stash of git that are not older than *since*."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.environ.get("PRE_COMMIT_HOME") or os.path.join(cache, "pre-commit")
    patches = [*glob.glob(os.path.join(glob.escape(folder), "patch*")), _lint_staged(repository)]
    stash = repository.call("log", "-1", "--format=%ct", "refs/stash", "--").text.strip()
    stashed = ["`git stash list`"] if stash.isdigit() and int(stash) >= int(since) else []
    return [path for path in patches if _changed(path) >= int(since)] + stashed


def _lint_staged(repository: Repository) -> str:
    return os.path.join(repository.folder, "lint-staged_unstaged.patch")


def _changed(path: str) -> float:
    try:
        return min(os.stat(path).st_mtime, time.time())
    except OSError:
        return -1
