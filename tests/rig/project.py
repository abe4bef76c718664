"""Projects to run in: a git repository with a PRD, and Claudestrator installed in it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import running
from claudestrator_helper.setup import helper_link

REPOSITORY = Path(__file__).resolve().parents[2]
_GIT_IDENTITY = ("-c", "user.name=Rig", "-c", "user.email=rig@localhost", "-c", "init.defaultBranch=main")


class SetupError(Exception):
    """A command that a project needs has refused; the message is one line."""


def make_repository(folder: Path, files: dict[str, str]) -> None:
    """A git repository with these files committed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "Begin"]):
        command = ["git", *_GIT_IDENTITY, *words]
        subprocess.run(command, cwd=folder, check=True, env={**os.environ, "HOME": str(folder)})


def install_by_script(project: Path, home: Path, claude: Path, *options: str) -> None:
    """`install.sh OPTIONS DIR` with a HOME of its own, in which the helper is this Python's.

    Raises SetupError with the script's last line when it refuses.
    """
    link = bin_folder(home) / "claude"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(claude)
    environment = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(link.parent), os.environ.get("PATH", os.defpath)]),
        "CLAUDESTRATOR_VENV": str(_venv(home)),
    }
    command = ["bash", str(REPOSITORY / "install.sh"), *options, str(project)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise SetupError(f"install.sh refused: {said[-1] if said else 'it said nothing'}")


def _venv(home: Path) -> Path:
    """A folder with this Python's helper, started as in the venv that install.sh makes: pip's script takes twice as
    long."""
    script = home / "venv" / "bin" / helper_link.NAME
    if not script.exists():
        script.parent.mkdir(parents=True)
        words = {"python": sys.executable, "packages": str(Path(helper_link.__file__).resolve().parents[2])}
        script.write_text(helper_link.SCRIPT.format(**{name: shlex.quote(word) for name, word in words.items()}))
        script.chmod(0o755)
    return script.parent.parent


def launch_plugin_helper(home: Path, environment: dict[str, str]) -> None:
    """Uses the plugin's launcher once. Raises SetupError with the line in which it refuses."""
    command = [str(REPOSITORY / "bin" / "claudestrator-helper"), "--version"]
    own = {"HOME": str(home), "PATH": os.environ.get("PATH", os.defpath), **environment}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=own)
    if done.returncode:
        raise SetupError(done.stderr.strip() or f"the plugin's launcher ended with status {done.returncode}")


def bin_folder(home: Path) -> Path:
    """Where install.sh puts the helper."""
    return home / ".local" / "bin"


def helper(project: Path, *words: str, text: str = "", home: Path | None = None) -> str:
    """What the helper of this Python's environment prints, as the person whose *home* that is.

    Raises SetupError with its last line when it refuses.

    """
    # The key that tells whose a run is would otherwise be that of whoever runs the tests.
    own = {"HOME": str(home), "XDG_STATE_HOME": ""} if home else {}
    code, printed, error = _helper(["--project", str(project), *words], text, own)
    if code:
        said = error.strip().splitlines()
        raise SetupError(f"claudestrator-helper {words[0]}: {said[-1] if said else f'status {code}'}")
    return printed


def _helper(words: list[str], text: str, own: dict[str, str]) -> running.Result:
    # A fork costs a tenth of a new process; beside other threads it might find what they had locked.
    if threading.active_count() == 1:
        return running.helper(*words, folder=os.getcwd(), stdin=text.encode(), environ=own)
    command = [str(Path(sys.prefix, "bin", "claudestrator-helper")), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, input=text, env={**os.environ, **own})
    return running.Result(done.returncode, done.stdout, done.stderr)


def tasks(project: Path) -> list[dict[str, Any]]:
    """The queue as `tasks --json` gives it."""
    found: list[dict[str, Any]] = json.loads(helper(project, "tasks", "--json"))
    return found


def statuses(project: Path) -> dict[str, str]:
    """The status of every task, by id, in the queue's order."""
    return {task["id"]: task["status"] for task in tasks(project)}


def run_log(project: Path) -> list[dict[str, Any]]:
    """The events that the run has logged so far; a last line without its end is left for the next time."""
    path = project / ".claude" / "run_log.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def is_running(pid: int) -> bool:
    """Whether there is such a process that is more than dead and not collected yet."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return done.stdout.strip()[:1] not in ("", "Z")
