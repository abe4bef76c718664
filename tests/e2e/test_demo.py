"""The demo, as install.sh runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rig import example_play
from rig.messages_api import MessagesApi
from rig.project import REPOSITORY, statuses
from rig.scripted_model import ScriptedModel
from rig.session import KEY, prepare_home

if TYPE_CHECKING:
    from rig.scene import Stage

#: Of the example, the task that needs no other. Its tests are among those that the scripted demo runs.
FIRST = replace(example_play.play(), tasks=example_play.play().tasks[:1])
COMPLETED = {f"TASK-00{number}": "completed" for number in range(1, 7)}


def demo(stage: Stage, folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The demo with `folder` for its temporary files."""
    command = [sys.executable, "tests/rig/demo.py", *words]
    own = {**os.environ, "CLAUDE_BIN": str(stage.claude), "TMPDIR": str(folder), **environment}
    return subprocess.run(command, cwd=REPOSITORY, env=own, check=False, capture_output=True, text=True, timeout=120)


def left_at(printed: str) -> Path:
    """The repository that the demo says it leaves."""
    found = re.search(r"^The repository is left at (.+)$", printed, re.MULTILINE)
    assert found, printed
    return Path(found[1])


def test_the_demo_builds_its_example_and_shows_the_queue_and_the_cost(stage: Stage, tmp_path: Path) -> None:
    done = demo(stage, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(left_at(done.stdout)) == COMPLETED
    assert re.search(r"failed +TASK-004 \(sonnet, attempt 1\)", done.stdout)
    assert re.search(r"done +TASK-004 \(opus, attempt 2\)", done.stdout)
    assert "The tests that the agents wrote pass: Ran 17 tests" in done.stdout
    assert "characters and" in done.stdout
    assert (
        f"claude plugin marketplace add {REPOSITORY}\n  claude plugin install claudestrator@claudestrator"
        in done.stdout
    )
    assert done.stdout.endswith(f"  bash {REPOSITORY}/install.sh DIR\n")
    assert [path.name for path in tmp_path.iterdir()] == [left_at(done.stdout).name]


def test_the_live_demo_runs_the_persons_own_claude(stage: Stage, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "tmp"
    folder.mkdir()
    prepare_home(home, tmp_path / "elsewhere")
    bin_folder = home / "bin"
    bin_folder.mkdir()
    (bin_folder / "claude").symlink_to(stage.claude)
    own = {"HOME": str(home), "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "IS_SANDBOX": "1"}
    own |= {"ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}

    with MessagesApi(ScriptedModel(FIRST)) as api:
        done = demo(stage, folder, "--live", **own, ANTHROPIC_BASE_URL=api.url)

    assert not api.errors
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(left_at(done.stdout)) == {"TASK-001": "completed"}
    assert re.search(r"Claude Code's own figures for the session: \d+ turns, [\d.e-]+ US dollars", done.stdout)
    assert not (home / ".local" / "bin").exists()


def test_a_demo_that_fails_says_so_in_one_line(stage: Stage, tmp_path: Path) -> None:
    done = demo(stage, tmp_path, CLAUDE_BIN=str(tmp_path / "missing"))

    assert done.returncode == 1
    assert "The demo failed: CLAUDE_BIN names" in done.stderr
    assert "Traceback" not in done.stderr
