"""An API error has ended an agent."""

from .. import host
from ..engine.state import State
from ..store.paths import Project
from .payload import Answer


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Records the failure of an agent of the run, which can't be asked for a report any more."""
    from ..engine import markers, outage
    from ..store import marker_files
    from . import forked_skill

    name, error = event.get(host.AGENT), event.get(host.ERROR)
    if name and current.in_foreground:
        forked_skill.died(project, str(name), error)
    for id_, agent in current.agents.items():
        is_it = name and marker_files.name(project, id_, agent.attempt) == name
        if is_it and not marker_files.report_of(project, id_, agent.attempt):
            marker_files.fail(project, id_, agent.attempt, outage.reason(error), markers.API)
    return None
