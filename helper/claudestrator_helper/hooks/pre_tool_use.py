"""A call is about to be made."""

from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


#: With these an agent would take the next directive for itself, and in the foreground end its own attempt.
_ORCHESTRATORS = r"(?:^|[;&|(])\s*claudestrator-helper (wait|start)(?![\w-])|^claudestrator:work-"


def answer(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """The helper's own calls ask nobody: a later turn has lost what the command allowed, and so has a resumed one."""
    from . import approval, forked_skill

    given, tool = event.get("tool_input"), event.get("tool_name")
    if not isinstance(given, dict):
        return None
    import re

    called = str(given.get("command" if tool == "Bash" else "skill"))
    # What stands below the first line is mostly a text for the helper.
    its_own = re.search(_ORCHESTRATORS, called.split("\n", 1)[0])
    from ..store import typed_command

    typed_command.guard(project, permit=bool(its_own and its_own[1] == "wait" and not event.get("agent_id")))
    if its_own and event.get("agent_id"):
        why = "only the orchestrator runs that: do what your prompt says, and end with your report"
        return _decided("deny", why)
    if not (forked_skill.is_call(current, given) if tool == "Skill" else tool == "Bash" and approval.is_plain(given)):
        return None
    what = "an agent of the run" if tool == "Skill" else "a plain call of claudestrator-helper"
    return _decided("allow", what)


def _decided(decision: str, why: str) -> Answer:
    decided = {"permissionDecision": decision, "permissionDecisionReason": why}
    return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decided}}
