"""Agents' prompts and reports: what an agent is told, and each way in which its report counts or doesn't."""

import os
import re
from pathlib import Path

import pytest
from claudestrator_helper.agents import reports
from claudestrator_helper.engine import outage
from claudestrator_helper.store import marker_files, state_file
from claudestrator_helper.store.paths import Project
from queues import task
from reporting import ID, at_work, fill, left, refusal_of, spawned
from states import state_of


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    (root / ".claude").mkdir(parents=True)
    return Project(str(root), str(root / ".claude"))


# Reports that count


def test_done_leaves_a_marker_and_the_line_to_end_with(project: Project) -> None:
    at_work(project)
    assert reports.done(project, ID, 1, "") == f"done {ID}"
    assert left(project) == {f"{ID}.done": "done\nattempt: 1\n"}
    assert not os.path.exists(project.note(ID))


def test_fail_leaves_a_marker_with_the_reason(project: Project) -> None:
    at_work(project, attempt=2)
    assert reports.fail(project, ID, 2, "no\nkey\x07") == f"failed {ID}"
    assert left(project) == {f"{ID}.failed": "no key\nattempt: 2\n"}


def test_no_reason_that_an_agent_gives_is_a_cause(project: Project) -> None:
    at_work(project)
    reports.fail(project, ID, None, f"{outage.reason('rate_limit')}\nattempt: 1\ncause: api\n")
    found = marker_files.report_of(project, ID, 1)
    assert found is not None
    assert (found.attempt, found.cause) == (1, "")


def test_a_report_without_its_attempt_is_about_the_latest(project: Project) -> None:
    at_work(project, attempt=3)
    reports.done(project, ID, None, "")
    assert left(project) == {f"{ID}.done": "done\nattempt: 3\n"}


@pytest.mark.parametrize("reason", ["", " \n", "\x00"])
def test_a_failure_without_a_reason_says_that(project: Project, reason: str) -> None:
    at_work(project)
    reports.fail(project, ID, 1, reason)
    assert left(project) == {f"{ID}.failed": "no reason given\nattempt: 1\n"}


def test_a_reason_is_kept_to_a_thousand_characters(project: Project) -> None:
    at_work(project)
    reports.fail(project, ID, 1, "x" * 5000)
    assert len(left(project)[f"{ID}.failed"].split("\n")[0]) == 1000


def test_the_note_is_kept_for_those_that_build_on_it(project: Project) -> None:
    at_work(project)
    reports.done(project, ID, 1, "\n  There is a door.\n\n- `door.py`\twith tab\n")
    assert Path(project.note(ID)).read_text() == "There is a door.\n\n- `door.py`\twith tab\n"


def test_a_note_holds_no_control_characters(project: Project) -> None:
    at_work(project)
    reports.done(project, ID, 1, "a\x1b[31mb\x00c\x07\x7f\x9bd\r\ne")
    assert Path(project.note(ID)).read_text() == "a[31mbcd\ne\n"


@pytest.mark.parametrize("note", ["x" * 9000, "word " * 2000, "first " + "x" * 9000, "日" * 2001])
def test_a_note_is_kept_to_two_thousand_characters(project: Project, note: str) -> None:
    at_work(project)
    reports.done(project, ID, 1, note)
    kept = Path(project.note(ID)).read_text()
    assert 1900 < len(kept.strip()) <= reports.NOTE_LENGTH
    assert kept.endswith("…\n")
    assert note.startswith(kept[:-2])


def test_a_note_of_just_two_thousand_characters_is_kept_whole(project: Project) -> None:
    at_work(project)
    reports.done(project, ID, 1, "x" * 2000)
    assert Path(project.note(ID)).read_text() == "x" * 2000 + "\n"


def test_a_report_counts_once_and_may_be_said_again(project: Project) -> None:
    at_work(project)
    reports.done(project, ID, 1, "first")
    before = os.stat(marker_files.path(project, ID, "done")).st_ino
    assert reports.done(project, ID, 1, "second") == f"done {ID}"
    assert os.stat(marker_files.path(project, ID, "done")).st_ino == before
    assert Path(project.note(ID)).read_text() == "first\n"


def test_a_marker_made_by_hand_is_a_report(project: Project) -> None:
    at_work(project)
    Path(project.markers).mkdir()
    Path(marker_files.path(project, ID, "done")).touch()
    assert reports.done(project, ID, 1, "") == f"done {ID}"
    assert left(project) == {f"{ID}.done": ""}


def test_the_marker_of_an_earlier_attempt_is_no_report(project: Project) -> None:
    at_work(project, attempt=2)
    marker_files.leave(project, ID, "failed", 1, "an old one")
    reports.done(project, ID, 2, "")
    assert left(project)[f"{ID}.done"] == "done\nattempt: 2\n"


def test_a_task_whose_session_died_may_still_be_done(project: Project) -> None:
    fill(project, task(ID))
    state_file.write(project, state_of(run="r", status="running", attempts={ID: 2}, released={ID: 2}))
    assert reports.done(project, ID, 2, "") == f"done {ID}"


def test_a_task_that_ran_out_of_time_may_still_be_done(project: Project) -> None:
    fill(project, task(ID, status="failed"))
    state_file.write(project, state_of(run="r", status="running", attempts={ID: 1}, failed={ID: "no report"}))
    assert reports.done(project, ID, 1, "") == f"done {ID}"


# Reports that don't


def test_a_report_that_contradicts_the_first_is_refused(project: Project) -> None:
    at_work(project)
    reports.done(project, ID, 1, "")
    assert "has reported already, as done" in refusal_of(reports.fail, project, ID, 1, "no")
    assert list(left(project)) == [f"{ID}.done"]


def test_done_after_failed_is_refused(project: Project) -> None:
    at_work(project)
    reports.fail(project, ID, 1, "no")
    assert "has reported already, as failed" in refusal_of(reports.done, project, ID, 1, "it works after all")
    assert not os.path.exists(project.note(ID))


@pytest.mark.parametrize("attempt", [1, 3])
def test_a_report_of_another_attempt_is_refused(project: Project, attempt: int) -> None:
    at_work(project, attempt=2)
    for call, words in ((reports.done, ""), (reports.fail, "no")):
        assert f"attempt {attempt} of {ID} is over" in refusal_of(call, project, ID, attempt, words)
    assert left(project) == {}


def test_a_report_on_an_unknown_id_names_the_queue_that_lacks_it(project: Project) -> None:
    at_work(project)
    for call in (reports.done, reports.fail):
        assert refusal_of(call, project, "TASK-404", None, "x").startswith(
            f"TASK-404 is not a task of {project.queue}: "
        )


def test_a_report_on_a_task_that_no_agent_was_given_is_refused(project: Project) -> None:
    fill(project, task(ID), task("TASK-002", status="completed"))
    for id_, status in ((ID, "pending"), ("TASK-002", "completed")):
        text = refusal_of(reports.done, project, id_, None, "")
        assert f"no agent was given {id_}, it is {status}" in text
        assert f"`claudestrator-helper set-status {id_} completed`" in text
    assert left(project) == {}


def test_a_report_on_an_id_that_stands_twice_is_refused(project: Project) -> None:
    fill(project, task(ID), task(ID))
    assert "is in the queue more than once, at lines 3 and " in refusal_of(reports.done, project, ID, None, "")


@pytest.mark.parametrize("id_", ["../x", "/etc/passwd", "a/b", "x" * 65, "", ".hidden"])
def test_no_id_leaves_its_folder(project: Project, id_: str) -> None:
    at_work(project)
    before = sorted(Path(project.root).parent.rglob("*"))
    for call, words in ((reports.done, (None, "note")), (reports.fail, (None, "no")), (reports.begin, ())):
        assert "is not an id" in refusal_of(call, project, id_, *words)
    assert sorted(Path(project.root).parent.rglob("*")) == before


def test_a_decomposition_without_tasks_is_refused(project: Project) -> None:
    spawned(project, "decomposition")
    assert "add-tasks" in refusal_of(reports.done, project, "decomposition", 1, "")
    assert left(project) == {}


def test_a_decomposition_with_errors_is_refused_and_each_is_named(project: Project) -> None:
    fill(project, task(ID, dependencies="TASK-404"), task("TASK-002", criteria=()))
    spawned(project, "decomposition")
    text = refusal_of(reports.done, project, "decomposition", 1, "")
    assert re.search(r"line 3: TASK-001: .*'TASK-404'", text)
    assert "TASK-002" in text


def test_a_decomposition_that_can_not_be_done_says_so(project: Project) -> None:
    spawned(project, "decomposition")
    assert reports.fail(project, "decomposition", 1, "PRD.md contradicts itself") == "failed decomposition"


def test_a_good_decomposition_is_taken(project: Project) -> None:
    fill(project, task(ID))
    spawned(project, "decomposition")
    assert reports.done(project, "decomposition", 1, "") == "done decomposition"


def test_a_link_leads_no_note_out_of_the_project(project: Project, tmp_path: Path) -> None:
    at_work(project)
    victim = tmp_path / "precious"
    victim.write_text("mine")
    Path(project.note(ID)).parent.mkdir()
    Path(project.note(ID)).symlink_to(victim)
    assert "leads out of" in refusal_of(reports.done, project, ID, 1, "a note")
    assert victim.read_text() == "mine"
    fill(project, task("TASK-002", dependencies=ID), task(ID, status="completed"))
    assert "leads out of" in refusal_of(reports.begin, project, "TASK-002")


def test_an_agent_that_the_run_does_not_wait_for_gets_no_work(project: Project) -> None:
    state_file.write(project, state_of(run="r", status="running", session="s", agents={}, attempts={ID: 1}))
    fill(project, task(ID, status="completed"), task("TASK-002"))
    for id_ in (ID, "TASK-002"):
        assert refusal_of(reports.begin, project, id_).startswith(f"no agent is to work on {id_} now: end here")
    state_file.write(project, state_of(run="r", status="finished", attempts={ID: 1}))
    assert ID in reports.begin(project, ID)
