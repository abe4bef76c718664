"""A person has typed a slash command."""

from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


def answer(project: Project, _: "State | None", event: dict[str, object]) -> Answer | None:
    """A person has typed `/orchestrate`: what its own `start` isn't told is noted for it, the words above all."""
    from ..store import typed_command
    from ..system import processes

    if str(event.get("command_name")) in ("orchestrate", "claudestrator:orchestrate"):
        session, mode = str(event.get("session_id") or ""), str(event.get("permission_mode") or "unknown")
        typed_command.note(project, session, mode, processes.current(), str(event.get("command_args") or ""))
        # A sandbox lets `start` write nothing outside of the project.
        processes.key()
    return None
