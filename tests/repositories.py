"""Repositories of the real git in the tests' own configuration."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from claudestrator_helper.store import paths
from claudestrator_helper.system import git

_IDENTITY = "[user]\n\tname = Ann\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"


@pytest.fixture(autouse=True, scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration of git that is the tests' own."""
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text(_IDENTITY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        # As in a hook of git's own, which may run this suite.
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL"):
            patch.delenv(name, raising=False)
        yield config


class Repository:
    """A working tree; *write* takes a path and its content, None for a deletion."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = paths.project(str(root))

    def run(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.decode("utf-8", "surrogateescape")

    def write(self, path: str, content: str | bytes = "x\n") -> None:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit_all(self) -> None:
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "-m", "by hand")

    def hook(self, name: str, script: str, folder: str = ".git/hooks") -> None:
        self.write(f"{folder}/{name}", f"#!/bin/sh\n{script}\n")
        (self.root / folder / name).chmod(0o755)

    def committed(self) -> dict[str, str]:
        """What the last commit changed: letter by path."""
        words = self.run(
            "show", "--format=", "--name-status", "--no-renames", "--root", "-m", "-z", "HEAD", "--"
        ).split("\0")
        return dict(zip(words[1::2], words[::2], strict=False))

    def status(self) -> str:
        return self.run("status", "--porcelain", "-z", "--no-renames", "-uall").replace("\0", "\n")

    def head(self) -> str:
        return self.run("rev-parse", "HEAD").strip()

    def loop(self, before: list[str] | None = None, message: str = "Loop 1\n\nTASK-1 completed") -> git.Result:
        return git.commit(self.project, dict.fromkeys(before or [], git.BEFORE), message)


@pytest.fixture
def empty(tmp_path: Path) -> Repository:
    found = Repository(tmp_path)
    found.run("init", "--quiet")
    return found


@pytest.fixture
def repo(empty: Repository) -> Repository:
    for name in ("a.txt", "b.txt", "dir/c.txt"):
        empty.write(name)
    empty.commit_all()
    return empty
