"""`context` against what the server saw: the same session, counted from its transcript and from its requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from rig import loops, project
from rig.interactive import Terminal
from rig.plays import Act, Play, task_section
from rig.scripted_model import ScriptedModel
from rig.session import Headless
from rig.slips import WINDOW, Slipping, is_full_at
from rig.transcript import agent_exchanges, main_exchanges, transcript

if TYPE_CHECKING:
    from pathlib import Path

    from rig.messages_api import Exchange
    from rig.scene import Scene, Stage

ONE, TWO, THREE = (
    task_section("TASK-001", "the first"),
    task_section("TASK-002", "the second", dependencies=("TASK-001",)),
    task_section("TASK-003", "the third", dependencies=("TASK-002",)),
)
WITHIN = 0.02
#: A call of the model's, as a transcript has it.
WAIT = '"input":{"command":"claudestrator-helper wait"'


def context(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("HOME", str(scene.setting.home))
    found: dict[str, Any] = json.loads(project.helper(scene.project, "context", "--json"))
    return found


def agrees(account: dict[str, Any], exchanges: list[Exchange]) -> None:
    """The account of a run that all of these exchanges of the main conversation belong to."""
    seen, counted = transcript(exchanges), account["characters"]
    told = {"entered": counted["entered"], "reread": counted["reread"], "turns": account["turns"]}
    assert account["turns"] == seen.turns
    assert told == pytest.approx({"entered": seen.entered, "reread": seen.reread, "turns": seen.turns}, rel=WITHIN)
    assert sum(counted["sources"].values()) == counted["entered"] + counted["opening"]
    assert account["missing"] == {"sessions": 0, "agents": 0, "lines": 0}


@pytest.mark.parametrize(("install", "words"), [("script", ""), ("plugin", " --parallel 2")])
def test_a_plain_run_is_counted_as_the_server_saw_it(
    both: Stage, monkeypatch: pytest.MonkeyPatch, install: str, words: str
) -> None:
    make = both.by_script if install == "script" else both.by_plugin
    scene = make(f"counted-{install}", {}).with_queue(ONE, TWO, THREE)
    acts: dict[str, tuple[Act, ...]] = {f"TASK-00{n}": (Act(files={f"{n}.txt": "one\ntwo\n"}),) for n in (1, 2)}
    outcome = scene.orchestrate(Play(acts=acts), f"/orchestrate{words}", "bypassPermissions")
    exchanges = outcome.run.exchanges

    account = context(scene, monkeypatch)

    agrees(account, exchanges)
    told_alike(scene, account, outcome.said)
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
    shown = project.helper(scene.project, "status")
    assert f"context: {account['characters']['entered'] / 3:,.0f} characters, " in shown


def told_alike(scene: Scene, account: dict[str, Any], said: str) -> None:
    """The report of the run: its page is where the end of the run says, and its figures are those of the account."""
    named = said.splitlines()[-1].rpartition("Report: ")[2]
    assert "</html>" in (scene.project / named).read_text(encoding="utf-8")
    report = json.loads(project.helper(scene.project, "report", "--format", "json"))
    assert [work["status"] for work in report["works"]] == ["completed"] * 3
    assert sum(sum(model["cost"][kind] for kind in account["tokens"]["main"]) for model in report["models"]) == sum(
        sum(account["tokens"][side].values()) for side in ("main", "agents")
    )
    changes = [work["files"] for work in report["works"]]
    assert changes == [[{"path": f"{n}.txt", "added": 2, "removed": 0}] for n in (1, 2)] + [[]]
    attempts = [work["attempts"][0] for work in report["works"]]
    assert all(attempt["transcript"] and attempt["cost"]["dollars"] for attempt in attempts)


def transcripts(scene: Scene) -> list[Path]:
    return list((scene.setting.home / ".claude" / "projects").glob("*/*.jsonl"))


def dollars(scene: Scene) -> float:
    """What Claude Code itself says that the session has cost."""
    (path,) = transcripts(scene)
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    (told,) = [entry["totalCostUSD"] for entry in entries if entry["type"] == "cost-state"]
    return float(told)


def test_a_run_that_was_compacted_twice_is_counted_as_the_server_saw_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = stage.by_script("counted-compacted", {}, CLAUDE_CODE_AUTO_COMPACT_WINDOW=str(WINDOW))
    model = Slipping(Play(), is_full_at("TASK-002"), is_full_at("TASK-003"))
    exchanges = scene.with_queue(ONE, TWO, THREE).run(model).run.exchanges

    account = context(scene, monkeypatch)

    assert account["compactions"] == 2
    agrees(account, exchanges)


def test_a_session_that_was_killed_and_continued_is_counted_as_the_server_saw_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = stage.by_script("counted-killed", {}).with_queue(ONE, TWO).among_all_processes()
    play = Play(acts={"TASK-002": (Act(checks=("touch at-work; for _ in $(seq 40); do sleep 0.2; done",)), Act())})

    def amid() -> bool:
        # Its second wait, which is the last that the server has seen, is in the transcript.
        lines = [line for path in transcripts(scene) for line in path.read_text(encoding="utf-8").splitlines()]
        waits = [line for line in lines if WAIT in line and not line.startswith('{"type":"api-request')]
        return (scene.project / "at-work").exists() and len(waits) == 2

    with Headless(scene.setting, ScriptedModel(play), "/orchestrate", "bypassPermissions") as session:
        before = session.killed(amid).exchanges
    after = scene.with_arguments("--continue").orchestrate(play, mode="bypassPermissions").run.exchanges

    account = context(scene, monkeypatch)

    assert (account["sessions"], account["tasks"]) == (1, 2)
    agrees(account, [*before, *after])


def test_only_the_last_of_two_runs_in_a_session_is_counted(lean: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = lean.by_script("counted-twice", {}).with_queue(ONE, TWO)
    scene.orchestrate(Play())
    first = context(scene, monkeypatch)
    scene.with_queue(task_section("TASK-004", "the fourth"))
    exchanges = scene.with_arguments("--continue").orchestrate(Play()).run.exchanges

    account = context(scene, monkeypatch)

    agrees(account, exchanges)
    assert account["run"] != first["run"]
    assert [row["id"] for row in account["rows"]] == ["TASK-004"]


def test_the_loops_of_a_run_add_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = stage.by_script("counted-loops", None, **loops.ENVIRONMENT)
    loops.prepare(scene)
    exchanges = scene.orchestrate(loops.play_of([2, 1]), "/orchestrate 2").run.exchanges

    account = context(scene, monkeypatch)

    agrees(account, exchanges)
    assert account["tasks"] == 3
    assert [row["loop"] for row in account["loops"]] == [1, 2]
    assert sum(row["characters"] for row in account["loops"]) == account["characters"]["entered"]
    # A turn for each of its agents, and what follows the STOP.
    assert account["loops"][0]["turns"] >= 5
    assert account["loops"][1]["turns"] >= 4 + 1


@pytest.mark.usefixtures("tmux")
def test_a_run_that_was_typed_among_other_words_is_counted_alone(both: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = both.by_script("counted-typed", {}).with_queue(ONE, TWO)
    with Terminal(scene.setting, ScriptedModel(Play()), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("hello")
        terminal.wait_for(lambda: "no command that I know" in terminal.screen(), "answer")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "All 2 tasks are completed" in terminal.screen(), "closing sentence")
        # The last agent's notice may make a turn of its own, which is the run's too.
        terminal.wait_for(lambda: bool(both.engine or notices(terminal.api.exchanges)), "last notice")
        run = main_exchanges(terminal.api.exchanges)[1:]
        terminal.type("thanks")
        terminal.wait_for(lambda: len(main_exchanges(terminal.api.exchanges)) == len(run) + 2, "answer")

    agrees(context(scene, monkeypatch), run)


def notices(exchanges: list[Exchange]) -> int:
    """How many notices the conversation holds."""
    return json.dumps(main_exchanges(exchanges)[-1].request.messages).count("<task-notification>")
