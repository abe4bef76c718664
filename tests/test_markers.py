"""Completion markers: what a file says, whoever made it, and to which attempt it belongs."""

import os
from pathlib import Path

import pytest
from claudestrator_helper.engine import markers
from claudestrator_helper.engine.markers import DONE, ENDED, FAILED, SILENCE, STARTED, Marker
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import marker_files
from claudestrator_helper.store.paths import Project
from claudestrator_helper.texts import ids
from examples import TIMES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ID = "TASK-001"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(str(tmp_path), str(tmp_path / ".claude"))


def by_hand(project: Project, name: str, content: bytes) -> None:
    Path(project.markers).mkdir(parents=True, exist_ok=True)
    Path(project.markers, name).write_bytes(content)


def told(marker: Marker | None) -> tuple[str, int | None, str] | None:
    return (marker.kind, marker.attempt, marker.reason) if marker else None


@pytest.mark.parametrize("cause", [markers.API, markers.SILENCE])
def test_the_cause_of_a_failure_that_no_agent_reported_stands_beside_its_reason(project: Project, cause: str) -> None:
    marker_files.fail(project, ID, 2, "it ended", cause)
    assert marker_files.report_of(project, ID, 2) == Marker(FAILED, 2, "it ended", cause=cause)


@pytest.mark.parametrize("text", ["", "rate_limit", "it broke\nattempt: 2\n", "it broke\nattempt: 2\napi\n"])
def test_a_failure_without_a_cause_is_the_agents_own(project: Project, text: str) -> None:
    by_hand(project, f"{ID}.failed", text.encode())
    found = marker_files.report_of(project, ID, 2)
    assert found is not None
    assert found.cause == ""


@pytest.mark.parametrize(("kind", "line", "reason"), [(DONE, "done", ""), (FAILED, "the tests fail", "the tests fail")])
def test_a_marker_is_read_as_it_was_left(project: Project, kind: str, line: str, reason: str) -> None:
    marker_files.leave(project, ID, kind, 2, line)
    assert told(marker_files.report_of(project, ID, 2)) == (kind, 2, reason)


def test_a_marker_says_so_in_its_first_line(project: Project) -> None:
    marker_files.leave(project, ID, FAILED, 3, "it\nbroke\x1b[2J\r\nbadly\u2028")
    assert Path(project.markers, f"{ID}.failed").read_text() == "it broke [2J badly\nattempt: 3\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60 * TIMES)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 999))
def test_whatever_the_reason_it_stays_on_its_line(project: Project, reason: str, attempt: int) -> None:
    marker_files.leave(project, ID, FAILED, attempt, reason)
    found = marker_files.report_of(project, ID, attempt)
    assert found is not None
    assert found.attempt == attempt
    assert found.reason == (" ".join(found.reason.split()) or "no reason given")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [("TASK-001.done", b"", (DONE, None, "")), ("TASK-001.done", b"done", (DONE, None, "")), ("TASK-001.done", b"DONE!\r\n", (DONE, None, "")),
     ("TASK-001.failed", b"", (FAILED, None, "no reason given")), ("TASK-001.failed", b"no key\n", (FAILED, None, "no key")),
     ("TASK-001.failed", b"no key\r\nattempt: 1\r\n", (FAILED, 1, "no key")), ("TASK-001.failed", b"\n\n", (FAILED, None, "no reason given")),
     ("TASK-001.done", b"done\nattempt: one\n", (DONE, None, "")), ("TASK-001.done", b"done\nattempt: 99999999999\n", (DONE, None, "")),
     ("TASK-001.failed", b"\xff\xfe\n", (FAILED, None, "\udcff\udcfe")), ("TASK-001.txt", b"done", None), ("task-001.done", b"done", None),
     ("TASK-001.done.tmp", b"done", None), (".TASK-001.done.ab12.tmp", b"done", None), ("TASK-0011.done", b"done", None)],
)  # fmt: skip
def test_a_file_made_by_hand_counts(
    project: Project, name: str, content: bytes, expected: tuple[str, int | None, str] | None
) -> None:
    by_hand(project, name, content)
    assert told(marker_files.report_of(project, ID, 1)) == expected


def test_a_marker_of_another_attempt_is_no_report_on_this_one(project: Project) -> None:
    marker_files.leave(project, ID, FAILED, 1, "too late")
    assert marker_files.report_of(project, ID, 2) is None
    marker_files.leave(project, ID, DONE, 2, DONE)
    assert told(marker_files.report_of(project, ID, 2)) == (DONE, 2, "")


def test_of_two_that_contradict_each_other_the_failure_counts(project: Project) -> None:
    marker_files.leave(project, ID, DONE, 1, DONE)
    marker_files.leave(project, ID, FAILED, 1, "no")
    assert told(marker_files.report_of(project, ID, 1)) == (FAILED, 1, "no")
    # Its `done` was on its way when a hook saw the agent end without one.
    marker_files.fail(project, ID, 1, ENDED, SILENCE)
    assert told(marker_files.report_of(project, ID, 1)) == (DONE, 1, "")
    marker_files.remove(project, ID, DONE)
    assert told(marker_files.report_of(project, ID, 1)) == (FAILED, 1, ENDED)


def test_without_a_folder_there_are_no_markers(project: Project) -> None:
    found = marker_files.read(project, {ID: 1})
    assert (found.reports, found.started) == ({}, {})
    assert not os.path.exists(project.state)


def test_reports_and_signs_of_life_are_read_for_the_ids_that_are_asked_for(project: Project) -> None:
    marker_files.leave(project, ID, STARTED, 1, STARTED)
    marker_files.leave(project, ID, DONE, 1, DONE)
    marker_files.leave(project, "TASK-002", STARTED, 4, STARTED)
    by_hand(project, "TASK-003.started", b"")
    by_hand(project, "TASK-004.done", b"")
    found = marker_files.read(project, {ID: 1, "TASK-002": 4, "TASK-003": 1})
    assert {id_: told(report) for id_, report in found.reports.items()} == {ID: (DONE, 1, "")}
    assert found.started == {ID: 1, "TASK-002": 4, "TASK-003": None}


def test_clearing_removes_the_markers_of_one_id(project: Project) -> None:
    for kind in (DONE, FAILED, STARTED):
        marker_files.leave(project, ID, kind, 1, kind)
    marker_files.leave(project, "TASK-0011", DONE, 1, DONE)
    marker_files.clear(project, ID)
    marker_files.clear(project, ID)
    assert os.listdir(project.markers) == ["TASK-0011.done"]


def test_a_folder_in_the_place_of_a_marker_is_refused(project: Project) -> None:
    Path(project.markers, f"{ID}.done").mkdir(parents=True)
    with pytest.raises(ClaudestratorError, match="cannot read"):
        marker_files.report_of(project, ID, 1)


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_leads_no_marker_out_of_the_project(project: Project, tmp_path: Path, link: str) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    victim = outside / f"{ID}.done"
    victim.write_text("precious")
    if link == "folder":
        Path(project.state).mkdir()
        Path(project.markers).symlink_to(outside)
    else:
        Path(project.markers).mkdir(parents=True)
        Path(project.markers, f"{ID}.done").symlink_to(victim)
    with pytest.raises(ClaudestratorError, match="leads out of"):
        marker_files.leave(project, ID, DONE, 1, DONE)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("id_", ["TASK-001", "A", "a.b_c-1", "decomposition", "memory-3", "x" * 64, "9"])
def test_an_id_is_letters_digits_and_three_marks(id_: str) -> None:
    assert ids.checked(id_) == id_


@pytest.mark.parametrize(
    "id_",
    [
        "../x",
        "/etc/passwd",
        "a/b",
        "x" * 65,
        "",
        ".hidden",
        "-x",
        "_x",
        "a b",
        "a\n",
        "a\0b",
        "..",
        ".",
        "ä",
        "a\\b",
        "~",
        "$HOME",
        "TASK-001\n",
    ],
)
def test_what_could_be_a_path_or_an_option_is_no_id(id_: str) -> None:
    with pytest.raises(ClaudestratorError, match="is not an id"):
        ids.checked(id_)
