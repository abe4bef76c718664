"""The disk: texts read and replaced whole, byte for byte, under one lock."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .errors import ClaudestratorError

try:
    import fcntl
except ImportError:  # Windows: filelock does all the locking there
    fcntl = None  # type: ignore[assignment]

#: Seconds to wait for another process to let go of the lock; all that is done under it takes milliseconds.
LOCK_TIMEOUT = 20.0
#: Bytes taken from standard input; a command of Claude Code holds 10,000 at most.
STDIN_LIMIT = 1_000_000


def read(path: str, within: str = "") -> str | None:
    """The text of a file with every byte kept (surrogateescape, no newline translation); None where there is no file.

    Raises ClaudestratorError where it can't be read, and where a link leads it out of the folder *within*.

    """
    _stays(path, within)
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused("read", path, error) from error


def write(path: str, text: str, within: str = "") -> None:
    """Puts *text* in the place of the file at *path*, all of it or nothing, whenever this process is killed.

    A link is followed, so that it stays a link; the file keeps its mode. Raises ClaudestratorError where it can't,
    and where a link leads out of the folder *within*.

    """
    _stays(path, within)
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    temporary = ""
    try:
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        _keep_mode(path, temporary)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise refused("write", path, error) from error


def append_line(path: str, line: str, within: str = "") -> None:
    """Adds one line, in one write under the file's own lock, so that lines of two processes never mix.

    A line that a kill cut short is ended first, so that it spoils no other. Raises as `write` does.

    """
    _stays(path, within)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            if fcntl:
                # Half of another's line may be visible while it is being written, and would pass for a cut one.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            cut = size and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (("\n" if cut else "") + line + "\n").encode("utf-8", "surrogateescape"))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise refused("write", path, error) from error


def remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise refused("remove", path, error) from error


@contextmanager
def locked(path: str, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Holds the lock of a project, which is a file beside those that it protects.

    It is filelock's lock. While nobody else holds it, one flock(2) takes it, because importing filelock costs more
    than all the rest of a verb (benchmarks/latency.py). filelock documents that its locks and a flock contend.
    Raises ClaudestratorError when it isn't free within *timeout* seconds, or the folder can't be written.

    """
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise refused("write", path, error) from error
    try:
        if _taken_at_once(descriptor):
            yield
            return
    finally:
        os.close(descriptor)
    import filelock

    try:
        lock = filelock.FileLock(path, timeout=timeout, mode=0o666)
        lock.acquire(poll_interval=0.02)
    except filelock.Timeout as error:
        raise ClaudestratorError(
            f"{path} has been held by another process for {timeout:.0f} s: end that claudestrator-helper and try again"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _taken_at_once(descriptor: int) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    # A lock file that someone has removed meanwhile guards nothing.
    return os.fstat(descriptor).st_nlink > 0


def stdin() -> str:
    """Standard input as text.

    Raises ClaudestratorError for more than STDIN_LIMIT bytes.

    """
    data = sys.stdin.buffer.read(STDIN_LIMIT + 1)
    if len(data) > STDIN_LIMIT:
        raise ClaudestratorError(f"standard input holds more than {STDIN_LIMIT:,} bytes: send it in several calls")
    return data.decode("utf-8", "surrogateescape")


def refused(verb: str, path: str, error: OSError) -> ClaudestratorError:
    reason = error.strerror or str(error)
    if isinstance(error, FileExistsError):
        # Only making a folder says so.
        path, reason = str(error.filename), "it is no folder"
    return ClaudestratorError(f"cannot {verb} {path}: {reason}; make it possible and try again")


def _stays(path: str, within: str) -> None:
    if not within:
        return
    # A repository may come with links: what agents write and read must not follow one to somebody's own files.
    folder = os.path.realpath(within)
    if os.path.commonpath([os.path.realpath(path), folder]) != folder:
        raise ClaudestratorError(f"{path} leads out of {within} by a link: remove the link and try again")


def _keep_mode(path: str, temporary: str) -> None:
    with suppress(FileNotFoundError):
        os.chmod(temporary, os.stat(path).st_mode & 0o777)
