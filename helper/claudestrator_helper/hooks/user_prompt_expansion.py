"""A person has typed a slash command."""

from .. import host
from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


def answer(project: Project, _: "State | None", event: dict[str, object]) -> Answer | None:
    """Notes what a typed `/orchestrate` doesn't tell its own `start`, above all the words."""
    from ..store import typed_command
    from ..system import processes

    if str(event.get(host.COMMAND_NAME)) in ("orchestrate", "claudestrator:orchestrate"):
        session, mode = str(event.get(host.SESSION) or ""), str(event.get(host.MODE) or "unknown")
        typed_command.note(project, session, mode, processes.current(), str(event.get(host.COMMAND_ARGS) or ""))
        # Made here, because in a sandbox `start` can't write outside the project.
        processes.key()
    return None
