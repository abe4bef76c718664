"""How a person is told of what has happened."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.hooks import dispatch
from claudestrator_helper.run import notify, polling, steering
from claudestrator_helper.store import paths, run_log, state_file, user_file
from queues import queue, task
from running import helper
from states import changed

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read by Python 3.11")
#: Appends its arguments to a file, as JSON.
TELL = "import json, sys; open(sys.argv[1], 'a').write(json.dumps(sys.argv[2:]) + chr(10))"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Project:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "project" / ".claude").mkdir(parents=True)
    made = paths.project(str(tmp_path / "project"))
    Path(made.queue).write_text(
        queue(task("TASK-1", objective="A door"), task("TASK-2", dependencies="TASK-1"), task("TASK-3"))
    )
    return made


def configure(text: str) -> None:
    os.makedirs(os.path.dirname(user_file.path()), exist_ok=True)
    Path(user_file.path()).write_text(text, encoding="utf-8")


def telling(tmp_path: Path, *more: str) -> Path:
    """Has the words of each notification written to the file that is returned."""
    told = tmp_path / "told"
    words = [sys.executable, "-c", TELL, str(told), "{event}", "{title}", "{text}", *more]
    configure(f"[notify]\ncommand = {json.dumps(words)}\n")
    return told


def notices(told: Path, count: int) -> list[list[str]]:
    polling.wait_until(lambda: told.exists() and told.read_text().count("\n") >= count, 20, time.sleep, time.monotonic)
    return sorted(json.loads(line) for line in told.read_text().splitlines())


def test_each_event_calls_the_persons_program(project: paths.Project, tmp_path: Path) -> None:
    told = telling(tmp_path)
    running.start(project, "s1", [])
    for attempt in (1, 2):
        reports.fail(project, "TASK-1", attempt, "no {title} $(id) `id`")
        running.wait_for_step(project)
    steering.pause(project)
    steering.resume(project)
    reports.done(project, "TASK-3", 1, "")
    running.wait_for_step(project)
    assert notices(told, 5) == [
        ["blocked", "Claudestrator: TASK-1 blocks TASK-2", "Build it"],
        ["done", "Claudestrator: TASK-3 is done", "Build it"],
        ["failed", "Claudestrator: TASK-1 failed", "no {title} $(id) `id`"],
        ["finished", "Claudestrator: The run is over", notices(told, 5)[3][2]],
        ["paused", "Claudestrator: The run pauses", "`claudestrator-helper resume` continues it."],
    ]
    assert notices(told, 5)[3][2].startswith("The run has ended, 1 of 3 tasks completed; failed: TASK-1")


@pytest.mark.parametrize(
    ("kind", "agents", "said"),
    [
        ("permission_prompt", 2, "Claude needs your permission (at work: TASK-1, TASK-3)"),
        ("elicitation_dialog", 0, "Claude needs your permission"),
        ("idle_prompt", 0, "the run stands still: type /orchestrate to continue it"),
        # The end of an agent wakes the session.
        ("idle_prompt", 2, ""),
        ("auth_success", 2, ""),
    ],
)
def test_a_person_is_told_that_they_are_waited_for(
    project: paths.Project, tmp_path: Path, kind: str, agents: int, said: str
) -> None:
    told = telling(tmp_path)
    Path(project.queue).write_text(
        queue(task("TASK-1", extra="**Files:** a.py\n\n"), task("TASK-3", extra="**Files:** b.py\n\n"))
    )
    running.start(project, "s1", ["--parallel", "2"])
    if not agents:
        state_file.write(project, changed(state_file.read(project), agents={}))
    event: dict[str, object] = {
        "hook_event_name": "Notification",
        "session_id": "s1",
        "cwd": project.root,
        "notification_type": kind,
    }
    event["message"] = "Claude needs your permission"
    assert dispatch.answer_to({**event, "session_id": "another"}) is None
    assert dispatch.answer_to(event) is None
    assert [each["reason"] for each in run_log.read(project) if each["event"] == "question"] == [said] * bool(said)
    if said:
        assert notices(told, 1) == [["question", "Claudestrator: The run waits for you", said]]


def test_a_gate_that_waits_is_asked_for_once(project: paths.Project, tmp_path: Path) -> None:
    told = telling(tmp_path)
    Path(project.queue).unlink()
    Path(project.root, "PRD.md").write_text("# A door")
    running.start(project, "s1", [])
    Path(project.queue).write_text(queue(task("TASK-1", extra="**Gate:** make test\n\n"), task("TASK-2")))
    for id_ in ("decomposition", "TASK-1"):
        reports.done(project, id_, 1, "")
        running.wait_for_step(project)
    asked = [notice for notice in notices(told, 3) if notice[0] == "question"]
    assert [words[:2] for words in asked] == [["question", "Claudestrator: The run waits for you"]]
    assert asked[0][2].startswith("a gate waits for you: `claudestrator-helper allow` in a terminal shows it")


def test_only_the_chosen_events_are_told(project: paths.Project, tmp_path: Path) -> None:
    told = telling(tmp_path)
    configure(Path(user_file.path()).read_text() + 'events = ["finished"]\n')
    notify.send(project, "done", "TASK-1 is done", "")
    notify.send(project, "finished", "The run is over", "")
    assert notices(told, 1) == [["finished", "Claudestrator: The run is over", "The run is over"]]


def test_a_program_that_hangs_or_is_missing_holds_up_nothing(project: paths.Project) -> None:
    for words in (["sleep", "60"], ["/no/such/program"], ["sh", "-c", "exit 3"]):
        configure(f"[notify]\ncommand = {json.dumps(words)}\n")
        began = time.monotonic()
        notify.send(project, "done", "x", "y")
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("text", "said"),
    [("notify = 7\n", "means nothing"), ("[notify]\ncommand = 'notify-send'\n", "list of words"), ("[notify]\ncommand = [7]\n", "list of words"), ("[notify]\nevents = ['x']\n", "some of done, failed"),
     ("[run]\nattempts = 1\n", "means nothing"), ("[notify]\nshell = true\n", "'shell' means nothing"), ("[notify\n", "fix its TOML")],
)  # fmt: skip
def test_an_invalid_file_is_named_by_check_and_stops_no_run(project: paths.Project, text: str, said: str) -> None:
    configure(text)
    (problem,) = user_file.problems(project)
    assert said in problem
    assert problem.startswith(user_file.path())
    assert (
        said in helper("check", folder=project.root, environ={"XDG_CONFIG_HOME": os.environ["XDG_CONFIG_HOME"]}).stdout
    )
    notify.send(project, "done", "x", "y")


def test_no_file_of_a_project_names_a_program(
    project: paths.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", os.path.join(project.root, "config"))
    told = telling(tmp_path)
    assert "is in the project" in user_file.problems(project)[0]
    notify.send(project, "done", "x", "y")
    Path(project.root, ".claudestrator").mkdir()
    Path(project.config).write_text('[notify]\ncommand = ["touch", "owned"]\n')
    assert "there is no key" in helper("check", folder=project.root).stdout
    time.sleep(0.5)
    assert not told.exists()
