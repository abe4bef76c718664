"""The verbs of agents, which are read without click where a prompt names the call, and by click otherwise."""

from pathlib import Path

import pytest
from claudestrator_helper.store import marker_files
from claudestrator_helper.store.paths import Project
from queues import queue, task
from running import helper


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(str(tmp_path), str(tmp_path / ".claude"))
    Path(made.state).mkdir()
    Path(made.queue).write_text(queue(task("TASK-1")))
    assert helper("start", "--session", "s", folder=made.root).stdout == "SPAWN TASK-1 sonnet\n"
    return made


@pytest.mark.parametrize(
    ("words", "kind", "first"),
    [
        (["done", "TASK-1"], "done", "done"),
        (["done", "TASK-1", "--attempt", "1", "-"], "done", "done"),
        (["done", "--attempt", "1", "TASK-1", "a note"], "done", "done"),
        (["done", "--attempt=1", "--max", "5", "TASK-1"], "done", "done"),
        (["fail", "TASK-1", "--attempt", "1", "-"], "failed", "from standard input"),
        (["fail", "TASK-1", "--", "--why"], "failed", "--why"),
    ],
)
def test_a_report_is_taken_in_every_form(project: Project, words: list[str], kind: str, first: str) -> None:
    said = helper(*words, folder=project.root, stdin=b"from standard input")
    assert (said.code, said.stdout, said.stderr) == (0, f"{kind} TASK-1\n", "")
    assert marker_files.text(project, "TASK-1", kind).split("\n")[0] == first


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["done"], 2, "Missing argument 'ID'"),
        (["done", "TASK-1", "--attempt"], 2, "Option '--attempt' requires an argument"),
        (["done", "TASK-1", "--attempt", "0"], 2, "Invalid value for '--attempt'"),
        (["done", "TASK-1", "--atempt", "1"], 2, "No such option"),
        (["fail", "TASK-1"], 2, "Missing argument 'REASON'"),
        (["prompt", "TASK-1", "TASK-2"], 2, "Got unexpected extra argument (TASK-2)"),
        (["done", "TASK-1", "--attempt", "7"], 1, "attempt 7 of TASK-1 is over"),
        (["prompt", "TASK-2"], 1, "TASK-2"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(project: Project, words: list[str], code: int, why: str) -> None:
    said = helper(*words, folder=project.root)
    assert (said.code, said.stdout, said.stderr.count("\n")) == (code, "", 1)
    assert why in said.stderr
