"""A commit whose helper is killed at any step, and a person who works on before the next call of the helper."""

import os
from collections.abc import Callable
from functools import partial

import pytest
from claudestrator_helper.store import files
from claudestrator_helper.system import git, git_process
from patience import until
from repositories import Repository, empty, identity, repo
from running import fork, joined, killed

pytestmark = pytest.mark.slow

__all__ = ["empty", "identity", "repo"]

MESSAGE = "Loop 1\n\nTASK-1 completed\n\nClaudestrator-Run: x/1"
WITNESS = ".git/claudestrator-commit"
DIED = 9


def killed_at(repo: Repository, step: int, *, after: bool) -> bool:
    """Whether a helper that commits came to that call of git, or write, and died there."""

    def commit_until_then() -> None:
        left = [step]

        def guarded(real: Callable[..., object]) -> Callable[..., object]:
            def call(*words: object, **named: object) -> object:
                left[0] -= 1
                if not left[0] and not after:
                    os._exit(DIED)
                done = real(*words, **named)
                if not left[0]:
                    os._exit(DIED)
                return done

            return call

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(git_process, "run", guarded(git_process.run))
            patch.setattr(files, "write", guarded(files.write))
            commit(repo)

    return joined([fork(commit_until_then)]) == [DIED]


def commit(repo: Repository) -> None:
    repo.loop(["mine.txt"], MESSAGE)


def prepared(repo: Repository) -> Repository:
    repo.write("mine.txt", "mine\n")
    repo.commit_all()
    repo.write("mine.txt", "unfinished\n")
    repo.write("a.txt", "by an agent\n")
    repo.write("new.txt")
    return repo


@pytest.mark.parametrize("after", [False, True])
def test_what_a_person_stages_and_commits_after_a_kill_at_any_step_is_theirs(
    tmp_path_factory: pytest.TempPathFactory, after: bool
) -> None:
    seen = set()
    for step in range(1, 60):
        repo = Repository(tmp_path_factory.mktemp("repo"))
        repo.run("init", "--quiet")
        for name in ("a.txt", "b.txt"):
            repo.write(name)
        old = prepared(repo).head()
        if not killed_at(repo, step, after=after):
            break
        made = repo.head() != old
        seen.add(made)
        if not made:
            repo.write("b.txt", "by Ann\n")
            repo.run("add", "b.txt")
            repo.run("commit", "--quiet", "-m", "Ann's")
            assert repo.committed() == {"b.txt": "M"}
        repo.write("b.txt", "staged by Ann\n")
        repo.run("add", "b.txt")
        repo.write("b.txt", "and more\n")
        git.dirty(repo.project)
        agents = [] if made else [" M a.txt", "?? new.txt"]
        assert sorted(repo.status().splitlines()) == sorted([*agents, "MM b.txt", " M mine.txt"]), step
        assert repo.run("show", ":b.txt") == "staged by Ann\n"
        if not made:
            assert repo.loop(["mine.txt", "b.txt"], MESSAGE).commit
        assert repo.committed() == {"a.txt": "M", "new.txt": "A"}
        assert repo.run("log", "--format=%s").split("\n").count("Loop 1") == 1
        assert not (repo.root / WITNESS).exists()
    assert seen == {False, True}


def test_a_persons_own_commit_of_what_was_left_out_is_not_undone_after_a_kill(repo: Repository) -> None:
    prepared(repo)
    assert any(killed_at(repo, step, after=True) and (repo.root / WITNESS).exists() for step in range(1, 60))
    repo.run("commit", "--quiet", "-m", "Ann's", "mine.txt")
    head = repo.head()
    assert sorted(git.dirty(repo.project) or []) == ["a.txt", "new.txt"]
    assert (repo.head(), (repo.root / WITNESS).exists()) == (head, False)


def killed_after_its_commit(repo: Repository) -> None:
    """Kills helpers, each a step later than the last, until one has died just after git made the commit."""
    head = repo.head()
    for step in range(1, 60):
        assert killed_at(repo, step, after=True)
        if repo.head() != head:
            return


def test_what_a_person_stages_in_a_file_of_the_commit_after_a_kill_stays_staged(repo: Repository) -> None:
    killed_after_its_commit(prepared(repo))
    repo.write("a.txt", "staged by Ann\n")
    repo.run("add", "a.txt")
    assert git.dirty(repo.project) == ["a.txt", "mine.txt"]
    assert repo.run("show", ":a.txt") == "staged by Ann\n"
    assert repo.status() == "M  a.txt\n M mine.txt\n"


def test_a_git_that_outlives_its_helper_finishes_a_commit_that_the_index_is_told_of(repo: Repository) -> None:
    prepared(repo)
    repo.hook("pre-commit", "touch .git/started; for n in $(seq 300); do test -e .git/go && exit; sleep 0.1; done")
    repo.hook("post-commit", "touch .git/over")
    helper = fork(partial(commit, repo))
    until((repo.root / ".git/started").exists)
    killed(helper)
    assert git.dirty(repo.project) == ["a.txt", "mine.txt", "new.txt"]
    repo.write(".git/go")
    until((repo.root / ".git/over").exists)
    assert git.dirty(repo.project) == ["mine.txt"]
    assert repo.status() == " M mine.txt\n"


def test_a_commit_whose_message_a_hook_has_added_to_is_known_after_a_kill(repo: Repository) -> None:
    prepared(repo)
    repo.hook("commit-msg", 'printf "Change-Id: I1\\n" >> "$1"')
    killed_after_its_commit(repo)
    assert git.dirty(repo.project) == ["mine.txt"]
    assert repo.status() == " M mine.txt\n"


def test_a_commit_that_a_hook_has_filled_up_is_undone_after_a_kill_too(repo: Repository) -> None:
    head = prepared(repo).head()
    repo.hook("pre-commit", "git add -A")
    killed_after_its_commit(repo)
    assert sorted(git.dirty(repo.project) or []) == ["a.txt", "mine.txt", "new.txt"]
    assert repo.head() == head


def test_a_kill_of_git_itself_leaves_everything_as_it_was(repo: Repository) -> None:
    head = prepared(repo).head()
    repo.hook("pre-commit", "kill -9 $PPID")
    status = repo.status()
    result = repo.loop(["mine.txt"], MESSAGE)
    assert (result.commit, repo.head(), repo.status()) == ("", head, status)
    assert not (repo.root / WITNESS).exists()
