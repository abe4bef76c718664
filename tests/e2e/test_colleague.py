"""A team's repository: a colleague who has no helper, and one who alone has it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from rig import project
from rig.conversation import say
from rig.interactive import Terminal
from rig.plays import Play, task_section
from rig.scene import PRD
from rig.session import run_headless

if TYPE_CHECKING:
    from rig.messages_api import Request
    from rig.scene import Scene, Stage


class Talk:
    """A model that says hello."""

    def answer(self, request: Request) -> list[dict[str, Any]]:
        return [say("Hello to you.")]


@pytest.fixture
def colleague(stage: Stage) -> Scene:
    scene = stage.by_script("colleague")
    (project.bin_folder(scene.setting.home) / "claudestrator-helper").unlink()
    return scene


def test_every_hook_ends_well_and_says_nothing(colleague: Scene) -> None:
    scene = colleague.with_arguments("--output-format", "stream-json", "--verbose", "--include-hook-events")
    run = run_headless(scene.setting, Talk(), "hello", "default")
    events = [json.loads(line) for line in run.output.splitlines()]
    ended = [event for event in events if event.get("subtype") == "hook_response"]
    assert {event["hook_event"] for event in ended} >= {"SessionStart", "UserPromptSubmit", "Stop"}
    assert [(event["exit_code"], event["stdout"], event["stderr"]) for event in ended] == [(0, "", "")] * len(ended)


@pytest.mark.usefixtures("tmux")
def test_the_screen_shows_no_error(colleague: Scene) -> None:
    with Terminal(colleague.setting, Talk(), "default") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("hello")
        terminal.wait_for(lambda: "Hello to you" in terminal.screen(), "answer")
        terminal.wait_for(lambda: "esc to interrupt" not in terminal.screen(), "end of the turn")
        assert "hook" not in terminal.screen().lower()
        assert "not found" not in terminal.screen()


def test_a_run_needs_the_local_settings_alone(stage: Stage) -> None:
    scene = stage.bare("alone", {"PRD.md": PRD, ".claude/settings.json": "{}\n"})
    project.install_by_script(scene.project, scene.setting.home, stage.claude, "--local")
    scene = replace(scene, setting=replace(scene.setting, path_folders=(project.bin_folder(scene.setting.home),)))
    outcome = scene.orchestrate(Play((task_section("TASK-001", "a thing"),)), mode="acceptEdits")
    assert outcome.statuses == {"TASK-001": "completed"}
    assert "hooked: true" in (scene.project / ".claude" / "session_state.md").read_text(encoding="utf-8")
    assert (scene.project / ".claude" / "settings.json").read_text(encoding="utf-8") == "{}\n"
