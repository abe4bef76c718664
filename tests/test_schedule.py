"""Which task is next, and why none is."""

import time

import pytest
from claudestrator_helper.texts import queue as q
from claudestrator_helper.texts import queue_problems, schedule
from hypothesis import given
from hypothesis import strategies as st
from queues import queue, task


def select(*tasks: str) -> tuple[str | None, str, str]:
    parsed = q.parse(queue(*tasks))
    found = schedule.select(parsed, queue_problems.unreadable(parsed))
    return (found.task.id if found.task else None, found.reason, found.detail)


def on(id_: str, dependencies: str, status: str = "pending") -> str:
    return task(id_, dependencies=dependencies, status=status)


def test_the_first_of_the_file_is_next() -> None:
    assert select(task("TASK-9"), task("TASK-1"))[:2] == ("TASK-9", "ready")


def test_a_task_waits_for_its_dependencies_wherever_they_stand() -> None:
    assert select(on("TASK-1", "TASK-2"), task("TASK-2"))[0] == "TASK-2"
    assert select(on("TASK-1", "TASK-2"), task("TASK-2", status="done"))[0] == "TASK-1"


def test_a_final_check_that_stands_first_runs_last() -> None:
    assert select(on("TASK-99", "TASK-1, TASK-2"), task("TASK-1", status="done"), task("TASK-2"))[0] == "TASK-2"


def test_a_task_that_is_done_releases_what_depends_on_it_at_once() -> None:
    assert select(task("TASK-1", status="completed"), on("TASK-2", "TASK-1"))[0] == "TASK-2"


@pytest.mark.parametrize(
    ("tasks", "reason", "detail"),
    [((), "empty", "empty"),
     ((task("TASK-1", status="done"),), "complete", "complete"),
     ((on("TASK-1", "None", "in_progress"), on("TASK-2", "TASK-1")), "waiting", "waiting on TASK-1"),
     ((on("TASK-1", "None", "failed"), on("TASK-2", "TASK-1")), "blocked", "blocked by TASK-1 (failed)"),
     ((on("TASK-1", "TASK-7"),), "blocked", "blocked by TASK-7 (not in the queue), which TASK-1 needs"),
     ((on("TASK-1", "None", "cancelled"), on("TASK-2", "TASK-1")), "blocked", "blocked by TASK-1 (its status 'cancelled' is not known)"),
     ((on("TASK-1", "the login work"),), "blocked", "blocked by the login work (not in the queue), which TASK-1 needs"),
     ((on("TASK-1", "TASK-1"),), "cycle", "cycle TASK-1 → TASK-1"),
     ((on("TASK-1", "TASK-3"), on("TASK-2", "TASK-1"), on("TASK-3", "TASK-2")), "cycle", "cycle TASK-1 → TASK-3 → TASK-2 → TASK-1"),
     ((task("TASK-1"), task("TASK-1")), "blocked", "blocked by TASK-1 (it is in the queue more than once), which TASK-1 needs"),
     ((task("TASK-1", status="done"), "### TASK-2\n\nhalf\n"), "blocked", "blocked by line 19: TASK-2 looks like a task but has no Status")],
)  # fmt: skip
def test_why_nothing_can_run(tasks: tuple[str, ...], reason: str, detail: str) -> None:
    assert select(*tasks) == (None, reason, detail)


def test_the_culprit_is_the_root_and_not_the_next_link() -> None:
    parsed = q.parse(
        queue(on("TASK-1", "None", "failed"), on("TASK-2", "TASK-1"), on("TASK-3", "TASK-2"), on("TASK-4", "TASK-9"))
    )
    assert {id_: str(cause) for id_, cause in schedule.causes(parsed).items()} == {
        "TASK-2": "blocked by TASK-1 (failed)",
        "TASK-3": "blocked by TASK-1 (failed)",
        "TASK-4": "blocked by TASK-9 (not in the queue)",
    }


def test_two_cycles_are_both_named_and_the_rest_runs() -> None:
    tasks = (
        on("TASK-1", "TASK-2"),
        on("TASK-2", "TASK-1"),
        on("TASK-3", "TASK-4"),
        on("TASK-4", "TASK-3"),
        task("TASK-5"),
    )
    assert select(*tasks)[0] == "TASK-5"
    found = [problem.text for problem in queue_problems.problems(q.parse(queue(*tasks)))]
    assert [text for text in found if "cycle" in text] == [
        f"TASK-{a}: cycle TASK-{b} → TASK-{c} → TASK-{b}" for a, b, c in ((1, 1, 2), (2, 1, 2), (3, 3, 4), (4, 3, 4))
    ]


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, list[int], str]]:
    count = draw(st.integers(1, 8))
    words = ["pending", "pending", "pending", "completed", "failed", "in_progress", "on hold"]
    return [
        (f"TASK-{n}", draw(st.lists(st.integers(0, count), max_size=3)), draw(st.sampled_from(words)))
        for n in range(count)
    ]


@given(graphs())
def test_every_pending_task_is_ready_or_has_a_cause(graph: list[tuple[str, list[int], str]]) -> None:
    text = queue(*(on(id_, ", ".join(f"TASK-{n}" for n in needs) or "None", status) for id_, needs, status in graph))
    parsed = q.parse(text)
    ready = [found.id for found in schedule.ready(parsed)]
    causes = schedule.causes(parsed)
    pending = {id_ for id_, _, status in graph if status == "pending"}
    done = {id_ for id_, _, status in graph if status == "completed"}
    assert set(ready) == {
        id_ for id_, needs, status in graph if status == "pending" and {f"TASK-{n}" for n in needs} <= done
    }
    # What waits for a ready task is held by nothing: its turn comes.
    assert pending - set(ready) - set(causes) <= pending
    for id_, needs, _ in graph:
        if id_ in pending - set(ready) - set(causes):
            assert any(f"TASK-{n}" in pending for n in needs)
    if not ready:
        assert set(causes) == pending
    found = schedule.select(parsed)
    assert (found.reason == "ready") == bool(ready)
    assert (found.reason == "complete") == all(status == "completed" for _, _, status in graph)


def test_of_a_long_cycle_and_of_many_running_tasks_the_first_few_are_named() -> None:
    ring = [on(f"TASK-{n}", f"TASK-{(n + 1) % 9}") for n in range(9)]
    arrows = "TASK-0 → TASK-1 → TASK-2 → TASK-3 → TASK-4 → 4 more → TASK-0"
    assert select(*ring) == (None, "cycle", f"cycle {arrows}")
    assert {str(cause) for cause in schedule.causes(q.parse(queue(*ring))).values()} == {f"cycle {arrows}"}
    running = [on(f"TASK-{n}", "None", "in_progress") for n in range(7)]
    assert select(*running)[2] == "waiting on TASK-0, TASK-1, TASK-2, TASK-3, TASK-4 and 2 more"


def test_a_dependency_that_is_a_whole_story_is_cut() -> None:
    assert len(select(on("TASK-1", "the login " * 1000))[2]) < 200


def test_thousands_of_cycles_are_found_in_one_go() -> None:
    count = 3000
    tasks = [on(f"TASK-{n}", f"TASK-{n}, TASK-0, TASK-{n + 1}") for n in range(count)]
    parsed = q.parse(queue(*tasks))
    before = time.process_time()
    found = schedule.causes(parsed)
    assert time.process_time() - before < 2
    assert len(found) == count
    assert {cause.kind for cause in found.values()} == {"cycle"}


def test_a_long_chain_needs_no_deep_stack() -> None:
    tasks = [on(f"TASK-{n}", f"TASK-{n + 1}") for n in range(1, 3000)] + [on("TASK-3000", "TASK-9999")]
    parsed = q.parse(queue(*tasks))
    assert schedule.causes(parsed)["TASK-1"].culprit == "TASK-9999"


def test_an_untouched_queue_of_any_size_runs_in_an_order_that_respects_every_dependency() -> None:
    parsed = q.parse(
        queue(
            *(
                on(f"TASK-{n}", ", ".join(f"TASK-{m}" for m in range(n + 1, min(n + 3, 31))) or "None")
                for n in range(1, 31)
            )
        )
    )
    order = []
    while task_ := schedule.select(parsed).task:
        assert all(id_ in order for id_ in task_.dependencies)
        order.append(task_.id)
        parsed = q.edited(parsed, {task_.id: "completed"})
    assert order == [f"TASK-{n}" for n in range(30, 0, -1)]
