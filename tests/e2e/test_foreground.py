"""The lean engine's agents: what interrupts them, and what brings a run back to them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from claudestrator_helper.engine import settle_reports
from claudestrator_helper.engine.config import Config
from rig import agents, project
from rig.conversation import calls, use
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scripted_model import ScriptedModel
from rig.session import Headless, run_headless
from rig.slips import WINDOW, Slipping, ends_instead_of, is_full_at, waits_instead_of
from rig.transcript import main_exchanges, spoken, transcript

if TYPE_CHECKING:
    from rig.messages_api import JSON, Request
    from rig.scene import Scene, Stage

ONE, TWO, THREE, FOUR = (
    task_section("TASK-001", "the first"),
    *(task_section(f"TASK-00{n}", "one more", dependencies=(f"TASK-00{n - 1}",)) for n in (2, 3, 4)),
)
ANY_COMMAND = "bypassPermissions"
#: A command that runs until somebody ends it, and has begun where the file is there.
ENDLESS = "touch at-work; while [ -e at-work ]; do sleep 0.2; done"


def test_a_run_goes_on_after_one_compaction_and_after_another(lean: Stage) -> None:
    scene = lean.by_script("compacted", {}, CLAUDE_CODE_AUTO_COMPACT_WINDOW=str(WINDOW))
    # Of a first one the last call and its result are left; of a second one nothing is, TASK-004's WORK neither.
    model = Slipping(Play(), is_full_at("TASK-002"), is_full_at("TASK-003"))

    outcome = scene.with_queue(ONE, TWO, THREE, FOUR).run(model)

    assert not model.left
    assert outcome.transcript.text.count("SessionStart hook additional context: Claudestrator") == 2
    assert outcome.agents == [f"TASK-00{n} 1" for n in (1, 2, 3, 4)]
    assert outcome.logged("spawned again")[-1] == "TASK-004"
    assert outcome.said.startswith("All 4 tasks are completed.")


def test_an_orchestrator_that_ends_or_waits_instead_of_the_call_is_given_it_again_at_once(lean: Stage) -> None:
    scene = lean.by_script("forgotten", {}).with_queue(ONE, TWO)
    model = Slipping(Play(), ends_instead_of("TASK-001"), waits_instead_of("TASK-002"))

    outcome = scene.run(model)

    assert not model.left
    assert "Stop hook feedback:\nThe run is not finished." in outcome.transcript.text
    assert outcome.logged("spawned again") == ["TASK-001", "TASK-002"]
    assert outcome.agents == ["TASK-001 1", "TASK-002 1"]
    assert outcome.said.splitlines()[-1].startswith("All 2 tasks are completed.")
    assert all(each["seconds"] < settle_reports.LAUNCH for each in outcome.events if each["event"] == "spawned again")


def test_without_hooks_a_wait_hands_over(lean: Stage) -> None:
    scene = lean.by_script("no-hooks", {}).with_queue(ONE, TWO, THREE, FOUR)
    without(scene, "hooks")
    acts: dict[str, tuple[Act, ...]] = {
        "TASK-001": (Act(ending=Ending.SILENT), Act()),
        "TASK-002": (Act(ending=Ending.BROKEN), Act()),
    }

    outcome = scene.orchestrate(Play(acts=acts))

    assert outcome.agents == ["TASK-001 1", "TASK-001 2", "TASK-002 1", "TASK-002 2", "TASK-003 1", "TASK-004 1"]
    assert set(outcome.statuses.values()) == {"completed"}
    assert outcome.seconds_until_replaced("TASK-001") < Config().start_timeout / 2
    # And one turn more, in which the wait looks for what was typed.
    assert outcome.transcript.turns <= 2.2 * len(outcome.agents) + 1


def without(scene: Scene, key: str) -> None:
    """Takes something from what install.sh wrote into the project's settings."""
    path = scene.project / ".claude" / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    del settings[key]
    path.write_text(json.dumps(settings), encoding="utf-8")


#: An agent's command that outlives the session and reports when the next agent is at work, and that one's, which lets
#: it report first.
OUTLIVES = """touch at-work
while [ -e at-work ] && ! [ -e second ]; do sleep 0.2; done
claudestrator-helper done TASK-002 --attempt 1 >reported 2>&1"""
MEETS_IT = "touch second; until [ -s reported ]; do sleep 0.2; done"


def killed(scene: Scene, play: Play) -> list[str]:
    """The agents of a run whose Claude Code is killed while one of them is at work."""
    with Headless(scene.setting, ScriptedModel(play), "/orchestrate", ANY_COMMAND) as session:
        return scene.outcome(session.killed((scene.project / "at-work").exists)).agents


@pytest.mark.parametrize("arguments", [[], ["--continue"]], ids=["anew", "continued"])
def test_a_run_goes_on_when_claude_code_was_killed_and_repeats_nothing(lean: Stage, arguments: list[str]) -> None:
    scene = lean.by_script(f"killed{len(arguments)}", {}).with_queue(ONE, TWO, THREE).among_all_processes()
    play = Play(acts={"TASK-002": (Act(checks=(OUTLIVES,)), Act(checks=(MEETS_IT,)))})

    before = killed(scene, play)
    after = scene.with_arguments(*arguments).orchestrate(play, mode=ANY_COMMAND)

    assert before == ["TASK-001 1", "TASK-002 1"]
    assert after.agents == ["TASK-002 2", "TASK-003 1"]
    assert [(each["id"], each["attempt"]) for each in after.events if each["event"] == "done"] == [
        ("TASK-001", 1),
        ("TASK-002", 2),
        ("TASK-003", 1),
    ]
    assert after.logged("failed") == []
    assert after.said.startswith("All 3 tasks are completed.")


def test_in_a_later_turn_the_calls_of_a_run_ask_nobody(lean: Stage) -> None:
    scene = lean.by_script("later", {}).with_queue(ONE, TWO).among_all_processes()
    without(scene, "permissions")
    before = killed(scene, Play(acts={"TASK-001": (Act(checks=(ENDLESS,)),)}))

    after = scene.with_arguments("--continue").orchestrate(Play(), "go on", "dontAsk")
    (scene.project / "at-work").unlink()

    conversation = main_exchanges(after.run.exchanges)[-1].request.messages
    assert [call.result for call in calls(conversation)[1:] if call.is_error] == []
    assert before + after.agents == ["TASK-001 1", "TASK-001 2", "TASK-002 1"]
    assert after.statuses == {"TASK-001": "completed", "TASK-002": "completed"}


def test_a_run_is_its_sessions_however_long_an_agent_works(lean: Stage) -> None:
    scene = lean.by_script("long", {}).with_queue(ONE).among_all_processes()
    at_work = scene.project / "at-work"
    play = Play(acts={"TASK-001": (Act(checks=("touch at-work; while [ -e at-work ]; do sleep 0.1; done",)),)})

    with Headless(scene.setting, ScriptedModel(play), "/orchestrate", ANY_COMMAND) as session:
        while not at_work.exists():
            time.sleep(0.05)
        project.helper(scene.project, "state", "heartbeat", str(int(time.time()) - 3600))
        another = run_headless(scene.setting, ScriptedModel(play), "/orchestrate", ANY_COMMAND)
        at_work.unlink()
        outcome = scene.outcome(session.finished())

    assert "another session is at work on this queue" in "\n".join(spoken(another.exchanges))
    assert outcome.agents == ["TASK-001 1"]
    assert outcome.statuses == {"TASK-001": "completed"}


class FirstCall(ScriptedModel):
    """The agent of such a task makes this call first, and then reports, whatever came of it."""

    def __init__(self, calls: dict[str, JSON]) -> None:
        super().__init__(Play())
        self._calls = calls

    def answer(self, request: Request) -> list[JSON]:
        task_id = agents.task_of(request) if request.agent else ""
        if task_id in self._calls:
            sent = sum(message["role"] == "assistant" for message in request.messages)
            if sent == 0:
                return [self._calls[task_id]]
            if sent == 1:
                return [agents.Assignment.parse(agents.prompt_of(request)).report("done", "made")]
        elif task_id is None:
            time.sleep(2)
        return super().answer(request)


def test_an_agent_that_plays_the_orchestrator_does_not_end_its_own_attempt(lean: Stage) -> None:
    scene = lean.by_script("plays", {}).with_queue(ONE, TWO)
    wait = use("Bash", command="cd . && claudestrator-helper wait")
    work = use("Skill", skill="claudestrator:work-opus", args="TASK-002")

    outcome = scene.run(FirstCall({"TASK-001": wait, "TASK-002": work}))

    for id_ in ("TASK-001", "TASK-002"):
        assert outcome.agents_saw("only the orchestrator or the person runs that", id_)
    assert outcome.agents == ["TASK-001 1", "TASK-002 1"]
    assert outcome.said.startswith("All 2 tasks are completed.")


#: What agents have tried, each in words that no rule about the helper's verbs knows, and what they are told.
SPELLINGS = {
    "bash -c 'claudestrator-helper wait'": "only the orchestrator's own call",
    "env -u CLAUDE_PID -u CLAUDE_CODE_SESSION_ID bash -c '$0 wait' claudestrator-helper": "only the orchestrator's",
    "bash -c '$0 start --commands 0.1.0 --session $CLAUDE_CODE_SESSION_ID' claudestrator-helper": "WAIT",
}


def test_however_an_agent_spells_it_the_helper_itself_takes_no_step(lean: Stage) -> None:
    scene = lean.by_script("spells", {}).with_queue(ONE, TWO)
    checks = tuple(f"{command} >said-{at} 2>&1 || true" for at, command in enumerate(SPELLINGS))

    outcome = scene.orchestrate(Play(acts={"TASK-001": (Act(checks=checks),)}), mode=ANY_COMMAND)

    for at, said in enumerate(SPELLINGS.values()):
        printed = (scene.project / f"said-{at}").read_text(encoding="utf-8")
        # Who says nothing of its session is another one's, where that can be told.
        assert said in printed or "another session has this run" in printed
    assert outcome.agents == ["TASK-001 1", "TASK-002 1"]
    assert outcome.said.startswith("All 2 tasks are completed.")


def test_what_an_agent_leaves_in_the_background_changes_nothing_after_the_end(lean: Stage) -> None:
    scene = lean.by_script("delegates", {}).with_queue(ONE, TWO)
    own = use("Agent", description="look", subagent_type="general-purpose", prompt="Look.", run_in_background=True)

    outcome = scene.run(FirstCall({"TASK-001": own}))

    assert outcome.agents[0] == "TASK-001 1"
    assert outcome.logged("spawned") == ["TASK-001", "TASK-002"]
    assert outcome.run.output.strip().splitlines()[-1].startswith("All 2 tasks are completed.")


@pytest.mark.usefixtures("tmux")
def test_a_person_may_interrupt_the_wait_and_the_agent_stays_at_work(lean: Stage) -> None:
    scene = lean.by_plugin("interrupted", {}).with_queue(ONE, TWO)
    play = Play(acts={"TASK-001": (Act(delay=8),), "TASK-002": (Act(delay=8),)})

    def is_at(task_id: str) -> bool:
        # Its prompt is made before it is launched.
        return (scene.project / ".claude" / "agent_complete" / f"{task_id}.agent").exists()

    def type_after_interruption(text: str, count: int) -> None:
        terminal.press("Escape")
        terminal.wait_for(lambda: terminal.screen().count("Interrupted") == count, "interruption")
        terminal.type(text)

    # In the turns behind the first one no rule allows the plugin's calls.
    with Terminal(scene.setting, ScriptedModel(play), "default") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: is_at("TASK-001"), "agent")
        type_after_interruption("go on", 1)
        terminal.wait_for(lambda: is_at("TASK-002"), "next agent")
        type_after_interruption("/orchestrate", 2)
        terminal.wait_for(lambda: "All 2 tasks are completed" in terminal.screen(), "closing sentence")
        assert "PostToolUse:Bash says: done TASK-001 (1/2)" in terminal.screen()
        conversation = transcript(terminal.api.exchanges).text

    log = project.run_log(scene.project)
    assert [f"{each['event']} {each['id']} {each['attempt']}" for each in log if each.get("attempt")] == [
        "spawned TASK-001 1",
        "done TASK-001 1",
        "spawned TASK-002 1",
        "done TASK-002 1",
    ]
    assert "<task-notification>" not in conversation
