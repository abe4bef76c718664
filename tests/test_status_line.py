"""The run in Claude Code's status line."""

import json
from pathlib import Path

import pytest
from claudestrator_helper.commands import status_line
from claudestrator_helper.run import steering
from claudestrator_helper.store import paths, state_file
from running import helper
from states import changed
from test_overview import at_work

NOW = 1_795_683_600 + 300


def test_a_run_in_one_line(tmp_path: Path) -> None:
    project = at_work(tmp_path)
    assert status_line.line(project, 3.104, NOW) == "▶ 4/9 TASK-5 · 1 failed · ~16 min · $3.10"
    steering.pause(project)
    assert status_line.line(project, None, NOW).startswith("⏸ 4/9 TASK-5 · 1 failed")


def test_without_a_past_and_agents_it_says_less(tmp_path: Path) -> None:
    project = at_work(tmp_path)
    Path(project.log).unlink()
    state_file.write(project, changed(state_file.read(project), agents={}))
    assert status_line.line(project, None, NOW) == "▶ 4/9 · 1 failed"


def test_where_no_run_is_unfinished_there_is_no_line(tmp_path: Path) -> None:
    assert status_line.line(paths.project(str(tmp_path)), 3.0, NOW) == ""
    project = at_work(tmp_path)
    state_file.write(project, changed(state_file.read(project), status="finished"))
    assert status_line.line(project, 3.0, NOW) == ""


@pytest.mark.parametrize(
    "given",
    [
        "",
        "{",
        "[]",
        "7",
        '{"workspace": 7, "cwd": [], "cost": 7}',
        '{"cost": {"total_cost_usd": "x"}}',
        '{"cwd": "/nowhere/at/all"}',
        "[" * 100_000,
    ],
)
def test_whatever_it_is_told_it_answers(tmp_path: Path, given: str) -> None:
    at_work(tmp_path)
    done = helper("status-line", folder=tmp_path, stdin=given.encode())
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("▶ 4/9 TASK-5")


def test_the_project_is_the_sessions(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    at_work(tmp_path / "a")
    told = json.dumps(
        {"workspace": {"project_dir": str(tmp_path / "a")}, "cwd": str(tmp_path / "b"), "cost": {"total_cost_usd": 0.5}}
    )
    assert helper("status-line", folder=tmp_path / "b", stdin=told.encode()).stdout.endswith("· $0.50\n")


@pytest.mark.parametrize(
    "wrong",
    [{"tasks": 7}, {"tasks": {"TASK-5": 7}}, {"tasks": {"TASK-5": {"agent": {"claimed": "x"}}}}, {"tasks": {"x\n\x1b[2Jy": {"agent": {"claimed": 5}}}}, {"parallel": 10**9}, {"parallel": "x"}],
)  # fmt: skip
def test_a_state_of_somebodys_makes_one_line(tmp_path: Path, wrong: dict[str, object]) -> None:
    project = at_work(tmp_path)
    Path(project.session).write_text(
        "---\n"
        + "".join(f"{key}: {json.dumps(value)}\n" for key, value in {"status": "running", **wrong}.items())
        + "---\n"
    )
    said = status_line.line(project, None, NOW)
    assert said.isprintable()
    assert said.startswith("▶ 4/9")
