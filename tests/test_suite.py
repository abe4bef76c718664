"""The suite can't touch the home folder of whoever runs it."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from running import helper

REAL = Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()


def test_the_home_folder_is_the_suites_own(home: Path, tmp_path: Path) -> None:
    assert Path("~").expanduser() == Path.home() == home
    assert home != REAL
    # pytest names its folders by the run, so this one can't be anybody's.
    assert home.parent == tmp_path.resolve().parent


def test_every_process_that_is_started_gets_it_too(home: Path) -> None:
    words = [sys.executable, "-c", "import pathlib; print(pathlib.Path.home())"]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip() == str(home)
    assert subprocess.run(["bash", "-c", 'echo ~ "$HOME"'], check=True, capture_output=True, text=True).stdout == (
        f"{home} {home}\n"
    )


def test_no_folder_of_settings_lies_in_the_real_home(home: Path) -> None:
    folders = [os.environ[f"XDG_{name}_HOME"] for name in ("CONFIG", "DATA", "STATE")]
    assert all(home in Path(folder).parents for folder in folders)
    assert "CLAUDE_CONFIG_DIR" not in os.environ


def test_what_the_helper_writes_at_home_lands_in_the_suites(home: Path) -> None:
    before = _listing(REAL / ".claude")
    assert helper("--project", os.path.expanduser("~"), "state", "mine", "1", folder=home).code == 0
    assert (home / ".claude" / "session_state.md").exists()
    shutil.rmtree(home / ".claude")
    assert not {"session_state.md", "claudestrator.lock"} & (_listing(REAL / ".claude") - before)


def _listing(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()
