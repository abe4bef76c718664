"""A call that starts an agent has returned."""

from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


def answer(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours was launched in the background: what ends by an error is known by its name only. Or it has ended
    in the foreground, and the run goes on."""
    given, got = event.get("tool_input"), event.get("tool_response")
    if not isinstance(given, dict) or not isinstance(got, dict) or event.get("agent_id"):
        # What an agent calls is its own.
        return None
    from ..engine import markers
    from ..store import marker_files
    from . import forked_skill

    if event.get("tool_name") == "Skill":
        return forked_skill.ended(project, current, given, got)
    id_, name = given.get("description"), got.get("agentId")
    if event.get("tool_name") not in ("Agent", "Task") or not isinstance(name, str) or id_ not in current.agents:
        return None
    marker_files.leave(project, id_, markers.AGENT, current.agents[id_].attempt, name)
    if got.get("status") != "async_launched":
        return None
    # What Claude Code says of a launch is mostly on how to read the agent's output and to go on with it.
    output = {key: got.get(key) for key in ("status", "isAsync", "agentId", "description", "prompt", "outputFile")}
    output |= {"prompt": "", "outputFile": "", "canReadOutputFile": False, "canContinueAgent": False}
    return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "updatedToolOutput": output}}
