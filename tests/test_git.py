"""Commits by the real git: what changed since the run began, and nothing else."""

import errno
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from claudestrator_helper.system import commit_witness, git, git_process
from examples import TIMES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import busy, until
from repositories import Repository, empty, identity, repo

__all__ = ["empty", "identity", "repo"]  # fixtures


def test_what_changed_is_committed_and_the_tree_is_clean(repo: Repository) -> None:
    repo.write("a.txt", "changed\n")
    (repo.root / "b.txt").unlink()
    repo.write("new/n.txt")
    result = repo.loop()
    assert (result.commit, result.why, result.left) == (repo.head(), "", {})
    assert repo.committed() == {"a.txt": "M", "b.txt": "D", "new/n.txt": "A"}
    assert repo.status() == ""
    assert git.last_message(repo.project) == (repo.head(), "Loop 1\n\nTASK-1 completed")


def test_what_was_dirty_before_stays_uncommitted_with_its_place_in_the_index(repo: Repository) -> None:
    for name in ("staged", "unstaged", "both", "deleted", "removed", "old"):
        repo.write(name, f"{name}\n")
    repo.commit_all()
    for name in ("staged", "both", "added"):
        repo.write(name, "by Ann\n")
    repo.run("add", "staged", "both", "added")
    repo.write("both", "by Ann again\n")
    repo.write("unstaged", "by Ann\n")
    repo.write("untracked")
    (repo.root / "deleted").unlink()
    repo.run("rm", "--quiet", "removed")
    repo.run("mv", "old", "renamed")
    repo.run("add", "--intent-to-add", "untracked")
    status, index = repo.status(), repo.run("ls-files", "--stage")
    before = git.dirty(repo.project)
    assert before is not None
    repo.write("a.txt", "by an agent\n")
    repo.write("by-agent")
    result = repo.loop(before)
    assert repo.committed() == {"a.txt": "M", "by-agent": "A"}
    assert repo.status() == status
    changed = [line for line in repo.run("ls-files", "--stage").splitlines() if line not in index.splitlines()]
    assert [line.split("\t")[1] for line in changed] == ["a.txt", "by-agent"]
    assert set(result.left) == set(before)
    assert set(result.left.values()) == {git.BEFORE}


def test_a_tracked_secret_is_left_out_when_it_changes_and_its_removal_is_committed(repo: Repository) -> None:
    repo.write(".env", "A=1\n")
    repo.write("old.pem")
    repo.commit_all()
    repo.write(".env", "A=2\n")
    (repo.root / "old.pem").unlink()
    assert repo.loop().left == {".env": "it looks like a secret"}
    assert repo.committed() == {"old.pem": "D"}


@pytest.mark.parametrize("folder", [".git/hooks", "hooks of mine"])
def test_the_hooks_of_the_repository_run(repo: Repository, folder: str) -> None:
    repo.hook("pre-commit", "git diff --cached --name-only > .git/seen; git ls-files '*.txt' >> .git/seen", folder)
    repo.hook("commit-msg", 'echo "Checked: yes" >> "$1"', folder)
    repo.run("config", "core.hooksPath", folder)
    repo.commit_all()
    repo.write("new.txt")
    assert repo.loop().commit
    assert git.last_message(repo.project)[1].endswith("\nChecked: yes")
    assert (repo.root / ".git/seen").read_text().split() == ["new.txt", "a.txt", "b.txt", "dir/c.txt", "new.txt"]


def test_what_a_hook_formats_and_adds_is_committed_and_known_to_the_index(repo: Repository) -> None:
    repo.hook("pre-commit", "echo formatted > new.txt; echo more > a.txt; git add new.txt a.txt")
    repo.write("new.txt")
    assert repo.loop().commit
    assert repo.committed() == {"a.txt": "M", "new.txt": "A"}
    assert repo.status() == ""


def test_a_commit_into_which_a_hook_puts_what_was_left_out_is_undone(repo: Repository) -> None:
    repo.hook("pre-commit", "echo made > made.pem; git add -A")
    repo.write("mine.txt", "mine\n")
    repo.write("both.txt", "staged\n")
    repo.run("add", "both.txt")
    repo.write("both.txt", "and more\n")
    before = git.dirty(repo.project) or []
    repo.write("a.txt", "by an agent\n")
    repo.write(".env", "TOKEN=1\n")
    head, index = repo.head(), repo.run("ls-files", "--stage")
    result = repo.loop(before)
    assert (result.commit, repo.head()) == ("", head)
    assert result.why == "it was undone, as a hook put .env, both.txt, made.pem, mine.txt into it"
    assert (repo.run("ls-files", "--stage"), (repo.root / "both.txt").read_text()) == (index, "and more\n")
    assert sorted(repo.status().splitlines()) == [" M a.txt", "?? .env", "?? made.pem", "?? mine.txt", "AM both.txt"]
    assert not (repo.root / ".git/claudestrator-commit").exists()
    repo.hook("pre-commit", "echo formatted >> a.txt; git add a.txt")
    assert repo.loop(before).commit
    assert repo.committed() == {"a.txt": "M"}


def test_a_commit_into_which_a_hook_puts_what_is_dirty_outside_the_project_is_undone(repo: Repository) -> None:
    repo.hook("pre-commit", "echo generated > generated.txt; git add -A")
    repo.write("mine.txt", "mine\n")
    repo.write("b.txt", "mine\n")
    repo.write("dir/new.txt")
    inner = Repository(repo.root / "dir")
    head = repo.head()
    assert inner.loop().why == "it was undone, as a hook put b.txt, mine.txt into it"
    assert repo.head() == head
    (repo.root / "mine.txt").unlink()
    repo.run("checkout", "-q", "b.txt")
    (repo.root / "generated.txt").unlink()
    assert inner.loop().commit
    assert repo.committed() == {"dir/new.txt": "A", "generated.txt": "A"}


def test_the_first_commit_of_a_repository_is_undone_as_well(empty: Repository) -> None:
    empty.write("mine.txt")
    before = git.dirty(empty.project) or []
    empty.hook("pre-commit", "git add -A")
    empty.write("new.txt")
    assert empty.loop(before).why == "it was undone, as a hook put mine.txt into it"
    assert git.last_message(empty.project) == ("", "")
    assert empty.status() == "?? mine.txt\n?? new.txt\n"


def test_a_persons_commit_while_a_hook_runs_is_not_taken_for_ours(repo: Repository) -> None:
    repo.write("mine.txt")
    repo.write("new.txt")
    others = "unset GIT_INDEX_FILE; git add mine.txt; git commit --quiet --no-verify -m by-hand; echo y > b.txt; git add b.txt"
    repo.hook("pre-commit", others)
    result = repo.loop(["mine.txt"])
    assert (result.commit, repo.run("log", "-1", "--format=%s")) == ("", "by-hand\n")
    assert "HEAD" in result.why
    assert repo.status() == "M  b.txt\n?? new.txt\n"


@pytest.mark.parametrize(
    ("script", "why"),
    [("echo 'checking'; echo 'line 3 is too long' >&2; exit 1", "line 3 is too long"), ("exit 1", "git commit failed without a word"),
     ("printf '\\033[31merror: bad\\033[0m\\007\\nsee above\\n'; exit 1", "error: bad"), ("kill -9 $$", "error: .git/hooks/pre-commit died of signal 9")],
)  # fmt: skip
def test_a_failing_hook_says_why_and_leaves_everything_as_it_was(repo: Repository, script: str, why: str) -> None:
    repo.hook("pre-commit", script)
    repo.write("staged")
    repo.run("add", "staged")
    before = git.dirty(repo.project)
    repo.write("a.txt", "changed\n")
    repo.write("new.txt")
    (repo.root / "dir/c.txt").unlink()
    (repo.root / "dir").rmdir()
    repo.write("dir", "a file now\n")
    head, status, index = repo.head(), repo.status(), repo.run("ls-files", "--stage")
    result = repo.loop(before)
    assert (result.commit, result.why) == ("", why)
    assert (repo.head(), repo.status(), repo.run("ls-files", "--stage")) == (head, status, index)
    (repo.root / ".git/hooks/pre-commit").unlink()
    assert repo.loop(before).commit
    assert repo.committed() == {"a.txt": "M", "new.txt": "A", "dir": "A", "dir/c.txt": "D"}


def test_a_hook_that_never_ends_is_ended_with_what_it_started(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "COMMIT_TIMEOUT", 0.4)
    monkeypatch.setattr(git_process, "GRACE", 0.2)
    repo.hook("pre-commit", "(sleep 1; touch .git/still-there) & wait")
    repo.write("new.txt")
    assert repo.loop().why == "git commit took longer than 0.4 s"
    time.sleep(0.8)
    assert not (repo.root / ".git/still-there").exists()
    assert repo.status() == "?? new.txt\n"


def test_a_commit_counts_although_the_hook_behind_it_never_ends(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "COMMIT_TIMEOUT", 2)
    repo.hook("post-commit", "sleep 60")
    repo.write("new.txt")
    assert repo.loop().commit == repo.head()
    assert repo.status() == ""


def test_what_a_hook_leaves_in_the_background_holds_nothing_up(repo: Repository) -> None:
    repo.hook("post-commit", "(until test -e .git/over; do sleep 0.1; done; touch .git/gone) &")
    repo.write("new.txt")
    assert repo.loop().commit
    (repo.root / ".git/over").touch()
    until((repo.root / ".git/gone").exists)


def test_an_unborn_branch(empty: Repository) -> None:
    empty.write("staged-by-ann")
    empty.run("add", "staged-by-ann")
    before = git.dirty(empty.project)
    assert before == ["staged-by-ann"]
    assert empty.loop(before).why == "nothing has changed"
    assert git.last_message(empty.project) == ("", "")
    empty.write("new/n.txt")
    assert empty.loop(before).commit == empty.head()
    assert empty.committed() == {"new/n.txt": "A"}
    assert empty.status() == "A  staged-by-ann\n"


def test_a_detached_head(repo: Repository) -> None:
    repo.run("checkout", "--quiet", "--detach")
    repo.write("new.txt")
    assert repo.loop().commit == repo.head() != repo.run("rev-parse", "main").strip()


def test_nothing_changed(repo: Repository) -> None:
    head = repo.head()
    os.utime(repo.root / "a.txt")
    repo.write(".gitignore", "build/\n*.log\n")
    repo.commit_all()
    head = repo.head()
    repo.write("build/out.o")
    repo.write("x.log")
    assert repo.loop() == git.Result(why="nothing has changed")
    assert repo.head() == head


def test_a_change_that_git_takes_for_none(repo: Repository) -> None:
    repo.write(".gitattributes", "* text=auto\n")
    repo.commit_all()
    head = repo.head()
    repo.write("a.txt", "x\r\n")
    assert repo.loop().why == "nothing has changed"
    assert repo.head() == head


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Repository(tmp_path)
    found.write("a.txt")
    assert (git.dirty(found.project), found.loop().why) == (None, "there is no git repository")
    assert git.last_message(found.project) == ("", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (git.dirty(found.project), found.loop().why) == (None, "git is not installed")


def test_a_repository_whose_folder_can_not_be_looked_at_is_named(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    repo.write("new.txt")
    monkeypatch.setattr(os.path, "samefile", unreadable)
    assert git.dirty(repo.project) is None
    assert repo.loop().why.endswith("can't be looked at: Permission denied")


def test_a_repository_that_git_does_not_read_is_named_as_it_names_it(repo: Repository) -> None:
    repo.write(".git/config", "[core\n")
    repo.write("new.txt")
    assert "bad config line 1" in repo.loop().why
    assert git.dirty(repo.project) is None


def submodule(repo: Repository) -> Repository:
    with tempfile.TemporaryDirectory() as folder:
        other = Repository(Path(folder))
        other.run("init", "--quiet")
        other.write("inside.txt")
        other.commit_all()
        repo.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", folder, "sub")
    repo.commit_all()
    return Repository(repo.root / "sub")


@pytest.mark.parametrize("moved", [False, True])
def test_a_submodule_is_left_alone_and_named(repo: Repository, moved: bool) -> None:
    inside = submodule(repo)
    inside.write("inside.txt", "changed\n")
    if moved:
        inside.commit_all()
    repo.write("new.txt")
    status = repo.status()
    assert repo.loop().left == {"sub": "it is a repository of its own"}
    assert repo.committed() == {"new.txt": "A"}
    assert repo.status() == status.replace("?? new.txt\n", "")


def test_a_repository_that_an_agent_made_is_left_out_and_named(repo: Repository) -> None:
    repo.write("nested/n.txt")
    Repository(repo.root / "nested").run("init", "--quiet")
    repo.write("new.txt")
    assert repo.loop().left == {"nested/": "it is a repository of its own"}
    assert repo.committed() == {"new.txt": "A"}


NAMES = ["HEAD", "with space", 'a"quote', "it's", "line\nbreak", "return\r", "return\r\nboth", "-leading", "--all", ":(top)x", ":!x", "*", "[a]",
         "tab\t", " ", "ünïcode", "門/開", "\udcff\udcfe", "back\\slash", "$(touch pwned)", "#x", "x -> y", "a" * 200]  # fmt: skip


def test_names_of_every_kind(repo: Repository) -> None:
    for name in NAMES:
        repo.write(name)
    result = repo.loop()
    assert result.left == {}
    assert repo.committed() == dict.fromkeys(NAMES, "A")
    assert repo.status() == ""
    for name in NAMES:
        (repo.root / name).unlink()
    before = git.dirty(repo.project)
    assert set(before or []) == set(NAMES)
    assert repo.loop(before).why == "nothing has changed"
    assert repo.loop().commit
    assert repo.committed() == dict.fromkeys(NAMES, "D")


def test_symlinks_and_executable_bits(repo: Repository) -> None:
    (repo.root / "link").symlink_to("dir")
    (repo.root / "nowhere").symlink_to("/does/not/exist")
    (repo.root / "a.txt").chmod(0o755)
    assert repo.loop().left == {}
    assert repo.committed() == {"link": "A", "nowhere": "A", "a.txt": "M"}
    modes = {line.split("\t")[1]: line.split()[0] for line in repo.run("ls-tree", "-r", "HEAD").splitlines()}
    assert (modes["link"], modes["nowhere"], modes["a.txt"]) == ("120000", "120000", "100755")


@pytest.mark.parametrize("kind", ["file", "link", "repository"])
def test_a_directory_replaced(repo: Repository, kind: str) -> None:
    shutil.move(repo.root / "dir", repo.root / "moved")
    if kind == "file":
        repo.write("dir")
    elif kind == "link":
        (repo.root / "dir").symlink_to("moved")
    else:
        (repo.root / "dir").mkdir()
        Repository(repo.root / "dir").run("init", "--quiet")
        repo.write("dir/c.txt")
    result = repo.loop()
    expected = {"dir/c.txt": "D", "dir": "A", "moved/c.txt": "A"}
    if kind == "repository":
        del expected["dir"], expected["dir/c.txt"]
    assert {path: letter for path, letter in repo.committed().items() if path in expected} == expected
    assert repo.status() == "".join(f"?? {path}\n" for path in result.left)


def test_a_file_replaced_by_a_directory(repo: Repository) -> None:
    (repo.root / "a.txt").unlink()
    repo.write("a.txt/inside")
    assert repo.loop().left == {}
    assert repo.committed() == {"a.txt": "D", "a.txt/inside": "A"}
    assert repo.status() == ""


def test_a_file_that_ann_staged_and_an_agent_made_a_directory(repo: Repository) -> None:
    repo.write("x")
    repo.run("add", "x")
    before = git.dirty(repo.project)
    (repo.root / "x").unlink()
    repo.write("x/inside")
    assert repo.loop(before).commit
    assert repo.committed() == {"x/inside": "A"}
    assert repo.status() == ""


def test_a_change_of_the_same_size_in_the_moment_of_the_last_commit(repo: Repository) -> None:
    repo.run("config", "core.trustctime", "false")
    repo.run("config", "core.checkStat", "minimal")
    moment = int(time.time()) - 100
    os.utime(repo.root / "a.txt", (moment, moment))
    repo.run("update-index", "--refresh")
    os.utime(repo.root / ".git/index", (moment, moment))
    repo.write("a.txt", "y\n")
    os.utime(repo.root / "a.txt", (moment, moment))
    assert repo.loop().commit
    assert repo.committed() == {"a.txt": "M"}


def test_what_an_agent_staged_removed_or_untracked_itself(repo: Repository) -> None:
    repo.write("staged.txt")
    repo.write("gone.txt")
    repo.run("add", "staged.txt", "gone.txt")
    (repo.root / "gone.txt").unlink()
    repo.write(".gitignore", "b.txt\n")
    repo.run("rm", "--cached", "--quiet", "b.txt")
    assert repo.loop().left == {}
    assert repo.committed() == {"staged.txt": "A", ".gitignore": "A", "b.txt": "D"}
    assert (repo.root / "b.txt").exists()
    assert repo.status() == "AD gone.txt\n"


def begin(repo: Repository, what: str) -> None:
    repo.run("checkout", "--quiet", "-b", "side")
    repo.write("a.txt", "side\n")
    repo.commit_all()
    repo.run("checkout", "--quiet", "main")
    repo.write("a.txt", "main\n")
    repo.commit_all()
    subprocess.run(["git", *what.split()], cwd=repo.root, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("command", "why"),
    [("merge side", "a merge"), ("merge --no-commit -s ours side", "a merge"), ("rebase side", "a rebase"), ("rebase --apply side", "a rebase"),
     ("cherry-pick side", "a cherry-pick"), ("revert --no-commit HEAD", "a revert"), ("bisect start", "a bisection")],
)  # fmt: skip
def test_nothing_is_committed_into_what_a_person_has_begun(repo: Repository, command: str, why: str) -> None:
    begin(repo, command)
    repo.write("new.txt")
    head, status = repo.head(), repo.status()
    assert repo.loop().why == f"{why} is under way"
    assert (repo.head(), repo.status()) == (head, status)


def test_a_conflict_that_is_no_merge_is_left_out(repo: Repository) -> None:
    repo.write("a.txt", "stashed\n")
    repo.run("stash", "--quiet")
    repo.write("a.txt", "other\n")
    repo.commit_all()
    subprocess.run(["git", "stash", "pop"], cwd=repo.root, capture_output=True, check=False)
    repo.write("new.txt")
    assert repo.loop().left == {"a.txt": "it is in conflict"}
    assert repo.committed() == {"new.txt": "A"}
    assert repo.status() == "UU a.txt\n"


def test_only_paths_below_the_project_are_committed(repo: Repository) -> None:
    inner = Repository(repo.root / "dir")
    repo.write("a.txt", "not of the project\n")
    inner.write("c.txt", "of the project\n")
    inner.write("n.txt")
    assert git.dirty(inner.project) == ["dir/c.txt", "dir/n.txt"]
    assert inner.loop(["dir/n.txt"]).left == {"dir/n.txt": git.BEFORE}
    assert repo.committed() == {"dir/c.txt": "M"}
    assert repo.status() == " M a.txt\n?? dir/n.txt\n"


def test_a_working_tree_beside_the_repository(repo: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("trees") / "tree"
    repo.run("worktree", "add", "--quiet", str(folder), "-b", "side")
    tree = Repository(folder)
    tree.write("new.txt")
    assert tree.loop().commit == tree.head() != repo.head()
    assert (tree.status(), repo.status()) == ("", "")


def test_a_signature_without_a_key_and_a_name_that_is_missing(
    repo: Repository, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write("new.txt")
    status = repo.status()
    repo.run("config", "gpg.program", "/does/not/exist")
    repo.run("config", "commit.gpgsign", "true")
    assert "/does/not/exist" in repo.loop().why
    repo.run("config", "commit.gpgsign", "false")
    repo.run("config", "user.useConfigOnly", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert "(fatal: no email was given" in repo.loop().why
    assert repo.loop().final
    assert repo.status() == status
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(identity))
    assert repo.loop().commit


def test_a_persons_settings_change_nothing(repo: Repository) -> None:
    for setting in ("status.short=true", "status.branch=true", "status.renames=copies", "status.relativePaths=true", "core.quotePath=true",
                    "status.showUntrackedFiles=no", "commit.cleanup=strip", "commit.verbose=true", "commit.status=true", "core.editor=false",
                    "log.showSignature=true", "log.decorate=full", "core.pager=false", "diff.noprefix=true", "core.splitIndex=true",
                    "commit.template=/does/not/exist", "diff.external=false", "color.ui=always", "advice.addIgnoredFile=false"):  # fmt: skip
        repo.run("config", *setting.split("=", 1))
    repo.run("mv", "a.txt", "moved.txt")
    repo.write("dir/ü")
    assert sorted(git.dirty(repo.project) or []) == ["a.txt", "dir/ü", "moved.txt"]
    message = "Loop 1\n\n# TASK-1: ünï\n\nMark: x/1"
    assert repo.loop(["dir/ü"], message).commit == repo.head()
    assert git.last_message(repo.project) == (repo.head(), message)
    assert repo.run("-c", "color.ui=never", "status", "--porcelain", "-z", "--no-branch", "-uall") == "?? dir/ü\0"


def test_another_repository_in_the_environment_is_not_taken_for_the_projects(
    repo: Repository, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path_factory.mktemp("other"))
    other.run("init", "--quiet")
    repo.write("new.txt")
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(other.root / ".git"))
        patch.setenv("GIT_WORK_TREE", str(other.root))
        patch.setenv("GIT_INDEX_FILE", str(other.root / "index"))
        result = repo.loop()
    assert result.commit == repo.head()


def test_many_files_quickly_and_a_big_one(repo: Repository) -> None:
    for number in range(2000):
        repo.write(f"many/{number % 20}/{number}.txt", f"{number}\n")
    repo.write("big.bin", os.urandom(10 << 20))
    start = busy()
    assert repo.loop().commit
    assert busy() - start < 8
    assert len(repo.committed()) == 2001
    assert repo.status() == ""


def test_another_git_that_holds_the_index_for_a_moment_is_waited_for(repo: Repository) -> None:
    repo.hook("post-commit", "touch .git/index.lock; (sleep 0.5; rm .git/index.lock) > /dev/null 2>&1 &")
    repo.write("new.txt")
    assert repo.loop().commit
    assert repo.status() == ""


def test_an_index_that_stays_locked_is_told_of_the_commit_by_the_next_call(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_witness, "_BUSY", 0.1)
    repo.write("a.txt", "changed\n")
    repo.write(".git/index.lock")
    assert repo.loop().commit == repo.head()
    (repo.root / ".git/index.lock").unlink()
    assert repo.status() == "MM a.txt\n"
    assert git.last_message(repo.project)[0] == repo.head()
    assert repo.status() == ""


@pytest.mark.parametrize("unborn", [False, True])
def test_a_helper_killed_behind_its_commit_leaves_an_index_that_the_next_call_mends(
    empty: Repository, monkeypatch: pytest.MonkeyPatch, unborn: bool
) -> None:
    if not unborn:
        empty.write("a.txt")
        empty.commit_all()
    real = commit_witness.settle
    calls = iter(range(10))
    # The first call is the one at the start; the second would be behind the commit.
    monkeypatch.setattr(
        commit_witness, "settle", lambda repo, **named: ("killed", "") if next(calls) else real(repo, **named)
    )
    empty.write("a.txt", "changed\n")
    empty.write("new.txt")
    assert empty.loop().commit
    monkeypatch.undo()
    assert "D  new.txt" in empty.status()
    assert git.dirty(empty.project) == []
    assert empty.status() == ""
    assert not (empty.root / ".git/claudestrator-commit").exists()


def test_a_witness_of_a_commit_that_never_came_changes_nothing(repo: Repository) -> None:
    repo.write(".git/claudestrator-commit", repo.head())
    repo.write("a.txt", "staged\n")
    repo.run("add", "a.txt")
    assert git.dirty(repo.project) == ["a.txt"]
    assert repo.status() == "M  a.txt\n"


CONTENTS = st.one_of(st.none(), st.sampled_from(["", "1\n", "2\n"]))
#: Paths that can't be each other's folder, a secret among them.
TREES = st.dictionaries(st.sampled_from(["a", "b c", "d/e", "d/ü", "-f", "g\nh", "\udcff", ".env"]), CONTENTS)


def lay(repo: Repository, tree: dict[str, str | None]) -> None:
    for path, content in tree.items():
        if content is None:
            (repo.root / path).unlink(missing_ok=True)
        else:
            repo.write(path, content)


def files_of(repo: Repository) -> dict[str, bytes]:
    found = [path for path in repo.root.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path.relative_to(repo.root)): path.read_bytes() for path in found}


@settings(max_examples=10 * TIMES, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, TREES, TREES, st.sets(st.sampled_from(["a", "b c", "d/e", "g\nh"])))
def test_a_commit_holds_what_is_new_and_was_not_dirty_before(
    first: dict[str, str | None], anns: dict[str, str | None], agents: dict[str, str | None], staged: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = Repository(Path(folder))
        repo.run("init", "--quiet")
        lay(repo, first)
        repo.commit_all()
        base = files_of(repo)
        lay(repo, anns)
        for path in staged & set(anns):
            if path in base or anns[path] is not None:
                repo.run("add", "--", path)
        before = git.dirty(repo.project) or []
        index = repo.run("ls-files", "-z", "--stage").split("\0")
        lay(repo, agents)
        now = files_of(repo)
        meant = {p for p in base.keys() | now.keys() if base.get(p) != now.get(p)} - set(before)
        meant -= {".env"} if ".env" in now else set()
        result = repo.loop(before)
        assert bool(result.commit) == bool(meant)
        if meant:
            assert set(repo.committed()) == meant
        assert files_of(repo) == now
        after = repo.run("ls-files", "-z", "--stage").split("\0")
        assert {line.split("\t")[1] for line in set(index) ^ set(after) if line} <= meant
