"""A clone that brings a bare repository along, whose configuration and hooks are programs: none of them is run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import running
import working_day
from claudestrator_helper.agents import reports
from claudestrator_helper.run import merging, strays, undo
from claudestrator_helper.store import paths, state_file
from claudestrator_helper.system import git, git_safety, processes, working_tree, worktrees
from queues import queue, task
from repositories import Repository, identity
from running import helper
from states import state_of
from verbs import fresh, work

__all__ = ["identity"]

_PROGRAM = "touch {trace}; true"
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = false
\tworktree = {worktree}
\tfsmonitor = "{program} #"
\thooksPath = {bare}/hooks
\tsshCommand = "{program} #"
\tpager = "{program}; cat"
\teditor = "{program} #"
\taskPass = "{program} #"
\tgitProxy = "{program} #"
\tattributesFile = {bare}/attributes
[filter "x"]
\tclean = "{program}; cat"
\tsmudge = "{program}; cat"
\trequired = true
[diff]
\texternal = "{program} #"
[diff "x"]
\ttextconv = "{program}; cat"
[gpg]
\tprogram = {bare}/hooks/pre-commit
[log]
\tshowSignature = true
[commit]
\tgpgSign = true
[credential]
\thelper = "!{program}"
[interactive]
\tdiffFilter = "{program}; cat"
"""
_HOOKS = ["pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "post-index-change", "reference-transaction",
          "post-checkout", "fsmonitor-watchman"]  # fmt: skip


def lay_bare_repository(bare: Path, worktree: Path, trace: Path) -> None:
    """What a clone can hold: a repository without a `.git`, in files and folders that are tracked like any others."""
    for folder in ("objects/pack", "refs/heads", "hooks"):
        (bare / folder).mkdir(parents=True)
        (bare / folder / "keep").write_text("")
    program = _PROGRAM.format(trace=trace)
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    (bare / "config").write_text(_CONFIG.format(worktree=worktree, program=program, bare=bare))
    (bare / "attributes").write_text("* filter=x diff=x\n")
    (bare / ".gitattributes").write_text("* filter=x diff=x\n")
    for name in _HOOKS:
        (bare / "hooks" / name).write_text(f"#!/bin/sh\n{program}\n")
        (bare / "hooks" / name).chmod(0o755)


class Clone:
    """A clone whose folder *inner*, a project with its first tasks done, lies in or beside the bare repository."""

    def __init__(self, folder: Path, bare: str, *, cloned: bool) -> None:
        self.trace, self.root = folder / "trace", folder / "clone"
        inner = (folder / "origin" if cloned else self.root) / "inner" / "project"
        (inner / ".claude").mkdir(parents=True)
        origin = Repository(inner.parent.parent)
        made = paths.project(str(inner))
        fresh(made, queue(task("TASK-0", status="completed")))
        state_file.write(made, state_of(initial_prd_tasks_complete=True))
        (inner / ".claude" / ".gitignore").unlink()
        lay_bare_repository(origin.root / bare, self.root / "inner" / "project", self.trace)
        if cloned:
            origin.run("init", "--quiet")
            origin.commit_all()
            origin.run("clone", "--quiet", str(origin.root), str(self.root))
        self.project = paths.project(str(self.root / "inner" / "project"))


@pytest.fixture(params=["inner/project", "inner", "unpacked"])
def clone(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.setattr(processes, "current", str)
    unpacked = request.param == "unpacked"
    return Clone(tmp_path, "inner/project" if unpacked else request.param, cloned=not unpacked)


def test_gits_own_call_there_would_run_something(clone: Clone) -> None:
    subprocess.run(["git", "status"], cwd=clone.project.root, capture_output=True, check=False)
    assert clone.trace.exists()


def test_no_verb_runs_anything(clone: Clone) -> None:
    for words in working_day.DAY:
        stdin = working_day.STDIN.get(words[0], "").encode()
        result = helper(*words, folder=clone.project.root, stdin=stdin)
        assert "Traceback" not in result.stderr, (words, result)
        assert not clone.trace.exists(), words


def test_a_loop_runs_nothing_and_commits_to_the_repository_of_the_clone(clone: Clone) -> None:
    lines = running.start(clone.project, "s1", ["1"])
    said = list(lines)
    while not lines[-1].startswith("STOP"):
        if lines[-1].startswith("SPAWN"):
            work(clone.project, lines[-1].split()[1])
        lines = running.wait_for_step(clone.project)
        said += lines
    assert not clone.trace.exists()
    if os.path.exists(clone.root / ".git"):
        assert Repository(clone.root).run("log", "-1", "--format=%s") == "Loop 1\n"
        assert "inner/project/TASK-101.txt" in Repository(clone.root).committed()
        assert working_tree.fingerprint(clone.project)
    else:
        assert "no commit of loop 1: there is no git repository" in said
        assert (git.dirty(clone.project), working_tree.fingerprint(clone.project)) == (None, "")


@pytest.mark.skipif(worktrees.git_version() < (2, 38), reason="git merges without a working tree from 2.38 on")
@pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on")
@pytest.mark.slow
def test_worktrees_merges_undo_and_clean_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "current", str)
    clone = Clone(tmp_path, "inner/project", cloned=True)
    path, log = logging_git(tmp_path)
    monkeypatch.setenv("PATH", path)
    project, repo = clone.project, Repository(clone.root)
    for name in _HOOKS:
        repo.hook(name, f"echo {name} >> {tmp_path}/ran")
    (Path(project.root) / ".claudestrator").mkdir()
    (Path(project.root) / ".claudestrator" / "config.toml").write_text('[run]\ncommit = "task"\n')
    Path(project.queue).write_text(queue(task("TASK-1"), task("TASK-2")))
    said = running.start(project, "s1", ["--parallel", "2"])
    while not said[-1].startswith("STOP"):
        for id_ in state_file.read(project).agents:
            reports.begin(project, id_)
            tree = worktrees.of(project, id_)
            assert tree
            (Path(tree.root) / f"{id_}.txt").write_text(id_)
            merging.done(project, id_, None, "", 60)
        said += running.wait_for_step(project)
    assert f"claudestrator/{state_file.read(project).run}" in said[-1]
    assert undo.undo(project, "TASK-1")
    assert strays.clean(project)
    assert helper("report", "--format", "json", folder=project.root).code == 0
    assert not clone.trace.exists()
    calls = log.read_text().splitlines()
    assert all(any(word in call for call in calls) for word in (" merge-tree ", " worktree add "))
    for call in calls:
        assert call.startswith("-c safe.bareRepository=explicit -c core.fsmonitor=false "), call
        assert (f"-c core.hooksPath={os.devnull} " in call) == (" commit --quiet --cleanup" not in call), call


def logging_git(folder: Path) -> tuple[str, Path]:
    """A PATH whose git writes its words to a log before it does what git does."""
    log, real = folder / "log", shutil.which("git")
    (folder / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}", log


def test_hooks_and_the_verbs_that_look_start_no_git(
    clone: Clone, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, log = logging_git(tmp_path_factory.mktemp("bin"))
    for words in working_day.LOOKING:
        if words.split()[0] not in ("wait", "start"):
            helper(*words.split(), folder=clone.project.root, environ={"PATH": path})
            assert not log.exists(), words


def test_every_call_of_git_is_a_safe_one(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repository(tmp_path_factory.mktemp("repo"))
    repo.run("init", "--quiet")
    repo.write("a.txt")
    path, log = logging_git(tmp_path)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", path)
        assert repo.loop().commit
        assert git.last_message(repo.project)[0]
        assert working_tree.fingerprint(repo.project)
    calls = log.read_text().splitlines()
    assert len(calls) > 10
    for call in calls:
        assert call.startswith("-c safe.bareRepository=explicit -c core.fsmonitor=false "), call
        assert (f"-c core.hooksPath={os.devnull} " in call) == (" commit " not in call), call


def test_the_hooks_of_the_repository_run_for_its_commit_only(tmp_path: Path) -> None:
    repo = Repository(tmp_path)
    repo.run("init", "--quiet")
    repo.write("a.txt")
    for name in _HOOKS:
        repo.hook(name, f"echo {name} >> .git/seen")
    assert git.dirty(repo.project) == ["a.txt"]
    assert git.last_message(repo.project) == ("", "")
    assert working_tree.fingerprint(repo.project)
    assert not (repo.root / ".git/seen").exists()
    assert repo.loop().commit
    assert {"pre-commit", "commit-msg", "post-commit"} <= set((repo.root / ".git/seen").read_text().split())


def test_the_way_to_the_project_is_found_through_links(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "a b" / "[c]"
    inner.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    (tmp_path / "link").symlink_to(inner)
    assert git_safety.top(str(tmp_path / "link")) == (str(tmp_path / "repo"), "a b/[c]")
    assert git_safety.top(str(tmp_path / "repo")) == (str(tmp_path / "repo"), ".")
