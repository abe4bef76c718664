"""Runs that Claude Code carries out itself, by the plugin's hooks module, without a request of the main model."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from rig import loops, project
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scripted_model import ScriptedModel
from rig.transcript import agent_exchanges, main_exchanges

if TYPE_CHECKING:
    from rig.scene import Outcome, Stage

ANY_COMMAND = "bypassPermissions"
AS_JSON = ("--output-format", "json")
ALL = "All 4 tasks are completed."
#: What a person takes for something that went wrong.
ALARMING = re.compile(r"error|exception|refused|blocked|not load|undefined|\[object|unfinished", re.IGNORECASE)


def four(*, apart: bool = True) -> tuple[str, ...]:
    return tuple(
        task_section(f"TASK-00{n}", f"part {n}", complexity="easy", files=(f"{n}.txt",) if apart else ())
        for n in (1, 2, 3, 4)
    )


def result(outcome: Outcome) -> dict[str, object]:
    """What headless Claude Code says of its session, in which no one asked the main model for anything."""
    assert main_exchanges(outcome.run.exchanges) == []
    said: dict[str, object] = json.loads(outcome.run.output)
    assert said["num_turns"] == 0
    return said


@pytest.mark.parametrize(
    ("mode", "command", "at_once"),
    [
        ("default", "/claudestrator:orchestrate", 1),
        ("acceptEdits", "/orchestrate --parallel 4", 4),
        ("dontAsk", "/orchestrate --engine mod", 1),
    ],
)
def test_a_run_needs_no_request_of_the_main_model(mod: Stage, mode: str, command: str, at_once: int) -> None:
    scene = mod.by_plugin(f"headless-{mode}").with_arguments(*AS_JSON)
    acts: dict[str, tuple[Act, ...]] = {
        "TASK-001": (Act(ending=Ending.FAIL, note="the tests do not pass"), Act(note="it is in 1.txt")),
        "TASK-002": (Act(ending=Ending.SILENT), Act()),
        "TASK-003": (Act(ending=Ending.FORGET, chatter="Let me see."),),
    }
    if mode == "acceptEdits":
        # Two write the same file, each in a worktree of its own, and whoever comes second has both to make one of.
        both = {"both.txt": "1\n4\n"}
        acts["TASK-001"] = (*acts["TASK-001"][:1], Act({"both.txt": "1\n"}, delay=2, solved=both))
        acts["TASK-004"] = (Act({"4.txt": "made\n", "both.txt": "4\n"}, solved=both),)
        scene.with_queue(*four())

    outcome = scene.orchestrate(Play(four(), acts), command, mode)

    said = [] if "--engine" in command else ["engine mod (the plugin itself runs the agents)"]
    assert str(result(outcome)["result"]).startswith("claudestrator: " + "\n".join([*said, ALL]))
    assert set(outcome.statuses.values()) == {"completed"}
    assert [outcome.models(f"TASK-00{n}") for n in (1, 2, 3, 4)] == [
        ["haiku", "sonnet"],
        ["haiku", "sonnet"],
        ["haiku"],
        ["haiku"],
    ]
    assert outcome.agents_saw("the tests do not pass")
    assert outcome.agents_saw("You are ending without a report")
    spawned = outcome.logged("spawned")
    assert spawned[: at_once + (mode != "acceptEdits")][-at_once:] == [f"TASK-00{n}" for n in range(1, at_once + 1)]
    if mode == "acceptEdits":
        branch = loops.git(scene, "branch", "--list", "--format=%(refname:short)", "claudestrator/*").strip()
        assert loops.git(scene, "show", f"{branch}:4.txt", f"{branch}:both.txt") == "made\n1\n4\n"
        assert sorted(loops.git(scene, "log", "--format=%s", f"main..{branch}").split("\n"))[1:] == [
            "TASK-001: part 1",
            "TASK-004: part 4",
        ]
        assert loops.git(scene, "log", "--merges") + loops.git(scene, "status", "--porcelain", "-uno") == ""
        report = json.loads(project.helper(scene.project, "report", "--format", "json", home=scene.setting.home))
        assert all(each["transcript"] for work in report["works"] for each in work["attempts"])
        assert {"path": "4.txt", "added": 1, "removed": 0} in report["works"][3]["files"]
        # It reads, writes, reports by a command, which may be refused once, and ends; nothing is spent on its prompt.
        asked = [
            each
            for each in agent_exchanges(outcome.run.exchanges)
            if "# Your task: TASK-004" in json.dumps(each.request.messages[0])
        ]
        assert len(asked) in (4, 7)


def mains(terminal: Terminal) -> int:
    """How often the main model was asked."""
    return len(main_exchanges(terminal.api.exchanges))


def typed(terminal: Terminal, text: str, answer: str) -> None:
    terminal.type(text)
    terminal.wait_for(lambda: answer in terminal.screen(), f"the answer to {text!r}")


@pytest.mark.usefixtures("tmux")
def test_a_person_sees_the_run_keeps_the_prompt_and_has_it_stopped_and_continued(mod: Stage) -> None:
    scene = mod.by_plugin("terminal", {}).with_queue(*four())
    held = (Act(checks=("until [ -e go ]; do sleep 0.1; done",)),)

    with Terminal(
        scene.setting, ScriptedModel(Play(acts={"TASK-001": held, "TASK-002": held})), ANY_COMMAND
    ) as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        typed(terminal, "/orchestrate --parallel 2", "TASK-002  haiku")
        terminal.wait_for(lambda: "next: TASK-003  part 3" in terminal.screen(), "next task")
        typed(terminal, "/claudestrator:status", "running: TASK-001")
        typed(terminal, "/claudestrator-stop", "The run will stop once")
        terminal.wait_for(lambda: "of 4 done, stopping" in terminal.screen(), "band")
        terminal.wait_for(lambda: "next: TASK-003" not in terminal.screen(), "a band without a next task")
        (scene.project / "go").touch()
        terminal.wait_for(lambda: "The run has stopped, as asked: 2 of 4" in terminal.screen(), "stop")
        terminal.wait_for(lambda: "next: TASK-003" not in terminal.screen().split("The run has stopped")[1], "no band")
        assert mains(terminal) == 0
        typed(terminal, "hello", ".")
        typed(terminal, "/orchestrate", "TASK-004  haiku")
        terminal.wait_for(lambda: ALL in terminal.screen(), "closing sentence")
        screen = terminal.screen()
        assert (mains(terminal), terminal.api.errors) == (1, [])

    assert screen.count(ALL) == 1
    assert [line for line in screen.splitlines() if ALARMING.search(line)] == []
    assert set(project.statuses(scene.project).values()) == {"completed"}
    assert all(screen.count(f"done TASK-00{n} (") == 1 for n in (1, 2, 3, 4))


@pytest.mark.usefixtures("tmux")
def test_after_a_kill_a_resumed_session_goes_on_by_itself(mod: Stage) -> None:
    scene = mod.by_plugin("killed", {}).with_queue(*four(apart=False)[:2]).among_all_processes()
    slow = ScriptedModel(Play(acts={"TASK-001": (Act(delay=60),)}))
    with Terminal(scene.setting, slow, "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        # Claude Code continues no session in which nothing was said.
        typed(terminal, "hello", "no command that")
        typed(terminal, "/orchestrate", "TASK-001  haiku")
        terminal.kill()

    setting = scene.with_arguments("--continue").setting
    with Terminal(setting, ScriptedModel(Play()), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "All 2 tasks are completed" in terminal.screen(), "closing sentence")
        screen = terminal.screen()
        assert (mains(terminal), terminal.api.errors) == (0, [])
        terminal.kill()

    assert "The run goes on." in screen
    assert [line for line in screen.splitlines() if ALARMING.search(line)] == []
    log = project.run_log(scene.project)
    assert [f"{each['id']} {each['attempt']}" for each in log if each["event"] == "done"] == [
        "TASK-001 2",
        "TASK-002 1",
    ]
    assert [each for each in log if each["event"] == "failed"] == []
