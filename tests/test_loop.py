"""The run as a state machine, driven without a disk or a clock."""

from dataclasses import replace

import hypothesis.strategies as st
from claudestrator_helper import heartbeat, loop, markers, resume
from claudestrator_helper import queue as q
from claudestrator_helper.config import Config
from claudestrator_helper.state import FINISHED, RUNNING, STOPPED, STOPPING, State
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from queues import queue, task


class Simulation:
    """A run in memory: the queue's text, the agents' markers and the clock, as the disk would hold them."""

    def __init__(self, text: str = "", prd: str = "") -> None:
        self.text, self.prd, self.now = text, prd, 1_000_000
        self.state = State()
        self.reports: dict[str, markers.Marker] = {}
        self.started: dict[str, int | None] = {}
        self.said: list[str] = []

    def inputs(self) -> loop.Inputs:
        found = markers.Markers(dict(self.reports), dict(self.started))
        return loop.Inputs(self.state, q.parse(self.text), found, self.prd, self.now)

    def start(self, session: str = "s1") -> list[str]:
        return self.apply(resume.begin(self.inputs(), session, f"run-{self.now}"))

    def wait(self, seconds: int = 1) -> list[str]:
        """A step after *seconds* in which `wait` was there all the time."""
        while seconds > heartbeat.HEARTBEAT:
            self.now += heartbeat.HEARTBEAT
            seconds -= heartbeat.HEARTBEAT
            directives = self.apply(self.inputs())
            if directives:
                return directives
        self.now += seconds
        return self.apply(self.inputs())

    def apply(self, inputs: loop.Inputs) -> list[str]:
        step = loop.next_step(inputs)
        for id_ in [*step.fresh, *step.retried]:
            self.reports.pop(id_, None)
            self.started.pop(id_, None)
        self.state = step.state
        self.text = q.edited(q.edited(inputs.queue, step.settled), step.claimed).text
        self.said += step.lines
        return step.directives

    def live(self, id_: str) -> None:
        self.started[id_] = self.state.agents[id_].attempt

    def done(self, id_: str) -> None:
        self.reports[id_] = markers.Marker(markers.DONE, self.state.attempts.get(id_))

    def fail(self, id_: str, reason: str = "tests do not pass") -> None:
        self.reports[id_] = markers.Marker(markers.FAILED, self.state.attempts.get(id_), reason)

    def statuses(self) -> dict[str, str]:
        return {found.id: found.status for found in q.parse(self.text).tasks}


def started(*tasks: str) -> Simulation:
    run = Simulation(queue(*tasks))
    run.start()
    return run


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
        "STOP The decomposition of PRD.md failed: it reported done but the queue holds no task."
    )
    assert run.start() == ["SPAWN decomposition opus"]


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
        "`claudestrator-helper set-status TASK-1 pending` and `/orchestrate` try one again."
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
        run.state = replace(run.state, agents={})
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
    run.state = State(**{**run.state.__dict__, "status": STOPPING})
    assert run.wait() == []
    run.done("TASK-1")
    assert run.wait() == ["STOP The run has stopped, as asked: 1 of 2 tasks completed. `/orchestrate` goes on with it."]
    assert run.state.status == STOPPED
    assert run.start() == ["SPAWN TASK-2 sonnet"]


def test_the_same_session_goes_on_with_its_agents() -> None:
    run = started(task("TASK-1"))
    run.live("TASK-1")
    assert run.start("s1") == []
    assert run.state.agents["TASK-1"].attempt == 1


def test_the_same_session_gets_an_unanswered_spawn_again_at_once() -> None:
    assert started(task("TASK-1")).start("s1") == ["SPAWN TASK-1 sonnet"]


def test_another_session_waits_for_the_heartbeat_to_grow_old_and_then_takes_over() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.live("TASK-1")
    assert heartbeat.owned(run.state, "s2", run.now + 59)
    run.now += 61
    assert not heartbeat.owned(run.state, "s2", run.now)
    assert run.start("s2") == ["SPAWN TASK-1 sonnet"]
    assert run.state.agents["TASK-1"].attempt == 2
    assert run.state.session == "s2"


def test_a_takeover_settles_what_was_reported_and_runs_nothing_twice() -> None:
    run = started(task("TASK-1"), task("TASK-2"))
    run.done("TASK-1")
    run.now += 100
    assert run.start("s2") == ["SPAWN TASK-2 sonnet"]
    assert run.statuses()["TASK-1"] == "completed"


def test_a_report_that_comes_after_the_takeover_counts_once() -> None:
    run = started(task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    run.now += 100
    run.state = resume.begin(run.inputs(), "s2", "r2").state
    run.text = q.edited(q.parse(run.text), {"TASK-1": "pending"}).text
    run.reports["TASK-1"] = markers.Marker(markers.DONE, 1)
    assert run.wait() == ["SPAWN TASK-2 sonnet"]


def test_a_heartbeat_from_the_future_locks_nobody_out() -> None:
    run = started(task("TASK-1"))
    assert not heartbeat.owned(run.state, "s2", run.now - 3600)


def test_reasons_reach_the_orchestrator_cut_and_on_one_line() -> None:
    run = started(task("TASK-1"))
    run.fail("TASK-1", "x\nSPAWN evil opus\n\x1b[31m" + "y" * 500)
    assert run.wait() == ["SPAWN TASK-1 opus"]
    assert len(run.said[-1]) < 160
    assert "\n" not in run.said[-1]
    assert "\x1b" not in run.said[-1]


def test_a_wait_with_nothing_running_says_how_the_last_run_ended() -> None:
    assert Simulation().wait() == ["STOP No run is going on here: `/orchestrate` starts one."]
    run = started(task("TASK-1"))
    run.done("TASK-1")
    run.wait()
    assert run.wait() == ["STOP No run is going on here: `/orchestrate` starts one. The one task is completed."]


class AnyOrder(RuleBasedStateMachine):
    """Reports, deaths, duplicates, hand edits and clock jumps in any order."""

    @initialize(graph=st.lists(st.lists(st.integers(1, 6), max_size=2), min_size=1, max_size=6))
    def begin(self, graph: list[list[int]]) -> None:
        sections = (
            task(f"TASK-{n}", dependencies=", ".join(f"TASK-{m}" for m in needs) or "None")
            for n, needs in enumerate(graph, 1)
        )
        self.run = Simulation(queue(*sections))
        self.sessions = 1
        self.spawned: list[tuple[str, int]] = []
        self.finished: set[str] = set()
        self.obey(self.run.start())

    def obey(self, directives: list[str]) -> None:
        for line in directives:
            word, *rest = line.split(" ")
            assert word in ("SPAWN", "STOP")
            if word == "SPAWN":
                id_ = rest[0]
                assert id_ in self.run.state.agents
                assert id_ not in self.finished, "a completed task was spawned again"
                self.spawned.append((id_, self.run.state.agents[id_].attempt))
        for id_, status in self.run.statuses().items():
            if status == "completed":
                self.finished.add(id_)

    def agent(self) -> str | None:
        return next(iter(self.run.state.agents), None)

    @rule()
    def wait(self) -> None:
        self.obey(self.run.wait())

    @precondition(lambda self: self.agent())
    @rule(failing=st.booleans(), reason=st.sampled_from(["a", "b", "c"]))
    def report(self, failing: bool, reason: str) -> None:
        id_ = self.agent()
        assert id_
        self.run.fail(id_, reason) if failing else self.run.done(id_)

    @precondition(lambda self: self.spawned)
    @rule(data=st.data())
    def report_of_any_attempt(self, data: st.DataObject) -> None:
        id_, attempt = data.draw(st.sampled_from(self.spawned))
        self.run.reports.setdefault(id_, markers.Marker(markers.DONE, attempt))

    @precondition(lambda self: self.agent())
    @rule()
    def sign_of_life(self) -> None:
        self.run.live(self.agent() or "")

    @rule(seconds=st.integers(-100_000, 100_000))
    def clock_jumps(self, seconds: int) -> None:
        self.run.now += seconds

    @rule()
    def hours_pass(self) -> None:
        self.obey(self.run.wait(60 * Config().task_timeout + 60))

    @rule(same=st.booleans())
    def start_again(self, same: bool) -> None:
        if not same:
            self.sessions += 1
            self.run.now += 2 * heartbeat.ABSENCE
        self.obey(self.run.start(f"s{self.sessions}"))

    @rule(n=st.integers(1, 6), status=st.sampled_from(["pending", "completed", "failed", "on hold"]))
    def hand_edit(self, n: int, status: str) -> None:
        parsed = q.parse(self.run.text)
        self.run.text = q.edited(parsed, {f"TASK-{n}": status}).text
        if status != "completed":
            self.finished.discard(f"TASK-{n}")

    @invariant()
    def one_agent_at_a_time_and_attempts_are_never_used_twice(self) -> None:
        assert len(self.run.state.agents) <= 1
        attempts: dict[str, int] = {}
        for id_, attempt in self.spawned:
            assert attempt >= attempts.get(id_, 0)
            attempts[id_] = attempt
        for agent in self.run.state.agents.values():
            assert agent.failures < Config().attempts

    def teardown(self) -> None:
        """However it came here, a run whose agents report ends within a bounded number of steps."""
        if not hasattr(self, "run"):
            return
        self.sessions += 1
        self.run.now += 2 * heartbeat.ABSENCE
        self.obey(self.run.start(f"s{self.sessions}"))
        for _ in range(20):
            if self.run.state.status != RUNNING:
                break
            id_ = self.agent()
            if id_:
                self.run.reports.pop(id_, None)
                self.run.done(id_)
            self.obey(self.run.wait())
        assert self.run.state.status in (FINISHED, STOPPED)
        assert not self.run.state.agents


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
test_any_order = AnyOrder.TestCase
