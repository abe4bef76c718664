"""The run as a state machine, driven without a disk or a clock."""

import pytest
from claudestrator_helper.engine import begin_run, markers, outage
from claudestrator_helper.engine.config import Config
from claudestrator_helper.engine.state import FINISHED, RUNNING, STOPPED, STOPPING
from claudestrator_helper.texts import queue as q
from queues import queue, task
from simulated import Simulation, started
from states import changed


def test_a_run_goes_from_prd_to_completion() -> None:
    run = Simulation()
    assert run.start() == ["SPAWN decomposition opus"]
    assert run.wait() == []
    run.text = queue(task("TASK-1", complexity="easy"), task("TASK-2", dependencies="TASK-1", complexity="complex"))
    run.done("decomposition")
    assert run.wait() == ["SPAWN TASK-1 haiku"]
    assert run.statuses() == {"TASK-1": "in_progress", "TASK-2": "pending"}
    run.done("TASK-1")
    assert run.wait() == ["SPAWN TASK-2 opus"]
    run.done("TASK-2")
    assert run.wait() == ["STOP All 2 tasks are completed."]
    assert run.state.initial_prd_tasks_complete
    assert run.state.status == FINISHED
    assert run.said == ["done decomposition (0/2)", "done TASK-1 (1/2)", "done TASK-2 (2/2)"]


def test_no_prd_stops_with_the_reason() -> None:
    assert Simulation(prd="There is no PRD.md.").start() == ["STOP There is no PRD.md."]


def test_work_in_the_queue_needs_no_prd() -> None:
    run = Simulation(queue(task("TASK-1")), prd="There is no PRD.md.")
    assert run.start() == ["SPAWN TASK-1 sonnet"]


def test_a_decomposition_without_tasks_is_tried_once_more_and_then_stops() -> None:
    run = Simulation()
    run.start()
    run.done("decomposition")
    assert run.wait() == ["SPAWN decomposition opus"]
    assert run.state.agents["decomposition"].reason == "it reported done but the queue holds no task"
    run.done("decomposition")
    (directive,) = run.wait()
    assert directive.startswith(
        "STOP The decomposition of PRD.md failed: it reported done but the queue holds no task. Fix that, or PRD.md, and"
    )
    # Some of its tasks may be there in the meantime.
    run.text = queue(task("TASK-1"))
    assert run.start() == ["SPAWN decomposition opus"]
    run.done("decomposition")
    assert run.wait() == ["SPAWN TASK-1 sonnet"]


@pytest.mark.parametrize("lost", ["with its session", "as the run was stopped", "to the API"])
def test_a_decomposition_that_was_cut_off_is_made_again_whatever_it_has_put_into_the_queue(lost: str) -> None:
    run = Simulation()
    run.start()
    run.text = queue(task("TASK-1", status="completed"))
    if lost == "as the run was stopped":
        run.state = changed(run.state, status=STOPPING)
        run.fail("decomposition")
        run.wait()
    while lost == "to the API" and run.state.agents:
        run.ended_by_the_api("decomposition", "overloaded")
        run.wait()
    assert run.start("s2") == ["SPAWN decomposition opus"]
    run.text = queue(task("TASK-1", status="completed"), task("TASK-2"))
    run.done("decomposition")
    assert run.wait() == ["SPAWN TASK-2 sonnet"]


def test_without_a_usable_prd_a_run_goes_on_with_the_tasks_of_a_decomposition_that_was_cut_off() -> None:
    run = Simulation()
    run.start()
    run.text, run.prd = queue(task("TASK-1")), "there is no PRD.md"
    assert run.start("s2") == ["SPAWN TASK-1 sonnet"]


def test_a_decomposition_with_errors_in_the_queue_is_told_which() -> None:
    run = Simulation()
    run.start()
    run.text = queue(task("TASK-1", objective=""))
    run.done("decomposition")
    assert run.wait() == ["SPAWN decomposition opus"]
    assert "line 3: TASK-1: it has no Objective" in run.state.agents["decomposition"].reason


def test_a_task_that_fails_once_is_tried_with_a_stronger_model_and_its_reason() -> None:
    run = started(task("TASK-1", complexity="easy"))
    run.fail("TASK-1")
    assert run.wait() == ["SPAWN TASK-1 sonnet"]
    assert run.said == ["failed TASK-1: tests do not pass; retrying with sonnet"]
    agent = run.state.agents["TASK-1"]
    assert (agent.attempt, agent.failures, agent.reason) == (2, 1, "tests do not pass")
    assert run.statuses() == {"TASK-1": "in_progress"}
    run.done("TASK-1")
    assert run.wait() == ["STOP The one task is completed."]


def test_a_task_that_fails_twice_stays_failed_and_the_rest_goes_on() -> None:
    run = started(task("TASK-1"), task("TASK-2", dependencies="TASK-1"), task("TASK-3"))
    run.fail("TASK-1")
    run.wait()
    run.fail("TASK-1", "no key")
    assert run.wait() == ["SPAWN TASK-3 sonnet"]
    run.done("TASK-3")
    (directive,) = run.wait()
    assert directive == (
        "STOP The run has ended, 1 of 3 tasks completed; failed: TASK-1 (no key); blocked: TASK-2 by TASK-1 (failed). "
        "`claudestrator-helper retry TASK-1` and `/orchestrate` try one again."
    )
    assert not run.state.initial_prd_tasks_complete
    assert run.statuses() == {"TASK-1": "failed", "TASK-2": "pending", "TASK-3": "completed"}


def test_the_same_failure_of_three_tasks_in_a_row_ends_the_run() -> None:
    run = started(*(task(f"TASK-{n}") for n in range(1, 6)))
    directives: list[str] = []
    for n in range(1, 4):
        run.fail(f"TASK-{n}", f"pytest {n} is not installed")
        run.wait()
        run.fail(f"TASK-{n}", f"pytest {n} is not installed")
        directives = run.wait()
    assert directives[0].startswith(
        "STOP The run has ended, 0 of 5 tasks completed: TASK-1, TASK-2, TASK-3 failed in a row"
    )
    assert run.statuses()["TASK-4"] == "pending"


def test_one_task_that_fails_again_and_again_is_no_row_of_three() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    for _ in range(3):
        for _ in range(2):
            run.fail("TASK-1")
            directives = run.wait()
        assert directives == ["SPAWN TASK-2 sonnet"]
        run.text = q.set_status(q.set_status(run.text, "TASK-1", "pending"), "TASK-2", "pending")
        run.state = changed(run.state, agents={})
        assert run.wait() == ["SPAWN TASK-1 sonnet"]
    assert run.state.streak == ["TASK-1"]


def test_different_failures_do_not_end_the_run() -> None:
    run = started(*(task(f"TASK-{n}") for n in range(1, 6)))
    for n, reason in enumerate(("no key", "no disk", "no net"), 1):
        run.fail(f"TASK-{n}", reason)
        run.wait()
        run.fail(f"TASK-{n}", reason)
        assert run.wait() == [f"SPAWN TASK-{n + 1} sonnet"]


def test_a_spawn_that_no_agent_answers_is_printed_again_as_the_same_attempt() -> None:
    run = started(task("TASK-1"))
    assert run.wait(Config().start_timeout - 1) == []
    assert run.wait(1) == ["SPAWN TASK-1 sonnet"]
    assert run.state.agents["TASK-1"].attempt == 1
    run.live("TASK-1")
    assert run.wait(Config().start_timeout + 60) == []


def test_a_timeout_whose_step_was_cut_off_after_the_queue_is_one_all_the_same() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.live("TASK-1")
    before = run.now + 60 * Config().task_timeout - 5
    while run.now + 15 < before:
        assert run.wait(15) == []
    # The step that gave it up has changed the queue alone, and nobody waited for a while.
    run.text = run.text.replace("in_progress", "failed", 1)
    run.now += 100
    assert run.wait(0) == ["SPAWN TASK-2 sonnet"]
    assert run.said[-1].startswith("failed TASK-1 (0/2): no report within")


def test_an_agent_without_a_report_has_failed_after_the_timeout_and_its_late_done_counts() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.live("TASK-1")
    assert run.wait(60 * Config().task_timeout + 1) == ["SPAWN TASK-2 sonnet"]
    assert run.statuses()["TASK-1"] == "failed"
    run.reports["TASK-1"] = markers.Marker(markers.DONE, 1)
    run.live("TASK-2")
    assert run.wait() == []
    assert run.statuses()["TASK-1"] == "completed"
    run.done("TASK-2")
    assert run.wait() == ["STOP All 2 tasks are completed."]


def test_the_time_of_an_agent_whose_report_is_being_made_is_over_only_once_the_report_is_given_up() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.live("TASK-1")
    run.reporting = frozenset({"TASK-1"})
    assert run.wait(60 * Config().task_timeout + 1) == []
    assert run.statuses()["TASK-1"] == "in_progress"
    run.reporting = frozenset()
    assert run.wait() == ["SPAWN TASK-2 sonnet"]
    assert run.said[-1].startswith("failed TASK-1 (0/2): no report within")


def test_time_in_which_nobody_waited_is_not_counted() -> None:
    run = started(task("TASK-1"))
    run.live("TASK-1")
    run.now += 8 * 3600
    assert run.wait() == []
    run.now -= 24 * 3600
    assert run.wait() == []
    assert run.statuses() == {"TASK-1": "in_progress"}


def test_a_report_of_an_earlier_attempt_counts_for_nothing() -> None:
    run = started(task("TASK-1"))
    run.fail("TASK-1")
    run.wait()
    run.reports["TASK-1"] = markers.Marker(markers.DONE, 1)
    assert run.wait() == []
    assert run.statuses() == {"TASK-1": "in_progress"}


def test_a_marker_of_an_earlier_run_does_not_complete_a_task_that_is_claimed_again() -> None:
    run = started(task("TASK-1"))
    run.done("TASK-1")
    run.wait()
    run.text = q.set_status(run.text, "TASK-1", "pending")
    assert run.start() == ["SPAWN TASK-1 sonnet"]
    assert run.wait() == []


def test_a_marker_made_by_hand_counts() -> None:
    run = started(task("TASK-1"))
    run.reports["TASK-1"] = markers.Marker(markers.DONE, None)
    assert run.wait() == ["STOP The one task is completed."]


def test_a_task_that_a_person_completes_or_removes_while_its_agent_works_is_left_to_them() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.text = q.set_status(run.text, "TASK-1", "completed")
    assert run.wait() == ["SPAWN TASK-2 sonnet"]
    run.text = queue(task("TASK-1", status="completed"))
    assert run.wait() == ["STOP The one task is completed."]
    assert run.said == ["left TASK-1 (1/2): set to completed by hand", "left TASK-2 (1/1): no longer in the queue"]


def test_a_task_that_a_person_adds_during_the_run_is_run() -> None:
    run = started(task("TASK-1"))
    run.text += task("TASK-2")
    run.done("TASK-1")
    assert run.wait() == ["SPAWN TASK-2 sonnet"]


def test_completion_is_never_claimed_over_a_section_that_can_not_be_read() -> None:
    run = started(task("TASK-1"))
    run.text += "### TASK-2\n\nhalf a task\n"
    run.done("TASK-1")
    (directive,) = run.wait()
    assert directive.startswith("STOP The run has ended, 1 of 1 tasks completed; line 19 of the queue can't be read")
    assert not run.state.initial_prd_tasks_complete


def test_a_queue_that_can_not_be_read_at_all_is_not_decomposed_over() -> None:
    (directive,) = Simulation("# Q\n\n- [ ] TASK-1: log in\n").start()
    assert directive.startswith("STOP The run has ended, 0 of 0 tasks completed; line 3 of the queue can't be read")


def test_stop_lets_the_agent_finish_and_start_goes_on() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.state = changed(run.state, status=STOPPING)
    assert run.wait() == []
    run.done("TASK-1")
    assert run.wait() == ["STOP The run has stopped, as asked: 1 of 2 tasks completed. `/orchestrate` continues it."]
    assert run.state.status == STOPPED
    assert run.start() == ["SPAWN TASK-2 sonnet"]


def test_the_same_session_goes_on_with_its_agents() -> None:
    run = started(task("TASK-1"))
    run.live("TASK-1")
    assert run.start("s1") == []
    assert run.state.agents["TASK-1"].attempt == 1


def hooked(*tasks: str) -> Simulation:
    """A run whose session has our hooks at work."""
    run = Simulation(queue(*tasks))
    run.apply(begin_run.begin(run.inputs(), begin_run.Caller("s1", hooked=True), "run-1"))
    return run


def test_a_spawn_that_no_hook_saw_launched_is_printed_again_soon_and_once() -> None:
    run = hooked(task("TASK-1"))
    assert run.wait(9) == []
    assert run.wait(1) == ["SPAWN TASK-1 sonnet"]
    assert run.state.agents["TASK-1"].attempt == 1
    assert run.wait(Config().start_timeout - 1) == []
    assert run.wait(1) == ["SPAWN TASK-1 sonnet"]


@pytest.mark.parametrize("launched", [{"TASK-1"}, {"TASK-2"}, set()])
def test_only_hooks_that_are_at_work_are_believed(launched: set[str]) -> None:
    run = hooked(task("TASK-1")) if "TASK-1" in launched else started(task("TASK-1"))
    run.launched = frozenset(launched)
    assert run.wait(Config().start_timeout - 1) == []
    assert run.wait(1) == ["SPAWN TASK-1 sonnet"]


def test_in_its_own_session_an_agent_that_was_launched_is_not_spawned_again_at_once() -> None:
    run = hooked(task("TASK-1"))
    run.launched = frozenset({"TASK-1"})
    assert run.start("s1") == []


def test_a_takeover_in_its_own_session_gives_up_agents_that_nobody_else_knows_to_be_dead() -> None:
    run = started(task("TASK-1"))
    run.live("TASK-1")
    caller = begin_run.Caller("s1")
    assert run.apply(begin_run.begin(run.inputs(), caller, "r", begin_run.Asked(takeover=True))) == [
        "SPAWN TASK-1 sonnet"
    ]
    assert run.state.agents["TASK-1"].attempt == 2


def test_the_same_session_gets_an_unanswered_spawn_again_at_once() -> None:
    assert started(task("TASK-1")).start("s1") == ["SPAWN TASK-1 sonnet"]


def test_another_session_waits_for_the_heartbeat_to_grow_old_and_then_takes_over() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.live("TASK-1")
    assert begin_run.whose(run.state, begin_run.Caller("s2"), run.now + 59) == begin_run.TAKEN
    run.now += 61
    assert begin_run.whose(run.state, begin_run.Caller("s2"), run.now) == begin_run.FREE
    assert run.start("s2") == ["SPAWN TASK-1 sonnet"]
    assert run.state.agents["TASK-1"].attempt == 2
    assert run.state.owner.session == "s2"


def test_a_takeover_settles_what_was_reported_and_runs_nothing_twice() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.done("TASK-1")
    run.now += 100
    assert run.start("s2") == ["SPAWN TASK-2 sonnet"]
    assert run.statuses()["TASK-1"] == "completed"


def test_a_report_that_comes_after_the_takeover_counts_once() -> None:
    run = started(task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    run.now += 100
    run.state = begin_run.begin(run.inputs(), begin_run.Caller("s2"), "r2").state
    run.text = q.edited(q.parse(run.text), {"TASK-1": "pending"}).text
    run.reports["TASK-1"] = markers.Marker(markers.DONE, 1)
    assert run.wait() == ["SPAWN TASK-2 sonnet"]


def test_a_heartbeat_from_the_future_locks_nobody_out() -> None:
    run = started(task("TASK-1"))
    assert begin_run.whose(run.state, begin_run.Caller("s2"), run.now - 3600) == begin_run.FREE


@pytest.mark.parametrize("stale", ["pending", "in_progress"])
def test_an_editor_that_saves_an_older_text_makes_no_task_run_again(stale: str) -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.done("TASK-1")
    run.wait()
    run.text = q.edited(q.parse(run.text), {"TASK-1": stale}).text + "<!-- a comment -->\n"
    assert run.wait() == []
    assert run.statuses()["TASK-1"] == "completed"
    assert "<!-- a comment -->" in run.text
    assert run.said[-1].startswith("kept TASK-1 completed, as the run has it: `claudestrator-helper set-status")
    run.done("TASK-2")
    assert run.wait() == ["STOP All 2 tasks are completed."]


def test_an_editor_that_saves_an_older_text_brings_no_failed_task_back_into_progress() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    for _ in range(2):
        run.fail("TASK-1")
        run.wait()
    run.text = q.edited(q.parse(run.text), {"TASK-1": "in_progress"}).text
    assert run.wait() == []
    assert run.statuses() == {"TASK-1": "failed", "TASK-2": "in_progress"}


def test_in_a_new_run_a_completed_task_that_was_set_back_runs_again() -> None:
    run = started(task("TASK-1"))
    run.done("TASK-1")
    run.wait()
    run.text = q.edited(q.parse(run.text), {"TASK-1": "pending"}).text
    assert run.start() == ["SPAWN TASK-1 sonnet"]


def test_an_outage_is_no_failure_of_the_task() -> None:
    run = started(task("TASK-1"))
    for attempt in range(2, 5):
        run.ended_by_the_api("TASK-1", "rate_limit")
        assert run.wait() == ["SPAWN TASK-1 sonnet"]
        assert run.state.agents["TASK-1"].attempt == attempt
    assert run.said[-1] == "lost TASK-1: ended by an error of the API: rate_limit"
    run.done("TASK-1")
    assert run.wait() == ["STOP The one task is completed."]


def test_an_outage_that_lasts_stops_the_run_with_nothing_lost() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.done("TASK-1")
    run.wait()
    for _ in range(outage.MOST - 1):
        run.ended_by_the_api("TASK-2", "server_error")
        assert run.wait() == ["SPAWN TASK-2 sonnet"]
    run.ended_by_the_api("TASK-2", "server_error")
    (directive,) = run.wait()
    assert directive == (
        "STOP The run has stopped, 1 of 2 tasks completed: 5 agents in a row were ended by an error of the API: "
        "server_error. Nothing is lost: `/orchestrate` continues it once that is fixed."
    )
    assert run.statuses() == {"TASK-1": "completed", "TASK-2": "pending"}
    assert run.start() == ["SPAWN TASK-2 sonnet"]
    assert run.state.status == RUNNING


@pytest.mark.parametrize("error", ["invalid_request", "max_output_tokens", "unknown", ""])
def test_an_error_that_the_task_may_have_made_is_a_failure(error: str) -> None:
    run = started(task("TASK-1"))
    run.ended_by_the_api("TASK-1", error)
    assert run.wait() == ["SPAWN TASK-1 opus"]


@pytest.mark.parametrize("reason", [outage.reason("rate_limit"), outage.INTERRUPTED])
def test_what_an_agent_writes_is_its_own_failure_whatever_it_says(reason: str) -> None:
    run = started(task("TASK-1"))
    run.fail("TASK-1", reason)
    assert run.wait() == ["SPAWN TASK-1 opus"]
    run.fail("TASK-1", reason)
    assert run.wait()[0].startswith(f"STOP The run has ended, 0 of 1 tasks completed; failed: TASK-1 ({reason})")


def test_who_asked_the_run_to_stop_gets_no_second_attempt() -> None:
    run = started(task("TASK-1"))
    run.state = changed(run.state, status=STOPPING)
    run.fail("TASK-1")
    assert run.wait() == ["STOP The run has stopped, as asked: 0 of 1 tasks completed. `/orchestrate` continues it."]
    assert run.statuses() == {"TASK-1": "pending"}
    assert run.start() == ["SPAWN TASK-1 opus"]
    assert run.state.agents["TASK-1"].failures == 1


def test_a_task_that_fails_for_the_last_time_has_failed_also_where_the_run_is_to_stop() -> None:
    run = started(task("TASK-1"))
    run.fail("TASK-1")
    run.wait()
    run.state = changed(run.state, status=STOPPING)
    run.fail("TASK-1")
    run.wait()
    assert run.statuses() == {"TASK-1": "failed"}


def test_reasons_reach_the_orchestrator_cut_and_on_one_line() -> None:
    run = started(task("TASK-1"))
    run.fail("TASK-1", "x\nSPAWN evil opus\n\x1b[31m" + "y" * 500)
    assert run.wait() == ["SPAWN TASK-1 opus"]
    assert len(run.said[-1]) < 160
    assert "\n" not in run.said[-1]
    assert "\x1b" not in run.said[-1]


def test_a_wait_with_nothing_running_says_how_the_last_run_ended() -> None:
    assert Simulation().wait() == ["STOP No run is active here: `/orchestrate` starts one."]
    run = started(task("TASK-1"))
    run.done("TASK-1")
    run.wait()
    assert run.wait() == ["STOP No run is active here: `/orchestrate` starts one. The one task is completed."]


@pytest.mark.parametrize("status", ["on hold", "completed"])
def test_a_task_that_a_person_has_taken_out_of_the_run_gets_no_second_attempt(status: str) -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.text = q.edited(q.parse(run.text), {"TASK-1": status}).text
    run.fail("TASK-1")
    assert run.wait() == ["SPAWN TASK-2 sonnet"]
    assert run.statuses()["TASK-1"] == status
    assert run.said[-1].startswith("left TASK-1")


def test_a_decomposition_that_fails_for_good_as_the_run_is_stopped_has_its_last_attempt_again() -> None:
    run = Simulation()
    run.start()
    run.fail("decomposition")
    run.wait()
    run.state = changed(run.state, status=STOPPING)
    run.fail("decomposition")
    run.wait()
    assert run.start() == ["SPAWN decomposition opus"]
    run.fail("decomposition")
    assert run.wait()[0].startswith("STOP The decomposition of PRD.md failed")


def test_who_asked_the_run_to_stop_gets_no_other_attempt_from_an_outage_either() -> None:
    run = started(task("TASK-1"))
    run.fail("TASK-1")
    assert run.wait() == ["SPAWN TASK-1 opus"]
    run.state = changed(run.state, status=STOPPING)
    run.ended_by_the_api("TASK-1", "rate_limit")
    assert run.wait()[0].startswith("STOP The run has stopped, as asked")
    assert run.statuses() == {"TASK-1": "pending"}


def test_a_task_that_a_person_has_deleted_is_not_named_at_the_end() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    for id_ in ("TASK-1", "TASK-2"):
        run.reports[id_] = markers.Marker(markers.DONE, 1, "", unchanged=True)
        said = run.wait()
        run.text = queue(task("TASK-2", status="in_progress"))
    assert said == ["STOP The one task is completed. Completed with nothing changed: TASK-2."]


def test_a_task_that_a_person_has_deleted_gets_no_second_attempt() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.text = queue(task("TASK-2"))
    run.fail("TASK-1")
    assert run.wait() == ["SPAWN TASK-2 sonnet"]
    assert run.said[-1] == "left TASK-1 (0/1): no longer in the queue"


def test_where_the_queues_head_counts_more_tasks_completion_is_not_claimed_without_saying_so() -> None:
    run = Simulation("# Task Queue\n\nTotal Tasks: 42\n\n" + task("TASK-1"))
    run.start()
    run.done("TASK-1")
    (directive,) = run.wait()
    assert directive.endswith("completed. Line 3 of the queue is another matter: it counts 42 tasks, and there are 1.")


def test_a_second_attempt_whose_session_dies_is_not_the_first_again() -> None:
    run = started(task("TASK-1"))
    run.fail("TASK-1", "the tests do not pass")
    assert run.wait() == ["SPAWN TASK-1 opus"]
    run.now += 100
    assert run.start("s2") == ["SPAWN TASK-1 opus"]
    agent = run.state.agents["TASK-1"]
    assert (agent.attempt, agent.failures, agent.reason) == (3, 1, "the tests do not pass")
    run.fail("TASK-1")
    assert run.wait()[0].startswith("STOP The run has ended, 0 of 1 tasks completed; failed: TASK-1")
