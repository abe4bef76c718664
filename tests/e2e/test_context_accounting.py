"""What `context` counts of runs of every kind, against what the server saw."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from rig import project
from rig.account import assert_agrees, context
from rig.interactive import Terminal
from rig.plays import Act, Play, task_section
from rig.scripted_model import ScriptedModel
from rig.transcript import agent_exchanges, main_exchanges

if TYPE_CHECKING:
    from rig.scene import Scene, Stage

ONE, TWO, THREE = (
    task_section("TASK-001", "the first"),
    task_section("TASK-002", "the second", dependencies=("TASK-001",)),
    task_section("TASK-003", "the third", dependencies=("TASK-002",)),
)


def test_a_plain_run_is_counted_as_the_server_saw_it_and_the_next_one_in_its_session_alone(both: Stage) -> None:
    # The lean engine has one agent at a time.
    make, words = (both.by_script, "") if both.engine == "lean" else (both.by_plugin, " --parallel 2")
    # Worked off by its dependencies, and without a PRD.
    scene = make("counted", {}).with_queue(THREE, TWO, ONE)
    acts: dict[str, tuple[Act, ...]] = {f"TASK-00{n}": (Act(files={f"{n}.txt": "one\ntwo\n"}),) for n in (1, 2)}
    outcome = scene.orchestrate(Play(acts=acts), f"/orchestrate{words}", "bypassPermissions")
    exchanges = outcome.run.exchanges

    account = context(scene)

    assert outcome.logged("spawned") == ["TASK-001", "TASK-002", "TASK-003"]
    assert set(outcome.statuses.values()) == {"completed"}
    assert_agrees(account, exchanges)
    assert_report_agrees(scene, account, outcome.said)
    main, agents = account["tokens"]["main"], account["tokens"]["agents"]
    reported = [
        sum(len(json.dumps(each.answer)) // 4 for each in side)
        for side in (main_exchanges(exchanges), agent_exchanges(exchanges))
    ]
    assert [main["output"], agents["output"]] == reported
    # What a few words come to in tokens is mostly quotes and braces.
    near = 0.3 if account["characters"]["entered"] > 1000 else 1
    assert account["tokens"]["entered"] == pytest.approx(account["characters"]["entered"] / 3.5, rel=near)
    assert {row["id"]: row["turns"] for row in account["rows"]}.keys() == {"TASK-001", "TASK-002", "TASK-003"}
    assert account["cost"]["main"] + account["cost"]["agents"] == pytest.approx(dollars(scene), rel=0.01)
    shown = project.helper(scene.project, "status", home=scene.setting.home)
    assert f"context: {account['characters']['entered'] / 3:,.0f} characters, " in shown
    if both.engine == "lean":
        assert_only_the_last_of_two_runs_is_counted(scene, account)


def assert_only_the_last_of_two_runs_is_counted(scene: Scene, first: dict[str, Any]) -> None:
    scene.with_queue(task_section("TASK-004", "the fourth"))
    exchanges = scene.with_arguments("--continue").orchestrate(Play()).run.exchanges

    account = context(scene)

    assert_agrees(account, exchanges)
    assert account["run"] != first["run"]
    assert [row["id"] for row in account["rows"]] == ["TASK-004"]


def assert_report_agrees(scene: Scene, account: dict[str, Any], said: str) -> None:
    """The report of the run: its page is where the end of the run says, and its figures are those of the account."""
    named = said.splitlines()[-1].rpartition("Report: ")[2]
    assert "</html>" in (scene.project / named).read_text(encoding="utf-8")
    report = json.loads(project.helper(scene.project, "report", "--format", "json", home=scene.setting.home))
    assert [work["status"] for work in report["works"]] == ["completed"] * 3
    assert sum(sum(model["cost"][kind] for kind in account["tokens"]["main"]) for model in report["models"]) == sum(
        sum(account["tokens"][side].values()) for side in ("main", "agents")
    )
    changes = {work["id"]: work["files"] for work in report["works"]}
    assert changes == {
        "TASK-003": [],
        **{f"TASK-00{n}": [{"path": f"{n}.txt", "added": 2, "removed": 0}] for n in (1, 2)},
    }
    attempts = [work["attempts"][0] for work in report["works"]]
    assert all(attempt["transcript"] and attempt["cost"]["dollars"] for attempt in attempts)


def dollars(scene: Scene) -> float:
    """What Claude Code itself says that the session has cost."""
    (path,) = scene.transcripts
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    (told,) = [entry["totalCostUSD"] for entry in entries if entry["type"] == "cost-state"]
    return float(told)


@pytest.mark.usefixtures("tmux")
def test_a_run_that_was_typed_among_other_words_is_counted_alone(both: Stage) -> None:
    scene = both.by_script("counted-typed")
    play = Play((ONE, TWO), {"TASK-001": (Act(files={"made.txt": "typed\n"}, delay=1),)})
    with Terminal(scene.setting, ScriptedModel(play), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("hello")
        terminal.wait_for(lambda: "no command that I know" in terminal.screen(), "answer")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "spawned TASK-001" in logged(scene), "first task")
        # As from a second terminal, of which the person is told.
        assert "in another terminal, `claudestrator-helper watch`" in " ".join(terminal.screen().split())
        assert "pauses once TASK-001" in project.helper(scene.project, "pause")
        terminal.wait_for(lambda: "done TASK-001" in logged(scene), "end of the first task")
        time.sleep(0.5)
        assert "spawned TASK-002" not in logged(scene)
        assert project.helper(scene.project, "resume") == "The run continues.\n"
        terminal.wait_for(lambda: "All 2 tasks are completed" in terminal.screen(), "closing sentence")
        run = main_exchanges(terminal.api.exchanges)[1:]
        terminal.type("thanks")
        terminal.wait_for(lambda: len(main_exchanges(terminal.api.exchanges)) == len(run) + 2, "answer")
        assert not terminal.api.errors

    assert project.statuses(scene.project) == {"TASK-001": "completed", "TASK-002": "completed"}
    assert (scene.project / "made.txt").read_text(encoding="utf-8") == "typed\n"
    assert_agrees(context(scene), run)


def logged(scene: Scene) -> list[str]:
    return [f"{each['event']} {each.get('id')}" for each in project.run_log(scene.project)]
