"""One run as a person has it: typed into a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from rig import project
from rig.interactive import Terminal
from rig.plays import Act, Play, task_section
from rig.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from pathlib import Path

    from rig.scene import Stage


def at_work(folder: Path) -> str:
    statuses = project.statuses(folder)
    return ", ".join(id_ for id_, status in statuses.items() if status == "in_progress")


@pytest.mark.usefixtures("tmux")
def test_a_run_typed_into_a_terminal_ends_with_the_helpers_sentence(both: Stage) -> None:
    scene = both.by_script("terminal")
    sections = tuple(task_section(f"TASK-00{number}", "a half") for number in (1, 2))
    play = Play(sections, {"TASK-001": (Act(files={"made.txt": "typed\n"}, delay=1),)})

    with Terminal(scene.setting, ScriptedModel(play), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: at_work(scene.project) == "TASK-001", "first task")
        # As from a second terminal.
        assert "pauses once TASK-001" in project.helper(scene.project, "pause")
        terminal.wait_for(lambda: project.statuses(scene.project)["TASK-001"] == "completed", "end of the first task")
        time.sleep(0.5)
        assert at_work(scene.project) == ""
        assert project.helper(scene.project, "resume") == "The run continues.\n"
        terminal.wait_for(lambda: "All 2 tasks are completed" in terminal.screen(), "closing sentence")
        assert "in another terminal, `claudestrator-helper watch`" in " ".join(terminal.screen().split())
        assert not terminal.api.errors

    assert project.statuses(scene.project) == {"TASK-001": "completed", "TASK-002": "completed"}
    assert (scene.project / "made.txt").read_text(encoding="utf-8") == "typed\n"
