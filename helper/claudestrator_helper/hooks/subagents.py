"""The agent of a hook event: which task of the run it carries out, and which of its own jobs are still running."""

import os
import time

from .. import host
from ..engine.state import State
from ..store import marker_files, skill_calls
from ..store.paths import Project
from ..store.skill_calls import SKILL

#: The prompt with which orchestrate.md has an agent launched.
_LAUNCH = "Run `claudestrator-helper prompt {}` and follow it."
#: The engines whose agents begin with their whole prompt.
_GIVEN = ("lean", "mod")
#: Bytes at the start of a transcript that hold the first message and the agent's prompt, its first call's result.
_HEAD = 1_000_000
#: Bytes at the end of the session's transcript that hold what has just come in.
_TAIL = 200_000
#: Seconds in which the first lines of a transcript are written.
_PATIENCE = 1
#: Seconds for which an agent is held that ends again while a job of its own runs.
_HELD = host.HOOK_TIMEOUT - 15
Event = dict[str, object]


def task_of(project: Project, current: State, event: Event) -> str:
    """The id of the task that the agent of *event* was launched for; "" for any other agent. The agent's name decides,
    if a hook saw the launch; otherwise its first message has to be the run's own. Nothing else that it has read or said
    counts, because an agent may show its prompt to agents of its own."""
    name, path = event.get(host.AGENT), str(event.get(host.AGENT_TRANSCRIPT) or "")
    names = {id_: marker_files.name(project, id_, agent.attempt) for id_, agent in current.agents.items()}
    unnamed = [id_ for id_, known in names.items() if not known]
    named = [id_ for id_, known in names.items() if known and known == name]
    if named or not unnamed or _is_over_by_name(project, current, name) or _is_nested(path):
        return named[0] if named else ""
    head = _head(path, patient=current.engine in _GIVEN)
    first = _first_message(head)
    if first is None:
        # Without a readable transcript, Claude Code's own list gives the description of the launch.
        own = [_description(event)]
    else:
        own = [id_ for id_ in unnamed if first.strip() == _LAUNCH.format(id_) or _is_fork(project, current, id_, first)]
    return next((id_ for id_ in own if id_ in unnamed and not _is_over(current, id_, head)), "")


def _is_over_by_name(project: Project, current: State, name: object) -> bool:
    """Whether the agent of that *name* was a skill's whose attempt is settled: nothing else has to be read for that."""
    agents = {(id_, agent.attempt) for id_, agent in current.agents.items()}
    return any(each.agent == name and (each.id, each.attempt) not in agents for each in skill_calls.read(project))


def _is_nested(path: str) -> bool:
    """Whether another agent launched the agent with this transcript, by Claude Code's facts beside it."""
    facts = path.removesuffix(host.LINES) + host.AGENT_FACTS
    return path.endswith(host.LINES) and host.PARENT in _read(facts, _HEAD)


def _head(path: str, *, patient: bool) -> str:
    if patient and path:
        # The transcript of a fork may be written late.
        from ..run import polling

        polling.wait_until(lambda: b"\n" in _read(path, _HEAD), _PATIENCE, time.sleep, time.monotonic)
    return _read(path, _HEAD).decode(errors="replace")


def _first_message(head: str) -> str | None:
    """The agent's first message; "" if it can't be read, None if there is no transcript."""
    import json

    from ..accounts import transcript

    for line in head.split("\n", 20)[:20]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return "" if head else None
        if isinstance(entry, dict) and entry.get(host.KIND) == host.USER:
            message = entry.get("message")
            return transcript.text(message.get("content")) if isinstance(message, dict) else None
    return None


def _is_fork(project: Project, current: State, id_: str, first: str) -> bool:
    """Whether *first* is the whole prompt of this task, by its first words and its last."""
    if current.engine not in _GIVEN:
        return False
    from ..agents import prompts
    from ..store import role_texts
    from ..texts import ids

    # A role's text may be cut when it is long.
    begins = role_texts.text(project, ids.role(id_))[0][: prompts.ROLE_LIMIT // 2].strip()
    by_message = current.engine == "mod"
    ends = prompts.reporting(project, id_, current.agents[id_].attempt, by_message=by_message).strip()
    # Claude Code puts the words of the call after a text that has no place for them.
    prompt = first.strip().removesuffix(f"ARGUMENTS: {id_}").strip()
    return prompt.startswith(begins) and prompt.endswith(ends)


def _is_over(current: State, id_: str, head: str) -> bool:
    """Whether the agent's prompt belongs to another attempt. An agent takes seconds to end after its report, and by
    then the run may have given its task to the next agent."""
    import re

    told = re.search(rf"(?:claudestrator-helper done|REPORT) {re.escape(id_)} (?:--)?attempt (\d{{1,9}})\b", head)
    return told is not None and told[1] != str(current.agents[id_].attempt)


def jobs(current: State, event: Event, id_: str) -> list[Event]:
    """The background commands and agents that the agent of *event*, which carries out that task, has started itself."""
    running = [task for task in background(event) if task.get(host.STATUS) == host.RUNNING]
    others = [task for task in running if task.get(host.ID) != event.get(host.AGENT)]
    # The list is the whole session's; an agent's own transcript names what it has started.
    said = _whole_transcript(event) if others else b""
    if said:
        return [task for task in others if str(task.get(host.ID) or "\n").encode() in said]
    return [task for task in others if described(task) not in current.agents.keys() - {id_}]


def _whole_transcript(event: Event) -> bytes:
    """The transcript of an agent that ends. It is written late, so the agent's last words are waited for."""
    import json

    from ..run import polling

    path = str(event.get(host.AGENT_TRANSCRIPT) or "")
    last = json.dumps(str(event.get(host.LAST_WORDS) or ""), ensure_ascii=False)[1:-1].encode(errors="replace")
    if os.path.exists(path):
        polling.wait_until(lambda: last in _read(path, -_TAIL), _PATIENCE, time.sleep, time.monotonic)
    return _read(path, -1)


def names(running: list[Event]) -> str:
    from ..texts import fields

    return ", ".join(fields.cut(str(task.get(host.DESCRIPTION) or task.get(host.ID)), 60) for task in running)


def wait_for_end(event: Event, running: list[Event]) -> None:
    """Blocks until the session's transcript has the end of one of these jobs, or for _HELD seconds."""
    from ..run import polling

    path = str(event.get(host.TRANSCRIPT) or "")
    ends = [host.NOTICE_TASK.format(task.get(host.ID)).encode() for task in running]

    def has_ended() -> bool:
        said = _read(path, -_TAIL)
        return any(end in said for end in ends)

    polling.wait_until(has_ended, _HELD, time.sleep, time.monotonic)


def will_be_woken(current: State) -> bool:
    """Whether the end of its job wakes an agent that has ended its turn. An agent in the foreground is over by then,
    and headless Claude Code delivers no notice before the main conversation's turn has ended (measured on 2.1.329)."""
    return not current.in_foreground and os.environ.get(host.ATTENDED) != "0"


def _description(event: Event) -> str:
    """The description of the Task call that launched the agent of *event*."""
    running = [task for task in background(event) if task.get(host.ID) and task.get(host.ID) == event.get(host.AGENT)]
    return described(running[0]) if running else ""


def described(task: Event) -> str:
    """The id in a background task's description, which for a skill is the call as a person would type it."""
    description = str(task.get(host.DESCRIPTION, ""))
    skill, _, args = description.partition(" ")
    return args.strip() if skill.startswith(f"/{SKILL}") else description


def background(event: Event) -> list[Event]:
    """The session's background tasks; see host.BACKGROUND_TASKS."""
    tasks = event.get(host.BACKGROUND_TASKS)
    return [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []


def _read(path: str, size: int) -> bytes:
    """The first *size* bytes of a file, the last ones for a negative size, all for -1; empty if it can't be read."""
    try:
        with open(path, "rb") as file:
            if size < -1:
                file.seek(max(0, os.fstat(file.fileno()).st_size + size))
            return file.read(max(-1, size))
    except OSError:
        return b""
