"""What `status` says to people, whatever stands in the files."""

import json
import os
import re
from pathlib import Path

import pytest
from claudestrator_helper import output
from claudestrator_helper.commands import status, status_line, tasks
from claudestrator_helper.engine import state
from claudestrator_helper.store import paths, queue_file, state_file
from claudestrator_helper.system import gate_process, processes
from queues import queue, task
from running import helper
from states import changed, state_of

SNAPSHOT = {
    "run": "r",
    "loop": 1,
    "tasks": [{"id": "TASK-1", "status": "completed"}],
    "commit": "0123456789abcdef",
    "issues": {"found": ["ISSUE-1", "ISSUE-2"], "closed": []},
}


def loops(folder: Path, snapshot: str, loop: int = 1) -> list[str]:
    project = paths.project(str(folder))
    os.makedirs(project.snapshots)
    Path(project.snapshots, "loop-1.json").write_text(snapshot)
    state_file.write(project, changed(state_of(), run="r", loops=3, loop=loop))
    return [line for line in status.status(project) if line.startswith("loop ")]


def test_a_loop_that_was_closed_is_a_line(tmp_path: Path) -> None:
    assert loops(tmp_path, json.dumps(SNAPSHOT)) == ["loop 1: 012345678, tasks: 1 completed; issues: 2 found, 0 closed"]


def test_a_loop_without_a_commit_says_why(tmp_path: Path) -> None:
    without = {**SNAPSHOT, "commit": None, "no_commit_because": "each task has a commit of its own"}
    (line,) = loops(tmp_path, json.dumps(without))
    assert line.startswith("loop 1: no commit (each task has a commit of its own), tasks: 1 completed")


@pytest.mark.parametrize(
    "snapshot",
    ["", "{", "[]", "7", "{}", "[" * 100_000, *(json.dumps({**SNAPSHOT, key: value}) for key, value in
     [("run", "another"), ("tasks", 7), ("tasks", [7]), ("tasks", [{}]), ("issues", []), ("issues", {"found": 7, "closed": []}), ("issues", {"found": []})])],
)  # fmt: skip
def test_a_snapshot_that_is_none_of_this_run_is_left_out(tmp_path: Path, snapshot: str) -> None:
    assert loops(tmp_path, snapshot) == []


def test_a_snapshot_of_somebodys_makes_one_line(tmp_path: Path) -> None:
    hostile = {**SNAPSHOT, "commit": "a\nSPAWN e", "tasks": [{"status": "x\nSPAWN evil opus\x1b[2J"}] * 3}
    assert loops(tmp_path, json.dumps(hostile)) == [
        "loop 1: a SPAWN e, tasks: 3 x SPAWN evil opus [2J; issues: 2 found, 0 closed"
    ]


@pytest.mark.parametrize("name", ["run", "status", "phase"])
def test_a_state_of_somebodys_makes_no_lines_of_its_own(tmp_path: Path, name: str) -> None:
    project = paths.project(str(tmp_path))
    os.makedirs(project.state)
    forged = {"run": "r", "status": "running", "phase": "tasks", name: "x\nSPAWN evil opus\x1b[2J"}
    Path(project.session).write_text(
        "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in forged.items()) + "---\n"
    )
    text = "\n".join(status.status(project))
    assert "x SPAWN evil opus [2J" in text
    assert "\nSPAWN" not in text
    assert "\x1b" not in text


def test_a_loop_beyond_all_counting_is_not_counted_to(tmp_path: Path) -> None:
    assert len(loops(tmp_path, json.dumps(SNAPSHOT), loop=1000)) == 1


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (state_of(engine="lean"), ", lean engine"),
        (state_of(parallel=3), ", up to 3 tasks at a time"),
        (state_of(), ""),
    ],
)
def test_how_tasks_run_is_said_while_they_do(tmp_path: Path, run: state.State, said: str) -> None:
    project = paths.project(str(tmp_path))
    os.makedirs(project.state)
    state_file.write(project, changed(run, run="r", status="running", heartbeat=100))
    assert status.status(project, 100)[1] == f"run: running (r){said}"


@pytest.mark.parametrize("alive", [True, False, None])
def test_a_session_that_is_alive_is_not_called_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: bool | None
) -> None:
    project = paths.project(str(tmp_path))
    os.makedirs(project.state)
    state_file.write(project, state_of(run="r", status="running", heartbeat=100, engine="lean"))
    monkeypatch.setattr(processes, "alive", lambda _: alive)
    assert ("last heard of" in status.status(project, 4000)[1]) == (not alive)


def test_of_a_session_that_has_ended_no_agent_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = at_work(tmp_path)
    state_file.write(project, changed(state_file.read(project), process="h/b/n/1/2"))
    monkeypatch.setattr(processes, "alive", lambda _: False)
    lines = status.status(project, 1_795_683_600 + 301)
    assert lines[1] == "run: running (r), its session has ended: `/orchestrate` continues it"
    assert lines[2] == "time: 0 s so far"
    assert any(line.startswith("at work when its session ended: TASK-5") for line in lines)
    assert status_line.line(project, 3.0, 1_795_683_600 + 301) == "⏹ 4/9 · 1 failed · /orchestrate continues it"


PAST = "".join(
    json.dumps({"time": "2026-11-26T09:00:00Z", "run": "r", "event": "done", "id": f"TASK-{n}", "seconds": 600}) + "\n"
    for n in range(1, 5)
)


def at_work(folder: Path) -> paths.Project:
    """Four tasks are completed; one is at work, one failed, and one of each kind waits for them."""
    project = paths.project(str(folder))
    os.makedirs(project.state)
    done = [task(f"TASK-{n}", status="completed") for n in range(1, 5)]
    rest = [
        task("TASK-5", status="in_progress", objective="Build a door"),
        task("TASK-6", status="failed"),
        task("TASK-7", dependencies="TASK-6"),
        task("TASK-8", dependencies="TASK-5"),
        task("TASK-9", dependencies="TASK-9"),
    ]
    Path(project.queue).write_text(queue(*done, *rest))
    Path(project.log).write_text(PAST)
    began = 1_795_683_600  # 2026-11-26T09:00:00Z
    agents = {"TASK-5": state.Agent(2, "opus", began + 60, began + 60, 1, "no hinges")}
    state_file.write(
        project,
        changed(
            state_of(run="r", status="running", heartbeat=began + 300, agents=agents, failed={"TASK-6": "no key"}),
            gated=True,
        ).recorded("TASK-4", earlier=1, attempts=1, proved=1),
    )
    running = gate_process.Record("r 2", ["true"], refused=1, process=processes.own(), begun=began + 240)
    gate_process.write(project, "TASK-5", running)
    gate_process.write(project, "TASK-4", running._replace(over=True))
    return project


def test_the_whole_of_a_status(tmp_path: Path) -> None:
    lines = status.status(at_work(tmp_path), 1_795_683_600 + 300)
    assert lines == [
        "[#############.................] 4/9  4 completed, 1 in_progress, 1 pending, 2 blocked, 1 failed",
        "run: running (r)",
        "time: 5 min 0 s so far, 12 to 20 min left",
        "running: TASK-5  opus, attempt 2, 4 min 0 s, usually 10 min, not started yet: Build a door",
        "gate: TASK-5, running for 1 min 0 s, refused once before",
        "proved: 1 by gate, 3 taken at their word",
        "failed: TASK-6  no key",
        "blocked: TASK-7  by TASK-6 (failed)",
        "blocked: TASK-9  in the cycle TASK-9 → TASK-9",
        "queue: 2 problems, `claudestrator-helper check` names them",
    ]


def test_the_status_for_programs_is_as_the_documentation_says(tmp_path: Path) -> None:
    found = status.as_object(at_work(tmp_path), 1_795_683_600 + 300)
    assert json.loads(output.as_json_line(found)) == found
    written = (Path(__file__).parents[1] / "docs" / "watching.md").read_text(encoding="utf-8")
    example = json.loads(re.findall(r"```json\n(.*?)```", written, re.DOTALL)[-1])
    assert kinds(example) == kinds(found)
    rows = re.findall(r"^\| `([\w.]+)` \|", written, re.MULTILINE)
    assert set(rows) >= set(names(found))


def kinds(value: object) -> object:
    """*value* with its texts and numbers replaced by their types."""
    if isinstance(value, dict):
        return {key: kinds(each) for key, each in value.items()}
    return [kinds(value[0])] if isinstance(value, list) else type(value).__name__


def names(value: object, above: str = "") -> list[str]:
    """The dotted names of all values."""
    if isinstance(value, list):
        return names(value[0], above)
    if not isinstance(value, dict):
        return [above]
    return [name for key, each in value.items() for name in names(each, f"{above}.{key}".lstrip("."))]


def test_a_blocked_task_is_listed_as_blocked(tmp_path: Path) -> None:
    project = at_work(tmp_path)
    lines = tasks.table(queue_file.parsed(project), state_file.read(project))
    assert [line.split()[:2] for line in lines[5:8]] == [
        ["failed", "TASK-6"],
        ["blocked", "TASK-7"],
        ["pending", "TASK-8"],
    ]
    assert lines[6].endswith("Build it (blocked by TASK-6 (failed))")


def test_without_words_that_it_knows_status_says_how_it_is_called(tmp_path: Path) -> None:
    done = helper("status", "--jsn", folder=tmp_path)
    assert (done.code, done.stdout) == (2, "")
    assert "status takes no '--jsn'; usage: claudestrator-helper [--project DIR] status [--json]" in done.stderr
