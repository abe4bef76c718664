"""Which Bash calls run without a prompt: one plain call of the helper, whatever the shell makes of the rest."""

import os
import shutil
import subprocess
from pathlib import Path

import hypothesis.strategies as st
import pytest
from claudestrator_helper.hooks import approval
from examples import TIMES
from hypothesis import given, settings

NOTE = "claudestrator-helper done TASK-001 --attempt 2 - <<'NOTE'\n{}\nNOTE"
PLAIN = [
    "claudestrator-helper wait",
    "claudestrator-helper wait\n",
    "claudestrator-helper prompt TASK-001",
    "claudestrator-helper fail TASK-001 --attempt 1 'the tests do not pass; $(see) `it` && \"that\"'",
    "claudestrator-helper tasks --json",
    "claudestrator-helper stop",
    NOTE.format('It\'s $HOME `there` "now" & | ; > x\n\ttab, é, 界 \\'),
    NOTE.format("NOTE \n NOTE\nNOTES"),
    "claudestrator-helper add-tasks - <<'TASKS'\n### TASK-001\n\n| a | b |\nTASKS\n",
]
NOT_PLAIN = [
    "",
    " claudestrator-helper wait",
    "claudestrator-helper",
    "claudestrator-helper  wait",
    "claudestrator-helper wait ; ls",
    "claudestrator-helper wait; ls",
    "claudestrator-helper wait && ls",
    "claudestrator-helper wait | sh",
    "claudestrator-helper wait &",
    "claudestrator-helper wait\nls",
    "claudestrator-helper wait\r\nls",
    "claudestrator-helper wait\n\nls",
    "claudestrator-helper wait > ~/.bashrc",
    "claudestrator-helper wait >/dev/null",
    "claudestrator-helper wait $(id)",
    "claudestrator-helper wait `id`",
    "claudestrator-helper wait $HOME",
    'claudestrator-helper fail X "$(id)"',
    'claudestrator-helper fail X "plain"',
    "claudestrator-helper fail X 'it'\\''s'",
    "claudestrator-helper fail X 'a'b",
    "claudestrator-helper fail X 'a\nb'",
    "claudestrator-helper fail X 'open",
    "claudestrator-helper fail X *",
    "claudestrator-helper fail X ~",
    "claudestrator-helper fail X {a,b}",
    "claudestrator-helper fail X =ls",
    "claudestrator-helper fail X !!",
    "claudestrator-helper fail X #",
    "claudestrator-helper fail X <(id)",
    "claudestrator-helper fail X - < /etc/passwd",
    "claudestrator-helper --project /elsewhere wait",
    "claudestrator-helper wait --project /elsewhere",
    "claudestrator-helper wait --project=/elsewhere",
    "claudestrator-helper wait '--project' /elsewhere",
    "claudestrator-helper set-status TASK-001 completed",
    "claudestrator-helper state session x",
    "claudestrator-helper start",
    "claudestrator-helper waits",
    "claudestrator-helperx wait",
    "./claudestrator-helper wait",
    "/tmp/claudestrator-helper wait",
    "X=1 claudestrator-helper wait",
    "PATH=/tmp claudestrator-helper wait",
    "ls; claudestrator-helper wait",
    "sudo claudestrator-helper wait",
    "claudestrator-helper done X - <<NOTE\n$(id)\nNOTE",
    'claudestrator-helper done X - <<"NOTE"\nx\nNOTE',
    "claudestrator-helper done X - <<-'NOTE'\nx\n\tNOTE",
    "claudestrator-helper done X - <<'NOTE'; ls\nx\nNOTE",
    "claudestrator-helper done X - <<'NOTE'\nx\nNOTE\nls",
    "claudestrator-helper done X - <<'NOTE'\nNOTE\nls\nNOTE",
    "claudestrator-helper done X - <<'NOTE'\nx\nNOTE\n\nls",
    "claudestrator-helper done X - <<'NOTE'\nx",
    "claudestrator-helper done X - <<'NOTE'\nx\nNOTE ",
    "claudestrator-helper done X - <<'NOTE'\nx\r\nNOTE",
    "claudestrator-helper done X - <<'NOTE'\nx\0\nNOTE",
    "claudestrator-helper done X - <<'NOTE' <<'OTHER'\nx\nNOTE\ny\nOTHER",
    "claudestrator-helper wait\u00a0x",
    "claudestrator-helper wait\u2028ls",
    "claudestrator-helper fail X \u2019x\u2019",
]


@pytest.mark.parametrize("command", PLAIN)
def test_a_plain_call_needs_no_prompt(command: str) -> None:
    assert approval.is_plain({"command": command, "timeout": 3600000, "description": "wait"})


@pytest.mark.parametrize("command", NOT_PLAIN)
def test_anything_else_asks_as_ever(command: str) -> None:
    assert not approval.is_plain({"command": command})


@pytest.mark.parametrize("given", [{}, {"command": 7}, {"command": ["claudestrator-helper wait"]}])
def test_what_holds_no_command_is_not_approved(given: dict[str, object]) -> None:
    assert not approval.is_plain(given)


def test_a_call_that_asks_to_leave_the_sandbox_is_not_approved() -> None:
    assert not approval.is_plain({"command": "claudestrator-helper wait", "dangerouslyDisableSandbox": True})


SHELLS = [found for found in map(shutil.which, ("bash", "sh", "zsh")) if found]
PIECES = st.sampled_from(
    ["claudestrator-helper", "done", "fail", "wait", "TASK-1", "-", "<<'A'", "<<A", "A", "\n", "\nA", "\nA\n", "'", '"', " ", "  ", "\t",
     ";", "&", "|", ">", "<", "(", ")", "$", "$(touch x)", "`touch x`", "\\", "#", "!", "~", "*", "{a,b}", "=", "%", "\r", "\0", "\x1b",
     "touch x", "'touch x'", "\nA\ntouch x", "\u00a0", "\u2028", "é", "--json", "[x]", "^", "0<", "2>x", "\\\n", "''"]
)  # fmt: skip
HEADS = st.sampled_from(
    ["claudestrator-helper done TASK-1", "claudestrator-helper done X - <<'A'\n", "claudestrator-helper wait", ""]
)
COMMANDS = st.builds(lambda head, rest: head + "".join(rest), HEADS, st.lists(PIECES, max_size=8)) | st.builds(
    lambda pieces: f"claudestrator-helper done X - <<'A'\n{''.join(pieces)}\nA", st.lists(PIECES, max_size=8)
)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a helper that says how it was called, and nothing else that a shell could run but `touch`."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "claudestrator-helper").write_text('#!/bin/sh\nprintf "called %s\\n" "$#" >>calls\n')
    (folder / "claudestrator-helper").chmod(0o755)
    (folder / "touch").symlink_to(shutil.which("touch") or "/bin/touch")
    return folder


@settings(max_examples=500 * TIMES)
@given(COMMANDS)
def test_whatever_is_approved_is_one_call_to_every_shell(
    tools: Path, tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    if not approval.is_plain({"command": command}):
        return
    for shell in SHELLS:
        folder = tmp_path_factory.mktemp("ran")
        done = subprocess.run(
            [shell, "-c", command], cwd=folder, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert os.listdir(folder) == ["calls"]
        assert (folder / "calls").read_text().count("called") == 1
