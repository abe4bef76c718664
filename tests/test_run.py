"""The run on disk: steps written in an order that a kill can't hurt, and a wait that many may call."""

import json
import multiprocessing
import os
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.engine import heartbeat, markers, next_step, simulation
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import plan, steering, steps
from claudestrator_helper.run import polling as waiting
from claudestrator_helper.store import files, marker_files, paths, run_log, state_file, typed_command
from claudestrator_helper.store.hidden_files import TURN
from claudestrator_helper.system import processes
from claudestrator_helper.texts import queue as q
from kills import Killed, kill_before
from patience import until
from queues import queue, task
from running import helper

__all__ = ["kill_before"]  # a fixture


@pytest.fixture
def project(tmp_path: Path) -> paths.Project:
    (tmp_path / ".claude").mkdir()
    return paths.project(str(tmp_path))


def fill(project: paths.Project, *tasks: str) -> None:
    Path(project.queue).write_text(queue(*tasks), encoding="utf-8")


def statuses(project: paths.Project) -> dict[str, str]:
    return {found.id: found.status for found in q.parse(files.read(project.queue) or "").tasks}


def events(project: paths.Project, kind: str) -> list[str]:
    lines = (files.read(project.log) or "").splitlines()
    return [entry["id"] for entry in map(json.loads, lines) if entry["event"] == kind]


def wait(project: paths.Project, limit: float = 0) -> list[str]:
    return running.wait_for_step(project, limit=limit)


def test_a_run_on_disk_from_prd_to_completion(project: paths.Project) -> None:
    Path(project.prd).write_text("# Build a door\n", encoding="utf-8")
    assert running.start(project, "s1", []) == ["SPAWN decomposition opus"]
    fill(project, task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    reports.done(project, "decomposition", 1, "")
    assert wait(project) == ["done decomposition (0/2)", "SPAWN TASK-1 sonnet"]
    assert "TASK-1" in reports.begin(project, "TASK-1")
    reports.done(project, "TASK-1", 1, "There is a door.")
    assert wait(project) == ["done TASK-1 (1/2)", "SPAWN TASK-2 sonnet"]
    assert "There is a door." in reports.begin(project, "TASK-2")
    reports.done(project, "TASK-2", 1, "")
    assert wait(project)[-1] == "STOP All 2 tasks are completed."
    # What a person has written into PRD.md since would otherwise seem to be built.
    anew = "All 2 tasks are completed. PRD.md becomes tasks only once: for what you have changed there since, add"
    assert plan.plan(project, []).lines[0].startswith(anew)
    assert running.start(project, "s1", [])[0].startswith(f"STOP {anew}")
    assert state_file.read(project).initial_prd_tasks_complete
    assert "initial_prd_tasks_complete: true\n" in (files.read(project.session) or "")
    assert events(project, "spawned") == ["decomposition", "TASK-1", "TASK-2"]


def test_a_wait_ends_before_its_limit_and_says_what_it_waits_for(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    before = time.monotonic()
    assert wait(project, limit=0.3) == ["still waiting for TASK-1 (0 min)", "WAIT"]
    assert 0.3 <= time.monotonic() - before < 60


@pytest.mark.parametrize(
    ("cap", "seconds"),
    [("", 585), ("600000", 585), ("20000", 5), ("7200000", 3585), ("nonsense", 585), ("1000", 1), ("-5", 1)],
)
def test_a_wait_ends_15_seconds_before_the_cap_of_a_bash_call(cap: str, seconds: float) -> None:
    assert waiting.limit({"BASH_MAX_TIMEOUT_MS": cap} if cap else {}) == seconds


def test_a_wait_returns_when_a_marker_comes(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    timer = threading.Timer(0.3, lambda: Path(project.markers, "TASK-1.done").touch())
    Path(project.markers).mkdir()
    timer.start()
    assert wait(project, limit=120)[-1] == "STOP The one task is completed."


def test_a_wait_stands_back_for_a_later_one_which_alone_takes_the_steps(project: paths.Project) -> None:
    fill(project, task("TASK-1"), task("TASK-2"))
    running.start(project, "s1", [])
    said: dict[str, list[str]] = {}
    earlier = threading.Thread(target=lambda: said.update(earlier=wait(project, limit=120)))
    later = threading.Thread(target=lambda: said.update(later=wait(project, limit=120)))
    earlier.start()
    until(Path(project.markers, ".wait").exists)
    later.start()
    earlier.join(120)
    assert said == {"earlier": ["another wait has taken over", "WAIT"]}
    reports.done(project, "TASK-1", 1, "")
    later.join(120)
    assert said["later"][-1] == "SPAWN TASK-2 sonnet"


def test_a_wait_whose_session_has_died_renews_no_heartbeat(
    project: paths.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    lives = iter([True, False])
    monkeypatch.setattr(processes, "current", lambda: "host/boot/1/2/3")
    monkeypatch.setattr(processes, "alive", lambda _: next(lives))
    before = state_file.read(project).owner.heartbeat
    with pytest.raises(ClaudestratorError, match="the session that waited here is gone"):
        running.wait_for_step(project, limit=3600, sleep=lambda _: None, clock=iter(range(0, 36000, 20)).__next__)
    assert state_file.read(project).owner.heartbeat - before < 5


def test_the_heartbeat_is_renewed_by_a_wait(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    now = state_file.read(project).owner.heartbeat
    running.wait_for_step(project, limit=0, now=lambda: now + 20)
    assert state_file.read(project).owner.heartbeat == now + 20


class Sessions:
    """Claude Code's processes: which of them calls, and which are alive."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calling, self.living, self.unknown = "one", {"one", "two"}, False
        patch.setattr(processes, "current", lambda: self.calling)
        patch.setattr(processes, "alive", lambda process: None if self.unknown else process in self.living)


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Sessions:
    return Sessions(monkeypatch)


@pytest.mark.parametrize("session", ["s1", "s2"])
def test_another_process_is_refused_and_told_so_while_the_run_has_one(
    project: paths.Project, sessions: Sessions, session: str
) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    sessions.calling = "two"
    with pytest.raises(ClaudestratorError, match="another session is at work on this queue"):
        running.start(project, session, [])
    before = files.read(project.session), TURN.read(project)
    with pytest.raises(ClaudestratorError, match="take it back with `/orchestrate --takeover`"):
        running.wait_for_step(project, session)
    assert (files.read(project.session), TURN.read(project)) == before


@pytest.mark.parametrize("session", ["s1", "s2"])
@pytest.mark.parametrize("verb", ["start", "wait"])
def test_a_run_whose_process_is_dead_is_taken_over_at_once(
    project: paths.Project, sessions: Sessions, verb: str, session: str
) -> None:
    fill(project, task("TASK-1"), task("TASK-2"), task("TASK-3"))
    running.start(project, "s1", [])
    reports.done(project, "TASK-1", 1, "")
    assert wait(project)[-1] == "SPAWN TASK-2 sonnet"
    reports.begin(project, "TASK-2")
    sessions.calling, sessions.living = "two", {"two"}
    lines = running.start(project, session, []) if verb == "start" else running.wait_for_step(project, session)
    assert lines[-1] == "SPAWN TASK-2 sonnet"
    current = state_file.read(project)
    assert (current.owner.session, current.owner.process) == (session, "two")
    assert (current.agents["TASK-2"].attempt, statuses(project)["TASK-1"]) == (2, "completed")


def test_the_agents_of_a_living_process_go_on_under_a_new_session(project: paths.Project, sessions: Sessions) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    reports.begin(project, "TASK-1")
    assert running.start(project, "after-clear", []) == ["WAIT"]
    assert state_file.read(project).agents["TASK-1"].attempt == 1
    assert sessions.living


def test_the_impatient_take_a_run_away_from_a_session_which_then_takes_no_step(
    project: paths.Project, sessions: Sessions
) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    reports.begin(project, "TASK-1")
    sessions.calling = "two"
    assert running.start(project, "s2", ["--takeover"]) == ["SPAWN TASK-1 sonnet"]
    sessions.calling = "one"
    with pytest.raises(ClaudestratorError, match="take it back with `/orchestrate --takeover`"):
        running.wait_for_step(project, "s1")
    with pytest.raises(ClaudestratorError, match="attempt 1 of TASK-1 is over"):
        reports.done(project, "TASK-1", 1, "")


def test_where_no_process_is_known_the_session_and_the_heartbeat_tell(
    project: paths.Project, sessions: Sessions
) -> None:
    fill(project, task("TASK-1"))
    sessions.calling = ""
    running.start(project, "s1", [])
    now = time.time()
    with pytest.raises(ClaudestratorError, match="another session is at work on this queue"):
        running.start(project, "s2", [], now=lambda: now + 50)
    assert running.start(project, "s2", [], now=lambda: now + 70) == ["SPAWN TASK-1 sonnet"]


def test_a_stop_ends_the_run_at_its_next_step(project: paths.Project) -> None:
    assert steering.stop(project) == "Nothing is running here."
    fill(project, task("TASK-1"), task("TASK-2"))
    running.start(project, "s1", [])
    assert steering.stop(project) == "The run will stop once TASK-1 has reported."
    reports.done(project, "TASK-1", 1, "")
    assert wait(project)[-1].startswith("STOP The run has stopped, as asked: 1 of 2 tasks completed.")


def test_a_run_that_no_one_waits_for_is_stopped_at_once(project: paths.Project) -> None:
    fill(project, task("TASK-1"), task("TASK-2"))
    ago = time.time() - 2 * heartbeat.ABSENCE
    running.start(project, "s1", [], now=lambda: ago)
    assert steering.stop(project) == "The run will stop once TASK-1 has reported."
    reports.done(project, "TASK-1", 1, "")
    assert steering.stop(project).startswith(
        "The run has stopped: `/orchestrate` continues it. What TASK-1 reports will"
    )
    assert running.start(project, "s1", []) == ["done TASK-1 (1/2)", "SPAWN TASK-2 sonnet"]


def test_a_stop_in_the_runs_own_session_takes_effect_at_once(project: paths.Project) -> None:
    fill(project, task("TASK-1"), task("TASK-2"))
    running.start(project, "s1", [])
    told = "The run has stopped: `/orchestrate` continues it. What TASK-1 reports will count."
    assert steering.stop(project, now=True) == told
    assert steering.stop(project, now=True) == "Nothing is running here."
    assert "at work when it was stopped: TASK-1" in helper("status", folder=project.root).stdout
    reports.done(project, "TASK-1", 1, "")
    assert running.start(project, "s1", []) == ["done TASK-1 (1/2)", "SPAWN TASK-2 sonnet"]


def test_a_mod_waits_on_whatever_is_typed(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    state_file.write(project, state_file.read(project)._replace(engine="mod"))
    assert steering.stop(project, now=True) == "The run will stop once TASK-1 has reported."


def test_the_end_of_a_run_has_an_account_of_it(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", project.root]
    for name in ("old", "mine", "committed", "gone"):
        Path(project.root, f"{name}.txt").write_text("a\nb\n")
    dated = {**os.environ, "GIT_COMMITTER_DATE": f"@{int(time.time()) - 3600} +0000"}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, env=dated)
    Path(project.root, "mine.txt").write_text("what a person has changed before\n")
    Path(project.root, "my-new.txt").write_text("")
    began = time.time()
    time.sleep(1.1)
    running.start(project, "s1", [], now=lambda: began)
    reports.fail(project, "TASK-1", 1, "no hinges")
    running.wait_for_step(project, now=lambda: began + 50)
    Path(project.root, "committed.txt").write_text("a\n")
    subprocess.run([*git, "commit", "-qm", "y", "committed.txt"], check=True)
    Path(project.root, "old.txt").write_text("a\nc\nd\n")
    Path(project.root, "gone.txt").unlink()
    Path(project.root, "new.txt").write_text("")
    reports.done(project, "TASK-1", 2, "")
    (said,) = [line for line in running.wait_for_step(project, now=lambda: began + 100) if line.startswith("STOP")]
    assert said == (
        "STOP The one task is completed. It took 1 min 40 s; tried again: TASK-1; "
        "changed since it began: 3 files (+2 -4) and 1 new file."
    )


def test_a_paused_run_starts_nothing_until_it_is_resumed(project: paths.Project) -> None:
    assert steering.pause(project) == "Nothing is running here."
    assert steering.resume(project).startswith("Nothing is running here.")
    fill(project, task("TASK-1"), task("TASK-2"), task("TASK-3"))
    running.start(project, "s1", [])
    told = "The run pauses once TASK-1 has reported; `claudestrator-helper resume` continues it."
    assert [steering.pause(project), steering.pause(project)] == [told, told]
    assert wait(project) == ["paused, and TASK-1 (0 min) is at work: `claudestrator-helper resume` continues", "WAIT"]
    reports.done(project, "TASK-1", 1, "")
    assert wait(project)[0] == "done TASK-1 (1/3)"
    assert wait(project) == ["paused: `claudestrator-helper resume` continues", "WAIT"]
    assert steering.resume(project) == "The run continues."
    assert steering.resume(project) == "The run is not paused."
    assert wait(project) == ["SPAWN TASK-2 sonnet"]
    assert [entry["event"] for entry in run_log.read(project)].count("paused") == 1
    reports.done(project, "TASK-2", 1, "")
    assert wait(project)[-1] == "SPAWN TASK-3 sonnet"
    assert steering.pause(project) == (
        "The run ends once TASK-3 has reported, as nothing else is left; if that fails, "
        "`claudestrator-helper resume` continues it."
    )


def test_a_wait_of_a_paused_run_goes_on_when_it_is_resumed(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    reports.fail(project, "TASK-1", 1, "no hinges")
    steering.pause(project)

    def resumed(_: float) -> None:
        steering.resume(project)

    lines = steps.wait_for_step(project, "s1", 10, sleep=resumed).printed()
    assert lines == [
        "failed TASK-1: no hinges; it is pending again, as the run is paused",
        "SPAWN TASK-1 opus",
    ]


def test_a_paused_run_may_be_stopped_and_orchestrate_resumes_it(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    running.start(project, "s1", [])
    steering.pause(project)
    assert steering.resume(project, now=time.time() + 90).startswith("The run may start agents again: type /orch")
    steering.pause(project)
    assert running.start(project, "s1", []) == ["SPAWN TASK-1 sonnet"]
    assert state_file.read(project).status == "running"
    steering.pause(project)
    steering.stop(project)
    assert steering.pause(project) == "The run is stopping already: `/orchestrate` continues it."


def failed_for_good(project: paths.Project) -> None:
    """TASK-1 has failed twice, and TASK-2 needs it; TASK-3 is at work."""
    fill(project, task("TASK-1"), task("TASK-2", dependencies="TASK-1"), task("TASK-3"))
    running.start(project, "s1", [])
    for attempt in (1, 2):
        reports.fail(project, "TASK-1", attempt, "no hinges")
        wait(project)


def test_a_retried_task_has_all_its_attempts_again_and_its_agent_reads_the_hint(project: paths.Project) -> None:
    failed_for_good(project)
    told = "the hinges are in\nthe cellar"
    assert steering.retry(project, ["TASK-1"], told) == ["TASK-1 pending, it was failed"]
    reports.done(project, "TASK-3", 1, "")
    assert wait(project)[-1] == "SPAWN TASK-1 sonnet"
    current = state_file.read(project)
    agent = current.agents["TASK-1"]
    assert (agent.attempt, agent.failures, agent.reason, current.failed) == (3, 0, "", {})
    assert "# A hint from the person who runs this\n\nthe hinges are in the cellar\n" in reports.begin(
        project, "TASK-1"
    )
    reports.fail(project, "TASK-1", 3, "no door")
    assert wait(project)[-1] == "SPAWN TASK-1 opus"
    assert "the hinges are in the cellar" in reports.begin(project, "TASK-1")
    reports.done(project, "TASK-1", 4, "")
    wait(project)
    assert state_file.read(project).record("TASK-1").hint is None


def test_a_completed_task_is_tried_again_too(project: paths.Project) -> None:
    fill(project, task("TASK-1"), task("TASK-2"))
    running.start(project, "s1", [])
    reports.done(project, "TASK-1", 1, "")
    wait(project)
    steering.retry(project, ["TASK-1"], "")
    reports.done(project, "TASK-2", 1, "")
    assert wait(project)[-1] == "SPAWN TASK-1 sonnet"
    with pytest.raises(ClaudestratorError, match="TASK-1 is at work"):
        steering.retry(project, ["TASK-2", "TASK-1"], "")
    assert statuses(project)["TASK-2"] == "completed", "all or none"


def test_a_skipped_task_blocks_what_depends_on_it_unless_it_is_said_not_to(project: paths.Project) -> None:
    failed_for_good(project)
    assert steering.skip(project, ["TASK-1"], unblock=False) == [
        "TASK-1 skipped; TASK-2 stays blocked without --unblock"
    ]
    reports.done(project, "TASK-3", 1, "")
    assert wait(project)[-1].startswith(
        "STOP The run has ended, 1 of 2 tasks completed, 1 skipped; skipped: TASK-1; blocked: TASK-2 by TASK-1 (skipped)."
    )
    for unblock, left in ((True, "TASK-2"), (False, "none: blocked"), (True, "TASK-2")):
        (told,) = steering.skip(project, ["TASK-1"], unblock=unblock)
        assert told == f"TASK-1 skipped; TASK-2 {'may run' if unblock else 'stays blocked without --unblock'}"
        assert helper("next-task", folder=project.root).stdout.startswith(left)
    assert running.start(project, "s1", []) == ["SPAWN TASK-2 sonnet"]
    reports.done(project, "TASK-2", 1, "")
    assert wait(project) == ["done TASK-2 (2/2)", "STOP All 2 other tasks are completed; skipped: TASK-1."]
    assert state_file.read(project).initial_prd_tasks_complete
    assert steering.retry(project, ["TASK-1"], "") == ["TASK-1 pending, it was skipped: `/orchestrate` runs it"]


@pytest.mark.parametrize("reported", [True, False])
def test_a_skipped_agent_is_given_up_on_whatever_it_reports(project: paths.Project, *, reported: bool) -> None:
    fill(project, task("TASK-1"), task("TASK-2"))
    running.start(project, "s1", [])
    (told,) = steering.skip(project, ["TASK-1"], unblock=False)
    assert told == "TASK-1 skipped; the report of its agent, which is still at work, will not count"
    if reported:
        marker_files.leave(project, "TASK-1", "done", 1, "done")
    assert wait(project)[-1] == "SPAWN TASK-2 sonnet"
    assert statuses(project)["TASK-1"] == "skipped"
    with pytest.raises(ClaudestratorError, match="reported already" if reported else "it is skipped"):
        reports.fail(project, "TASK-1", None, "x")


def test_a_completed_task_is_not_skipped(project: paths.Project) -> None:
    fill(project, task("TASK-1", status="done"))
    with pytest.raises(ClaudestratorError, match="TASK-1 is completed"):
        steering.skip(project, ["TASK-1"], unblock=False)


def test_set_status_brings_a_task_back_that_this_run_has_completed(project: paths.Project) -> None:
    fill(project, task("TASK-1"), task("TASK-2"))
    running.start(project, "s1", [])
    reports.done(project, "TASK-1", 1, "")
    wait(project)
    assert helper("set-status", "TASK-1", "pending", folder=project.root).code == 0
    reports.done(project, "TASK-2", 1, "")
    assert wait(project) == ["done TASK-2 (1/2)", "SPAWN TASK-1 sonnet"]
    assert state_file.read(project).agents["TASK-1"].attempt == 2


def test_a_plan_of_many_tasks_is_short_and_read_once(project: paths.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [*range(1000, 0, -2), *range(1, 1000, 2)]
    fill(
        project,
        *(task(f"TASK-{n}", dependencies=f"TASK-{n + 1}" if n % 2 else "None") for n in numbers),
        task("TASK-9998", dependencies="TASK-9999"),
    )
    parsed: list[int] = []
    real = q.Queue.__init__

    def counting(self: q.Queue, text: str, *rest: Any) -> None:
        parsed.append(len(text))
        real(self, text, *rest)

    monkeypatch.setattr(q.Queue, "__init__", counting)
    lines = plan.plan(project, ["50", "x", "--verify"]).printed()
    assert sum(parsed) < 8 * os.path.getsize(project.queue)
    assert lines[:2] == ["TASK-1000 sonnet", "TASK-998 sonnet"]
    assert lines[23:25] == ["TASK-954 sonnet", "verify-0 opus"]
    assert "and 976 more tasks" in lines
    assert lines[-2:] == ["and 45 more loops like these", "STOP Dry run: nothing was changed."]
    assert len(lines) <= 40


def test_a_plan_names_the_tasks_in_order_with_their_models_and_changes_nothing(project: paths.Project) -> None:
    fill(project, task("TASK-2", dependencies="TASK-1", complexity="complex"), task("TASK-1", complexity="easy"))
    before = {path: path.read_bytes() for path in Path(project.root).rglob("*") if path.is_file()}
    assert plan.plan(project, []).printed() == [
        "TASK-1 haiku",
        "TASK-2 opus",
        "STOP Dry run: nothing was changed.",
    ]
    assert plan.plan(project, ["2", "speed"]).printed()[2:] == [
        "loop 1 of 2: research opus, decomp opus, up to 5 tasks, commit, memory sonnet",
        "loop 2 of 2: research opus, decomp opus, up to 5 tasks, commit, memory sonnet",
        "STOP Dry run: nothing was changed.",
    ]
    assert {path: path.read_bytes() for path in Path(project.root).rglob("*") if path.is_file()} == before


def test_a_plan_says_what_will_not_run_and_why_nothing_does(project: paths.Project) -> None:
    fill(project, task("TASK-1"), task("TASK-2", dependencies="TASK-1; a key from Ann"), "- [ ] TASK-3 Mail\n")
    assert plan.plan(project, []).lines == [
        "TASK-1 sonnet",
        (
            "will not run: blocked: TASK-2 by a key from Ann (not in the queue); line 35 of the queue can't be read "
            "(TASK-3 looks like a task but is not a section of its own (### TASK-3))"
        ),
    ]
    Path(project.queue).unlink()
    Path(project.prd).write_bytes(b"PK\x03\x04")
    (said,) = plan.plan(project, []).lines
    assert "a Word or zip file" in said


@pytest.mark.parametrize("words", [["two"], ["x", "3"], ["rm", "rf", "/"], ["it's"]])
def test_words_that_mean_nothing_are_refused_in_one_line(project: paths.Project, words: list[str]) -> None:
    with pytest.raises(ClaudestratorError, match="means nothing here: type /orchestrate") as refusal:
        running.start(project, "s1", words)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("words", [["0"], ["-1"], ["1001"], ["999999999"], ["3", "3"], ["+5", "-2"]])
def test_loops_that_can_not_be_are_refused_in_one_line(project: paths.Project, words: list[str]) -> None:
    with pytest.raises(ClaudestratorError, match="loops") as refusal:
        running.start(project, "s1", words)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.slow
def test_a_run_killed_before_any_one_of_its_writes_goes_on_and_does_nothing_twice(
    project: paths.Project, kill_before: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    at = 0
    while _killed_at(at, project, kill_before, monkeypatch, failing=failing):
        at += 1
    # Otherwise the kills came too early or never, and this has tested nothing.
    assert at > 10


def _killed_at(
    at: int,
    project: paths.Project,
    kill_before: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    failing: bool,
) -> bool:
    """Whether the kill happened; the run itself has to end well either way."""
    for path in Path(project.state).rglob("*"):
        if path.is_file():
            path.unlink()
    fill(project, task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    kill_before(at)
    killed, clock = False, [int(time.time())]
    reported: list[tuple[str, int]] = []
    step: Callable[[], list[str]] = partial(running.start, project, "s1", [], now=lambda: clock[0])
    for _ in range(40):
        try:
            lines = step()
        except Killed:
            killed = True
            monkeypatch.undo()
            step = partial(running.start, project, "s1", [], now=lambda: clock[0])
            continue
        step = partial(running.wait_for_step, project, limit=0, now=lambda: clock[0])
        if lines[-1].startswith("STOP"):
            break
        for id_, agent in state_file.read(project).agents.items():
            if id_ not in [done for done, attempt in reported if attempt == agent.attempt]:
                reported.append((id_, agent.attempt))
                # As an agent would, in a process that nobody kills.
                kind = markers.FAILED if failing and agent.attempt == 1 else markers.DONE
                _leave(project, id_, kind, agent.attempt)
        clock[0] += 1
    assert statuses(project) == {"TASK-1": "completed", "TASK-2": "completed"}, f"killed before change {at}"
    attempts = 2 if failing else 1
    assert reported == [(id_, n) for id_ in ("TASK-1", "TASK-2") for n in range(1, attempts + 1)], f"killed before {at}"
    return killed


def test_a_takeover_killed_before_any_one_of_its_writes_takes_no_sign_of_life_from_an_agent_that_is_still_the_runs(
    project: paths.Project, kill_before: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    owners, at, killed = [], 0, True
    while killed:
        for path in filter(Path.is_file, Path(project.state).rglob("*")):
            path.unlink()
        fill(project, task("TASK-1"))
        running.start(project, "s1", [])
        reports.begin(project, "TASK-1")
        kill_before(at)
        try:
            running.start(project, "s2", ["--takeover"])
            killed = False
        except Killed:
            at += 1
        monkeypatch.undo()
        current = state_file.read(project)
        owners.append(current.owner.session)
        assert killed or current.agents["TASK-1"].attempt == 2
        assert current.owner.session == "s2" or marker_files.begun(project, "TASK-1", 1) is not None, f"before {at}"
    assert {*owners} == {"s1", "s2"}


def _leave(project: paths.Project, id_: str, kind: str, attempt: int) -> None:
    os.makedirs(project.markers, exist_ok=True)
    first = "done" if kind == markers.DONE else "it broke"
    Path(project.markers, f"{id_}.{kind}").write_text(f"{first}\nattempt: {attempt}\n", encoding="utf-8")


def _hammer(root: str, id_: str) -> None:
    project = paths.project(root)
    with files.locked(project.lock):
        text = files.read(project.queue) or ""
        files.write(project.queue, q.set_status(text, id_, "completed"))


def test_fifty_processes_that_set_statuses_lose_no_update(project: paths.Project) -> None:
    fill(project, *(task(f"TASK-{n}") for n in range(50)))
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_hammer, args=(project.root, f"TASK-{n}")) for n in range(50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert set(statuses(project).values()) == {"completed"}


def test_the_longest_wait_is_what_the_command_asks_for() -> None:
    text = Path(__file__).parents[1].joinpath("commands/orchestrate.md").read_text(encoding="utf-8")
    assert f"timeout `{waiting.LONGEST_WAIT * 1000}`" in text
    assert heartbeat.HEARTBEAT < heartbeat.ABSENCE < waiting.BASH_CAP - waiting.MARGIN


@pytest.mark.parametrize("hooked", [True, False])
def test_a_container_that_was_started_again_is_not_taken_for_the_session_before(
    project: paths.Project, sessions: Sessions, hooked: bool
) -> None:
    """Its processes have numbers of their own, so nobody can tell of those before; hooks name both."""
    fill(project, task("TASK-1"))
    if hooked:
        typed_command.note(project, "s1", "acceptEdits", "one")
    running.start(project, "s1", [])
    reports.begin(project, "TASK-1")
    sessions.calling, sessions.unknown = "three", True
    if hooked:
        typed_command.note(project, "s1", "acceptEdits", "three")
    later = time.time() + 70
    lines = running.start(project, "s1", [], now=lambda: later)
    assert lines == (["SPAWN TASK-1 sonnet"] if hooked else ["WAIT"])


def test_a_step_in_memory_comes_to_what_it_comes_to_on_disk(project: paths.Project) -> None:
    fill(project, task("TASK-1"), task("TASK-2"), task("TASK-3", dependencies="TASK-2"), task("TASK-4"))
    running.start(project, "s1", [], now=lambda: 100)
    for at, reason in enumerate(["", "no", "no", "no", ""], 1):
        [(id_, agent)] = state_file.read(project).agents.items()
        if reason:
            reports.fail(project, id_, agent.attempt, reason)
        else:
            reports.done(project, id_, agent.attempt, "")
        before = steps.read(project, 100 + at)._replace(alone=True)
        expected = simulation.after(before, next_step.next_step(before))
        steps.hand_over(project, now=partial(int, before.now))
        after = steps.read(project, before.now)
        assert (after.state, after.queue.text) == (expected.state, expected.queue.text)
        assert not set(after.markers.reports) & set(after.state.agents)
    assert list(statuses(project).values()) == ["completed", "failed", "pending", "completed"]
    assert state_file.read(project).status == "finished"


def test_a_roles_text_that_cannot_be_read_is_refused_before_the_run_needs_it(project: paths.Project) -> None:
    fill(project, task("TASK-1"))
    own = Path(project.root, ".claudestrator", "skills", "orchestrator", "memory_agent.md")
    own.parent.mkdir(parents=True)
    own.write_text("---\nmodel: [opus\n---\n\nRemember.\n", encoding="utf-8")
    with pytest.raises(ClaudestratorError, match=r"memory_agent\.md"):
        running.start(project, "s1", ["1"])
    assert running.start(project, "s1", []) == ["SPAWN TASK-1 sonnet"]
