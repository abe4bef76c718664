"""The helper itself: its venv, shared by all installations of a person, and the link that puts it on PATH.

The code is copied into the venv, because a build would fetch and run a build backend.
"""

import compileall
import glob
import hashlib
import os
import shlex
import shutil
import sys
from collections.abc import Callable

from .. import __version__
from ..errors import ClaudestratorError
from ..store import files
from ..store.paths import link as _link
from ..system import processes
from . import venv

NAME = "claudestrator-helper"
#: The environment variable that names a venv with the helper, which is linked instead of making one.
READY_VENV = "CLAUDESTRATOR_VENV"
#: What the package holds besides its code, by its folder in a clone; a wheel has the same layout.
SHIPPED = {".claudestrator": "shipped"}
#: Isolated (-I), as in the plugin's launcher, so that neither the project's modules nor PYTHONPATH are imported, and
#: without `site` (-S); see texts/packages.py.
SCRIPT = """\
#!/bin/sh
exec {python} -I -S -c '
import sys
sys.path.append(sys.argv.pop(1))
sys.argv[0] = "claudestrator-helper"
from claudestrator_helper.__main__ import main
main()' {packages} "$@"
"""


def repository() -> str:
    """The clone that this code is in. Raises ClaudestratorError if it isn't in a clone."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    root = os.path.dirname(os.path.dirname(package))
    if not os.path.isfile(os.path.join(root, "pyproject.toml")):
        raise ClaudestratorError("there is no clone around this helper: run install.sh of a clone of Claudestrator")
    return root


def main() -> None:
    """Makes a venv with this clone's helper at ``VENV``, the only argument; exits 1 with a line if it can't."""
    try:
        make(os.path.abspath(sys.argv[1]))
    except ClaudestratorError as error:
        sys.exit(f"claudestrator: {error}")


def make(place: str) -> bool:
    """Makes a venv with this clone's helper unless it is ready; returns whether it did. Raises as venv.ensure does."""
    return venv.ensure(place, _key(), fill=lambda folder: _fill(folder, place))


def _fill(folder: str, place: str) -> None:
    """Puts the helper into a venv that is being built in *folder* and will be moved to *place*."""
    package, root = "claudestrator_helper", repository()
    (packages,) = glob.glob(os.path.join(glob.escape(folder), "lib", "python3.*", "site-packages"))
    away = shutil.ignore_patterns("__pycache__")
    parts = {os.path.join("helper", package): "", **SHIPPED}
    for name, inside in parts.items():
        shutil.copytree(os.path.join(root, name), os.path.join(packages, package, inside), ignore=away)
    compileall.compile_dir(os.path.join(packages, package), quiet=2)
    script = os.path.join(folder, "bin", NAME)
    inside = os.path.join(place, os.path.relpath(packages, folder))
    files.write(
        script, SCRIPT.format(python=shlex.quote(os.path.join(place, "bin", "python")), packages=shlex.quote(inside))
    )
    shutil.copymode(os.path.join(folder, "bin", "python"), script)


def install(undo: list[Callable[[], object]], *, dry_run: bool) -> list[str]:
    """Makes the venv and the link unless they exist; returns the changes, one a line, and lists their undo in *undo*.
    Raises ClaudestratorError if it can't, before anything is written if something else is in the link's place."""
    script, link, key = _script(), _link(), _key()
    lines = []
    _check_link(link)
    if READY_VENV in os.environ:
        if not os.access(script, os.X_OK):
            raise ClaudestratorError(
                f"{READY_VENV} names a venv without {script}: install the helper there, or unset it"
            )
    elif not venv.ready(_venv(), key):
        lines.append(f"make {_venv()}, the helper's own Python environment")
        if not dry_run:
            undo += [] if os.path.lexists(_venv()) else [lambda: _remove_venv(_venv())]
            make(_venv())
    if not _leads_to(link, script):
        lines.append(f"link {link} to {script}")
        if not dry_run:
            before = os.readlink(link) if os.path.islink(link) else ""
            undo.append(lambda: make_link(link, before) if before else files.remove(link))
            make_link(link, script)
    return lines


def uninstall(*, everywhere: bool, dry_run: bool) -> list[str]:
    """Removes the helper with the installation for *everywhere* only, because all projects share it; the changes."""
    link, folder = _link(), _venv()
    if not everywhere:
        return [f"keep {link}, which other projects share: --uninstall --global removes it"] if _is_ours(link) else []
    lines = []
    if _is_ours(link):
        lines.append(f"remove {link}")
        if not dry_run:
            files.remove(link)
    if os.path.isdir(folder):
        lines.append(f"remove {folder}")
        if not dry_run:
            _remove_venv(folder)
    state = os.path.dirname(processes.key_file())
    if os.path.isdir(state):
        lines.append(f"remove {state}: a run that is unfinished needs `--takeover` then")
        if not dry_run:
            shutil.rmtree(state, ignore_errors=True)
    return lines


def notes() -> list[str]:
    """What still keeps Claude Code from finding the helper, if anything, with the next step."""
    link = _link()
    found = shutil.which(NAME)
    if found is None:
        folder = os.path.dirname(link)
        line = f'export PATH="{folder}:$PATH"'
        return [f"{folder} is not on PATH: add this line to your shell's profile and start a new shell: {line}"]
    if os.path.realpath(found) != os.path.realpath(link):
        return [f"{found} comes before {link} on PATH: remove it, or Claude Code runs that one"]
    return []


def _key() -> str:
    """What identifies the venv's content: the version and a hash of all files that go into it."""
    root = repository()
    project_file = files.read(os.path.join(root, "pyproject.toml")) or ""
    total = hashlib.sha256(project_file.encode())
    for top in ("helper", "commands", ".claudestrator"):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                path = os.path.join(folder, name)
                text = files.read(path) or ""
                total.update(f"{os.path.relpath(path, root)}\0{len(text)}\0{text}".encode("utf-8", "surrogateescape"))
    return f"{__version__} {total.hexdigest()}"


def _data_folder() -> str:
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(os.path.abspath(data), "claudestrator")


def _venv() -> str:
    return os.path.join(_data_folder(), "venv")


def _script() -> str:
    return os.path.join(os.path.abspath(os.environ.get(READY_VENV) or _venv()), "bin", NAME)


def _leads_to(link: str, script: str) -> bool:
    return os.path.islink(link) and os.readlink(link) == script


def _is_ours(link: str) -> bool:
    """Whether *link* leads into our folder, to the venv that READY_VENV names, or nowhere any more."""
    if not os.path.islink(link):
        return False
    places = (os.path.join(_venv(), "bin", NAME), _script())
    return os.readlink(link) in places or not os.path.exists(link)


def _check_link(link: str) -> None:
    if os.path.lexists(link) and not _is_ours(link):
        raise ClaudestratorError(f"{link} exists and is not this installer's: move it away and run this again")


def make_link(link: str, script: str) -> None:
    """Makes or replaces a link at once. Raises ClaudestratorError if it can't."""
    aside = f"{link}.new-{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(script, aside)
        os.replace(aside, link)
    except OSError as error:
        raise files.refused("write", link, error) from error


def _remove_venv(folder: str) -> None:
    try:
        shutil.rmtree(folder)
        files.remove(folder + ".lock")
        os.rmdir(os.path.dirname(folder))
    except OSError as error:
        if os.path.isdir(folder):
            raise files.refused("remove", folder, error) from error
