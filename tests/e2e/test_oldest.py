"""The oldest release of Claude Code that is supported; tests/host_matrix.py looks at those between it and the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plays import Act, Ending, Play, task_section

if TYPE_CHECKING:
    from rig.scene import Stage


def test_the_oldest_supported_release_takes_the_plugin_and_reminds_a_silent_agent(oldest: Stage) -> None:
    scene = oldest.by_plugin("oldest", {}).with_queue(task_section("TASK-001", "the one thing"))
    acts: dict[str, tuple[Act, ...]] = {"TASK-001": (Act(files={"made.txt": "made\n"}, ending=Ending.FORGET),)}

    outcome = scene.orchestrate(Play((), acts))

    assert outcome.agents == ["TASK-001 1"]
    assert outcome.statuses == {"TASK-001": "completed"}
    assert (scene.project / "made.txt").exists()
    assert outcome.agents_saw("You are ending without a report")
    assert "Claude Code 2.1.145 lacks" in outcome.said
