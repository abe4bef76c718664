"""Runs the helper's real entry in a process of its own.

The process is a fork of this one, because a fresh interpreter takes longer than most of what is tested in it.
"""

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from claudestrator_helper import __main__, cli
from claudestrator_helper.run import live_report, steps
from claudestrator_helper.store.paths import Project

_REAL_SPAWN = os.posix_spawn
HELPER = str(Path(cli.__file__).resolve().parent.parent)


class Result(NamedTuple):
    """How a process ended; a negative *code* is the signal that killed it."""

    code: int
    stdout: str
    stderr: str


def helper(
    *words: str,
    folder: str | Path,
    stdin: bytes = b"",
    environ: Mapping[str, str] | None = None,
    mixed: bool = False,
    first: Callable[[], object] | None = None,
) -> Result:
    """What ``claudestrator-helper`` answers to *words* in *folder*; *mixed* puts stderr into stdout, in order.

    *first* is done in the new process before anything else. Without it, the process that writes a run's page is a fork,
    too.

    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        files = (source, out, out if mixed else err)
        pid = fork(lambda: _main(words, folder, files, environ or {}, first))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return Result(code, _content(out), "" if mixed else _content(err))


def answer(words: Sequence[str], folder: str | Path, stdin: bytes = b"") -> Result:
    """The same, in this process, which has to be a fork that is good for nothing else."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        code = 0
        try:
            _main(words, folder, (source, out, err), {}, None)
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(done.code is not None)
        except Exception:  # noqa: BLE001 (what a verb lets out is its answer)
            err.write(traceback.format_exc().encode())
            code = 70
        return Result(code, _content(out), _content(err))


def fork(work: Callable[[], None]) -> int:
    """The id of a child process that does *work* and exits with 0, or with 70 and a traceback."""
    pid = os.fork()
    if pid == 0:
        _child(work)
    return pid


def killed(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def joined(pids: Sequence[int]) -> list[int]:
    """The exit codes of children, in their order."""
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def _child(work: Callable[[], None]) -> NoReturn:
    code = 70
    try:
        work()
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:  # noqa: BLE001 (the parent's tests must not go on in the child, whatever happens)
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _main(
    words: Sequence[str],
    folder: str | Path,
    files: Sequence[IO[bytes]],
    environ: Mapping[str, str],
    first: Callable[[], object] | None,
) -> None:
    for descriptor, file in enumerate(files):
        os.dup2(file.fileno(), descriptor)
    sys.stdin, sys.stdout, sys.stderr = (open(at, mode, closefd=False) for at, mode in enumerate("rww"))  # noqa: SIM115
    os.chdir(folder)
    os.environ.update(environ)
    sys.argv = ["claudestrator-helper", *words]
    if first:
        first()
    else:
        os.posix_spawn = spawn  # type: ignore[assignment]
    try:
        __main__.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def spawn(path: str, words: list[str], *given: Any, **more: Any) -> int:
    """os.posix_spawn, but for the helper that writes a page."""
    if words[2:4] != ["-c", live_report._ENTRY]:
        return _REAL_SPAWN(path, words, *given, **more)
    return fork(lambda: _write_page(words[5:]))


def _write_page(words: list[str]) -> None:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    sys.argv = ["claudestrator-helper", *words]
    __main__.main()


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


# A run's steps in this process, as the lines that they print


def start(project: Project, *given: Any, **more: Any) -> list[str]:
    return steps.start(project, *given, **more).printed()


def wait_for_step(project: Project, *given: Any, **more: Any) -> list[str]:
    return steps.wait_for_step(project, *given, **more).printed()
