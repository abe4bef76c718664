"""Who has a run: the process of Claude Code that obeys it, told from every other process of any machine and boot.

A session's id doesn't tell: `claude --resume` goes on under the old one, with the old one's agents dead.
"""

import os
from typing import NamedTuple

from ..errors import ClaudestratorError
from ..store import files

#: The first process in Claude Code's sandbox on Linux.
SANDBOX = "bwrap"


class Process(NamedTuple):
    """*start* is when it began, in whatever words the system has for that; with the number it is one process."""

    name: str
    parent: int
    start: str


def current() -> str:
    """The process that Claude Code says it is, as ``host/boot/namespace/number/start``; "" for a call by anybody else,
    and where it can't be seen from here.

    Raises ClaudestratorError where that process is gone: what it leaves behind goes on under another's.

    """
    told = os.environ.get("CLAUDE_PID", "")
    if not told.isdigit():
        return ""
    above: dict[str, Process] = {}
    pid = os.getppid()
    while found := _process(pid):
        above[str(pid)] = found
        pid = found.parent
    if told in above:
        return "/".join((*_machine(), told, above[told].start))
    # A shell that some other Claude Code started hands its number on, so it counts only among those upwards. The
    # sandbox shows none of the processes outside.
    if all(each.name != SANDBOX for each in above.values()) and _process(int(told)) is None:
        raise ClaudestratorError("the session that called this is gone: `/orchestrate` in a new one goes on")
    return ""


def alive(owner: str) -> bool | None:
    """Whether that process lives; None where it can't be told from here, as on another machine."""
    try:
        host, boot, namespace, pid, start = owner.split("/")
        here = _machine()
        if host != here[0] or (boot == here[1] and namespace != here[2]):
            return None
        found = _process(int(pid)) if boot == here[1] else None
    except ValueError:
        return None
    return found is not None and found.start == start


def of_this_boot(owner: str) -> bool:
    """Whether that process is, or was, one of this machine since it was started."""
    _, boot, *_ = (*owner.split("/"), "", "")
    return len(boot) > 1 and boot == _machine()[1]


def began(run: str, named: str, process: str) -> bool:
    """Whether this user began the run of that name on this machine, given the origin that it names, or else, as with
    those that older versions left, the process that has it."""
    return named == origin(run) if named else of_this_boot(process)


def origin(run: str) -> str:
    """What tells that a run of that name was begun by this user on this machine, and what nobody can know who hasn't
    the user's key; "" where there can be no key."""
    secret = key()
    if not secret:
        return ""
    try:
        # All of hashlib, with OpenSSL, takes 5 ms of each session's start.
        from _blake2 import blake2s
    except ImportError:
        from hashlib import blake2s
    return blake2s(run.encode("utf-8", "surrogateescape"), key=secret[:32].encode(), digest_size=16).hexdigest()


def key() -> str:
    """This user's secret on this machine, which is made where there is none yet; "" where it can't be."""
    path = key_file()
    folder = os.path.dirname(path)
    try:
        if not os.path.exists(path):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with files.locked(os.path.join(folder, "lock")):
                if not os.path.exists(path):
                    files.write(path, os.urandom(16).hex())
        return (files.read(path, most=files.HEAD) or "").strip()
    except (OSError, ClaudestratorError):
        return ""


def key_file() -> str:
    """Where the key is, in a folder of its own."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = state if os.path.isabs(state) else os.path.expanduser("~/.local/state")
    return os.path.join(base, "claudestrator", "key")


def _machine() -> tuple[str, str, str]:
    """Host, boot and the namespace of process numbers; "-" for what a system doesn't have."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            boot = file.read().strip()
        return os.uname().nodename, boot, "".join(filter(str.isdigit, os.readlink("/proc/self/ns/pid")))
    except OSError:
        return os.uname().nodename, "-", "-"


def _process(pid: int) -> Process | None:
    """None for one that isn't there, or is dead and only not yet collected."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The name, in brackets, may hold anything; behind it: the state, the parent, and 18 fields on the start.
            name, _, rest = file.read().partition("(")[2].rpartition(")")
        fields = rest.split()
        return None if fields[0] in "ZX" else Process(name, int(fields[1]), fields[19])
    except FileNotFoundError:
        return None if os.path.exists("/proc/self/stat") else _process_by_ps(pid)
    except (OSError, ValueError, IndexError):
        return None


def _process_by_ps(pid: int) -> Process | None:
    import subprocess

    words = ["ps", "-o", "ppid=,lstart=,comm=", "-p", str(pid)]
    try:
        # The date is five words, and the name may be a path and hold spaces.
        parent, *began = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split(None, 6)
        return Process(os.path.basename(began[5].strip()).lstrip("-"), int(parent), " ".join(began[:5]))
    except (OSError, ValueError, IndexError):
        return None
