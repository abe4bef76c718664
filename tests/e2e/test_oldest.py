"""The oldest release of Claude Code that is supported; tests/host_matrix.py looks at those between it and the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.plays import Act, Ending, Play, task_section

if TYPE_CHECKING:
    from rig.scene import Stage


def test_the_oldest_supported_release_reminds_a_silent_agent_and_completes_the_run(oldest: Stage) -> None:
    sections = (
        task_section("TASK-001", "the first half", complexity="easy"),
        task_section("TASK-002", "the second half", dependencies=("TASK-001",)),
    )
    acts: dict[str, tuple[Act, ...]] = {
        "TASK-001": (Act(ending=Ending.FORGET),),
        "TASK-002": (Act(files={"made.txt": "made\n"}),),
    }
    scene = oldest.by_script("both", {}).with_queue(*sections)

    outcome = scene.orchestrate(Play((), acts))

    assert outcome.agents == ["TASK-001 1", "TASK-002 1"]
    assert set(outcome.statuses.values()) == {"completed"}
    assert (scene.project / "made.txt").exists()
    assert outcome.agents_saw("You are ending without a report")
    assert "Claude Code 2.1.145 lacks" in outcome.said
