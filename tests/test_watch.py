"""The live view, and the lines that stand in for it."""

import io
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from claudestrator_helper.accounts import progress, spending
from claudestrator_helper.accounts.progress import Progress
from claudestrator_helper.commands import live_view, proofs, watch
from claudestrator_helper.engine import state
from claudestrator_helper.run import steering
from claudestrator_helper.store import paths, run_log, state_file
from claudestrator_helper.system import extras
from queues import queue, task
from rich.console import Console
from running import HELPER
from states import state_of
from test_overview import at_work

NOW = 1_795_683_600 + 300


def drawn(found: Progress, dollars: float | None = None, *, width: int = 44, **options: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, height=40, legacy_windows=False, **options)  # type: ignore[arg-type]
    console.print(live_view.picture(found, dollars))
    return file.getvalue()


def test_a_picture_of_a_run_at_44_columns(tmp_path: Path) -> None:
    project = at_work(tmp_path)
    run_log.append(
        project,
        state_file.read(project),
        [{"event": "failed", "id": "TASK-6", "attempt": 2, "model": "opus", "reason": "no key at all, nowhere"}],
        NOW,
    )
    lines = [line.rstrip() for line in drawn(proofs.read(project, NOW), 3.104).splitlines()]
    assert lines[:6] == [
        "running",
        "[#############.................] 4/9",
        "4 completed, 1 running, 1 pending, 2",
        "blocked, 1 failed",
        "1 by gate, 3 taken at their word",
        "▶ TASK-5 Build a door",
    ]
    assert lines[6].startswith("  opus, attempt 2, 4 min 0 s of about 10 mi")
    assert lines[7].startswith("gate: TASK-5, running for 1 min 0 s, refuse")
    assert "blocked TASK-7 by TASK-6 (failed)" in lines
    assert "5 min 0 s, $3.10 so far; 12 to 20 min left" in lines
    assert "failed TASK-6 (opus" in lines[-1]
    assert max(map(len, lines)) <= 44


def test_of_a_session_that_has_ended_no_time_passes(tmp_path: Path) -> None:
    found = proofs.read(at_work(tmp_path), NOW)._replace(gone=True)
    lines = [line.rstrip() for line in drawn(found, width=60).splitlines()]
    assert "its session has ended: /orchestrate continues it" in lines
    assert lines[lines.index("⏹ TASK-5 Build a door") + 1] == "  opus, attempt 2"
    assert not any("running" in line for line in lines[1:4])


def test_without_colours_there_is_no_escape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = progress.read(at_work(tmp_path), NOW)
    assert "\x1b[3" in drawn(found, force_terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in drawn(found, force_terminal=True)


def test_what_the_files_hold_is_no_markup_and_one_line(tmp_path: Path) -> None:
    project = paths.project(str(tmp_path))
    os.makedirs(project.state)
    hostile = "[red]x[/red] \x1b[2J[link=file:///etc/passwd]"
    Path(project.queue).write_text(queue(task("TASK-5", status="in_progress", objective=hostile)))
    agents = {"TASK-5": state.Agent(1, "opus", NOW, NOW)}
    state_file.write(project, state_of(run="r", status="running", phase="[bold]", agents=agents))
    told = drawn(progress.read(project, NOW), width=200)
    assert "▶ TASK-5 [red]x[/red] [2J[link=file:///etc/passwd]" in told
    assert "running · [bold]" in told
    assert "\x1b" not in told


def test_without_a_run_it_says_what_to_type(tmp_path: Path) -> None:
    assert "type /orchestrate" in drawn(progress.read(paths.project(str(tmp_path)), NOW))


def test_it_draws_when_something_changes_and_ends_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, clock, shown = at_work(tmp_path), [float(NOW)], list[str]()
    monkeypatch.setattr(time, "time", lambda: clock[0])
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        clock[0] += seconds
        if looks == 8:
            steering.pause(project)
        if looks == 10:
            state_file.write(project, state.State(run="r", status="finished"))

    watch.follow(project, lambda found, _: shown.append(found.state.status), sleep)
    assert shown == ["running", "running", "paused", "finished"]


def test_lines_for_what_is_no_terminal(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    project = at_work(tmp_path)
    show = watch.Lines()
    show(progress.read(project, NOW), None)
    steering.pause(project)
    show(progress.read(project, NOW), None)
    show(progress.read(project, NOW), None)
    first, second = capsysbinary.readouterr().out.decode().splitlines()
    assert first.startswith("[####")
    assert second.split(" ", 1)[1] == "paused  4/9"


def test_the_cost_is_counted_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = iter([1.0, 2.0])
    monkeypatch.setattr(spending, "run_dollars", lambda _: next(costs))
    cost = spending.Spending(paths.project(str(tmp_path)))
    assert [cost.dollars(now) for now in (100, 101, 114, 116)] == [1.0, 1.0, 1.0, 2.0]


def test_hooks_and_hot_verbs_never_import_rich() -> None:
    for words in (["status"], ["next-task"], ["hook"], ["tasks"]):
        code = f"import sys; sys.argv[1:] = {words!r}\nfrom claudestrator_helper.__main__ import main\ntry: main()\nexcept SystemExit: pass\nassert 'rich' not in sys.modules"
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            env={**os.environ, "PYTHONPATH": HELPER},
            input=b"",
            capture_output=True,
        )


def test_ctrl_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    at_work(tmp_path)
    words = [sys.executable, "-m", "claudestrator_helper", "status", "--watch"]
    process = subprocess.Popen(
        words,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": HELPER},
        # A shell without job control has the signal ignored in what it starts in the background, these tests included.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1] == b""
    assert process.returncode == 130


def test_a_missing_package_is_named_with_a_command_that_runs_nothing_of_the_folder() -> None:
    assert extras.way("rich>=13") == f"`{shlex.quote(sys.executable)} -I -m pip install 'rich>=13'`"


def test_where_no_run_is_at_work_it_says_that_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "follow", lambda *_: None)
    watch.watch(paths.Project(str(tmp_path), str(tmp_path / ".claude")))
    assert "no run is at work here" in capsys.readouterr().err
    watch.watch(at_work(tmp_path))
    assert capsys.readouterr().err == ""
