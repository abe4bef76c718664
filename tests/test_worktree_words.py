"""What people and agents are told where agents have worktrees."""

import sys

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.store import files, state_file
from claudestrator_helper.system import worktrees
from queues import queue, task
from repositories import Repository, empty, identity, repo

__all__ = ["empty", "identity", "repo"]
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on"),
    pytest.mark.skipif(worktrees.git_version() < (2, 38), reason="git merges without a working tree from 2.38 on"),
]


def begun(repo: Repository) -> list[str]:
    """The lines of the start of a run of one task, whose agent then has a worktree."""
    repo.write(".gitignore", ".claude/\n")
    repo.run("add", ".gitignore")
    repo.run("commit", "--quiet", "-m", "by hand")
    files.write(repo.project.queue, queue(task("TASK-1")))
    lines = running.start(repo.project, "s1", ["--parallel", "2"])
    if not any(line.startswith("SPAWN") for line in lines):
        running.wait_for_step(repo.project)
    return lines


@pytest.mark.parametrize(("engine", "is_elsewhere"), [("task", True), ("mod", False)])
def test_an_agent_is_told_that_its_calls_begin_elsewhere(repo: Repository, engine: str, is_elsewhere: bool) -> None:
    begun(repo)
    with files.locked(repo.project.lock):
        state_file.write(repo.project, state_file.read(repo.project)._replace(engine=engine))
    text = reports.begin(repo.project, "TASK-1")
    place = repo.root / ".claude/worktrees/TASK-1"
    assert f"In a worktree of your own: {place}" in text
    assert (f"put `cd {place} && ` in front" in text) == is_elsewhere


def test_a_note_names_what_the_agents_do_not_see(repo: Repository) -> None:
    repo.write("a.txt", "half done\n")
    repo.write("PRD.md", "# A door\n")
    assert begun(repo)[0] == "note: the agents do not see what no commit has: a.txt"
    assert (repo.root / ".claude/worktrees/TASK-1/a.txt").read_text() == "x\n"
