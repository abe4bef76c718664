"""Runs of the real Claude Code against a scripted model, in a HOME of their own and away from the network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rig.isolation import PORT_MARK, Handout, IsolationError, inside
from rig.messages_api import Brain, Exchange, MessagesApi

KEY = "scripted-key-that-opens-nothing"


@dataclass(frozen=True)
class Setting:
    """Where a session runs. `path_folders` come first on PATH; `environment` is added to its own."""

    claude: Path
    home: Path
    project: Path
    path_folders: tuple[Path, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A finished session. `exchanges` are in the order in which they were answered."""

    exit_code: int
    output: str
    error_output: str
    seconds: float
    exchanges: list[Exchange]
    brain_errors: list[str]


def prepare_home(home: Path, project: Path) -> None:
    """Answers what Claude Code asks at its first start: onboarding, trust in the folder, the key."""
    home.mkdir(parents=True, exist_ok=True)
    trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    answers = {
        "hasCompletedOnboarding": True,
        "bypassPermissionsModeAccepted": True,
        "projects": {str(project.resolve()): trusted},
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
    }
    (home / ".claude.json").write_text(json.dumps(answers), encoding="utf-8")


def session_environment(setting: Setting, temporary: Path) -> dict[str, str]:
    """All that the session inherits: nothing of the caller's environment but PATH, and a folder for its files."""
    folders = [*map(str, setting.path_folders), os.environ.get("PATH", os.defpath)]
    own = {
        "HOME": str(setting.home),
        "PATH": os.pathsep.join(folders),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "CLAUDE_CODE_TMPDIR": str(temporary),
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{PORT_MARK}",
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    # Claude Code refuses bypassPermissions to root, and in a user namespace everybody is root.
    return own | {"IS_SANDBOX": "1"} | setting.environment


def run_headless(setting: Setting, brain: Brain, prompt: str, mode: str, limit: float = 120) -> Run:
    """One `claude -p` from start to end.

    Raises TimeoutError past `limit` seconds, after ending it, and IsolationError when it did not come up.
    """
    command = [str(setting.claude), "-p", prompt, "--permission-mode", mode, *setting.arguments]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rig-") as folder:
        handout = Handout(str(Path(folder, "handout")))
        out, err = Path(folder, "out"), Path(folder, "err")
        environment = session_environment(setting, Path(folder))
        process = _start(inside(command, handout.path), setting.project, environment, out, err)
        try:
            with MessagesApi(brain, handout.listener(), _log_path()) as api:
                exit_code = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{prompt!r} was not finished after {limit} s: {_text(out)}{_text(err)}") from None
        except IsolationError as error:
            raise IsolationError(f"{error}: {_text(err).strip()}") from None
        finally:
            end(process)
        return Run(exit_code, _text(out), _text(err), time.monotonic() - began, api.exchanges, api.errors)


def _start(
    command: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path
) -> subprocess.Popen[bytes]:
    with out.open("wb") as out_file, err.open("wb") as err_file:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the process's group; its namespace ends with it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _log_path() -> Path | None:
    """RIG_LOG names a file to which every request and answer is added, to look into a run that went wrong."""
    named = os.environ.get("RIG_LOG")
    return Path(named) if named else None
