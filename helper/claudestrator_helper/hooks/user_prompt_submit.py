"""The notice of an agent's end is about to enter the conversation."""

from .. import host
from ..engine.state import State
from ..store.paths import Project
from .payload import Answer, block, specific

#: It goes on from "UserPromptSubmit operation blocked by hook:".
REASON = "nothing is wrong: {id} has ended, and the run knows that already; {progress}"


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Keeps the notice, about 1,200 characters, out of the conversation if the run has already settled that agent:
    nothing waits for it any more. Claude Code tells the person that an operation was blocked, whatever is answered, and
    then the reason: so that says first that nothing is wrong, and then where the run is. With `continue: false` they
    would read "Operation stopped by hook", and the conversation would get the reason (2.1.280)."""
    id_ = _settled(project, current, str(event[host.PROMPT]))
    if not id_ or _begins_turn(project, current, event):
        return None
    reason = REASON.format(id=id_, progress=_progress(project, current))
    return block(reason) | specific(host.USER_PROMPT_SUBMIT, **{host.SUPPRESS_PROMPT: True})


def _settled(project: Project, current: State, notice: str) -> str:
    """The task that the notice is about, if nothing waits for it any more; otherwise ""."""
    from ..store import skill_calls

    name = notice.partition(host.NOTICE_TASK.partition("{")[0])[2].partition("<")[0]
    if name and any(each.agent == name for each in skill_calls.read(project)):
        # The conversation's next request waits for this hook, and a pattern takes longer than all else.
        return settled(project, current, name, "")
    import re

    found = re.search(host.NOTICE_SUMMARY, notice, re.DOTALL)
    return settled(project, current, found[1], found[2]) if found else ""


def _progress(project: Project, current: State) -> str:
    """Where the run is: as the last step has kept it, if nothing was written since."""
    from ..agents import starting
    from ..store.hidden_files import PROGRESS

    sealed, _, kept = PROGRESS.read(project).partition("\n")
    if kept and sealed == starting.seal(project):
        return kept
    from . import progress

    return progress.line(project, current)


def settled(project: Project, current: State, name: str, described: str) -> str:
    """The task of the agent *name*, described by its task, if the run waits for that agent no more; otherwise ""."""
    from ..store import marker_files, skill_calls

    # A long id is cut in the description of a skill's agent.
    id_ = next((each.id for each in skill_calls.read(project) if each.agent == name), described)
    agent = current.agents.get(id_)
    is_due = agent and marker_files.name(project, id_, agent.attempt) in ("", name)
    return "" if is_due or not current.record(id_).attempts else id_


def _begins_turn(project: Project, current: State, event: dict[str, object]) -> bool:
    """Whether the notice begins a turn in a headless session that has ended its own, as at the limit of
    `--max-budget-usd`: if it were kept out, Claude Code would end with 0, as if the run were finished, and with the
    reason for its last word."""
    import os

    from ..store import typed_command

    if not current.unfinished:
        return not current.background and os.environ.get(host.ENTRY) != host.INTERACTIVE
    if os.environ.get(host.ATTENDED) != "0":
        return False
    known = typed_command.turn(project)
    return bool(known) and event.get(host.TURN) != known
