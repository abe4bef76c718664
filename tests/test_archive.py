"""A task that a run has completed counts as completed, also when a person has moved its section elsewhere."""

import os
from pathlib import Path

import pytest
import running
from claudestrator_helper.commands import tasks
from claudestrator_helper.store import paths, queue_file, state_file
from click.testing import CliRunner
from queues import queue, task
from running import helper
from states import changed, state_of

#: As people write it, without the first task, on which it builds.
SECOND = """\
### TASK-002

| Status | pending |

**Objective:** The second part

**Acceptance Criteria:**
- it works

**Dependencies:** TASK-001
"""
BLOCKED = "none: blocked by TASK-001 (not in the queue), which TASK-002 needs\n"


@pytest.fixture
def project(tmp_path: Path) -> paths.Project:
    """A finished run that completed TASK-001, whose section is gone."""
    (tmp_path / ".claude").mkdir()
    made = paths.project(str(tmp_path))
    Path(made.queue).write_text(SECOND)
    state_file.write(made, state_of(run="r", status="finished", completed={"TASK-001": 1}, attempts={"TASK-001": 1}))
    return made


def next_task(project: paths.Project) -> str:
    return helper("next-task", folder=project.root).stdout


def test_what_builds_on_it_is_ready_and_runs(project: paths.Project) -> None:
    assert next_task(project) == "TASK-002 sonnet The second part\n"
    assert "TASK-001" not in helper("check", folder=project.root).stdout
    assert running.start(project, "s1", [])[-1] == "SPAWN TASK-002 sonnet"


def test_a_new_task_may_build_on_it_and_on_no_other_that_is_missing(project: paths.Project) -> None:
    added = helper("add-tasks", "-", folder=project.root, stdin=task("TASK-003", dependencies="TASK-001").encode())
    assert (added.code, added.stdout) == (0, "added 1: TASK-003\n")
    refused = helper("add-tasks", "-", folder=project.root, stdin=task("TASK-004", dependencies="TASK-000").encode())
    assert refused.code == 1
    assert "its dependency 'TASK-000' is not in the queue" in refused.stderr


def test_later_runs_know_it_too(project: paths.Project) -> None:
    Path(project.queue).write_text(queue(task("TASK-009", status="completed")))
    for _ in range(2):
        said = running.start(project, "s1", [])[-1]
        assert said.startswith("STOP The one task is completed. PRD.md becomes tasks only once")
    Path(project.queue).write_text(SECOND)
    assert state_file.read(project).completed == {}
    assert next_task(project) == "TASK-002 sonnet The second part\n"


def test_a_task_that_was_set_back_counts_no_more(project: paths.Project) -> None:
    state_file.write(project, changed(state_file.read(project), completed={}, earlier={"TASK-001": 1}))
    Path(project.queue).write_text(task("TASK-001", status="completed") + SECOND)
    helper("set-status", "TASK-001", "pending", folder=project.root)
    Path(project.queue).write_text(SECOND)
    assert next_task(project) == BLOCKED


def test_a_refused_change_leaves_the_state_as_it_is(project: paths.Project) -> None:
    Path(project.queue).write_text(task("TASK-001", status="completed") + SECOND)
    before = state_file.read(project)
    assert helper("set-status", "TASK-001", "TASK-404", "pending", folder=project.root).code == 1
    assert state_file.read(project) == before


def test_a_change_that_is_killed_before_the_queue_is_written_brings_nothing_back(
    project: paths.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(project.queue).write_text(task("TASK-001", status="completed") + SECOND)
    text = Path(project.queue).read_text()
    monkeypatch.setattr(queue_file, "edit", lambda *_: os._exit(9))
    pid = os.fork()
    if not pid:
        CliRunner().invoke(tasks.set_status_verb, ["TASK-001", "pending"], obj=project)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert (Path(project.queue).read_text(), state_file.read(project).completed) == (text, {})


@pytest.mark.parametrize("text", ["---\nattempts: 7\n---\n", "\xff", ""])
def test_a_state_that_says_nothing_leaves_it_missing(project: paths.Project, text: str) -> None:
    Path(project.session).write_text(text, encoding="latin-1")
    assert next_task(project) == BLOCKED


def test_the_state_is_read_only_where_a_task_is_missing(project: paths.Project) -> None:
    Path(project.session).unlink()
    Path(project.session).mkdir()
    Path(project.queue).write_text(queue(task("TASK-001", status="completed")) + SECOND)
    assert next_task(project) == "TASK-002 sonnet The second part\n"
