"""Which process of Claude Code has a run, and whether it lives."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from claudestrator_helper import host
from claudestrator_helper.system import processes

HELPER = str(Path(processes.__file__).parents[1])
SAY = [sys.executable, "-c", "from claudestrator_helper.system import processes; print(processes.current())"]


def said(*command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": HELPER}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def parts() -> list[str]:
    return said(*SAY).split("/")


@pytest.fixture(autouse=True)
def claude(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is Claude Code to all that it starts."""
    monkeypatch.setenv("CLAUDE_PID", str(os.getpid()))


def test_the_owner_is_the_process_that_claude_code_says_it_is() -> None:
    quoted = f"{SAY[0]} -c '{SAY[2]}'; true"
    straight = said(*SAY)
    assert straight.split("/")[3] == str(os.getpid())
    assert said("bash", "-c", quoted) == said("timeout", "9", "sh", "-c", quoted) == straight


def test_a_call_by_anybody_else_has_no_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = subprocess.Popen(["sleep", "60"])
    monkeypatch.setenv("CLAUDE_PID", str(stale.pid))
    assert said(*SAY) == "", "it is another's child"
    stale.kill()
    stale.wait()
    monkeypatch.delenv("CLAUDE_PID")
    assert said(*SAY) == ""


def test_of_a_release_that_does_not_say_it_the_nearest_claude_code_above_is_the_owner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLAUDE_PID")
    monkeypatch.setenv("AI_AGENT", "claude-code_2-1-145_agent")
    script = f"import os, subprocess; open('/proc/self/comm', 'w').write('{host.PROGRAM}'); print(os.getpid())"
    claude = [sys.executable, "-c", f"{script}; print(subprocess.check_output({SAY!r}, text=True))"]
    if not Path("/proc/self/comm").exists():
        pytest.skip("a process can't name itself on this machine")
    number, owner = said(sys.executable, "-u", *claude[1:]).split()
    assert owner.split("/")[3] == number
    monkeypatch.setenv("AI_AGENT", "claude-code_2-1-332_agent")
    assert len(said(sys.executable, "-u", *claude[1:]).split()) == 1, "it is a caller whose environment was cleared"


def test_it_lives_until_it_is_dead_collected_or_not() -> None:
    pid = subprocess.Popen(["sleep", "60"])
    (mine, *_, start) = said(*SAY).rsplit("/", 2)
    found = processes._process(pid.pid)
    assert found is not None
    named = f"{mine}/{pid.pid}/{found.start}"
    assert processes.alive(named) is True
    assert processes.alive(f"{mine}/{pid.pid}/{start}0") is False, "another process with its number"
    pid.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, pid.pid, os.WEXITED | os.WNOWAIT)
    assert processes.alive(named) is False
    pid.wait()
    assert processes.alive(named) is False


def test_in_a_sandbox_that_shows_no_process_outside_nobody_is_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    unshare = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespace of processes on this machine")
    script = f"import subprocess; open('/proc/self/comm', 'w').write('{host.SANDBOX}'); subprocess.run({SAY!r})"
    monkeypatch.setenv("CLAUDE_PID", str(os.getpid()))
    assert said(*unshare, sys.executable, "-c", script) == ""


def test_after_a_reboot_it_is_dead() -> None:
    host, _, namespace, pid, start = parts()
    assert processes.alive(f"{host}/another-boot/{namespace}/{pid}/{start}") is False


@pytest.mark.parametrize("at", [0, 2])
def test_of_another_machine_or_container_nobody_can_tell(at: int) -> None:
    named = parts()
    named[at] += "9"
    assert processes.alive("/".join(named)) is None


@pytest.mark.parametrize("text", ["", "x", "a/b/c/d/e/f", "////", "\0/\0/\0/\0/\0"])
def test_of_what_names_no_process_nobody_can_tell(text: str) -> None:
    assert processes.alive(text) is None


def test_where_there_is_no_proc_ps_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = processes._process(os.getpid())
    by_ps = processes._process_by_ps(os.getpid())
    assert found is not None
    assert by_ps is not None
    assert (by_ps.parent, bool(by_ps.start)) == (found.parent, True)
    assert processes._process_by_ps(2**22 + 1) is None
    monkeypatch.setenv("PATH", "")
    assert processes._process_by_ps(os.getpid()) is None
