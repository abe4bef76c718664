"""Who owns a run: the process of Claude Code that obeys it, distinct from every process of any machine and boot.

A session's id is not enough: `claude --resume` continues under the old id after the old session's agents have died.
"""

import os

from .. import host
from ..errors import ClaudestratorError
from ..store import files
from ..texts.named_tuples import NamedTuple


class Process(NamedTuple):
    """*start* is the time when it began, in the system's own format; with the number it identifies the process."""

    name: str
    parent: int
    start: str


def current() -> str:
    """The process of Claude Code that called this, as ``host/boot/namespace/number/start``; "" for any other caller,
    and for a process that can't be seen from here. Raises ClaudestratorError if that process is gone, because a new
    session has to continue its run."""
    told = os.environ.get(host.PID, "")
    if not told.isdigit():
        return _nearest() if host.lacks(os.environ, host.OWNER) else ""
    above: dict[str, Process] = {}
    pid = os.getppid()
    while found := _process(pid):
        above[str(pid)] = found
        pid = found.parent
    if told in above:
        return "/".join((*_machine(), told, above[told].start))
    # A shell that another Claude Code started passes that one's number on, so only an ancestor counts. A sandbox hides
    # all processes outside it.
    if all(each.name != host.SANDBOX for each in above.values()) and _process(int(told)) is None:
        raise ClaudestratorError("the session that called this is gone: `/orchestrate` in a new one continues the run")
    return ""


def _nearest() -> str:
    """The Claude Code that is nearest above this process, for releases that do not say which one they are."""
    pid = os.getppid()
    while found := _process(pid):
        if found.name == host.PROGRAM:
            return "/".join((*_machine(), str(pid), found.start))
        pid = found.parent
    return ""


def above() -> tuple[int, int]:
    """The numbers of this process's parent and grandparent: the shell of a Bash call, and Claude Code, whose number
    changes when it has died. For releases that do not say which process they are."""
    pid = os.getppid()
    parent = _process(pid)
    return pid, parent.parent if parent else 0


def own() -> str:
    """This process, in the form of `current`; "" if it can't be seen."""
    found = _process(os.getpid())
    return "/".join((*_machine(), str(os.getpid()), found.start)) if found else ""


def below(owner: str) -> bool:
    """Whether *owner* has started the calling process, directly or through others."""
    pid = os.getppid()
    while found := _process(pid):
        if "/".join((*_machine(), str(pid), found.start)) == owner:
            return True
        pid = found.parent
    return False


def digest(text: str, secret: str = "") -> str:
    """A hash of *text*, which can't be made without the *secret*, if there is one."""
    try:
        # hashlib, which loads OpenSSL, would take 5 ms of each session's start.
        from _blake2 import blake2s
    except ImportError:
        from hashlib import blake2s
    key = secret[:32].encode()
    return blake2s(text.encode("utf-8", "surrogateescape"), key=key, digest_size=16).hexdigest()


def under_claude_code() -> bool:
    """Whether Claude Code, by its name or by the environment it was given, started any process above this one."""
    pid = os.getppid()
    while found := _process(pid):
        if found.name == host.PROGRAM or _was_told(pid):
            return True
        pid = found.parent
    return False


def _was_told(pid: int) -> bool:
    """Whether the process of that number began with the environment of a Bash call of Claude Code."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return any(part.partition(b"=")[0].decode("latin-1") in host.IN_BASH for part in file.read().split(b"\0"))
    except OSError:
        return False


def exists(number: int) -> bool:
    """Whether there is a process of that number, other than a zombie."""
    return _process(number) is not None


def alive(owner: str) -> bool | None:
    """Whether that process lives; None if that is unknown here, for example because it ran on another machine."""
    try:
        name, boot, namespace, pid, start = owner.split("/")
        here = _machine()
        if name != here[0] or (boot == here[1] and namespace != here[2]):
            return None
        found = _process(int(pid)) if boot == here[1] else None
    except ValueError:
        return None
    return found is not None and found.start == start


def gone(owner: str) -> bool:
    """Whether it is known that the process *owner* has ended; "" is unknown."""
    return bool(owner) and alive(owner) is False


def of_this_boot(owner: str) -> bool:
    """Whether that process ran on this machine since its last boot."""
    _, boot, *_ = (*owner.split("/"), "", "")
    return len(boot) > 1 and boot == _machine()[1]


def began(run: str, named: str, process: str) -> bool:
    """Whether this user began the run *run* on this machine, by the origin that its state names, or for a state of an
    older version, which has none, by its process."""
    return named == origin(run) if named else of_this_boot(process)


def origin(run: str) -> str:
    """The proof that this user began the run *run* on this machine, which can't be made without the user's key; "" if
    there can be no key."""
    secret = key()
    return digest(run, secret) if secret else ""


def key() -> str:
    """This user's secret on this machine, made on the first call; "" if it can't be made or read."""
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
    """The host's name, the boot's id and the namespace of process numbers; "-" for what the system lacks."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            boot = file.read().strip()
        return os.uname().nodename, boot, "".join(filter(str.isdigit, os.readlink("/proc/self/ns/pid")))
    except OSError:
        return os.uname().nodename, "-", "-"


def _process(pid: int) -> Process | None:
    """The process with that number; None if it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # The name, in brackets, may hold anything. Then come the state, the parent and, 18 fields on, the start:
            # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
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
