"""The disk: whole texts, read and replaced byte for byte under one lock."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from stat import S_ISDIR, S_ISREG

from ..errors import ClaudestratorError, HeldError, TransientError
from .links import stays

# next-task and hooks can't afford to import typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _T = TypeVar("_T")

try:
    import fcntl
except ImportError:  # Windows: filelock does all the locking there
    fcntl = None  # type: ignore[assignment]

#: Seconds to wait for another process that holds the lock; everything done under it takes milliseconds.
LOCK_TIMEOUT = 20.0
#: Seconds between two attempts at a lock that another process holds.
_PAUSE = 0.005
#: Bytes of the largest file that is read; a queue of 10,000 tasks has 4 million.
READ_LIMIT = 100_000_000
#: Bytes of a file that are read before it is known to be from a run that began here.
HEAD = 262_144
#: How often an edit is repeated because someone has saved the file meanwhile.
_ROUNDS = 50
#: How often a missing file is looked for, and the seconds between two looks.
_LOOKS, _MOMENT = 3, 0.04
#: Random bytes in a temporary file's name, at two characters each.
RANDOM = 6


def read(path: str, within: str = "", most: int = -1) -> str | None:
    """The text of a file, or of its first *most* bytes, with every byte kept (surrogateescape, no newline translation);
    None if there is no file. Raises ClaudestratorError if it can't be read, or if a link leads out of the folder
    *within*."""
    stays(path, within)
    try:
        return _patiently(lambda: _content(path, most)).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused("read", path, error) from error


def write(path: str, text: str, within: str = "", *, lasting: bool = True) -> None:
    """Replaces the file at *path* with *text*, completely or not at all, whenever this process is killed. A link is
    followed, so that it stays a link, and the file keeps its mode. Only a *lasting* text is safe from a power cut.
    Raises ClaudestratorError if it can't be written, or if a link leads out of the folder *within*."""
    _replace(path, text, within, None, lasting)


def edit(path: str, change: Callable[[str], str], within: str = "", known: str | None = None) -> str:
    """Replaces a file's text with what *change* makes of it; returns the new text. A missing file counts as empty. The
    caller holds the lock, but a person's editor ignores it, so *change* is called again for a text that was saved
    meanwhile. *known* is the text if the caller has read it already. Raises as `write` does, and what *change*
    raises."""
    for _ in range(_ROUNDS):
        text = present(path, within) if known is None else known
        changed = change(text)
        if changed == text or _replace(path, changed, within, text, lasting=True):
            return changed
        known = None
    raise ClaudestratorError(f"another program keeps saving {path}: end that and try again")


def present(path: str, within: str) -> str:
    """The text, "" without a file. Raises as `read`."""
    for look in range(_LOOKS):
        if look:
            # Some editors move a file away for a moment while they save it.
            time.sleep(_MOMENT)
        if (text := read(path, within)) is not None:
            return text
    return ""


def append_line(path: str, line: str, within: str = "") -> None:
    """Adds one line; the caller holds the lock. A line that a kill cut short is ended first, so that it spoils no
    other. A line that a full disk cuts short is taken back. Raises as `write` does."""
    stays(path, within)
    try:
        descriptor = _opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            size = _size(descriptor)
            cut = size and os.pread(descriptor, 1, size - 1) != b"\n"
            try:
                _put(descriptor, ("\n" if cut else "") + line + "\n")
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
    except OSError as error:
        raise refused("write", path, error) from error


def remove(path: str, within: str = "") -> None:
    """Removes a file or a link if it exists. Raises ClaudestratorError if it can't be removed, or if a link leads its
    folder out of the folder *within*."""
    if within:
        stays(os.path.dirname(path), within)
    try:
        _patiently(lambda: os.unlink(path))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise refused("remove", path, error) from error


@contextmanager
def locked(path: str, timeout: float = LOCK_TIMEOUT, within: str = "") -> Iterator[None]:
    """Holds the lock of a project, a file beside those that it protects. It is a lock of filelock, which makes those of
    Unix by flock(2) (https://py-filelock.readthedocs.io) but takes longer to import than a verb to run. Raises
    HeldError if it isn't free within *timeout* seconds, ClaudestratorError if it can't be written."""
    stays(path, within)
    deadline = time.monotonic() + timeout
    try:
        _make(os.path.dirname(path), within)
        while (release := _taken(path)) is None:
            if time.monotonic() >= deadline:
                held = f"{path} has been held by another process for {timeout:.0f} s"
                raise HeldError(f"{held}: end that claudestrator-helper and try again")
            time.sleep(_PAUSE)
    except OSError as error:
        raise refused("write", path, error) from error
    try:
        yield
    finally:
        release()


def _taken(path: str) -> Callable[[], None] | None:
    """What gives the lock back; None while another process has it."""
    if fcntl is None:
        return _taken_by_filelock(path)
    descriptor = _opened(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)

    def release() -> None:
        with suppress(OSError):  # nothing was written to it, so closing it can lose nothing
            os.close(descriptor)

    try:
        _size(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A lock file that someone has removed meanwhile protects nothing.
        if os.fstat(descriptor).st_nlink > 0:
            return release
    except OSError as error:
        release()
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        if error.errno in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
            why = f"its file system has no locks ({error.strerror})"
            way = "name a folder on another one in CLAUDESTRATOR_STATE_DIR"
            raise ClaudestratorError(f"cannot lock {path}: {why}; {way}") from error
        raise refused("lock", path, error) from error
    release()
    return None


def _taken_by_filelock(path: str) -> Callable[[], None] | None:
    import filelock

    lock = filelock.FileLock(path, mode=0o666)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return None
    return lock.release


def names(folder: str) -> list[str]:
    """The names in a folder, sorted; none if it can't be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def refused(verb: str, path: str, error: OSError) -> ClaudestratorError:
    """The refusal to *verb* the file at *path* because of *error*."""
    is_link = error.errno == errno.ELOOP
    reason = "it is a link that is not followed" if is_link else error.strerror or str(error)
    if isinstance(error, FileExistsError):
        # Only making a folder raises this.
        path, reason = str(error.filename), "it is not a folder"
    elif isinstance(error, NotADirectoryError):
        path, reason = os.path.dirname(path), "it is not a folder"
    kind = TransientError if error.errno in (errno.ENOSPC, errno.EDQUOT) else ClaudestratorError
    return kind(f"cannot {verb} {path}: {reason}; fix that and try again")


def _opened(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a pipe with no process at its other end would never return.
    return _patiently(lambda: os.open(path, flags | os.O_NONBLOCK, 0o666))


def _content(path: str, most: int = -1) -> bytes:
    with open(path, "rb", opener=_opened) as file:
        _size(file.fileno())
        return file.read(most)


def _size(descriptor: int) -> int:
    """The size of an open file, in bytes. Raises OSError unless it is a plain file of at most READ_LIMIT bytes."""
    found = os.fstat(descriptor)
    _refuse_odd(found.st_mode)
    if found.st_size > READ_LIMIT:
        raise OSError(errno.EFBIG, f"it has more than {READ_LIMIT:,} bytes")
    return found.st_size


def _refuse_odd(mode: int) -> None:
    if S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device")


def _replace(path: str, text: str, within: str, expected: str | None, lasting: bool) -> bool:
    """Whether *text* was written; False if the file's text is no longer *expected*."""
    if not stays(path, within):
        path = os.path.realpath(path)
    try:
        return _patiently(lambda: _replaced(path, text, within, expected, lasting))
    except OSError as error:
        raise refused("write", path, error) from error


def _make(folder: str, within: str) -> None:
    """Makes a folder, but not *within* with it: what is written into that while a person moves it would be lost."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        pass
    except FileNotFoundError:
        if within != folder and within and not os.path.isdir(within):
            raise
        os.makedirs(folder, exist_ok=True)


def _replaced(path: str, text: str, within: str, expected: str | None, lasting: bool) -> bool:
    folder, name = os.path.split(path)
    _make(folder, within)
    mode = None
    with suppress(FileNotFoundError):
        mode = os.stat(path).st_mode
        _refuse_odd(mode)
    temporary = os.path.join(folder, f".{name}.{os.urandom(RANDOM).hex()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            _put(descriptor, text)
            if mode is not None:
                os.fchmod(descriptor, mode & 0o777)
            if lasting:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if expected is None or _holds(path, expected):
            os.replace(temporary, path)
            return True
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    os.unlink(temporary)
    return False


def _holds(path: str, text: str) -> bool:
    try:
        return _content(path) == text.encode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return not text


def _put(descriptor: int, text: str) -> None:
    data = memoryview(text.encode("utf-8", "surrogateescape"))
    while data:
        data = data[os.write(descriptor, data) :]


def _patiently(work: "Callable[[], _T]", patience: int = 2) -> "_T":
    """What *work* returns. NFS answers ESTALE if another machine has just replaced a file; the next look succeeds."""
    try:
        return work()
    except OSError as error:
        if error.errno != errno.ESTALE or not patience:
            raise
    return _patiently(work, patience - 1)
