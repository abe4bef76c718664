"""A commit for each task, on a branch of the run that moves nothing of the person's; and taking a task back."""

import errno
import os
import random
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import faults
import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import status
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import plan, steering, task_commits, undo
from claudestrator_helper.store import files, run_log, state_file
from claudestrator_helper.store.hidden_files import START
from claudestrator_helper.system import commit_witness, git, git_process, run_branch
from queues import queue, task
from repositories import Repository, empty, identity, repo
from running import helper
from verbs import statuses

__all__ = ["empty", "identity", "repo"]
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on"),
    pytest.mark.slow,
]
#: Every so many steps, of a kill at each.
STRIDE = 1 if os.environ.get("CLAUDESTRATOR_ALL_FAULTS") else 5
#: Tasks that are undone in random order, and in how many orders.
UNDONE, SEEDS = (20, 10) if STRIDE == 1 else (6, 1)


def configured(repo: Repository, *tasks: str, commit: str = "task") -> Repository:
    repo.write(".claudestrator/config.toml", f'[run]\ncommit = "{commit}"\nworktrees = false\n')
    repo.write(".gitignore", ".claude/\n")
    repo.commit_all()
    files.write(repo.project.queue, queue(*tasks))
    return repo


def work(repo: Repository, id_: str, **changes: str) -> list[str]:
    """The agent of that task makes these changes, by path, and reports; the lines of the step after it."""
    reports.begin(repo.project, id_)
    for path, content in changes.items():
        repo.write(path.replace("_", "."), content)
    reports.done(repo.project, id_, None, "")
    return running.wait_for_step(repo.project)


def branch(repo: Repository) -> str:
    return f"claudestrator/{state_file.read(repo.project).run}"


def subjects(repo: Repository) -> list[str]:
    return repo.run("log", "--format=%s", branch(repo)).splitlines()


def finished(repo: Repository, *ids: str) -> list[str]:
    """A run of these tasks, each of which writes a file of its own."""
    configured(repo, *(task(id_, objective=f"Build {id_}") for id_ in ids))
    running.start(repo.project, "s1", [])
    lines: list[str] = []
    for id_ in ids:
        lines = work(repo, id_, **{f"{id_}_txt": f"{id_}\n"})
    return lines


def test_each_task_is_a_commit_and_the_person_sees_nothing_of_it_until_the_run_has_ended(repo: Repository) -> None:
    two = (task("TASK-1", objective="A door", criteria=("It opens", "It shuts")), task("TASK-2", objective="A wall"))
    repo = configured(repo, *two)
    repo.write("b.txt", "by Ann\n")
    repo.write("mine.txt", "by Ann\n")
    repo.run("add", "mine.txt")
    head, index = repo.head(), repo.run("ls-files", "--stage")
    running.start(repo.project, "s1", [])
    lines = work(repo, "TASK-1", door_txt="a door\n", a_txt="changed\n")
    run = state_file.read(repo.project).run
    first = repo.run("rev-parse", branch(repo)).strip()
    assert lines == ["done TASK-1 (1/2)", f"commit {first[:7]} TASK-1", "SPAWN TASK-2 sonnet"]
    assert f" committed TASK-1 ({first[:7]})\n" in helper("log", folder=repo.root).stdout
    assert repo.run("log", "-1", "--format=%B", first) == (
        f"TASK-1: A door\n\n- It opens\n- It shuts\n\nClaudestrator-Task: TASK-1\nClaudestrator-Run: {run}/TASK-1/1\n\n"
    )
    assert repo.run("show", "--format=", "--name-only", first).split() == ["a.txt", "door.txt"]
    assert repo.run("rev-parse", f"{first}^").strip() == head == repo.head()
    assert (repo.run("ls-files", "--stage"), repo.run("branch", "--show-current")) == (index, "main\n")
    lines = work(repo, "TASK-2", wall_txt="a wall\n")
    assert lines[-1] == (
        f"STOP All 2 tasks are completed. 2 commits are on {branch(repo)}: "
        f"`git merge --ff-only {branch(repo)}` takes them over."
    )
    assert subjects(repo)[:2] == ["TASK-2: A wall", "TASK-1: A door"]
    repo.run("merge", "--ff-only", branch(repo))
    assert repo.status() == " M b.txt\nA  mine.txt\n"
    assert (repo.root / "door.txt").read_text() == "a door\n"


def test_secrets_and_what_a_person_commits_meanwhile_stay_out(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    repo.write("b.txt", "by Ann\n")
    running.start(repo.project, "s1", [])
    repo.run("commit", "--quiet", "-m", "Ann's", "b.txt")
    repo.write(".env", "TOKEN=1\n")
    assert work(repo, "TASK-1", door_txt="a door\n")[-2] == "left out of the commit: .env (it looks like a secret)"
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["door.txt"]


TAKEN_BACK = "(it was taken back to what your last commit has, and no task is known to have done that)"


def test_skills_are_committed_and_neither_settings_nor_hooks_are(repo: Repository) -> None:
    configured(repo, task("TASK-1"))
    repo.write(".gitignore", "*.pyc\n")
    repo.commit_all()
    running.start(repo.project, "s1", [])
    repo.write(".claude/settings.json", "{}\n")
    repo.write(".claude/commands/wall.md", "A wall.\n")
    repo.write(".claude/agents/mason.md", "---\nhooks:\n  PreToolUse: []\n---\n")
    lines = work(repo, "TASK-1")
    assert "left out of the commit: .claude/agents/mason.md (it has hooks, which Claude Code would run)" in lines
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == [".claude/commands/wall.md"]
    assert lines[-1].endswith("Claude Code will obey .claude/commands/wall.md, so look at that first.")


@pytest.mark.parametrize(
    ("words", "before_the_agent"), [("reset --hard", True), ("checkout -- dir", False), ("stash -u", False)]
)
def test_finished_work_that_a_person_takes_back_meanwhile_is_no_change_of_the_next_task(
    repo: Repository, words: str, before_the_agent: bool
) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"), task("TASK-3"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", **{"dir/c_txt": "changed\n", "a_txt": "changed\n", "door_txt": "a door\n"})
    if before_the_agent:
        repo.run(*words.split())
        reports.begin(repo.project, "TASK-2")
    else:
        reports.begin(repo.project, "TASK-2")
        repo.run(*words.split())
    lines = work(repo, "TASK-2", wall_txt="a wall\n")
    assert any(line.startswith("left out of the commit: ") and TAKEN_BACK in line for line in lines), lines
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["wall.txt"]
    # At the end of a run the index is told what was committed.
    steering.stop(repo.project, now=True)
    running.start(repo.project, "s1", [])
    # What a task does there afterwards is its own.
    work(repo, "TASK-3", **{"dir/c_txt": "changed again\n"})
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["dir/c.txt"]


def test_new_files_that_a_person_cleans_away_between_two_tasks_stay_on_the_branch(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", **{"new/door_txt": "a door\n"})
    repo.run("clean", "-fdq", "new")
    work(repo, "TASK-2", **{"dir/wall_txt": "a wall\n"})
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["dir/wall.txt"]


def test_a_task_may_remove_what_an_earlier_one_has_made(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    reports.begin(repo.project, "TASK-2")
    (repo.root / "door.txt").unlink()
    work(repo, "TASK-2", wall_txt="a wall\n")
    assert repo.run("show", "--format=", "--name-status", branch(repo)).split() == ["D", "door.txt", "A", "wall.txt"]


def test_a_hook_can_not_add_to_a_tasks_commit_what_was_left_out(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    repo.write("b.txt", "by Ann\n")
    running.start(repo.project, "s1", [])
    repo.hook("pre-commit", "test -e stop || git add -A")
    repo.write(".env", "TOKEN=1\n")
    lines = work(repo, "TASK-1", door_txt="a door\n")
    assert "no commit of TASK-1: it was undone, as a hook put .env, b.txt into it" in lines
    assert "TASK-1" not in repo.run("log", "--all", "--format=%s", "--glob=refs/heads")
    assert repo.status() == " M b.txt\n?? .env\n?? door.txt\n"


def test_a_hook_that_refuses_keeps_the_work_in_place_for_the_next_commit(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    repo.hook("pre-commit", "test ! -e stop || { echo not today; exit 1; }")
    running.start(repo.project, "s1", [])
    repo.write(".git/info/exclude", "stop\n")
    repo.write("stop")
    assert "no commit of TASK-1: not today" in work(repo, "TASK-1", door_txt="a door\n")
    logged = [(each["id"], each["reason"]) for each in run_log.read(repo.project) if each["event"] == "uncommitted"]
    assert logged == [("TASK-1", "not today")]
    (repo.root / "stop").unlink()
    work(repo, "TASK-2", wall_txt="a wall\n")
    assert subjects(repo)[0] == "TASK-2: Build it"
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["door.txt", "wall.txt"]


@pytest.mark.parametrize("what", ["message", "signature"])
def test_what_no_agent_can_correct_stops_the_run_and_the_commit_is_made_once_it_continues(
    repo: Repository, what: str
) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    if what == "message":
        repo.hook("commit-msg", 'grep -q ^feat: "$1" || { echo no type >&2; exit 1; }')
        why = (
            "the hook commit-msg refuses the message (no type): `commit_subject` in .claudestrator/config.toml sets its"
        )
    else:
        repo.run("config", "commit.gpgSign", "true")
        repo.run("config", "gpg.program", "/bin/false")
        why = "git can't make a commit (error: gpg failed to sign the data)."
    running.start(repo.project, "s1", [])
    stopped = work(repo, "TASK-1", door_txt="a door\n")[-1]
    assert stopped.startswith(f"STOP The run has stopped, 1 of 2 tasks completed: {why}")
    assert "`/orchestrate` continues." in stopped
    assert "SPAWN" not in stopped
    config = repo.root / ".claudestrator/config.toml"
    config.write_text(config.read_text() + 'commit_subject = "feat: {objective}"\n')
    repo.run("config", "commit.gpgSign", "false")
    running.start(repo.project, "s1", [])
    running.wait_for_step(repo.project, limit=0.1)
    assert subjects(repo)[0] == "feat: Build it"
    assert "door.txt" in repo.run("show", "--format=", "--name-only", branch(repo)).split()


def test_when_another_branch_is_checked_out_nothing_is_committed(repo: Repository) -> None:
    configured(repo, task("TASK-1"))
    running.start(repo.project, "s1", [])
    repo.run("switch", "--quiet", "-c", "other")
    assert f"no commit of TASK-1: {run_branch.MOVED}" in work(repo, "TASK-1", door_txt="a door\n")


@pytest.mark.parametrize("older", [False, True])
def test_a_project_that_is_moved_during_a_run_has_its_commits_all_the_same(tmp_path: Path, older: bool) -> None:
    (tmp_path / "here").mkdir()
    repo = Repository(tmp_path / "here")
    repo.run("init", "--quiet")
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    if older:
        (repo.root / ".git/claudestrator/commondir").write_text(f"{repo.root}/.git\n")
    repo.root.rename(tmp_path / "there")
    moved = Repository(tmp_path / "there")
    assert work(moved, "TASK-2", wall_txt="a wall\n")[-2].endswith(" TASK-2")
    assert subjects(moved)[:2] == ["TASK-2: Build it", "TASK-1: Build it"]
    moved.run("merge", "--ff-only", branch(moved))
    assert moved.status() == ""


def test_a_repository_without_a_commit_gets_its_first_from_the_run(empty: Repository) -> None:
    empty.write(".claudestrator/config.toml", '[run]\ncommit = "task"\n')
    empty.write(".gitignore", ".claude/\n")
    files.write(empty.project.queue, queue(task("TASK-1"), task("TASK-2")))
    running.start(empty.project, "s1", [])
    work(empty, "TASK-1", door_txt="a door\n")
    work(empty, "TASK-2", wall_txt="a wall\n")
    assert subjects(empty) == ["TASK-2: Build it", "TASK-1: Build it"]
    undone(empty, "TASK-1")
    empty.run("merge", "--ff-only", branch(empty))
    assert empty.status() == "?? .claudestrator/config.toml\n?? .gitignore\n"
    assert [(empty.root / name).exists() for name in ("door.txt", "wall.txt")] == [False, True]


def test_with_parallel_tasks_a_commit_leaves_out_the_files_of_the_others_at_work(repo: Repository) -> None:
    both = (task("TASK-1", extra="**Files:** door.txt\n\n"), task("TASK-2", extra="**Files:** wall.txt\n\n"))
    configured(repo, *both)
    running.start(repo.project, "s1", ["--parallel", "2"])
    reports.begin(repo.project, "TASK-2")
    repo.write("wall.txt", "half a wall\n")
    work(repo, "TASK-1", door_txt="a door\n", other_txt="x\n")
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["door.txt", "other.txt"]
    work(repo, "TASK-2", wall_txt="a wall\n")
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["wall.txt"]


def test_tasks_that_have_ended_together_have_a_commit_each(repo: Repository) -> None:
    both = (task("TASK-1", extra="**Files:** door.txt\n\n"), task("TASK-2", extra="**Files:** wall.txt\n\n"))
    configured(repo, *both)
    running.start(repo.project, "s1", ["--parallel", "2"])
    for id_, path in (("TASK-1", "door.txt"), ("TASK-2", "wall.txt")):
        reports.begin(repo.project, id_)
        repo.write(path)
        reports.done(repo.project, id_, None, "")
    running.wait_for_step(repo.project)
    held = repo.run("log", "--reverse", "--format=%s", "--name-only", f"main..{branch(repo)}").split("\n")
    assert list(filter(None, held)) == ["TASK-1: Build it", "door.txt", "TASK-2: Build it", "wall.txt"]


def test_a_dry_run_says_where_tasks_are_committed(repo: Repository) -> None:
    configured(repo, task("TASK-1"))
    assert plan.plan(repo.project, []).lines == [
        "TASK-1 sonnet", "each task is a commit on a branch of the run, claudestrator/<run>"
    ]  # fmt: skip


def test_what_an_agent_writes_while_another_ones_work_is_committed_stays_out(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(repo, task("TASK-1"))
    running.start(repo.project, "s1", [])
    changes_in = git.changes_in
    (repo.root / ".gitignore").write_text("")

    def looked(*given: object) -> object:
        found = changes_in(*given)  # type: ignore[arg-type]
        repo.write(".claude/journal/task-TASK-2.md", "by another agent\n")
        return found

    monkeypatch.setattr(git, "changes_in", looked)
    work(repo, "TASK-1", door_txt="a door\n")
    assert ".claude" not in repo.run("show", "--format=", "--name-only", branch(repo))


def test_a_full_disk_costs_the_commit_and_is_no_traceback(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(repo, task("TASK-1"))
    running.start(repo.project, "s1", [])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copy2", full)
    assert "no commit of TASK-1: git's index can't be copied: No space left on device" in work(
        repo, "TASK-1", door_txt="a door\n"
    )


def test_a_branch_that_is_deleted_while_its_run_is_at_work_loses_nothing(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    repo.run("branch", "--quiet", "-D", branch(repo))
    lines = work(repo, "TASK-2", wall_txt="a wall\n")
    assert lines[-1].endswith(f"2 commits are on {branch(repo)}: `git merge --ff-only {branch(repo)}` takes them over.")
    assert subjects(repo)[:2] == ["TASK-2: Build it", "TASK-1: Build it"]
    repo.run("merge", "--ff-only", branch(repo))
    assert repo.status() == ""


def test_a_git_that_knows_no_format_of_paths_is_no_obstacle(
    repo: Repository, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(repo, task("TASK-1"))
    folder = tmp_path_factory.mktemp("old")
    # Git before 2.31 repeats an option of rev-parse that it doesn't know.
    script = f"""case " $* " in *" --path-format="*) echo --path-format=absolute; echo .git; exit;; esac
exec {shutil.which("git")} "$@"
"""
    (folder / "git").write_text(f"#!/bin/sh\n{script}")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["door.txt"]


def test_of_work_that_an_agent_has_committed_itself_it_is_said_where_it_is(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    reports.begin(repo.project, "TASK-1")
    repo.write("door.txt", "a door\n")
    repo.commit_all()
    lines = work(repo, "TASK-1")
    assert "no commit of TASK-1: what has changed was committed on your own branch" in lines
    lines = work(repo, "TASK-2", wall_txt="a wall\n")
    assert lines[-1].endswith(f"1 commit is on {branch(repo)}: `git merge --ff-only {branch(repo)}` takes it over.")
    repo.run("merge", "--ff-only", branch(repo))
    assert repo.status() == ""


def test_an_index_in_two_files_is_no_obstacle(repo: Repository) -> None:
    configured(repo, task("TASK-1"))
    repo.run("update-index", "--split-index")
    repo.run("update-index", "--skip-worktree", "b.txt")
    repo.write("b.txt", "by Ann\n")
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["door.txt"]


def test_of_a_project_that_git_ignores_it_is_not_said_that_nothing_has_changed(repo: Repository) -> None:
    repo.write(".gitignore", "*\n")
    repo.write("part/.claude/task_queue.md", queue(task("TASK-1")))
    part = Repository(repo.root / "part")
    running.start(part.project, "s1", [])
    assert work(part, "TASK-1", door_txt="a door\n") == ["done TASK-1 (1/1)", "STOP The one task is completed."]


@pytest.mark.parametrize("commit", ["loop", "none"])
def test_otherwise_a_run_without_loops_commits_nothing(repo: Repository, commit: str) -> None:
    configured(repo, task("TASK-1"), commit=commit)
    running.start(repo.project, "s1", [])
    assert work(repo, "TASK-1", door_txt="a door\n")[-1].startswith("STOP The one task is completed.")
    assert repo.run("branch", "--list", "claudestrator/*") == ""


def test_a_hook_of_the_framework_sees_the_runs_index_and_the_working_tree(repo: Repository) -> None:
    repo.hook("pre-commit", "git diff --cached --name-only > .git/seen; git rev-parse --show-toplevel >> .git/seen")
    finished(repo, "TASK-1")
    assert (repo.root / ".git/seen").read_text().split() == ["TASK-1.txt", str(repo.root)]


@pytest.mark.parametrize("after", [False, True])
def test_a_wait_that_is_killed_at_any_step_of_a_commit_leaves_one_commit_a_task(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    for step in range(1 + after, 80, STRIDE):
        repo = Repository(tmp_path_factory.mktemp("repo"))
        repo.run("init", "--quiet")
        configured(repo, task("TASK-1"), task("TASK-2"))
        running.start(repo.project, "s1", [])
        reports.begin(repo.project, "TASK-1")
        repo.write("door.txt", "a door\n")
        reports.done(repo.project, "TASK-1", None, "")
        code = running.joined([running.fork(lambda: killed_at(step, after=after, work=lambda: take_step(repo)))])[0]  # noqa: B023
        lines = running.wait_for_step(repo.project)
        assert lines[-1] in ("SPAWN TASK-2 sonnet", "WAIT"), lines
        work(repo, "TASK-2", wall_txt="a wall\n")
        assert subjects(repo)[:2] == ["TASK-2: Build it", "TASK-1: Build it"], step
        assert len(subjects(repo)) == 3
        repo.run("merge", "--ff-only", branch(repo))
        assert repo.status() == ""
        if code == 0:
            break
    assert step > 10


def take_step(repo: Repository) -> None:
    running.wait_for_step(repo.project)


def killed_at(step: int, *, after: bool, work: Callable[[], object]) -> None:
    """Does that work, and dies before or *after* the call number *step* of git."""
    left, real = [step], git_process.run

    def guarded(*words: object) -> object:
        left[0] -= 1
        if not left[0] and not after:
            os._exit(faults.DIED)
        done = real(*words)  # type: ignore[arg-type]
        if not left[0]:
            os._exit(faults.DIED)
        return done

    git_process.run = guarded  # type: ignore[assignment]
    work()


# Undo


def undone(repo: Repository, id_: str) -> list[str]:
    return undo.undo(repo.project, id_)


def test_a_task_is_undone_on_the_runs_branch_and_runs_again(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    tip = repo.run("rev-parse", branch(repo)).strip()
    lines = undone(repo, "TASK-1")
    new = repo.run("rev-parse", branch(repo)).strip()
    old = repo.run("rev-parse", f"{tip}^").strip()
    assert lines == [f"undone TASK-1: {new[:7]} reverts {old[:7]}; it is pending again"]
    assert f"committed: 1 task, on {branch(repo)}" in status.status(repo.project)
    assert statuses(repo.project) == {"TASK-1": "pending", "TASK-2": "completed"}
    assert not (repo.root / "TASK-1.txt").exists()
    assert (repo.root / "TASK-2.txt").exists()
    repo.run("merge", "--ff-only", branch(repo))
    assert repo.status() == ""
    assert running.start(repo.project, "s1", []) == ["SPAWN TASK-1 sonnet"]


def test_a_task_is_undone_in_the_persons_branch_once_it_was_merged(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    undone(repo, "TASK-2")
    assert repo.run("log", "-1", "--format=%s") == 'Revert "TASK-2: Build TASK-2"\n'
    assert (repo.status(), statuses(repo.project)["TASK-2"]) == ("", "pending")


@pytest.mark.parametrize("merged", [False, True])
def test_what_was_dirty_before_the_run_keeps_no_task_from_being_undone_and_is_left_as_it_is(
    repo: Repository, merged: bool
) -> None:
    configured(repo, task("TASK-1"))
    repo.write("mine.txt", "by Ann\n")
    repo.write("b.txt", "by Ann\n")
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    if merged:
        repo.run("merge", "--quiet", "--ff-only", branch(repo))
    undone(repo, "TASK-1")
    assert repo.run("show", "--format=", "--name-status", branch(repo) if not merged else "HEAD") == "D\tdoor.txt\n"
    assert repo.status() == " M b.txt\n?? mine.txt\n"
    assert (repo.root / "b.txt").read_text() == "by Ann\n"


def test_what_a_person_has_staged_is_not_in_the_commit_that_takes_a_merged_task_back(repo: Repository) -> None:
    configured(repo, task("TASK-1"))
    repo.write("b.txt", "by Ann\n")
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    repo.run("add", "b.txt")
    with pytest.raises(ClaudestratorError, match=r"no commit has: b\.txt"):
        undone(repo, "TASK-1")
    assert repo.status() == "M  b.txt\n"


def test_a_project_that_is_moved_meanwhile_is_undone_by_another_call(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(repo, "TASK-1")
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    away = repo.root.with_name("moved")

    def head(place: commit_witness.Repository) -> str:
        if repo.run("log", "-1", "--format=%s").startswith("Revert"):
            repo.root.rename(away)
        return commit_witness.head(place)

    with monkeypatch.context() as patch:
        patch.setattr(undo, "commit_witness", SimpleNamespace(head=head))
        with pytest.raises(ClaudestratorError, match="was moved while TASK-1 was undone: call `undo` again"):
            undone(repo, "TASK-1")
    shutil.rmtree(repo.root, ignore_errors=True)
    away.rename(repo.root)
    assert statuses(repo.project) == {"TASK-1": "completed"}
    undone(repo, "TASK-1")
    assert statuses(repo.project) == {"TASK-1": "pending"}


def test_dependents_are_named_and_stay_as_they_are(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2", dependencies="TASK-1"), task("TASK-3"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    work(repo, "TASK-2", wall_txt="a wall\n")
    reports.fail(repo.project, "TASK-3", None, "no")
    running.wait_for_step(repo.project)
    reports.fail(repo.project, "TASK-3", None, "no")
    running.wait_for_step(repo.project)
    assert undone(repo, "TASK-1")[1] == "built on it, and still completed: TASK-2"
    assert statuses(repo.project) == {"TASK-1": "pending", "TASK-2": "completed", "TASK-3": "failed"}


@pytest.mark.parametrize("after", [False, True])
def test_an_undo_that_is_killed_at_any_step_is_finished_by_the_next(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    for step in range(1 + after, 80, STRIDE):
        repo = Repository(tmp_path_factory.mktemp("repo"))
        repo.run("init", "--quiet")
        finished(repo, "TASK-1")
        work = partial(undone, repo, "TASK-1")
        code = running.joined([running.fork(lambda: killed_at(step, after=after, work=work))])[0]  # noqa: B023
        if statuses(repo.project)["TASK-1"] == "completed":
            undone(repo, "TASK-1")
        assert subjects(repo)[:2] == ['Revert "TASK-1: Build TASK-1"', "TASK-1: Build TASK-1"], step
        assert (len(subjects(repo)), statuses(repo.project)) == (3, {"TASK-1": "pending"})
        assert not (repo.root / "TASK-1.txt").exists()
        if code == 0:
            break
    assert step > 5


def state_of(repo: Repository) -> object:
    every = sorted(path for path in Path(repo.root).rglob("*") if path.is_file() and ".git" not in path.parts)
    refs = repo.run("for-each-ref")
    return [(str(path), path.read_bytes()) for path in every], refs, repo.status()


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"TASK-2.txt": "changed by Ann\n"}, "no commit has: TASK-2.txt; commit or stash them first"),
        ({"new.txt": "by Ann\n"}, "no commit has: new.txt; commit or stash them first"),
    ],
)
def test_a_dirty_tree_is_refused_and_left_as_it_was(
    repo: Repository, merged: bool, change: dict[str, str], said: str
) -> None:
    finished(repo, "TASK-1", "TASK-2")
    if merged:
        repo.run("merge", "--quiet", "--ff-only", branch(repo))
    for path, content in change.items():
        repo.write(path, content)
    before = state_of(repo)
    with pytest.raises(ClaudestratorError, match=said):
        undone(repo, "TASK-1")
    assert state_of(repo) == before
    assert statuses(repo.project)["TASK-1"] == "completed"


@pytest.mark.parametrize("merged", [False, True])
def test_a_conflict_is_refused_and_left_as_it_was(repo: Repository, merged: bool) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    work(repo, "TASK-2", door_txt="a better door\n")
    if merged:
        repo.run("merge", "--quiet", "--ff-only", branch(repo))
    before = state_of(repo)
    with pytest.raises(ClaudestratorError, match="what came later is built on it"):
        undone(repo, "TASK-1")
    assert state_of(repo) == before
    assert not (repo.root / ".git/claudestrator/REVERT_HEAD").exists()


@pytest.mark.parametrize("merged", [False, True])
def test_what_a_later_task_has_removed_does_not_come_back_with_the_undo_of_that_task(
    repo: Repository, merged: bool
) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n", wall_txt="a wall\n")
    (repo.root / "door.txt").unlink()
    work(repo, "TASK-2")
    if merged:
        repo.run("merge", "--quiet", "--ff-only", branch(repo))
    before = state_of(repo)
    with pytest.raises(ClaudestratorError, match="a part of it has been changed or removed since"):
        undone(repo, "TASK-1")
    assert state_of(repo) == before
    undone(repo, "TASK-2")
    undone(repo, "TASK-1")
    assert not (repo.root / "door.txt").exists()
    assert set(statuses(repo.project).values()) == {"pending"}


def test_what_can_not_be_undone_is_one_line(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    with pytest.raises(ClaudestratorError, match="no commit of it was found"):
        undone(repo, "TASK-1")
    running.start(repo.project, "s1", [])
    with pytest.raises(ClaudestratorError, match="agents are at work"):
        undone(repo, "TASK-1")
    work(repo, "TASK-1", door_txt="a door\n")
    work(repo, "TASK-2", wall_txt="a wall\n")
    undone(repo, "TASK-1")
    with pytest.raises(ClaudestratorError, match="TASK-1 is undone already, by"):
        undone(repo, "TASK-1")


def test_a_commit_that_holds_other_tasks_too_is_not_undone_for_one(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    said = repo.run("log", "--format=* %B", f"main..{branch(repo)}")
    repo.run("commit", "--quiet", "-m", f"Squashed, as on a page for pull requests\n\n{said}")
    repo.run("branch", "-D", branch(repo))
    before = state_of(repo)
    with pytest.raises(ClaudestratorError, match=r"TASK-1 can't be undone by itself, as \w{7} holds TASK-2 too"):
        undone(repo, "TASK-1")
    assert (state_of(repo), statuses(repo.project)["TASK-1"]) == (before, "completed")


def test_a_task_that_a_person_has_taken_over_by_a_rebase_is_undone_once_the_branch_is_gone(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    name = branch(repo)
    repo.run("stash", "--quiet", "--include-untracked")
    repo.run("commit", "--quiet", "--allow-empty", "-m", "Ann's")
    repo.run("cherry-pick", f"{name}~1", name)
    before = state_of(repo)
    with pytest.raises(
        ClaudestratorError, match=f"in what is checked out too, as [0-9a-f]{{7}}: `git branch -D {name}`"
    ):
        undone(repo, "TASK-1")
    assert state_of(repo) == before
    repo.run("branch", "--quiet", "-D", name)
    undone(repo, "TASK-1")
    assert not (repo.root / "TASK-1.txt").exists()
    assert (repo.root / "TASK-2.txt").exists()


def test_the_commit_of_an_earlier_task_with_the_same_id_is_left_alone(repo: Repository) -> None:
    finished(repo, "TASK-1")
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    before = repo.head()
    files.write(repo.project.queue, queue(task("TASK-1", objective="Another thing")))
    with pytest.raises(ClaudestratorError, match=r"TASK-1 is pending, and the commit [0-9a-f]{7} may be of another"):
        undone(repo, "TASK-1")
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1")
    with pytest.raises(ClaudestratorError, match="as it has no commit: `claudestrator-helper log` says why"):
        undone(repo, "TASK-1")
    assert repo.head() == before
    assert (repo.root / "TASK-1.txt").exists()


def in_two_parts(repo: Repository, *, merged: bool = True) -> list[Repository]:
    """Two projects in one repository, each with a finished run of a task with the same id; the first one's may be
    *merged*."""
    parts = []
    for name in ("one", "two"):
        (repo.root / name).mkdir()
        parts.append(configured(Repository(repo.root / name), task("TASK-1")))
    for part in parts:
        running.start(part.project, "s1", [])
        work(part, "TASK-1", door_txt="a door\n")
        if merged and part == parts[0]:
            repo.run("merge", "--quiet", "--ff-only", branch(part))
    return parts


def test_the_commit_of_another_part_of_the_repository_with_the_same_id_is_left_alone(repo: Repository) -> None:
    one, two = in_two_parts(repo)
    repo.run("merge", "--quiet", "--ff-only", branch(two))
    undone(one, "TASK-1")
    assert not (one.root / "door.txt").exists()
    assert (two.root / "door.txt").exists()
    assert repo.run("show", "--format=", "--name-only").split() == ["one/door.txt"]


def test_each_part_of_a_repository_has_its_runs_branch_for_itself(repo: Repository) -> None:
    one, two = in_two_parts(repo, merged=False)
    tip = repo.run("rev-parse", branch(two))
    undone(one, "TASK-1")
    assert subjects(one)[0] == 'Revert "TASK-1: Build it"'
    assert repo.run("rev-parse", branch(two)) == tip
    assert not (one.root / "door.txt").exists()
    assert (two.root / "door.txt").exists()


def test_what_is_staged_outside_the_project_is_neither_committed_nor_lost_by_an_undo(repo: Repository) -> None:
    one, two = in_two_parts(repo)
    head, status = repo.head(), repo.status()
    assert status == "A  two/door.txt\n"
    with pytest.raises(ClaudestratorError, match=r"changes that no commit has: two/door\.txt"):
        undone(one, "TASK-1")
    assert (repo.head(), repo.status()) == (head, status)
    assert (two.root / "door.txt").exists()


def test_a_person_whose_reverts_say_it_in_another_way_gets_the_same(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    repo.run("config", "revert.reference", "true")
    undone(repo, "TASK-1")
    assert subjects(repo)[0] == 'Revert "TASK-1: Build TASK-1"'
    with pytest.raises(ClaudestratorError, match="TASK-1 is undone already, by"):
        undone(repo, "TASK-1")


class Change(NamedTuple):
    """What the agent of a task does: a file of its own and, for some, a line of a shared file, another name for an
    earlier task's file, or its deletion."""

    id: str
    line: int | None
    moves: str = ""
    removes: str = ""

    def made(self, tree: dict[str, str]) -> dict[str, str]:
        """The tree after it; a file that is not there can't be moved or removed."""
        tree = {**tree, f"{self.id}.txt": "".join(f"{self.id} has {part}\n" for part in range(5))}
        if self.line is not None:
            lines = tree["shared.txt"].split("\n")
            lines[self.line] = f"by {self.id}"
            tree["shared.txt"] = "\n".join(lines)
        if self.moves in tree:
            tree[f"moved by {self.id}.txt"] = tree.pop(self.moves)
        tree.pop(self.removes, None)
        return tree


def changes(count: int, chance: random.Random) -> list[Change]:
    ids = [f"TASK-{number}" for number in range(1, count + 1)]
    made, there = list[Change](), list[str]()
    for id_ in ids:
        line = chance.randrange(0, 120, 4) if chance.random() < 0.6 else None
        kind, earlier = chance.random(), chance.choice(there) if there else ""
        change = Change(id_, line, earlier if kind < 0.15 else "", earlier if 0.15 < kind < 0.25 else "")
        made.append(change)
        gone = (change.moves, change.removes)
        there = [*(name for name in there if name not in gone), f"{id_}.txt"]
    return made


def built(every: list[Change], base: dict[str, str]) -> dict[str, str]:
    tree = base
    for change in every:
        tree = change.made(tree)
    return tree


def tree_of(repo: Repository) -> dict[str, str]:
    return {path.name: path.read_text() for path in repo.root.iterdir() if path.suffix == ".txt"}


def become(repo: Repository, tree: dict[str, str]) -> None:
    for name in tree_of(repo).keys() - tree.keys():
        (repo.root / name).unlink()
    for name, text in tree.items():
        (repo.root / name).write_text(text)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_task_undone_leaves_a_build_without_it_or_all_as_it_was(repo: Repository, seed: int) -> None:
    chance = random.Random(seed)
    left = changes(UNDONE, chance)
    repo.write("shared.txt", "".join(f"line {number}\n" for number in range(120)))
    configured(repo, *(task(change.id) for change in left))
    base = tree_of(repo)
    running.start(repo.project, "s1", [])
    for at, change in enumerate(left, 1):
        reports.begin(repo.project, change.id)
        become(repo, built(left[:at], base))
        reports.done(repo.project, change.id, None, "")
        running.wait_for_step(repo.project)
    merge, count = chance.randrange(UNDONE), 0
    for at, change in enumerate(chance.sample(left, len(left))):
        if at == merge:
            repo.run("merge", "--quiet", "--ff-only", branch(repo))
        before, without = state_of(repo), [each for each in left if each != change]
        try:
            undone(repo, change.id)
        except ClaudestratorError as error:
            assert "can't be undone, as what came later is built on it" in str(error)  # noqa: PT017
            assert state_of(repo) == before
            continue
        count, left = count + 1, without
        assert tree_of(repo) == built(left, base)
        assert statuses(repo.project)[change.id] == "pending"
    assert count > UNDONE // 2
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    assert repo.status() == ""


needs_merge_tree = pytest.mark.skipif(
    tuple(map(int, re.findall(r"\d+", git_process.call("/", "version").text)[:2])) < (2, 38),
    reason="git merge-tree --write-tree",
)


def test_a_wait_that_is_killed_at_the_end_of_a_run_is_made_good_by_the_next(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole() -> None:
        finished(repo, "TASK-1", "TASK-2")

    with monkeypatch.context() as patch:
        patch.setattr(task_commits, "bring_home", lambda _: os._exit(faults.DIED))
        code = running.joined([running.fork(whole)])[0]
    assert code == faults.DIED
    assert state_file.read(repo.project).status == "finished"
    assert "takes them over" in running.wait_for_step(repo.project)[-1]
    repo.run("merge", "--ff-only", branch(repo))
    assert repo.status() == ""


@needs_merge_tree
def test_what_the_person_has_committed_meanwhile_does_not_keep_the_run_from_their_branch(repo: Repository) -> None:
    lines = [f"{number}\n" for number in range(30)]
    repo.write("a.txt", "".join(lines))
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", a_txt="".join(["by an agent\n", *lines[1:]]))
    # As `git add --patch` takes what is theirs.
    repo.write("a.txt", "".join([*lines[:-1], "by Ann\n"]))
    repo.write("ann.txt")
    repo.run("add", "a.txt", "ann.txt")
    repo.run("commit", "--quiet", "-m", "Ann's")
    repo.write("a.txt", "".join(["by an agent\n", *lines[1:-1], "by Ann\n"]))
    assert work(repo, "TASK-2", wall_txt="a wall\n")[-1].endswith("takes them over.")
    assert repo.run("log", "-1", "--format=%s") == "Ann's\n"
    repo.run("merge", "--ff-only", branch(repo))
    assert repo.status() == ""
    assert repo.run("log", "-1", "--format=%s") == f"Merge branch '{branch(repo)}'\n"
    undone(repo, "TASK-1")
    assert (repo.root / "a.txt").read_text() == "".join([*lines[:-1], "by Ann\n"])


@needs_merge_tree
def test_what_the_person_has_committed_after_the_end_does_not_keep_a_task_from_being_undone(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    repo.write("ann.txt")
    repo.run("add", "ann.txt")
    repo.run("commit", "--quiet", "-m", "Ann's", "ann.txt")
    assert len(undone(repo, "TASK-1")) == 1
    repo.run("merge", "--ff-only", branch(repo))
    assert repo.status() == ""
    assert (repo.root / "ann.txt").exists()
    assert not (repo.root / "TASK-1.txt").exists()


@needs_merge_tree
def test_where_their_commits_conflict_the_end_says_so_and_leaves_them(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", a_txt="by an agent\n")
    repo.write("a.txt", "by Ann\n")
    repo.run("commit", "--quiet", "-m", "Ann's", "a.txt")
    said = f"Your branch has commits that conflict with it in a.txt: `git stash`, then `git merge {branch(repo)}`."
    assert work(repo, "TASK-2", wall_txt="a wall\n")[-1].endswith(f" 2 commits are on {branch(repo)}. {said}")
    # It is said again, to whoever asks again.
    assert running.wait_for_step(repo.project)[-1].endswith(said)
    assert subjects(repo)[0] == "TASK-2: Build it"
    assert (repo.root / "a.txt").read_text() == "by Ann\n"


@needs_merge_tree
def test_another_branch_that_is_checked_out_at_the_end_is_not_merged(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    repo.run("checkout", "--quiet", "-b", "side")
    repo.run("commit", "--quiet", "--allow-empty", "-m", "Ann's")
    tip = repo.run("rev-parse", branch(repo))
    ways = f"`git stash`, then `git switch main`, then `git merge --ff-only {branch(repo)}`"
    said = f"It was begun on main, which is not checked out: {ways}."
    assert task_commits.bring_home(repo.project) == said
    assert repo.run("rev-parse", branch(repo)) == tip


def more(repo: Repository, *tasks: str) -> None:
    files.write(repo.project.queue, (files.read(repo.project.queue) or "") + "".join(tasks))


@pytest.mark.parametrize("merged", [False, True])
def test_the_next_run_builds_on_the_last_one_merged_or_not(repo: Repository, merged: bool) -> None:
    finished(repo, "TASK-1")
    if merged:
        repo.run("merge", "--quiet", "--ff-only", branch(repo))
    more(repo, task("TASK-2", objective="Better"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-2", **{"TASK-1_txt": "better\n"})
    assert subjects(repo)[:2] == ["TASK-2: Better", "TASK-1: Build TASK-1"]
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["TASK-1.txt"]
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    assert repo.status() == ""


def test_a_run_that_was_dropped_is_not_built_on(repo: Repository) -> None:
    finished(repo, "TASK-1", "TASK-2")
    head = repo.head()
    repo.run("restore", "--staged", ".")
    repo.run("clean", "--quiet", "--force")
    more(repo, task("TASK-3"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-3", door_txt="a door\n")
    assert repo.run("rev-parse", f"{branch(repo)}^").strip() == head


def test_a_run_that_is_stopped_at_once_can_be_taken_over_too(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-1", door_txt="a door\n")
    said = steering.stop(repo.project, now=True)
    assert said.endswith(f" 1 commit is on {branch(repo)}: `git merge --ff-only {branch(repo)}` takes it over.")
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    assert repo.status() == ""


def test_a_run_that_was_stopped_and_merged_goes_on(repo: Repository) -> None:
    configured(repo, task("TASK-1"), task("TASK-2"))
    running.start(repo.project, "s1", [])
    state_file.write(repo.project, state_file.read(repo.project)._replace(status="stopping"))
    said = work(repo, "TASK-1", door_txt="a door\n")[-1]
    assert said == (
        f"STOP The run has stopped, as asked: 1 of 2 tasks completed. `/orchestrate` continues it. 1 commit is on "
        f"{branch(repo)}: `git merge --ff-only {branch(repo)}` takes it over."
    )
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    running.start(repo.project, "s1", [])
    work(repo, "TASK-2", door_txt="a better door\n")
    assert subjects(repo)[:2] == ["TASK-2: Build it", "TASK-1: Build it"]
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    assert repo.status() == ""


@pytest.mark.parametrize("found", ["", "{}", '["--stdin", "main"]', "[1]", '["HEAD", ""]', "null"])
def test_where_a_run_began_is_taken_from_no_word_that_git_could_obey(repo: Repository, found: str) -> None:
    configured(repo, task("TASK-1"))
    running.start(repo.project, "s1", [])
    START.write(repo.project, found)
    assert "no commit of TASK-1: what was checked out before the run is not known" in work(repo, "TASK-1", a_txt="b")
