"""A prompt is about to be read: an agent's end, where Claude Code tells of it."""

from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


def answer(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """The notice of an agent's end, which is as long as the launch was, stays out of the conversation where the run has
    settled that agent already, because then nothing waits for the notice any more."""
    import re

    from ..store import marker_files

    found = re.search(r"<task-id>([\w-]+)</task-id>.*?<summary>Agent \"([\w.-]+)\" ", str(event["prompt"]), re.DOTALL)
    if not found or found[2] not in current.attempts:
        return None
    name, id_ = found[1], found[2]
    agent = current.agents.get(id_)
    if agent and marker_files.name(project, id_, agent.attempt) in ("", name):
        return None
    said = f"the notice that {id_} has ended, which the run knows"
    quiet = {"hookEventName": "UserPromptSubmit", "suppressOriginalPrompt": True}
    return {"decision": "block", "reason": said, "hookSpecificOutput": quiet}
