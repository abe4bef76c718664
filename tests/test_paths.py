"""Which project the current folder belongs to, and where its files are."""

import os
from pathlib import Path

import pytest
from claudestrator_helper.engine.state import Owner, State
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import paths, state_file
from running import helper


def around(folder: Path) -> Path:
    return Path(paths.root_around(str(folder)))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with nothing of a project in it or around it; `a/b/c` lies in it."""
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    return tmp_path.resolve()


@pytest.mark.parametrize("sign", [".claude", ".git"])
def test_the_nearest_folder_upwards_with_a_sign_of_a_project_is_its_root(tree: Path, sign: str) -> None:
    (tree / sign).mkdir()
    assert around(tree / "a" / "b" / "c") == tree
    (tree / "a" / "b" / sign).mkdir()
    assert around(tree / "a" / "b" / "c") == tree / "a" / "b"
    assert around(tree / "a" / "b") == tree / "a" / "b"
    assert around(tree / "a") == tree


def test_a_worktrees_git_file_is_a_sign_too(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / "a" / ".git").write_text("gitdir: elsewhere\n")
    assert around(tree / "a" / "b") == tree / "a"


@pytest.fixture
def worktree(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worktree of Claude Code's in the checkout `tree`, where the calling session has its run."""
    (tree / ".git").mkdir()
    inside = tree / ".claude" / "worktrees" / "agent-1"
    (inside / "deep").mkdir(parents=True)
    (inside / ".git").write_text("gitdir: elsewhere\n")
    state_file.write(paths.Project(str(tree), str(tree / ".claude")), State(owner=Owner("mine")))
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "mine")
    return inside


def test_an_agent_in_a_worktree_works_on_the_run_of_its_session(tree: Path, worktree: Path) -> None:
    assert around(worktree) == around(worktree / "deep") == tree
    assert helper("tasks", folder=worktree / "deep").code == 0


def test_a_session_that_began_in_a_worktree_has_its_project_there(
    worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "another")
    assert around(worktree / "deep") == worktree
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID")
    assert around(worktree) == worktree


def test_the_run_of_the_session_is_found_where_the_state_was_moved(
    tree: Path, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / ".claude" / "session_state.md").rename(tree / "a" / "session_state.md")
    assert around(worktree) == worktree
    monkeypatch.setenv(paths.STATE_VARIABLE, "a")
    assert around(worktree) == tree


def test_a_file_named_claude_is_no_sign(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / "a" / ".claude").write_text("")
    assert around(tree / "a" / "b") == tree


def test_without_any_sign_the_folder_itself_is_the_root(tree: Path) -> None:
    assert around(tree / "a" / "b") == tree / "a" / "b"


def test_the_home_folders_claude_makes_no_project_of_what_lies_below(home: Path) -> None:
    work = home / "work"
    (home / ".claude").mkdir()
    work.mkdir()
    try:
        assert around(work) == work
        (work / ".git").mkdir()
        (work / "deep").mkdir()
        assert around(work / "deep") == work
    finally:
        (home / ".claude").rmdir()


def test_a_folder_reached_by_a_link_is_known_by_its_real_place(tree: Path) -> None:
    (tree / "a" / ".git").mkdir()
    (tree / "link").symlink_to(Path("a", "b"))
    assert around(tree / "link") == tree / "a"


def test_the_project_that_is_named_is_taken_as_it_is(tree: Path) -> None:
    (tree / ".git").mkdir()
    project = paths.project(str(tree / "a"))
    assert (project.root, project.state) == (str(tree / "a"), str(tree / "a" / ".claude"))
    assert Path(project.queue) == tree / "a" / ".claude" / "task_queue.md"
    assert Path(project.prd) == tree / "a" / "PRD.md"


def test_a_named_folder_may_be_relative(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "a")
    assert paths.project("b").root == str(tree / "a" / "b")


@pytest.mark.parametrize("given", ["state", "/absolute/state", "../beside"])
def test_the_state_may_be_moved(tree: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(paths.STATE_VARIABLE, given)
    project = paths.project(str(tree))
    assert os.path.normpath(project.session) == os.path.normpath(tree / given / "session_state.md")
    assert project.prd == str(tree / "PRD.md")


def test_an_empty_variable_moves_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.STATE_VARIABLE, "")
    assert paths.project(str(tree)).state == str(tree / ".claude")


def test_a_moved_state_is_where_every_verb_looks(tree: Path) -> None:
    moved = {paths.STATE_VARIABLE: "elsewhere/state"}
    assert helper("state", "mine", "7", folder=tree, environ=moved).code == 0
    assert helper("state", "mine", folder=tree, environ=moved).stdout == "7\n"
    assert (tree / "elsewhere" / "state" / "session_state.md").exists()
    assert not (tree / ".claude").exists()


def test_a_moved_state_is_found_from_a_folder_of_the_project(tree: Path) -> None:
    (tree / ".git").mkdir()
    moved = {paths.STATE_VARIABLE: "state"}
    assert helper("state", "mine", "7", folder=tree / "a" / "b", environ=moved).code == 0
    assert os.listdir(tree / "state")


@pytest.mark.parametrize("named", ["gone", "file", ""])
def test_a_project_that_is_no_folder_is_refused(tree: Path, named: str) -> None:
    (tree / "file").write_text("")
    with pytest.raises(ClaudestratorError, match=r"there is no folder .*--project"):
        paths.project(str(tree / named) if named else "")


def test_a_current_folder_that_is_gone_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tree / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ClaudestratorError, match="the current folder is gone"):
        paths.project()


@pytest.mark.parametrize("name", ["orchestrator_runtime.md", "skills/orchestrator/task_agent.md"])
def test_the_shipped_texts_are_found(name: str) -> None:
    assert Path(paths.shipped(name)).read_text()


def test_no_file_of_a_project_lies_outside_its_two_folders(tree: Path) -> None:
    project = paths.Project(str(tree), str(tree / ".claude"))
    found = [getattr(project, name) for name, kind in vars(paths.Project).items() if isinstance(kind, property)]
    places = [place for each in found for place in ([each] if isinstance(each, str) else each)]
    assert len(places) >= 10
    assert all(tree in Path(place).parents for place in [*places, project.note("TASK-001")])
