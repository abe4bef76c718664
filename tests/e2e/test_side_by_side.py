"""Several agents at once, in the real Claude Code."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from rig import loops, project
from rig.interactive import Terminal
from rig.overlap import most_at_once, work
from rig.plays import Act, Ending, Play, task_section
from rig.scripted_model import ScriptedModel
from rig.session import Headless
from rig.transcript import transcript

if TYPE_CHECKING:
    from rig.scene import Stage

ANY_COMMAND = "bypassPermissions"


def section(number: int, file: str = "", *dependencies: int) -> str:
    needs = tuple(f"TASK-{other:03}" for other in dependencies)
    return task_section(f"TASK-{number:03}", "one of several", files=(file or f"{number}.py",), dependencies=needs)


def meeting(count: int) -> str:
    """Where so many come with their work, and none leaves before they all are there."""
    return f"touch .git/$$.met; until [ $(ls .git/*.met | wc -l) -ge {count} ]; do sleep 0.1; done"


MEET = meeting(4)


def test_four_at_once_with_all_that_can_happen_to_one_of_them(stage: Stage) -> None:
    scene = stage.by_script("four", {}).with_queue(
        section(1, "same.py"), section(2, "./same.py"), *map(section, (3, 4, 5, 6)), section(7, "", 1, 5)
    )
    slow = Act(checks=(MEET,))
    acts: dict[str, tuple[Act, ...]] = {f"TASK-00{number}": (slow,) for number in range(1, 8)}
    for number in (1, 2):
        both = {"same.py": "1\n2\n"}
        acts[f"TASK-00{number}"] = (Act({"same.py": f"{number}\n"}, checks=(MEET,), solved=both),)
    acts["TASK-004"] = (Act(checks=(MEET,), ending=Ending.SILENT), slow)
    acts["TASK-005"] = (Act(checks=(MEET,), ending=Ending.BROKEN), slow)

    outcome = scene.orchestrate(Play(acts=acts), "/orchestrate --parallel 4", ANY_COMMAND)

    works = work(outcome.run.exchanges)
    assert set(outcome.statuses.values()) == {"completed"}
    assert outcome.logged("spawned")[:4] == ["TASK-001", "TASK-003", "TASK-004", "TASK-005"]
    assert sorted(outcome.logged("failed")) == ["TASK-004", "TASK-005"]
    assert most_at_once(works) == 4
    branch = loops.git(scene, "branch", "--list", "--format=%(refname:short)", "claudestrator/*").strip()
    assert loops.git(scene, "show", f"{branch}:same.py") in ("1\n2\n", "2\n")
    assert loops.git(scene, "log", "--merges", branch) == ""
    told = [each for each in outcome.events if "id" in each and each["event"] not in ("committed", "uncommitted")]
    events = [f"{each['event']} {each['id']}" for each in told]
    needed = max(events.index("done TASK-001"), events.index("done TASK-005"))
    assert events.index("spawned TASK-007") > needed
    assert sorted(each.task for each in works) == sorted([*outcome.statuses, "TASK-004", "TASK-005"])


#: A hook of the project's own that denies the agent of TASK-002 once.
REFUSES = """import json, os, sys
if json.load(sys.stdin)["tool_input"].get("description") == "TASK-002" and not os.path.exists("refused"):
    open("refused", "w").close()
    sys.stderr.write("not now")
    sys.exit(2)
"""


def test_a_task_whose_agent_claude_code_refuses_is_ready_again(stage: Stage) -> None:
    scene = stage.by_script("refusing", {"refuse.py": REFUSES}).with_queue(section(1), section(2))
    path = scene.project / ".claude" / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    hook = {"type": "command", "command": "python3 refuse.py"}
    settings["hooks"]["PreToolUse"].append({"matcher": "Agent|Task", "hooks": [hook]})
    path.write_text(json.dumps(settings), encoding="utf-8")
    play = Play(acts={"TASK-001": (Act(checks=("until grep -q refused .claude/run_log.jsonl; do sleep 0.2; done",)),)})

    outcome = scene.orchestrate(play, "/orchestrate --parallel 2", ANY_COMMAND)

    assert "PreToolUse:Agent hook error: " in outcome.transcript.text
    assert outcome.agents == ["TASK-001 1", "TASK-002 2"]
    told = [each for each in outcome.events if "id" in each and each["event"] not in ("committed", "uncommitted")]
    events = [f"{each['event']} {each['id']}" for each in told]
    ran = ["spawned TASK-001", "spawned TASK-002", "refused TASK-002", "done TASK-001"]
    assert events == [*ran, "spawned TASK-002", "done TASK-002"]


def test_a_run_goes_on_when_claude_code_was_killed_with_three_at_work(stage: Stage) -> None:
    scene = stage.by_script("three-killed", {}).with_queue(*map(section, (1, 2, 3, 4))).among_all_processes()
    endless = Act(checks=("touch $$.at-work; until [ -e over ]; do sleep 0.2; done",))
    # One of them reports when its session is gone.
    outlives = (
        "touch 2.at-work; while [ ! -e second ]; do sleep 0.1; done; claudestrator-helper done TASK-002 --attempt 1"
    )
    acts: dict[str, tuple[Act, ...]] = {
        "TASK-001": (endless, Act(checks=("touch second; sleep 1",))),
        "TASK-002": (Act(checks=(outlives,)), Act()),
        "TASK-003": (endless, Act()),
    }

    def three() -> bool:
        return len(list(scene.project.glob("*.at-work"))) == 3

    with Headless(scene.setting, ScriptedModel(Play(acts=acts)), "/orchestrate --parallel 3", ANY_COMMAND) as session:
        before = scene.outcome(session.killed(three))
    after = scene.orchestrate(Play(acts=acts), mode=ANY_COMMAND)
    (scene.project / "over").touch()

    assert sorted(before.agents) == ["TASK-001 1", "TASK-002 1", "TASK-003 1"]
    assert sorted(after.agents) == ["TASK-001 2", "TASK-002 2", "TASK-003 2", "TASK-004 1"]
    assert most_at_once(work(after.run.exchanges)) <= 3
    assert sorted(after.logged("done")) == sorted(after.statuses)
    assert after.logged("failed") == []
    assert after.said.startswith("All 4 tasks are completed.")


def test_loops_and_verification_run_their_tasks_side_by_side_and_nothing_else(stage: Stage) -> None:
    scene = stage.by_script(
        "loops-of-three",
        {".claudestrator/config.toml": "[run]\nworktrees = false\nshare_files = true\n"},
        **loops.ENVIRONMENT,
    )
    loops.prepare(scene)
    play = loops.play_of([3])
    for task_id in map(loops.task_name, range(3)):
        play.acts[task_id] = tuple(replace(act, checks=(meeting(3),)) for act in play.acts[task_id])

    outcome = scene.orchestrate(play, "/orchestrate 1 --verify --parallel 3", ANY_COMMAND)

    ran = outcome.logged("spawned")
    assert ran == ["research-1", "decomp-1", "TASK-101", "TASK-102", "TASK-103", "verify-1", "memory-1"]
    works = work(outcome.run.exchanges)
    assert most_at_once(works) == 3
    for one, other in combinations(works, 2):
        if not (one.task.startswith("TASK") and other.task.startswith("TASK")):
            assert one.ended < other.begun
    assert loops.history(scene) == ["Loop 1"]


@pytest.mark.parametrize("both", ["lean"], indirect=True)
@pytest.mark.usefixtures("tmux")
def test_a_person_sees_how_three_go_and_may_clear_the_conversation(both: Stage) -> None:
    scene = both.by_script("three-terminal", {}).with_queue(*map(section, range(1, 7)))
    acts: dict[str, tuple[Act, ...]] = {f"TASK-00{number}": (Act(delay=1.0 + number),) for number in range(1, 7)}

    def done() -> list[str]:
        return [each["id"] for each in project.run_log(scene.project) if each["event"] == "done"]

    with Terminal(scene.setting, ScriptedModel(Play(acts=acts)), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate --parallel 3")
        terminal.wait_for(lambda: "TASK-002" in done(), "two reports")
        terminal.press("Escape")
        terminal.wait_for(lambda: "Interrupted" in terminal.screen(), "interruption")
        terminal.type("/clear")
        terminal.wait_for(lambda: "Interrupted" not in terminal.screen(), "empty screen")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "All 6 tasks are completed" in terminal.screen(), "closing sentence")
        assert not terminal.api.errors
        exchanges = terminal.api.exchanges

    log = project.run_log(scene.project)
    # Esc ends the hook that starts an agent, maybe before it has logged that.
    spawned = [(each["id"], each["attempt"]) for each in log if each["event"] == "spawned"]
    assert len(set(spawned)) == len(spawned) >= 4
    assert {attempt for _, attempt in spawned} == {1}
    assert sorted(each["id"] for each in log if each["event"] == "done") == [f"TASK-00{n}" for n in range(1, 7)]
    # Only those that came in with the STOP are heard of.
    heard = transcript(exchanges).text
    assert [f"TASK-00{n}" for n in (1, 2) if f'TASK-00{n}" finished</summary>' in heard] == []
