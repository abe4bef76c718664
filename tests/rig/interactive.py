"""One interactive session of the real Claude Code, in a tmux of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rig.isolation import Handout, inside
from rig.messages_api import Brain, MessagesApi
from rig.session import LIMIT, Setting, session_environment

if TYPE_CHECKING:
    from collections.abc import Callable


class Terminal:
    """A running session: type into it, look at it, close it. Raises IsolationError when it does not come up. `size` is
    in columns and rows."""

    def __init__(self, setting: Setting, brain: Brain, mode: str, size: tuple[int, int] = (160, 50)) -> None:
        self._folder = tempfile.mkdtemp(prefix="rig-")
        handout = Handout(str(Path(self._folder, "handout")))
        command = [str(setting.claude), "--permission-mode", mode, *setting.arguments]
        line = shlex.join(inside(command, handout.path, processes=setting.own_processes))
        environment = session_environment(setting, Path(self._folder))
        sized = ("-x", str(size[0]), "-y", str(size[1]))
        self._tmux("-f", "/dev/null", "new-session", "-d", *sized, line, cwd=setting.project, env=environment)
        self.api = MessagesApi(brain, handout.listener())

    def type(self, text: str) -> None:
        """Types the text as a person would, and then Enter once Claude Code has taken it in."""
        self._tmux("send-keys", "-l", text)
        self.wait_for(lambda: text in self.screen(), f"{text!r} on the screen")
        self._tmux("send-keys", "Enter")

    def press(self, key: str) -> None:
        """A key by its name, as `Escape`."""
        self._tmux("send-keys", key)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-S", "-200")

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = LIMIT) -> None:
        """Raises TimeoutError, with the screen, when the condition does not come true in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {what} after {seconds} s; the screen:\n{self.screen()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Kills Claude Code in the middle of what it does, and all that it has started."""
        os.kill(int(self._tmux("list-panes", "-F", "#{pane_pid}")), signal.SIGKILL)

    def close(self) -> None:
        # There is no server any more where Claude Code has ended.
        with suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")
        self.api.close()
        # What outlives the session may still write here.
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Terminal:  # noqa: PYI034 (Self needs Python 3.11)
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _tmux(self, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
        command = ["tmux", "-S", str(Path(self._folder, "tmux")), *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd, env=env)
        return done.stdout
