"""One call of git, started safely and ended so that its hooks can restore what they have set aside."""

import contextlib
import os
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import NamedTuple

from ..texts import fields
from . import git_safety

#: Seconds for a call that runs no hooks.
TIMEOUT = 60
#: Seconds in which git and its hooks have to end when they are asked to.
GRACE = 10.0
NO_GIT = "git is not installed"
#: Lines that are kept of what a call that failed has said.
_SAID = 40
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SystemExit):
    """A signal has asked this process to end while git was at work; *code* is the exit code to use."""


class Done(NamedTuple):
    """The result of a call: exit code, standard output, and in *why* the line that says what went wrong, of the last
    lines that were *said*."""

    code: int
    text: str
    why: str = ""
    said: tuple[str, ...] = ()


def call(
    folder: str,
    *words: str,
    text: str = "",
    index: str = "",
    timeout: float = TIMEOUT,
    hooks: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Done:
    """Runs git in *folder* for at most *timeout* seconds, with *text* on standard input and, if named, another *index*
    than the one that is there, and more *variables* in its environment. Raises Interrupted, after git has ended, if
    this process is asked to end meanwhile."""
    environment = {**git_safety.environment(), **({"GIT_INDEX_FILE": index} if index else {}), **(variables or {})}
    name = next(word for word in words if not word.startswith("-") and "=" not in word)
    return run(f"git {name}", git_safety.command(*words, hooks=hooks), folder, environment, text, timeout)


def run(name: str, words: list[str], folder: str, environment: dict[str, str], text: str, timeout: float) -> Done:
    """Runs a program, called *name* in messages, for at most *timeout* seconds. Raises Interrupted as `call` does."""
    try:
        with _asked_to_end():
            return _ran(name, words, folder, environment, text, timeout)
    except OSError as error:
        return Done(127, "", NO_GIT if error.filename == "git" else f"{name}: {error.strerror or error}")


def _ran(name: str, words: list[str], folder: str, environment: dict[str, str], text: str, timeout: float) -> Done:
    # Files instead of pipes: a process that a hook leaves in the background may hold a pipe open for ever, and if this
    # process were killed while it sends a message, git would commit with half of it.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        given.write(text.encode("utf-8", "surrogateescape"))
        given.seek(0)
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=given, stdout=out, stderr=said, start_new_session=True
        )
        try:
            _wait(process, timeout)
        except BaseException as error:
            _stop(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return Done(124, "", f"{name} took longer than {timeout:g} s")
        out.seek(0)
        said.seek(0)
        output = out.read().decode("utf-8", "surrogateescape")
        errors = said.read().decode("utf-8", "replace")
    if not process.returncode:
        return Done(0, output)
    lines = _lines(errors or output)
    return Done(process.returncode, output, _reason(lines) or f"{name} failed without a word", tuple(lines[-_SAID:]))


def _wait(process: "subprocess.Popen[bytes]", timeout: float) -> None:
    """Does as `process.wait`, which looks at growing intervals, and so takes half as long again as most calls."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # Linux has it, from 5.3 on
        process.wait(timeout)
        return
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        ended.poll(1000 * timeout)
    finally:
        os.close(descriptor)
    process.wait(0.001)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process and everything it started, which is in the same session. It is interrupted first, as by Ctrl-C,
    because the pre-commit framework restores a person's unstaged work only when it is asked to end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        end = time.monotonic() + GRACE
        going = _signalled(process, signal.SIGINT)
        while going and time.monotonic() < end:
            time.sleep(0.05)
            process.poll()
            going = _signalled(process, 0)
        _signalled(process, signal.SIGKILL)
        process.wait()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def _signalled(process: "subprocess.Popen[bytes]", number: int) -> bool:
    """Sends a signal to the session of *process*; whether any process was left to get it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS permits no signal to zombies
        return False
    return True


@contextlib.contextmanager
def _asked_to_end() -> Iterator[None]:
    """Turns each signal that would end this process, and leave git alone with its hooks, into Interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDING}
    for number, handler in before.items():
        # An ignored signal stays ignored here, but not in git, whose hooks would inherit that.
        signal.signal(number, _ignore if handler is signal.SIG_IGN else _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(128 + number)


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def _lines(text: str) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return [line for line in map(fields.one_line, re.split(r"[\r\n]", plain)) if line]


def _reason(lines: list[str]) -> str:
    """The most telling line: git's first error, otherwise the last line."""
    errors = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return next(iter(errors or lines[-1:]), "")
