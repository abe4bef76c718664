"""Completion markers: ``agent_complete/<id>.done`` and ``.failed``, and ``.started`` as a sign of life.

The first line is ``done`` or the reason, the second names the attempt. A file made by hand, empty even, counts.
"""

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from . import files
from .fields import one_line
from .paths import Project

DONE, FAILED, STARTED = "done", "failed", "started"
_ATTEMPT = re.compile(r"attempt: (\d{1,9})")


class Marker(NamedTuple):
    """What one agent left: *kind* DONE or FAILED, the attempt (None where the file doesn't say), and the reason."""

    kind: str
    attempt: int | None
    reason: str = ""


class Markers(NamedTuple):
    """The markers of some agents, by id: their reports, and the attempts that have shown a sign of life."""

    reports: dict[str, Marker]
    started: dict[str, int | None]


def path(project: Project, id_: str, kind: str) -> str:
    return os.path.join(project.markers, f"{id_}.{kind}")


def read(project: Project, ids: Iterable[str]) -> Markers:
    reports, started = {}, {}
    for id_ in ids:
        report = report_of(project, id_)
        if report:
            reports[id_] = report
        text = files.read(path(project, id_, STARTED))
        if text is not None:
            started[id_] = _attempt(text)
    return Markers(reports, started)


def report_of(project: Project, id_: str) -> Marker | None:
    """The report that *id_* has left. Of two that contradict each other, the failure: it claims less."""
    text = files.read(path(project, id_, FAILED))
    if text is not None:
        return Marker(FAILED, _attempt(text), one_line(text.split("\n", 1)[0]) or "no reason given")
    text = files.read(path(project, id_, DONE))
    return None if text is None else Marker(DONE, _attempt(text))


def leave(project: Project, id_: str, kind: str, attempt: int | None, first_line: str) -> None:
    line = "" if attempt is None else f"attempt: {attempt}\n"
    files.write(path(project, id_, kind), f"{one_line(first_line)}\n{line}")


def clear(project: Project, id_: str) -> None:
    for kind in (DONE, FAILED, STARTED):
        files.remove(path(project, id_, kind))


def _attempt(text: str) -> int | None:
    lines = text.split("\n", 2)
    match = _ATTEMPT.fullmatch(lines[1].strip()) if len(lines) > 1 else None
    return int(match[1]) if match else None
