"""A gate's commands, run by a process of their own that outlives the call that started it.

A Bash call of Claude Code ends after ten minutes, and a gate may take longer. So the gate's process leaves its record
in a file, and later calls read it. The process leads a session of its own and all of its commands are in its process
group. While it lives it holds a lock, so a gate never runs twice at once; if it is killed, the next one first ends what
is left of its group.
"""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ..errors import HeldError
from ..store import files, project_files
from ..store.paths import Project
from ..texts import fields
from . import git_safety, processes, working_tree

if TYPE_CHECKING:
    import subprocess

#: Lines of a command's output that are kept, characters of a line, and bytes at the end in which they are looked for.
LINES, LINE, _TAIL = 40, 300, 65_536
#: Bytes of output after which a command is ended.
_MOST = 100_000_000
#: Seconds between two looks at a command, and in which it has to end when it is asked to.
_LOOK, _GRACE = 0.5, 5.0
#: Exit codes, as a shell has them, of a command that took too long and of one that can't be run.
TOO_LONG, NOT_RUN = 124, 127


class Outcome(NamedTuple):
    """How a command ended; *tail* are the last lines of its output."""

    command: str
    code: int
    seconds: int
    tail: list[str]


_NONE: list[Outcome] = []


class Record(NamedTuple):
    """A gate that was begun. *key* says what for, such as a task's attempt, and *refused* how often that attempt was
    refused before; *process* is its processes.own(). Once it is *over*, *outcomes* has each command that was run, and
    *tree* the working tree's fingerprint."""

    key: str
    commands: list[str]
    refused: int = 0
    process: str = ""
    begun: int = 0
    over: bool = False
    tree: str = ""
    outcomes: list[Outcome] = _NONE

    @property
    def green(self) -> list[str]:
        return [each.command for each in self.outcomes if not each.code]


_EMPTY = Record("", [])


def read(project: Project, name: str) -> Record | None:
    """The record of the gate *name*; None if there is none that can be read."""
    try:
        found = json.loads(project_files.text(project, _path(project, name)))
        record = Record(**{**found, "outcomes": [Outcome(*each) for each in found["outcomes"]]})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    # The file may have come with someone else's repository.
    return record if _fits(record._asdict(), _EMPTY._asdict()) and all(map(_is_outcome, record.outcomes)) else None


def _is_outcome(found: Outcome) -> bool:
    return _fits(found._asdict(), Outcome("", 0, 0, [])._asdict())


def _fits(found: dict[str, object], like: dict[str, object]) -> bool:
    return all(type(found[name]) is type(value) for name, value in like.items())


def write(project: Project, name: str, record: Record) -> None:
    document = record._asdict() | {"outcomes": [list(each) for each in record.outcomes]}
    project_files.write(project, _path(project, name), json.dumps(document) + "\n")


def is_running(record: Record) -> bool:
    return not record.over and bool(processes.alive(record.process))


def start(project: Project, name: str, wanted: Record, binding: list[str], minutes: int) -> None:
    """Starts the gate *name* in a process of its own, unless it is running, and returns once its record is on the disk.

    The first command that is red and *binding* ends it, and so does one that takes longer than *minutes*.

    """
    ours, its = os.pipe()
    child = os.fork()
    if child == 0:
        _grandchild(lambda: _run(project, name, wanted, binding, 60 * minutes, its), its)
    os.close(its)
    os.waitpid(child, 0)
    with open(ours, "rb", buffering=0) as file:
        file.read()


def _grandchild(work: Callable[[], None], kept: int) -> NoReturn:
    # Its parent ends at once, so no process of ours has to wait for it.
    try:
        if os.fork():
            os._exit(0)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        # Among them are the other ends of pipes, and locks.
        os.closerange(3, kept)
        os.closerange(kept + 1, 65_536)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        work()
    finally:
        os._exit(1)


def _run(project: Project, name: str, wanted: Record, binding: list[str], limit: float, told: int) -> None:
    with suppress(HeldError), files.locked(_path(project, name, "lock"), 0, project.bounds):
        before = read(project, name)
        same = before is not None and before.key == wanted.key
        if before and same and before.over and before.commands == wanted.commands:
            return
        if before and not before.over:
            _end(before.process)
        # One that was ended by something else counts, because a sandbox may do that each time.
        refused = before.refused + bool(before.process and not before.over) if before and same else 0
        record = wanted._replace(refused=refused, process=processes.own(), begun=int(time.time()))
        write(project, name, record)
        os.close(told)
        outcomes = _outcomes(project, name, record.commands, binding, limit)
        write(project, name, record._replace(over=True, outcomes=outcomes, tree=working_tree.print_of_files(project)))
        # Whatever its commands have left running, and this process, which has nothing left to do.
        os.killpg(0, signal.SIGKILL)


def _end(process: str) -> None:
    """Ends what is left of a gate whose process was killed."""
    if processes.alive(process) is False and processes.of_this_boot(process):
        number = int(process.split("/")[3])
        # While any of a group is left, no other process gets its number.
        if number > 1 and not processes.exists(number):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(number, signal.SIGKILL)


def _outcomes(project: Project, name: str, commands: list[str], binding: list[str], limit: float) -> list[Outcome]:
    found: list[Outcome] = []
    for command in commands:
        found.append(_outcome(project, command, _path(project, name, "out"), limit))
        if found[-1].code and (command in binding or found[-1].code == TOO_LONG):
            break
    return found


def _outcome(project: Project, command: str, output: str, limit: float) -> Outcome:
    # The calls that only look at records do without.
    import shlex
    import subprocess

    begun = time.monotonic()
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as out:
        try:
            process = subprocess.Popen(
                shlex.split(command), cwd=project.root, env=git_safety.environment(), stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            return Outcome(command, NOT_RUN, 0, [f"it can't be run: {getattr(error, 'strerror', None) or error}"])
        why = _waited(process, out.fileno(), begun + limit)
    seconds, tail = int(time.monotonic() - begun), _tail(output)
    # Otherwise each task would leave what its commands print, which may be a lot.
    os.unlink(output)
    return Outcome(command, TOO_LONG if why else process.returncode, seconds, [*tail, *([why] if why else [])][-LINES:])


def _waited(process: "subprocess.Popen[bytes]", output: int, deadline: float) -> str:
    """Waits for the end of a command; why it had to be ended, or ""."""
    from subprocess import TimeoutExpired

    while True:
        with suppress(TimeoutExpired):
            process.wait(_LOOK)
            return ""
        if time.monotonic() > deadline:
            why = "it took too long, and was ended"
        elif os.fstat(output).st_size > _MOST:
            why = f"it printed more than {_MOST:,} bytes, and was ended"
        else:
            continue
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        with suppress(TimeoutExpired):
            process.wait(_GRACE)
        return why


def _tail(path: str) -> list[str]:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        text = file.read().decode("utf-8", "replace")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", fields.visible(text)).rstrip()
    lines = re.split(r"\r\n|[\r\n]", plain)[-LINES:] if plain else []
    return [re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", line.expandtabs()).rstrip()[:LINE] for line in lines]


def _path(project: Project, name: str, kind: str = "json") -> str:
    return os.path.join(project.gates, f"{name}.{kind}")
