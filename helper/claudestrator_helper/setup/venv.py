"""Virtual environments that are complete or absent, however many processes make them and are killed."""

import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ..errors import ClaudestratorError

#: The file in a venv that holds its key: what it was made from.
KEY = "claudestrator-key"
#: The packages that the helper imports, each in one version and with the hashes of its files.
_PINS = os.path.normpath(os.path.join(os.path.abspath(__file__), "../../../requirements.txt"))
#: pip's arguments for the pins. It takes only files with a listed hash, from whatever index the person has configured,
#: and runs no package's code to install it.
PINNED = ("--require-hashes", "--only-binary", ":all:", "-r", _PINS)

#: What the helper can do without, and a person may have added, by the names in site-packages.
EXTRAS = ("rich", "fast_sugiyama")


def ready(place: str, key: str) -> bool:
    """Whether the venv at *place* was made for *key* and its Python still exists."""
    try:
        with open(os.path.join(place, KEY), encoding="utf-8") as file:
            return file.read() == key and os.access(os.path.join(place, "bin", "python"), os.X_OK)
    except OSError:
        return False


def ensure(
    place: str, key: str, requirements: Sequence[str] = PINNED, fill: Callable[[str], None] | None = None
) -> bool:
    """Makes the venv at *place* (absolute) unless it is ready; returns whether it did. *requirements* are the words
    after ``pip install``; *fill* puts the rest into the folder in which the venv is built. Raises ClaudestratorError,
    one line with the next step, if it can't."""
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
    """Arguments: ``PLACE KEY [REQUIREMENT…]``, by default the pins. Exits 1 with a refusal on standard error."""
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
    """Builds beside *place* and renames. It runs under the lock, so any leftovers are from builds that were killed."""
    folder, name = os.path.split(place)
    for leftover in os.listdir(folder):
        if leftover.startswith((f"{name}.new-", f"{name}.old-")):
            shutil.rmtree(os.path.join(folder, leftover), ignore_errors=True)
    aside = tempfile.mkdtemp(prefix=f"{name}.new-", dir=folder)
    try:
        _build(aside, requirements)
        _keep_extras(aside, folder)
        if fill:
            fill(aside)
        _relocate(os.path.join(aside, "bin"), aside, place)
        with open(os.path.join(aside, KEY), "w", encoding="utf-8") as file:
            file.write(key)
        _swap(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _build(folder: str, requirements: Sequence[str]) -> None:
    # Linked to the versioned name, which vanishes when the system changes to another Python, so that `ready` sees it.
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
            step = "a file differs from the pinned one: find out where pip gets it,"
        raise ClaudestratorError(f"pip could not install {requirements[-1]} ({reason}): {step} and try again")


def _keep_extras(aside: str, folder: str) -> None:
    """Installs what a person had added to the last venv in *folder*, in the same version. Without it the helper works
    too, and says how to add it."""
    there = {name for name, _ in _extras(glob.escape(aside))}
    before = dict(_extras(os.path.join(glob.escape(folder), "*")))
    wanted = [f"{name}=={version}" for name, version in before.items() if name not in there]
    if wanted:
        pip = [os.path.join(aside, "bin", "python"), "-I", "-m", "pip", "install"]
        _run([*pip, "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:", *wanted])


def _extras(venvs: str) -> list[tuple[str, str]]:
    """The names and versions of the extras in *venvs*, a pattern of folders, the newest last."""
    found = []
    for name in EXTRAS:
        places = glob.glob(os.path.join(venvs, "lib", "python3.*", "site-packages", f"{name}-*.dist-info"))
        for place in sorted(places, key=os.path.getmtime):
            match = re.fullmatch(rf"{name}-([\w.!+]+)\.dist-info", os.path.basename(place))
            found += [(name, match[1])] if match else []
    return found


def _run(command: Sequence[str]) -> list[str]:
    """The output lines of a failing *command*; empty if it succeeded. Nothing of it is printed."""
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
    """Corrects the venv's path in its scripts, where pip writes it, for the move from *old* to *new*."""
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
