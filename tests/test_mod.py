"""What the mod asks the helper, and what an agent that reports by its last message comes to."""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from claudestrator_helper.agents import final_message, reports
from claudestrator_helper.engine import begin_run, config, markers
from claudestrator_helper.engine.choice import Able, choose
from claudestrator_helper.engine.config import AUTO, LEAN, MOD, TASK
from claudestrator_helper.engine.options import understood
from claudestrator_helper.engine.state import State
from claudestrator_helper.errors import TransientError
from claudestrator_helper.hooks import subagent_stop
from claudestrator_helper.run import steering, steps
from claudestrator_helper.store import files, marker_files, run_log, state_file
from claudestrator_helper.store.paths import Project
from claudestrator_helper.system import processes
from claudestrator_helper.texts import queue as q
from queues import queue, task
from running import helper

NEEDS_TOML = pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on")

SESSION, AGENT = "5f0c-session", "a1b2c3"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(str(tmp_path), str(tmp_path / ".claude"))
    Path(made.state).mkdir()
    Path(made.queue).write_text(queue(task("TASK-1"), task("TASK-2", dependencies="TASK-1")))
    return made


def ask(project: Project, *words: str, session: str = SESSION, **question: Any) -> dict[str, Any]:
    """What the mod is answered."""
    call = [*words, "--session", session, "--mod"]
    found = helper(*call, folder=project.root, stdin=json.dumps(question).encode())
    assert (found.code, found.stderr) == (0, ""), found
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def start(project: Project, words: str = "", **more: Any) -> dict[str, Any]:
    return ask(project, "start", words=words, **more)


def wait(project: Project, key: str, **more: Any) -> dict[str, Any]:
    return ask(project, "wait", "--max", "0", key=key, **more)


def launched(project: Project, id_: str = "TASK-1", attempt: int = 1) -> None:
    marker_files.leave(project, id_, markers.AGENT, attempt, AGENT)


def kinds(answer: dict[str, Any]) -> list[str]:
    return [" ".join(filter(None, (each["kind"], each.get("id")))) for each in answer["directives"]]


def report(attempt: int = 1, word: str = "done", below: str = "it is in src/door.py") -> str:
    return f"REPORT TASK-1 attempt {attempt}: {word}\n\n{below}"


def test_a_run_begins_with_the_agents_whole_prompt_and_a_key_that_no_file_has(project: Project) -> None:
    begun = start(project, "--parallel 2")
    (spawned,) = begun["directives"]
    assert (spawned["kind"], spawned["id"], spawned["model"], spawned["attempt"]) == ("SPAWN", "TASK-1", "sonnet", 1)
    assert "# Your task: TASK-1" in spawned["prompt"]
    assert "REPORT TASK-1 attempt 1: done" in spawned["prompt"]
    assert "claudestrator-helper" not in spawned["prompt"]
    state = state_file.read(project)
    assert (state.engine, state.parallel, state.owner.hooked, state.owner.session) == (MOD, 2, True, SESSION)
    texts = [path.read_text() for path in Path(project.state).rglob("*") if path.is_file()]
    secret, *heard = begun["key"].split()
    assert (len(secret), heard) == (32, [state.run, "0"])
    assert not any(secret in text for text in texts)


@pytest.mark.parametrize("words", ["status", "help", "--help", "--dry-run", "stop"])
def test_words_that_ask_for_no_run_are_answered_with_lines(project: Project, words: str) -> None:
    answer = start(project, words)
    assert answer["directives"] == []
    assert answer["lines"]
    assert not any(line.startswith("STOP") for line in answer["lines"])
    assert not Path(project.session).exists()


def test_a_refusal_is_a_stop(project: Project) -> None:
    answer = start(project, "--paralel 4")
    assert (kinds(answer), answer["directives"][0]["exitCode"]) == (["STOP"], 1)


@pytest.mark.parametrize(("second", "code"), [("completed", None), ("skipped", None), ("failed", 1), ("blocked", 1)])
def test_a_headless_run_that_leaves_tasks_ends_with_another_exit_code(
    project: Project, second: str, code: int | None
) -> None:
    Path(project.queue).write_text(queue(task("TASK-1", status="completed"), task("TASK-2", status=second)))
    (stop,) = start(project)["directives"]
    assert (stop["kind"], stop.get("exitCode")) == ("STOP", code)


def test_a_run_that_was_stopped_has_not_succeeded(project: Project) -> None:
    key = start(project)["key"]
    helper("stop", folder=project.root)
    launched(project)
    ask(project, "ended", key=key, agent=AGENT, status="completed", text=report())
    (stop,) = wait(project, key)["directives"]
    assert (stop["kind"], stop["exitCode"]) == ("STOP", 1)


@pytest.mark.parametrize(
    ("words", "configured"),
    [
        ("--engine task", ""),
        ("--engine lean", ""),
        *(pytest.param("", each, marks=NEEDS_TOML) for each in (TASK, LEAN)),
    ],
)
def test_a_run_that_another_engine_is_to_carry_out_is_left_to_the_command(
    project: Project, words: str, configured: str
) -> None:
    if configured:
        files.write(project.config, f'[run]\nengine = "{configured}"\n')
    assert start(project, words) == {"engine": configured or words.removeprefix("--engine ")}
    assert not Path(project.session).exists()


def test_whatever_a_person_types_is_words(project: Project) -> None:
    start(project, "3 a\n'; $(touch x) `touch y` <<END\nEND")
    assert state_file.read(project).loop.focus == "a '; $(touch x) `touch y` <<END END"
    assert sorted(path.name for path in Path(project.root).iterdir()) == [".claude"]


def test_the_next_task_begins_when_the_first_has_reported(project: Project) -> None:
    key = start(project)["key"]
    launched(project)
    assert kinds(wait(project, key)) == ["WAIT"]
    ask(project, "ended", key=key, agent=AGENT, status="completed", text=report())
    answer = wait(project, key)
    assert answer["lines"] == ["done TASK-1 (1/2)"]
    assert kinds(answer) == ["SPAWN TASK-2"]
    assert "it is in src/door.py" in answer["directives"][0]["prompt"]


def test_what_a_person_is_told_comes_at_once_while_others_are_at_work(project: Project) -> None:
    Path(project.queue).write_text(queue(*(task(f"TASK-{n}", extra=f"**Files:** src/{n}.py\n\n") for n in (1, 2))))
    key = start(project, "--parallel 2")["key"]
    launched(project)
    ask(project, "ended", key=key, agent=AGENT, status="completed", text=report())
    answer = wait(project, key)
    assert (answer["lines"], kinds(answer)) == (["done TASK-1 (1/2)"], ["WAIT"])


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        ("completed", "All of it works now.", "ended without reporting"),
        ("completed", report(2), "ended without reporting"),
        ("completed", report().replace("TASK-1", "TASK-2"), "ended without reporting"),
        ("completed", report() + "\n" + report(word="failed"), "ended without reporting"),
        ("completed", report(word="failed", below="the tests do not pass"), "the tests do not pass"),
        ("failed", "half a mess", "ended by an error of the API: unknown"),
    ],
)
def test_an_agent_without_a_clear_report_of_success_is_tried_again(
    project: Project, status: str, text: str, reason: str
) -> None:
    key = start(project)["key"]
    launched(project)
    ask(project, "ended", key=key, agent=AGENT, status=status, text=text)
    answer = wait(project, key)
    assert answer["lines"] == [f"failed TASK-1: {reason}; retrying with opus"]
    assert reason in answer["directives"][0]["prompt"]


def test_an_agent_that_a_person_has_stopped_has_not_failed(project: Project) -> None:
    key = start(project)["key"]
    launched(project)
    ask(project, "ended", key=key, agent=AGENT, status="stopped", text="")
    answer = wait(project, key)
    assert answer["lines"] == ["lost TASK-1: ended by an interruption"]
    assert (answer["directives"][0]["model"], answer["directives"][0]["attempt"]) == ("sonnet", 2)


def test_the_end_of_another_agent_decides_nothing(project: Project) -> None:
    key = start(project)["key"]
    launched(project)
    ask(project, "ended", key=key, agent="someone", status="completed", text=report())
    ask(project, "ended", key="guessed", agent=AGENT, status="completed", text=report())
    assert kinds(wait(project, key)) == ["WAIT"]


def test_an_agent_that_claude_code_refuses_is_asked_for_again_until_it_makes_no_sense(project: Project) -> None:
    answer = start(project)
    key = answer["key"]
    for _ in range(4):
        refused = [{"id": "TASK-1", "attempt": 1, "why": "no"}]
        answer = wait(project, key, refused=refused)
        assert kinds(answer) == ["SPAWN TASK-1"]
    answer = wait(project, key, refused=[{"id": "TASK-1", "attempt": 1, "why": "no"}])
    assert kinds(answer) == ["STOP"]
    assert "not started" in answer["directives"][0]["sentence"]
    assert state_file.read(project).status == "stopped"


def test_without_the_key_no_one_waits_or_starts_in_the_runs_own_process(project: Project) -> None:
    key = start(project)["key"]
    before = state_file.read(project)
    for guess in ("", "guessed", before.owner.mod):
        answer = wait(project, guess)
        assert kinds(answer) == ["STOP"]
        assert "taken over" in answer["directives"][0]["sentence"]
        assert start(project, key=guess) == {"engine": "task"}
        assert start(project, "--takeover", key=guess) == {"engine": "task"}
        assert start(project, resume=True, key=guess) == {"engine": "task"}
    said = helper("wait", "--max", "0", folder=project.root, environ={"CLAUDE_CODE_SESSION_ID": SESSION})
    assert (said.code, "itself" in said.stderr) == (1, True)
    assert state_file.read(project) == before
    assert kinds(wait(project, key)) == ["WAIT"]


@pytest.mark.parametrize("session", [SESSION, "another"])
def test_an_agents_shell_does_not_start_either(project: Project, session: str) -> None:
    start(project)
    before = state_file.read(project)
    said = helper("start", "--session", session, "5", folder=project.root)
    assert said.stdout.startswith("STOP only a typed `/orchestrate` starts a run here")
    assert state_file.read(project) == before


def test_without_the_key_no_job_that_outlives_the_run_begins_the_next(project: Project) -> None:
    key = start(project)["key"]
    state_file.write(project, state_file.read(project)._replace(status="finished", tasks={}))
    Path(project.queue).write_text(queue(task("TASK-1", status="completed"), task("TASK-2")))
    assert ask(project, "start", session="another", words="3", key="guessed") == {"engine": "task"}
    said = helper("start", "--session", "another", "3", folder=project.root)
    assert said.stdout.startswith("STOP only a typed `/orchestrate` starts a run here")
    assert kinds(start(project, key=key)) == ["SPAWN TASK-2"]


@pytest.mark.parametrize(("above", "begins"), [("shell", False), ("Claude Code", True)])
def test_a_job_that_outlives_a_run_of_another_engine_begins_no_run_of_the_mod(
    project: Project, above: str, begins: bool
) -> None:
    start(project)
    current = state_file.read(project)
    owner = current.owner._replace(mod="")
    if above == "shell":
        # What has called the helper is below the process that had the run.
        machine, grandparent = owner.process.rsplit("/", 2)[0], processes._process(os.getppid())
        assert grandparent
        owner = owner._replace(process=f"{machine}/{os.getppid()}/{grandparent.start}")
    state_file.write(project, current._replace(status="finished", engine=TASK, owner=owner, tasks={}))
    assert ("key" in start(project)) == begins


def test_with_the_key_the_run_goes_on_after_a_reload_and_its_agents_with_it(project: Project) -> None:
    key = start(project)["key"]
    launched(project)
    again = start(project, resume=True, key=key)
    assert kinds(again) == ["WAIT"]
    assert kinds(wait(project, key)) == ["STOP"]
    assert kinds(wait(project, again["key"])) == ["WAIT"]


def test_the_first_line_names_the_engine_where_it_was_chosen_for_the_person(project: Project) -> None:
    begun = start(project)
    assert begun["lines"][0] == "engine mod (the plugin itself runs the agents)"
    again = start(project, resume=True, key=begun["key"])
    assert not any(line.startswith("engine") for line in again["lines"])
    assert (begun["opening"], again["opening"]) == ("The run has begun.", "The run goes on.")


def test_who_typed_the_engine_is_not_told_it(project: Project) -> None:
    assert not any(line.startswith("engine") for line in start(project, words="--engine mod")["lines"])


@pytest.mark.parametrize(
    ("words", "said"), [("status", "run: running"), ("--dry-run", "TASK-1"), ("stop", "The run will stop")]
)
def test_words_that_begin_no_run_are_answered_during_one(project: Project, words: str, said: str) -> None:
    start(project)
    answer = start(project, words=words)
    assert said in "\n".join(answer["lines"])
    assert not any("STOP" in line for line in answer["lines"])
    assert answer["directives"] == []


def test_a_start_ends_an_earlier_wait(project: Project) -> None:
    key = start(project)["key"]
    launched(project)
    turn = steps.take_turn(project, SESSION, int(time.time()))
    start(project, key=key)
    assert steps._look(project, turn, int(time.time()))[1] is None


def test_an_agent_that_had_not_been_started_at_a_reload_is_asked_for_again(project: Project) -> None:
    key = start(project)["key"]
    assert kinds(start(project, resume=True, key=key)) == ["SPAWN TASK-1"]


def test_a_session_without_such_a_run_resumes_nothing(project: Project) -> None:
    assert start(project, resume=True) == {"engine": ""}
    key = start(project)["key"]
    state = state_file.read(project)
    state_file.write(project, state._replace(owner=state.owner._replace(process=f"{state.owner.process}0")))
    assert ask(project, "start", session="another", resume=True, key=key) == {"engine": ""}


def test_a_run_goes_on_after_a_reload_in_a_session_that_was_cleared(project: Project) -> None:
    key = start(project)["key"]
    launched(project)
    assert kinds(ask(project, "start", session="cleared", resume=True, key=key)) == ["WAIT"]


def test_what_is_drawn_says_what_is_done_what_runs_and_what_comes_next(project: Project) -> None:
    Path(project.queue).write_text(
        queue(
            task("TASK-0", status="failed"),
            task("TASK-1"),
            task("TASK-2", dependencies="TASK-1"),
            task("TASK-3"),
            task("TASK-4", status="skipped"),
        )
    )
    begun = start(project)
    band = begun["band"]
    (running,) = band.pop("running")
    since = state_file.read(project).agents["TASK-1"].claimed
    assert (running["id"], running["model"], running["attempt"], running["since"]) == ("TASK-1", "sonnet", 1, since)
    assert running["what"]
    assert band.pop("next")["id"] == "TASK-2"
    assert band == {"done": 0, "failed": 1, "total": 4, "loop": 0, "loops": 0, "status": ""}
    # Without a terminal of its own, a plugin's helper is on no PATH.
    assert steering.pause(project).endswith("; `/claudestrator-resume` continues it.")


@pytest.mark.parametrize(
    ("state", "configured", "words", "by_mod", "otherwise"),
    [
        (State(), AUTO, "", MOD, TASK),
        (State(), AUTO, "--parallel 3", MOD, TASK),
        (State(), AUTO, "--engine lean", LEAN, LEAN),
        (State(), TASK, "", TASK, TASK),
        (State(), MOD, "", MOD, TASK),
        (State(status="stopped", engine=MOD), AUTO, "", MOD, TASK),
        (State(status="stopped", engine=LEAN), AUTO, "", LEAN, LEAN),
        (State(status="finished", engine=LEAN), AUTO, "", MOD, TASK),
    ],
)
def test_the_engine_of_a_run(state: State, configured: str, words: str, by_mod: str, otherwise: str) -> None:
    settings, asked = config.Config(engine=configured), understood(words.split())
    wish = begin_run.wish_of(state, settings, asked)
    assert choose(wish, 1, Able(mod=True)).engine == by_mod
    assert choose(wish, 1, Able()).engine == otherwise


@pytest.mark.parametrize(
    "text",
    [
        report(),
        "I have built the door.\n\n" + report(),
        "**REPORT TASK-1 attempt 1: done**\n\nit is in src/door.py",
        "```\nREPORT TASK-1 attempt 1: done\nit is in src/door.py\n```",
    ],
)
def test_a_clear_report_is_taken_with_its_note(project: Project, text: str) -> None:
    start(project)
    assert final_message.take(project, "TASK-1", 1, text)
    assert marker_files.report_of(project, "TASK-1", 1) == markers.Marker(markers.DONE, 1)
    assert files.read(project.note("TASK-1")) == "it is in src/door.py\n"


def stopped(project: Project, message: str, *, again: bool = False) -> dict[str, Any]:
    """What the hook answers an agent that ends with that message."""
    told = {
        "hook_event_name": "SubagentStop", "session_id": SESSION, "cwd": project.root, "agent_id": AGENT,
        "last_assistant_message": message, "stop_hook_active": again,
    }  # fmt: skip
    said = helper("hook", folder=project.root, stdin=json.dumps(told).encode())
    answer: dict[str, Any] = json.loads(said.stdout or "{}")
    return answer


def test_half_a_character_in_a_last_message_is_no_reason_to_lose_the_report(project: Project) -> None:
    start(project)
    assert final_message.take(project, "TASK-1", 1, "REPORT TASK-1 attempt 1: failed\n\nno \ud800 door")
    assert marker_files.report_of(project, "TASK-1", 1) == markers.Marker(markers.FAILED, 1, "no \ufffd door")


def test_the_hook_takes_the_report_before_the_mod_sees_it(project: Project) -> None:
    start(project)
    launched(project)
    assert stopped(project, report()) == {}
    found = marker_files.report_of(project, "TASK-1", 1)
    assert found
    assert found.kind == markers.DONE


def test_taking_a_report_imports_nothing_slow(project: Project) -> None:
    start(project)
    launched(project)
    told = {"hook_event_name": "SubagentStop", "session_id": SESSION, "cwd": project.root, "agent_id": AGENT}
    event = json.dumps(told | {"last_assistant_message": report()})
    program = (
        "import sys; from claudestrator_helper.__main__ import main; sys.argv[1:] = ['hook']; main(); "
        "print(*{'dataclasses', 'inspect', 'subprocess', 'filelock', 'click'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=event, cwd=project.root, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("\n", "")
    assert marker_files.report_of(project, "TASK-1", 1)


def test_an_agent_that_ends_silently_is_asked_for_the_line_once(project: Project) -> None:
    start(project)
    launched(project)
    assert "REPORT TASK-1 attempt 1: done" in stopped(project, "It works.")["reason"]
    assert stopped(project, "It does.", again=True) == {}
    found = marker_files.report_of(project, "TASK-1", 1)
    assert found
    assert (found.kind, found.cause) == (markers.FAILED, markers.SILENCE)


def test_an_agent_in_a_worktree_is_asked_for_the_call_that_merges_its_work(project: Project) -> None:
    start(project)
    launched(project)
    with files.locked(project.lock):
        state_file.write(project, state_file.read(project)._replace(worktrees=True))
    assert "run `claudestrator-helper done TASK-1 --attempt 1`" in stopped(project, "It works.")["reason"]


def test_a_disk_that_is_full_for_a_moment_is_not_the_agents_failure(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(project)
    launched(project)
    put, left = files._put, [1, 0, 1]

    def full(descriptor: int, text: str) -> None:
        if left and left.pop():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(descriptor, text)

    monkeypatch.setattr(files, "_put", full)
    event = {"agent_id": AGENT, "last_assistant_message": report(), "stop_hook_active": True}
    with pytest.raises(TransientError, match="No space left on device"):
        subagent_stop.answer(project, state_file.read(project), event)
    with pytest.raises(TransientError, match="No space left on device"):
        final_message.ended(project, AGENT, final_message.COMPLETED, report())
    assert marker_files.report_of(project, "TASK-1", 1) is None
    final_message.ended(project, AGENT, final_message.COMPLETED, report())
    assert marker_files.report_of(project, "TASK-1", 1) == markers.Marker(markers.DONE, 1)


def test_a_report_that_does_not_hold_is_given_back(project: Project) -> None:
    Path(project.queue).unlink()
    Path(project.prd).write_text("# Build a door\n")
    start(project)
    launched(project, "decomposition")
    told = stopped(project, "REPORT decomposition attempt 1: done")
    assert "the queue holds no task yet" in told["reason"]
    assert marker_files.report_of(project, "decomposition", 1) is None


def test_a_task_and_an_issue_are_added_in_plain_words(project: Project) -> None:
    start(project)
    words = b"Paint\n### the `door` | green\n"
    added = helper("add-tasks", "--words", "-", folder=project.root, stdin=words)
    assert added.stdout == "added 1: TASK-003: Paint ### the `door` | green\n"
    assert q.parse(Path(project.queue).read_text()).task("TASK-003").objective == "Paint ### the `door` | green"
    filed = helper("add-issue", "--words", "-", folder=project.root, stdin=words)
    assert filed.stdout.startswith("added 1: ISSUE-")
    assert "**Summary:** Paint ### the `door` | green\n" in Path(project.issues).read_text()
    assert helper("add-tasks", "--words", "-", folder=project.root, stdin=b" \n").code == 1


@pytest.mark.parametrize(
    ("release", "engine", "told"),
    [
        ("claude-code_2-1-280_agent", TASK, "lacks mods (from 2.1.286)"),
        ("claude-code_2-1-332_agent", TASK, "Claude Code has not loaded the plugin's module"),
        ("claude-code_2-1-332_agent", MOD, ""),
    ],
)
def test_check_says_why_a_model_relays_the_run(project: Project, release: str, engine: str, told: str) -> None:
    start(project)
    state_file.write(project, state_file.read(project)._replace(engine=engine))
    environ = {"CLAUDESTRATOR_PLUGIN": project.root, "AI_AGENT": release}
    said = helper("check", folder=project.root, environ=environ).stdout
    assert told in said
    assert (" mods" in said or " module" in said) == bool(told)


@pytest.mark.parametrize(("mode", "said"), [("default", ["note: in default mode each edit"]), ("acceptEdits", [])])
def test_a_mode_in_which_agents_can_not_write_is_named_once_it_is_known(
    project: Project, mode: str, said: list[str]
) -> None:
    key = start(project)["key"]
    told = {
        "hook_event_name": "PostToolUse", "session_id": SESSION, "cwd": project.root, "permission_mode": mode,
        "tool_name": "Agent", "tool_input": {"description": "TASK-1"},
        "tool_response": {"status": "async_launched", "agentId": AGENT},
    }  # fmt: skip
    helper("hook", folder=project.root, stdin=json.dumps(told).encode())
    assert [line[: len(said[0])] for line in wait(project, key)["lines"]] == said
    assert wait(project, key)["lines"] == []


@pytest.mark.parametrize(
    ("source", "session", "attended", "told"),
    [
        ("resume", SESSION, "1", False),
        ("resume", SESSION, "0", True),
        ("resume", "another", "1", True),
        ("startup", "another", "1", True),
        ("compact", SESSION, "1", False),
        ("clear", "another", "1", False),
    ],
)
def test_a_session_whose_run_the_mod_continues_is_told_nothing(
    project: Project, source: str, session: str, attended: str, told: bool
) -> None:
    start(project)
    event = {"hook_event_name": "SessionStart", "source": source, "session_id": session, "cwd": project.root}
    environ = {"CLAUDE_CODE_SESSION_ATTENDED": attended}
    said = helper("next-task", "--hook", folder=project.root, stdin=json.dumps(event).encode(), environ=environ)
    assert ("a run is unfinished here" in said.stdout) == told


def test_a_wait_whose_session_has_died_takes_nothing(project: Project) -> None:
    session = subprocess.Popen(["sleep", "60"])
    call = ["--session", SESSION, "--mod"]
    begun = helper("start", *call, folder=project.root, stdin=b"{}", first=lambda: started_by(session.pid))
    key = json.loads(begun.stdout)["key"]
    launched(project)
    marker_files.leave(project, "TASK-1", markers.DONE, 1, markers.DONE)
    session.kill()
    session.wait()
    before = Path(project.session).read_text()
    question = json.dumps({"key": key}).encode()
    # The first process of all is above it now.
    found = helper("wait", *call, folder=project.root, stdin=question, first=lambda: started_by(1))
    assert kinds(json.loads(found.stdout)) == ["STOP"]
    assert Path(project.session).read_text() == before


def started_by(pid: int) -> None:
    os.getppid = lambda: pid


def test_a_start_that_no_one_reads_begins_nothing(project: Project) -> None:
    def unheard() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)

    helper("start", "--session", SESSION, "--mod", folder=project.root, stdin=b"{}", first=unheard)
    assert not Path(project.session).exists()


@pytest.mark.parametrize(
    ("session", "description", "at_work", "settled"),
    [
        (SESSION, "TASK-1", False, True),
        (SESSION, "/claudestrator:work-haiku-2 TASK-1", False, True),
        (SESSION, "TASK-1", True, False),
        (SESSION, "Explore", False, False),
        ("another", "TASK-1", False, False),
    ],
)
def test_the_mod_learns_that_the_notice_of_another_engines_agent_has_nothing_to_tell(
    project: Project, session: str, description: str, at_work: bool, settled: bool
) -> None:
    helper("start", "--session", SESSION, "--engine", "task", folder=project.root)
    launched(project)
    if not at_work:
        current = state_file.read(project)
        state_file.write(project, current._replace(tasks={"TASK-1": current.tasks["TASK-1"]._replace(agent=None)}))
    told = ask(project, "ended", session=session, agent=AGENT, status="completed", text="", description=description)
    assert told == {"isSettled": settled}


@contextmanager
def following(project: Project, key: str, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The one process that takes a run's steps."""
    words = [
        str(Path(sys.executable).with_name("claudestrator-helper")),
        "wait",
        "--follow",
        "--session",
        SESSION,
        "--mod",
    ]
    with subprocess.Popen(
        words, cwd=project.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.write(json.dumps({"key": key, **more}).encode())
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


def answers(process: "subprocess.Popen[bytes]", until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """What it has answered by the time that the condition holds, which it must come to before it ends."""
    found: list[dict[str, Any]] = []
    assert process.stdout
    while not until(found):
        line = process.stdout.readline()
        assert line, found
        found.append(json.loads(line))
    return found


def test_one_process_takes_the_steps_of_four_agents_that_end_together(project: Project) -> None:
    Path(project.queue).write_text(queue(*(task(f"TASK-{n}", extra=f"**Files:** src/{n}.py\n\n") for n in range(1, 9))))
    begun = start(project, "--parallel 4")
    four = [f"TASK-{n}" for n in (1, 2, 3, 4)]
    assert kinds(begun) == [f"SPAWN {id_}" for id_ in four]
    with following(project, begun["key"]) as process:
        for id_ in four:
            launched(project, id_)
            marker_files.leave(project, id_, markers.DONE, 1, markers.DONE)
        told = answers(process, lambda found: sum(len(each["lines"]) for each in found) >= 4)
        spawned = [each for answer in told for each in answer["directives"] if each["kind"] == "SPAWN"]
        assert sorted(line for answer in told for line in answer["lines"]) == [
            f"done {id_} ({at}/8)" for at, id_ in enumerate(four, 1)
        ]
        assert [each["id"] for each in spawned] == ["TASK-5", "TASK-6", "TASK-7", "TASK-8"]
        assert all(each["prompt"] and each["attempt"] == 1 for each in spawned)
        # Typed again, the run has another key and another process; a person who has typed that need not be told so.
        start(project, key=begun["key"])
        assert process.wait(30) == 0
        assert process.stdout
        assert "another wait" not in process.stdout.read().decode()


def test_a_person_who_has_typed_another_engine_is_not_told_of_a_takeover(project: Project) -> None:
    key = start(project)["key"]
    steps.start(project, SESSION, ["--engine", "task"])
    with following(project, key) as process:
        (told,) = answers(process, lambda found: len(found) == 1)
        assert told["directives"][0]["sentence"] == "the run goes on with engine task"


def test_who_follows_hears_of_refusals_and_needs_the_key(project: Project) -> None:
    key = start(project)["key"]
    with following(project, key) as process:
        ask(project, "ended", key=key, refused=[{"id": "TASK-1", "attempt": 1, "why": "no"}])
        (told,) = answers(process, lambda found: len(found) == 1)
        assert kinds(told) == ["SPAWN TASK-1"]
    with following(project, "guessed") as process:
        (told,) = answers(process, lambda found: len(found) == 1)
        assert "taken over" in told["directives"][0]["sentence"]
        assert process.wait(30) == 0


def test_while_an_agent_is_held_its_time_does_not_pass(project: Project) -> None:
    key = start(project)["key"]
    before = state_file.read(project)
    agent = before.agents["TASK-1"]
    state_file.write(project, before.recorded("TASK-1", agent=agent._replace(claimed=agent.claimed - 3590)))
    ask(project, "ended", key="guessed", held="TASK-1")
    assert state_file.read(project).agents["TASK-1"].claimed == agent.claimed - 3590
    ask(project, "ended", key=key, held="TASK-1")
    assert state_file.read(project).agents["TASK-1"].claimed >= agent.claimed
    ask(project, "ended", key=key, held="TASK-1")
    asked = [event["reason"] for event in run_log.read(project) if event["event"] == "question"]
    assert asked == ["After Esc, Claude Code starts no agent until you have typed something: TASK-1 waits"]


def test_a_run_that_is_over_ends_what_follows_it(project: Project) -> None:
    Path(project.queue).write_text(queue(task("TASK-1")))
    key = start(project)["key"]
    with following(project, key) as process:
        launched(project)
        marker_files.leave(project, "TASK-1", markers.DONE, 1, markers.DONE)
        told = answers(process, lambda found: bool(found) and kinds(found[-1]) == ["STOP"])
        assert told[-1]["directives"][0]["sentence"].startswith("The one task is completed.")
        assert process.wait(30) == 0


def test_after_clear_and_a_kill_the_session_goes_on_with_its_run_under_its_new_id(project: Project) -> None:
    key = start(project)["key"]
    event = {"hook_event_name": "SessionStart", "source": "clear", "session_id": "cleared", "cwd": project.root}
    helper("next-task", "--hook", folder=project.root, stdin=json.dumps(event).encode())
    assert (state_file.read(project).owner.session, kinds(wait(project, key))) == ("cleared", ["WAIT"])
    state = state_file.read(project)
    state_file.write(project, state._replace(owner=state.owner._replace(process=f"{state.owner.process}0")))
    assert ask(project, "start", session="another", resume=True, key=key) == {"engine": ""}
    again = ask(project, "start", session="cleared", resume=True, key=key)
    assert (kinds(again), again["opening"]) == (["SPAWN TASK-1"], "The run goes on.")


@pytest.mark.parametrize("told", [[], [{"id": "TASK-1", "attempt": 1}], [{"id": "TASK-2", "attempt": 0}], "x", None])
def test_an_agent_whose_directive_died_with_the_helper_is_asked_for_at_once(project: Project, told: object) -> None:
    Path(project.queue).write_text(queue(*(task(f"TASK-{n}", extra=f"**Files:** src/{n}.py\n\n") for n in (1, 2, 3))))
    key = start(project, "--parallel 3")["key"]
    # The first was heard of, the second is at work, and of the third only the helper knew.
    launched(project, "TASK-2")
    with following(project, key, told=told) as process:
        (answer,) = answers(process, lambda found: len(found) == 1)
    missed = ["TASK-3"] if told and told != "x" and told[0]["attempt"] else ["TASK-1", "TASK-3"]  # type: ignore[index]
    assert kinds(answer) == [f"SPAWN {id_}" for id_ in missed]
    assert (answer["lines"], [each["attempt"] for each in answer["directives"]]) == ([], [1] * len(missed))
    with following(project, key, told=[{"id": id_, "attempt": 1} for id_ in ("TASK-1", "TASK-3")]) as process:
        ask(project, "ended", key=key, agent=AGENT, status="completed", text="REPORT TASK-2 attempt 1: done")
        (answer,) = answers(process, lambda found: len(found) == 1)
    assert (kinds(answer), answer["lines"]) == (["WAIT"], ["done TASK-2 (1/3)"])


def test_an_agent_that_has_called_done_is_not_asked_for_again_though_no_hook_saw_it(project: Project) -> None:
    key = start(project)["key"]
    reports.being_made(project, "TASK-1", 1, "")
    again = ask(project, "start", resume=True, key=key)
    assert kinds(again) == ["WAIT"]
    marker_files.leave(project, "TASK-1", markers.DONE, 1, markers.DONE)
    assert wait(project, again["key"])["lines"][0] == "done TASK-1 (1/2)"


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_agent_that_only_the_mod_saw_begin_is_known_by_its_word(project: Project, attempt: int) -> None:
    key = start(project)["key"]
    told = [{"id": "TASK-1", "attempt": attempt, "agent": AGENT}, "x", {"id": "TASK-2", "attempt": 1, "agent": "b"}]
    again = ask(project, "start", resume=True, key=key, told=told)
    known = attempt == 1
    assert kinds(again) == (["WAIT"] if known else ["SPAWN TASK-1"])
    assert marker_files.name(project, "TASK-1", 1) == (AGENT if known else "")


def test_an_agent_that_ends_before_a_hook_could_name_it_is_named_by_the_mod(project: Project) -> None:
    key = start(project)["key"]
    told = [{"id": "TASK-1", "attempt": 1, "agent": AGENT}]
    ask(project, "ended", key=key, agent=AGENT, status="completed", text=report(), told=told)
    assert wait(project, key)["lines"][0] == "done TASK-1 (1/2)"


def test_a_line_that_died_with_the_helper_is_told_by_the_next_and_by_no_other(project: Project) -> None:
    begun = start(project)
    for _ in range(2):
        launched(project)
        ask(project, "ended", key=begun["key"], agent=AGENT, status="completed", text=report())
        with following(project, begun["key"]) as process:
            # The second has no step to take: the first has been killed before anyone could read its answer.
            (told,) = answers(process, lambda found: len(found) == 1)
        assert told["lines"] == ["done TASK-1 (1/2)"]
    assert wait(project, told["key"])["lines"] == []
    again = start(project, key=begun["key"])
    assert again["lines"][-1] == "done TASK-1 (1/2)"
    assert "done TASK-1 (1/2)" not in start(project, key=again["key"])["lines"]


@pytest.mark.parametrize("how", ["follow", "resume"])
def test_the_end_that_died_with_the_helper_is_told_by_the_next(project: Project, how: str) -> None:
    Path(project.queue).write_text(queue(task("TASK-1")))
    key = start(project)["key"]
    launched(project)
    ask(project, "ended", key=key, agent=AGENT, status="completed", text=report())
    end = wait(project, key)
    if how == "follow":
        with following(project, key) as process:
            (again,) = answers(process, lambda found: len(found) == 1)
    else:
        again = start(project, resume=True, key=key)
        assert start(project, resume=True, key=again["key"]) == {"engine": ""}
    assert (again["lines"], again["directives"]) == (["done TASK-1 (1/1)"], end["directives"])
    assert again["directives"][0]["sentence"].startswith("The one task is completed.")


def test_an_agent_that_is_being_started_when_the_run_is_typed_again_is_not_asked_for_again(project: Project) -> None:
    key = start(project)["key"]
    again = start(project, key=key, told=[{"id": "TASK-1", "attempt": 1}])
    assert kinds(again) == ["WAIT"]
    assert kinds(start(project, key=again["key"], told=[{"id": "TASK-1", "attempt": 2}])) == ["SPAWN TASK-1"]
