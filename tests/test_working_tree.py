"""Whether the working tree has changed while an agent was at work."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.engine import markers
from claudestrator_helper.store import marker_files, paths
from claudestrator_helper.system import working_tree
from queues import queue, task

ID = "TASK-1"


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> paths.Project:
    root = tmp_path / "repo"
    (root / ".claude").mkdir(parents=True)
    git(root, "init", "-q")
    (root / "kept.txt").write_text("old")
    (root / ".gitignore").write_text("built/\n")
    git(root, "add", "kept.txt", ".gitignore")
    git(root, "commit", "-qm", "first")
    (root / "dirty.txt").write_text("somebody's")
    (root / ".claude" / "task_queue.md").write_text(queue(task(ID), task("TASK-2")))
    return paths.project(str(root))


def write(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("x")


def commit_what_is_dirty(root: Path) -> None:
    git(root, "add", "dirty.txt")
    git(root, "commit", "-qm", "second")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a new file": lambda root: (root / "new.txt").write_text("x"),
    "a new file in a new folder": lambda root: write(root / "a" / "b c\né"),
    "another text": lambda root: (root / "kept.txt").write_text("new"),
    "another text of a file that was dirty before": lambda root: (root / "dirty.txt").write_text("mine"),
    "a deletion": lambda root: (root / "kept.txt").unlink(),
    "a mode": lambda root: (root / "kept.txt").chmod(0o755),
    "a commit": commit_what_is_dirty,
}
NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda root: root,
    "an ignored file": lambda root: write(root / "built" / "x"),
    "the run's own files": lambda root: (root / ".claude" / "task_queue.md").write_text("x"),
    "an empty folder": lambda root: (root / "empty").mkdir(),
    "a look": lambda root: (root / "kept.txt").read_text(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_shows(project: paths.Project, name: str) -> None:
    before = working_tree.fingerprint(project)
    CHANGES[name](Path(project.root))
    assert "" not in (before, working_tree.fingerprint(project))
    assert working_tree.fingerprint(project) != before


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_is_no_change_does_not(project: paths.Project, name: str) -> None:
    before = working_tree.fingerprint(project)
    NO_CHANGES[name](Path(project.root))
    assert working_tree.fingerprint(project) == before != ""


def test_in_a_folder_of_a_repository_its_own_files_count(project: paths.Project) -> None:
    inner = Path(project.root, "inner")
    (inner / ".claude").mkdir(parents=True)
    (inner / "file").write_text("x")
    found = paths.project(str(inner))
    before = working_tree.fingerprint(found)
    Path(project.root, "outside").write_text("x")
    assert working_tree.fingerprint(found) == before
    (inner / "file").write_text("another")
    assert working_tree.fingerprint(found) != before


def test_without_a_repository_or_git_nothing_is_said(
    project: paths.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").mkdir()
    assert working_tree.fingerprint(paths.project(str(tmp_path / "plain"))) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert working_tree.fingerprint(project) == ""


def test_a_git_that_hangs_is_not_waited_for(
    project: paths.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(working_tree, "TIMEOUT", 0.2)
    began = time.monotonic()
    assert working_tree.fingerprint(project) == ""
    assert time.monotonic() - began < 20


def test_a_task_that_is_done_with_nothing_changed_is_completed_and_flagged(project: paths.Project) -> None:
    running.start(project, "s", [])
    reports.begin(project, ID)
    reports.done(project, ID, 1, "it was there already")
    assert running.wait_for_step(project) == [f"done {ID} (1/2), nothing changed", "SPAWN TASK-2 sonnet"]
    reports.begin(project, "TASK-2")
    Path(project.root, "new.txt").write_text("x")
    reports.done(project, "TASK-2", 1, "")
    assert running.wait_for_step(project) == [
        "done TASK-2 (2/2)",
        f"STOP All 2 tasks are completed. Completed with nothing changed: {ID}.",
    ]


def test_a_second_look_at_the_prompt_does_not_forget_how_the_tree_was(project: paths.Project) -> None:
    running.start(project, "s", [])
    reports.begin(project, ID)
    Path(project.root, "new.txt").write_text("x")
    reports.begin(project, ID)
    reports.done(project, ID, 1, "")
    assert running.wait_for_step(project)[0] == f"done {ID} (1/2)"


def test_the_tree_of_the_last_attempt_is_not_that_of_this_one(project: paths.Project) -> None:
    running.start(project, "s", [])
    reports.begin(project, ID)
    Path(project.root, "new.txt").write_text("x")
    reports.fail(project, ID, 1, "no")
    running.wait_for_step(project)
    reports.begin(project, ID)
    reports.done(project, ID, 2, "")
    assert running.wait_for_step(project)[0] == f"done {ID} (1/2), nothing changed"


def test_an_agent_that_never_asked_for_its_prompt_is_not_flagged(project: paths.Project) -> None:
    running.start(project, "s", [])
    marker_files.leave(project, ID, markers.DONE, 1, "done")
    assert running.wait_for_step(project)[0] == f"done {ID} (1/2)"
