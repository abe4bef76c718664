"""The choice of the engine, by what was asked for and by what the session can do."""

import pytest
from claudestrator_helper.engine import begin_run, choice
from claudestrator_helper.engine.choice import Able
from claudestrator_helper.engine.config import AUTO, LEAN, MOD, TASK, Config
from claudestrator_helper.engine.state import RUNNING, STOPPED, Owner, State
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import ownership
from queues import queue, task
from simulated import Simulation

TERMINAL = {"CLAUDE_CODE_ENTRYPOINT": "cli", "AI_AGENT": "claude-code_2-1-280_agent"}
SKILLS, MODS = Able(background=True, name=True), Able(mod=True, background=True, name=True)
HEADLESS = Able(lacking="no terminal")


@pytest.mark.parametrize(
    ("wish", "parallel", "able", "chosen"),
    [
        (AUTO, 1, MODS, MOD),
        (AUTO, 20, MODS, MOD),
        (AUTO, 1, SKILLS, LEAN),
        (AUTO, 4, SKILLS, LEAN),
        (AUTO, 5, SKILLS, TASK),
        (AUTO, 1, HEADLESS, TASK),
        (AUTO, 1, Able(background=True, lacking="no hooks"), TASK),
        (MOD, 1, MODS, MOD),
        (MOD, 1, SKILLS, LEAN),
        (LEAN, 1, MODS, LEAN),
        (LEAN, 4, SKILLS, LEAN),
        (LEAN, 1, HEADLESS, LEAN),
        (LEAN, 2, HEADLESS, TASK),
        (TASK, 1, MODS, TASK),
    ],
)
def test_the_first_engine_that_works_is_chosen(wish: str, parallel: int, able: Able, chosen: str) -> None:
    found = choice.choose(wish, parallel, able)
    assert found.engine == chosen
    assert found.background == (chosen == LEAN and able.background)


def test_a_person_is_told_what_was_chosen_for_them_and_why() -> None:
    assert str(choice.choose(AUTO, 1, SKILLS)) == "engine lean (skills in the background)"
    assert str(choice.choose(AUTO, 1, HEADLESS)) == "engine task (no terminal)"
    assert str(choice.choose(AUTO, 8, SKILLS)) == "engine task (more than 4 at once)"
    assert str(choice.choose(TASK, 1, SKILLS)) == ""


@pytest.mark.parametrize(
    ("environ", "able"),
    [
        (TERMINAL, SKILLS),
        ({**TERMINAL, "AI_AGENT": "mine"}, SKILLS),
        ({**TERMINAL, "AI_AGENT": "claude-code_2-1-206_agent"}, Able(lacking="Claude Code 2.1.206")),
        ({**TERMINAL, "CLAUDE_CODE_ENTRYPOINT": "sdk-cli"}, HEADLESS),
        ({**TERMINAL, "CLAUDE_CODE_SESSION_ATTENDED": "0"}, HEADLESS),
        ({}, HEADLESS),
        (
            {**TERMINAL, "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1"},
            Able(lacking="CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"),
        ),
    ],
)
def test_the_environment_says_what_a_session_can_do(environ: dict[str, str], able: Able) -> None:
    assert ownership.able(environ, hooked=True) == able


def test_without_hooks_skills_have_no_names_of_their_own() -> None:
    assert ownership.able(TERMINAL, hooked=False) == Able(background=True, lacking="no hooks")


@pytest.mark.parametrize(
    ("typed", "able", "refusal"),
    [
        (
            "--engine lean --parallel 2",
            HEADLESS,
            "runs one task at a time here: leave out --engine, or type --parallel 1",
        ),
        ("--engine lean --parallel 5", SKILLS, "runs 4 tasks at a time here"),
        ("--engine mod", SKILLS, "--engine mod needs Claudestrator as a plugin"),
        ("--engine mod", SKILLS._replace(silent="why it does not call"), "why it does not call"),
    ],
)
def test_an_engine_that_was_typed_and_is_impossible_is_refused(typed: str, able: Able, refusal: str) -> None:
    inputs = Simulation(queue(task("TASK-1"))).inputs()
    with pytest.raises(ClaudestratorError, match=refusal):
        begin_run.begin(inputs, begin_run.Caller("s1", able=able), "r", begin_run.understood(typed.split()))


@pytest.mark.parametrize(
    ("unfinished", "release", "plugin", "why"),
    [
        (True, "332", True, "can't take over a run that its own session's model relays: type `/orchestrate stop`"),
        (False, "332", True, "has not loaded the plugin's mod"),
        (True, "285", True, ""),
        (True, "332", False, ""),
    ],
)
def test_where_the_mod_should_be_there_it_is_said_why_it_does_not_call(
    monkeypatch: pytest.MonkeyPatch, unfinished: bool, release: str, plugin: bool, why: str
) -> None:
    monkeypatch.setenv("AI_AGENT", f"claude-code_2-1-{release}_agent")
    monkeypatch.setenv("CLAUDESTRATOR_PLUGIN", "/plugin")
    if not plugin:
        monkeypatch.delenv("CLAUDESTRATOR_PLUGIN")
    own = State(status=RUNNING if unfinished else STOPPED, owner=Owner(process="host/boot/1"))
    said = ownership.caller(own, "s1", "host/boot/1").able.silent
    assert why in said
    assert bool(why) == bool(said)


def begun(run: Simulation, able: Able, typed: str = "", configured: str = AUTO) -> str:
    """The engine that `/orchestrate` takes in a session that is so able."""
    inputs = run.inputs()._replace(config=Config(engine=configured))
    run.apply(begin_run.begin(inputs, begin_run.Caller("s1", able=able), "r", begin_run.understood(typed.split())))
    return run.state.engine


def test_a_run_whose_mod_has_failed_is_continued_by_the_next_engine() -> None:
    run = Simulation(queue(task("TASK-1")))
    assert begun(run, MODS) == MOD
    assert begun(run, SKILLS) == LEAN
    assert run.state.background
    assert begun(run, MODS) == MOD
    assert run.state.record("TASK-1").attempts == 1


def test_a_resumed_run_keeps_the_engine_that_was_typed() -> None:
    run = Simulation(queue(task("TASK-1")))
    assert begun(run, MODS, "--engine task") == TASK
    assert begun(run, MODS) == TASK
    assert begun(run, MODS, "--engine auto") == MOD
