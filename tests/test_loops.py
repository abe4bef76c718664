"""`/orchestrate N` on a real disk and a real git, with agents that report through the helper's own functions."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import add_tasks, check
from claudestrator_helper.commands import issues as issue_verbs
from claudestrator_helper.engine import sentences
from claudestrator_helper.engine.state import PAUSED, STOPPED, Agent, Loop, State
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import merging
from claudestrator_helper.store import event_lines, files, memory, paths, run_log, state_file
from claudestrator_helper.system import git as repository
from claudestrator_helper.system import worktrees
from claudestrator_helper.texts import ids, issues
from claudestrator_helper.texts import queue as q
from kills import Killed
from loop_agents import GIT, Agents, drive, git, history, issue, project
from queues import queue, task
from states import state_of

__all__ = ["project"]  # a fixture

DAY = time.strftime("%Y%m%d")


def test_three_loops_make_three_commits_and_touch_nothing_of_the_persons(project: paths.Project) -> None:
    agents = Agents(project)
    ended = drive(agents, ["3", "error", "handling"])
    assert ended == "STOP 3 of 3 loops are done, 7 of 7 tasks completed; issues: 6 completed."
    assert history(project) == ["Begin", "Loop 1", "Loop 2", "Loop 3"]
    assert agents.worked == [
        id_
        for n in (1, 2, 3)
        for id_ in (f"research-{n}", f"decomp-{n}", f"TASK-{99 + 2 * n}", f"TASK-{100 + 2 * n}", f"memory-{n}")
    ]
    assert git(project, "show", "--name-only", "--format=", "HEAD~2").split() == [".claude/issue_queue.md", ".claude/journal/task-TASK-101.md", ".claude/journal/task-TASK-102.md", ".claude/task_queue.md", "TASK-101.txt", "TASK-102.txt"]  # fmt: skip
    assert git(project, "diff", "--name-only", "--", ".", ":!.claude").split() == ["mine.txt"]
    body = git(project, "log", "-1", "--format=%b")
    assert f"TASK-105 completed: Mend ISSUE-{DAY}-005" in body


class Apart(Agents):
    """The same, side by side in worktrees."""

    def work(self, id_: str) -> None:
        self.worked.append(id_)
        self.prompts[id_] = reports.begin(self.project, id_)
        role, _, loop = id_.partition("-")
        getattr(self, role, self.build)(id_, loop)
        merging.done(self.project, id_, None, f"note of {id_}")

    def build(self, id_: str, loop: str) -> None:
        Path(self.project.root, ".claude/worktrees", id_, f"{id_}.txt").write_text(f"{id_}\n", encoding="utf-8")


@pytest.mark.skipif(worktrees.git_version() < (2, 38), reason="git merges without a working tree from 2.38 on")
def test_with_worktrees_the_tasks_of_loops_are_the_commits_and_all_else_works_on_what_is_finished(
    project: paths.Project,
) -> None:
    agents = Apart(project)
    ended = drive(agents, ["2", "--parallel", "2"])
    branch = f"claudestrator/{state_file.read(project).run}"
    assert ended.startswith("STOP 2 of 2 loops are done, 5 of 5 tasks completed; issues: 4 completed. 4 commits are on")
    assert agents.worked[:6] == ["research-1", "decomp-1", "TASK-101", "TASK-102", "memory-1", "research-2"]
    assert [line[:8] for line in git(project, "log", "--format=%s", f"main..{branch}").splitlines()] == [
        f"TASK-10{number}" for number in (4, 3, 2, 1)
    ]
    checkout = f"{project.root}/.claude/worktrees/{branch.partition('/')[2]}"
    assert f"In a checkout of what the run has finished: {checkout}" in agents.prompts["research-2"]
    assert f"**Diff:** `git log -p -2 {branch}`" in agents.prompts["memory-1"]
    assert "no commit of loop 1: each task has a commit of its own" in agents.said
    assert git(project, "worktree", "list").count("\n") == 1
    git(project, "merge", "--quiet", "--ff-only", branch)
    assert git(project, "diff", "--name-only", "--", ".", ":!.claude").split() == ["mine.txt"]


def test_what_a_loop_learned_reaches_the_next_one_and_not_the_orchestrator(project: paths.Project) -> None:
    agents = Agents(project)
    drive(agents, ["2", "error", "handling"])
    assert "**Focus:** error handling" in agents.prompts["research-1"]
    assert "secret summary" not in agents.prompts["research-1"]
    for id_ in ("research-2", "decomp-2", "TASK-103"):
        assert "secret summary of loop 1" in agents.prompts[id_]
    assert "mind 1" in agents.prompts["research-2"]
    assert "mind 1" not in agents.prompts["TASK-103"] or "TASK-101.txt" in agents.prompts["TASK-103"]
    assert f"ISSUE-{DAY}-001 the door does not shut" in agents.prompts["research-2"]
    assert "git show " in agents.prompts["memory-1"]
    assert not any("secret" in line for line in agents.said)
    assert max(map(len, agents.said)) < 200


def test_issues_follow_their_tasks(project: paths.Project) -> None:
    drive(Agents(project), ["1"])
    found = {
        each.id: (issues.status(each), each.text("Task Ref"))
        for each in q.parse(files.read(project.issues) or "").tasks
    }
    assert found == {f"ISSUE-{DAY}-001": ("completed", "TASK-101"), f"ISSUE-{DAY}-002": ("completed", "TASK-102")}


def test_a_snapshot_tells_what_a_loop_did(project: paths.Project) -> None:
    drive(Agents(project), ["1"])
    snapshot = json.loads(Path(project.snapshots, "loop-1.json").read_text(encoding="utf-8"))
    assert snapshot["commit"] == git(project, "rev-parse", "HEAD").strip()
    assert [(each["id"], each["status"], each["attempts"], each["models"]) for each in snapshot["tasks"]] == [
        ("TASK-101", "completed", 1, ["sonnet"]),
        ("TASK-102", "completed", 1, ["sonnet"]),
    ]
    assert snapshot["issues"] == {
        "found": [f"ISSUE-{DAY}-001", f"ISSUE-{DAY}-002"],
        "closed": [f"ISSUE-{DAY}-001", f"ISSUE-{DAY}-002"],
    }


def test_a_second_run_keeps_the_snapshots_of_the_first(project: paths.Project) -> None:
    agents = Agents(project)
    drive(agents, ["1"])
    agents.per_loop = 1
    git(project, "commit", "-qam", "mine")
    issue_verbs.add_issues(project, issue("a window is missing altogether"), "user")
    drive(agents, ["1"])
    assert len(list(Path(project.snapshots).glob("loop-1*.json"))) == 2


def test_at_most_so_many_tasks_run_in_a_loop_and_the_rest_come_first_in_the_next(project: paths.Project) -> None:
    folder = Path(project.root, ".claudestrator")
    folder.mkdir()
    (folder / "config.toml").write_text("[run]\ntasks_per_loop = 1\n", encoding="utf-8")
    agents = Agents(project)
    drive(agents, ["2"])
    assert [id_ for id_ in agents.worked if id_.startswith("TASK")] == ["TASK-101", "TASK-102"]


def test_a_loop_that_finds_nothing_ends_the_run_and_says_so(project: paths.Project) -> None:
    agents = Agents(project, per_loop=0)
    agents.research = lambda id_, loop: None  # type: ignore[method-assign]
    ended = drive(agents, ["5"])
    assert ended.startswith(
        "STOP The run has ended in loop 1 of 5: research filed nothing new and nothing is pending. 0 of 5 loops are done"
    )
    assert history(project) == ["Begin"]


def test_the_prds_tasks_come_first(project: paths.Project) -> None:
    Path(project.queue).write_text(queue(task("TASK-001"), task("TASK-002")), encoding="utf-8")
    state_file.write(project, state_of())
    agents = Agents(project)
    drive(agents, ["1"])
    assert agents.worked[:3] == ["TASK-001", "TASK-002", "research-1"]
    assert state_file.read(project).initial_prd_tasks_complete


def test_an_issue_that_a_person_files_meanwhile_is_taken_up(project: paths.Project) -> None:
    agents = Agents(project)

    def file_one(id_: str) -> bool:
        if id_ == "TASK-101":
            issue_verbs.add_issues(project, issue("the cellar is flooded whenever it rains"), "")
        return False

    drive(agents, ["2"], file_one)
    assert "cellar" in agents.prompts["decomp-2"]


@pytest.mark.parametrize("again", [[], ["2"]])
@pytest.mark.parametrize("at", ["research-1", "decomp-1", "TASK-101", "TASK-102", "memory-1", "research-2", "memory-2"])
def test_a_run_that_is_stopped_in_any_phase_goes_on_in_it_and_ends_with_the_same_history(
    project: paths.Project, at: str, again: list[str]
) -> None:
    agents = Agents(project)
    stopped = drive(agents, ["2"], lambda id_: id_ == at)
    assert stopped.startswith("STOP The run has stopped, as asked")
    assert state_file.read(project).status == STOPPED
    assert (
        drive(agents, again, session="s2") == "STOP 2 of 2 loops are done, 5 of 5 tasks completed; issues: 4 completed."
    )
    assert history(project) == ["Begin", "Loop 1", "Loop 2"]
    assert len(agents.worked) == len(set(agents.worked)) == 10


def test_a_run_whose_session_died_in_any_phase_goes_on_without_doing_anything_twice(project: paths.Project) -> None:
    agents = Agents(project)
    lines, clock = running.start(project, "s0", ["2"]), [int(time.time())]
    for session in range(1, 60):
        (directive,) = [line for line in lines if line.split(" ")[0] in ("SPAWN", "WAIT", "STOP")]
        if directive.startswith("STOP"):
            break
        if directive.startswith("SPAWN"):
            agents.work(directive.split(" ")[1])
        # The session dies behind each report, and another one takes over.
        clock[0] += 120
        lines = running.start(project, f"s{session}", [], now=lambda: clock[0])
        if lines[-1] == "WAIT":
            lines = running.wait_for_step(project, limit=5, now=lambda: clock[0])
    assert history(project) == ["Begin", "Loop 1", "Loop 2"]
    assert len(agents.worked) == len(set(agents.worked)) == 10


def dead_session(project: paths.Project, agents: Agents, until: str) -> int:
    """Loops whose session dies when the agent *until* has reported; the time when another one may continue them."""
    lines = running.start(project, "s0", ["1"])
    while (id_ := lines[-1].split(" ")[1]) != until:
        agents.work(id_)
        lines = running.wait_for_step(project, limit=5)
    agents.work(until)
    time.sleep(2.1)
    return int(time.time()) + 120


def ended(project: paths.Project, agents: Agents, lines: list[str], now: int) -> list[str]:
    """The rest of the run in a session that continues it; all that was said."""
    said = lines
    while not lines[-1].startswith("STOP"):
        if lines[-1].startswith("SPAWN"):
            agents.work(lines[-1].split(" ")[1])
        lines = running.wait_for_step(project, "s1", limit=5, now=lambda: now)
        said = said + lines
    return said


THEIRS = "changed while no session had the run, so kept out of its commits until you commit it yourself: "


@pytest.mark.parametrize("by", ["start", "takeover", "wait"])
def test_what_a_person_did_while_no_session_had_the_run_is_in_none_of_its_commits(
    project: paths.Project, by: str
) -> None:
    root = Path(project.root)
    (root / "gone.txt").write_text("x\n", encoding="utf-8")
    git(project, "add", "gone.txt")
    git(project, "commit", "-qm", "More")
    agents = Agents(project)
    now = dead_session(project, agents, "TASK-101")
    (root / "theirs.txt").write_text("of a person\n", encoding="utf-8")
    (root / "TASK-100.txt").write_text("of a person, as well\n", encoding="utf-8")
    (root / "gone.txt").unlink()
    if by == "wait":
        lines = running.wait_for_step(project, "s1", limit=5, now=lambda: now)
    else:
        lines = running.start(project, "s1", ["--takeover"] if by == "takeover" else [], now=lambda: now)
    assert lines[0] == f"{THEIRS}gone.txt, TASK-100.txt, theirs.txt"
    said = ended(project, agents, lines, now)
    assert said[-1].startswith("STOP 1 of 1 loop is done")
    committed = git(project, "show", "--name-only", "--format=").split()
    assert {"TASK-101.txt", "TASK-102.txt", ".claude/task_queue.md"} <= set(committed)
    assert not {"theirs.txt", "TASK-100.txt", "gone.txt", "mine.txt"} & set(committed)
    assert [line for line in said if line.startswith(THEIRS)] == lines[:1]


def test_what_a_person_did_after_a_run_was_stopped_is_in_none_of_its_commits(project: paths.Project) -> None:
    agents = Agents(project)
    drive(agents, ["1"], lambda id_: id_ == "TASK-101")
    time.sleep(2.1)
    Path(project.root, "theirs.txt").write_text("of a person\n", encoding="utf-8")
    assert drive(agents, [], session="s2").startswith("STOP 1 of 1 loop is done")
    assert f"{THEIRS}theirs.txt" in agents.said
    committed = git(project, "show", "--name-only", "--format=").split()
    assert "theirs.txt" not in committed
    assert {"TASK-101.txt", "TASK-102.txt"} <= set(committed)


def test_who_is_refused_a_run_that_is_another_sessions_renews_nothing(project: paths.Project) -> None:
    agents = Agents(project)
    dead_session(project, agents, "TASK-101")
    noted = Path(project.markers, ".dirty-before").read_text()
    Path(project.root, "by-an-agent.txt").write_text("x\n", encoding="utf-8")
    with pytest.raises(ClaudestratorError, match="another session is at work"):
        running.start(project, "s1", [])
    assert Path(project.markers, ".dirty-before").read_text() == noted


def test_a_kill_at_any_write_while_a_loop_is_closed_makes_no_second_commit(
    project: paths.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write, real_commit = files.write, repository.commit
    kills = 0
    count = [0]
    armed = [-1]

    def guarded(real: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **named: object) -> object:
            if state_file.read(project).phase == "commit":
                if count[0] == armed[0]:
                    armed[0] = -1
                    raise Killed
                count[0] += 1
            return real(*words, **named)

        return call

    monkeypatch.setattr(files, "write", guarded(real_write))
    monkeypatch.setattr(repository, "commit", guarded(real_commit))
    agents = Agents(project)
    for at in range(6):
        count[0], armed[0] = 0, at
        agents.per_loop = 2
        try:
            drive(agents, ["1"])
        except Killed:
            kills += 1
            drive(agents, [])
        git(project, "add", ".claude")
        subprocess.run([*GIT, "commit", "-qm", "between"], cwd=project.root, check=False, capture_output=True)
        assert history(project).count("Loop 1") == at + 1
    assert kills >= 3


def test_three_tasks_that_fail_alike_end_the_run(project: paths.Project) -> None:
    agents = Agents(project)
    Path(project.queue).write_text(
        queue(task("TASK-001", status="completed"), *(task(f"TASK-20{n}") for n in range(5))), encoding="utf-8"
    )
    real = agents.work

    def work(id_: str) -> None:
        if ids.role(id_) == "task":
            reports.fail(project, id_, None, "the disk is full")
        else:
            real(id_)

    agents.work = work  # type: ignore[method-assign]
    assert "failed in a row for the same reason (the disk is full)" in drive(agents, ["2"])


def test_the_accounts_of_loops_alone_are_no_commit(project: paths.Project) -> None:
    agents = Agents(project)
    real = agents.work

    def work(id_: str) -> None:
        if id_ == "research-1":
            real(id_)
        else:
            reports.fail(project, id_, None, f"{id_} fails")

    agents.work = work  # type: ignore[method-assign]
    drive(agents, ["2"])
    assert history(project) == ["Begin", "Loop 1"]
    assert "no commit of loop 2: nothing has changed" in agents.said
    commit = git(project, "rev-parse", "--short=7", "HEAD").strip()
    logged = [event_lines.line(each) for each in run_log.read(project) if each["event"] == "committed"]
    assert [line.partition(" ")[2] for line in logged] == [f"committed ({commit}): loop 1"]
    assert "?? .claude/loop_snapshots/\n" in git(project, "status", "--porcelain")


def test_an_id_that_a_task_has_had_is_not_used_again(project: paths.Project) -> None:
    had = State().recorded("TASK-1", attempts=1).recorded("TASK-2", attempts=1)
    state_file.write(project, had)
    for ids_, said in ((["TASK-1"], "TASK-1 was a task"), (["TASK-1", "TASK-2"], "TASK-1, TASK-2 were tasks")):
        with pytest.raises(ClaudestratorError, match=f"^nothing was added; {said} before: use new ids$"):
            add_tasks.add_tasks(project, "".join(map(task, ids_)))


def test_several_tasks_are_at_work() -> None:
    agent = Agent(1, "opus", 0, 0)
    paused = State(status=PAUSED).recorded("TASK-1", agent=agent).recorded("TASK-2", agent=agent)
    assert sentences.waiting(paused, 60).startswith("paused, and TASK-1 (1 min), TASK-2 (1 min) are at work: ")


def test_the_end_names_what_failed_in_the_loops_beside_tasks() -> None:
    state = (
        State(loop=Loop(number=1, total=2)).recorded("decomp-1", failed="no task").recorded("research-2", failed="x")
    )
    said = sentences.loops(state, q.parse(queue(task("TASK-1", status="completed"))), q.parse(""))
    assert said == "1 of 2 loops is done, 1 of 1 tasks completed; failed: decomp-1 (no task)."


def test_what_a_failed_task_left_is_in_the_commit_and_named(project: paths.Project) -> None:
    agents = Agents(project)
    real = agents.work

    def work(id_: str) -> None:
        if id_ == "TASK-101":
            agents.build(id_, "")
            reports.fail(project, id_, None, "half of it works")
        else:
            real(id_)

    agents.work = work  # type: ignore[method-assign]
    drive(agents, ["1"])
    body = git(project, "log", "-1", "--format=%b")
    assert "half of it works; what it left behind is part of this commit" in body
    assert "TASK-101.txt" in git(project, "show", "--name-only", "--format=", "HEAD")
    assert issues.status(q.parse(files.read(project.issues) or "").tasks[0]) == "pending"


def test_without_commits_and_memory_a_loop_is_research_and_tasks(project: paths.Project) -> None:
    folder = Path(project.root, ".claudestrator")
    folder.mkdir()
    text = '[run]\ncommit = "none"\n[memory]\nenabled = false\n[journal]\nenabled = false\n[models]\nnormal = "haiku"\nresearch = "sonnet"\n'
    (folder / "config.toml").write_text(text, encoding="utf-8")
    agents = Agents(project)
    drive(agents, ["1"])
    assert history(project) == ["Begin"]
    assert agents.worked == ["research-1", "decomp-1", "TASK-101", "TASK-102"]
    assert {"SPAWN research-1 sonnet", "SPAWN TASK-101 haiku"} <= set(agents.said)
    assert not Path(project.note("TASK-101")).exists()
    assert memory.summary(project) == ""


def test_a_memory_that_is_damaged_is_named_and_stops_nobody(project: paths.Project) -> None:
    Path(project.knowledge).write_text("{", encoding="utf-8")
    agents = Agents(project)
    agents.memory = lambda id_, loop: None  # type: ignore[method-assign]
    assert drive(agents, ["1"]).startswith("STOP 1 of 1 loop is done")
    assert any("knowledge_graph.json" in line for line in check.problems(project))


def test_a_repository_that_an_agent_makes_is_not_filled_with_the_persons_files(project: paths.Project) -> None:
    subprocess.run(["rm", "-rf", ".git"], cwd=project.root, check=True)
    agents = Agents(project)
    real = agents.build

    def build(id_: str, loop: str) -> None:
        real(id_, loop)
        subprocess.run([*GIT, "init", "-q"], cwd=project.root, check=True)

    agents.build = build  # type: ignore[method-assign]
    drive(agents, ["1"])
    assert "no commit of loop 1: what was dirty before the run is not known" in agents.said
