"""Claude Code notifies the person of something that waits for them."""

from .. import host
from ..engine import state
from ..engine.config import MOD
from ..engine.state import State
from ..store.paths import Project


def answer(project: Project, current: State, event: dict[str, object]) -> None:
    """Tells the person in their own way, too, that an agent asks for a permission, or that the run goes on only when
    they type something."""
    text = _question(current, event)
    if not text:
        return
    from ..run import notify
    from ..store import files

    with files.locked(project.lock, within=project.bounds):
        notify.question(project, current, text)


def _question(current: State, event: dict[str, object]) -> str:
    from ..texts.fields import named

    kind, agents = event.get(host.NOTIFICATION_KIND), current.agents
    if kind in host.ASKING:
        at_work = f" (at work: {named(agents, len(agents))})" if agents else ""
        return f"{event.get(host.NOTIFICATION_TEXT)}{at_work}"
    # The end of an agent would wake the session, and a mod goes on beside it.
    stands = current.status == state.RUNNING and current.engine != MOD and not agents
    return "the run stands still: type /orchestrate to continue it" if kind == host.IDLE and stands else ""
