"""The verb `status-line`: one line about the run for Claude Code's status line.

Claude Code calls it after every message, so it reads only what it shows, and without dataclasses, YAML or click.
"""

import json
import os
import sys
import time

from .. import host, output
from ..accounts import estimate
from ..accounts.transcript import obj
from ..errors import ClaudestratorError
from ..store import event_lines, files, paths, project_files
from ..store.paths import Project
from ..system import processes
from ..texts import frontmatter, queue
from ..texts.fields import cut
from ..texts.statuses import COMPLETED, FAILED, SKIPPED
from . import arguments

#: Bytes of the log, the last ones, that are read for the estimate; and of Claude Code's JSON.
_LOG, _INPUT = 200_000, 1_000_000
_SIGNS = {"running": "▶", "paused": "⏸", "stopping": "⏹"}
#: Of an unfinished run whose session has ended.
_GONE = "⏹"


def main(folder: str | None, words: list[str]) -> int:
    """Prints the line for the JSON on standard input; nothing where no run is unfinished. Raises ClaudestratorError for
    unknown words; what is wrong in the files is never said, because no one would read it there."""
    arguments.refuse_others("status-line", words)
    given = _given()
    place = folder or _text(obj(given.get(host.WORKSPACE)), host.WORKSPACE_PROJECT) or _text(given, host.CWD)
    try:
        project = paths.project(folder or (paths.root_around(place) if os.path.isdir(place) else None))
        said = line(project, _dollars(given), time.time())
    except ClaudestratorError:
        said = ""
    if said:
        output.echo([said])
    return 0


def line(project: Project, dollars: float | None, now: float) -> str:
    """Sign, completed tasks, who is at work, failures, time left and the session's cost; "" without an unfinished run.
    Raises ClaudestratorError if a file can't be read."""
    head = files.read(project.session, project.bounds, files.HEAD) if os.path.exists(project.session) else None
    found = frontmatter.own(head or "") or {}
    sign = _SIGNS.get(str(found.get("status")))
    if not sign:
        return ""
    owner = found.get("process")
    gone = isinstance(owner, str) and processes.gone(owner)
    parsed = queue.parse(project_files.text(project, project.queue))
    statuses = [task.status for task in parsed.tasks]
    agents = {} if gone else _agents(found.get("tasks"), now)
    sign = _GONE if gone else sign
    parts = [f"{sign} {statuses.count(COMPLETED)}/{len(statuses) - statuses.count(SKIPPED)}{_names(agents)}"]
    parts += [f"{statuses.count(FAILED)} failed"] if FAILED in statuses else []
    if gone:
        return " · ".join([*parts, "/orchestrate continues it"])
    parallel = found.get("parallel")
    places = min(parallel, host.AGENTS_AT_ONCE) if isinstance(parallel, int) else 1
    left = estimate.remaining(parsed, estimate.times(_events(project), parsed), agents, places)
    parts += [f"~{estimate.rounded(left.middle)}"] if left else []
    parts += [f"${dollars:,.2f}"] if dollars is not None else []
    return " · ".join(parts)


def _names(agents: dict[str, int]) -> str:
    if not agents:
        return ""
    more = f" +{len(agents) - 1}" if len(agents) > 1 else ""
    return f" {cut(next(iter(agents)), 40)}{more}"


def _agents(tasks: object, now: float) -> dict[str, int]:
    """For how long each agent has been at work, in seconds, by the state as the file holds it."""
    found: dict[str, int] = {}
    for id_, record in obj(tasks).items():
        claimed = obj(obj(record).get("agent")).get("claimed")
        if isinstance(claimed, int):
            found[str(id_)] = max(0, int(now) - claimed)
    return found


def _events(project: Project) -> list[estimate.Event]:
    """The last events of the log, without what it holds otherwise."""
    try:
        with open(project.log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG))
            lines = file.read(_LOG).split(b"\n")
    except OSError:
        return []
    # Only these say how long something took.
    return list(event_lines.events(each for each in lines if b'"done"' in each or b'"failed"' in each))


def _given() -> dict[str, object]:
    if sys.stdin.isatty():
        return {}
    try:
        found = json.loads(sys.stdin.buffer.read(_INPUT) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return obj(found)


def _text(values: dict[str, object], name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""


def _dollars(given: dict[str, object]) -> float | None:
    """What the session has cost, by Claude Code's own count."""
    found = obj(given.get(host.COST)).get(host.DOLLARS)
    return float(found) if isinstance(found, int | float) and 0 < found < 10**9 else None
