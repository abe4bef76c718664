"""Gates: what has to pass before a task is done, who may let it run, and what a run says of it."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import faults
import pytest
import running
from claudestrator_helper.agents import final_message, prompts, reports
from claudestrator_helper.engine import gates as policy
from claudestrator_helper.engine import markers
from claudestrator_helper.engine.config import Config
from claudestrator_helper.engine.gates import Gates
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.hooks import pre_tool_use
from claudestrator_helper.run import gates, plan
from claudestrator_helper.store import files, marker_files, paths, queue_file, run_log, state_file
from claudestrator_helper.store.paths import Project
from claudestrator_helper.system import consent, gate_process, processes, working_tree
from claudestrator_helper.texts import gate_commands, queue
from hypothesis import given
from hypothesis import strategies as st
from queues import queue as queue_of
from queues import task
from running import HELPER, helper
from verbs import statuses

needs_tomllib = pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on")
pytestmark = [needs_tomllib, pytest.mark.slow]
#: Every so many steps, of a kill at each.
STRIDE = 1 if os.environ.get("CLAUDESTRATOR_ALL_FAULTS") else 3
#: A gate that is red while there is a file of that name, and says so.
CHECK = "echo checked; if [ -e red ]; then echo it is red; exit 1; fi"
COMMAND = "sh check.sh"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "project" / ".claude").mkdir(parents=True)
    found = paths.project(str(tmp_path / "project"))
    write(found, "check.sh", CHECK)
    yield found
    for name in os.listdir(found.gates) if os.path.isdir(found.gates) else ():
        record = gate_process.read(found, name.removesuffix(".json"))
        if record and gate_process.is_running(record):
            os.killpg(int(record.process.split("/")[3]), signal.SIGKILL)


def write(project: Project, name: str, text: str = "x\n") -> None:
    Path(project.root, name).parent.mkdir(exist_ok=True)
    Path(project.root, name).write_text(text)


def configure(project: Project, *commands: str, more: str = "") -> None:
    write(project, ".claudestrator/config.toml", f"[gate]\ncommands = {json.dumps(commands)}\n{more}")


def allow(project: Project) -> None:
    from claudestrator_helper.store import config_file

    consent.write(project, gates.asked(config_file.read(project), queue_file.parsed(project)))


def begin(project: Project, *tasks: str, words: tuple[str, ...] = ()) -> list[str]:
    """Starts a run and waits for its first directive; the line of a gate's baseline may come before it."""
    files.write(project.queue, queue_of(*(tasks or (task("TASK-1"), task("TASK-2")))))
    lines = running.start(project, "s1", list(words))
    return running.wait_for_step(project, "s1", 20) if lines == ["WAIT"] else lines


def gated(project: Project, *tasks: str, command: str = COMMAND, more: str = "") -> list[str]:
    """A run whose gate is allowed, with TASK-1 at work."""
    files.write(project.queue, queue_of(*(tasks or (task("TASK-1"), task("TASK-2")))))
    configure(project, command, more=more)
    allow(project)
    lines = begin(project, *tasks)
    reports.begin(project, "TASK-1")
    return lines


def refused(project: Project, id_: str = "TASK-1", patience: float = 20) -> str:
    with pytest.raises(ClaudestratorError) as refusal:
        gates.done(project, id_, None, "", patience)
    return str(refusal.value)


def test_a_green_gate_lets_the_report_through_and_proves_the_task(project: Project) -> None:
    assert gated(project, task("TASK-1")) == ["SPAWN TASK-1 sonnet"]
    assert gates.done(project, "TASK-1", 1, "a note", 20) == "done TASK-1"
    assert files.read(project.note("TASK-1")) == "a note\n"
    lines = running.wait_for_step(project)
    assert lines == ["done TASK-1 (1/1)", "STOP The one task is completed; 1 proved by gate."]
    assert [each["proof"] for each in run_log.read(project) if each["event"] == "done"] == ["gate"]
    assert json.loads(helper("tasks", "--json", folder=project.root).stdout)[0]["proof"] == "gate"


def test_a_red_gate_refuses_the_report_with_the_output_and_the_fixed_task_is_done(project: Project) -> None:
    gated(project)
    write(project, "red")
    answer = helper("done", "TASK-1", "--attempt", "1", folder=project.root)
    assert (answer.code, answer.stdout) == (1, "checked\nit is red\n")
    assert answer.stderr == (
        "claudestrator-helper: TASK-1 is not done, as `sh check.sh` is red (exit 1): fix what it shows above, and "
        "report again (3 more until the attempt has failed)\n"
    )
    assert running.wait_for_step(project)[-1] == "WAIT"
    os.remove(f"{project.root}/red")
    assert helper("done", "TASK-1", folder=project.root).stdout == "done TASK-1\n"
    assert statuses(project)["TASK-1"] == "in_progress"
    assert running.wait_for_step(project)[0] == "done TASK-1 (1/2)"


def test_after_its_refusals_a_red_gate_is_a_failure_and_the_next_attempt_is_told_why(project: Project) -> None:
    gated(project, more="refusals = 1\n")
    write(project, "red")
    refused(project)
    assert gates.done(project, "TASK-1", 1, "", 20) == "failed TASK-1"
    lines = running.wait_for_step(project)
    assert lines == [
        "failed TASK-1: its gate `sh check.sh` is red (exit 1): it is red; retrying with opus",
        "SPAWN TASK-1 opus",
    ]
    assert "it is red" in reports.begin(project, "TASK-1")
    # The next attempt has refusals of its own.
    assert "1 more until" in refused(project)


def test_only_the_last_40_lines_are_shown_without_colours(project: Project) -> None:
    gated(project)
    write(project, "check.sh", "for n in $(seq 0 99); do printf '\\033[31m  line %s\\033[0m\\a\\n' $n; done; exit 3")
    with pytest.raises(gates.RedError, match=r"\(exit 3\)") as refusal:
        gates.done(project, "TASK-1", 1, "", 20)
    assert refusal.value.output == [f"  line {n}" for n in range(60, 100)]


def test_what_a_command_has_printed_does_not_stay_on_the_disk(project: Project) -> None:
    gated(project)
    gates.done(project, "TASK-1", None, "", 20)
    assert not [name for name in os.listdir(project.gates) if name.endswith(".out")]


def test_no_shell_reads_a_command_and_it_gets_no_input(project: Project) -> None:
    gated(project, command="sh check.sh '$HOME' *.sh")
    write(project, "check.sh", 'printf "<%s>" "$@"; cat; exit 1')
    with pytest.raises(gates.RedError) as refusal:
        gates.done(project, "TASK-1", 1, "", 20)
    assert refusal.value.output == ["<$HOME><*.sh>"]


def test_a_command_that_can_not_be_run_is_red(project: Project) -> None:
    gated(project)
    configure(project, "no-such-program --now")
    allow(project)
    state_file.write(project, state_file.read(project))
    gate_process.write(project, "baseline", gate_process.Record("", []))
    green(project, "no-such-program --now")
    with pytest.raises(gates.RedError, match=r"exit 127") as refusal:
        gates.done(project, "TASK-1", 1, "", 20)
    assert refusal.value.output == ["it can't be run: No such file or directory"]


def green(project: Project, command: str) -> None:
    """Lets that command have been green before."""
    outcome = gate_process.Outcome(command, 0, 0, [])
    gate_process.write(
        project, "green", gate_process.Record(state_file.read(project).run, [], over=True, outcomes=[outcome])
    )


# What was red before


def test_what_is_red_before_the_run_is_named_and_no_task_is_blamed_for_it_until_it_is_green_once(
    project: Project,
) -> None:
    write(project, "red")
    assert gated(project, task("TASK-1"), task("TASK-2"), task("TASK-3")) == [
        "red before the run: `sh check.sh` (exit 1); no task is blamed for it until it was green once",
        "SPAWN TASK-1 sonnet",
    ]
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    running.wait_for_step(project)
    os.remove(f"{project.root}/red")
    reports.begin(project, "TASK-2")
    assert gates.done(project, "TASK-2", 1, "", 20) == "done TASK-2"
    running.wait_for_step(project)
    write(project, "red")
    reports.begin(project, "TASK-3")
    assert "is red" in refused(project, "TASK-3")
    os.remove(f"{project.root}/red")
    gates.done(project, "TASK-3", 1, "", 20)
    assert running.wait_for_step(project)[-1] == (
        "STOP All 3 tasks are completed; 2 proved by gate, 1 taken at its word (TASK-1)."
    )


@pytest.mark.parametrize("again", [False, True])
def test_a_gate_that_was_green_has_to_stay_so_although_its_agent_never_saw_it(project: Project, *, again: bool) -> None:
    write(project, "red")
    held = "while [ -e held ]; do sleep 0.05; done"
    gated(project, task("TASK-1"), task("TASK-2"), command=f"sh -c '{held}; test ! -e red'")
    os.remove(f"{project.root}/red")
    write(project, "held")
    with pytest.raises(gates.RunningError):
        gates.done(project, "TASK-1", 1, "", 0)
    os.remove(f"{project.root}/held")
    while not (record := gate_process.read(project, "TASK-1")) or not record.over:
        time.sleep(0.05)
    write(project, "red")
    if again:
        assert "is red" in refused(project, "TASK-1")
        return
    reports.fail(project, "TASK-1", 1, "it was in the way")
    running.wait_for_step(project)
    reports.begin(project, "TASK-1")
    assert "is red" in refused(project, "TASK-1")


def test_a_gate_that_is_allowed_during_a_run_counts_from_when_it_was_green_and_is_not_called_red_before(
    project: Project,
) -> None:
    configure(project, COMMAND)
    begin(project)
    reports.begin(project, "TASK-1")
    write(project, "red")
    allow(project)
    gates.done(project, "TASK-1", None, "", 20)
    lines = running.wait_for_step(project, "s1", 20)
    assert lines[1].startswith("red when the gate first ran: `sh check.sh` (exit 1)")
    assert [each["proof"] for each in run_log.read(project) if each["event"] == "done"] == ["word"]


def test_what_was_green_has_to_stay_green_after_the_gate_was_changed_and_allowed_again(project: Project) -> None:
    once = "refusals = 1\n[run]\nattempts = 1\n"
    gated(project, more=once)
    write(project, "red")
    refused(project)
    gates.done(project, "TASK-1", 1, "", 20)
    configure(project, COMMAND, "true", more=once)
    allow(project)
    lines = running.wait_for_step(project, "s1", 20)
    assert any(line.startswith("red when the gate first ran: `sh check.sh` (exit 1)") for line in lines)
    reports.begin(project, "TASK-2")
    assert "`sh check.sh` is red" in refused(project, "TASK-2")


def test_a_tasks_own_gate_has_to_be_green_whatever_it_was_before(project: Project) -> None:
    write(project, "own.sh", "exit 1")
    own = task("TASK-1", extra="**Gate:**\n- `sh own.sh`\n\n")
    gated(project, own, task("TASK-2"))
    assert "`sh own.sh` is red" in refused(project)
    write(project, "own.sh", "")
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"


def test_a_tasks_own_gate_has_to_be_green_although_it_is_also_that_of_all_and_was_red_before(project: Project) -> None:
    write(project, "red")
    own = task("TASK-1", extra=f"**Gate:**\n- `{COMMAND}`\n\n")
    assert gated(project, own, task("TASK-2"))[0].startswith(f"red before the run: `{COMMAND}` (exit 1)")
    assert f"`{COMMAND}` is red" in refused(project)
    os.unlink(os.path.join(project.root, "red"))
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"


def test_start_returns_at_once_and_the_baseline_runs_on_while_wait_is_called_again(project: Project) -> None:
    write(project, "check.sh", "sleep 1.5")
    files.write(project.queue, queue_of(task("TASK-1")))
    configure(project, COMMAND)
    allow(project)
    began = time.monotonic()
    assert running.start(project, "s1", []) == ["WAIT"]
    assert time.monotonic() - began < 1
    assert running.wait_for_step(project, "s1", 0.2) == ["still waiting for the gate", "WAIT"]
    first = gate_process.read(project, "baseline")
    assert running.wait_for_step(project, "s1", 20) == ["SPAWN TASK-1 sonnet"]
    last = gate_process.read(project, "baseline")
    assert first is not None
    assert last is not None
    assert first.process == last.process


# Gates that take long, and kills


def slow(project: Project, seconds: float = 1.0) -> None:
    write(project, "check.sh", f"echo $$ >>runs; exec sleep {seconds}\n")


def runs(project: Project) -> list[int]:
    path = Path(project.root, "runs")
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_a_gate_that_outlives_the_call_is_picked_up_by_the_next_one_with_the_note(project: Project) -> None:
    gated(project)
    slow(project)
    assert (
        "is still running: call `claudestrator-helper done TASK-1 --attempt 1` again"
        in helper("done", "TASK-1", "--max", "0.2", "-", stdin=b"kept", folder=project.root).stderr
    )
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    assert (len(runs(project)), files.read(project.note("TASK-1"))) == (1, "kept\n")


def test_a_task_whose_time_is_over_while_its_gate_runs_is_completed_by_its_report(project: Project) -> None:
    gated(project, task("TASK-1"))
    slow(project)
    current = state_file.read(project)
    begun = current.agents["TASK-1"]._replace(claimed=int(time.time()) - 60 * Config().task_timeout)
    state_file.write(project, current.recorded("TASK-1", agent=begun))
    refused(project, patience=0)
    assert running.wait_for_step(project) == ["still waiting for TASK-1 (60 min)", "WAIT"]
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    assert running.wait_for_step(project)[0] == "done TASK-1 (1/1)"


def test_a_report_that_is_being_made_is_waited_for_as_long_as_a_call_may_take(project: Project) -> None:
    gated(project)
    slow(project, 0)
    assert marker_files.reporting(project, ["TASK-1"], time.time()) == frozenset()
    gates.done(project, "TASK-1", 1, "", 20)
    begun = int(marker_files.text(project, "TASK-1", markers.REPORTING).split("\n")[2])
    assert abs(begun - time.time()) < 60
    assert marker_files.reporting(project, ["TASK-1"], begun + 599) == {"TASK-1"}
    for other in (601, -601):
        assert marker_files.reporting(project, ["TASK-1"], begun + other) == frozenset()


def test_two_calls_at_once_share_one_gate(project: Project) -> None:
    gated(project)
    slow(project)
    pids = [running.fork(lambda: print(gates.done(project, "TASK-1", 1, "", 20))) for _ in range(4)]
    assert running.joined(pids) == [0] * 4
    assert len(runs(project)) == 1


def test_a_killed_helper_leaves_its_gate_to_the_next_done(project: Project) -> None:
    gated(project)
    slow(project)
    caller = running.fork(lambda: print(gates.done(project, "TASK-1", 1, "", 20)))
    wait_for(lambda: bool(runs(project)))
    running.killed(caller)
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    assert len(runs(project)) == 1


def test_a_killed_gate_is_ended_whole_before_it_runs_again(project: Project) -> None:
    gated(project)
    slow(project, 600)
    refused(project, patience=0.1)
    wait_for(lambda: bool(runs(project)))
    record = gate_process.read(project, "TASK-1")
    assert record is not None
    os.kill(int(record.process.split("/")[3]), signal.SIGKILL)
    (first,) = runs(project)
    wait_for(lambda: not gate_process.is_running(record))
    assert processes.exists(first)
    slow(project, 0)
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    assert not processes.exists(first)


@pytest.mark.parametrize("after", [False, True])
def test_the_process_of_a_gate_may_be_killed_at_any_step(
    project: Project, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    gated(project, more="refusals = 20\n")
    slow(project, 0)
    real = gate_process._run
    for at in range(1 + STRIDE // 2, 100, STRIDE):
        with monkeypatch.context() as patch:

            def dying(*words: Any) -> None:
                faults.die(at, after=after)  # noqa: B023
                real(*words)

            patch.setattr(gate_process, "_run", dying)
            with suppress(ClaudestratorError):
                gates.done(project, "TASK-1", 1, "", 20)
        if marker_files.report_of(project, "TASK-1", 1):
            break
        running_now = [pid for pid in runs(project) if processes.exists(pid)]
        assert len(running_now) <= 1
    assert at > 5
    assert len(runs(project)) >= 1
    assert not [pid for pid in runs(project) if processes.exists(pid)]


def test_a_gate_that_something_ends_again_and_again_fails_the_attempt(project: Project) -> None:
    gated(project, more="refusals = 1\n")
    slow(project, 600)
    said = ""
    for _ in range(5):
        try:
            said = gates.done(project, "TASK-1", 1, "", 0.1)
            break
        except ClaudestratorError:
            record = gate_process.read(project, "TASK-1")
            assert record is not None
            os.killpg(int(record.process.split("/")[3]), signal.SIGKILL)
            wait_for(lambda: not gate_process.is_running(record))  # noqa: B023
    assert said == "failed TASK-1"
    report = marker_files.report_of(project, "TASK-1", 1)
    assert report is not None
    assert report.reason == "its gate was ended again and again before it was over"


def end_gate(project: Project, name: str) -> None:
    wait_for(lambda: bool((found := gate_process.read(project, name)) and gate_process.is_running(found)))
    record = gate_process.read(project, name)
    assert record is not None
    os.killpg(int(record.process.split("/")[3]), signal.SIGKILL)
    wait_for(lambda: not gate_process.is_running(record))


def test_a_gate_that_something_has_ended_is_not_called_still_running(project: Project) -> None:
    gated(project)
    slow(project, 600)
    gate_process.write(project, "TASK-1", gate_process.Record("", []))
    ender = running.fork(lambda: end_gate(project, "TASK-1"))
    assert "its gate was ended by something else before it was over: call" in refused(project)
    assert running.joined([ender]) == [0]
    assert "its gate is still running, after something had ended it: call" in refused(project, patience=0.1)


def test_a_person_is_told_of_a_gate_before_the_run_that_something_has_ended(project: Project) -> None:
    write(project, "check.sh", "sleep 600")
    files.write(project.queue, queue_of(task("TASK-1")))
    configure(project, COMMAND)
    allow(project)
    running.start(project, "s1", [])
    ender = running.fork(lambda: end_gate(project, "baseline"))
    lines = running.wait_for_step(project, "s1", 3)
    assert lines[0] == "the gate before baseline was ended by something else before it was over; it runs again"
    assert running.joined([ender]) == [0]


def test_what_a_gate_leaves_running_is_ended_with_it(project: Project) -> None:
    gated(project)
    write(project, "check.sh", "sleep 600 & echo $! >runs\n")
    gates.done(project, "TASK-1", 1, "", 20)
    wait_for(lambda: not processes.exists(runs(project)[0]))


def test_a_command_that_takes_too_long_is_ended_and_red(project: Project) -> None:
    gated(project)
    write(project, "check.sh", "echo so far; sleep 600")
    current = state_file.read(project)
    wanted = gate_process.Record(f"{current.run} 1", [COMMAND])
    gate_process.start(project, "TASK-1", wanted, [COMMAND], 0)
    wait_for(lambda: bool((found := gate_process.read(project, "TASK-1")) and found.over))
    with pytest.raises(gates.RedError, match=r"exit 124") as refusal:
        gates.done(project, "TASK-1", 1, "", 20)
    assert refusal.value.output[-1] == "it took too long, and was ended"


def wait_for(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("repository", [True, False])
def test_a_result_is_not_taken_for_a_tree_that_was_changed_after_it(project: Project, repository: bool) -> None:
    if repository:
        subprocess.run(["git", "init", "-q", "--template="], cwd=project.root, check=True)
    gated(project)
    refused_at(project)
    write(project, "red")
    assert "is red" in refused(project)


def test_a_result_counts_where_nothing_was_changed_outside_a_repository_too(project: Project) -> None:
    gated(project)
    slow(project, 0)
    refused_at(project)
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    assert len(runs(project)) == 1


def test_where_nothing_tells_whether_files_have_changed_a_short_gate_runs_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_tree, "_MOST", 0)
    gated(project)
    slow(project, 0)
    refused_at(project)
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    assert len(runs(project)) == 2


def refused_at(project: Project) -> None:
    """The gate has run to its end, and no call has asked for its result yet."""
    held = "while [ -e held ]; do sleep 0.05; done\n"
    write(project, "check.sh", held + Path(project.root, "check.sh").read_text())
    write(project, "held")
    with pytest.raises(ClaudestratorError, match="still running"):
        gates.done(project, "TASK-1", 1, "", 0)
    os.remove(f"{project.root}/held")
    wait_for(lambda: bool((found := gate_process.read(project, "TASK-1")) and found.over))


@pytest.mark.parametrize(
    "found",
    ["", "{", "[]", '{"key": 1}', '{"key": "k", "commands": [], "process": 5, "outcomes": []}', "[" * 100_000,
     '{"key": "k", "commands": [], "outcomes": [[1, 2, 3, 4]]}', '{"key": "k", "commands": [], "refused": "x", "outcomes": []}'],
)  # fmt: skip
def test_a_record_that_no_gate_has_left_is_none(project: Project, found: str) -> None:
    gated(project)
    files.write(os.path.join(project.gates, "TASK-1.json"), found)
    assert gate_process.read(project, "TASK-1") is None
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"


# Consent


def test_a_gate_that_no_one_has_allowed_does_not_run_and_everyone_is_told(project: Project) -> None:
    configure(project, COMMAND)
    assert begin(project, task("TASK-1")) == ["SPAWN TASK-1 sonnet"]
    waits = [line for line in helper("check", folder=project.root).stdout.splitlines() if "gate waits" in line]
    (line,) = waits
    assert line.startswith("a gate waits for you: `claudestrator-helper allow` in a terminal")
    assert "# Gate" not in reports.begin(project, "TASK-1")
    write(project, "red")
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    assert running.wait_for_step(project)[-1] == (
        "STOP The one task is completed; 0 proved by gate, 1 taken at its word (TASK-1)."
    )


def test_a_task_whose_own_gate_no_one_has_allowed_was_taken_at_its_word(project: Project) -> None:
    begin(project, task("TASK-1", extra="**Gate:** `sh own.sh`\n\n"))
    reports.done(project, "TASK-1", 1, "")
    assert running.wait_for_step(project)[-1] == (
        "STOP The one task is completed; 0 proved by gate, 1 taken at its word (TASK-1)."
    )


def test_a_dry_run_names_the_gate(project: Project) -> None:
    files.write(project.queue, queue_of(task("TASK-1")))
    configure(project, COMMAND)
    told = plan.plan(project, []).lines
    assert told[0] == "TASK-1 sonnet"
    assert told[1].startswith("a gate waits for you: `claudestrator-helper allow` in a terminal")
    allow(project)
    assert plan.plan(project, []).lines == ["TASK-1 sonnet", "before each task is done: `sh check.sh`"]
    configure(project, "true")
    with pytest.raises(ClaudestratorError, match="the gate was changed since it was allowed"):
        plan.plan(project, [])


@pytest.mark.parametrize("commands", [[], ["true"], [COMMAND, "true"], [f"{COMMAND} "]])
def test_a_gate_that_was_changed_after_it_was_allowed_is_neither_run_nor_left_out(
    project: Project, commands: list[str]
) -> None:
    gated(project)
    configure(project, *commands)
    said = (
        "the gate was changed since it was allowed ([gate] commands): put it back, or a person allows it by "
        "`claudestrator-helper allow` in a terminal"
    )
    assert [refused(project), refused(project)] == [said, said]
    assert [each["reason"] for each in run_log.read(project) if each["event"] == "question"] == [said]
    assert statuses(project)["TASK-1"] == "in_progress"
    with pytest.raises(ClaudestratorError, match="the gate was changed"):
        running.start(project, "s1", [])
    allow(project)
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"


def test_a_report_with_another_home_does_not_go_without_the_gate(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated(project)
    with monkeypatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
        assert "no consent is found now: report with HOME as it was" in refused(project)
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"


def test_the_own_gate_of_a_task_is_part_of_what_is_allowed(project: Project) -> None:
    own = task("TASK-1", extra="**Gate:** true\n\n")
    gated(project, own, task("TASK-2"))
    text = files.read(project.queue) or ""
    for changed in (text.replace("**Gate:** true\n", ""), text.replace("**Gate:** true\n", "**Gate:** false\n")):
        files.write(project.queue, changed)
        assert "the gate was changed since it was allowed (TASK-1)" in refused(project)


def test_the_gate_of_a_task_that_was_added_later_waits_and_the_others_run(project: Project) -> None:
    gated(project)
    later = task("TASK-3", status="completed", extra="**Gate:** false\n\n")
    files.write(project.queue, (files.read(project.queue) or "") + later)
    assert gates.done(project, "TASK-1", 1, "", 20) == "done TASK-1"
    asked = Gates([COMMAND], {"TASK-3": ["false"]})
    assert policy.waiting(asked, consent.read(project)) == Gates([], {"TASK-3": ["false"]})
    assert policy.runnable(asked, consent.read(project), "TASK-3") == [COMMAND]


def test_a_consent_that_is_kept_in_the_project_is_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(project, COMMAND)
    monkeypatch.setenv("XDG_STATE_HOME", str(Path(project.root, "kept")))
    with pytest.raises(ClaudestratorError, match="would be in the project, where agents may write"):
        allow(project)
    monkeypatch.setenv("XDG_STATE_HOME", str(Path(project.root).parent / "kept"))
    allow(project)
    assert consent.read(project)
    os.rename(f"{project.root}/../kept", f"{project.root}/kept")
    # A clone's settings can set this without knowing where it will be.
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/self/cwd/kept" if os.path.exists("/proc/self/cwd") else "kept")
    monkeypatch.chdir(project.root)
    assert consent.read(project) is None


def test_a_copy_of_a_project_is_another_one(project: Project, tmp_path: Path) -> None:
    configure(project, COMMAND)
    allow(project)
    assert consent.read(project) == Gates([COMMAND], {})
    other = tmp_path / "other"
    os.rename(project.root, other)
    assert consent.read(paths.project(str(other))) is None


def at_terminal(project: Project, answer: str, *, environ: dict[str, str] | None = None) -> tuple[int, str]:
    """How `allow` ends at a terminal of its own, and what it shows there."""
    ours, its = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("CLAUDECODE", "AI_AGENT", "CLAUDE_PID")}
    words = [sys.executable, "-m", "claudestrator_helper", "--project", project.root, "allow"]
    started = subprocess.Popen(
        words, stdin=its, stdout=its, stderr=its, env={**clean, "PYTHONPATH": HELPER, **(environ or {})}
    )
    os.close(its)
    os.write(ours, answer.encode())
    shown = b""
    try:
        while part := os.read(ours, 10_000):
            shown += part
    except OSError:
        pass
    os.close(ours)
    return started.wait(), shown.decode().replace("\r\n", "\n")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """This suite may be run by an agent; `allow` is then called as if it were not."""
    if processes.under_claude_code():
        pytest.skip("run by Claude Code, where `allow` refuses")


@pytest.mark.usefixtures("outside")
def test_a_person_at_a_terminal_is_shown_the_commands_and_asked(project: Project) -> None:
    files.write(project.queue, queue_of(task("TASK-1", extra="**Gate:**\n- `sh own.sh`\n- true\n\n")))
    configure(project, COMMAND)
    code, shown = at_terminal(project, "n\n")
    assert (code, consent.read(project)) == (1, None)
    assert "  sh check.sh\n  TASK-1: sh own.sh\n  TASK-1: true\n" in shown
    assert "without asking you" in shown
    assert at_terminal(project, "y\n")[0] == 0
    assert consent.read(project) == Gates([COMMAND], {"TASK-1": ["sh own.sh", "true"]})
    assert "nothing has changed" in at_terminal(project, "")[1]
    configure(project, "true")
    assert "Allow exactly these" in at_terminal(project, "n\n")[1]
    os.remove(project.config)
    assert consent.read(project) == Gates([COMMAND], {"TASK-1": ["sh own.sh", "true"]})
    files.write(project.queue, queue_of(task("TASK-1")))
    assert at_terminal(project, "y\n")[0] == 0
    assert consent.read(project) is None


@pytest.mark.usefixtures("outside")
def test_a_person_who_allows_a_gate_during_a_run_is_told_what_does_not_count(project: Project) -> None:
    configure(project, COMMAND)
    begin(project)
    code, shown = at_terminal(project, "y\n")
    told = "TASK-1 is at work: what is red for all tasks when it reports is not held against it, as no one knows"
    assert (code, told in shown) == (0, True)


@pytest.mark.parametrize("name", ["CLAUDECODE", "AI_AGENT", "CLAUDE_PID"])
def test_a_bash_call_of_claude_code_allows_nothing_even_at_a_terminal(project: Project, name: str) -> None:
    files.write(project.queue, queue_of(task("TASK-1")))
    configure(project, COMMAND)
    code, shown = at_terminal(project, "y\n", environ={name: "1"})
    assert (code, consent.read(project)) == (1, None)
    assert "agents can't allow a gate" in shown


def test_a_process_below_claude_code_allows_nothing_with_an_empty_environment_either(
    project: Project, tmp_path: Path
) -> None:
    configure(project, COMMAND)
    below = tmp_path / "claude"
    os.symlink(sys.executable, below)
    code = (
        "import pty, sys\n"
        f"words = ['env', '-i', 'PATH={os.environ['PATH']}', 'PYTHONPATH={HELPER}', 'HOME={os.environ['HOME']}', "
        f"'XDG_STATE_HOME={os.environ['XDG_STATE_HOME']}', {sys.executable!r}, "
        f"'-m', 'claudestrator_helper', '--project', {project.root!r}, 'allow']\n"
        "pty.spawn(words, stdin_read=lambda fd: b'y\\n')\n"
    )
    subprocess.run([str(below), "-c", code], check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert consent.read(project) is None


@pytest.mark.usefixtures("outside")
def test_without_a_terminal_no_one_can_allow(project: Project) -> None:
    configure(project, COMMAND)
    answer = helper("allow", folder=project.root, stdin=b"y\n", environ={"CLAUDECODE": "", "AI_AGENT": ""})
    assert (answer.code, consent.read(project)) == (1, None)
    assert "only a person at a terminal" in answer.stderr


@pytest.mark.parametrize(
    "command",
    [
        "claudestrator-helper allow",
        "claudestrator-helper --project . allow",
        "script -qc 'claudestrator-helper allow' /dev/null",
        "cd x && yes | 'claudestrator-helper' allow",
        "echo y |\n/home/ann/.local/bin/claudestrator-helper allow",
    ],
)
def test_the_hook_denies_the_call_in_a_run(project: Project, command: str) -> None:
    begin(project)
    for caller in ({}, {"agent_id": "a1"}):
        event: dict[str, object] = {"tool_name": "Bash", "tool_input": {"command": command}, **caller}
        answer = pre_tool_use.answer(project, state_file.read(project), event)
        assert answer is not None
        assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"  # type: ignore[index]


@pytest.mark.parametrize(
    "command",
    [
        "claudestrator-helper done TASK-1 'claudestrator-helper allow is next'",
        "claudestrator-helper done TASK-1 - <<'NOTE'\nclaudestrator-helper allow\nNOTE",
        "claudestrator-helper status",
        "git commit -m 'allow it'",
    ],
)
def test_the_hook_denies_nothing_that_only_speaks_of_it(project: Project, command: str) -> None:
    begin(project)
    event: dict[str, object] = {"tool_name": "Bash", "tool_input": {"command": command}}
    assert "deny" not in str(pre_tool_use.answer(project, state_file.read(project), event))


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "python -m pytest -q"),
        ("package.json", '{"scripts": {"test": "jest"}}', "npm test"),
        ("Cargo.toml", "[package]", "cargo test"),
        ("go.mod", "module x", "go test ./..."),
        ("Makefile", "test:\n\tpytest\n", "make test"),
        ("tests/test_x.py", "", "python -m pytest -q"),
    ],
)
def test_detection_proposes_a_gate_and_changes_nothing(project: Project, name: str, text: str, command: str) -> None:
    write(project, name, text)
    lines = helper("allow", "--detect", folder=project.root).stdout.splitlines()
    assert lines[1:] == ["[gate]", f'commands = ["{command}"]']
    assert not os.path.exists(project.config)


def test_detection_says_when_nothing_tells(project: Project) -> None:
    assert "nothing here says how it is tested" in helper("allow", "--detect", folder=project.root).stderr


# Texts


@pytest.mark.parametrize(
    ("field", "commands"),
    [
        ("**Gate:** `pytest -q`", ["pytest -q"]),
        ("**Gate:** make test", ["make test"]),
        ("**Gates:**\n- `a b`\n- c", ["a b", "c"]),
        ("**Gate:** None", []),
        ("**Files:** a.py", []),
    ],
)
def test_the_gate_of_a_task_is_read(field: str, commands: list[str]) -> None:
    found = queue.parse(queue_of(task("TASK-1", extra=f"{field}\n\n")))
    assert (found.tasks[0].gate, found.tasks[0].dependencies, found.tasks[0].criteria) == (commands, [], ["It works"])


@pytest.mark.parametrize("command", ["a && b", "a | b", "a 'b", "", "x" * 501, "a\nb", "a > b"])
def test_what_no_program_can_be_called_with_is_named(project: Project, command: str) -> None:
    assert gate_commands.problem([command])


@given(st.lists(st.text()))
def test_every_list_of_commands_is_judged(commands: list[str]) -> None:
    assert isinstance(gate_commands.problem(commands), str)


def test_check_names_a_gate_that_can_not_be_run(project: Project) -> None:
    files.write(project.queue, queue_of(task("TASK-1", extra="**Gate:** a && b\n\n")))
    assert "its Gate can't be run: 'a && b' holds &&" in helper("check", folder=project.root).stdout


def test_the_agent_is_told_what_will_run(project: Project) -> None:
    gated(project)
    text = prompts.prompt(project, "TASK-1", state_file.read(project), queue_file.parsed(project))
    assert "runs `sh check.sh` first" in text


# Verification


def test_verification_begins_with_the_gate_and_its_agent_is_shown_the_output(project: Project) -> None:
    files.write(project.queue, queue_of(task("TASK-1")))
    configure(project, COMMAND)
    allow(project)
    assert begin(project, task("TASK-1"), words=("--verify",)) == ["SPAWN TASK-1 sonnet"]
    reports.begin(project, "TASK-1")
    gates.done(project, "TASK-1", 1, "", 20)
    write(project, "red")
    assert running.wait_for_step(project, "s1", 20) == [
        "done TASK-1 (1/1)",
        "gate before verify-0: red: `sh check.sh` (exit 1)",
        "SPAWN verify-0 opus",
    ]
    assert "ended with exit code 1:\n\n`````\nchecked\nit is red\n`````" in reports.begin(project, "verify-0")


# The engine mod, in which an agent's last message is its report


def test_a_last_message_is_no_report_where_a_gate_has_to_be_green(project: Project) -> None:
    gated(project)
    state_file.write(project, state_file.read(project)._replace(engine="mod"))
    assert "claudestrator-helper done TASK-1 --attempt 1" in prompts.prompt(
        project, "TASK-1", state_file.read(project), queue_file.parsed(project)
    )
    said = "REPORT TASK-1 attempt 1: done"
    with pytest.raises(ClaudestratorError, match="not done before its gate was green: report with"):
        final_message.take(project, "TASK-1", 1, said)
    assert marker_files.report_of(project, "TASK-1", 1) is None
    consent.forget(project)
    assert final_message.take(project, "TASK-1", 1, said)
