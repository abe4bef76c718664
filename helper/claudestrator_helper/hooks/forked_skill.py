"""The lean engine: each agent is a forked skill, which the orchestrator calls and which blocks it until the agent ends.

Claude Code's hook on that call is where a run goes on. The next directive takes the place of the call's result, so a
task costs the main conversation one call and one line.
"""

from __future__ import annotations

import os
import time

from ..engine import markers, outage
from ..store import files, marker_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State
    from ..store.paths import Project

#: The skills' names, up to the model.
SKILL = "claudestrator:work-"
#: Seconds for the hook that tells why an agent died: Claude Code runs it beside the one on the call.
_PATIENCE = 0.5
Values = dict[str, object]


def is_call(current: State, given: Values) -> bool:
    """Whether that input of the Skill tool starts an agent that the run waits for."""
    return str(given.get("skill")).startswith(SKILL) and _id(given) in current.agents


def died(project: Project, name: str, error: object) -> None:
    """Notes how the API has ended an agent, of which nobody knows yet what it worked on."""
    files.write(_fate(project), f"{name} {outage.reason(error)}\n", within=project.bounds)


def ended(project: Project, current: State, given: Values, got: Values) -> Values | None:
    """What Claude Code is to do about a call of the Skill tool that has come back; None where it started no agent.

    An agent that left no report has failed. The result's shape is that of a skill that did not succeed, because
    Claude Code puts nothing around that one's text.

    """
    if not str(given.get("skill")).startswith(SKILL) or got.get("status") != "forked":
        return None
    id_ = _id(given)
    agent = current.agents.get(id_)
    if agent and not marker_files.report_of(project, id_, agent.attempt):
        marker_files.fail(project, id_, agent.attempt, *_why(project, str(got.get("agentId"))))
    from ..run import steps
    from ..texts.directives import WORK

    reply = steps.hand_over(project)
    output = {key: got.get(key) for key in ("commandName", "agentId")}
    output |= {"success": False, "status": "forked", "result": "\n".join(each.line() for each in reply.directives)}
    # The name of the call is all that Claude Code shows of it.
    now = [f"now {each.id}" for each in reply.directives if each.kind == WORK]
    said = {"systemMessage": "\n".join([*reply.lines, *now])} if reply.lines or now else {}
    return said | {"hookSpecificOutput": {"hookEventName": "PostToolUse", "updatedToolOutput": output}}


def _id(given: Values) -> str:
    return str(given.get("args") or "").strip()


def _why(project: Project, name: str) -> tuple[str, str]:
    """How the API ended that agent, or that it ended by itself, and which of the two it was."""
    deadline = time.monotonic() + _PATIENCE
    while not (why := _told(project, name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return (why, markers.API) if why else (markers.ENDED, markers.SILENCE)


def _told(project: Project, name: str) -> str:
    found, _, why = (files.read(_fate(project), project.bounds) or "").strip().partition(" ")
    return why if found == name else ""


def _fate(project: Project) -> str:
    return os.path.join(project.markers, ".died")
