"""Every verb that writes, killed or failed by the system at each call that it makes: the run goes on, nothing is lost
and nothing is done twice.

Some of those calls are tried; all of them with CLAUDESTRATOR_ALL_FAULTS=1 in the environment.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import faults
import pytest
from claudestrator_helper.store import paths
from claudestrator_helper.system import processes
from running import answer, fork, helper, killed
from verbs import VERBS, Scene, carry_on

pytestmark = pytest.mark.slow

ALL = bool(os.environ.get("CLAUDESTRATOR_ALL_FAULTS"))


@contextmanager
def in_one_session() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{name}_NAME", "T")
            patch.setenv(f"GIT_{name}_EMAIL", "t@localhost")
        # All that happens here happens in one session, whatever process it happens in.
        patch.setattr(processes, "current", str)
        yield


@pytest.fixture(scope="module", params=VERBS)
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with in_one_session():
        yield Scene(request.param, tmp_path_factory.mktemp("faults"))


def some(scene: Scene, count: int) -> list[int]:
    """Numbers from 1 to *count*, the last one among them: all of them, or a few that are spread over them."""
    # Where git takes part, a run takes five times as long.
    few = 2 if os.path.exists(os.path.join(scene.before.root, ".git")) else 4
    most = count if ALL else min(count, few)
    return [count - at * count // most for at in range(most)]


@pytest.mark.parametrize("dead", [False, True], ids=["its session lives", "its session is dead"])
def test_a_verb_may_be_killed_before_and_after_any_call(scene: Scene, dead: bool) -> None:
    points = some(scene, 2 * len(scene.calls(faults.CHANGES)))
    for point in points if ALL else points[dead::2]:
        at, after = (point + 1) // 2, point % 2 == 0
        project = scene.copy()
        assert scene.call(project, partial(faults.die, at, after=after)).code == faults.DIED
        carry_on(scene, project, dead=dead)


def test_a_disk_that_is_full_from_any_call_on_is_refused_in_one_line_and_costs_nothing(scene: Scene) -> None:
    for at in some(scene, len(scene.calls(faults.CHANGES))):
        project = scene.copy()
        code = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)[at % 3]
        result = scene.call(project, partial(faults.fill_disk, at, code))
        assert result.code in (0, 1), result
        assert result.stderr.count("\n") == result.code, result
        carry_on(scene, project, dead=False)


def test_a_look_that_fails_is_no_traceback(scene: Scene) -> None:
    for at in some(scene, len(scene.calls(faults.LOOKS))):
        code = (errno.EIO, errno.ENOENT, errno.ESTALE, errno.EACCES)[at % 4]
        result = scene.call(scene.copy(), partial(faults.fail_once, at, code))
        assert result.code in (0, 1), result
        assert result.stderr.count("\n") == result.code, result


def test_a_commit_that_outlives_its_killed_helper_is_the_only_one(tmp_path: Path) -> None:
    with in_one_session():
        scene = Scene("wait that closes a loop", tmp_path)
        hook = Path(scene.before.root, ".git", "hooks", "pre-commit")
        hook.parent.mkdir()
        hook.write_text("#!/bin/sh\ntouch .git/begun\nsleep 0.7\n")
        hook.chmod(0o755)
        project = scene.copy()
        pid = fork(lambda: closes(scene, project))
        while not Path(project.root, ".git", "begun").exists():
            time.sleep(0.01)
        killed(pid)
        carry_on(scene, project, dead=True)


def closes(scene: Scene, project: paths.Project) -> None:
    # In this very process, which is the one to die.
    answer(scene.verb.words, project.root)


@pytest.mark.parametrize(
    "words",
    ["status", "tasks", "issues", "check", "next-task", "next-task --hook", "state", "context", "start --dry-run"],
)
def test_a_verb_that_only_looks_is_never_a_traceback_either(tmp_path: Path, words: str) -> None:
    with in_one_session():
        scene = Scene("wait that closes a loop", tmp_path)
        ask = partial(helper, *words.split(), folder=scene.before.root)
        ask(first=partial(faults.record, faults.LOOKS, tmp_path / "calls"))
        calls = (tmp_path / "calls").read_text().split()
        for at in range(1, len(calls) + 1, 1 if ALL else 2):
            result = ask(first=partial(faults.fail_once, at, (errno.EIO, errno.ENOENT, errno.EACCES)[at % 3]))
            assert result.code in (0, 1), result
            assert "Traceback" not in result.stderr, result
