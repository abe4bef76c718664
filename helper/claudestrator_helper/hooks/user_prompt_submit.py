"""The notice of an agent's end is about to enter the conversation."""

from .. import host
from ..engine.state import State
from ..store.paths import Project
from .payload import Answer, block, specific


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Keeps the notice, about 1,200 characters, out of the conversation if the run has already settled that agent:
    nothing waits for it any more."""
    import re

    from ..store import marker_files

    found = re.search(host.NOTICE_SUMMARY, str(event[host.PROMPT]), re.DOTALL)
    if not found or not current.record(found[2]).attempts:
        return None
    name, id_ = found[1], found[2]
    agent = current.agents.get(id_)
    if agent and marker_files.name(project, id_, agent.attempt) in ("", name):
        return None
    said = f"the notice that {id_} has ended, which the run knows"
    return block(said) | specific(host.USER_PROMPT_SUBMIT, **{host.SUPPRESS_PROMPT: True})
