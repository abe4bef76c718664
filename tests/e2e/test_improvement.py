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
from rig.transcript import spoken

if TYPE_CHECKING:
    from rig.messages_api import JSON, Exchange, Request
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


def test_loops_find_mend_commit_and_remember(both: Stage) -> None:
    """The tasks of a loop are at most five. What the engines differ in, few tasks of the other one show."""
    scene = finished(both, "two-loops")
    found, all_ran = ([6, 1], ((1, 2, 3, 4, 5), (6, 7))) if both.engine == "lean" else ([2, 1], ((1, 2), (3,)))

    outcome = scene.orchestrate(loops.play_of(found), "/orchestrate 2 error handling")

    ran = [[f"TASK-10{number}" for number in numbers] for numbers in all_ran]
    assert outcome.logged("spawned") == [
        id_ for loop, ids in enumerate(ran, 1) for id_ in (f"research-{loop}", f"decomp-{loop}", *ids, f"memory-{loop}")
    ]
    assert loops.history(scene) == ["Loop 1", "Loop 2"]
    for loop, ids in enumerate(ran, 1):
        commit = f"HEAD~{2 - loop}"
        assert loops.committed(scene, commit) == [loops.made(task_id) for task_id in ids]
        assert [task["id"] for task in snapshot(scene, loop)["tasks"]] == ids
        assert snapshot(scene, loop)["commit"] == loops.git(scene, "rev-parse", commit).strip()
    assert_mine_is_untouched(scene)
    tasks = sum(found)
    ended = f"2 of 2 loops are done, {tasks + 1} of {tasks + 1} tasks completed; issues: {tasks} completed."
    # What a run took is said between the two, if that was a minute or more.
    said = outcome.run.output.strip().splitlines()[-1]
    assert said.startswith(f"{ended} ")
    assert " Report: " in said
    assert_learned(outcome, ran)
    account = context(scene)
    assert_agrees(account, outcome.run.exchanges)
    assert account["tasks"] == tasks
    assert [row["loop"] for row in account["loops"]] == [1, 2]
    assert sum(row["characters"] for row in account["loops"]) == account["characters"]["entered"]
    if both.engine == "task":
        # A turn for each of its agents, and what follows the STOP.
        assert all(row["turns"] >= 3 + len(ids) for row, ids in zip(account["loops"], ran, strict=True))
        assert account["loops"][-1]["turns"] >= 4 + 1


def assert_learned(outcome: Outcome, ran: list[list[str]]) -> None:
    """Each loop's agents know the last loop's summary, and the orchestrator not a word of any."""
    told = loops.prompts(outcome.run)
    assert "error handling" in told["research-1"]
    assert loops.summary(1) not in told["research-1"]
    for loop, ids in enumerate(ran[1:], 2):
        for id_ in (f"research-{loop}", f"decomp-{loop}", ids[-1]):
            assert loops.summary(loop - 1) in told[id_]
    conversation = outcome.transcript.text
    assert f" memory-{len(ran)} sonnet" in conversation
    said = [word for loop, _ in enumerate(ran, 1) for word in loops.summary(loop).split()]
    assert not [word for word in said if word in conversation]


@pytest.mark.parametrize(
    ("install", "mode", "engine"),
    [
        ("plugin", "dontAsk", "task"),
        ("script", "default", "lean"),
    ],
)
def test_a_loop_runs_in_every_permission_mode(stage: Stage, install: str, mode: str, engine: str) -> None:
    scene = finished(stage, f"loop-{install}-{mode}-{engine}", install)
    # Headless, these modes deny agents every write of the project's own files; loops that write are above and below.
    outcome = scene.orchestrate(loops.play_of([1], writes=False), f"/orchestrate 1 --engine {engine}", mode)

    assert outcome.logged("spawned") == ONE_LOOP
    assert outcome.statuses == {"TASK-001": "completed", "TASK-101": "completed"}
    assert loops.history(scene) == ["Loop 1"]
    assert loops.committed(scene) == []
    assert_mine_is_untouched(scene)


STOPPED = "The run has stopped, as asked"


def ends(exchanges: list[Exchange]) -> list[str]:
    """What the orchestrator said at the end of each run."""
    return [said for said in spoken(exchanges) if STOPPED in said or "loops are done" in said]


class StoppedEverywhere(ScriptedModel):
    """Two loops; in the first, a person asks the run to stop before each agent's report, and the commit's hook does."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(loops.play_of([1, 1]))
        loops.hook(scene, "[ -e .git/asked ] || { touch .git/asked; claudestrator-helper stop; }")
        self._folder, self._left = scene.project, list(ONE_LOOP)

    def answer(self, request: Request) -> list[JSON]:
        meant = super().answer(request)
        if request.agent and self._left and f"helper done {self._left[0]}" in json.dumps(meant):
            self._left.pop(0)
            project.helper(self._folder, "stop")
        return meant


@pytest.mark.parametrize("both", ["lean"], indirect=True)
@pytest.mark.usefixtures("tmux")
def test_a_run_that_is_stopped_in_every_phase_goes_on_there_and_does_nothing_twice(both: Stage) -> None:
    scene = finished(both, "stopped")
    model = StoppedEverywhere(scene)

    # The next run is another session's, and those behind it are that one's own.
    first = scene.run(model, "/orchestrate 2")
    with Terminal(scene.setting, model, "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        for count, _ in enumerate([*ONE_LOOP, "commit"], 1):
            terminal.type("/orchestrate")
            terminal.wait_for(lambda: len(ends(terminal.api.exchanges)) == count, f"end {count}")  # noqa: B023
            terminal.wait_for(lambda: "esc to interrupt" not in terminal.screen(), "end of the turn")
        terminal.wait_for(lambda: "2 of 2 loops are done, 3 of 3 tasks completed" in terminal.screen(), "last sentence")
        said = [*ends(first.run.exchanges), *ends(terminal.api.exchanges)]
        assert not terminal.api.errors

    assert [STOPPED in each for each in said] == [True] * len([*ONE_LOOP, "commit"]) + [False]
    spawned = [each["id"] for each in project.run_log(scene.project) if each["event"] == "spawned"]
    assert spawned == [*ONE_LOOP, "research-2", "decomp-2", "TASK-102", "memory-2"]
    assert said[-1].splitlines()[-1].startswith("2 of 2 loops are done, 3 of 3 tasks completed")
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

    assert "no commit of loop 1: the linter is not pleased" in outcome.transcript.text
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
