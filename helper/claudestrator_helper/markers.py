"""Completion markers: ``agent_complete/<id>.done`` and ``.failed``, and ``.started`` as a sign of life.

The first line is ``done`` or the reason, the second names the attempt. A file made by hand, empty even, counts.
"""

import os
import re
from collections.abc import Mapping
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


def read(project: Project, attempts: Mapping[str, int]) -> Markers:
    """The markers of these ids, as far as they are about the attempt that is named with each."""
    reports, started = {}, {}
    for id_, attempt in attempts.items():
        report = report_of(project, id_, attempt)
        if report:
            reports[id_] = report
        text = files.read(path(project, id_, STARTED))
        if text is not None:
            started[id_] = _attempt(text)
    return Markers(reports, started)


def report_of(project: Project, id_: str, attempt: int) -> Marker | None:
    """The report on that attempt of *id_*. Of two that contradict each other, the failure: it claims less."""
    for kind in (FAILED, DONE):
        text = files.read(path(project, id_, kind))
        if text is not None and _attempt(text) in (None, attempt):
            reason = one_line(text.split("\n", 1)[0]) or "no reason given"
            return Marker(kind, _attempt(text), reason if kind == FAILED else "")
    return None


def leave(project: Project, id_: str, kind: str, attempt: int | None, first_line: str) -> None:
    line = "" if attempt is None else f"attempt: {attempt}\n"
    files.write(path(project, id_, kind), f"{one_line(first_line)}\n{line}", within=project.state)


def clear(project: Project, id_: str) -> None:
    for kind in (DONE, FAILED, STARTED):
        files.remove(path(project, id_, kind))


def _attempt(text: str) -> int | None:
    lines = text.split("\n", 2)
    match = _ATTEMPT.fullmatch(lines[1].strip()) if len(lines) > 1 else None
    return int(match[1]) if match else None
