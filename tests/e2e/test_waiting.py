"""The wait against Claude Code's cap on a Bash call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rig.conversation import calls
from rig.plays import Act, Play, task_section
from rig.scene import PRD, wrap_helper
from rig.transcript import main_exchanges

if TYPE_CHECKING:
    from rig.messages_api import JSON
    from rig.scene import Outcome, Stage

SETTINGS = ".claude/settings.json"


def capped(milliseconds: int) -> dict[str, str]:
    """A project whose own settings set the cap, which the installation leaves as it is.

    Claude Code takes the greater of the two variables for the cap.
    """
    names = ("BASH_MAX_TIMEOUT_MS", "BASH_DEFAULT_TIMEOUT_MS")
    settings: JSON = {"env": dict.fromkeys(names, str(milliseconds))}
    return {"PRD.md": PRD, SETTINGS: json.dumps(settings)}


def waits(outcome: Outcome) -> list[str]:
    """What every wait of the orchestrator printed."""
    conversation = main_exchanges(outcome.run.exchanges)[-1].request.messages
    return [call.result for call in calls(conversation) if "wait" in call.input.get("command", "")]


def test_a_wait_ends_before_the_cap_and_is_called_again(stage: Stage) -> None:
    scene = stage.by_script("capped", capped(17_000))
    play = Play((task_section("TASK-001", "takes its time"),), {"TASK-001": (Act(delay=5),)})

    outcome = scene.orchestrate(play)

    printed = waits(outcome)
    assert outcome.statuses == {"TASK-001": "completed"}
    assert sum(text.endswith("WAIT") for text in printed) >= 2
    assert not any("moved to the background" in text for text in printed)
    assert outcome.logged("spawned") == ["decomposition", "TASK-001"]


def test_a_wait_that_was_moved_to_the_background_is_called_again_and_takes_no_step_in_secret(stage: Stage) -> None:
    scene = stage.by_script("moved", capped(3_000))
    # A helper that does not know of the cap waits past it.
    wrap_helper(scene, 'unset BASH_MAX_TIMEOUT_MS\nexec "$real" "$@"')
    sections = (task_section("TASK-001", "takes its time"), task_section("TASK-002", "comes after"))
    play = Play(sections, {"TASK-001": (Act(delay=5),)})

    outcome = scene.orchestrate(play)

    assert any("moved to the background" in text for text in waits(outcome))
    assert outcome.statuses == {"TASK-001": "completed", "TASK-002": "completed"}
    assert outcome.logged("spawned") == ["decomposition", "TASK-001", "TASK-002"]
