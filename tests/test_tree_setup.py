"""What a new worktree gets before its agent begins: copies of ignored files, and a set-up that a person has allowed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import allow
from claudestrator_helper.engine import settle_reports
from claudestrator_helper.engine.gates import Gates
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.run import gates, merging, plan
from claudestrator_helper.store import config_file, files, queue_file, state_file
from claudestrator_helper.system import consent, gate_process, tree_copies, worktrees
from queues import queue, task
from repositories import Repository, empty, identity, repo
from running import helper

__all__ = ["empty", "identity", "repo"]
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on"),
    pytest.mark.skipif(worktrees.git_version() < (2, 38), reason="git merges without a working tree from 2.38 on"),
    pytest.mark.slow,
]
TWO = (task("TASK-1"), task("TASK-2"))


@pytest.fixture(autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(autouse=True)
def ended(repo: Repository) -> Iterator[None]:
    yield
    for name in files.names(repo.project.gates):
        record = gate_process.read(repo.project, name.removesuffix(".json"))
        if record and gate_process.is_running(record):
            os.killpg(int(record.process.split("/")[3]), signal.SIGKILL)


def configured(repo: Repository, *setup: str, copy: tuple[str, ...] = (), allowed: bool = True) -> None:
    repo.write(".gitignore", ".claude/\n.env\n*.local\nnode_modules/\n")
    table = f"[worktree]\nsetup = {json.dumps(setup)}\ncopy = {json.dumps(copy)}\n"
    repo.write(".claudestrator/config.toml", table)
    repo.commit_all()
    files.write(repo.project.queue, queue(*TWO))
    if allowed:
        consent.write(repo.project, gates.asked(config_file.read(repo.project), queue_file.parsed(repo.project)))


def begun(repo: Repository, patience: float = 20) -> list[str]:
    lines = running.start(repo.project, "s1", ["--parallel", "2"])
    return running.wait_for_step(repo.project, "s1", patience) if lines[-1] == "WAIT" else lines


def tree(repo: Repository, id_: str = "TASK-1") -> Path:
    return repo.root / ".claude/worktrees" / id_


def test_the_set_up_runs_in_each_new_worktree_before_its_agent_begins(repo: Repository) -> None:
    configured(repo, "mkdir node_modules", "sh -c 'sleep 0.3; pwd > node_modules/where'")
    told = plan.plan(repo.project, ["--parallel", "2"]).lines
    assert any(
        line.startswith("each task's agent has a worktree, which `mkdir node_modules`, `sh -c ") for line in told
    )
    lines = begun(repo)
    while len(state_file.read(repo.project).agents) < 2:
        lines += running.wait_for_step(repo.project, "s1", 20)
    assert sorted(line for line in lines if line != "WAIT") == ["SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]
    for id_ in ("TASK-1", "TASK-2"):
        assert (tree(repo, id_) / "node_modules/where").read_text().strip() == str(tree(repo, id_))
    assert not (repo.root / "node_modules").exists()
    reports.begin(repo.project, "TASK-1")
    (tree(repo) / "door.txt").write_text("a door\n")
    assert merging.done(repo.project, "TASK-1", None, "", 20) == "done TASK-1"
    branch = f"claudestrator/{state_file.read(repo.project).run}"
    assert repo.run("show", "--format=", "--name-only", branch).split() == ["door.txt"]


def test_what_the_set_up_leaves_is_in_no_commit_unless_the_agent_changes_it_and_keeps_no_worktree(
    repo: Repository,
) -> None:
    configured(repo, "sh -c 'echo made > made.txt; echo more >> a.txt; echo lock >> b.txt; rm dir/c.txt'")
    lines = begun(repo)
    while len(state_file.read(repo.project).agents) < 2:
        lines += running.wait_for_step(repo.project, "s1", 20)
    for id_, changed in (("TASK-1", "b.txt"), ("TASK-2", "a.txt")):
        reports.begin(repo.project, id_)
        (tree(repo, id_) / f"{id_}.txt").write_text("new\n")
        (tree(repo, id_) / changed).write_text(f"by {id_}\n")
    assert merging.done(repo.project, "TASK-1", None, "", 20) == "done TASK-1"
    assert merging.done(repo.project, "TASK-2", None, "", 20) == "done TASK-2"
    branch = f"claudestrator/{state_file.read(repo.project).run}"
    assert repo.run("show", "--format=", "--name-only", branch).split() == ["TASK-2.txt", "a.txt"]
    assert repo.run("show", "--format=", "--name-only", f"{branch}^").split() == ["TASK-1.txt", "b.txt"]
    # What TASK-1 has made of it took the place of what the set-up had.
    assert (tree(repo, "TASK-2") / "b.txt").read_text() == "by TASK-1\n"
    end = running.wait_for_step(repo.project, "s1", 20)[-1]
    assert end.endswith("takes them over.")
    assert repo.run("worktree", "list").count("\n") == 1


def test_a_set_up_that_no_one_has_allowed_does_not_run_and_everyone_is_told(repo: Repository) -> None:
    configured(repo, "touch made", allowed=False)
    (note,) = gates.note(repo.project, config_file.read(repo.project), queue_file.parsed(repo.project))
    assert note.startswith("a set-up of worktrees waits for you: `claudestrator-helper allow` in a terminal")
    assert plan.plan(repo.project, ["--parallel", "2"]).lines[-3:] == [
        note,
        "each task's agent has a worktree",
        "each task is a commit on a branch of the run, claudestrator/<run>",
    ]
    assert begun(repo) == ["SPAWN TASK-1 sonnet", "SPAWN TASK-2 sonnet"]
    assert not (tree(repo) / "made").exists()


def test_what_is_allowed_is_shown_and_a_change_asks_again(repo: Repository) -> None:
    configured(repo, "npm ci")
    asked = Gates([], {}, ["npm ci"])
    assert consent.read(repo.project) == asked
    assert allow.shown(asked) == ["In each new worktree, before its agent begins, these run:", "  npm ci"]
    assert allow.shown(Gates(["true"], {}, ["npm ci"]))[:2] == ["Before a task is done, these have to pass:", "  true"]
    configured(repo, "npm install", allowed=False)
    with pytest.raises(ClaudestratorError, match="the set-up of worktrees was changed since it was allowed"):
        running.start(repo.project, "s1", [])


def test_a_consent_to_a_set_up_is_none_to_a_gate(repo: Repository) -> None:
    configured(repo, "npm ci")
    repo.write(".claudestrator/config.toml", '[gate]\ncommands = ["false"]\n[worktree]\nsetup = ["npm ci"]\n')
    (note,) = gates.note(repo.project, config_file.read(repo.project), queue_file.parsed(repo.project))
    assert note.startswith("a gate waits for you")
    assert gates.for_all(repo.project, config_file.read(repo.project)) == []


def test_a_red_set_up_stops_the_run_with_its_reason_and_orchestrate_tries_it_again(repo: Repository) -> None:
    configured(repo, "sh setup.sh")
    repo.write("setup.sh", "echo no such registry; exit 7\n")
    repo.commit_all()
    lines = begun(repo)
    assert lines == [
        (
            "STOP The run has stopped, 0 of 2 tasks completed: `sh setup.sh`, which sets up .claude/worktrees/TASK-1, ended "
            "with exit code 7 (no such registry). Correct that, or [worktree] setup, and `/orchestrate` tries it again."
        )
    ]
    assert not tree(repo).exists()
    repo.write("setup.sh", "echo no such file; exit 7\n")
    assert "no such registry" in begun(repo)[-1]
    repo.commit_all()
    assert "no such file" in begun(repo)[-1]
    configured(repo, "true")
    assert begun(repo)[-1].startswith("SPAWN TASK-")


def test_a_wait_ends_in_time_while_a_set_up_runs_and_the_next_one_goes_on(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(repo, "sh -c 'echo $$ >> runs.local; sleep 2'")
    monkeypatch.setattr(settle_reports, "LAUNCH", 0.1)
    assert begun(repo, 0.3) == ["still waiting for a worktree", "WAIT"]
    status = helper("status", folder=repo.root).stdout
    assert "gate: the set-up of TASK-1's worktree, running for" in status
    lines = running.wait_for_step(repo.project, "s1", 20)
    assert lines[-1].startswith("SPAWN TASK-")
    assert len((tree(repo) / "runs.local").read_text().split()) == 1


def test_a_mod_shows_what_else_has_ended_while_a_set_up_runs(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(repo, "sh -c 'test ! -e ../../../slow || sleep 600'")
    files.write(repo.project.queue, queue(*TWO, task("TASK-3", dependencies="TASK-1")))
    begun(repo)
    while len(state_file.read(repo.project).agents) < 2:
        running.wait_for_step(repo.project, "s1", 20)
    state_file.write(repo.project, state_file.read(repo.project)._replace(engine="mod"))
    (repo.root / "slow").touch()
    reports.begin(repo.project, "TASK-1")
    assert merging.done(repo.project, "TASK-1", None, "", 20) == "done TASK-1"
    monkeypatch.setattr(settle_reports, "LAUNCH", 0.2)
    lines = running.wait_for_step(repo.project, "s1", 20)
    assert (lines[0], lines[-1]) == ("done TASK-1 (1/3), nothing changed", "WAIT")
    assert "still waiting for a worktree" not in lines


def test_ignored_files_are_copied_and_nothing_else(repo: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "secret.local").write_text("not yours\n")
    for path in (".env", "config/a.local", "config/b.txt", "deep/er/c.local"):
        repo.write(path, f"{path}\n")
    os.symlink(elsewhere / "secret.local", repo.root / "linked.local")
    os.symlink(elsewhere, repo.root / "out")
    configured(repo, copy=(".env", "config/*", "deep/er/*.local", "*.local", "out/*.local", ".git/config", ".claude/*"))
    (repo.root / ".env").chmod(0o600)
    lines = begun(repo)
    copied = subprocess.run(
        ["git", "status", "--ignored", "--short", "-uall"], cwd=tree(repo), capture_output=True, text=True, check=True
    ).stdout.split()[1::2]
    assert sorted(copied) == [".env", "config/a.local", "deep/er/c.local"]
    assert oct((tree(repo) / ".env").stat().st_mode)[-3:] == "600"
    told = "not copied into .claude/worktrees/TASK-1: config/b.txt (git does not ignore it)"
    assert lines[0] == told


def test_a_copy_is_never_committed_whatever_an_agent_makes_of_the_rules(repo: Repository) -> None:
    repo.write("my.local", "mine\n")
    configured(repo, copy=("my.local",))
    begun(repo)
    reports.begin(repo.project, "TASK-1")
    (tree(repo) / ".gitignore").write_text(".claude/\n")
    (tree(repo) / "my.local").write_text("changed\n")
    assert merging.done(repo.project, "TASK-1", None, "", 20) == "done TASK-1"
    branch = f"claudestrator/{state_file.read(repo.project).run}"
    assert repo.run("show", "--format=", "--name-only", branch).split() == [".gitignore"]


def test_what_a_killed_copy_has_left_is_written_anew(repo: Repository) -> None:
    repo.write(".env", "TOKEN=1\n")
    configured(repo, copy=(".env",))
    found = worktrees.add(repo.project, "r", "TASK-1", repo.head())
    (tree(repo) / ".env").write_text("TOK")
    found, lines = tree_copies.copied(found, repo.project, [".env"])
    assert (found.note.copied, lines, (tree(repo) / ".env").read_text()) == ([".env"], [], "TOKEN=1\n")


def test_nothing_is_written_through_a_link_that_is_checked_out(
    repo: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    os.symlink(elsewhere, repo.root / "config")
    configured(repo, copy=("config/*.local", ".env"))
    (repo.root / "config").unlink()
    repo.write(".env")
    repo.write("config/a.local")
    lines = begun(repo)
    assert "not copied into .claude/worktrees/TASK-1: config/a.local (a link is in its way)" in lines
    assert (tree(repo) / ".env").exists()
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../x", "a/../../x", "", 5])
def test_a_path_that_leads_out_of_the_project_is_refused(repo: Repository, pattern: object) -> None:
    repo.write(".claudestrator/config.toml", f"[worktree]\ncopy = [{json.dumps(pattern)}]\n")
    with pytest.raises(ClaudestratorError, match="paths below the project's folder"):
        config_file.read(repo.project)
