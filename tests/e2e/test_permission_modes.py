"""What will go wrong is said to the person before it does, in the real Claude Code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from rig.interactive import Terminal
from rig.plays import Act, Play, task_section
from rig.scene import CONFIG
from rig.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from rig.scene import Scene, Stage

ONE = task_section("TASK-001", "one thing")


def change(scene: Scene, name: str, old: str, new: str) -> None:
    path = scene.project / ".claude" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "rules", "writes"),
    [("one-tool", {"allow": ["Edit"]}, False), ("both-tools", {"allow": ["Edit", "Write"]}, True), ("path", {"allow": ["Edit(**)"]}, True), ("no-path", {"allow": ["Write(**)"]}, False),
     ("all-denied", {"deny": ["Edit(**)"], "allow": ["Edit", "Write"]}, False), ("denied", {"deny": ["Write"], "allow": ["Edit(**)"]}, False), ("asked", {"ask": ["Write(*)"], "allow": ["Edit(**)"]}, False),
     ("nothing-denied", {"deny": ["Write(**)"], "allow": ["Edit(**)"]}, True), ("unread", {"deny": ["Read"], "allow": ["Edit(**)"]}, False)],
)  # fmt: skip
def test_rules_are_understood_as_claude_code_understands_them(
    lean: Stage, name: str, rules: dict[str, list[str]], writes: bool
) -> None:
    scene = lean.by_script(f"rules-{name}", {CONFIG: "[run]\nattempts = 1\n"}).with_queue(ONE)
    (scene.project / ".claude" / "settings.local.json").write_text(json.dumps({"permissions": rules}))
    play = Play(acts={"TASK-001": (Act(files={"made.txt": "made\n"}),)})

    outcome = scene.orchestrate(play, mode="default")

    assert (scene.project / "made.txt").exists() == writes
    assert (outcome.notes == []) == writes
    # What its agent could not do is never called done.
    assert outcome.statuses == {"TASK-001": "completed" if writes else "failed"}


def test_hooks_that_are_not_there_are_named(stage: Stage) -> None:
    scene = stage.by_script("no-hooks", {}).with_queue(ONE)
    path = scene.project / ".claude" / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hooks": {}}))

    assert "hooks are not installed" in scene.orchestrate(Play()).notes[0]


@pytest.mark.usefixtures("tmux")
def test_a_person_at_a_terminal_sees_it(stage: Stage) -> None:
    scene = stage.by_script("note-terminal", {}).with_queue(ONE)
    change(scene, "commands/orchestrate.md", "start --commands ", "start --commands 99.")

    with Terminal(scene.setting, ScriptedModel(Play()), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "The one task is completed" in terminal.screen(), "closing sentence")
        screen = " ".join(terminal.screen().split())
        assert not terminal.api.errors

    assert "note: /orchestrate (99.0.3.0) is newer than the helper" in screen
