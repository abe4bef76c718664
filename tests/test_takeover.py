"""Sessions that die or lose their run while their helpers and agents live on."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from claudestrator_helper.agents import reports
from claudestrator_helper.engine import settle_reports
from claudestrator_helper.engine.state import State
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import marker_files, state_file
from claudestrator_helper.store.paths import Project
from claudestrator_helper.system import processes
from queues import queue, task
from running import fork, helper, joined, killed
from states import changed, state_of


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(str(tmp_path), str(tmp_path / ".claude"))
    Path(made.state).mkdir()
    Path(made.queue).write_text(queue(task("TASK-001"), task("TASK-002")))
    return made


def by_claude(project: Project, *words: str, session: str = "s", orphaned: bool = False) -> str:
    """What the helper says as a grandchild of a process like Claude Code's, behind a shell; *orphaned*: one that is
    killed before the helper looks up."""
    said = Path(project.root, "said")
    said.unlink(missing_ok=True)

    def shell(claude: int) -> Callable[[], None]:
        def work() -> None:
            Path("/proc/self/comm").write_text("bash")
            if orphaned:
                os.kill(claude, signal.SIGKILL)
                while os.getppid() == claude:
                    time.sleep(0.01)
            environment = {"CLAUDE_CODE_SESSION_ID": session, "CLAUDE_PID": str(claude)}
            done = helper(*words, folder=project.root, environ=environment)
            Path(project.root, "saying").write_text(done.stdout + done.stderr)
            Path(project.root, "saying").rename(said)

        return work

    joined([fork(lambda: joined([fork(shell(os.getpid()))]))])  # type: ignore[arg-type]
    while not said.exists():
        time.sleep(0.02)
    return said.read_text()


def test_a_call_whose_session_died_before_it_looked_up_takes_no_run(project: Project) -> None:
    assert "the session that called this is gone" in by_claude(project, "start", "--session", "one", orphaned=True)
    assert by_claude(project, "start", "--session", "two").endswith("SPAWN TASK-001 sonnet\n")


def test_a_wait_ends_with_a_claude_code_that_does_not_say_which_process_it_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle_reports, "LAUNCH", 0.1)
    assert helper("start", "--session", "s", folder=project.root).stdout.endswith("SPAWN TASK-001 sonnet\n")
    said, waits = Path(project.root, "said"), Path(project.markers, ".wait")

    def shell() -> None:
        done = helper("wait", "--session", "s", "--max", "60", folder=project.root)
        said.with_suffix(".part").write_text(done.stderr)
        said.with_suffix(".part").rename(said)

    claude = fork(lambda: joined([fork(shell)]))  # type: ignore[arg-type]
    while not waits.exists():
        time.sleep(0.02)
    time.sleep(0.3)
    assert not said.exists()
    killed(claude)
    began = time.monotonic()
    while not said.exists() and time.monotonic() < began + 30:
        time.sleep(0.02)
    assert "the session that waited here is gone" in said.read_text()


def test_an_agent_of_a_session_that_is_alive_and_lost_the_run_gets_no_work(project: Project) -> None:
    assert by_claude(project, "start", "--session", "one").endswith("SPAWN TASK-001 sonnet\n")
    own = {"CLAUDE_PID": str(os.getpid())}
    helper("start", "--session", "two", "--takeover", folder=project.root, environ=own)
    assert "another session has taken over TASK-001: end here" in by_claude(
        project, "prompt", "TASK-001", session="one"
    )


def test_such_an_agent_gets_none_when_the_session_that_took_over_has_died(project: Project) -> None:
    assert by_claude(project, "start", "--session", "one").endswith("SPAWN TASK-001 sonnet\n")
    assert by_claude(project, "start", "--session", "two", "--takeover", session="two").endswith(" sonnet\n")
    said = by_claude(project, "prompt", "TASK-001", session="one")
    assert "another session has taken over TASK-001: end here" in said
    assert marker_files.begun(project, "TASK-001", 2) is None


def test_a_report_that_comes_while_another_session_takes_over_is_refused_or_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper("start", "--session", "one", folder=project.root)
    real = marker_files.begun

    def meanwhile(of: Project, id_: str, attempt: int) -> str | None:
        helper("start", "--session", "two", "--takeover", folder=project.root)
        return real(of, id_, attempt)

    monkeypatch.setattr(marker_files, "begun", meanwhile)
    with pytest.raises(ClaudestratorError, match="attempt 1 of TASK-001 is over"):
        reports.done(project, "TASK-001", 1, "")
    assert marker_files.report_of(project, "TASK-001", 2) is None


def test_failures_count_over_all_sessions_of_a_run(project: Project) -> None:
    for number in (1, 2):
        helper("start", "--session", f"s{number}", "--takeover", folder=project.root)
        attempt = state_file.read(project).agents["TASK-001"].attempt
        helper("fail", "TASK-001", "--attempt", str(attempt), "red", folder=project.root)
        helper("wait", "--max", "0", folder=project.root)
    assert state_file.read(project).failed == {"TASK-001": "red"}


CLONED = state_of(run="r", status="running", session="s0", loops=9, loop=8, focus="evil", heartbeat=1)
ELSEWHERE = "another-host/another-boot/1/2/3"


def begun_by(project: Project, found: State, *words: str, **environ: str) -> str:
    """What `start` says where that state came with the project."""
    state_file.write(project, found)
    return helper("start", "--session", "mine", *words, folder=project.root, environ=environ).stdout


@pytest.mark.parametrize("status", ["running", "stopping", "stopped"])
@pytest.mark.parametrize(
    "found", [CLONED, changed(CLONED, session=""), changed(CLONED, process=ELSEWHERE), changed(CLONED, origin="0" * 32)]
)
def test_a_run_that_came_with_a_clone_is_not_gone_on_with_unasked(project: Project, found: State, status: str) -> None:
    found = changed(found, status=status)
    for words in ([], ["3", "doors"]):
        assert begun_by(project, found, *words).startswith("STOP the run here was begun on another machine")
    assert helper("wait", "--max", "0", folder=project.root).code == 1
    assert state_file.read(project) == found
    assert begun_by(project, found, "--takeover").endswith("SPAWN TASK-001 sonnet\n")
    assert (state_file.read(project).run, state_file.read(project).loop.total) == ("r", 9)


def test_a_run_that_came_with_a_clone_and_is_over_keeps_nobody_from_a_new_one(project: Project) -> None:
    assert begun_by(project, changed(CLONED, status="finished")).endswith("SPAWN TASK-001 sonnet\n")
    assert (state_file.read(project).run == "r", state_file.read(project).loop.focus) == (False, "")


def test_a_run_is_gone_on_with_in_any_session_and_folder_of_the_user_who_began_it(project: Project) -> None:
    assert begun_by(project, State()).endswith("SPAWN TASK-001 sonnet\n")
    gone = changed(state_file.read(project), session="gone", heartbeat=1)
    assert begun_by(project, gone).endswith("SPAWN TASK-001 sonnet\n")
    assert begun_by(project, gone, XDG_STATE_HOME=f"{project.root}/other").startswith("STOP the run here was begun on")
    assert begun_by(project, changed(gone, run="another")).startswith("STOP the run here was begun on")
    assert Path(os.environ["XDG_STATE_HOME"], "claudestrator").stat().st_mode & 0o077 == 0


def test_of_the_runs_of_older_versions_those_since_the_machine_was_started_are_gone_on_with(project: Project) -> None:
    _, boot, namespace = processes._machine()
    older = changed(CLONED, loops=0, process=f"{os.uname().nodename}/{boot}/{namespace}/4194305/1")
    assert begun_by(project, older).endswith("SPAWN TASK-001 sonnet\n")
    assert begun_by(project, changed(older, process=older.owner.process.replace(boot, "-"))).startswith(
        "STOP the run here"
    )


def test_where_no_key_can_be_kept_a_run_goes_on_in_its_own_session_only(project: Project) -> None:
    Path(project.root, "file").touch()
    nowhere = {"XDG_STATE_HOME": f"{project.root}/file"}
    assert begun_by(project, State(), **nowhere).endswith("SPAWN TASK-001 sonnet\n")
    kept = state_file.read(project)
    assert kept.owner.origin == ""
    assert begun_by(project, kept, **nowhere).endswith("SPAWN TASK-001 sonnet\n")
    assert begun_by(project, changed(kept, session="gone", heartbeat=1), **nowhere).startswith("STOP the run here")
