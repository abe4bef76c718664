"""Several tasks at once: which, how many, and what becomes of those that Claude Code refuses."""

import hypothesis.strategies as st
import pytest
from claudestrator_helper.engine import begin_run, next_step, outage
from claudestrator_helper.engine.config import LEAN, TASK, Config
from claudestrator_helper.engine.state import STOPPED
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.texts import overlap
from hypothesis import given
from queues import queue, task
from simulated import Simulation
from states import changed


def on(name: str) -> str:
    return f"**Files:** {name}\n\n"


def independent(*ids: str) -> list[str]:
    return [task(id_, extra=on(f"src/{id_}.py")) for id_ in ids]


def parallel(most: int, *tasks: str, hooked: bool = False) -> Simulation:
    run = Simulation(queue(*tasks))
    caller = begin_run.Caller("s1", hooked=hooked)
    run.apply(begin_run.begin(run.inputs(), caller, "run-1", begin_run.Asked(parallel=most)))
    return run


def test_as_many_as_may_be_start_in_one_message() -> None:
    run = Simulation(queue(*independent("TASK-1", "TASK-2", "TASK-3")))
    begun = begin_run.begin(run.inputs(), begin_run.Caller("s1"), "run-1", begin_run.Asked(parallel=2))
    assert run.apply(begun) == ["SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]


def test_the_next_starts_as_soon_as_one_has_ended() -> None:
    run = parallel(2, *independent("TASK-1", "TASK-2", "TASK-3", "TASK-4"))
    run.live("TASK-1")
    run.live("TASK-2")
    run.done("TASK-2")
    assert run.wait() == ["SPAWN TASK-3 sonnet"]
    assert list(run.state.agents) == ["TASK-1", "TASK-3"]


def test_a_dependent_starts_as_soon_as_its_last_dependency_is_completed() -> None:
    third = task("TASK-3", dependencies="TASK-1, TASK-2", extra=on("src/c.py"))
    run = parallel(3, *independent("TASK-1", "TASK-2"), third, *independent("TASK-4"))
    run.done("TASK-1")
    assert run.wait() == []
    run.done("TASK-2")
    assert run.wait() == ["SPAWN TASK-3 sonnet"]


def test_when_all_have_ended_the_run_says_so_once() -> None:
    run = parallel(3, *independent("TASK-1", "TASK-2"))
    run.done("TASK-1")
    assert run.wait() == []
    run.done("TASK-2")
    assert run.wait() == ["STOP All 2 tasks are completed."]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/a.py", "src/a.py"),
        ("src/a.py", "./src/a.py"),
        ("src/a.py", "src//b/../a.py"),
        ("src/a.py", "src/"),
        ("src/*.py", "src/deep/b.py"),
        ("*", "src/a.py"),
        ("src/a.py:10-20", "src/a.py:30"),
        ("README.md", "readme.md"),
        ("src\\a.py", "src/a.py"),
        ("/src/a.py", "src/a.py"),
        ("x.py, src/a.py", "src/a.py, y.py"),
        ("\n- Create: `src/a.py`\n- Test: `tests/a.py`", "\n- Modify: `src/a.py:10-40`"),
        ("x.py and src/a.py", "src/a.py"),
        ("everything under src/", "src/a.py"),
        ("src/{a,b}.py", "src/a.py"),
        ("[the cart](src/a.py#L10-L20)", "src/a.py"),
        ("src/a.py", ""),
        ("", ""),
    ],
)
def test_tasks_that_may_touch_the_same_file_run_one_after_the_other(one: str, other: str) -> None:
    tasks = [task("TASK-1", extra=on(one) if one else ""), task("TASK-2", extra=on(other) if other else "")]
    run = parallel(2, *tasks)
    assert list(run.state.agents) == ["TASK-1"]
    run.done("TASK-1")
    assert run.wait() == ["SPAWN TASK-2 sonnet"]


@pytest.mark.parametrize(("one", "other"), [("src/a.py", "src/b.py"), ("src/a", "src/ab"), ("app/[id]/x", "app/[n]/x")])
def test_tasks_that_touch_other_files_run_together(one: str, other: str) -> None:
    run = parallel(2, task("TASK-1", extra=on(one)), task("TASK-2", extra=on(other)))
    assert list(run.state.agents) == ["TASK-1", "TASK-2"]


def test_the_configuration_lets_them_run_together() -> None:
    run = Simulation(queue(task("TASK-1"), task("TASK-2")))
    inputs = run.inputs()._replace(config=Config(parallel=2, share_files=True))
    assert len(run.apply(begin_run.begin(inputs, begin_run.Caller("s1"), "run-1"))) == 2


PATHS = st.lists(st.text("ab/.*?: ", min_size=1, max_size=8), max_size=3)


@given(PATHS, PATHS)
def test_what_collides_one_way_round_does_the_other(one: list[str], other: list[str]) -> None:
    assert overlap.collide(one, other) == overlap.collide(other, one)


@given(PATHS)
def test_a_task_collides_with_itself(files: list[str]) -> None:
    assert overlap.collide(files, files)


def test_one_that_can_not_run_beside_the_others_is_passed_over() -> None:
    tasks = [task("TASK-1", extra=on("a.py")), task("TASK-2", extra=on("a.py")), task("TASK-3", extra=on("b.py"))]
    assert list(parallel(2, *tasks).state.agents) == ["TASK-1", "TASK-3"]


def test_no_agent_of_a_loop_runs_beside_tasks() -> None:
    run = Simulation(queue(*independent("TASK-1")), prd="")
    asked = begin_run.Asked(loops=1, parallel=4)
    assert run.apply(begin_run.begin(run.inputs(), begin_run.Caller("s1"), "r", asked)) == ["SPAWN TASK-1 sonnet"]
    run.done("TASK-1")
    assert run.wait() == ["SPAWN research-1 opus"]
    run.text += queue(*independent("TASK-2", "TASK-3"))
    assert run.wait() == []
    run.done("research-1")
    assert run.wait() == ["SPAWN TASK-2 sonnet", "SPAWN TASK-3 sonnet"]
    run.done("TASK-2")
    assert run.wait() == []


def test_a_loop_runs_no_more_tasks_because_they_run_together() -> None:
    run = Simulation(queue(*independent(*(f"TASK-{n}" for n in range(1, 9)))))
    asked, config = begin_run.Asked(loops=1, parallel=4), Config(tasks_per_loop=3)
    run.state = changed(run.state, initial_prd_tasks_complete=True)
    run.apply(begin_run.begin(run.inputs()._replace(config=config), begin_run.Caller("s1"), "r", asked))
    run.done("research-1")
    assert len(run.apply(run.inputs()._replace(config=config))) == 3


def test_a_task_that_claude_code_started_no_agent_for_is_ready_again_and_waits_for_a_place() -> None:
    run = parallel(2, *independent("TASK-1", "TASK-2", "TASK-3"), hooked=True)
    run.launched = frozenset({"TASK-1"})
    run.live("TASK-1")
    assert run.wait(10) == ["SPAWN TASK-3 sonnet"]
    assert run.statuses()["TASK-2"] == "pending"
    assert run.said[-1].startswith("refused TASK-2")
    run.launched = frozenset({"TASK-1", "TASK-3"})
    run.live("TASK-3")
    assert run.wait(60) == []
    run.done("TASK-3")
    assert run.wait() == ["SPAWN TASK-2 sonnet"]
    assert run.statuses()["TASK-2"] == "in_progress"


def test_a_refusal_takes_no_failure_back() -> None:
    run = parallel(2, *independent("TASK-1", "TASK-2"), hooked=True)
    run.launched = frozenset({"TASK-1", "TASK-2"})
    run.fail("TASK-2")
    assert run.wait() == ["SPAWN TASK-2 opus"]
    assert run.wait(10) == []
    assert run.said[-1].startswith("refused TASK-2")
    run.done("TASK-1")
    assert run.wait() == ["SPAWN TASK-2 opus"]
    run.fail("TASK-2")
    assert run.wait()[0].startswith("STOP ")
    assert run.statuses()["TASK-2"] == "failed"


def test_a_task_that_was_refused_with_nobody_else_at_work_is_spawned_again() -> None:
    run = parallel(2, *independent("TASK-1"), hooked=True)
    assert run.wait(10) == ["SPAWN TASK-1 sonnet"]


def test_a_failure_of_one_is_tried_again_beside_the_others() -> None:
    run = parallel(2, *independent("TASK-1", "TASK-2", "TASK-3"))
    run.fail("TASK-1")
    assert run.wait() == ["SPAWN TASK-1 opus"]
    assert list(run.state.agents) == ["TASK-1", "TASK-2"]


def test_the_same_failure_of_three_in_a_row_lets_the_others_finish_and_starts_no_more() -> None:
    run = parallel(4, *independent(*(f"TASK-{n}" for n in range(1, 10))))
    for _ in range(2):
        for id_ in ("TASK-1", "TASK-2", "TASK-3"):
            run.fail(id_)
        directives = run.wait()
    assert directives == []
    assert list(run.state.agents) == ["TASK-4"]
    run.fail("TASK-4", "something else")
    assert run.wait() == ["SPAWN TASK-4 opus"]
    run.fail("TASK-4", "something else")
    assert run.wait() == [] or "TASK-4" not in run.state.agents


def test_an_outage_lets_the_others_finish_and_says_why_the_run_stopped() -> None:
    run = parallel(3, *independent("TASK-1", "TASK-2"))
    for _ in range(outage.MOST):
        run.ended_by_the_api("TASK-1", "rate_limit")
        directives = run.wait()
    assert directives == []
    assert run.statuses() == {"TASK-1": "pending", "TASK-2": "in_progress"}
    run.ended_by_the_api("TASK-2", "rate_limit")
    assert "rate_limit" in run.wait()[0]
    assert run.state.status == STOPPED
    assert run.statuses() == {"TASK-1": "pending", "TASK-2": "pending"}


def test_an_outage_takes_no_failure_back() -> None:
    run = parallel(1, *independent("TASK-1"))
    run.fail("TASK-1")
    for _ in range(outage.MOST):
        assert run.wait() == ["SPAWN TASK-1 opus"]
        run.ended_by_the_api("TASK-1", "rate_limit")
    assert run.wait()[0].startswith("STOP The run has stopped")
    assert run.start() == ["SPAWN TASK-1 opus"]
    run.fail("TASK-1")
    run.wait()
    assert run.statuses()["TASK-1"] == "failed"


def test_one_that_gets_through_ends_an_outage() -> None:
    run = parallel(3, *independent("TASK-1", "TASK-2"))
    for _ in range(outage.MOST):
        run.ended_by_the_api("TASK-1", "rate_limit")
        run.wait()
    run.done("TASK-2")
    assert run.wait() == ["SPAWN TASK-1 sonnet"]


def test_a_new_session_takes_all_of_them_over() -> None:
    run = parallel(2, *independent("TASK-1", "TASK-2", "TASK-3"))
    run.done("TASK-1")
    run.now += 1000
    begun = begin_run.begin(run.inputs(), begin_run.Caller("s2"), "run-2")
    assert run.apply(begun) == ["SPAWN TASK-2 sonnet", "SPAWN TASK-3 sonnet"]
    assert run.statuses()["TASK-1"] == "completed"


def test_a_run_goes_on_as_it_was_begun_unless_told_otherwise() -> None:
    run = parallel(3, *independent("TASK-1", "TASK-2", "TASK-3", "TASK-4"))
    assert begin_run.begin(run.inputs(), begin_run.Caller("s1"), "r").state.parallel == 3
    assert begin_run.begin(run.inputs(), begin_run.Caller("s1"), "r", begin_run.Asked(parallel=1)).state.parallel == 1


@pytest.mark.parametrize(
    ("typed", "engine", "many"),
    [
        ("", LEAN, 1),
        ("--parallel 4", TASK, 4),
        ("--parallel 1", LEAN, 1),
        ("--engine task", TASK, 1),
        ("--engine=task --parallel=20", TASK, 20),
    ],
)
def test_what_was_typed_wins_over_the_configuration(typed: str, engine: str, many: int) -> None:
    run = Simulation(queue(*independent("TASK-1")))
    inputs = run.inputs()._replace(config=Config(engine=LEAN))
    state = begin_run.begin(inputs, begin_run.Caller("s1"), "r", begin_run.understood(typed.split())).state
    assert (state.engine, state.parallel) == (engine, many)


@pytest.mark.parametrize(
    "typed",
    ["--parallel", "--parallel 0", "--parallel 21", "--parallel four", "--parallel=-1", "--engine", "--engine fast"],
)
def test_a_flag_that_means_nothing_is_refused_in_one_line_that_names_it(typed: str) -> None:
    with pytest.raises(ClaudestratorError, match=typed.split("=", maxsplit=1)[0].split(maxsplit=1)[0]) as refusal:
        begin_run.understood(typed.split())
    assert "\n" not in str(refusal.value)


def test_flags_may_stand_anywhere() -> None:
    asked = begin_run.understood(["2", "--parallel", "3", "error", "--verify", "handling"])
    assert asked == begin_run.Asked(2, "error handling", verify=True, parallel=3)


def test_a_state_that_names_too_many_starts_no_more_than_claude_code_runs() -> None:
    run = parallel(2, *independent(*(f"TASK-{n}" for n in range(1, 40))))
    run.state = changed(run.state, parallel=10_000)
    run.wait()
    assert len(run.state.agents) == 20


def test_with_worktrees_tasks_of_other_files_come_first_and_no_place_stays_empty() -> None:
    files = {"TASK-1": on("a.py"), "TASK-2": on("a.py"), "TASK-3": "", "TASK-4": on("b.py")}
    run = Simulation(queue(*(task(id_, extra=extra) for id_, extra in files.items())))
    inputs = begin_run.begin(run.inputs(), begin_run.Caller("s1", worktrees=True), "run-1", begin_run.Asked(parallel=4))
    asked = next_step.next_step(inputs)
    assert (asked.trees, asked.directives) == (["TASK-1", "TASK-3", "TASK-4", "TASK-2"], [])
    there = inputs._replace(trees=frozenset(("TASK-1", "TASK-3")))
    begun = next_step.next_step(there)
    assert [each.id for each in begun.directives] == ["TASK-1", "TASK-3"]
    assert begun.trees == ["TASK-4", "TASK-2"]
