"""Kills of a process between two changes of the disk, within one test process."""

from collections.abc import Callable, Iterator

import pytest
from claudestrator_helper.store import files


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the package catches it."""


@pytest.fixture
def kill_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Makes the n-th change of the disk, counted from 0, kill the process before it happens."""
    names = ("_replace", "remove", "append_line")
    real = {name: getattr(files, name) for name in names}

    def arm(at: int) -> None:
        count = iter(range(10_000))

        def guarded(name: str) -> Callable[..., object]:
            def call(*words: object, **named: object) -> object:
                if next(count) == at:
                    raise Killed
                return real[name](*words, **named)

            return call

        for name in names:
            monkeypatch.setattr(files, name, guarded(name))

    yield arm
    monkeypatch.undo()
