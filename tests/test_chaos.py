"""A few chaos runs, and the judge of them: it finds nothing in an honest run, and each thing that can be wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from queues import queue, task
from rig.chaos import figures, judge
from rig.chaos.evidence import Effect, Evidence, printed
from rig.chaos.history import Commit, History
from rig.chaos.scene import Event, Journal

COMMAND = Path(__file__).with_name("chaos.py")
needs_linux = pytest.mark.skipif(
    sys.version_info < (3, 11) or not (os.path.exists("/proc/self/comm") and shutil.which("node")),
    reason="needs Python 3.11, Linux and Node.js",
)


@needs_linux
@pytest.mark.slow
def test_a_run_in_chaos_ends_with_every_task_completed_once_or_honestly_failed() -> None:
    words = ["--runs", "1", "--jobs", "1", "--tasks", "6", "--seconds", "12", "--pace", "1.5", "--seed", "ci"]
    done = subprocess.run([sys.executable, str(COMMAND), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^tasks +[6-9]", done.stdout, re.MULTILINE)
    assert re.search(r"^kill: ", done.stdout, re.MULTILINE)


# The judge

GIVEN = queue(task("TASK-001"), task("TASK-002", dependencies="TASK-001"), task("TASK-003"), task("TASK-004"))
NOTE = "<!-- note 7 of the person -->\n\n"


class Story:
    """The evidence of an honest run of two sessions, for a test to change: the first was killed, TASK-003 failed
    twice, and TASK-004, which nobody could do, is what the person added a comment to."""

    def __init__(self) -> None:
        self.t = 100.0
        self.pid = 1000
        self.journal: list[Event] = []
        self.log: list[Event] = []
        self.ledger: list[Effect] = []
        self.queue = queue(
            task("TASK-001", status="completed"),
            task("TASK-002", status="completed", dependencies="TASK-001"),
            task("TASK-003", status="failed"),
            NOTE + task("TASK-004", status="pending", dependencies="TASK-003"),
        )
        self.history: History | None = None
        self.issues = "### ISSUE-20260102-001\n"
        given = GIVEN.replace(task("TASK-004"), task("TASK-004", dependencies="TASK-003"))
        self.note("begins", queue=given, tasks=4, parallel=1, gate="", commit=False)
        self.session("one")
        self.call("one", "start", out="SPAWN TASK-001 sonnet\n")
        self.worked("TASK-001", 1, "one")
        self.call("one", "wait", out="done TASK-001 (1/4)\nSPAWN TASK-002 sonnet\n")
        self.note("kill", who="chaos", of="session", name="one")
        self.session("two")
        self.call("two", "start", out="SPAWN TASK-002 sonnet\n")
        self.spawned("TASK-002", 1)
        self.worked("TASK-002", 2, "two")
        self.call("two", "wait", out="done TASK-002 (2/4)\nSPAWN TASK-003 sonnet\n")
        saved = ["TASK-001", "TASK-002", "TASK-003", "TASK-004"]
        self.note("saved", who="person", comment=NOTE, notes=["7"], ids=saved, changed={}, seconds=0.1)
        for attempt in (1, 2):
            self.spawned("TASK-003", attempt)
            self.failed("TASK-003", attempt, "a test is red session-two.3.TASK-003")
        self.call("person", "add-issue", "-", out="added 1: ISSUE-20260102-001\n")
        said = "STOP The run has ended, 2 of 4 tasks completed; failed: TASK-003"
        self.call("two", "wait", out=f"failed TASK-003 (2/4): a test is red\n{said}\n")
        self.note("says", who="two", sentence=said)
        self.note("session ends", who="two")
        self.note("ends", over=True, seconds=12.5)

    def note(self, event: str, **facts: object) -> Event:
        self.t += 1
        self.journal.append({"t": self.t, "event": event, **facts})
        return self.journal[-1]

    def session(self, name: str) -> None:
        self.note("session", who=name, id=f"id of {name}", host="plain")

    def call(self, who: str, *words: str, out: str = "", code: int = 0) -> Event:
        self.pid += 1
        begun = self.note("call", who=who, pid=self.pid, group=1, words=list(words))["t"]
        return self.note("end", who=who, pid=self.pid, words=list(words), begun=begun, code=code, out=out, err="")

    def spawned(self, id_: str, attempt: int) -> None:
        self.log.append({"run": "r", "event": "spawned", "id": id_, "attempt": attempt})

    def failed(self, id_: str, attempt: int, reason: str) -> None:
        self.log.append({"run": "r", "event": "failed", "id": id_, "attempt": attempt, "reason": reason})

    def worked(self, id_: str, attempt: int, session: str) -> None:
        """An agent does a task and reports, and the run takes it in."""
        self.spawned(id_, attempt)
        self.works(id_, attempt, session)
        self.ledger.append(Effect(id_, attempt, f"{session}.1.{id_}", self.t))
        self.call(f"{session}.1.{id_}", "done", id_, "--attempt", str(attempt), "-", out=f"done {id_}\n")
        self.log.append({"run": "r", "event": "done", "id": id_, "attempt": attempt})

    def works(self, id_: str, attempt: int, session: str) -> None:
        self.note("works", who=f"{session}.1.{id_}", id=id_, attempt=attempt, session=f"id of {session}")

    def last(self, event: str) -> Event:
        return [each for each in self.journal if each["event"] == event][-1]

    def evidence(self) -> Evidence:
        return Evidence(self.journal, self.log, self.ledger, self.queue, self.issues, self.history)


def test_an_honest_run_has_no_findings() -> None:
    assert judge.findings(Story().evidence()) == []


def status(story: Story, id_: str, old: str, new: str) -> None:
    at = story.queue.index(f"### {id_}")
    story.queue = story.queue[:at] + story.queue[at:].replace(f"| {old} |", f"| {new} |", 1)


def says(story: Story, sentence: str) -> None:
    story.note("says", who="two", sentence=sentence)


def intrudes(story: Story, *verbs: str, out: str = "SPAWN TASK-003 opus\n") -> None:
    """A third session calls the helper while the second is alive and waits."""
    waits = next(at for at, each in enumerate(story.journal) if each["event"] == "says") - 1
    rest = story.journal[waits:]
    del story.journal[waits:]
    story.session("three")
    for verb in verbs:
        story.call("three", verb, out=out)
    story.journal += [{**each, "t": each["t"] + 20} for each in rest]


def is_refused(story: Story) -> None:
    story.session("four")
    story.call("four", "start", out="STOP another session is at work on this queue\n")


def is_sent_back(story: Story) -> None:
    intrudes(story, "status")
    at = story.last("session")["t"]
    story.journal += [
        {"t": at + 1, "event": "call", "who": "three hook", "pid": 1, "words": ["hook"]},
        {"t": at + 2, "event": "sent back", "who": "three", "reason": "go on"},
    ]


def gated(story: Story, *greens: str) -> None:
    """A person has allowed a gate for all tasks, and one of TASK-002, and these were green while it was at work."""
    begun = next(each["t"] for each in story.journal if each["event"] == "works" and each["id"] == "TASK-002")
    allowed = {"event": "allowed", "who": "person", "kind": "plain", "tasks": ["TASK-002"]}
    story.journal.insert(0, {"t": 100, **allowed})
    story.journal += [{"t": 100.5, "event": "gate", "kind": "plain", "id": "all", "code": 0}]
    for each in story.journal:
        if each["event"] == "works" and each["id"] == "TASK-001":
            story.journal.append({"t": each["t"] + 0.5, "event": "gate", "kind": "plain", "id": "all", "code": 0})
            break
    story.journal += [{"t": begun + 0.5, "event": "gate", "kind": "plain", "id": id_, "code": 0} for id_ in greens]


def committing(story: Story, *, ids: tuple[str, ...] = ("TASK-001", "TASK-002"), paths: str = "", **more: Any) -> None:
    """Each of these tasks has a commit of its file and of *paths*."""
    attempts = {"TASK-001": 1, "TASK-002": 2}
    commits = [
        Commit(f"{at:040}", [("r", id_, attempts[id_])], [f"src/{id_}.txt", *paths.split()])
        for at, id_ in enumerate(ids)
    ]
    look = {"head": "a", "index": ["b"], "contents": {"mine.txt": "new"}}
    story.history = History(commits, {path for commit in commits for path in commit.paths}, set(), look, look)
    story.history = story.history._replace(**more)


def undoes(story: Story, *, times: int = 1, asked: int = 1) -> None:
    """The commit of TASK-002 is reverted."""
    committing(story)
    assert story.history
    for _ in range(asked):
        story.call("person", "undo", "TASK-002", out="undone TASK-002\n")
    reverts = [Commit(f"revert {at}", [], [], f"{1:040}") for at in range(times)]
    story.history = story.history._replace(commits=[*story.history.commits, *reverts])


def takes_back(story: Story) -> None:
    committing(story)
    story.note("committed", who="person", head="b")


def lost_in_a_worktree(story: Story) -> None:
    committing(story, held={"src/TASK-001.txt"})
    works = next(each for each in story.journal if each["event"] == "works" and each["id"] == "TASK-002")
    works["tree"] = "/project/.claude/worktrees/TASK-002"


def half_decomposed(story: Story) -> None:
    story.journal[0].update(queue="", tasks=5)
    story.spawned("decomposition", 1)


def at_once(story: Story, *ids: str) -> None:
    for id_ in ids:
        story.works(id_, 1, "one")
    story.ledger += [Effect(id_, 1, f"one.1.{id_}", story.t + 1) for id_ in ids]


WRONG: dict[str, tuple[Callable[[Story], object], str]] = {
    "it never ended": (lambda s: s.last("ends").update(over=False), "did not end"),
    "a traceback": (lambda s: s.call("two", "wait", code=70), "exited with 70"),
    "a call that nobody understood": (lambda s: s.call("two", "wait", code=2), "exited with 2"),
    "a task vanished": (lambda s: setattr(s, "queue", s.queue.split("### TASK-002")[0]), "TASK-003 has vanished"),
    "a task stands twice": (lambda s: setattr(s, "queue", s.queue + task("TASK-001")), "TASK-001 stands 2 times"),
    "a comment was lost": (lambda s: setattr(s, "queue", s.queue.replace(NOTE, "")), "comments are []"),
    "an objective changed": (lambda s: setattr(s, "queue", s.queue.replace("Build it", "Build", 1)), "more than statuses"),
    "an added task was lost": (
        lambda s: s.call("person", "add-tasks", "-", out="added 1: TASK-901\n"),
        "TASK-901 has vanished",
    ),
    "an issue was lost": (lambda s: setattr(s, "issues", ""), "ISSUE-20260102-001 was added"),
    "a task of PRD.md was never added": (half_decomposed, "its TASK-005 was never added"),
    "it said that all are completed": (lambda s: says(s, "STOP All 4 tasks are completed."), "2 of 4 are"),
    "it counted wrongly": (lambda s: says(s, "STOP The run has ended, 3 of 4 tasks completed; x"), "2 of 4 are"),
    "it gave up": (lambda s: says(s, "STOP cannot write it"), "it said last"),
    "nobody did it": (lambda s: s.ledger.pop(), "TASK-002 is completed, and nobody did it"),
    "a task could run": (lambda s: status(s, "TASK-003", "failed", "pending"), "TASK-003 is pending, and could run"),
    "a task was left in progress": (lambda s: status(s, "TASK-003", "failed", "in_progress"), "is in_progress in the end"),
    "a failure without a reason": (lambda s: status(s, "TASK-004", "pending", "failed"), "for no reason on record"),
    "a reason that nobody gave": (lambda s: s.failed("TASK-003", 2, "something"), "which no agent said"),
    "a completed task was spawned again": (lambda s: s.spawned("TASK-001", 2), "spawned after it was completed, 1 times"),
    "an attempt ran in two sessions": (lambda s: s.works("TASK-002", 2, "one"), "attempt 2 of TASK-002 ran in 2 sessions"),
    "an attempt had two agents": (
        lambda s: s.note("works", who="two.2.TASK-002", id="TASK-002", attempt=2, session="id of two"),
        "attempt 2 of TASK-002 was made by 2 agents",
    ),
    "an accepted report was lost": (
        lambda s: status(s, "TASK-002", "completed", "failed"),
        "`done` of attempt 2 of TASK-002 was accepted, and it is failed",
    ),
    "an accepted report's task was worked on again": (
        lambda s: s.works("TASK-001", 2, "two"),
        "was accepted (one.1.TASK-001), and it was worked on again",
    ),
    "too many failures": (lambda s: s.failed("TASK-003", 3, "unclear session-two"), "TASK-003 failed 3 times"),
    "a live session lost its run": (lambda s: intrudes(s, "start"), "three was given the run while two was at work"),
    "a session without the run was told to spawn": (lambda s: intrudes(s, "wait"), "three was told"),
    "a session without the run was told to work": (
        lambda s: intrudes(s, "wait", out="WORK TASK-003 opus\n"),
        "three was told",
    ),
    "more agents at work than may be": (lambda s: at_once(s, "TASK-001", "TASK-002"), "2 agents were at work at once"),
    "two agents on what may be one file": (
        lambda s: at_once(s, "TASK-001", "TASK-002"),
        "TASK-002 began while TASK-001 was at work",
    ),
    "a dead session kept others out": (is_refused, "four was refused the run, and no other session was alive"),
    "a hook sent a session back to the run of another": (is_sent_back, "three was sent back to the run of two"),
    "a gate was not run": (lambda s: gated(s, "TASK-002"), "its gate all was not green since it began"),
    "a task's own gate was not run": (lambda s: gated(s, "all"), "its gate TASK-002 was not green since it began"),
    "a commit was lost": (lambda s: committing(s, ids=("TASK-001",)), "TASK-002 was completed, has no commit"),
    "a task has two commits": (
        lambda s: committing(s, ids=("TASK-001", "TASK-002", "TASK-002")),
        "TASK-002, attempt 2, has 2 commits",
    ),
    "a commit took a person's file": (lambda s: committing(s, paths="mine.txt"), "holds the person's mine.txt"),
    "a commit took the run's own files": (lambda s: committing(s, paths=".claude/x"), "holds .claude/x"),
    "a commit was undone unasked": (lambda s: undoes(s, asked=0), "1 commits of TASK-002 were undone, and nobody asked"),
    "a commit was undone twice": (lambda s: undoes(s, times=2, asked=2), "was undone 2 times"),
    "an undone task counts": (undoes, "TASK-002 is completed, and all its commits were undone"),
    "a person's commit was taken back": (takes_back, "the person's head was b, and is a"),
    "a task was skipped unasked": (lambda s: status(s, "TASK-004", "pending", "skipped"), "TASK-004 is skipped in the end"),
    "work in a worktree was lost": (lost_in_a_worktree, "the work on TASK-002 was in a worktree, and is nowhere"),
    "work is in no branch": (lambda s: committing(s, held=set()), "src/TASK-001.txt is in no branch"),
    "a person's file was changed": (lambda s: committing(s, after={"head": "z"} | dict.fromkeys(("index", "contents"))), "the person's head was a, and is z"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_the_judge_finds(name: str) -> None:
    change, finding = WRONG[name]
    story = Story()
    change(story)
    assert [line for line in judge.findings(story.evidence()) if finding in line]


def test_a_run_whose_tasks_were_proved_and_committed_has_no_findings() -> None:
    story = Story()
    gated(story, "all", "TASK-002")
    committing(story)
    assert judge.findings(story.evidence()) == []


def test_a_gate_that_is_red_before_a_run_binds_no_task_of_it() -> None:
    story = Story()
    gated(story, "TASK-002")
    for each in story.journal:
        if each["event"] == "end" and each["out"] == "SPAWN TASK-002 sonnet\n":
            each["out"] = "red before the run: `pytest` (exit 1)\nSPAWN TASK-002 sonnet\n"
    assert judge.findings(story.evidence()) == []


def test_the_judge_reads_what_the_mod_was_told_as_it_reads_what_a_model_was() -> None:
    directives = [{"kind": "SPAWN", "id": "TASK-001", "model": "opus", "prompt": "…"}, {"kind": "WAIT"}]
    answers = {
        json.dumps(
            {"lines": ["done TASK-002 (1/2)"], "directives": directives}
        ): "done TASK-002 (1/2)\nSPAWN TASK-001 opus\nWAIT",
        json.dumps({"engine": "task"}): "STOP not by the mod",
        "{}": "",
    }
    for out, said in answers.items():
        assert printed({"event": "end", "words": ["wait", "--mod"], "out": out})["out"] == said


def test_the_journal_is_written_where_the_helpers_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda *_: pytest.fail("the helper's disk"))
    journal = Journal(str(tmp_path / "journal.jsonl"))
    journal.note("kill", who="chaos")
    assert [each["event"] for each in journal.news()] == ["kill"]


def test_what_a_person_took_back_or_left_out_is_no_finding() -> None:
    story = Story()
    undoes(story)
    for id_ in ("TASK-002", "TASK-004"):
        story.call("person", "skip", id_, out=f"{id_} skipped\n")
    status(story, "TASK-002", "completed", "skipped (unblocks)")
    status(story, "TASK-004", "pending", "skipped")
    said = "STOP The run has ended, 1 of 2 tasks completed, 2 skipped; failed: TASK-003"
    says(story, said)
    assert judge.findings(story.evidence()) == []


def test_what_a_person_gave_back_may_run_again() -> None:
    story = Story()
    story.call("person", "set-status", "TASK-001", "pending", out="TASK-001 pending\n")
    story.worked("TASK-001", 2, "two")
    assert judge.findings(story.evidence()) == []


def test_a_takeover_that_was_asked_for_is_no_finding() -> None:
    story = Story()
    intrudes(story, "start")
    begun = next(each["t"] for each in story.journal if each["event"] == "session" and each["who"] == "three")
    story.journal.append({"t": begun, "event": "fault", "who": "chaos", "of": "takeover asked for"})
    assert not [line for line in judge.findings(story.evidence()) if "given the run" in line]


def test_the_figures_count_an_effect_that_was_repeated(tmp_path: Path) -> None:
    story = Story()
    story.ledger.append(Effect("TASK-002", 1, "one.2.TASK-002", 1))
    counted, seconds = figures.of(story.evidence(), str(tmp_path))
    assert (counted["effects"], counted["repeated effects"], counted["kill: session"]) == (3, 1, 1)
    assert "takeovers" in counted
    assert json.loads(json.dumps(seconds))["a run"] == [12.5]
