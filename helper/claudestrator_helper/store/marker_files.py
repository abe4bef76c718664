"""Completion markers, in ``agent_complete``.

``<id>.done`` and ``.failed`` are reports, ``.started`` is a sign of life, the first line of ``.agent`` is Claude Code's
name of the launched agent, ``.held`` marks an agent that has ended its turn while a job of its own ran, and
``.reporting`` one whose gate runs.

The first line of a report is ``done`` or the reason, the second names the attempt. A file made by hand counts, even if
it is empty. The third line is the working tree's fingerprint in ``.started``, a note that the tree is unchanged in
``.done``, whose fourth says that its gate was green, the cause of a failure that no agent reported, which `fail`
never writes, and when the report was begun in ``.reporting``.
"""

import os

from .. import host
from ..engine.markers import AGENT, DONE, FAILED, HELD, PROVED, REPORTING, STARTED, UNCHANGED, Marker, Markers
from . import files, project_files
from .links import stays
from .paths import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CAUSE = "cause: "
#: The largest number of ids that are looked for one by one.
_FEW = 20
_ATTEMPT = "attempt: "


def path(project: Project, id_: str, kind: str) -> str:
    return os.path.join(project.markers, f"{id_}.{kind}")


def _read(project: Project, id_: str, kind: str) -> str | None:
    return project_files.read(project, path(project, id_, kind))


def text(project: Project, id_: str, kind: str) -> str:
    """A marker's text, "" if there is none. Raises as `files.read`."""
    return _read(project, id_, kind) or ""


def read(project: Project, attempts: "Mapping[str, int]") -> Markers:
    """The markers of these ids that are about the attempt given with each."""
    reports, started = {}, {}
    if len(attempts) > _FEW:
        # Most have none, so listing the folder takes less time than looking for each.
        present = _present(project)
        attempts = {id_: attempt for id_, attempt in attempts.items() if id_ in present}
    for id_, attempt in attempts.items():
        report = report_of(project, id_, attempt)
        if report:
            reports[id_] = report
        found = _read(project, id_, STARTED)
        if found is not None:
            started[id_] = _attempt(found)
    launched = [id_ for id_, attempt in attempts.items() if is_launched(project, id_, attempt)]
    return Markers(reports, started, frozenset(launched))


def _present(project: Project) -> set[str]:
    """The ids that have a marker."""
    stays(project.markers, project.bounds)
    return {entry.rpartition(".")[0] for entry in files.names(project.markers)}


def name(project: Project, id_: str, attempt: int) -> str:
    """Claude Code's name of the agent of that attempt; "" if none was launched or no hook saw the launch."""
    found = text(project, id_, AGENT)
    return _line(found, 0) if _attempt(found) == attempt else ""


def is_launched(project: Project, id_: str, attempt: int) -> bool:
    """Whether that attempt's agent is known to have been there: by a hook, or, where that was killed, by its report."""
    return bool(name(project, id_, attempt)) or _attempt(text(project, id_, REPORTING)) == attempt


def is_held(project: Project, id_: str, attempt: int) -> bool:
    """Whether that attempt's agent was last asked to wait for its own job, rather than only for its report."""
    found = _read(project, id_, HELD)
    return found is not None and _attempt(found) == attempt


def report_of(project: Project, id_: str, attempt: int) -> Marker | None:
    """The report on that attempt of *id_*; None without one. A failure beats a success, because it claims less; but one
    that no agent reported may have been written while the success was."""
    failed, done = (_report(project, id_, attempt, kind) for kind in (FAILED, DONE))
    return done if failed is None or (failed.cause and done) else failed


def _report(project: Project, id_: str, attempt: int, kind: str) -> Marker | None:
    found = _read(project, id_, kind)
    if found is None or _attempt(found) not in (None, attempt):
        return None
    if kind == DONE:
        unchanged, proved = _line(found, 2) == UNCHANGED, _line(found, 3) == PROVED
        return Marker(kind, _attempt(found), unchanged=unchanged, proved=proved)
    from ..texts.fields import one_line

    reason = one_line(found.split("\n", 1)[0]) or "no reason given"
    _, is_ours, cause = _line(found, 2).partition(CAUSE)
    return Marker(kind, _attempt(found), reason, cause=cause if is_ours else "")


def leave(project: Project, id_: str, kind: str, attempt: int | None, first_line: str, tree: str = "") -> None:
    """Writes a marker; *tree* is its third line, or its last ones. Raises ClaudestratorError if it can't be written."""
    if not (first_line.isascii() and first_line.isalnum()):
        # It compiles patterns, and an agent's start waits for the marker of that.
        from ..texts.fields import one_line

        first_line = one_line(first_line)
    line = "" if attempt is None else f"attempt: {attempt}\n{tree}".rstrip() + "\n"
    lasting = kind in (DONE, FAILED)  # the others are about an agent that dies with the machine
    project_files.write(project, path(project, id_, kind), f"{first_line}\n{line}", lasting=lasting)


def fail(project: Project, id_: str, attempt: int, reason: str, cause: str) -> None:
    """Writes the marker of a failure that no agent reported."""
    leave(project, id_, FAILED, attempt, reason, CAUSE + cause)


def clear(project: Project, id_: str) -> None:
    """Removes all markers of *id_*."""
    for kind in (DONE, FAILED, STARTED, AGENT, HELD, REPORTING):
        remove(project, id_, kind)


def remove(project: Project, id_: str, kind: str) -> None:
    project_files.remove(project, path(project, id_, kind))


def begun(project: Project, id_: str, attempt: int) -> str | None:
    """The working tree's fingerprint when that attempt began; None if it has given no sign of life."""
    found = _read(project, id_, STARTED)
    return _line(found, 2) if found is not None and _attempt(found) == attempt else None


def reporting(project: Project, ids: "Iterable[str]", now: float) -> frozenset[str]:
    """Those of these agents whose report is being made: a call that makes one ends within the cap on a Bash call, and
    the agent calls again."""
    begun = {id_: _line(text(project, id_, REPORTING), 2) for id_ in ids}
    return frozenset(id_ for id_, at in begun.items() if at.isdecimal() and abs(now - int(at[:12])) < host.BASH_CAP)


def left_at(project: Project, id_: str, kind: str) -> float:
    """When that marker was left, in seconds; 0 if there is none."""
    try:
        return os.stat(path(project, id_, kind)).st_mtime
    except OSError:
        return 0.0


def _line(text: str, number: int) -> str:
    return next(iter(text.split("\n", number + 1)[number:]), "").strip()


def _attempt(text: str) -> int | None:
    number = _line(text, 1)[len(_ATTEMPT) :]
    is_one = _line(text, 1).startswith(_ATTEMPT) and number.isdecimal() and len(number) < 10
    return int(number) if is_one else None
