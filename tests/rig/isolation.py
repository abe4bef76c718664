"""A network namespace with loopback as its only network, and a listener inside it that the outside can serve.

A socket belongs to the namespace in which it was made, wherever it is accepted from. So a small program (this
file) is started inside the namespace, opens the listener, hands it out, and becomes the command to run: the
Messages API stays a thread of the test, and the command reaches it and nothing else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from functools import cache

PORT_MARK = "@PORT@"
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


@cache
def namespace_words(*, processes: bool = True) -> tuple[str, ...]:
    """The words that put a command into namespaces of its own; empty where the machine allows none.

    Its processes get a namespace too where that works, so that none outlives the command; without `processes` they see
    all others, and may outlive it.
    """
    own = ["--pid", "--fork", "--kill-child", "--mount-proc"] if processes else []
    for options in (["--net", *own], ["--map-root-user", "--net", *own], ["--net"]):
        words = ["unshare", *options]
        if shutil.which("unshare") and _succeeds([*words, "true"]):
            return tuple(words)
    return ()


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def note() -> str:
    """What a person should know about the isolation on this machine; empty when it is complete."""
    return "" if namespace_words() else "no network namespace on this machine: Claude Code runs on plain loopback"


def inside(command: list[str], handout: str, *, processes: bool = True) -> list[str]:
    """The command as it runs isolated: it leaves its listener at the Unix socket `handout`.

    `@PORT@` in its arguments and environment becomes the listener's port; `processes` as in namespace_words.
    """
    words = namespace_words(processes=processes)
    return [*words, sys.executable, __file__, handout, "isolated" if words else "open", *command]


class IsolationError(Exception):
    """The isolated command did not come up; the message is one line, and its error output says why."""


class Handout:
    """The Unix socket at `path` over which a command started by `inside` hands out its listener."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen(1)

    def listener(self, seconds: float = 120) -> socket.socket:
        """Raises IsolationError when none came in time."""
        self._socket.settimeout(seconds)
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            raise IsolationError("the isolated command did not start") from None
        finally:
            self._socket.close()
        with connection:
            _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
        return socket.socket(fileno=descriptors[0])


def main(arguments: list[str]) -> None:
    """Runs inside. The arguments are the socket's path, isolated or open, and the command."""
    path, kind, *command = arguments
    if kind == "isolated":
        _loopback_up()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = str(listener.getsockname()[1])
    with socket.socket(socket.AF_UNIX) as handout:
        handout.connect(path)
        socket.send_fds(handout, [b"L"], [listener.fileno()])
    environment = {name: value.replace(PORT_MARK, port) for name, value in os.environ.items()}
    words = [word.replace(PORT_MARK, port) for word in command]
    os.execvpe(words[0], words, environment)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, _GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", answer)[1]
        fcntl.ioctl(probe, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


if __name__ == "__main__":
    main(sys.argv[1:])
