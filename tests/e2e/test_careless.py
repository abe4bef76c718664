"""An orchestrator that slips: what the hooks make good, and what they leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rig import project
from rig.conversation import calls
from rig.interactive import Terminal
from rig.plays import Act, Play, task_section
from rig.scripted_model import ScriptedModel
from rig.session import Headless, run_headless
from rig.slips import Slipping, ends_instead_of, runs_instead_of, waits_instead_of
from rig.transcript import main_exchanges, transcript

if TYPE_CHECKING:
    from rig.scene import Stage

ONE = task_section("TASK-001", "the first")
TWO = task_section("TASK-002", "the second", dependencies=("TASK-001",))
WAIT = "helper wait"
SENT_BACK = "Stop hook feedback:\nThe run is not finished."


def test_who_ends_instead_of_waiting_is_sent_back_and_a_spawn_that_was_forgotten_comes_again_once(stage: Stage) -> None:
    scene = stage.by_script("sent-back", {}).with_queue(ONE, TWO)
    model = Slipping(Play(), waits_instead_of("TASK-001"), ends_instead_of(WAIT), ends_instead_of(WAIT))

    outcome = scene.run(model)

    assert not model.left
    assert SENT_BACK in outcome.transcript.text
    assert outcome.logged("spawned again") == ["TASK-001"]
    assert outcome.agents == ["TASK-001 1", "TASK-002 1"]
    assert outcome.statuses == {"TASK-001": "completed", "TASK-002": "completed"}
    assert outcome.said.splitlines()[-1].startswith("All 2 tasks are completed.")


@pytest.mark.usefixtures("tmux")
def test_in_a_terminal_the_end_of_the_agent_is_awaited_and_then_it_is_sent_back(stage: Stage) -> None:
    # In the turns behind the first one no rule allows the plugin's wait.
    scene = stage.by_plugin("sent-back-terminal", {}).with_queue(ONE)
    model = Slipping(Play(), ends_instead_of(WAIT))

    with Terminal(scene.setting, model, "default") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "The one task is completed" in terminal.screen(), "closing sentence")
        conversation = transcript(terminal.api.exchanges).text

    assert not model.left
    assert conversation.index("</task-notification>") < conversation.index(SENT_BACK)
    assert project.statuses(scene.project) == {"TASK-001": "completed"}


def test_who_ends_when_the_run_was_asked_to_stop_is_sent_back_to_its_end(stage: Stage) -> None:
    scene = stage.by_script("let-go", {}).with_queue(ONE, TWO)
    model = Slipping(Play(), ends_instead_of(WAIT, lambda: project.helper(scene.project, "stop")))

    outcome = scene.run(model)

    assert not model.left
    assert SENT_BACK in outcome.transcript.text
    assert outcome.agents == ["TASK-001 1"]
    assert project.helper(scene.project, "state", "status").strip() == '"stopped"'


def test_a_session_that_does_something_else_is_left_alone(stage: Stage) -> None:
    scene = stage.by_script("else", {}).with_queue(ONE)
    project.helper(scene.project, "start", "--session", "another", home=scene.setting.home)

    run = run_headless(scene.setting, Slipping(Play()), "hello", "default")

    (only,) = main_exchanges(run.exchanges)
    told = transcript([only]).text
    assert "a run is unfinished here (0 of 1 tasks completed). `/orchestrate` continues it." in told
    assert project.helper(scene.project, "state", "session").strip() == '"another"'


def test_in_a_resumed_session_the_helpers_calls_ask_nobody_and_nothing_is_let_through_with_them(stage: Stage) -> None:
    # The plugin adds no permission rule, and what the command's turn allowed is over.
    scene = stage.by_plugin("continued", {}).with_queue(ONE, TWO).among_all_processes()
    started = scene.project / ".claude" / "agent_complete" / "TASK-001.started"
    slow = ScriptedModel(Play(acts={"TASK-001": (Act(delay=60),)}))
    with Headless(scene.setting, slow, "/claudestrator:orchestrate", "default") as session:
        scene.outcome(session.killed(started.exists))
    smuggled = "claudestrator-helper wait; touch evil"
    model = Slipping(Play(), runs_instead_of(WAIT, smuggled))

    outcome = scene.with_arguments("--continue").run(model, "go on", "default")

    conversation = main_exchanges(outcome.run.exchanges)[-1].request.messages
    bash = [(call.input["command"], call.is_error) for call in calls(conversation) if call.tool == "Bash"]
    # The first one is the dead session's.
    assert bash[1:] == [(smuggled, True), *[("claudestrator-helper wait", False)] * 3]
    assert not (scene.project / "evil").exists()
    assert outcome.agents == ["TASK-001 2", "TASK-002 1"]
    assert outcome.statuses == {"TASK-001": "completed", "TASK-002": "completed"}
