"""A commit that is cut off, with the real pre-commit: what it has set aside comes back, or the answer says where it is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.system import git, git_process
from patience import until
from repositories import Repository, empty, identity, repo
from running import fork, joined, killed

__all__ = ["empty", "identity", "repo"]

MINE = "mine, unfinished\n"
_HOOK = """\
repos:
- repo: local
  hooks:
  - id: slow
    name: slow
    entry: sh -c '{script}'
    language: system
    pass_filenames: false
"""


class Committed(Repository):
    """A repository with pre-commit's hook, which runs *script*, and a person's unstaged work."""

    def __init__(self, root: Path, cache: Path, script: str) -> None:
        super().__init__(root)
        self.cache = cache
        self.write("mine.txt", "mine\n")
        self.write(
            ".pre-commit-config.yaml", _HOOK.format(script=f"cat mine.txt > .git/seen; touch .git/started; {script}")
        )
        self.commit_all()
        subprocess.run([sys.executable, "-m", "pre_commit", "install"], cwd=root, check=True, capture_output=True)
        self.write("mine.txt", MINE)
        self.write("new.txt")

    def mine(self) -> str:
        return (self.root / "mine.txt").read_text()

    def was_set_aside(self) -> bool:
        return (self.root / ".git/seen").read_text() == "mine\n"


@pytest.fixture
def framework(repo: Repository, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Committed]:  # fmt: skip
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(cache))
    return lambda script: Committed(repo.root, cache, script)


def commit(repo: Repository) -> None:
    repo.loop(["mine.txt"])


def test_a_commit_that_ends_in_time_leaves_unfinished_work_in_place(framework: Callable[[str], Committed]) -> None:
    repo = framework("true")
    result = repo.loop(["mine.txt"])
    assert (bool(result.commit), result.missing) == (True, "")
    assert (repo.committed(), repo.mine(), repo.was_set_aside()) == ({"new.txt": "A"}, MINE, True)


def test_at_the_time_limit_unfinished_work_comes_back(
    framework: Callable[[str], Committed], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = framework("sleep 300")
    monkeypatch.setattr(git, "COMMIT_TIMEOUT", 6)
    head = repo.head()
    result = repo.loop(["mine.txt"])
    assert (result.why, result.missing) == ("git commit took longer than 6 s", "")
    assert (repo.head(), repo.mine(), repo.was_set_aside()) == (head, MINE, True)
    assert repo.status() == " M mine.txt\n?? new.txt\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_unfinished_work_comes_back_when_the_helper_is_asked_to_end(
    framework: Callable[[str], Committed], tmp_path_factory: pytest.TempPathFactory, number: signal.Signals
) -> None:
    repo, answer = framework("test -e .git/go || sleep 300"), tmp_path_factory.mktemp("answer") / "file"
    head = repo.head()

    def interrupted() -> None:
        # What runs this suite may ignore it, as a shell does for what it starts with `&`.
        signal.signal(number, signal.SIG_DFL)
        try:
            repo.loop(["mine.txt"])
        except ClaudestratorError as error:
            answer.write_text(str(error))

    helper = fork(interrupted)
    until((repo.root / ".git/started").exists)
    os.kill(helper, number)
    assert joined([helper]) == [0]
    assert answer.read_text() == "the commit was interrupted; `/orchestrate` continues the loop"
    assert (repo.head(), repo.mine(), repo.was_set_aside()) == (head, MINE, True)
    repo.write(".git/go")
    assert repo.loop(["mine.txt"]).commit
    assert repo.mine() == MINE


def test_the_answer_says_what_is_missing_and_where_pre_commit_has_put_it(
    framework: Callable[[str], Committed],
) -> None:
    repo = framework("kill -9 $PPID")
    result = repo.loop(["mine.txt"])
    (patch,) = repo.cache.glob("patch*")
    assert not result.commit
    assert result.missing == f"your changes in mine.txt are gone: look in {patch} (`git apply` takes a patch)"
    assert repo.mine() == "mine\n"
    repo.run("apply", str(patch))
    assert repo.mine() == MINE


def test_what_is_missing_outside_the_project_is_named_too(framework: Callable[[str], Committed]) -> None:
    repo = framework("kill -9 $PPID")
    repo.write("dir/new.txt")
    result = Repository(repo.root / "dir").loop()
    assert "your changes in mine.txt are gone: look in " in result.missing


def test_after_a_kill_of_everything_the_next_commit_says_where_unfinished_work_is(
    framework: Callable[[str], Committed],
) -> None:
    repo = framework("test -e .git/go || sleep 300")
    helper = fork(partial(commit, repo))
    until((repo.root / ".git/started").exists)
    words = ["ps", "-A", "-o", "ppid=,pid="]
    listed = [
        line.split() for line in subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\n")
    ]
    (group,) = [int(line[1]) for line in listed if line and int(line[0]) == helper]
    killed(helper)
    os.killpg(group, signal.SIGKILL)
    (patch,) = repo.cache.glob("patch*")
    assert repo.mine() == "mine\n"
    repo.write(".git/go")
    result = repo.loop(["mine.txt"])
    assert result.commit
    assert result.missing == f"your changes in mine.txt are gone: look in {patch} (`git apply` takes a patch)"


def test_what_does_not_end_when_it_is_asked_to_is_killed_and_what_it_took_is_named(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "COMMIT_TIMEOUT", 2)
    monkeypatch.setattr(git_process, "GRACE", 0.3)
    repo.hook("pre-commit", "trap '' INT; unset GIT_INDEX_FILE; git stash -q -- b.txt; sleep 300 & wait; wait")
    repo.write("b.txt", MINE)
    repo.write("new.txt")
    result = repo.loop(["b.txt"])
    assert result.why == "git commit took longer than 2 s"
    assert result.missing == "your changes in b.txt are gone: look in `git stash list` (`git apply` takes a patch)"
    repo.run("stash", "pop", "--quiet")
    assert repo.status() == " M b.txt\n?? new.txt\n"


def test_a_signal_that_was_ignored_stays_ignored_and_reaches_the_hooks_all_the_same(
    framework: Callable[[str], Committed], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = framework("sleep 300")
    monkeypatch.setattr(git, "COMMIT_TIMEOUT", 6)

    def ignoring() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert repo.loop(["mine.txt"]).missing == ""
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN

    helper = fork(ignoring)
    until((repo.root / ".git/started").exists)
    os.kill(helper, signal.SIGINT)
    assert joined([helper]) == [0]
    assert repo.mine() == MINE
