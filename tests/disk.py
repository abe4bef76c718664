"""Files before and after a change, their modes, and refusals to touch them."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import files

OLD, NEW = "old " * 5000, "new " * 7000


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


def take(path: Path, timeout: float = 5.0, within: str = "") -> None:
    with files.locked(str(path), timeout, within):
        pass
