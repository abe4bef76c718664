"""Runs of the real Claude Code against a scripted model, in a HOME of their own and away from the network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rig.isolation import PORT_MARK, Handout, IsolationError, inside
from rig.messages_api import Brain, Exchange, MessagesApi

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "scripted-key-that-opens-nothing"
#: Seconds after which a session hangs, however busy the machine is.
LIMIT = 240


@dataclass(frozen=True)
class Setting:
    """Where a session runs. `path_folders` come first on PATH; `environment` is added to its own.

    Without `own_processes` it sees all processes of the machine, another session's too, and what it started outlives it.
    """

    claude: Path
    home: Path
    project: Path
    path_folders: tuple[Path, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    own_processes: bool = True


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
    """Answers what Claude Code asks at its first start: onboarding, trust in the folder, the key; and git, who commits."""
    home.mkdir(parents=True, exist_ok=True)
    trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    answers = {
        "hasCompletedOnboarding": True,
        "bypassPermissionsModeAccepted": True,
        "projects": {str(project.resolve()): trusted},
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
    }
    (home / ".claude.json").write_text(json.dumps(answers), encoding="utf-8")
    (home / ".gitconfig").write_text("[user]\n\tname = Rig\n\temail = rig@localhost\n", encoding="utf-8")


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


def run_headless(setting: Setting, brain: Brain, prompt: str, mode: str, limit: float = LIMIT) -> Run:
    """One `claude -p` from start to end.

    Raises TimeoutError past `limit` seconds, after ending it, and IsolationError when it did not come up.
    """
    with Headless(setting, brain, prompt, mode) as session:
        return session.finished(limit)


class Headless:
    """One running `claude -p`. Raises IsolationError when it does not come up."""

    def __init__(self, setting: Setting, brain: Brain, prompt: str, mode: str) -> None:
        self._begin([str(setting.claude), "-p", prompt, "--permission-mode", mode, *setting.arguments], setting, brain)
        self._prompt = prompt

    def _begin(self, command: list[str], setting: Setting, brain: Brain, stdin: int = subprocess.DEVNULL) -> None:
        self._began = time.monotonic()
        self._folder = Path(tempfile.mkdtemp(prefix="rig-"))
        self._out, self._err = self._folder / "out", self._folder / "err"
        handout = Handout(str(self._folder / "handout"))
        words = inside(command, handout.path, processes=setting.own_processes)
        environment = session_environment(setting, self._folder)
        self._process = _start(words, setting.project, environment, self._out, self._err, stdin)
        try:
            self.api = MessagesApi(brain, handout.listener(), _log_path())
        except IsolationError as error:
            end(self._process)
            said = _text(self._err).strip()
            shutil.rmtree(self._folder)
            raise IsolationError(f"{error}: {said}") from None

    def finished(self, limit: float = LIMIT) -> Run:
        """The session when it has ended by itself. Raises TimeoutError past `limit` seconds."""
        try:
            return self._ended(self._process.wait(limit))
        except subprocess.TimeoutExpired:
            said = f"{_text(self._out)}{_text(self._err)}"
            raise TimeoutError(f"{self._prompt!r} was not finished after {limit} s: {said}") from None

    def killed(self, condition: Callable[[], bool], limit: float = LIMIT) -> Run:
        """Waits for the condition, and kills Claude Code, and nothing else, in the middle of what it does.

        Raises TimeoutError when the condition does not come true while it runs, within `limit` seconds.
        """
        deadline = time.monotonic() + limit
        while not condition():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(f"{self._prompt!r} came to nothing to kill it at: {_text(self._out)}")
            time.sleep(0.05)
        self._process.kill()
        return self._ended(self._process.wait())

    def close(self) -> None:
        end(self._process)
        self.api.close()
        # What outlives the session may still write here.
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Headless:  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _ended(self, exit_code: int) -> Run:
        seconds = time.monotonic() - self._began
        return Run(exit_code, _text(self._out), _text(self._err), seconds, self.api.exchanges, self.api.errors)


class Talk(Headless):
    """One running `claude -p` that is asked again and again. Raises IsolationError when it does not come up."""

    def __init__(self, setting: Setting, brain: Brain, mode: str) -> None:
        formats = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
        command = [str(setting.claude), "-p", *formats, "--permission-mode", mode, *setting.arguments]
        self._begin(command, setting, brain, subprocess.PIPE)
        self._answered = 0

    def __enter__(self) -> Talk:  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def ask(self, prompt: str) -> str:
        """The session's last words on the prompt. Raises TimeoutError when there are none."""
        assert self._process.stdin
        line = json.dumps({"type": "user", "message": {"role": "user", "content": prompt}})
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
        deadline = time.monotonic() + LIMIT
        while len(results := self._results()) == self._answered:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(f"{prompt!r} had no answer: {_text(self._out)}{_text(self._err)}")
            time.sleep(0.05)
        self._answered += 1
        return str(results[-1]["result"])

    def _results(self) -> list[dict[str, object]]:
        told = [json.loads(line) for line in _text(self._out).split("\n")[:-1]]
        return [each for each in told if each["type"] == "result"]


def _start(
    command: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path, stdin: int
) -> subprocess.Popen[bytes]:
    with out.open("wb") as out_file, err.open("wb") as err_file:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=stdin,
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
