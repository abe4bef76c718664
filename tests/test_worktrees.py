"""Agents side by side, each in a worktree of its own, and the merge of what they have done."""

import os
import sys
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.engine.state import State
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import gates, merging
from claudestrator_helper.store import files, paths, state_file
from claudestrator_helper.system import worktrees
from queues import queue, task
from repositories import Repository, empty, identity, repo
from verbs import statuses

__all__ = ["empty", "identity", "repo"]
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on"),
    pytest.mark.skipif(worktrees.git_version() < (2, 38), reason="git merges without a working tree from 2.38 on"),
    pytest.mark.slow,
]


def configured(repo: Repository, *tasks: str, more: str = "") -> Repository:
    repo.write(".claudestrator/config.toml", f"[run]\n{more}")
    repo.write(".gitignore", ".claude/\n")
    repo.commit_all()
    files.write(repo.project.queue, queue(*tasks))
    return repo


def begun(repo: Repository, *tasks: str, parallel: int = 2, more: str = "") -> list[str]:
    """A run of these tasks whose agents are at work; the lines of `start` and of the first wait."""
    configured(repo, *tasks, more=more)
    lines = running.start(repo.project, "s1", ["--parallel", str(parallel)])
    lines += running.wait_for_step(repo.project) if lines[-1] == "WAIT" else []
    for id_ in state(repo).agents:
        reports.begin(repo.project, id_)
    return lines


def state(repo: Repository) -> State:
    return state_file.read(repo.project)


def tree(repo: Repository, id_: str) -> Path:
    return repo.root / ".claude/worktrees" / id_


def write(repo: Repository, id_: str, **changes: str | None) -> None:
    """The agent of that task makes these changes, by path, in its worktree; None for a deletion."""
    for name, content in changes.items():
        path = tree(repo, id_) / name.replace("_", ".")
        if content is None:
            path.unlink()
        else:
            path.write_text(content, encoding="utf-8")


def done(repo: Repository, id_: str) -> str:
    return merging.done(repo.project, id_, None, "", 20)


def branch(repo: Repository) -> str:
    return f"claudestrator/{state(repo).run}"


def subjects(repo: Repository) -> list[str]:
    """The subjects of the run's commits, the newest first; its history has to be linear."""
    assert repo.run("log", "--merges", "--format=%s", branch(repo)) == ""
    return repo.run("log", "--format=%s", f"main..{branch(repo)}").splitlines()


def shown(repo: Repository, path: str) -> str:
    return repo.run("show", f"{branch(repo)}:{path}")


TWO = (task("TASK-1", objective="A door"), task("TASK-2", objective="A wall"))


def test_two_agents_work_side_by_side_and_the_persons_tree_stays_theirs(repo: Repository) -> None:
    lines = begun(repo, *TWO)
    assert lines == ["WAIT", "SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]
    repo.write("b.txt", "by Ann\n")
    repo.write("mine.txt", "by Ann\n")
    status, head = repo.status(), repo.head()
    write(repo, "TASK-1", door_txt="a door\n")
    write(repo, "TASK-2", wall_txt="a wall\n", a_txt="changed\n")
    assert done(repo, "TASK-1") == "done TASK-1"
    assert done(repo, "TASK-2") == "done TASK-2"
    lines = running.wait_for_step(repo.project)
    assert lines[:2] == ["done TASK-1 (1/2)", "done TASK-2 (2/2)"]
    assert lines[-1] == (
        f"STOP All 2 tasks are completed. 2 commits are on {branch(repo)}: "
        f"`git merge --ff-only {branch(repo)}` takes them over."
    )
    assert subjects(repo) == ["TASK-2: A wall", "TASK-1: A door"]
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["a.txt", "wall.txt"]
    assert (repo.status(), repo.head()) == (status, head)
    assert not tree(repo, "TASK-1").exists()
    assert repo.run("worktree", "list").count("\n") == 1
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    assert repo.status() == status
    assert (repo.root / "door.txt").read_text() == "a door\n"


def test_a_conflict_is_refused_with_both_sides_in_the_worktree_and_ends_merged(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", a_txt="by one\n")
    write(repo, "TASK-2", a_txt="by two\n")
    done(repo, "TASK-1")
    with pytest.raises(gates.RedError, match="TASK-2 is not done, as what others have finished") as caught:
        done(repo, "TASK-2")
    assert any("a.txt" in line for line in caught.value.output)
    text = (tree(repo, "TASK-2") / "a.txt").read_text()
    assert "by one\n" in text
    assert "by two\n" in text
    with pytest.raises(gates.RedError, match=r"there are conflict markers in a\.txt"):
        done(repo, "TASK-2")
    write(repo, "TASK-2", a_txt="by one\nby two\n")
    assert done(repo, "TASK-2") == "done TASK-2"
    assert running.wait_for_step(repo.project)[-1].startswith("STOP All 2 tasks are completed.")
    assert shown(repo, "a.txt") == "by one\nby two\n"
    assert subjects(repo) == ["TASK-2: A wall", "TASK-1: A door"]


def test_agents_that_change_the_same_file_in_different_places_need_not_look_again(repo: Repository) -> None:
    lines = "".join(f"{n}\n" for n in range(30))
    repo.write("a.txt", lines)
    begun(repo, *TWO)
    write(repo, "TASK-1", a_txt=lines.replace("3\n", "three\n", 1))
    write(repo, "TASK-2", a_txt=lines.replace("27\n", "twenty-seven\n"), b_txt=None)
    done(repo, "TASK-1")
    done(repo, "TASK-2")
    assert {"three", "twenty-seven"} <= set(shown(repo, "a.txt").split())
    assert repo.run("ls-tree", "--name-only", branch(repo)).split() == [".claudestrator", ".gitignore", "a.txt", "dir"]


def test_the_helper_works_on_the_projects_state_from_anywhere_in_a_worktree(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(repo, *TWO)
    monkeypatch.chdir(tree(repo, "TASK-1") / "dir")
    assert paths.project().root == str(repo.root)
    found = running.helper("done", "TASK-1", "--attempt", "1", folder=os.getcwd())
    assert (found.code, found.stdout) == (0, "done TASK-1\n"), found.stderr


def test_a_dependent_task_begins_with_what_it_builds_on(repo: Repository) -> None:
    begun(repo, task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    write(repo, "TASK-1", door_txt="a door\n")
    done(repo, "TASK-1")
    assert running.wait_for_step(repo.project)[-1] == "SPAWN TASK-2 sonnet"
    assert (tree(repo, "TASK-2") / "door.txt").read_text() == "a door\n"


def test_a_hook_that_refuses_is_told_to_the_agent(repo: Repository) -> None:
    repo.hook("pre-commit", "test -e fixed || { echo fix it; exit 1; }")
    repo.run("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "x")
    repo.write("fixed")
    begun(repo, *TWO)
    (tree(repo, "TASK-1") / "fixed").unlink()
    with pytest.raises(gates.RedError, match="fix it"):
        done(repo, "TASK-1")
    write(repo, "TASK-1", fixed="x\n")
    assert done(repo, "TASK-1") == "done TASK-1"
    assert statuses(repo.project)["TASK-1"] == "in_progress"


def test_conflicts_without_end_fail_the_attempt_and_the_next_begins_with_them(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", a_txt="by one\n")
    write(repo, "TASK-2", a_txt="by two\n")
    done(repo, "TASK-1")
    for _ in range(3):
        with pytest.raises(ClaudestratorError, match="is not done"):
            done(repo, "TASK-2")
    assert done(repo, "TASK-2") == "failed TASK-2"
    assert running.wait_for_step(repo.project)[-1] == "SPAWN TASK-2 opus"
    assert "conflicts with what others have finished, in `a.txt`" in reports.begin(repo.project, "TASK-2")
