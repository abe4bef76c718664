"""The notice of an agent's end is about to enter the conversation."""

from .. import host
from ..engine.state import State
from ..store.paths import Project
from .payload import Answer, block, specific


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Keeps the notice, about 1,200 characters, out of the conversation if the run has already settled that agent:
    nothing waits for it any more. The person reads where the run is instead."""
    import re

    from ..store import marker_files, skill_calls
    from . import progress

    found = re.search(host.NOTICE_SUMMARY, str(event[host.PROMPT]), re.DOTALL)
    if not found:
        return None
    name, id_ = found[1], found[2]
    # A long id is cut in the description of a skill's agent.
    id_ = next((each.id for each in skill_calls.read(project) if each.agent == name), id_)
    agent = current.agents.get(id_)
    is_due = agent and marker_files.name(project, id_, agent.attempt) in ("", name)
    if is_due or not current.record(id_).attempts or _begins_turn(project, current, event):
        return None
    return block(progress.line(project, current)) | specific(host.USER_PROMPT_SUBMIT, **{host.SUPPRESS_PROMPT: True})


def _begins_turn(project: Project, current: State, event: dict[str, object]) -> bool:
    """Whether the notice begins a turn in a headless session that has ended its own, as at the limit of
    `--max-budget-usd`: if it were kept out, Claude Code would end with 0, as if the run were finished."""
    import os

    from ..store import typed_command

    if not current.unfinished or os.environ.get(host.ATTENDED) != "0":
        return False
    known = typed_command.turn(project)
    return bool(known) and event.get(host.TURN) != known
