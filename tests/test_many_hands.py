"""Everybody at once: two waits, agents, people, readers and an editor at one queue, each in a process of its own."""

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import running
from claudestrator_helper.store import paths, state_file
from claudestrator_helper.system import processes
from claudestrator_helper.texts import queue as q
from patience import until
from queues import queue, task
from running import Result, fork, helper, joined
from verbs import command, in_loop, statuses, text_of

pytestmark = pytest.mark.slow

#: Seconds that all of them together may take, on a machine that does much else; more is a deadlock.
LONGEST = 100
#: The run's own tasks, the blocked ones that people set by hand, and the one that blocks them.
TASKS, BY_HAND, BLOCKER = [f"TASK-{n}" for n in range(1, 9)], [f"HAND-{n}" for n in range(12)], "BLOCK-1"
FAILS = {"TASK-3": 1, "TASK-6": 1}
WORDS = ["door", "roof", "cellar", "window", "chimney", "stair", "garden", "kitchen", "attic", "fence"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Project:
    """A queue, and a session to which all processes belong."""
    monkeypatch.setattr(processes, "current", str)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "t@localhost")
    (tmp_path / ".claude").mkdir()
    found = paths.project(str(tmp_path))
    blocked = [task(id_, dependencies=BLOCKER) for id_ in BY_HAND]
    text = queue(*map(task, TASKS), task(BLOCKER, status="failed"), *blocked)
    Path(found.queue).write_text(text, encoding="utf-8")
    return found


def asked(project: paths.Project, *words: str, stdin: str = "") -> Result:
    result = helper(*words, folder=project.root, stdin=stdin.encode())
    assert result.code in (0, 1), result
    assert "Traceback" not in result.stderr, result
    return result


class Ledger:
    """Lines that many processes write, none of them lost or mixed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def note(self, *words: object) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, f"{' '.join(map(str, words))}\n".encode())
        os.close(descriptor)

    def lines(self) -> list[tuple[str, ...]]:
        return [tuple(line.split()) for line in self.path.read_text().splitlines()]


def obey(project: paths.Project, ledger: Ledger) -> None:
    """A wait after the other until STOP; each SPAWN is an agent in a process of its own."""
    agents = []
    for _ in range(400):
        lines = asked(project, "wait", "--session", "s1", "--max", "0.5").stdout.splitlines()
        for line in lines:
            if line.startswith("SPAWN "):
                id_ = line.split()[1]
                agents.append(fork(partial(agent, project, ledger, id_)))
        if lines and lines[-1].startswith("STOP"):
            assert joined(agents) == [0] * len(agents)
            return
    raise AssertionError("the run does not end")


def agent(project: paths.Project, ledger: Ledger, id_: str) -> None:
    prompt = asked(project, "prompt", id_).stdout
    attempt = re.findall(rf"helper done {id_} --attempt (\d+)", prompt)[0]
    ledger.note(id_, attempt)
    time.sleep(0.5 if id_ == "TASK-9" else 0.05)
    if FAILS.get(id_, 0) >= int(attempt):
        asked(project, "fail", id_, "--attempt", attempt, f"reason of {id_}")
    else:
        assert asked(project, "done", id_, "--attempt", attempt, f"note of {id_}").code == 0


def set_by_hand(project: paths.Project, id_: str) -> None:
    for status in ("failed", "pending", "completed"):
        assert asked(project, "set-status", id_, status).stdout == f"{id_} {status}\n"


def file_issues(project: paths.Project, ledger: Ledger, words: list[str]) -> None:
    for word in words:
        text = f"### New issue\n\n**Summary:** {word} {word[::-1]} {word * 2}\n\n**Acceptance Criteria:**\n- mended\n"
        added = asked(project, "add-issue", "-", stdin=text).stdout
        ledger.note("issue", re.findall(r"added 1: (\S+)", added)[0])


def add_tasks(project: paths.Project, number: int) -> None:
    sections = task(f"MORE-{number}1", dependencies=BLOCKER) + task(f"MORE-{number}2", dependencies=f"MORE-{number}1")
    assert asked(project, "add-tasks", "-", stdin=sections).stdout == f"added 2: MORE-{number}1, MORE-{number}2\n"


def set_state(project: paths.Project, number: int) -> None:
    for value in range(3):
        assert asked(project, "state", f"mine_{'abcdefgh'[number]}", str(value)).code == 0


def look(project: paths.Project, verb: str) -> None:
    for _ in range(6):
        asked(project, verb)


def all_at_once(works: list[Callable[[], None]]) -> float:
    """Does all of them at once, each in a process of its own; the seconds that it took."""
    began = time.monotonic()
    pids = [fork(partial(within, LONGEST, work)) for work in works]
    codes = joined(pids)
    assert codes == [0] * len(works)
    return time.monotonic() - began


def within(seconds: int, work: Callable[[], None]) -> None:
    signal.alarm(seconds)
    work()


def test_fifty_processes_lose_no_update_and_claim_nothing_twice(project: paths.Project, tmp_path: Path) -> None:
    worked, filed = Ledger(tmp_path / "worked"), Ledger(tmp_path / "filed")
    first = running.start(project, "s1", [])[-1].split()[1]
    works: list[Callable[[], None]] = [
        partial(agent, project, worked, first),
        *(partial(obey, project, worked) for _ in range(2)),
        *(partial(set_by_hand, project, id_) for id_ in BY_HAND),
        *(partial(file_issues, project, filed, WORDS[n : n + 1]) for n in range(10)),
        *(partial(add_tasks, project, number) for number in range(1, 10)),
        *(partial(set_state, project, number) for number in range(8)),
        *(
            partial(look, project, verb)
            for verb in ("status", "tasks", "check", "issues", "next-task", "state", "status", "tasks")
        ),
    ]
    assert len(works) >= 50
    all_at_once(works)
    found = statuses(project)
    more = [f"MORE-{number}{part}" for number in range(1, 10) for part in (1, 2)]
    assert found == dict.fromkeys(TASKS + BY_HAND, "completed") | {BLOCKER: "failed"} | dict.fromkeys(more, "pending")
    assert Counter(worked.lines()) == Counter(
        {(id_, str(n)): 1 for id_ in TASKS for n in range(1, 2 + FAILS.get(id_, 0))}
    )
    numbers = [id_ for _, id_ in filed.lines()]
    assert len(set(numbers)) == len(numbers) == 10
    assert sorted(q.parse(text_of(project.issues)).ids) == sorted(numbers)
    current = state_file.read(project)
    assert {key: value for key, value in current.others.items() if key.startswith("mine_")} == {
        f"mine_{letter}": 2 for letter in "abcdefgh"
    }
    assert {id_: text_of(project.note(id_)) for id_ in TASKS} == {id_: f"note of {id_}\n" for id_ in TASKS}
    assert not [
        name
        for folder in project.folders
        if os.path.isdir(folder)
        for name in os.listdir(folder)
        if name.endswith(".tmp")
    ]


def in_place(path: str, text: str) -> None:
    """As nano saves: the file is emptied first."""
    Path(path).write_text(text, encoding="utf-8")


def beside(path: str, text: str) -> None:
    """As most editors save."""
    Path(f"{path}~").write_text(text, encoding="utf-8")
    os.replace(f"{path}~", path)


def put_aside(path: str, text: str) -> None:
    """As vim saves where it keeps a backup: for a moment there is no file."""
    os.replace(path, f"{path}~")
    time.sleep(0.03)
    Path(path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("save", [in_place, beside, put_aside])
def test_an_editor_that_saves_what_is_no_longer_true_makes_nobody_work_twice(
    project: paths.Project, tmp_path: Path, save: Callable[[str, str], None]
) -> None:
    worked = Ledger(tmp_path / "worked")
    Path(project.queue).write_text(
        queue(*map(task, TASKS), task("TASK-9", dependencies=", ".join(TASKS))), encoding="utf-8"
    )
    first = running.start(project, "s1", [])[-1].split()[1]
    works: list[Callable[[], None]] = [
        partial(agent, project, worked, first),
        partial(obey, project, worked),
        partial(edit, project, worked, save),
    ]
    all_at_once(works)
    assert statuses(project) == dict.fromkeys([*TASKS, "TASK-9"], "completed")
    done = [(id_, str(1 + FAILS.get(id_, 0))) for id_ in [*TASKS, "TASK-9"]]
    failed = [(id_, "1") for id_ in FAILS]
    assert Counter(worked.lines()) == Counter(done + failed)
    assert "remark" in text_of(project.queue)


def edit(project: paths.Project, worked: Ledger, save: Callable[[str, str], None]) -> None:
    """A person who looks at the queue for a while, and saves it with a remark, until the last task has begun."""
    chance = random.Random(4)
    while ("TASK-9", "1") not in worked.lines():
        text = text_of(project.queue)
        time.sleep(chance.uniform(0, 0.3))
        if ("TASK-9", "1") not in worked.lines():
            save(project.queue, f"{text}A remark.\n\n")


def test_a_wait_ends_in_time_although_another_process_takes_long_to_commit_the_loop(
    project: paths.Project, tmp_path: Path
) -> None:
    Path(project.queue).unlink()
    in_loop(project, until="TASK-101")
    hook = tmp_path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\ntouch .git/begun\nuntil test -e .git/go; do sleep 0.1; done\n", encoding="utf-8")
    hook.chmod(0o755)
    first = fork(lambda: check_commit(project))
    until((tmp_path / ".git" / "begun").exists)
    said = asked(project, "wait", "--max", "0.5").stdout.splitlines()
    assert said == ["still waiting for another process that commits", "WAIT"]
    (tmp_path / ".git" / "go").touch()
    assert asked(project, "wait", "--max", "120").stdout.splitlines()[-1] == "SPAWN memory-1 sonnet"
    assert joined([first]) == [0]
    assert command(project, "log", "--format=%s").splitlines() == ["Loop 1", "Begin"]


def check_commit(project: paths.Project) -> None:
    said = asked(project, "wait", "--max", "120").stdout.splitlines()
    assert said[-1] in ("WAIT", "SPAWN memory-1 sonnet"), said
