"""Sessions that die or lose their run while their helpers and agents live on."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from claudestrator_helper import markers, report, state
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.paths import Project
from queues import queue, task
from running import fork, helper, joined


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


def test_an_agent_of_a_session_that_is_alive_and_lost_the_run_gets_no_work(project: Project) -> None:
    assert by_claude(project, "start", "--session", "one").endswith("SPAWN TASK-001 sonnet\n")
    own = {"CLAUDE_PID": str(os.getpid())}
    helper("start", "--session", "two", "--takeover", folder=project.root, environ=own)
    assert "another session has taken over TASK-001: end here" in by_claude(
        project, "prompt", "TASK-001", session="one"
    )


def test_a_report_that_comes_while_another_session_takes_over_is_refused_or_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper("start", "--session", "one", folder=project.root)
    real = markers.begun

    def meanwhile(of: Project, id_: str, attempt: int) -> str | None:
        helper("start", "--session", "two", "--takeover", folder=project.root)
        return real(of, id_, attempt)

    monkeypatch.setattr(markers, "begun", meanwhile)
    with pytest.raises(ClaudestratorError, match="attempt 1 of TASK-001 is over"):
        report.done(project, "TASK-001", 1, "")
    assert markers.report_of(project, "TASK-001", 2) is None


def test_failures_count_over_all_sessions_of_a_run(project: Project) -> None:
    for number in (1, 2):
        helper("start", "--session", f"s{number}", "--takeover", folder=project.root)
        attempt = state.read(project).agents["TASK-001"].attempt
        helper("fail", "TASK-001", "--attempt", str(attempt), "red", folder=project.root)
        helper("wait", "--max", "0", folder=project.root)
    assert state.read(project).failed == {"TASK-001": "red"}
