"""What a run says of its end: all completed if and only if all are, whatever has happened before it is asked."""

import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import hypothesis.strategies as st
import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import status
from claudestrator_helper.engine import markers, outage
from claudestrator_helper.engine.state import FINISHED, RUNNING, STOPPED
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.hooks import session_start
from claudestrator_helper.run import steering
from claudestrator_helper.store import marker_files, paths, state_file
from claudestrator_helper.texts import ids
from claudestrator_helper.texts import queue as q
from examples import TIMES
from hypothesis import given, settings
from queues import queue, task
from simulated import Simulation, started
from states import changed, state_of

if TYPE_CHECKING:
    from collections.abc import Callable

CLAIM = re.compile(r"All (\d+) tasks are completed|The one task is completed")
COUNT = re.compile(r"\b(\d+) of (\d+) tasks completed")
UNREADABLE = "### TASK-77\n\nhalf a task\n"
IDS = ["TASK-1", "TASK-2", "TASK-3", "TASK-4"]
STATUSES = ["pending", "in_progress", "completed", "completed", "completed", "failed", "on hold"]


# What was seen


def test_a_stopped_run_is_not_completed_however_often_it_is_asked() -> None:
    run = started(task("TASK-1"), task("TASK-2"), task("TASK-3"))
    run.state = changed(run.state, status="stopping")
    run.fail("TASK-1")
    first, *again = run.wait(), run.wait(), run.wait()
    assert first == ["STOP The run has stopped, as asked: 0 of 3 tasks completed. `/orchestrate` continues it."]
    last = "The run has stopped, 0 of 3 tasks completed; pending: TASK-1, TASK-2, TASK-3."
    assert again == 2 * [[f"STOP No run is active here: `/orchestrate` continues the last one. {last}"]]


def test_a_run_that_is_stopped_where_nothing_more_can_run_has_ended() -> None:
    run = started(task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    run.state = changed(
        run.state.recorded("TASK-1", agent=run.state.agents["TASK-1"]._replace(failures=1)), status="stopping"
    )
    run.fail("TASK-1")
    (said,) = run.wait()
    assert said.startswith("STOP The run has ended, 0 of 2 tasks completed; failed: TASK-1")
    assert "/orchestrate` continues" not in said
    assert run.state.status == "finished"


def test_a_finished_run_whose_task_was_set_back_is_not_completed() -> None:
    run = started(task("TASK-1"), task("TASK-2", status="completed"))
    run.done("TASK-1")
    assert run.wait() == ["STOP All 2 tasks are completed."]
    run.text = q.set_status(run.text, "TASK-2", "pending")
    (said,) = run.wait()
    assert said.endswith("1 of 2 tasks completed; pending: TASK-2.")


def test_a_run_that_an_outage_has_stopped_is_not_completed() -> None:
    run = started(task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    run.state = changed(run.state, outages=outage.MOST, agents={})
    run.text = q.edited(q.parse(run.text), {"TASK-1": "pending"}).text
    assert run.wait()[0].startswith("STOP The run has stopped, 0 of 2 tasks completed: 5 agents in a row were ")
    assert "0 of 2 tasks completed; pending: TASK-1, TASK-2." in run.wait()[0]


def test_a_run_that_was_asked_to_stop_when_nothing_was_left_has_ended() -> None:
    run = started(task("TASK-1"))
    run.state = changed(run.state, status="stopping")
    run.done("TASK-1")
    assert run.wait() == ["STOP The one task is completed."]
    assert run.state.status == FINISHED


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ((), "The run has ended, 0 of 0 tasks completed."),
        ((task("TASK-1", status="failed"), task("TASK-1", status="completed")), "failed: TASK-1 (before this run)"),
        ((task("TASK-1", status="completed"), task("TASK-1", status="completed")), "All 2 tasks are completed."),
        (
            (task("TASK-1", status="pending"), task("TASK-1", status="completed")),
            "blocked: TASK-1 by TASK-1 (it is in",
        ),
    ],
)
def test_empty_queues_and_ids_that_stand_twice(tasks: tuple[str, ...], said: str) -> None:
    world = Simulation(queue(*tasks))
    world.state = state_of(run="r", status=FINISHED)
    assert said in world.wait()[0]


# Whatever has happened


class Did(NamedTuple):
    """A verb, or what befalls a run, with the task and the status that it is about, where it is about any."""

    what: str
    id: str = ""
    status: str = ""


@st.composite
def queues(draw: st.DrawFn) -> str:
    ids_ = draw(st.lists(st.sampled_from(IDS), max_size=5))
    needs = [draw(st.sampled_from(["None", "None", *IDS, "GONE-1"])) for _ in ids_]
    statuses = [draw(st.sampled_from(STATUSES)) for _ in ids_]
    made = [task(id_, status=word, dependencies=on) for id_, word, on in zip(ids_, statuses, needs, strict=True)]
    return queue(*made) + draw(st.sampled_from(["", "", UNREADABLE]))


DID = st.one_of(
    st.builds(Did, st.sampled_from(["start", "wait", "wait", "stop", "status", "hook"])),
    st.builds(Did, st.sampled_from(["done", "fail", "outage"])),
    st.builds(Did, st.just("edit"), st.sampled_from(IDS), st.sampled_from(STATUSES)),
)


@settings(max_examples=60 * TIMES)
@given(text=queues(), did=st.lists(DID, min_size=2, max_size=12), words=st.sampled_from([[], ["--verify"], ["1"]]))
def test_completed_is_said_if_and_only_if_every_task_is(text: str, did: list[Did], words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, ".claude").mkdir()
        project = paths.project(folder)
        Path(project.queue).write_text(text)
        for each in [Did("start"), *did, Did("wait"), Did("wait")]:
            judge(project, happens(project, each, words))


def happens(project: paths.Project, did: Did, words: list[str]) -> list[str]:
    """What is printed."""
    prints: dict[str, Callable[[], list[str]]] = {
        "start": lambda: running.start(project, "s1", words),
        "wait": lambda: running.wait_for_step(project, "s1"),
        "stop": lambda: [steering.stop(project)],
        "status": lambda: status.status(project),
        "hook": lambda: [session_start.unfinished(project, "another")],
    }
    if did.what in prints:
        return prints[did.what]()
    if did.what == "edit":
        parsed = q.parse(Path(project.queue).read_text())
        Path(project.queue).write_text(q.edited(parsed, {did.id: did.status}).text)
    else:
        agents_end(project, did.what)
    return []


def agents_end(project: paths.Project, how: str) -> None:
    for id_, agent in state_file.read(project).agents.items():
        if how == "outage":
            marker_files.fail(project, id_, agent.attempt, outage.reason("rate_limit"), markers.API)
        else:
            # Some have reported already, the other way.
            with suppress(ClaudestratorError):
                if how == "done":
                    reports.done(project, id_, agent.attempt, "")
                else:
                    reports.fail(project, id_, agent.attempt, f"{id_} is broken")


def judge(project: paths.Project, said: list[str]) -> None:
    """Raises AssertionError where what is said is not so, by the file and without the schedule."""
    text, now = Path(project.queue).read_text(), state_file.read(project)
    found = re.findall(r"^\| Status \| (.+?) \|$", text, re.MULTILINE)
    completed = bool(found) and set(found) == {"completed"} and UNREADABLE not in text
    for line in said:
        claim = CLAIM.search(line)
        assert not claim or (completed and int(claim[1] or 1) == len(found)), line
        for count in COUNT.finditer(line):
            assert (int(count[1]), int(count[2])) == (found.count("completed"), len(found)), line
        # Loops end with a sentence of their own, and who verifies has more to do.
        if (
            line.startswith("STOP ")
            and now.run
            and not (now.loop.total or now.verification.asked or ids.DECOMPOSITION in now.failed)
        ):
            assert bool(claim) == completed, line


def test_a_run_of_loops_says_what_could_not_be_read() -> None:
    world = Simulation(queue(task("TASK-1", status="completed")) + UNREADABLE)
    world.state = state_of(run="r", status=RUNNING, loops=1, loop=1, initial_prd_tasks_complete=True)
    (said,) = world.wait()
    assert said.startswith("STOP 1 of 1 loop is done, 1 of 1 tasks completed; line 19 of the queue can't be read")


def test_a_loop_without_work_does_not_deny_what_is_blocked() -> None:
    world = Simulation(queue(task("TASK-1", dependencies="GONE-1")))
    world.state = state_of(run="r", status=RUNNING, loops=1, loop=1, phase="decomp", initial_prd_tasks_complete=True)
    (said,) = world.wait()
    assert "research filed nothing new and nothing that is pending can run." in said
    assert world.state.status != STOPPED
