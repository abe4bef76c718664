"""`/orchestrate N` in the real Claude Code, on a project whose initial build is finished."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from rig import loops, project
from rig.account import assert_agrees, context
from rig.conversation import last_calls, say, texts, use
from rig.interactive import Terminal
from rig.scripted_model import ScriptedModel, is_side_request
from rig.session import run_headless

if TYPE_CHECKING:
    from rig.messages_api import JSON, Request
    from rig.plays import Play
    from rig.scene import Outcome, Scene, Stage

ONE_LOOP = ["research-1", "decomp-1", "TASK-101", "memory-1"]


def finished(stage: Stage, name: str, install: str = "script") -> Scene:
    """A project with its initial build behind it."""
    make = stage.by_script if install == "script" else stage.by_plugin
    scene = make(name, None, **loops.ENVIRONMENT)
    loops.prepare(scene)
    return scene


def snapshot(scene: Scene, loop: int) -> dict[str, Any]:
    path = scene.project / ".claude" / "loop_snapshots" / f"loop-{loop}.json"
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def assert_mine_is_untouched(scene: Scene) -> None:
    assert (scene.project / loops.MINE).read_text(encoding="utf-8") == loops.UNFINISHED
    assert loops.git(scene, "status", "--porcelain", "--", loops.MINE) == f" M {loops.MINE}\n"


def test_three_loops_find_mend_commit_and_remember(both: Stage) -> None:
    scene = finished(both, "three-loops")

    outcome = scene.orchestrate(loops.play_of([6, 1, 1]), "/orchestrate 3 error handling")

    ran = [[f"TASK-{number}" for number in numbers] for numbers in (range(101, 106), (106, 107), (108,))]
    assert outcome.logged("spawned") == [
        id_ for loop, ids in enumerate(ran, 1) for id_ in (f"research-{loop}", f"decomp-{loop}", *ids, f"memory-{loop}")
    ]
    assert loops.history(scene) == ["Loop 1", "Loop 2", "Loop 3"]
    for loop, ids in enumerate(ran, 1):
        commit = f"HEAD~{3 - loop}"
        assert loops.committed(scene, commit) == [loops.made(task_id) for task_id in ids]
        assert [task["id"] for task in snapshot(scene, loop)["tasks"]] == ids
        assert snapshot(scene, loop)["commit"] == loops.git(scene, "rev-parse", commit).strip()
    assert_mine_is_untouched(scene)
    ended = "3 of 3 loops are done, 9 of 9 tasks completed; issues: 8 completed."
    assert outcome.run.output.strip().splitlines()[-1].startswith(f"{ended} Report: ")
    assert_learned(outcome)
    account = context(scene)
    assert_agrees(account, outcome.run.exchanges)
    assert account["tasks"] == 8
    assert [row["loop"] for row in account["loops"]] == [1, 2, 3]
    assert sum(row["characters"] for row in account["loops"]) == account["characters"]["entered"]
    if not both.engine:
        # A turn for each of its agents, and what follows the STOP.
        assert all(row["turns"] >= 3 + len(ids) for row, ids in zip(account["loops"], ran, strict=True))
        assert account["loops"][2]["turns"] >= 4 + 1


def assert_learned(outcome: Outcome) -> None:
    """Each loop's agents know the last loop's summary, and the orchestrator not a word of any."""
    told = loops.prompts(outcome.run)
    assert "error handling" in told["research-1"]
    assert loops.summary(1) not in told["research-1"]
    for id_ in ("research-2", "decomp-2", "TASK-107"):
        assert loops.summary(1) in told[id_]
    assert loops.summary(2) in told["research-3"]
    conversation = outcome.transcript.text
    assert " memory-3 sonnet" in conversation
    assert not [word for loop in (1, 2, 3) for word in loops.summary(loop).split() if word in conversation]


@pytest.mark.parametrize(
    ("install", "mode", "engine"),
    [
        ("plugin", "bypassPermissions", "task"),
        ("script", "default", "task"),
        ("plugin", "dontAsk", "task"),
        ("plugin", "default", "lean"),
    ],
)
def test_a_loop_runs_in_every_permission_mode(stage: Stage, install: str, mode: str, engine: str) -> None:
    scene = finished(stage, f"loop-{install}-{mode}-{engine}", install)
    # The other two deny headless agents every write of the project's own files.
    writes = mode == "bypassPermissions"

    outcome = scene.orchestrate(loops.play_of([1], writes=writes), f"/orchestrate 1 --engine {engine}", mode)

    assert outcome.logged("spawned") == ONE_LOOP
    assert outcome.statuses == {"TASK-001": "completed", "TASK-101": "completed"}
    assert loops.history(scene) == ["Loop 1"]
    assert loops.committed(scene) == ([loops.made("TASK-101")] if writes else [])
    assert_mine_is_untouched(scene)


@pytest.mark.usefixtures("tmux")
def test_a_loop_typed_into_a_terminal_ends_with_the_helpers_sentence(both: Stage) -> None:
    scene = finished(both, "loop-terminal")

    with Terminal(scene.setting, ScriptedModel(loops.play_of([1])), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate 1")
        terminal.wait_for(lambda: "1 of 1 loops are done" in terminal.screen(), "closing sentence")
        assert not terminal.api.errors

    assert loops.history(scene) == ["Loop 1"]
    assert loops.committed(scene) == [loops.made("TASK-101")]


def stopped_everywhere(scene: Scene) -> Play:
    """Two loops; in the first, each agent and the commit's hook ask the run to stop."""
    once = "[ -e .git/asked ] || { touch .git/asked; claudestrator-helper stop; }"
    loops.hook(scene, once)
    play = loops.play_of([1, 1])
    for id_ in ONE_LOOP:
        play = loops.with_check(play, id_, "claudestrator-helper stop")
    return play


def test_a_run_that_is_stopped_in_every_phase_goes_on_there_and_does_nothing_twice(both: Stage) -> None:
    scene = finished(both, "stopped")
    play = stopped_everywhere(scene)

    outcomes = [scene.orchestrate(play, "/orchestrate 2")]
    while "The run has stopped, as asked" in outcomes[-1].said and len(outcomes) < 8:
        outcomes.append(scene.orchestrate(play))

    assert len(outcomes) == 1 + len([*ONE_LOOP, "commit"])
    assert outcomes[-1].logged("spawned") == [*ONE_LOOP, "research-2", "decomp-2", "TASK-102", "memory-2"]
    assert outcomes[-1].said.splitlines()[-1].startswith("2 of 2 loops are done, 3 of 3 tasks completed")
    assert loops.history(scene) == ["Loop 1", "Loop 2"]
    assert [loops.committed(scene, revision) for revision in ("HEAD~1", "HEAD")] == [
        [loops.made("TASK-101")],
        [loops.made("TASK-102")],
    ]
    assert_mine_is_untouched(scene)


def test_a_commit_that_a_hook_refuses_is_said_and_the_run_goes_on(stage: Stage) -> None:
    scene = finished(stage, "hook-refuses")
    loops.hook(scene, "echo 'the linter is not pleased' >&2; exit 1")

    outcome = scene.orchestrate(loops.play_of([1, 1]), "/orchestrate 2")

    assert "commit none: the linter is not pleased" in outcome.transcript.text
    assert "2 of 2 loops are done, 3 of 3 tasks completed" in outcome.said
    assert loops.history(scene) == []
    left = loops.git(scene, "status", "--porcelain", "--untracked-files=all", "--", "made").splitlines()
    assert left == [f"?? {loops.made(task_id)}" for task_id in ("TASK-101", "TASK-102")]
    assert snapshot(scene, 1)["no_commit_because"] == "the linter is not pleased"
    assert_mine_is_untouched(scene)


class Clerk:
    """A model that is told how to file an issue: runs the command of the fenced block, with the person's words."""

    def answer(self, request: Request) -> list[JSON]:
        if is_side_request(request):
            return [say("ok")]
        answered = last_calls(request.messages)
        return [say(answered[-1].result)] if answered else [self._file("\n".join(texts(request.messages, "user")))]

    def _file(self, told: str) -> JSON:
        said = re.search(r"who said: (.+)", told)
        command = re.search(r"^```\n(claudestrator-helper .+?)\n```$", told, re.MULTILINE | re.DOTALL)
        if not said or not command:
            return say(f"I can't tell from this what to file: {told[:300]}")
        return use("Bash", command=command[1].replace("**Summary:** one sentence", f"**Summary:** {said[1]}"))


@pytest.mark.parametrize("install", ["script", "plugin"])
def test_a_person_files_an_issue(stage: Stage, install: str) -> None:
    scene = finished(stage, f"issue-{install}", install)

    run = run_headless(scene.setting, Clerk(), "/claudestrator:issue the door creaks", "default")

    assert not run.brain_errors
    assert run.output.strip() == f"added 1: ISSUE-{loops.DAY}-001"
    (issue,) = json.loads(project.helper(scene.project, "issues", "--json"))
    assert (issue["status"], issue["summary"]) == ("pending", "the door creaks")
