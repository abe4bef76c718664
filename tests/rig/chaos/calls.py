"""Calls of the helper as Claude Code makes them: a process that calls, a shell between, the helper's real entry."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import resource
import select
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from rig.chaos.scene import become, real

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn

    from rig.chaos.scene import Scene, Weather

#: An interpreter takes so many seconds to start; a fork of this one takes none, and the gap is where races are.
START_UP = 0.06


class Result(NamedTuple):
    """How a call ended; a negative *code* is the signal that killed the helper."""

    code: int
    out: str
    err: str


class Call:
    """A call under way."""

    def __init__(self, words: Sequence[str], pid: int, reader: int) -> None:
        self.words, self.pid, self.reader, self.rest = words, pid, reader, b""

    def ended(self) -> Result | None:
        """None while it goes on; the result can be had once."""
        return self.result() if select.select([self.reader], [], [], 0)[0] else None

    def lines(self) -> list[str]:
        """Of a call that is followed, the answers that have come since; the last piece may be its Result, as a list."""
        while select.select([self.reader], [], [], 0)[0] and (part := os.read(self.reader, 65536)):
            self.rest += part
        *lines, self.rest = self.rest.split(b"\n")
        return [line.decode() for line in lines]

    @property
    def over(self) -> bool:
        """Whether a call that is followed has ended."""
        return self.rest.startswith(b"[") and self.rest.endswith(b"]")

    def result(self) -> Result:
        text = _all_of(self.reader)
        os.close(self.reader)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        return Result(*json.loads(text)) if text else Result(-signal.SIGKILL, "", "")


def call(
    scene: Scene,
    who: str,
    words: Sequence[str],
    stdin: str = "",
    environ: Mapping[str, str] | None = None,
    *,
    direct: bool = False,
    folder: str = "",
) -> Call:
    """Begins a call, in *folder* or else in the project. *who* is for the journal. To a *direct* one the caller seems to
    have started it without a shell."""
    reader, writer = os.pipe()
    parent = os.getpid() if direct else 0
    place = folder or scene.root
    pid = fork(lambda: _shell(scene, who, words, stdin, environ or {}, writer, parent, place))
    os.close(writer)
    return Call(words, pid, reader)


def fork(work: Callable[[], object]) -> int:
    """The id of a child that does *work*; signals are as they were at the start of all."""
    import running

    def begin() -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        work()

    return running.fork(begin)


def _shell(
    scene: Scene,
    who: str,
    words: Sequence[str],
    stdin: str,
    environ: Mapping[str, str],
    writer: int,
    parent: int,
    folder: str,
) -> None:
    become("bash")
    source, out, err = os.pipe(), os.pipe(), os.pipe()
    os.write(source[1], stdin.encode())
    os.close(source[1])
    pid = fork(
        lambda: _helper(scene, words, environ, (source[0], out[1], err[1]), (writer, out[0], err[0]), parent, folder)
    )
    for descriptor in (source[0], out[1], err[1]):
        os.close(descriptor)
    scene.journal.note("call", who=who, pid=pid, group=os.getpgid(0), words=words)
    begun = round(real(), 4)
    about = {"who": who, "pid": pid, "words": words}
    if "--follow" in words:
        # Each line is an answer of its own.
        for line in os.fdopen(os.dup(out[0]), encoding="utf-8"):
            scene.journal.note("end", **about, begun=begun, code=0, out=line, err="")
            begun = round(real(), 4)
            with contextlib.suppress(BrokenPipeError):
                os.write(writer, line.encode())
    texts = _all_of(out[0]), _all_of(err[0])
    result = Result(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), *texts)
    scene.journal.note("end", **about, begun=begun, code=result.code, out=result.out, err=result.err)
    # Of a session that was killed nobody reads this any more.
    with contextlib.suppress(BrokenPipeError):
        os.write(writer, json.dumps(result).encode())


def _helper(
    scene: Scene,
    words: Sequence[str],
    environ: Mapping[str, str],
    standard: Sequence[int],
    others: Sequence[int],
    parent: int,
    folder: str,
) -> None:
    import running
    from claudestrator_helper import __main__ as entry

    # Due every 30 seconds of the fast clock, and as many interpreters would be half of the load.
    os.posix_spawn = running.spawn  # type: ignore[assignment]
    for descriptor in others:
        os.close(descriptor)
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    sys.argv = ["claudestrator-helper", *words]
    chance = random.Random()
    time.sleep(chance.uniform(0, START_UP))
    try:
        os.chdir(folder)
    except FileNotFoundError:
        # The project has been moved: a shell fails in the same way.
        sys.exit(1)
    os.environ.update(environ)
    if parent:
        _seem_started_by(parent)
    fill_disk(scene.weather, chance)
    die_at_git(scene, words, chance)
    try:
        entry.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _seem_started_by(parent: int) -> None:
    """Hides the shell between; once *parent* is gone, the kernel's first process is above, and nobody reads."""
    shell = os.getppid()

    def getppid() -> int:
        if _parent_of(shell) == parent:
            return parent
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
        return 1

    os.getppid = getppid


def _parent_of(pid: int) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[1])
    return 0


def fill_disk(weather: Weather, chance: random.Random) -> None:
    """Lets this process find the disk full while it is: sometimes at a limit, in the middle of a text, sometimes at
    one call or another."""
    if weather.full and chance.random() < 0.4:
        limit = chance.choice((0, 100, 700, 2_000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    os.open = _failing(os.open, weather, chance, creates=True)
    os.write = _failing(os.write, weather, chance)
    os.fsync = _failing(os.fsync, weather, chance)
    os.replace = _failing(os.replace, weather, chance)


def die_at_git(scene: Scene, words: Sequence[str], chance: random.Random) -> None:
    """Lets this process be killed before or after a call of git; the git that it has begun goes on."""
    from claudestrator_helper.system import git_process

    run = git_process.run

    def wrapper(name: str, *given: Any) -> git_process.Done:
        if not scene.weather.falls():
            return run(name, *given)
        scene.journal.note("kill", who="chaos", of="helper at git", verb=f"{words[0]} {name}", name=words[0])
        when = chance.random()
        if when < 0.4:
            os.kill(os.getpid(), signal.SIGKILL)
        if when < 0.7:
            threading.Timer(chance.uniform(0, 0.01), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        run(name, *given)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    git_process.run = wrapper  # type: ignore[assignment]


def _failing(work: Callable[..., Any], weather: Weather, chance: random.Random, *, creates: bool = False) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if weather.full and chance.random() < 0.4 and (not creates or args[1] & os.O_CREAT):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return work(*args, **kwargs)

    return wrapper


def _all_of(reader: int) -> str:
    parts = []
    while part := os.read(reader, 65536):
        parts.append(part)
    return b"".join(parts).decode("utf-8", "surrogateescape")


def leave(code: int) -> NoReturn:
    os._exit(code)
