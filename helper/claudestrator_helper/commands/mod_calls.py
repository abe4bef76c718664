"""A call of the mod in Claude Code: what it tells as a JSON object on standard input, and what it is answered. The verb
`ended` is here, without click and without what takes steps, because the notice of an agent's end waits for it.
"""

import json
import os
import select
import time
from collections.abc import Callable

from .. import host, output
from ..engine import markers
from ..engine.config import MOD
from ..engine.state import State
from ..errors import ClaudestratorError
from ..store import files, marker_files, paths, state_file
from ..store.paths import Project
from ..system import processes
from ..texts import directives, fields
from . import arguments

#: What a person is told whose Esc keeps an agent from beginning.
_HELD = "After Esc, Claude Code starts no agent until you have typed something: {id} waits"

Given = dict[str, object]
Answer = dict[str, object]


def answer(reply: Callable[[Given], Answer]) -> None:
    """Prints the answer to what standard input says. A refusal is a STOP, as it is in `start`."""
    try:
        said = reply(question())
    except (ClaudestratorError, ValueError, RecursionError) as error:
        said = refusal(error)
    output.echo([output.as_json_line(said)])


def ended(project: Project, session: str, given: Given) -> Answer:
    """Takes the last message, `text`, of the run's agent `agent`, which has ended by `status`. `refused` lists agents
    that Claude Code did not start, with `id`, `attempt` and `why`, and `held` is the id of one that it does not start
    yet. Of the agent of another engine, with its `description`, the answer says whether the notice of its end
    `isSettled`."""
    current = state_file.read(project)
    if current.owner.mod == digest(given):
        from ..agents import final_message

        note_launched(project, current, given)
        note_refused(project, current, given.get("refused"))
        _note_held(project, text(given, "held"))
        final_message.ended(project, *(text(given, key) for key in ("agent", "status", "text")))
        return {}
    from ..hooks import subagents, user_prompt_submit

    is_its = bool(session) and session == current.owner.session and current.engine != MOD
    name, described = text(given, "agent"), subagents.described({host.DESCRIPTION: text(given, "description")})
    return {"isSettled": is_its and bool(user_prompt_submit.settled(project, current, name, described))}


def note_launched(project: Project, current: State, given: Given) -> None:
    """Records Claude Code's name of the agents that the mod has started, where no hook could: on a full disk, say."""
    told = given.get("told")
    for each in told if isinstance(told, list) else []:
        id_, name = (text(each, "id"), text(each, "agent")) if isinstance(each, dict) else ("", "")
        agent = current.agents.get(id_)
        if not (name and agent and each.get("attempt") == agent.attempt):
            continue
        if not marker_files.name(project, id_, agent.attempt):
            marker_files.leave(project, id_, markers.AGENT, agent.attempt, fields.cut(name, fields.LINE))


def note_refused(project: Project, current: State, refused: object) -> None:
    """Records which agents Claude Code did not start."""
    for each in refused if isinstance(refused, list) else []:
        id_ = str(each.get("id")) if isinstance(each, dict) else ""
        agent = current.agents.get(id_)
        if agent and each.get("attempt") == agent.attempt and not marker_files.report_of(project, id_, agent.attempt):
            marker_files.fail(
                project, id_, agent.attempt, fields.cut(str(each.get("why")), fields.LINE), markers.REFUSAL
            )


def _note_held(project: Project, id_: str) -> None:
    """Counts the time of the agent *id_* from now on, and tells the person, who may be elsewhere."""
    with files.locked(project.lock, within=project.bounds):
        current, now = state_file.read(project), int(time.time())
        if agent := current.agents.get(id_):
            from ..run import notify

            held = agent._replace(claimed=now, spawned=now)
            state_file.write(project, current.recorded(id_, agent=held))
            notify.question(project, current, _HELD.format(id=id_), once=True)


def main(folder: str | None, words: list[str]) -> int | None:
    """Runs `ended --session ID --mod` and returns its exit code; None for any other call."""
    if words[:1] != ["--session"] or words[2:] != ["--mod"]:
        return None
    project = paths.project(folder)
    answer(lambda given: ended(project, words[1], given))
    return 0


def question() -> Given:
    """What the mod tells. Raises ValueError for anything but JSON, ClaudestratorError if the mod is gone."""
    # Claude Code starts what its mods run itself, and doesn't name its own process to it.
    os.environ[host.PID] = str(os.getppid())
    _refuse_orphan()
    given = json.loads(arguments.stdin() or "{}")
    return given if isinstance(given, dict) else {}


def refusal(error: Exception) -> Answer:
    """The answer that ends the run in the mod."""
    stop = {"kind": directives.STOP, "sentence": fields.cut(str(error), fields.LINE), "exitCode": 1}
    return {"lines": [], "directives": [stop]}


def _refuse_orphan() -> None:
    """Raises ClaudestratorError if no one reads the answer: what has started this has died, and the process that is
    above now, which lives as long as the machine, would have the run."""
    listening = select.poll()
    listening.register(1, 0)
    if any(what & (select.POLLERR | select.POLLHUP) for _, what in listening.poll(0)):
        raise ClaudestratorError("the session that called this is gone: `/orchestrate` in a new one continues the run")


def digest(given: Given) -> str:
    """What the state has of the key that is told, whose first word is the secret."""
    return processes.digest(text(given, "key").partition(" ")[0])


def text(given: Given, key: str) -> str:
    value = given.get(key)
    return value if isinstance(value, str) else ""
