"""What Claude Code's own files tell of an agent where no hook did: that it was launched, that none was, that it ended.

Hooks tell these things at once. But Esc keeps the hook on a launch from running, and no hook runs for an agent that a
person stops, or while the helper itself can't run.
"""

import os

from .. import host
from ..accounts import session_files
from ..engine import markers, outage, settle_reports
from ..engine.config import LEAN, MOD
from ..engine.state import Agent
from ..engine.step import Inputs
from ..store import marker_files, run_log, skill_calls
from ..store.paths import Project

#: Seconds after an agent's end in which a hook records why.
PATIENCE = 30


def taken_in(project: Project, inputs: Inputs) -> Inputs:
    """The inputs with the markers that these files stand for; the caller holds the lock. Unchanged for a mod, which
    sees all that its agents do, and where the session has left no transcript.

    Raises ClaudestratorError for a marker that can't be written.

    """
    current, found = inputs.state, inputs.markers
    waiting = {id_: agent for id_, agent in current.agents.items() if id_ not in found.reports}
    if not waiting or not current.owner.hooked or current.engine == MOD or current.in_foreground:
        return inputs
    transcript = session_files.transcript(current.owner.session)
    if transcript is None:
        return inputs
    reports, started, launched = dict(found.reports), dict(found.started), found.launched
    unseen = [id_ for id_ in waiting if id_ not in launched]
    if unseen and current.engine == LEAN:
        launched |= _adopted(project, inputs, unseen)
        # The call leaves the sign of life when it renders the prompt, and an interruption may come before the launch.
        for id_ in {*unseen} & {*started} - launched:
            if inputs.now - _changed(marker_files.path(project, id_, markers.STARTED)) > settle_reports.LAUNCH:
                del started[id_]
    for id_, agent in waiting.items():
        if why := _ended(project, transcript, id_, agent, inputs.now):
            marker_files.fail(project, id_, agent.attempt, *why)
            reports[id_] = markers.Marker(markers.FAILED, agent.attempt, why[0], cause=why[1])
    return inputs._replace(markers=markers.Markers(reports, started, launched))


def _adopted(project: Project, inputs: Inputs, ids: list[str]) -> frozenset[str]:
    """Those of these agents that have a transcript. The name of each is noted, as the hook on its launch does."""
    from ..accounts import agents

    at_work = inputs.state.agents
    paths = [path for path in map(session_files.transcript, run_log.sessions(project)) if path]
    since = min(at_work[id_].claimed for id_ in ids)
    calls = skill_calls.read(project)
    known = {call.agent for call in calls}
    named = agents.unnamed(paths, known, {(id_, at_work[id_].attempt) for id_ in ids}, since)
    for name, id_ in named.items():
        marker_files.leave(project, id_, markers.AGENT, at_work[id_].attempt, name)
        for call in calls:
            if (call.id, call.attempt, call.agent) == (id_, at_work[id_].attempt, ""):
                skill_calls.note(project, call._replace(agent=name))
    return frozenset(named.values())


def _ended(project: Project, transcript: str, id_: str, agent: Agent, now: int) -> tuple[str, str] | None:
    """The reason and the cause of the agent's end; None while it may be at work."""
    name = marker_files.name(project, id_, agent.attempt)
    path = session_files.facts(session_files.of_agent(transcript, name)) if name else ""
    found = session_files.head(path) if path else b""
    if host.STOPPED_BY_PERSON in found:
        return outage.INTERRUPTED, markers.INTERRUPTION
    # The end of its own job wakes an agent that was held.
    over = host.FINISHED in found and not marker_files.is_held(project, id_, agent.attempt)
    return (markers.ENDED, markers.SILENCE) if over and now - _changed(path) > PATIENCE else None


def _changed(path: str) -> float:
    """When the file was written last; the distant future if it is gone."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return float("inf")
