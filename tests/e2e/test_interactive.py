"""One run as a person has it: typed into a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rig import project
from rig.interactive import Terminal
from rig.plays import Act, Play, task_section
from rig.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from rig.scene import Stage


@pytest.mark.usefixtures("tmux")
def test_a_run_typed_into_a_terminal_ends_with_the_helpers_sentence(both: Stage) -> None:
    scene = both.by_script("terminal")
    sections = tuple(task_section(f"TASK-00{number}", "a half") for number in (1, 2))
    play = Play(sections, {"TASK-001": (Act(files={"made.txt": "typed\n"}),)})

    with Terminal(scene.setting, ScriptedModel(play), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "All 2 tasks are completed" in terminal.screen(), "closing sentence")
        assert not terminal.api.errors

    assert project.statuses(scene.project) == {"TASK-001": "completed", "TASK-002": "completed"}
    assert (scene.project / "made.txt").read_text(encoding="utf-8") == "typed\n"
