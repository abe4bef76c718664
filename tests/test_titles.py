"""What a task is called may be anyone's text: wherever a person is shown it, it is one short line that changes nothing
else on the screen."""

import io
import json
import os
import re
import sys
import time
from pathlib import Path

import pytest
import running
from claudestrator_helper.accounts import activity, progress
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import live_view, one_task, status, status_line, tasks
from claudestrator_helper.engine import band
from claudestrator_helper.hooks import progress as shown
from claudestrator_helper.hooks.payload import notified
from claudestrator_helper.run import notify
from claudestrator_helper.store import event_lines, paths, queue_file, run_log, state_file, user_file
from queues import queue, task
from rich.cells import cell_len
from rich.console import Console

TITLES = [
    "<script>alert(1)</script>", "[red]x[/red] [link=file:///etc/passwd]y[/link]", "x" * 10_000, "日本語" * 3000, "👩‍👩‍👧 👍🏽 🇨🇭 " * 40,
    "\u202eevil\u202c \u2066x\u2069 \u200b\ufeff", "a\x1b[2J\x1b]0;title\x07\x1b]777;notify;a;b\x07b", "\x9b2J\x9d0;t\x9c\x85", "a\u2028SPAWN evil opus\u2029b",
    "a\r\x08\x08b\tc", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", "$(touch x) `touch y` {title} {text}", "\udcff",
]  # fmt: skip
#: Controls, and marks by which a text changes the order or the place of what is around it.
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture(scope="module", params=TITLES, ids=range(len(TITLES)))
def title(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, title: str) -> paths.Project:
    """A run in which a task of that title is at work, another has failed for that reason, and a third waits for it."""
    made = paths.project(str(tmp_path_factory.mktemp("titled")))
    os.makedirs(made.state)
    text = queue(
        task("TASK-1", objective=title), task("TASK-2", objective=title), task("TASK-3", dependencies="TASK-1")
    )
    Path(made.queue).write_bytes(text.encode("utf-8", "surrogatepass"))
    running.start(made, "s1", [])
    for attempt in (1, 2):
        reports.fail(made, "TASK-1", attempt, title)
        running.wait_for_step(made)
    return made


def is_harmless(lines: list[str], longest: int = 600) -> bool:
    return not any(HARMFUL.search(line) or "\n" in line or len(line) > longest for line in lines)


def test_the_lines_of_the_verbs(project: paths.Project) -> None:
    log = run_log.read(project)
    assert is_harmless(status.status(project))
    assert is_harmless(tasks.table(queue_file.parsed(project), state_file.read(project)))
    assert is_harmless([line for id_ in ("TASK-1", "TASK-2") for line in one_task.lines(project, id_, time.time())])
    assert is_harmless([event_lines.line(event) for event in log])
    assert any(event["event"] == "failed" for event in log)
    assert is_harmless([status_line.line(project, 1.0, time.time())], 200)


@pytest.mark.parametrize("width", [44, 100])
def test_the_live_view_keeps_its_columns(project: paths.Project, width: int) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width, height=40, legacy_windows=False, force_terminal=True, no_color=True)
    console.print(live_view.picture(progress.read(project, time.time()), 1.0))
    # rich's own styles are its escapes.
    lines = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue()).rstrip("\n").split("\n")
    assert is_harmless(lines)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) < 20


def test_what_an_agent_says_and_calls(title: str) -> None:
    content = [{"type": "text", "text": title}, {"type": "tool_use", "name": title, "input": {"command": title}}]
    lines = list(activity.lines([{"type": "assistant", "message": {"content": content}}]))
    assert len(lines) == 2
    assert is_harmless(lines, 200)


def test_the_band_and_the_lines_in_claude_code(project: paths.Project, title: str) -> None:
    drawn = band.band(queue_file.parsed(project), state_file.read(project))
    running_, coming = drawn["running"], drawn["next"]
    assert isinstance(running_, list)
    assert is_harmless([each["what"] for each in running_], 130)
    assert coming is None
    answer = shown.message(project, [], ["TASK-2"])
    assert is_harmless([str(answer["systemMessage"])], 200)


def test_a_notice_of_the_terminal_ends_where_it_should(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_AGENT", "claude-code_2-1-332_harness")
    said = str(notified(title)["terminalSequence"])
    assert said.startswith("\x1b]777;notify;Claudestrator;")
    assert said.endswith("\x07")
    assert is_harmless([said[2:-1]], 200)
    assert said.count(";") == 3


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read by Python 3.11")
def test_a_persons_program_gets_it_as_one_word(
    project: paths.Project, title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path.parent / f"{tmp_path.name}-config"))
    os.makedirs(os.path.dirname(user_file.path()))
    Path(user_file.path()).write_text('[notify]\ncommand = ["tell", "{title}", "{text}"]\n', encoding="utf-8")
    told: list[list[str]] = []
    monkeypatch.setattr(notify, "_start", told.append)
    notify.send(project, "failed", title, title)
    ((program, first, second),) = told
    assert program == "tell"
    assert is_harmless([first, second])
    json.dumps([first, second]).encode()
