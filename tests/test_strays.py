"""What runs have left behind: `check` names it, and `clean` removes what is merged and nothing else."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import status
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import merging, strays
from claudestrator_helper.store import files, state_file
from claudestrator_helper.store.hidden_files import CLOSING_LOCK
from claudestrator_helper.system import processes, worktrees
from queues import queue, task
from repositories import Repository, empty, identity, repo
from running import helper

__all__ = ["empty", "identity", "repo"]
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on"),
    pytest.mark.skipif(worktrees.git_version() < (2, 38), reason="git merges without a working tree from 2.38 on"),
    pytest.mark.slow,
]
IDS = ("TASK-1", "TASK-2", "TASK-3")


def begun(repo: Repository) -> str:
    """A run with an agent at work on each of three tasks; its branch."""
    repo.write(".gitignore", ".claude/\n*.log\n")
    repo.commit_all()
    files.write(repo.project.queue, queue(*map(task, IDS)))
    running.start(repo.project, "s1", ["--parallel", "3"])
    running.wait_for_step(repo.project)
    return f"claudestrator/{state_file.read(repo.project).run}"


def tree(repo: Repository, id_: str) -> Path:
    return repo.root / ".claude/worktrees" / id_


def ended(repo: Repository, status: str = "finished") -> None:
    """The run is over, and nothing has tidied up after it, as where it was killed."""
    current = state_file.read(repo.project)
    for id_ in IDS:
        current = current.recorded(id_, agent=None)
    state_file.write(repo.project, current._replace(status=status))


def finish(repo: Repository, id_: str, name: str) -> None:
    reports.begin(repo.project, id_)
    (tree(repo, id_) / name).write_text("x\n")
    assert merging.done(repo.project, id_, None, "", 20) == f"done {id_}"


def left_behind(repo: Repository) -> str:
    """One worktree is merged, one has a change and an ignored file, and one has a commit of its agent; the branch."""
    branch = begun(repo)
    finish(repo, "TASK-1", "door.txt")
    (tree(repo, "TASK-2") / "wall.txt").write_text("half a wall\n")
    (tree(repo, "TASK-2") / "made.log").write_text("made\n")
    (tree(repo, "TASK-3") / "roof.txt").write_text("a roof\n")
    own = Repository(tree(repo, "TASK-3"))
    own.commit_all()
    ended(repo)
    return branch


def test_status_show_and_report_say_where_a_task_is_at_work_and_what_was_merged(repo: Repository) -> None:
    branch = begun(repo)
    finish(repo, "TASK-1", "door.txt")
    running.wait_for_step(repo.project)
    commit = repo.run("rev-parse", branch).strip()

    def said(*words: str) -> str:
        return helper(*words, folder=repo.root).stdout

    assert ", in .claude/worktrees/TASK-2: Build it\n" in said("status")
    assert f"\ncommitted: 1 task, on {branch}\n" in said("status")
    found = json.loads(said("status", "--json"))
    assert [each["worktree"] for each in found["agents"]] == [f".claude/worktrees/{id_}" for id_ in IDS[1:]]
    assert (found["branch"], found["commits"]) == (branch, 1)
    assert f"\nworktree: .claude/worktrees/TASK-2, on top of {repo.head()[:7]}\n" in said("show", "TASK-2")
    assert f"\ncommitted: {commit[:7]} on {branch}\n" in said("show", "TASK-1")
    works = {work["id"]: work for work in json.loads(said("report", "--format", "json"))["works"]}
    assert (works["TASK-1"]["commit"], works["TASK-2"]["commit"]) == (commit, "")
    assert works["TASK-2"]["worktree"] == ".claude/worktrees/TASK-2"
    page = Path(repo.root, said("report").strip()).read_text()
    assert f"<code>{commit[:9]}</code>" in page
    assert "Its work is in <code><bdi>.claude/worktrees/TASK-2</bdi></code>" in page
    assert f"- {commit[:9]} `TASK-1`\n" in said("report", "--format", "md")


def test_check_names_what_is_left_and_clean_removes_what_is_merged(repo: Repository) -> None:
    branch = left_behind(repo)
    run = branch.removeprefix("claudestrator/")
    told = helper("check", folder=repo.root).stdout
    for line in (
        f"note: left by a run: .claude/worktrees/TASK-1 (TASK-1 of the run {run}): nothing that is not merged\n",
        f"TASK-2 (TASK-2 of the run {run}): changes that no commit has, in wall.txt\n",
        f"TASK-3 (TASK-3 of the run {run}): commits of its own\n",
        "note: `claudestrator-helper clean` removes worktrees in which nothing would be lost\n",
    ):
        assert line in told
    unmerged = (
        f"kept {branch}: commits that are not merged, 1; `git merge {branch}` takes them over, and "
        f"`git branch -D {branch}` drops them"
    )
    kept = [
        f"kept .claude/worktrees/TASK-2 (TASK-2 of the run {run}): changes that no commit has, in wall.txt",
        f"kept .claude/worktrees/TASK-3 (TASK-3 of the run {run}): commits of its own",
        unmerged,
    ]
    place = f".claude/worktrees/TASK-1 (TASK-1 of the run {run})"
    assert strays.clean(repo.project, dry_run=True) == [f"would be removed: {place}", *kept]
    assert tree(repo, "TASK-1").exists()
    assert strays.clean(repo.project) == [f"removed {place}", *kept]
    assert [tree(repo, id_).exists() for id_ in IDS] == [False, True, True]
    assert (tree(repo, "TASK-2") / "made.log").exists()
    assert strays.clean(repo.project) == kept


def test_a_branch_goes_once_it_is_merged_and_no_other_does(repo: Repository) -> None:
    branch = left_behind(repo)
    made = state_file.read(repo.project).recorded("TASK-1", committed=repo.run("rev-parse", branch).strip())
    state_file.write(repo.project, made)
    assert f"committed: 1 task, on {branch}" in status.status(repo.project)
    for mine in ("claudestrator/mine", "claudestrator-20260101-000000-abcd", "feature"):
        repo.run("branch", mine)
    repo.run("merge", "--quiet", branch)
    assert strays.clean(repo.project, dry_run=True)[-1] == f"would be removed: {branch}"
    assert strays.clean(repo.project)[-1] == f"removed {branch}"
    assert "committed: 1 task, in what is checked out" in status.status(repo.project)
    kept = repo.run("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert kept == ["claudestrator-20260101-000000-abcd", "claudestrator/mine", "feature", "main"]
    repo.run("reset", "--quiet", "--hard", "HEAD^")
    assert f"committed: 1 task, on {branch}, which is gone" in status.status(repo.project)


def test_a_branch_that_is_checked_out_stays(repo: Repository) -> None:
    branch = left_behind(repo)
    repo.run("switch", "--quiet", branch)
    assert strays.clean(repo.project)[-1].startswith(f"kept {branch}: ")
    assert repo.run("branch", "--show-current").strip() == branch


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_what_a_run_goes_on_with_stays(repo: Repository, status: str) -> None:
    branch = begun(repo)
    finish(repo, "TASK-1", "door.txt")
    running.wait_for_step(repo.project)
    if status == "stopped":
        ended(repo, status)
    else:
        state_file.write(repo.project, state_file.read(repo.project)._replace(status=status))
    repo.run("merge", "--quiet", branch)
    before = sorted(os.listdir(repo.root / ".claude/worktrees"))
    lines = strays.clean(repo.project)
    assert branch in repo.run("for-each-ref", "--format=%(refname:short)", "refs/heads")
    if status != "stopped":
        run = branch.removeprefix("claudestrator/")
        assert lines == [f"kept {len(before) - 1} worktrees of the run {run}, which is unfinished"]
        assert sorted(os.listdir(repo.root / ".claude/worktrees")) == before
        assert "left by a run" not in helper("check", folder=repo.root).stdout


@pytest.mark.parametrize(("heartbeat", "alive"), [(1, None), (None, False)])
def test_the_worktrees_of_a_run_whose_session_is_gone_are_named_and_stay(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, heartbeat: int | None, alive: bool | None
) -> None:
    begun(repo)
    current = state_file.read(repo.project)
    owner = current.owner if heartbeat is None else current.owner._replace(heartbeat=heartbeat)
    state_file.write(repo.project, current._replace(owner=owner))
    monkeypatch.setattr(processes, "alive", lambda _: alive)
    lines = strays.found(repo.project)
    assert lines[0].startswith("kept for an unfinished run: .claude/worktrees/TASK-1 (TASK-1 of the run ")
    assert lines[-1] == f"the run {current.run} is unfinished: `/orchestrate` continues it"
    assert strays.clean(repo.project) == [f"kept 3 worktrees of the run {current.run}, which is unfinished"]
    assert tree(repo, "TASK-1").exists()


def test_what_no_run_has_made_is_not_touched_and_what_is_broken_costs_nothing(repo: Repository) -> None:
    left_behind(repo)
    repo.run("worktree", "add", "--quiet", ".claude/worktrees/mine")
    repo.write(".claude/worktrees/notes/a.txt")
    (tree(repo, "TASK-2") / ".git").unlink()
    shutil.rmtree(tree(repo, "TASK-1"))
    lines = strays.clean(repo.project)
    assert not [line for line in lines if "mine" in line or "notes" in line or line.startswith("removed .claude")]
    assert (tree(repo, "TASK-2") / "wall.txt").exists()
    assert tree(repo, "mine").exists()
    assert tree(repo, "notes").exists()


def test_while_a_task_is_committed_nothing_is_cleaned(repo: Repository) -> None:
    with (
        files.locked(CLOSING_LOCK.path(repo.project), 1.0, repo.project.bounds),
        pytest.raises(ClaudestratorError, match="a task is being committed or merged"),
    ):
        strays.clean(repo.project)


def test_outside_a_repository_there_is_nothing_to_clean(tmp_path: Path) -> None:
    answer = helper("clean", folder=tmp_path)
    assert (answer.code, answer.stderr) == (
        1,
        "claudestrator-helper: there is nothing to clean, as there is no git repository\n",
    )
