"""What a run lives through: compactions, sessions that are killed, agents that an error of the API ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from claudestrator_helper.engine import outage
from claudestrator_helper.engine.config import Config
from rig import project
from rig.account import assert_agrees, context
from rig.isolation import namespace_words
from rig.plays import Act, Ending, Play, task_section
from rig.scene import wrap_helper
from rig.scripted_model import ScriptedModel
from rig.session import Headless
from rig.slips import WINDOW, Slipping, is_full_at

if TYPE_CHECKING:
    from rig.scene import Outcome, Scene, Stage

ONE, TWO, THREE, FOUR = (
    task_section("TASK-001", "the first"),
    task_section("TASK-002", "the second", dependencies=("TASK-001",)),
    task_section("TASK-003", "the third", dependencies=("TASK-002",)),
    task_section("TASK-004", "the fourth", dependencies=("TASK-003",)),
)
ANY_COMMAND = "bypassPermissions"
#: A call of the model's, as a transcript has it.
WAIT = '"input":{"command":"claudestrator-helper wait"'


def test_a_run_goes_on_after_one_compaction_and_after_another(stage: Stage) -> None:
    scene = stage.by_script("compacted", {}, CLAUDE_CODE_AUTO_COMPACT_WINDOW=str(WINDOW))
    # Of a first one the last call and its result are left; of a second one nothing is, TASK-004's SPAWN neither.
    model = Slipping(Play(), is_full_at("TASK-002"), is_full_at("TASK-003"))

    outcome = scene.with_queue(ONE, TWO, THREE, FOUR).run(model)

    assert not model.left
    assert outcome.transcript.text.count("SessionStart hook additional context: Claudestrator") == 2
    assert outcome.agents == ["TASK-001 1", "TASK-002 1", "TASK-003 1", "TASK-004 1"]
    assert outcome.logged("spawned again")[-1] == "TASK-004"
    assert set(outcome.statuses.values()) == {"completed"}
    assert outcome.said.startswith("All 4 tasks are completed.")
    account = context(scene)
    assert account["compactions"] == 2
    assert_agrees(account, outcome.run.exchanges)


#: An agent's command that outlives the session and reports when the next agent is at work, and that one's, which lets
#: it report first.
OUTLIVES = """touch at-work
while [ -e at-work ] && ! [ -e second ]; do sleep 0.2; done
claudestrator-helper done TASK-002 --attempt 1 >reported 2>&1"""
MEETS_IT = "touch second; until [ -s reported ]; do sleep 0.2; done"


def killed(scene: Scene, play: Play, *, before_it_looks: bool = False) -> Outcome:
    """A run whose Claude Code was killed while it waited and the agent of TASK-002 was at work."""
    script = '[ "$1" = wait ] && echo $$ >>"$HOME/waits"\n'
    if before_it_looks:
        # The second wait gets no further than its start as long as Claude Code lives.
        second = '[ "$1" = wait ] && [ "$(wc -l <"$HOME/waits")" -eq 2 ]'
        script += f'{second} && while kill -0 "$CLAUDE_PID"; do sleep 0.1; done\n'
    wrap_helper(scene, f'{script}exec "$real" "$@"')

    def amid() -> bool:
        if not (scene.project / "at-work").exists() or len(waits(scene)) != 2:
            return False
        # The last that the server has seen is in the transcript.
        lines = [line for path in scene.transcripts for line in path.read_text(encoding="utf-8").splitlines()]
        if len([line for line in lines if WAIT in line and not line.startswith('{"type":"api-request')]) != 2:
            return False
        begun, turn = scene.setting.home / "waits", scene.project / ".claude" / "agent_complete" / ".wait"
        return (turn.stat().st_mtime > begun.stat().st_mtime) != before_it_looks

    with Headless(scene.setting, ScriptedModel(play), "/orchestrate", ANY_COMMAND) as session:
        return scene.outcome(session.killed(amid))


def waits(scene: Scene) -> list[int]:
    """The numbers of the processes that have waited."""
    path = scene.setting.home / "waits"
    return [int(pid) for pid in path.read_text(encoding="utf-8").split()] if path.exists() else []


@pytest.mark.parametrize(
    ("arguments", "before_it_looks"), [([], False), (["--continue"], True)], ids=["anew", "continued"]
)
def test_a_run_goes_on_at_once_when_claude_code_was_killed_and_repeats_nothing(
    stage: Stage, arguments: list[str], before_it_looks: bool
) -> None:
    scene = stage.by_script(f"killed{len(arguments)}", {}).with_queue(ONE, TWO, THREE).among_all_processes()
    play = Play(acts={"TASK-002": (Act(checks=(OUTLIVES,)), Act(checks=(MEETS_IT,)))})

    before = killed(scene, play, before_it_looks=before_it_looks)
    orphan = waits(scene)[-1]
    was_left = project.is_running(orphan)
    after = scene.with_arguments(*arguments).orchestrate(play, mode=ANY_COMMAND)

    assert before.agents == ["TASK-001 1", "TASK-002 1"]
    assert after.agents == ["TASK-002 2", "TASK-003 1"]
    assert [(entry["id"], entry["attempt"]) for entry in after.events if entry["event"] == "done"] == [
        ("TASK-001", 1),
        ("TASK-002", 2),
        ("TASK-003", 1),
    ]
    assert after.said.startswith("All 3 tasks are completed.")
    # The wait of the dead session saw that its session is gone; one that hadn't looked yet did so at once.
    assert was_left or before_it_looks
    assert not project.is_running(orphan)
    if arguments:
        account = context(scene)
        assert (account["sessions"], account["tasks"]) == (1, 3)
        assert_agrees(account, [*before.run.exchanges, *after.run.exchanges])


def test_a_killed_run_on_what_may_be_another_machine_is_taken_over_by_who_asks_for_it(stage: Stage) -> None:
    if "--pid" not in namespace_words():
        pytest.skip("no namespace of processes on this machine")
    scene = stage.by_script("taken", {}).with_queue(ONE, TWO)
    play = Play(acts={"TASK-002": (Act(checks=("touch at-work; while [ -e at-work ]; do sleep 0.2; done",)), Act())})

    killed(scene, play)
    refusal = project.helper(scene.project, "start", "--session", "another")
    after = scene.orchestrate(play, "/orchestrate --takeover", ANY_COMMAND)
    (scene.project / "at-work").unlink()

    assert refusal.startswith("STOP another session is at work on this queue")
    assert "`/orchestrate --takeover`" in refusal
    assert after.agents == ["TASK-002 2"]
    assert set(after.statuses.values()) == {"completed"}


def test_an_agent_that_an_error_of_the_api_ends_costs_seconds(both: Stage) -> None:
    scene = both.by_script("refused", {}).with_queue(ONE)

    outcome = scene.orchestrate(Play(acts={"TASK-001": (Act(ending=Ending.BROKEN, status=400), Act())}))

    assert outcome.agents == ["TASK-001 1", "TASK-001 2"]
    assert outcome.models("TASK-001") == ["sonnet", "opus"]
    assert outcome.agents_saw("ended by an error of the API: ")
    assert outcome.statuses == {"TASK-001": "completed"}
    assert outcome.seconds_until_replaced("TASK-001") < Config().start_timeout / 2


def test_a_server_that_stays_down_stops_the_run_and_fails_no_task(lean: Stage) -> None:
    # Otherwise Claude Code asks ten times more, for three minutes.
    scene = lean.by_script("down", {}, CLAUDE_CODE_MAX_RETRIES="0").with_queue(ONE, TWO)

    outcome = scene.orchestrate(Play(acts={"TASK-001": (Act(ending=Ending.BROKEN, status=500),)}))

    assert outcome.agents == [f"TASK-001 {attempt}" for attempt in range(1, outage.MOST + 1)]
    assert set(outcome.models("TASK-001")) == {"sonnet"}
    assert outcome.statuses == {"TASK-001": "pending", "TASK-002": "pending"}
    assert "ended by an error of the API: server_error" in outcome.said
    assert project.helper(scene.project, "state", "status").strip() == '"stopped"'
