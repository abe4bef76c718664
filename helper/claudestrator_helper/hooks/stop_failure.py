"""An error of the API has ended an agent."""

from ..store.paths import Project
from .payload import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


def answer(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours that an error of the API has ended can't be asked for anything."""
    from ..engine import markers, outage
    from ..store import marker_files
    from . import forked_skill

    name = event.get("agent_id")
    if name and current.engine == "lean":
        forked_skill.died(project, str(name), event.get("error"))
    for id_, agent in current.agents.items():
        is_it = name and marker_files.name(project, id_, agent.attempt) == name
        if is_it and not marker_files.report_of(project, id_, agent.attempt):
            marker_files.fail(project, id_, agent.attempt, outage.reason(event.get("error")), markers.API)
    return None
