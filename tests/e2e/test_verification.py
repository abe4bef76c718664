"""`/orchestrate --verify` in the real Claude Code: finished tasks are checked, and what fails is fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rig import loops
from rig.plays import Act, Ending, Play, task_section

if TYPE_CHECKING:
    from rig.scene import Stage

NAILED, OPENS = Act(files={"door.txt": "nailed shut\n"}), Act(files={"door.txt": "it opens\n"})
SHUT = Act(files={"gate.txt": "welded shut\n"})
#: What the door's section says besides the fields that the helper reads.
MORE = "**Description:** Its frame is there.\n\n#### Constraints\n\n- **Nails:** none"
#: Without `sh` Claude Code would take grep's exit code for "no matches", which is no failure.
CHECKS = Act(
    verdicts={
        "TASK-001": "sh -c 'grep -q opens door.txt'",
        "TASK-002": "cat wall.txt",
        "TASK-003": "sh -c 'grep -q opens gate.txt'",
    }
)


def door_and_wall(**acts: tuple[Act, ...]) -> Play:
    sections = (
        task_section("TASK-001", "a door in oak", criteria=("door.txt says that it opens",), complexity="easy")
        + f"\n\n{MORE}",
        task_section("TASK-002", "a wall in brick", dependencies=("TASK-001",)),
    )
    wall = Act(files={"wall.txt": "it stands\n"})
    return Play(sections, {"TASK-002": (wall,), **{id_.replace("_", "-"): each for id_, each in acts.items()}})


def test_what_fails_its_check_is_mended_once_by_a_stronger_model_that_knows_why_and_is_failed_then(both: Stage) -> None:
    scene = both.by_script("verified")
    play = door_and_wall(TASK_001=(NAILED, OPENS), TASK_003=(SHUT,), verify_0=(CHECKS,))
    gate = task_section("TASK-003", "a gate in iron", dependencies=("TASK-002",))

    outcome = scene.orchestrate(Play((*play.tasks, gate), play.acts), "/orchestrate --verify", "bypassPermissions")

    ran = ["decomposition", "TASK-001", "TASK-002", "TASK-003", "verify-0", "TASK-001", "TASK-003", "verify-0"]
    assert outcome.logged("spawned") == ran
    assert outcome.models("TASK-001") == ["haiku", "sonnet"]
    assert outcome.models("verify-0") == ["opus", "opus"]
    given = [(each["id"], each["verdict"]) for each in outcome.events if each["event"] == "verdict"]
    first = [("TASK-001", "fail"), ("TASK-002", "pass"), ("TASK-003", "fail")]
    assert given == [*first, ("TASK-001", "pass"), ("TASK-003", "fail")]
    assert outcome.statuses == {"TASK-001": "completed", "TASK-002": "completed", "TASK-003": "failed"}
    assert (scene.project / "door.txt").read_text(encoding="utf-8") == "it opens\n"
    assert "2 of 3 tasks completed, 2 verified; failed: TASK-003 (verification: sh -c" in outcome.said
    told = loops.prompts(outcome.run)
    assert "verification: sh -c 'grep -q opens door.txt'" in told["TASK-001"]
    assert MORE in told["TASK-001"]
    assert MORE in told["verify-0"]
    conversation = outcome.transcript.text
    # With the other engine the person sees that line, and the conversation doesn't hold it.
    assert ("returned TASK-001: sh -c 'grep -q opens door.txt'" in conversation) == (both.engine == "task")
    assert not [text for text in ("in oak", "says that it opens", "in brick", "in iron") if text in conversation]


@pytest.mark.parametrize(
    ("install", "mode", "engine", "ending"),
    [("plugin", "default", "lean", Ending.FORGET), ("script", "dontAsk", "task", Ending.SILENT)],
)
def test_verdicts_ask_nobody_and_count_however_their_agent_ends(
    stage: Stage, install: str, mode: str, engine: str, ending: Ending
) -> None:
    make = stage.by_script if install == "script" else stage.by_plugin
    # Headless, these modes deny agents every write of the project's own files.
    play = door_and_wall(TASK_002=(Act(),), verify_0=(Act(ending=ending),))
    scene = make(f"verified-{install}", {}).with_queue(*play.tasks)

    outcome = scene.orchestrate(play, f"/orchestrate --verify --engine {engine}", mode)

    assert outcome.logged("spawned") == ["TASK-001", "TASK-002", "verify-0"]
    assert "All 2 tasks are completed and verified." in outcome.run.output.strip().splitlines()[-1]


def test_a_loop_is_committed_once_it_is_verified(lean: Stage) -> None:
    scene = lean.by_script("verified-loop", None, **loops.ENVIRONMENT)
    loops.prepare(scene)
    play = loops.play_of([2])
    broken, whole = Act(files={"made/TASK-102.txt": "broken\n"}), Act(files={"made/TASK-102.txt": "whole\n"})
    play.acts.update(
        {
            "TASK-102": (broken, whole),
            "verify-1": (Act(verdicts={"TASK-102": "sh -c 'grep -q whole made/TASK-102.txt'"}),),
        }
    )

    outcome = scene.orchestrate(play, "/orchestrate 1 --verify error handling", "bypassPermissions")

    ran = ["research-1", "decomp-1", "TASK-101", "TASK-102", "verify-1", "TASK-102", "verify-1", "memory-1"]
    assert outcome.logged("spawned") == ran
    assert loops.history(scene) == ["Loop 1"]
    assert loops.git(scene, "show", "HEAD:made/TASK-102.txt") == "whole\n"
    assert outcome.said.splitlines()[-1].startswith("1 of 1 loop is done, 3 of 3 tasks completed, 2 verified")
    assert "error handling" in loops.prompts(outcome.run)["research-1"]
