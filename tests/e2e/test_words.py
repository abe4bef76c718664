"""What a person types after the command, and what the run refuses."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from rig import project
from rig.plays import Play, task_section
from rig.scene import wrap_helper
from rig.transcript import agent_exchanges

if TYPE_CHECKING:
    from pathlib import Path

    from rig.scene import Scene, Stage


def test_without_a_prd_nothing_starts_and_the_next_step_is_named(stage: Stage) -> None:
    outcome = stage.by_script("no-prd", files={}).orchestrate(Play())

    assert "PRD.md" in outcome.said
    assert not agent_exchanges(outcome.run.exchanges)
    assert outcome.statuses == {}


def test_without_the_helper_on_path_the_one_line_says_what_to_do(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # The person who runs the tests may have installed one.
    folders = os.environ["PATH"].split(os.pathsep)
    without = [folder for folder in folders if not os.path.exists(os.path.join(folder, "claudestrator-helper"))]
    monkeypatch.setenv("PATH", os.pathsep.join(without))
    scene = stage.by_script("no-helper")
    (project.bin_folder(scene.setting.home) / "claudestrator-helper").unlink()

    outcome = scene.orchestrate(Play())

    assert outcome.said.startswith("claudestrator-helper is not on PATH: run Claudestrator's install.sh again")
    assert not agent_exchanges(outcome.run.exchanges)


@pytest.fixture(scope="module")
def recorded(stage: Stage) -> Scene:
    """A scene whose helper writes down what comes on its standard input, and then is the real one."""
    scene = stage.by_script("words")
    wrap_helper(scene, '[ "$1" = start ] || exec "$real" "$@"\ntee -a "$HOME/heard" | "$real" "$@"')
    return scene


@pytest.mark.parametrize(
    "words",
    [
        "the user's choice",
        "say \"hello\" and 'bye'",
        "$HOME $(touch ran) `touch ran`",
        "; touch ran; echo && touch ran | cat > ran",
        "back\\slash \\n $0 $1 ${HOME}",
        "'",
        "END\nEOF\n$(touch ran)",
        "--help",
        "<<'END' 日本語 ✓ $ARGUMENTS",
    ],
)
def test_words_after_the_command_reach_the_helper_as_they_are_and_run_nothing(recorded: Scene, words: str) -> None:
    heard = recorded.setting.home / "heard"
    heard.unlink(missing_ok=True)

    recorded.orchestrate(Play((task_section("TASK-001", "never built"),)), f"/orchestrate {words}")

    assert heard.read_text(encoding="utf-8").rstrip("\n") == words
    assert not list(everything_named(recorded, "ran"))


def everything_named(scene: Scene, name: str) -> list[Path]:
    return [*scene.project.rglob(name), *scene.setting.home.rglob(name)]
