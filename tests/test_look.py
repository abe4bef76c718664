"""What `show`, `log` and `tail` say of a run that is under way."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import look, one_task
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import steering
from claudestrator_helper.store import event_lines, marker_files, paths, run_log, state_file
from queues import queue, task
from running import HELPER, helper
from states import changed, state_of

AGENT = "a39e62af5758c3e6f"
RECORDED = Path(__file__).parent / "recorded" / "plain"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Project:
    """A project with TASK-002 at work in a session whose transcripts are the recorded ones."""
    folder = tmp_path / "config" / "projects" / "somewhere"
    folder.mkdir(parents=True)
    (folder / "s1.jsonl").write_bytes(RECORDED.with_suffix(".jsonl").read_bytes())
    (folder / "s1").symlink_to(RECORDED)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / ".claude").mkdir()
    made = paths.project(str(tmp_path))
    done = task("TASK-001", status="completed", objective="A wall")
    at_work = task(
        "TASK-002",
        objective="A door",
        criteria=("It opens", "It shuts"),
        dependencies="TASK-001",
        extra="**Files:** door.py\n\n",
    )
    Path(made.queue).write_text(queue(done, at_work, task("TASK-003", dependencies="TASK-002")))
    running.start(made, "s1", [])
    return made


def test_all_there_is_about_a_task_at_work(project: paths.Project) -> None:
    reports.fail(project, "TASK-002", 1, "no hinges")
    running.wait_for_step(project)
    lines = one_task.lines(project, "TASK-002", time.time() + 70)
    assert lines[:7] == [
        "TASK-002  in_progress  normal, opus",
        "objective: A door",
        "criterion: It opens",
        "criterion: It shuts",
        "files: door.py",
        "needs: TASK-001 (completed)",
        "needed by: TASK-003",
    ]
    assert lines[7] == f"written in {project.queue}, line 19"
    assert lines[8].startswith("running: opus, attempt 2, 1 min 1")
    assert [line.split(" ", 1)[1] for line in lines[9:]] == [
        "spawned TASK-002 (sonnet, attempt 1)",
        "failed TASK-002 (sonnet, attempt 1): no hinges",
        "spawned TASK-002 (opus, attempt 2)",
    ]


def test_what_a_task_waits_for_and_what_was_said_of_it(project: paths.Project) -> None:
    steering.retry(project, ["TASK-003"], "mind the step")
    Path(project.journal).mkdir()
    Path(project.note("TASK-003")).write_text("built")
    lines = one_task.lines(project, "TASK-003", time.time())
    assert "now: waiting on TASK-002 (in progress)" in lines
    assert lines[-3:-1] == ["hint: mind the step", f"note: {project.note('TASK-003')}"]
    with pytest.raises(ClaudestratorError, match="there is no TASK-404 here"):
        one_task.lines(project, "TASK-404", 0)


def test_the_log_is_a_line_an_event(project: paths.Project) -> None:
    lines = helper("log", folder=project.root).stdout.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["began", "spawned TASK-002 (sonnet, attempt 1)"]
    assert helper("log", "-n", "1", folder=project.root).stdout.splitlines() == lines[1:]
    assert helper("log", "TASK-002", folder=project.root).stdout.splitlines() == lines[1:]
    assert helper("log", "TASK-001", folder=project.root).stdout == "nothing yet\n"
    unknown = helper("log", "TASK-404", folder=project.root)
    assert (unknown.code, unknown.stdout) == (1, "")
    assert "there is no TASK-404 here: `claudestrator-helper tasks` lists the tasks" in unknown.stderr


def test_what_is_followed_is_printed_once(
    project: paths.Project, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    looks = 0

    def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            steering.pause(project)
        if looks == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(look, "pause", sleep)
    assert look.log_verb.callback
    with pytest.raises(click.Abort):
        look.log_verb.main(["-f"], obj=project, standalone_mode=False)
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert [line.split()[1] for line in lines] == ["began", "spawned", "paused"]


def test_an_agent_that_is_followed_is_followed_by_the_next_one(project: paths.Project, tmp_path: Path) -> None:
    doings = look.Doings(project, "TASK-003")
    assert doings.new() == []
    state_file.write(project, changed(state_file.read(project), attempts={"TASK-003": 1}))
    folder = tmp_path / "config" / "projects" / "somewhere" / "s2" / "subagents"
    folder.mkdir(parents=True)
    (folder.parents[1] / "s2.jsonl").write_text("")
    state_file.write(project, changed(state_file.read(project), session="s2"))

    def says(name: str, text: str) -> None:
        with (folder / f"agent-{name}.jsonl").open("a") as file:
            content = [{"type": "text", "text": text}]
            file.write(json.dumps({"type": "assistant", "message": {"content": content}}) + "\n")

    marker_files.leave(project, "TASK-003", "agent", 1, "b1")
    says("b1", "first")
    assert doings.new() == ["--:--:-- says: first"]
    assert doings.new() == []
    says("b1", "last")
    state_file.write(project, changed(state_file.read(project), attempts={"TASK-003": 2}))
    assert doings.new() == ["--:--:-- says: last"]
    assert doings.path == ""
    marker_files.leave(project, "TASK-003", "agent", 2, "b2")
    says("b2", "second")
    assert doings.new() == ["attempt 2", "--:--:-- says: second"]


@pytest.mark.parametrize("verb", [["log", "-f"], ["tail", "TASK-002", "-f"], ["watch"], ["status", "--watch"]])
def test_what_is_followed_ends_when_no_one_reads_it(project: paths.Project, verb: list[str]) -> None:
    marker_files.leave(project, "TASK-002", "agent", 1, AGENT)
    words = [sys.executable, "-m", "claudestrator_helper", *verb]
    with subprocess.Popen(words, cwd=project.root, env={**os.environ, "PYTHONPATH": HELPER}, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0
        assert b"rror" not in process.stderr.read()


@pytest.mark.parametrize("named", [True, False])
def test_an_agents_doings_are_in_its_transcript(project: paths.Project, *, named: bool) -> None:
    if named:
        marker_files.leave(project, "TASK-002", "agent", 1, AGENT)
    done = helper("tail", "TASK-002", folder=project.root)
    assert [line.split(" ", 1)[1] for line in done.stdout.splitlines()] == [
        "Bash: claudestrator-helper prompt TASK-002",
        "Bash: claudestrator-helper done TASK-002 --attempt 1 - <<'NOTE' made NOTE",
        "says: done TASK-002",
    ]


def test_an_agent_of_another_attempt_is_none_of_this_one(project: paths.Project) -> None:
    state_file.write(project, changed(state_file.read(project), attempts={"TASK-002": 2}))
    done = helper("tail", "TASK-002", folder=project.root)
    assert (done.code, done.stdout) == (1, "")
    assert "no transcript of an agent of TASK-002 here" in done.stderr


@pytest.mark.parametrize(
    "event",
    [
        {"event": "x\nSPAWN y"},
        {"event": 7, "id": [], "time": "now", "reason": "a\x1b[2Jb"},
        {"event": "done", "model": "m" * 999, "attempt": "1\n"},
        {"event": "committed", "commit": ["\n" * 999]},
    ],
)
def test_a_log_of_somebodys_makes_one_line_an_event(event: dict[str, object]) -> None:
    said = event_lines.line(event)
    assert said.isprintable()
    assert len(said) < 300


def test_hostile_transcripts_raise_nothing(project: paths.Project, tmp_path: Path) -> None:
    path = tmp_path / "config" / "projects" / "somewhere" / "s2" / "subagents" / "agent-b.jsonl"
    path.parent.mkdir(parents=True)
    state_file.write(project, state_of(session="s2", attempts={"TASK-002": 1}))
    (tmp_path / "config" / "projects" / "somewhere" / "s2.jsonl").write_text("")
    wrong = [7, [], {"type": "assistant"}, {"type": "user", "message": {"content": [{"type": "tool_result", "is_error": True, "content": 7}]}},
             {"type": "assistant", "timestamp": 7, "message": {"content": [{"type": "tool_use", "input": 7, "name": "a\nb"}]}}]  # fmt: skip
    path.write_text("claudestrator-helper done TASK-002 --attempt 1\n{\n" + "\n".join(map(json.dumps, wrong)) + "\n{")
    marker_files.leave(project, "TASK-002", "agent", 1, "b")
    done = helper("tail", "TASK-002", folder=project.root)
    assert done.stdout.splitlines() == ["--:--:--   failed:".replace("   ", " "), "--:--:-- a b"]
    assert os.path.exists(path)


@pytest.mark.parametrize("at", [0, 951_782_399, 951_782_400, 1_709_164_800, 1_795_683_600, 4_107_542_400])
def test_a_time_of_the_log_is_read_back(at: int) -> None:
    assert event_lines.seconds(time.strftime(run_log.TIME, time.gmtime(at))) == at


@pytest.mark.parametrize(
    "at", ["", None, 7, "2026-11-26", "2026-11-26T09:00:00+01", "2026-1x-26T09:00:00Z", "²026-11-26T09:00:00Z"]
)
def test_what_is_no_time_is_none(at: object) -> None:
    assert event_lines.seconds(at) == 0
