"""Agents side by side, each in a worktree of its own, and the merge of what they have done."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import faults
import pytest
import running
from claudestrator_helper.agents import reports, verdicts
from claudestrator_helper.commands import mod, status
from claudestrator_helper.engine import band, markers
from claudestrator_helper.engine.gates import Gates
from claudestrator_helper.engine.state import State
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import gates, merging, slow_work, steering, trees, undo
from claudestrator_helper.store import files, marker_files, paths, queue_file, state_file
from claudestrator_helper.store.hidden_files import CLOSING_LOCK
from claudestrator_helper.system import changes, commit_witness, consent, git_process, run_branch, worktrees
from claudestrator_helper.texts.directives import SPAWN, Directive
from queues import queue, task
from repositories import Repository, empty, identity, repo
from verbs import statuses

__all__ = ["empty", "identity", "repo"]
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on"),
    pytest.mark.skipif(worktrees.git_version() < (2, 38), reason="git merges without a working tree from 2.38 on"),
    pytest.mark.slow,
]

#: Every so many steps, of a kill at each.
STRIDE = 1 if os.environ.get("CLAUDESTRATOR_ALL_FAULTS") else 13


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
    assert lines == ["SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]
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
    assert changes.on_branch(repo.project, branch(repo)) == changes.Changes(3, 3, 1, 0)
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


def a_file_is_renamed(one: Path, two: Path) -> None:
    (one / "a.txt").rename(one / "new.txt")
    (one / "new.txt").write_text(LINES.replace("3\n", "three\n", 1))
    (two / "a.txt").write_text(LINES.replace("3\n", "THREE\n", 1))


def a_file_is_a_folder(one: Path, two: Path) -> None:
    (one / "thing").write_text("a file\n")
    (two / "thing").mkdir()
    (two / "thing" / "x.txt").write_text("x\n")


def markers_are_long(one: Path, two: Path) -> None:
    (one / "b.txt").write_text("by one\n")
    (two / "b.txt").write_text("by two\n")


@pytest.mark.parametrize("differ", [a_file_is_renamed, a_file_is_a_folder, markers_are_long])
def test_a_conflict_of_any_kind_that_was_left_as_it_is_is_refused_again(
    repo: Repository, differ: Callable[[Path, Path], None]
) -> None:
    repo.write(".gitattributes", "b.txt conflict-marker-size=12\n")
    repo.write("a.txt", LINES)
    begun(repo, *TWO)
    differ(tree(repo, "TASK-1"), tree(repo, "TASK-2"))
    done(repo, "TASK-1")
    for why in ("what others have finished", "there are conflict markers in"):
        with pytest.raises(gates.RedError, match=f"TASK-2 is not done, as {why}"):
            done(repo, "TASK-2")


def test_a_file_that_an_agent_wrote_as_it_was_before_has_what_others_have_made_of_it(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", a_txt="by one\n")
    # As what formats all files does.
    os.utime(tree(repo, "TASK-2") / "a.txt", (1, 1))
    write(repo, "TASK-2", wall_txt="a wall\n")
    assert done(repo, "TASK-1") == "done TASK-1"
    assert done(repo, "TASK-2") == "done TASK-2"
    assert shown(repo, "a.txt") == "by one\n"


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


def test_the_worktrees_of_a_project_that_is_moved_come_along(tmp_path: Path, identity: Path) -> None:
    (tmp_path / "here").mkdir()
    repo = Repository(tmp_path / "here")
    repo.run("init", "--quiet")
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    repo.root.rename(tmp_path / "there")
    moved = Repository(tmp_path / "there")
    assert f"In a worktree of your own: {tree(moved, 'TASK-1')}" in reports.begin(moved.project, "TASK-1")
    assert done(moved, "TASK-1") == "done TASK-1"
    assert moved.run("worktree", "list").count("prunable") == 0
    assert shown(moved, "door.txt") == "a door\n"


def test_a_dependent_task_begins_with_what_it_builds_on_and_waits_for_nothing_else(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(repo, *TWO, task("TASK-3", dependencies="TASK-1"), task("TASK-4", dependencies="TASK-3"), task("TASK-5"))
    monkeypatch.setattr(slow_work, "_CALM", 0)
    assert running.wait_for_step(repo.project)[-1] == "WAIT"
    ahead = ["TASK-1", "TASK-2", "TASK-3", "TASK-5"]
    assert sorted(each.note.id for each in worktrees.listed(repo.project)) == ahead
    write(repo, "TASK-1", door_txt="a door\n")
    done(repo, "TASK-1")
    monkeypatch.setattr(worktrees, "add", None)
    # Another task is being merged.
    with files.locked(CLOSING_LOCK.path(repo.project)):
        assert running.wait_for_step(repo.project)[-1] == "SPAWN TASK-3 sonnet"
    assert (tree(repo, "TASK-3") / "door.txt").read_text() == "a door\n"


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


LINT = """grep -Eq '^feat: [a-z].* [(]TASK-[0-9]+[)]$' "$1" || { echo 'type may not be empty' >&2; exit 1; }"""


def test_a_message_that_a_hook_refuses_stops_the_run_and_its_setting_continues_it(repo: Repository) -> None:
    begun(repo, *TWO, task("TASK-3", dependencies="TASK-1"), parallel=3)
    repo.hook("commit-msg", LINT)
    write(repo, "TASK-1", door_txt="a door\n")
    write(repo, "TASK-2", wall_txt="a wall\n")
    assert done(repo, "TASK-1") == "failed TASK-1"
    assert running.wait_for_step(repo.project, limit=0.1)[0].startswith("no commit of TASK-1: the hook commit-msg ref")
    drawn = band.band(queue_file.parsed(repo.project), state(repo))
    assert (drawn["status"], drawn["next"]) == ("stopping", None)
    line = status.status(repo.project)[1]
    assert ", stops once those at work have reported; the hook commit-msg refuses the message" in line
    assert done(repo, "TASK-2") == "failed TASK-2"
    said = running.wait_for_step(repo.project)[-1]
    assert said.startswith("STOP The run has stopped, 0 of 3 tasks completed: the hook commit-msg refuses the message")
    assert "(type may not be empty): `commit_subject` in .claudestrator/config.toml sets its form" in said
    assert statuses(repo.project) == dict.fromkeys(("TASK-1", "TASK-2", "TASK-3"), "pending")

    repo.write(".claudestrator/config.toml", '[run]\ncommit_subject = "feat: {uncapitalized} ({id})"\n')
    running.start(repo.project, "s1", [])
    for id_ in state(repo).agents:
        reports.begin(repo.project, id_)
    assert [done(repo, "TASK-1"), done(repo, "TASK-2")] == ["done TASK-1", "done TASK-2"]
    assert subjects(repo) == ["feat: a wall (TASK-2)", "feat: a door (TASK-1)"]
    assert shown(repo, "door.txt") == "a door\n"


def test_a_hook_that_git_ignores_is_at_work_in_a_worktree_too(repo: Repository) -> None:
    configured(repo, *TWO)
    repo.hook("pre-commit", "test -e fixed || { echo fix it; exit 1; }", ".husky/_")
    repo.write(".husky/_/.gitignore", "*\n")
    repo.run("config", "core.hooksPath", ".husky/_")
    running.start(repo.project, "s1", ["--parallel", "2"])
    reports.begin(repo.project, "TASK-1")
    write(repo, "TASK-1", door_txt="a door\n")
    with pytest.raises(gates.RedError, match="fix it"):
        done(repo, "TASK-1")
    write(repo, "TASK-1", fixed="x\n")
    assert done(repo, "TASK-1") == "done TASK-1"


def test_a_hook_can_not_add_to_a_tasks_commit_what_was_left_out(repo: Repository) -> None:
    repo.hook("pre-commit", "test -e a.txt && git add -A")
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    (tree(repo, "TASK-1") / ".env").write_text("TOKEN=1\n")
    with pytest.raises(gates.RedError, match=r"it was undone, as a hook put \.env into it"):
        done(repo, "TASK-1")
    assert ".env" not in repo.run("log", "--all", "--format=", "--name-only")
    (tree(repo, "TASK-1") / ".env").unlink()
    assert done(repo, "TASK-1") == "done TASK-1"


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


# Work of other kinds


def test_conflicts_without_markers_are_named_and_nothing_of_either_side_is_lost(repo: Repository) -> None:
    repo.write("image.bin", b"\0base")
    begun(repo, *TWO)
    (tree(repo, "TASK-1") / "image.bin").write_bytes(b"\0one")
    write(repo, "TASK-1", a_txt="changed by one\n", b_txt=None)
    (tree(repo, "TASK-2") / "image.bin").write_bytes(b"\0two")
    write(repo, "TASK-2", a_txt=None, b_txt="changed by two\n")
    done(repo, "TASK-1")
    with pytest.raises(gates.RedError, match=r"conflicts with it in a\.txt, b\.txt, image\.bin") as caught:
        done(repo, "TASK-2")
    assert any("CONFLICT (modify/delete): a.txt" in line for line in caught.value.output)
    assert (tree(repo, "TASK-2") / "image.bin").read_bytes() == b"\0two"
    assert (tree(repo, "TASK-2") / "a.txt").read_text() == "changed by one\n"
    assert (tree(repo, "TASK-2") / "b.txt").read_text() == "changed by two\n"
    assert shown(repo, "image.bin") == "\0one"
    assert done(repo, "TASK-2") == "done TASK-2"
    assert [shown(repo, path) for path in ("a.txt", "b.txt", "image.bin")] == [
        "changed by one\n",
        "changed by two\n",
        "\0two",
    ]


def test_the_work_of_a_task_that_is_skipped_meanwhile_stays_out_of_the_branch(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    write(repo, "TASK-2", wall_txt="a wall\n")
    steering.skip(repo.project, ["TASK-2"], unblock=False)
    with pytest.raises(ClaudestratorError, match="TASK-2 was skipped or removed: end here"):
        done(repo, "TASK-2")
    assert done(repo, "TASK-1") == "done TASK-1"
    assert running.wait_for_step(repo.project)[-1].endswith(f"{tree(repo, 'TASK-2').parent}: TASK-2.")
    assert subjects(repo) == ["TASK-1: A door"]
    assert (tree(repo, "TASK-2") / "wall.txt").exists()


def test_commits_and_branches_of_an_agents_own_become_the_one_commit_of_the_task(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    in_tree = Repository(tree(repo, "TASK-1"))
    in_tree.run("switch", "--quiet", "-c", "mine")
    in_tree.commit_all()
    write(repo, "TASK-1", handle_txt="a handle\n")
    write(repo, "TASK-2", wall_txt="a wall\n")
    done(repo, "TASK-2")
    done(repo, "TASK-1")
    assert subjects(repo) == ["TASK-1: A door", "TASK-2: A wall"]
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["door.txt", "handle.txt"]
    assert repo.run("log", "--format=%s", "-1", "mine") == "by hand\n"


def in_tree(repo: Repository, id_: str, *words: str) -> int:
    """Git, as the agent of that task calls it in its worktree; its exit code."""
    return subprocess.run(["git", *words], cwd=tree(repo, id_), capture_output=True, check=False).returncode


def test_a_merge_that_an_agent_has_begun_is_ended_once_its_conflicts_are_solved(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", a_txt="by one\n", door_txt="a door\n")
    done(repo, "TASK-1")
    write(repo, "TASK-2", a_txt="by two\n", wall_txt="a wall\n")
    assert in_tree(repo, "TASK-2", "commit", "--quiet", "-am", "mine") == 0
    assert in_tree(repo, "TASK-2", "merge", branch(repo)) == 1
    with pytest.raises(gates.RedError, match=r"there are conflict markers in a\.txt"):
        done(repo, "TASK-2")
    write(repo, "TASK-2", a_txt="by both\n")
    with pytest.raises(gates.RedError, match="conflicts with it"):
        done(repo, "TASK-2")
    write(repo, "TASK-2", a_txt="by both\n")
    assert done(repo, "TASK-2") == "done TASK-2"
    assert subjects(repo) == ["TASK-2: A wall", "TASK-1: A door"]
    assert [shown(repo, path) for path in ("a.txt", "door.txt", "wall.txt")] == ["by both\n", "a door\n", "a wall\n"]


def test_a_rebase_that_an_agent_has_begun_is_named_with_what_ends_it(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", a_txt="by one\n")
    done(repo, "TASK-1")
    write(repo, "TASK-2", a_txt="by two\n")
    assert in_tree(repo, "TASK-2", "commit", "--quiet", "-am", "mine") == 0
    assert in_tree(repo, "TASK-2", "rebase", branch(repo)) == 1
    with pytest.raises(gates.RedError, match="by `git rebase --continue` or `git rebase --abort`, and report again"):
        done(repo, "TASK-2")
    assert in_tree(repo, "TASK-2", "rebase", "--abort") == 0
    write(repo, "TASK-2", a_txt="by one\n", wall_txt="a wall\n")
    assert done(repo, "TASK-2") == "done TASK-2"


def test_secrets_stay_in_the_worktree_which_is_kept_and_what_tools_generate_is_in_no_commit(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    (tree(repo, "TASK-1") / ".env").write_text("TOKEN=1\n")
    for id_ in ("TASK-1", "TASK-2"):
        (tree(repo, id_) / "__pycache__").mkdir()
        (tree(repo, id_) / "__pycache__/door.pyc").write_text(id_)
    write(repo, "TASK-2", wall_txt="a wall\n")
    done(repo, "TASK-1")
    done(repo, "TASK-2")
    lines = running.wait_for_step(repo.project)
    assert lines[-1].endswith(f"Work that no commit has is in {repo.root}/.claude/worktrees: TASK-1.")
    assert repo.run("show", "--format=", "--name-only", f"{branch(repo)}^").split() == ["door.txt"]
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == ["wall.txt"]
    assert not tree(repo, "TASK-2").exists()


HOOKED = '---\nname: x\nhooks: {"PreToolUse": []}\n---\n'


def test_skills_are_committed_and_named_at_the_end_and_neither_settings_nor_hooks_are(repo: Repository) -> None:
    configured(repo, task("TASK-1", objective="A skill"))
    repo.write(".gitignore", "*.pyc\n")
    repo.commit_all()
    running.start(repo.project, "s1", ["--parallel", "2"])
    reports.begin(repo.project, "TASK-1")
    for path, text in {
        "skills/wall/SKILL.md": "---\nname: wall\n---\nNo hooks: a wall.\n",
        "agents/mason.md": HOOKED,
        "settings.json": "{}\n",
        "worktrees/x/y.md": "x\n",
    }.items():
        place = tree(repo, "TASK-1") / ".claude" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    done(repo, "TASK-1")
    lines = running.wait_for_step(repo.project)
    assert repo.run("show", "--format=", "--name-only", branch(repo)).split() == [".claude/skills/wall/SKILL.md"]
    assert "Claude Code will obey .claude/skills/wall/SKILL.md, so look at that first." in lines[-1]
    assert lines[-1].endswith(f"Work that no commit has is in {tree(repo, 'TASK-1').parent}: TASK-1.")


def test_in_a_part_of_a_repository_the_agent_works_in_that_part(repo: Repository) -> None:
    part = Repository(repo.root / "dir")
    part.write(".claude/task_queue.md", queue(*TWO))
    part.write(".gitignore", ".claude/\n")
    repo.commit_all()
    running.start(part.project, "s1", ["--parallel", "2"])
    root = part.root / ".claude/worktrees/TASK-1/dir"
    assert f"In a worktree of your own: {root}\n" in reports.begin(part.project, "TASK-1")
    found = running.helper("tasks", folder=root)
    assert "TASK-1" in found.stdout, found
    (root / "c.txt").write_text("changed\n")
    done(part, "TASK-1")
    assert repo.run("show", "--format=", "--name-only", branch(part)).split() == ["dir/c.txt"]


def test_a_part_of_which_no_commit_has_a_file_is_there_in_a_worktree(repo: Repository) -> None:
    (repo.root / "part").mkdir()
    part = Repository(repo.root / "part")
    part.write(".claude/task_queue.md", queue(*TWO))
    running.start(part.project, "s1", ["--parallel", "2"])
    (part.root / ".claude/worktrees/TASK-1/part/door.txt").write_text("a door\n")
    done(part, "TASK-1")
    assert repo.run("show", "--format=", "--name-only", branch(part)).split() == ["part/door.txt"]


@pytest.mark.parametrize("rules", ["*", "part/", "part/*"])
def test_a_part_that_git_ignores_has_no_worktrees_in_which_its_files_would_be_lost(
    repo: Repository, rules: str
) -> None:
    repo.write(".gitignore", f"{rules}\n")
    repo.run("add", "--force", ".gitignore")
    repo.commit_all()
    (repo.root / "part").mkdir()
    part = Repository(repo.root / "part")
    part.write(".claude/task_queue.md", queue(*TWO))
    lines = running.start(part.project, "s1", ["--parallel", "2"])
    assert lines[0] == "note: the agents share the working tree, as git ignores what is new in the project's folder"


def test_a_conflict_that_is_solved_does_not_count_when_another_follows(repo: Repository) -> None:
    more = "attempts = 1\n[gate]\nrefusals = 1\n"
    begun(repo, *TWO, task("TASK-3"), parallel=3, more=more)
    for number in (1, 2, 3):
        write(repo, f"TASK-{number}", a_txt=f"{number}\n")
    done(repo, "TASK-1")
    for id_ in ("TASK-2", "TASK-3"):
        with pytest.raises(gates.RedError, match=r"conflicts with it in a\.txt"):
            done(repo, id_)
        write(repo, id_, a_txt=f"1\n{id_[-1]}\n")
    assert done(repo, "TASK-2") == "done TASK-2"
    with pytest.raises(gates.RedError, match=r"conflicts with it in a\.txt"):
        done(repo, "TASK-3")
    write(repo, "TASK-3", a_txt="1\n2\n3\n")
    assert done(repo, "TASK-3") == "done TASK-3"
    assert shown(repo, "a.txt") == "1\n2\n3\n"


# Gates, verification and loops: what works on what is finished


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


#: A gate that leaves a trace, and is red where a door meets a wall without a frame.
GATE = "pwd >> ../../gates; test ! -e door.txt -o ! -e wall.txt -o -e frame.txt || { echo no frame; exit 1; }\n"


def gated(repo: Repository, *tasks: str, words: tuple[str, ...] = ()) -> list[str]:
    repo.write("check.sh", GATE)
    configured(repo, *tasks, more='[gate]\ncommands = ["sh check.sh"]\n')
    consent.write(repo.project, Gates(["sh check.sh"], {}))
    for path in ("door.txt", "wall.txt"):
        repo.write(path, "by the person, red\n")
    lines = running.start(repo.project, "s1", ["--parallel", "2", *words])
    while not any(line.startswith("SPAWN") for line in lines):
        lines = running.wait_for_step(repo.project, "s1", 20)
    for id_ in state(repo).agents:
        reports.begin(repo.project, id_)
    return lines


def gates_run(repo: Repository) -> list[str]:
    """Where gates have run, in order."""
    return [Path(line).name for line in (repo.root / ".claude/gates").read_text().split()]


@pytest.mark.usefixtures("home")
def test_the_gate_runs_on_the_merged_tree_and_a_red_one_goes_back_to_the_agent(repo: Repository) -> None:
    assert gated(repo, *TWO) == ["SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]
    write(repo, "TASK-1", door_txt="a door\n")
    write(repo, "TASK-2", wall_txt="a wall\n")
    assert done(repo, "TASK-1") == "done TASK-1"
    with pytest.raises(gates.RedError, match="is red") as caught:
        done(repo, "TASK-2")
    assert caught.value.output == ["no frame"]
    assert (tree(repo, "TASK-2") / "door.txt").exists()
    write(repo, "TASK-2", frame_txt="a frame\n")
    assert done(repo, "TASK-2") == "done TASK-2"
    assert running.wait_for_step(repo.project)[-1].startswith("STOP All 2 tasks are completed; 2 proved by gate.")
    assert gates_run(repo) == [state(repo).run, "TASK-1", "TASK-2", "TASK-2"]
    assert "Gate: `sh check.sh`: green" in repo.run("log", "-1", "--format=%B", branch(repo))


@pytest.mark.usefixtures("home")
def test_a_gate_is_not_passed_by_taking_the_worktree_away(repo: Repository) -> None:
    gated(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n", wall_txt="a wall\n")
    tree(repo, "TASK-1").rename(repo.root / "elsewhere")
    with pytest.raises(ClaudestratorError, match="TASK-1 is not done, as its worktree is gone"):
        done(repo, "TASK-1")
    (repo.root / "elsewhere").rename(tree(repo, "TASK-1"))
    with pytest.raises(gates.RedError, match="is red"):
        done(repo, "TASK-1")


@pytest.mark.usefixtures("home")
def test_agents_that_report_at_the_same_time_have_their_gates_run_one_after_the_other(repo: Repository) -> None:
    gated(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    write(repo, "TASK-2", x_txt="x\n")
    pids = [running.fork(partial(report, repo, id_)) for id_ in ("TASK-1", "TASK-2")]
    assert running.joined(pids) == [0, 0]
    assert len(gates_run(repo)) == 3


def report(repo: Repository, id_: str) -> None:
    done(repo, id_)


@pytest.mark.usefixtures("home")
def test_verification_sees_what_is_finished_and_nothing_of_the_persons(repo: Repository) -> None:
    gated(repo, *TWO, words=("--verify",))
    write(repo, "TASK-1", door_txt="a door\n")
    write(repo, "TASK-2", x_txt="x\n")
    done(repo, "TASK-1")
    done(repo, "TASK-2")
    lines = running.wait_for_step(repo.project, "s1", 20)
    assert lines[-2:] == ["gate before verify-0: green", "SPAWN verify-0 opus"]
    checkout = tree(repo, state(repo).run)
    assert f"In a checkout of what the run has finished: {checkout}" in reports.begin(repo.project, "verify-0")
    assert (checkout / "door.txt").read_text() == "a door\n"
    assert (checkout / "x.txt").exists()
    assert not (checkout / "wall.txt").exists()
    for id_ in ("TASK-1", "TASK-2"):
        verdicts.give(repo.project, id_, "pass", None, "")
    reports.done(repo.project, "verify-0", None, "")
    assert running.wait_for_step(repo.project)[-1].startswith("STOP All 2 tasks are completed and verified")
    assert repo.run("worktree", "list").count("\n") == 1


# Kills: of any call of git, and of any file that is written


def killed_at(step: int, *, after: bool, work: Callable[[], object]) -> int:
    """Does that work in a process that dies before or *after* that step; its exit code."""
    left = [step]

    def guarded(real: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **named: object) -> object:
            left[0] -= 1
            if not left[0] and not after:
                os._exit(faults.DIED)
            found = real(*words, **named)
            if not left[0]:
                os._exit(faults.DIED)
            return found

        return call

    def until_then() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(git_process, "run", guarded(git_process.run))
            patch.setattr(files, "write", guarded(files.write))
            work()

    return running.joined([running.fork(until_then)])[0]


LINES = "".join(f"{n}\n" for n in range(30))


def at_every_step(
    folders: pytest.TempPathFactory,
    after: bool,
    prepare: Callable[[Repository], object],
    work: Callable[[Repository], object],
) -> Iterator[Repository]:
    """A repository with two agents at work for each step at which the work can be killed, after that."""
    for step in range(1 + after, 200, STRIDE):
        repo = Repository(folders.mktemp("repo"))
        repo.run("init", "--quiet")
        repo.write("a.txt", LINES)
        prepare(repo)
        code = killed_at(step, after=after, work=partial(work, repo))
        assert code in (0, faults.DIED), step
        yield repo
        if code == 0:
            assert step > 10
            return


def both_done(repo: Repository) -> None:
    """Goes on until the run has ended, and looks that each task is one commit, and that nothing is left over."""
    for id_ in ("TASK-1", "TASK-2"):
        if id_ in state(repo).agents:
            done(repo, id_)
    running.wait_for_step(repo.project)
    assert set(statuses(repo.project).values()) == {"completed"}
    assert sorted(subjects(repo)) == ["TASK-1: A door", "TASK-2: A wall"]
    assert shown(repo, "a.txt") == LINES.replace("3\n", "three\n", 1).replace("27\n", "twenty-seven\n")
    assert repo.run("worktree", "list").count("\n") == 1
    assert repo.status() == ""
    recorded = [state(repo).record(id_).committed for id_ in ("TASK-1", "TASK-2")]
    assert sorted(filter(None, recorded)) == sorted(repo.run("log", "--format=%H", f"main..{branch(repo)}").split())


def at_work(repo: Repository) -> None:
    for id_ in ("TASK-1", "TASK-2"):
        reports.begin(repo.project, id_)
    write(repo, "TASK-1", a_txt=LINES.replace("3\n", "three\n", 1))
    write(repo, "TASK-2", a_txt=LINES.replace("27\n", "twenty-seven\n"))


def first_is_done(repo: Repository) -> None:
    begun(repo, *TWO)
    at_work(repo)
    done(repo, "TASK-1")


@pytest.mark.parametrize("after", [False, True])
def test_a_merge_that_is_killed_at_any_step_is_finished_by_the_next_report(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    for each in at_every_step(tmp_path_factory, after, first_is_done, lambda one: done(one, "TASK-2")):
        both_done(each)


@pytest.mark.parametrize("after", [False, True])
def test_a_wait_that_is_killed_when_a_task_is_merged_is_followed_by_one_that_goes_on(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    for each in at_every_step(tmp_path_factory, after, first_is_done, take_step):
        both_done(each)


@pytest.mark.parametrize("after", [False, True])
def test_worktrees_whose_making_is_killed_at_any_step_are_made_by_the_next_wait(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    def begin(repo: Repository) -> None:
        running.start(repo.project, "s1", ["--parallel", "2"])

    for each in at_every_step(tmp_path_factory, after, lambda one: configured(one, *TWO), begin):
        begin(each)
        while len(state(each).agents) < 2:
            take_step(each)
        at_work(each)
        both_done(each)


def test_a_move_that_was_cut_off_is_taken_back_after_a_collection_too(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write("a.txt", LINES)
    first_is_done(repo)
    real = commit_witness.copied_index

    def dies(folder: str, path: str) -> str:
        # The files are written, and the worktree's index is not.
        return sys.exit(faults.DIED) if "worktrees" in path.split(os.sep) else real(folder, path)

    with monkeypatch.context() as patch:
        patch.setattr(commit_witness, "copied_index", dies)
        with pytest.raises(SystemExit):
            done(repo, "TASK-2")
    repo.run("reflog", "expire", "--expire=now", "--all")
    repo.run("gc", "--quiet", "--prune=now")
    both_done(repo)


@pytest.mark.parametrize("after", [False, True])
def test_worktrees_whose_making_ahead_is_killed_at_any_step_leave_nothing(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    def begin(repo: Repository) -> None:
        begun(repo, *TWO, *map(task, ("TASK-3", "TASK-4", "TASK-5")), parallel=2)
        state_file.write(repo.project, state(repo)._replace(parallel=3))

    def ahead(repo: Repository) -> None:
        while trees.ahead(repo.project, state(repo)):
            pass

    for each in at_every_step(tmp_path_factory, after, begin, ahead):
        assert trees.ended(each.project) == ""
        assert {one.note.id for one in worktrees.listed(each.project)} == {"TASK-1", "TASK-2"}
        ahead(each)
        assert len(worktrees.listed(each.project)) == 5


def take_step(repo: Repository) -> None:
    running.wait_for_step(repo.project, limit=1)


def second_has_the_same_lines(repo: Repository) -> None:
    first_is_done(repo)
    write(repo, "TASK-2", a_txt=LINES.replace("3\n", "THREE\n", 1))


def reported(repo: Repository) -> None:
    with pytest.raises(gates.RedError):
        done(repo, "TASK-2")


@pytest.mark.parametrize("after", [False, True])
def test_after_a_kill_in_a_conflict_the_agent_has_both_sides_once(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    for each in at_every_step(tmp_path_factory, after, second_has_the_same_lines, reported):
        with pytest.raises(gates.RedError):
            done(each, "TASK-2")
        text = (tree(each, "TASK-2") / "a.txt").read_text()
        assert [text.count(word) for word in ("THREE\n", "three\n", "<<<<<<<", ">>>>>>>")] == [1, 1, 1, 1]
        write(each, "TASK-2", a_txt=LINES.replace("3\n", "three\n", 1).replace("27\n", "twenty-seven\n"))
        both_done(each)


# What comes after a run


def finished(repo: Repository, **files_by_task: str) -> list[str]:
    """A run in which TASK-1 and TASK-2 each change these files, by path; the lines of its end."""
    begun(repo, *TWO)
    for number in (1, 2):
        mine = {path[2:]: text for path, text in files_by_task.items() if path.startswith(f"{'_ab'[number]}_")}
        write(repo, f"TASK-{number}", **mine)
        done(repo, f"TASK-{number}")
    return running.wait_for_step(repo.project)


def test_a_task_is_undone_on_the_branch_and_runs_again_on_top_of_it(repo: Repository) -> None:
    finished(repo, a_door_txt="a door\n", b_wall_txt="a wall\n")
    repo.write("b.txt", "by Ann\n")
    status, tip = repo.status(), repo.run("rev-parse", branch(repo)).strip()
    lines = undo.undo(repo.project, "TASK-1")
    assert lines[0].endswith("it is pending again")
    assert subjects(repo) == ['Revert "TASK-1: A door"', "TASK-2: A wall", "TASK-1: A door"]
    assert repo.run("ls-tree", "--name-only", branch(repo), "door.txt", "wall.txt") == "wall.txt\n"
    assert repo.run("rev-parse", f"{branch(repo)}^").strip() == tip
    assert (repo.status(), statuses(repo.project)["TASK-1"]) == (status, "pending")
    # On top of the branch that was not merged, although one task at a time needs no worktree.
    assert running.start(repo.project, "s1", [])[-1] == "SPAWN TASK-1 sonnet"
    assert (tree(repo, "TASK-1") / "wall.txt").exists()
    assert not (tree(repo, "TASK-1") / "door.txt").exists()


@pytest.mark.parametrize("left", [False, True])
def test_what_was_undone_may_be_made_again_as_it_was(repo: Repository, left: bool) -> None:
    begun(repo, task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    write(repo, "TASK-1", door_txt="a door\n")
    done(repo, "TASK-1")
    if left:
        write(repo, "TASK-1", b_txt="changed after the report\n")
    assert running.start(repo.project, "s2", ["--takeover"])[-1] == "WAIT"
    undo.undo(repo.project, "TASK-1")
    assert running.wait_for_step(repo.project)[-1] == "SPAWN TASK-1 sonnet"
    assert not (tree(repo, "TASK-1") / "door.txt").exists()
    reports.begin(repo.project, "TASK-1")
    write(repo, "TASK-1", door_txt="a door\n")
    done(repo, "TASK-1")
    assert shown(repo, "door.txt") == "a door\n"


def test_a_project_that_is_moved_after_its_run_keeps_what_was_not_merged(repo: Repository) -> None:
    finished(repo, a_door_txt="a door\n", b_wall_txt="a wall\n")
    there = repo.root.with_name("there")
    repo.root.rename(there)
    moved = Repository(there)
    assert run_branch.unmerged(moved.project) == branch(moved)
    undo.undo(moved.project, "TASK-1")
    assert subjects(moved)[0] == 'Revert "TASK-1: A door"'
    running.start(moved.project, "s1", [])
    assert (tree(moved, "TASK-1") / "wall.txt").exists()


def test_an_undo_of_what_a_later_task_has_removed_changes_nothing(repo: Repository) -> None:
    begun(repo, task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    write(repo, "TASK-1", door_txt="a door\n", wall_txt="a wall\n")
    done(repo, "TASK-1")
    running.wait_for_step(repo.project)
    write(repo, "TASK-2", door_txt=None)
    done(repo, "TASK-2")
    running.wait_for_step(repo.project)
    before = subjects(repo)
    with pytest.raises(ClaudestratorError, match="a part of it has been changed or removed since"):
        undo.undo(repo.project, "TASK-1")
    assert (subjects(repo), statuses(repo.project)["TASK-1"]) == (before, "completed")


def test_an_undo_that_conflicts_changes_nothing(repo: Repository) -> None:
    begun(repo, task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
    write(repo, "TASK-1", a_txt="a door\n")
    done(repo, "TASK-1")
    running.wait_for_step(repo.project)
    write(repo, "TASK-2", a_txt="a better door\n")
    done(repo, "TASK-2")
    running.wait_for_step(repo.project)
    tip = repo.run("rev-parse", branch(repo))
    with pytest.raises(ClaudestratorError, match=r"what came later is built on it \(a\.txt\)"):
        undo.undo(repo.project, "TASK-1")
    assert (repo.run("rev-parse", branch(repo)), statuses(repo.project)["TASK-1"]) == (tip, "completed")


def test_what_the_person_commits_meanwhile_is_in_the_branch_at_the_end(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    done(repo, "TASK-1")
    repo.write("b.txt", "by Ann\n")
    repo.run("commit", "--quiet", "-m", "Ann's", "b.txt")
    write(repo, "TASK-2", wall_txt="a wall\n")
    done(repo, "TASK-2")
    running.wait_for_step(repo.project)
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    assert {"door.txt", "wall.txt"} <= {path.name for path in repo.root.iterdir()}
    assert (repo.root / "b.txt").read_text() == "by Ann\n"
    assert repo.status() == ""


def test_a_branch_that_is_deleted_while_its_run_is_at_work_loses_nothing(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    done(repo, "TASK-1")
    running.wait_for_step(repo.project, limit=1)
    repo.run("branch", "--quiet", "-D", branch(repo))
    write(repo, "TASK-2", wall_txt="a wall\n")
    done(repo, "TASK-2")
    assert subjects(repo) == ["TASK-2: A wall", "TASK-1: A door"]


def test_a_branch_that_is_deleted_before_a_commit_on_it_is_recorded_loses_nothing(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    done(repo, "TASK-1")
    repo.run("branch", "--quiet", "-D", branch(repo))
    write(repo, "TASK-2", wall_txt="a wall\n")
    done(repo, "TASK-2")
    running.wait_for_step(repo.project)
    assert subjects(repo) == ["TASK-2: A wall", "TASK-1: A door"]


def test_a_link_in_place_of_a_worktree_leads_no_merge_to_the_persons_files(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-2", wall_txt="a wall\n", b_txt="changed\n")
    done(repo, "TASK-2")
    shutil.rmtree(tree(repo, "TASK-1"))
    tree(repo, "TASK-1").symlink_to(repo.root)
    with pytest.raises(ClaudestratorError, match="its worktree is gone"):
        done(repo, "TASK-1")
    assert repo.status() == ""
    assert not (repo.root / "wall.txt").exists()


def test_what_git_does_not_remove_is_not_called_work_that_no_commit_has(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    repo.run("worktree", "lock", str(tree(repo, "TASK-1")))
    done(repo, "TASK-1")
    done(repo, "TASK-2")
    last = running.wait_for_step(repo.project)[-1]
    folder = tree(repo, "TASK-1").parent
    assert last.endswith(f"takes it over. Git does not remove, although nothing would be lost, in {folder}: TASK-1.")


def test_a_person_who_looks_at_the_branch_has_what_they_checked_out(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    write(repo, "TASK-2", a_txt="changed\n")
    done(repo, "TASK-1")
    repo.run("switch", "--quiet", branch(repo))
    repo.write("b.txt", "by Ann\n")
    status, head = repo.status(), repo.head()
    done(repo, "TASK-2")
    (*_, said) = running.wait_for_step(repo.project)
    assert said.startswith("STOP All 2 tasks are completed.")
    # Where they look, a merge would not reach their own branch.
    way = f"`git switch main`, then `git merge --ff-only {branch(repo)}`"
    assert f"It was begun on main, which is not checked out: {way}." in said
    assert (repo.status(), repo.head()) == (status, head)
    repo.run("merge", "--quiet", "--ff-only", branch(repo))
    assert (repo.root / "a.txt").read_text() == "changed\n"
    assert repo.status() == status


def test_what_is_left_of_a_task_that_failed_is_named_and_the_next_run_goes_on_there(repo: Repository) -> None:
    begun(repo, *TWO, more="attempts = 1\n")
    write(repo, "TASK-1", door_txt="half a door\n")
    reports.fail(repo.project, "TASK-1", None, "no")
    write(repo, "TASK-2", wall_txt="a wall\n")
    done(repo, "TASK-2")
    assert running.wait_for_step(repo.project)[-1].endswith(
        f"Work that no commit has is in {repo.root}/.claude/worktrees: TASK-1."
    )
    steering.retry(repo.project, ["TASK-1"], "")
    lines = running.start(repo.project, "s1", [])
    assert lines == ["TASK-1 goes on in the worktree that an earlier run has left", "SPAWN TASK-1 sonnet"]
    assert (tree(repo, "TASK-1") / "door.txt").read_text() == "half a door\n"
    assert (tree(repo, "TASK-1") / "wall.txt").read_text() == "a wall\n"


def test_what_is_left_of_a_task_is_not_given_to_another_with_its_id(repo: Repository) -> None:
    begun(repo, *TWO, more="attempts = 1\n")
    write(repo, "TASK-1", door_txt="half a door\n")
    reports.fail(repo.project, "TASK-1", None, "no")
    write(repo, "TASK-2", wall_txt="a wall\n")
    done(repo, "TASK-2")
    running.wait_for_step(repo.project)
    files.write(repo.project.queue, queue(task("TASK-1", objective="A roof")))
    lines = running.start(repo.project, "s1", [])
    assert lines == ["kept .claude/worktrees/TASK-1: it is of an earlier TASK-1, A door", "SPAWN TASK-1 sonnet"]
    new = worktrees.of(repo.project, "TASK-1")
    assert new
    assert (new.path, os.listdir(new.path)) == (str(tree(repo, "TASK-1-2")), os.listdir(tree(repo, "TASK-1-2")))
    assert not (tree(repo, "TASK-1-2") / "door.txt").exists()
    assert (tree(repo, "TASK-1") / "door.txt").read_text() == "half a door\n"
    listed = running.helper("check", folder=repo.root).stdout
    assert "left by a run: .claude/worktrees/TASK-1 (TASK-1 of the run " in listed


def test_worktrees_that_were_deleted_by_hand_are_made_again(repo: Repository) -> None:
    begun(repo, *TWO)
    write(repo, "TASK-1", door_txt="a door\n")
    shutil.rmtree(repo.root / ".claude/worktrees")
    for id_ in ("TASK-1", "TASK-2"):
        reports.fail(repo.project, id_, None, "it is gone")
    assert running.wait_for_step(repo.project) == [
        "failed TASK-1: it is gone; retrying with opus",
        "failed TASK-2: it is gone; retrying with opus",
        "SPAWN TASK-1 opus",
        "SPAWN TASK-2 opus",
    ]
    assert "Its reason: it is gone" in reports.begin(repo.project, "TASK-1")
    assert (tree(repo, "TASK-1") / "a.txt").exists()


def taken_away(repo: Repository) -> None:
    shutil.rmtree(repo.root / ".claude/worktrees")


def test_an_agent_that_the_api_has_ended_begins_again_in_a_worktree_of_its_own(repo: Repository) -> None:
    begun(repo, *TWO)
    taken_away(repo)
    for id_ in ("TASK-1", "TASK-2"):
        marker_files.fail(repo.project, id_, 1, "ended by an error of the API: rate_limit", markers.API)
    lines = running.wait_for_step(repo.project)
    assert lines[-2:] == ["SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]
    assert state(repo).agents["TASK-1"].failures == 0
    assert str(tree(repo, "TASK-1")) in reports.begin(repo.project, "TASK-1")


def test_an_agent_that_was_never_started_is_begun_again_in_a_worktree_of_its_own(repo: Repository) -> None:
    configured(repo, *TWO)
    assert running.start(repo.project, "s1", ["--parallel", "2"])[-1] == "SPAWN TASK-2 sonnet"
    taken_away(repo)
    begun = running.start(repo.project, "s1", [])
    if begun[-1] == "WAIT":
        begun = running.wait_for_step(repo.project)
    assert begun[-2:] == ["SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]
    assert (tree(repo, "TASK-1") / "a.txt").exists()


@pytest.mark.parametrize("by_mod", [False, True])
def test_an_agent_whose_worktree_is_gone_gets_no_prompt_and_the_attempt_is_made_again(
    repo: Repository, *, by_mod: bool
) -> None:
    begun(repo, *TWO)
    taken_away(repo)
    if by_mod:
        assert mod._directive(repo.project, state(repo), Directive(SPAWN, "TASK-1", "sonnet"), "") == {}
    else:
        with pytest.raises(ClaudestratorError, match=r"the worktree of TASK-1 is gone, .* end here, without doing"):
            reports.begin(repo.project, "TASK-1")
    lines = running.wait_for_step(repo.project)
    assert lines == ["lost TASK-1: held back, as its worktree was gone", "SPAWN TASK-1 sonnet"]
    assert (state(repo).agents["TASK-1"].attempt, state(repo).agents["TASK-1"].failures) == (2, 0)
    assert str(tree(repo, "TASK-1")) in reports.begin(repo.project, "TASK-1")


@pytest.mark.parametrize("points_to", ["../../../.git", "/nowhere", ""])
def test_a_folder_that_came_with_an_archive_is_not_taken_for_a_worktree(repo: Repository, points_to: str) -> None:
    repo.write(".claude/worktrees/TASK-1/.git", f"gitdir: {points_to}\n")
    begun(repo, *TWO)
    assert (tree(repo, "TASK-1-2") / "a.txt").exists()
    assert sorted(os.listdir(tree(repo, "TASK-1"))) == [".git"]
    assert repo.run("branch", "--show-current") == "main\n"


def test_a_conflict_that_an_earlier_run_has_left_is_still_one_in_the_next(repo: Repository) -> None:
    begun(repo, *TWO, task("TASK-3"), more="attempts = 1\n", parallel=3)
    write(repo, "TASK-1", a_txt="by one\n")
    write(repo, "TASK-2", a_txt="by two\n")
    write(repo, "TASK-3", c_txt="by three\n")
    done(repo, "TASK-1")
    with pytest.raises(gates.RedError):
        done(repo, "TASK-2")
    done(repo, "TASK-3")
    reports.fail(repo.project, "TASK-2", None, "no")
    running.wait_for_step(repo.project)
    steering.retry(repo.project, ["TASK-2"], "")
    running.start(repo.project, "s1", [])
    assert "in `a.txt`: solve that first" in reports.begin(repo.project, "TASK-2")
    with pytest.raises(gates.RedError, match=r"markers in a\.txt"):
        done(repo, "TASK-2")
    write(repo, "TASK-2", a_txt="by both\n")
    done(repo, "TASK-2")
    assert [shown(repo, "a.txt"), shown(repo, "c.txt")] == ["by both\n", "by three\n"]


# Where there can be no worktrees


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("rm -rf .git", "there is no git repository"),
        ("rm -rf .git; git init --quiet", "the repository has no commit yet"),
        ("git branch claudestrator", "a branch is called claudestrator, so git can make none below that name"),
        ("""printf '[run]\\ncommit = "none"\\n' > .claudestrator/config.toml""", 'run.commit is "none"'),
    ],
)
def test_otherwise_the_agents_share_the_working_tree_and_a_note_says_so(
    repo: Repository, change: str, why: str
) -> None:
    configured(repo, task("TASK-1", extra="**Files:** a.txt\n\n"), task("TASK-2", extra="**Files:** a.txt\n\n"))
    subprocess.run(["sh", "-c", change], cwd=repo.root, check=True)
    lines = running.start(repo.project, "s1", ["--parallel", "2"])
    assert lines == [f"note: the agents share the working tree, as {why}", "SPAWN TASK-1 sonnet"]
    assert not (repo.root / ".claude/worktrees").exists()


def test_work_of_an_earlier_run_that_no_commit_has_stays_in_the_agents_sight(repo: Repository) -> None:
    configured(repo, task("TASK-1"))
    repo.write("mine.txt", "by Ann\n")
    running.start(repo.project, "s1", [])
    repo.write("door.txt", "a door\n")
    reports.done(repo.project, "TASK-1", None, "")
    running.wait_for_step(repo.project)
    files.write(repo.project.queue, queue(task("TASK-1", status="completed"), task("TASK-2", dependencies="TASK-1")))
    lines = running.start(repo.project, "s1", ["--parallel", "2"])
    why = "no commit has door.txt, mine.txt, which may be the work of the last run"
    assert lines == [f"note: the agents share the working tree, as {why}", "SPAWN TASK-2 sonnet"]
