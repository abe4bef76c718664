"""A person has typed a slash command."""

import os

from .. import host
from ..store.paths import Project
from .payload import Answer

#: Words after `/orchestrate` that begin no run.
_ASIDE = {"status", "stop", "help", "--help", "--dry-run"}
_REACH = (
    "While the run is at work: Esc, or ctrl+x ctrl+s, sends what you type at once, and the run goes on by itself when "
    "an agent ends; in another terminal, `claudestrator-helper watch`, `pause` and `stop` reach it."
)
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


def answer(project: Project, _: "State | None", event: dict[str, object]) -> Answer | None:
    """Notes what a typed `/orchestrate` doesn't tell its own `start`, above all the words."""
    from ..store import typed_command
    from ..system import processes

    if str(event.get(host.COMMAND_NAME)) in ("orchestrate", "claudestrator:orchestrate"):
        session, mode = str(event.get(host.SESSION) or ""), str(event.get(host.MODE) or typed_command.UNKNOWN)
        typed_command.note(project, session, mode, processes.current(), str(event.get(host.COMMAND_ARGS) or ""))
        # Made here, because in a sandbox `start` can't write outside the project.
        processes.key()
        words = str(event.get(host.COMMAND_ARGS) or "").split()
        if os.environ.get(host.ATTENDED) != "0" and not _ASIDE & set(words):
            return {host.MESSAGE: f"{_REACH}{_once()}"}
    return None


def _once() -> str:
    """How a terminal finds the helper, where only the plugin has it."""
    from ..store import paths

    found = paths.launcher()
    return f" (once: `'{found}' install-cli`)" if found and not os.path.exists(paths.link()) else ""
