"""A task whose agent is at work, what its reports leave behind, and the bounds of its prompt."""

from pathlib import Path

import pytest
from claudestrator_helper.agents import prompts
from claudestrator_helper.engine.state import Agent
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import paths, state_file
from claudestrator_helper.store.paths import Project
from queues import queue, task
from states import state_of

ID = "TASK-001"


def fill(project: Project, *tasks: str) -> None:
    Path(project.queue).write_text(queue(*tasks), encoding="utf-8")


def spawned(project: Project, id_: str = ID, *, attempt: int = 1, reason: str = "") -> None:
    agent = Agent(attempt, "sonnet", 100, 100, attempt - 1, reason)
    state_file.write(project, state_of(run="r", status="running", agents={id_: agent}, attempts={id_: attempt}))


def at_work(project: Project, *, attempt: int = 1, reason: str = "") -> None:
    """A queue of one task whose agent was spawned."""
    fill(project, task(ID, status="in_progress"))
    spawned(project, attempt=attempt, reason=reason)


def left(project: Project) -> dict[str, str]:
    folder = Path(project.markers)
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


def refusal_of(call: object, *words: object) -> str:
    assert callable(call)
    with pytest.raises(ClaudestratorError) as refusal:
        call(*words)
    return str(refusal.value)


#: What Claude Code lets through of one Bash call's output.
OUTPUT = 30_000

LONGEST_PATH = "long" * 30


def is_whole(text: str, id_: str = ID, attempt: int = 1) -> bool:
    """Whether a prompt ends in the Report section as it is in the shortest prompt, and fits into one Bash call."""
    nowhere = paths.Project("/nowhere", "/nowhere/.claude")
    return text.endswith(prompts.reporting(nowhere, id_, attempt)) and len(text) < OUTPUT
