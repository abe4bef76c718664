"""Virtual environments that are there whole or not at all, however many processes make them and get killed."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ..errors import ClaudestratorError

#: The file inside that says what the venv was made from.
KEY = "claudestrator-key"
#: What the helper imports, each package in one version and with the hashes of its files.
_PINS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "requirements.txt")
#: pip's words for the pins: it takes a file whose hash is listed, from whatever index the person has configured, and
#: runs no code of a package to install it.
PINNED = ("--require-hashes", "--only-binary", ":all:", "-r", _PINS)


def ready(place: str, key: str) -> bool:
    """Whether the venv at *place* was made for *key* and the Python it was made with is still there."""
    try:
        with open(os.path.join(place, KEY), encoding="utf-8") as file:
            return file.read() == key and os.access(os.path.join(place, "bin", "python"), os.X_OK)
    except OSError:
        return False


def ensure(
    place: str, key: str, requirements: Sequence[str] = PINNED, fill: Callable[[str], None] | None = None
) -> bool:
    """Makes the venv at *place* (absolute) unless it is ready; says whether it made it.

    *requirements* are the words after ``pip install``; *fill* puts the rest into the folder in which it is built.
    Raises ClaudestratorError, one line with the next step, when it can't.

    """
    if ready(place, key):
        return False
    try:
        with _lock(place):
            if ready(place, key):
                return False
            _make(place, key, requirements, fill)
    except OSError as error:
        line = f"cannot make {place}: {error.strerror or error}; make its folder writable and try again"
        raise ClaudestratorError(line) from error
    return True


def main() -> None:
    """``PLACE KEY [REQUIREMENT…]``, by default the pins; exits 1 with the line on standard error."""
    try:
        ensure(os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:] or PINNED)
    except ClaudestratorError as error:
        sys.exit(str(error))


@contextmanager
def _lock(place: str) -> Iterator[None]:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place + ".lock", "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(place: str, key: str, requirements: Sequence[str], fill: Callable[[str], None] | None) -> None:
    """Builds beside *place* and renames; called under the lock, so that leftovers are of builds that were killed."""
    folder, name = os.path.split(place)
    for leftover in os.listdir(folder):
        if leftover.startswith((f"{name}.new-", f"{name}.old-")):
            shutil.rmtree(os.path.join(folder, leftover), ignore_errors=True)
    aside = tempfile.mkdtemp(prefix=f"{name}.new-", dir=folder)
    try:
        _build(aside, requirements)
        if fill:
            fill(aside)
        _relocate(os.path.join(aside, "bin"), aside, place)
        with open(os.path.join(aside, KEY), "w", encoding="utf-8") as file:
            file.write(key)
        _swap(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _build(folder: str, requirements: Sequence[str]) -> None:
    # Linked to the versioned name: when the system moves on to another Python, that vanishes, and so it's seen.
    python = os.path.realpath(sys.executable)
    lines = _run([python, "-I", "-m", "venv", folder])
    if lines:
        advice = "install it (Debian, Ubuntu: apt install python3-venv) and try again"
        told = "\n".join(lines)
        no_module = "ensurepip" in told or "No module named venv" in told
        line = f"Python's venv module is missing: {advice}" if no_module else f"cannot make a venv: {lines[-1]}"
        raise ClaudestratorError(line)
    pip = [os.path.join(folder, "bin", "python"), "-I", "-m", "pip"]
    lines = _run([*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input", *requirements])
    if lines:
        reason = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1])[:200]
        altered = any("DO NOT MATCH THE HASHES" in line for line in lines)
        step = f"check the network, and that there are wheels for {os.path.basename(python)},"
        if altered:
            step = "a file is not the one that was pinned: look into where pip gets it"
        raise ClaudestratorError(f"pip could not install {requirements[-1]} ({reason}): {step} and try again")


def _run(command: Sequence[str]) -> list[str]:
    """What a failing *command* said; nothing when it succeeded. Its temporary output never reaches ours."""
    environment = {**os.environ, "PIP_USER": "0"}  # a person's user = true in pip.conf is refused in a venv
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=environment,
    )
    if done.returncode == 0:
        return []
    told = (done.stdout + done.stderr).splitlines()
    return [line.strip() for line in told if line.strip()] or [f"{command[0]} exited with {done.returncode}"]


def _relocate(scripts: str, old: str, new: str) -> None:
    """Pip writes the venv's path into its scripts, so they have to hear of the move."""
    for name in os.listdir(scripts):
        path = os.path.join(scripts, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            content = file.read()
        if os.fsencode(old) in content and b"\0" not in content:
            with open(path, "wb") as file:
                file.write(content.replace(os.fsencode(old), os.fsencode(new)))


def _swap(aside: str, place: str) -> None:
    old = f"{place}.old-{os.getpid()}"
    with suppress(FileNotFoundError):
        os.rename(place, old)
    os.rename(aside, place)
    shutil.rmtree(old, ignore_errors=True)
