"""What will go wrong is said to the person before it does, in the real Claude Code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from rig.interactive import Terminal
from rig.orchestrator import NOTE
from rig.plays import Act, Play, task_section
from rig.scripted_model import ScriptedModel
from rig.transcript import main_exchanges, spoken

if TYPE_CHECKING:
    from rig.scene import Outcome, Scene, Stage

ONE_TASK = Play((task_section("TASK-001", "one thing"),))


def notes(outcome: Outcome) -> list[str]:
    """What the orchestrator was told, and what it said of it, line by line."""
    first = outcome.run.exchanges and main_exchanges(outcome.run.exchanges)[0].request.messages
    told = [line for line in json.dumps(first, ensure_ascii=False).split("\\n") if line.startswith(NOTE)]
    said = [text for text in spoken(outcome.run.exchanges) if text.startswith(NOTE)]
    assert [line.strip() for line in told] == said
    return said


def change(scene: Scene, name: str, old: str, new: str) -> None:
    path = scene.project / ".claude" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(("mode", "said"), [("default", "with -p it is denied"), ("dontAsk", "that no rule allows")])
def test_a_mode_in_which_agents_can_not_write_is_named(stage: Stage, mode: str, said: str) -> None:
    told = notes(stage.by_script(f"note-{mode}").orchestrate(ONE_TASK, mode=mode))

    assert len(told) == 1
    assert said in told[0]
    assert "names" not in told[0], "an installation by the script lacks nothing"
    assert len(told[0]) < 200


@pytest.mark.parametrize("install", ["script", "plugin"])
def test_where_nothing_will_go_wrong_nothing_is_said(stage: Stage, install: str) -> None:
    make = stage.by_script if install == "script" else stage.by_plugin

    assert notes(make(f"no-note-{install}").orchestrate(ONE_TASK)) == []


@pytest.mark.parametrize(
    ("name", "rules", "writes"),
    [("one-tool", {"allow": ["Edit"]}, False), ("both-tools", {"allow": ["Edit", "Write"]}, True), ("path", {"allow": ["Edit(**)"]}, True), ("no-path", {"allow": ["Write(**)"]}, False),
     ("all-denied", {"deny": ["Edit(**)"], "allow": ["Edit", "Write"]}, False), ("denied", {"deny": ["Write"], "allow": ["Edit(**)"]}, False), ("asked", {"ask": ["Write(*)"], "allow": ["Edit(**)"]}, False),
     ("nothing-denied", {"deny": ["Write(**)"], "allow": ["Edit(**)"]}, True), ("unread", {"deny": ["Read"], "allow": ["Edit(**)"]}, False)],
)  # fmt: skip
def test_rules_are_understood_as_claude_code_understands_them(
    stage: Stage, name: str, rules: dict[str, list[str]], writes: bool
) -> None:
    scene = stage.by_script(f"rules-{name}")
    (scene.project / ".claude" / "settings.local.json").write_text(json.dumps({"permissions": rules}))
    play = Play(ONE_TASK.tasks, {"TASK-001": (Act(files={"made.txt": "made\n"}),)})

    outcome = scene.orchestrate(play, mode="default")

    assert (scene.project / "made.txt").exists() == writes
    assert (notes(outcome) == []) == writes


def test_hooks_that_are_not_there_are_named(stage: Stage) -> None:
    scene = stage.by_script("no-hooks")
    path = scene.project / ".claude" / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hooks": {}}))

    assert "hooks are not installed" in notes(scene.orchestrate(ONE_TASK))[0]


@pytest.mark.usefixtures("tmux")
def test_a_person_at_a_terminal_sees_it(stage: Stage) -> None:
    scene = stage.by_script("note-terminal")
    change(scene, "commands/orchestrate.md", "start --commands ", "start --commands 99.")

    with Terminal(scene.setting, ScriptedModel(ONE_TASK), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "The one task is completed" in terminal.screen(), "closing sentence")
        screen = " ".join(terminal.screen().split())
        assert not terminal.api.errors

    assert "note: /orchestrate (99.0.2.0) is newer than the helper" in screen
