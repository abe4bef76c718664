"""Waiting for a thing instead of a while, and measuring work instead of time, so that a busy machine fails no test."""

import os
import time
from collections.abc import Callable

#: Seconds after which what is waited for does not come.
PATIENCE = 120


def until(found: Callable[[], object]) -> None:
    """Waits until something is *found*. Raises AssertionError when it does not come."""
    end = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def busy() -> float:
    """The seconds of processor time that this process has used, with the children that it has collected."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
