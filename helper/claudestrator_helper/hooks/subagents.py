"""The agents whose end hooks hear of: which of them carries out a task of the run, and what it has left running."""

from __future__ import annotations

import os
import time

from ..store import marker_files
from ..texts import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State
    from ..store.paths import Project

#: What orchestrate.md has an agent be launched with.
_LAUNCH = "Run `claudestrator-helper prompt {}` and follow it."
#: The first message and the prompt, which is the answer to the first call, are in the first bytes of a transcript.
_HEAD = 1_000_000
#: Of the session's transcript, the last bytes hold what has just come in.
_TAIL = 200_000
#: Seconds for the first lines of a transcript to be written.
_PATIENCE = 1
#: Seconds for which an agent is held that ends again although a job of its own runs: less than a hook may take.
_HELD = 45
Event = dict[str, object]


def task_of(project: Project, current: State, event: Event) -> str:
    """The id of the task that the agent of *event* was launched for; "" for any other agent.

    An agent may show its prompt to agents that it starts itself, so nothing that an agent has read or said counts. Its
    name does, where a hook saw the launch. Otherwise its first message has to be the run's own.

    """
    name, path = event.get("agent_id"), str(event.get("agent_transcript_path") or "")
    names = {id_: marker_files.name(project, id_, agent.attempt) for id_, agent in current.agents.items()}
    unnamed = [id_ for id_, known in names.items() if not known]
    named = [id_ for id_, known in names.items() if known and known == name]
    if named or not unnamed or _is_nested(path):
        return named[0] if named else ""
    head = _head(path, patient=current.engine == "lean")
    first = _first_message(head)
    if first is None:
        # Where no transcript can be read, Claude Code's own list says what the agent was launched as.
        own = [_description(event)]
    else:
        own = [id_ for id_ in unnamed if first.strip() == _LAUNCH.format(id_) or _is_fork(project, current, id_, first)]
    return next((id_ for id_ in own if id_ in unnamed and not _is_over(current, id_, head)), "")


def _is_nested(path: str) -> bool:
    """Whether another agent has started that one, by what Claude Code keeps beside its transcript."""
    return path.endswith(".jsonl") and b'"parentAgentId"' in _read(path.removesuffix(".jsonl") + ".meta.json", _HEAD)


def _head(path: str, *, patient: bool) -> str:
    if patient and path:
        # The transcript of a fork may come late.
        from ..run import polling

        polling.wait_until(lambda: b"\n" in _read(path, _HEAD), _PATIENCE, time.sleep, time.monotonic)
    return _read(path, _HEAD).decode(errors="replace")


def _first_message(head: str) -> str | None:
    """What the agent began with, "" where that can't be read; None where its transcript isn't there."""
    import json

    from ..accounts import transcript

    for line in head.split("\n", 20)[:20]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return "" if head else None
        if isinstance(entry, dict) and entry.get("type") == "user":
            message = entry.get("message")
            return transcript.text(message.get("content")) if isinstance(message, dict) else None
    return None


def _is_fork(project: Project, current: State, id_: str, first: str) -> bool:
    """Whether *first* is the prompt of that task, from its first words to its last: a forked skill begins with it."""
    if current.engine != "lean":
        return False
    from ..agents import prompts
    from ..store import role_texts
    from ..texts import ids

    # A long text of a role is cut.
    begins = role_texts.text(project, ids.role(id_))[0][: prompts.ROLE_LIMIT // 2].strip()
    ends = prompts.reporting(project, id_, current.agents[id_].attempt).strip()
    # Claude Code puts the words of the call after a text that has no place for them.
    prompt = first.strip().removesuffix(f"ARGUMENTS: {id_}").strip()
    return prompt.startswith(begins) and prompt.endswith(ends)


def _is_over(current: State, id_: str, head: str) -> bool:
    """Whether the agent's own prompt was that of another attempt: it takes seconds to end after its report, and the run
    may have given its task to the next one by then."""
    import re

    told = re.search(rf"claudestrator-helper done {re.escape(id_)} --attempt (\d{{1,9}})\b", head)
    return told is not None and told[1] != str(current.agents[id_].attempt)


def jobs(current: State, event: Event, id_: str) -> list[Event]:
    """The commands and agents in the background that the agent of *event*, which is that task's, has started itself."""
    others = [
        task
        for task in background(event)
        if task.get("status") == "running" and task.get("id") != event.get("agent_id")
    ]
    # The list is the whole session's; what an agent has started is named in its own transcript.
    said = _read(str(event.get("agent_transcript_path") or ""), -1) if others else b""
    if said:
        return [task for task in others if str(task.get("id") or "\n").encode() in said]
    return [task for task in others if task.get("description") not in current.agents.keys() - {id_}]


def names(running: list[Event]) -> str:
    return ", ".join(fields.cut(str(task.get("description") or task.get("id")), 60) for task in running)


def wait_for_end(event: Event, running: list[Event]) -> None:
    """Blocks until Claude Code has heard of the end of one of these jobs, as far as its transcript tells, or for a
    time."""
    from ..run import polling

    path = str(event.get("transcript_path") or "")
    ends = [f"<task-id>{task.get('id')}</task-id>".encode() for task in running]

    def has_ended() -> bool:
        said = _read(path, -_TAIL)
        return any(end in said for end in ends)

    polling.wait_until(has_ended, _HELD, time.sleep, time.monotonic)


def will_be_woken(current: State) -> bool:
    """Whether the end of its job wakes an agent that has ended its turn: in the foreground it is over by then, and
    without a terminal Claude Code tells nobody of anything before the main conversation's turn has ended."""
    return current.engine != "lean" and os.environ.get("CLAUDE_CODE_SESSION_ATTENDED") != "0"


def _description(event: Event) -> str:
    """The description of the Task call that launched the agent that the event is about."""
    running = [task for task in background(event) if task.get("id") and task.get("id") == event.get("agent_id")]
    return str(running[0].get("description", "")) if running else ""


def background(event: Event) -> list[Event]:
    tasks = event.get("background_tasks")
    return [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []


def _read(path: str, size: int) -> bytes:
    """The first *size* bytes of a file, for a negative one the last, for -1 all; nothing where it can't be read."""
    try:
        with open(path, "rb") as file:
            if size < -1:
                file.seek(max(0, os.fstat(file.fileno()).st_size + size))
            return file.read(max(-1, size))
    except OSError:
        return b""
