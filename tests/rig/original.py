"""The protocol that Claudestrator's documents began with, before there was a helper, to measure against.

The model itself reads the queue, types each agent's whole prompt, waits in a shell loop for the marker that the agent
writes, and edits the queue. `original.md` is the command. Where the documents leave a choice, this takes the cheaper:
one look at the queue in all, one edit a task, agents that end in two sentences. Their loop slept for 10 seconds, this
one sleeps for one, so that times can be compared.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rig.conversation import QUIET, last_calls, say, texts, use
from rig.plays import Ending
from rig.scripted_model import ScriptedModel, is_side_request

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from rig.conversation import Call
    from rig.messages_api import JSON, Request
    from rig.plays import Play

    #: Yields what the model says, and is sent the answered calls.
    Script = Generator[list[JSON], list[Call], None]

COMMAND = {".claude/commands/orchestrate.md": Path(__file__).with_name("original.md").read_text(encoding="utf-8")}
QUEUE = ".claude/task_queue.md"
#: Git's identity, for the commit at the end.
ENVIRONMENT = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Rig", "EMAIL": "rig@localhost"}.items()
}
_MODELS = {"easy": "haiku", "normal": "sonnet", "complex": "opus"}
_MARKER = re.compile(r"\.claude/agent_complete/([\w.-]+)\.done")
_NUMBERED = re.compile(r"^ *\d+[→\t](.*)$", re.MULTILINE)
_SECTION = re.compile(r"^### (TASK-\S+)$\n(.*?)(?=^---$)", re.MULTILINE | re.DOTALL)
_COMPLEXITY = re.compile(r"^\| Complexity \| (\w+) \|$", re.MULTILINE)
_TABLE = "\n\n| Field | Value |\n|-------|-------|\n| Status | {} |"


class OriginalModel(ScriptedModel):
    """Follows the documents' protocol as the main conversation, and acts `play` as the agents."""

    def __init__(self, play: Play) -> None:
        super().__init__(play)
        self._script = _orchestration()
        self._agents: dict[str, Iterator[list[JSON]]] = {}

    def answer(self, request: Request) -> list[JSON]:
        if not request.agent or is_side_request(request):
            return super().answer(request)
        steps = self._agents.setdefault(request.agent, _agent(request, self.play))
        return next(steps, [say(QUIET)])

    def orchestrate(self, request: Request) -> list[JSON]:
        answered = last_calls(request.messages)
        if answered:
            return self._script.send(answered)
        # A notification that comes by itself finds nothing to do: the marker is what counts.
        return (
            [say(QUIET)] if any(message["role"] == "assistant" for message in request.messages) else next(self._script)
        )


def _orchestration() -> Script:
    yield from _delegated("decomposition", "opus", "Read PRD.md and create .claude/task_queue.md with its tasks.")
    answered = yield [use("Read", file_path=QUEUE)]
    for task_id, section in _SECTION.findall(_text(answered[-1])):
        complexity = _COMPLEXITY.search(section)
        told = section.partition("**Objective:**")[2].strip()
        prompt = f"Task: {task_id}\n\nObjective: {told}"
        yield from _delegated(task_id, _MODELS[complexity[1] if complexity else "normal"], prompt)
        before, after = (f"### {task_id}{_TABLE.format(status)}" for status in ("pending", "completed"))
        yield [use("Edit", file_path=QUEUE, old_string=before, new_string=after)]
    yield [use("Write", file_path=".claude/session_state.md", content="initial_prd_tasks_complete: true\n")]
    yield [use("Bash", command="git add -A && git commit -m 'Initial build complete'")]
    yield [say("All tasks are completed.")]


def _delegated(task_id: str, model: str, prompt: str) -> Script:
    marker = f".claude/agent_complete/{task_id}.done"
    words = f'{prompt}\n\nWhen DONE: Write "{marker}" with "done"'
    launch = {"description": task_id, "subagent_type": "general-purpose", "model": model, "prompt": words}
    yield [use("Task", **launch, run_in_background=True)]
    wait = f"while [ ! -f '{marker}' ]; do sleep 1; done && echo 'done'"
    yield [use("Bash", command=wait, timeout=600_000)]


def _text(read: Call) -> str:
    """What the Read tool showed, without its numbers. Raises ValueError when it refused, as it does a very long file."""
    if read.is_error:
        raise ValueError(f"the queue can't be read at once: {read.result[:200]}")
    return "".join(f"{line}\n" for line in _NUMBERED.findall(read.result))


def _agent(request: Request, play: Play) -> Iterator[list[JSON]]:
    """There is no word for a failure: whoever has not succeeded goes on until it has. Raises ValueError."""
    marker = _MARKER.search("\n".join(texts(request.messages, "user")))
    if not marker:
        raise ValueError("an agent was not told which marker to write")
    files = {QUEUE: "\n\n---\n\n".join(play.tasks) + "\n\n---\n"} if marker[1] == "decomposition" else {}
    acts = play.acts.get(marker[1], ())
    files |= {path: content for act in acts if act.ending is Ending.REPORT for path, content in act.files.items()}
    yield [use("Write", file_path=path, content=content) for path, content in files.items()]
    time.sleep(sum(act.delay for act in acts))
    yield [use("Write", file_path=marker[0], content="done\n")]
    yield [say(acts[-1].note if acts else "The queue is written.")]
