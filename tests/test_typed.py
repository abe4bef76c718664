"""A typed `/orchestrate`: its words begin one run, once, and no others ever do."""

import json
import threading
import time
from pathlib import Path

import pytest
from claudestrator_helper import __version__
from claudestrator_helper.commands import orchestrate
from claudestrator_helper.store import state_file, typed_command
from claudestrator_helper.store.paths import Project
from claudestrator_helper.system import processes
from queues import queue, task
from running import Result, helper
from states import changed

SESSION = "5f0c-session"
CALL = ("start", "--commands", __version__, "--session", SESSION)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A queue that is done, so that loops begin at once, and a folder for Claude Code's transcripts."""
    made = Project(str(tmp_path / "project"), str(tmp_path / "project" / ".claude"))
    Path(made.state).mkdir(parents=True)
    Path(made.queue).write_text(queue(task("TASK-001")))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "home"))
    (tmp_path / "home" / "projects" / "p").mkdir(parents=True)
    return made


def by_command(project: Project) -> list[str]:
    """What the command's shell block prints, without the note."""
    return [line for line in call(project, *CALL).stdout.splitlines() if not line.startswith("note: ")]


def call(project: Project, *words: str) -> Result:
    return helper(*words, folder=project.root, environ={"CLAUDE_CODE_SESSION_ID": SESSION})


def event(project: Project, name: str, **more: object) -> None:
    told = {"hook_event_name": name, "session_id": SESSION, "cwd": project.root, **more}
    helper("hook", folder=project.root, stdin=json.dumps(told).encode())


def types(project: Project, words: str, session: str = SESSION) -> None:
    event(project, "UserPromptExpansion", command_name="orchestrate", command_args=words, session_id=session)


def transcript(tmp_path: Path) -> Path:
    return tmp_path / "home" / "projects" / "p" / f"{SESSION}.jsonl"


def writes_down(tmp_path: Path, words: str, command: str = "/orchestrate", **more: object) -> None:
    """What Claude Code adds to the transcript for a typed command."""
    tags = {"message": command[1:], "name": command, "args": words}
    content = "\n".join(f"<command-{tag}>{text}</command-{tag}>" for tag, text in tags.items())
    entry = {"type": "user", "message": {"role": "user", "content": content}, **more}
    with transcript(tmp_path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def test_the_words_that_the_hook_saw_begin_the_run(project: Project) -> None:
    types(project, "3 a\nEND-x\n`b` $(c)")
    assert by_command(project) == ["SPAWN TASK-001 sonnet"]
    assert (state_file.read(project).loop.total, state_file.read(project).loop.focus) == (3, "a END-x `b` $(c)")


def test_words_are_used_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    types(project, "--takeover 3 a")
    by_command(project)
    typed_command.guard(project, permit=False)
    begun = state_file.read(project)
    monkeypatch.setattr(orchestrate, "_PATIENCE", 0.1)
    assert by_command(project) == ["WAIT"]
    assert orchestrate.after_start(project, SESSION)[0].startswith(
        "STOP neither a hook nor a transcript says what was typed: "
    )
    assert state_file.read(project) == begun
    assert call(project, "start", "--session", SESSION, "5").stdout.startswith("STOP only a typed `/orchestrate`")
    types(project, "")
    assert by_command(project)[-1].startswith(("SPAWN", "WAIT"))
    assert state_file.read(project).loop.focus == "a"


def test_after_the_run_no_job_of_an_agent_begins_one_in_anothers_name(project: Project) -> None:
    types(project, "")
    by_command(project)
    over = changed(state_file.read(project), status="finished", agents={}, process=processes.own())
    state_file.write(project, over)
    said = call(project, "start", "--session", "another", "5").stdout
    assert said.startswith("STOP only a typed `/orchestrate` starts a run here")


def test_of_two_words_that_were_typed_the_later_count(project: Project) -> None:
    types(project, "2 old")
    types(project, "")
    by_command(project)
    assert state_file.read(project).loop.focus == ""


def test_words_of_another_session_are_not_this_ones(project: Project) -> None:
    types(project, "2 mine")
    types(project, "2 theirs", session="another")
    by_command(project)
    assert state_file.read(project).loop.focus == "mine"


def test_words_that_no_command_came_for_are_not_the_next_ones(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed_command.note(project, SESSION, "plan", words="2 old")
    later = time.monotonic() + 3600
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert orchestrate.start(project, SESSION, None, __version__)[-1] == "WAIT"
    assert not state_file.read(project).unfinished


# Where no hook runs


def test_without_a_hook_the_wait_reads_the_words_in_the_transcript(project: Project, tmp_path: Path) -> None:
    writes_down(tmp_path, "9 old")
    assert by_command(project) == ["WAIT"]
    writes_down(tmp_path, "8 other", "/other")
    writes_down(tmp_path, "7 meta", isMeta=True)
    writes_down(tmp_path, "3 a </command-args> <b> & $(c)")
    assert call(project, "wait", "--max", "0").stdout == "SPAWN TASK-001 sonnet\n"
    assert (state_file.read(project).loop.total, state_file.read(project).loop.focus) == (
        3,
        "a </command-args> <b> & $(c)",
    )
    assert call(project, "wait", "--max", "0").stdout.startswith("still waiting")


@pytest.mark.parametrize("command", ["/orchestrate", "/claudestrator:orchestrate"])
def test_the_transcript_may_come_late_and_the_command_bare(project: Project, tmp_path: Path, command: str) -> None:
    by_command(project)
    late = threading.Timer(0.3, lambda: writes_down(tmp_path, "", command))
    late.start()
    assert call(project, "wait", "--max", "0").stdout == "SPAWN TASK-001 sonnet\n"
    late.join()


def test_words_that_mean_nothing_stop_there_too(project: Project, tmp_path: Path) -> None:
    by_command(project)
    writes_down(tmp_path, "3 --verfy")
    assert call(project, "wait").stdout.startswith("STOP '--verfy' is no option, did you mean --verify? ")
    assert not state_file.read(project).run


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        '{"type": "user"}',
        '{"type": "user", "message": 7}',
        '{"type": "user", "message": {"content": [1]}}',
    ],
)
def test_with_neither_hook_nor_transcript_nothing_starts(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    by_command(project)
    transcript(tmp_path).write_text(f"{line}<command-name>/orchestrate</command-name>\n")
    monkeypatch.setattr(orchestrate, "_PATIENCE", 0.1)
    [said] = orchestrate.after_start(project, SESSION)
    assert said.startswith("STOP neither a hook nor a transcript says what was typed: ")
    assert not state_file.read(project).run


# Who may wait


def test_a_wait_needs_the_orchestrators_own_call_however_it_is_spelled(project: Project) -> None:
    types(project, "")
    by_command(project)
    bash = {"tool_name": "Bash", "tool_input": {"command": "claudestrator-helper wait"}}
    event(project, "PreToolUse", **bash, agent_id="a1")
    refused = call(project, "wait", "--max", "0")
    assert (refused.code, refused.stderr.split(":")[1]) == (
        1,
        " only the orchestrator's own call of exactly `claudestrator-helper wait` waits here, and agents end with their report; where hooks were switched off, type /orchestrate again\n",
    )
    event(project, "PreToolUse", **bash)
    assert call(project, "wait", "--max", "0").stdout.startswith("still waiting")
    assert call(project, "wait", "--max", "0").code == 1


def test_a_run_that_began_with_hooks_goes_on_without_them(project: Project, tmp_path: Path) -> None:
    types(project, "2 old")
    by_command(project)
    typed_command.guard(project, permit=False)
    assert call(project, "wait", "--max", "0").stderr.endswith("switched off, type /orchestrate again\n")
    assert by_command(project) == ["WAIT"]
    writes_down(tmp_path, "3 new")
    assert call(project, "wait", "--max", "0").stdout == "SPAWN TASK-001 sonnet\n"
    assert (state_file.read(project).loop.total, state_file.read(project).loop.focus) == (3, "new")
    assert call(project, "wait", "--max", "0").stdout.startswith("still waiting")


def test_a_start_that_an_agent_calls_takes_no_step_and_costs_the_run_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(project, "")
    by_command(project)
    by_command(project)
    monkeypatch.setattr(orchestrate, "_PATIENCE", 0.1)
    typed_command.guard(project, permit=True)
    assert orchestrate.after_start(project, SESSION) == []


def test_where_no_hook_sees_the_calls_nobody_is_told_apart(project: Project) -> None:
    typed_command.guard(project, permit=False)
    types(project, "")
    by_command(project)
    for _ in range(2):
        assert call(project, "wait", "--max", "0").stdout.startswith("still waiting")


def test_what_is_in_the_permits_place_is_named(project: Project) -> None:
    types(project, "")
    by_command(project)
    Path(project.markers, ".permit").mkdir()
    event(project, "PreToolUse", tool_name="Bash", tool_input={"command": "claudestrator-helper wait"})
    refused = call(project, "wait", "--max", "0")
    assert (refused.code, f"{project.markers}/.permit" in refused.stderr) == (1, True)


@pytest.mark.parametrize("tool", [{"command": "claudestrator-helper prompt TASK-001"}, {"skill": "claudestrator:x"}])
def test_any_call_shows_that_a_hook_sees_them(project: Project, tool: dict[str, str]) -> None:
    types(project, "")
    by_command(project)
    event(project, "PreToolUse", tool_name="Bash" if "command" in tool else "Skill", tool_input=tool)
    assert call(project, "wait", "--max", "0").code == 1


def test_without_hooks_nobody_is_told_apart(project: Project, tmp_path: Path) -> None:
    by_command(project)
    writes_down(tmp_path, "")
    call(project, "wait", "--max", "0")
    assert call(project, "wait", "--max", "0").stdout.startswith("still waiting")


def test_a_skills_prompt_is_the_one_agents_at_work(project: Project) -> None:
    assert "0 agents are at work" in call(project, "prompt").stderr
    types(project, "")
    by_command(project)
    assert "# Your task: TASK-001" in call(project, "prompt").stdout
    call(project, "done", "TASK-001")
    assert "0 agents are at work" in call(project, "prompt").stderr
