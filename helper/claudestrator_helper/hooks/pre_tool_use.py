"""A call is about to be made."""

from .. import host
from ..engine.state import State
from ..store.paths import Project
from ..store.skill_calls import SKILL
from .payload import Answer, specific

#: Calls by which an agent would take the next directive for itself, steer the run in a person's place, or end its own
#: attempt in the foreground.
_NOT_AGENTS = r"(?:^|[;&|(])\s*claudestrator-helper\s+(?:--project(?:=|\s+)\S+\s+)?(wait|start|ended|{})(?![\w-])"
_OF_OTHERS = "only the orchestrator or the person runs that: do what your prompt says, and end with your report"

#: A person's consent to a gate, however it is wrapped.
_PERSONS = r"claudestrator-helper['\"]?(?:\s+--project(?:=|\s+)\S+)?\s+['\"]?allow(?![\w-])"


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Allows the helper's own calls without a prompt: what the command's frontmatter allows ends with its turn, and is
    not restored when a session is resumed."""
    given, tool = event.get(host.INPUT), event.get(host.TOOL)
    if not isinstance(given, dict):
        return None
    called = str(given.get(host.BASH_COMMAND if tool == host.BASH else host.SKILL_NAME))
    # The lines after the first are mostly text for the helper.
    its_own = _not_agents(called.split("\n", 1)[0])
    from ..store import typed_command

    permit = its_own == "wait" and not event.get(host.AGENT)
    typed_command.guard(project, permit=permit, turn=str(event.get(host.TURN) or ""))
    if event.get(host.AGENT) and (why := _OF_OTHERS if its_own else _of_another(project, current, event, called)):
        return _decided("deny", why)
    if tool != host.SKILL:
        return _of_bash(event, given, called)
    # Most calls are agents' of the helper.
    from . import forked_skill

    if not forked_skill.is_call(current, given):
        return None
    changed = forked_skill.called(project, current, given)
    return _decided("allow", "an agent of the run", **({host.CHANGED_INPUT: changed} if changed != given else {}))


def _not_agents(called: str) -> str:
    """What no agent may call: the verb, or the name of a skill; "" for anything else."""
    if called.startswith(SKILL):
        return SKILL
    # Importing re takes as long as the rest of an answer to a skill's call.
    if "claudestrator-helper" not in called:
        return ""
    import re

    from . import approval

    found = re.search(_NOT_AGENTS.format("|".join(approval.STEERING)), called)
    return found[1] if found else ""


def _of_bash(event: dict[str, object], given: dict[str, object], called: str) -> Answer | None:
    import re

    from . import approval

    if not approval.is_plain(given) and re.search(_PERSONS, called):
        return _decided("deny", "only a person can allow a gate, in a terminal: do without, or report that you can't")
    is_approved = event.get(host.TOOL) == host.BASH and approval.is_plain(given, of_agent=bool(event.get(host.AGENT)))
    return _decided("allow", "a plain call of claudestrator-helper") if is_approved else None


def _of_another(project: Project, current: State, event: dict[str, object], called: str) -> str:
    """Why an agent may not have the prompt that it asks for; "" if it may, or makes another call. The first that asks
    has the attempt: no hook of ours saw the launch of one that was launched while another session had the run."""
    import re

    from ..engine.config import TASK

    found, name = re.fullmatch(r"claudestrator-helper prompt (\S+)\s*", called), str(event[host.AGENT])
    agent = current.agents.get(found[1]) if found else None
    if not (found and agent) or current.engine != TASK:
        return ""
    from ..engine import markers
    from ..store import marker_files

    known = marker_files.name(project, found[1], agent.attempt)
    if not known:
        marker_files.leave(project, found[1], markers.AGENT, agent.attempt, name)
    return "" if known in ("", name) else "another agent is at work on that: end here, without doing anything"


def _decided(decision: str, why: str, **more: object) -> Answer:
    return specific(host.PRE_TOOL_USE, **{host.PERMISSION: decision, host.PERMISSION_REASON: why}, **more)
