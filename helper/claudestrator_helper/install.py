"""Claudestrator into a project's ``.claude`` or into ``~/.claude``, and out again: what install.sh runs.

Standard library only: it runs before the helper's dependencies are there.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from . import __version__, files, install_files, install_helper, install_settings
from .errors import ClaudestratorError
from .install_files import Manifest, Plan

SETTINGS = "settings.json"
T = TypeVar("T")


def main() -> None:
    arguments = _arguments(sys.argv[1:])
    try:
        for line in run(arguments):
            print(line)
    except ClaudestratorError as error:
        sys.exit(f"claudestrator: {error}")


def run(arguments: argparse.Namespace) -> list[str]:
    """Installs or uninstalls; what was done, or with ``dry_run`` would be, one change a line.

    Raises ClaudestratorError; then nothing has been written, unless it is the disk that refuses half-way.

    """
    folder = _claude_folder(arguments)
    if arguments.uninstall:
        lines = uninstall(folder, dry_run=arguments.dry_run)
        return lines + install_helper.uninstall(everywhere=arguments.everywhere, dry_run=arguments.dry_run)
    lines = install(folder, dry_run=True)
    lines += install_helper.install(dry_run=arguments.dry_run)
    if arguments.dry_run:
        return lines or ["nothing would change"]
    install(folder, dry_run=False)
    where = "a project" if arguments.everywhere else os.path.dirname(folder)
    return [
        *lines,
        *install_helper.notes(),
        f"ready: start claude in {where}, let /claudestrator:prd write PRD.md with you, then type /orchestrate",
    ]


def install(folder: str, *, dry_run: bool) -> list[str]:
    """Puts the commands and the settings into *folder*, a ``.claude``; the changes, one a line.

    Raises ClaudestratorError before anything is written when something is in the way.

    """
    _check_writable(folder)
    before = _manifest(folder)
    wanted = install_files.command_files(_commands())
    present = _present(folder, [*wanted, *before.files])
    plan = _about(f"{folder}:", lambda: install_files.plan(wanted, present, before.files))
    path = os.path.join(folder, SETTINGS)
    old = files.read(path)
    new, ours = _about(path, lambda: install_settings.merge(old or "{}\n", before.settings))
    folders = tuple(dict.fromkeys((*before.folders, *_missing_folders(folder, wanted))))
    made = before.made_settings or old is None
    after = Manifest(__version__, plan.files, folders, tuple(ours), made)
    if not dry_run:
        _apply(folder, plan, before, after, new if new != old else None)
    return _shown(folder, plan) + [f"{path}: add {line}" for line in install_settings.news(ours, before.settings)]


def uninstall(folder: str, *, dry_run: bool) -> list[str]:
    """Takes out of *folder* what install has put there; the changes, one a line."""
    if files.read(os.path.join(folder, install_files.NAME)) is None:
        return [f"nothing of Claudestrator's is in {folder}"]
    before = _manifest(folder)
    plan = install_files.plan({}, _present(folder, before.files), before.files)
    path = os.path.join(folder, SETTINGS)
    old = files.read(path)
    new, changed = _about(path, lambda: install_settings.withdraw(old, before.settings)) if old else (None, [])
    if not dry_run:
        _undo(folder, plan, before, new)
    taken = [f"{path}: take out what was added"] if new != old else []
    return _shown(folder, plan) + taken + [f"{path}: keep {name}, which you have changed" for name in changed]


def _apply(folder: str, plan: Plan, before: Manifest, after: Manifest, settings: str | None) -> None:
    """Writes; the manifest first, so that after a kill anywhere a second run and ``--uninstall`` know what is ours."""
    if plan.writes or plan.removals or settings is not None:
        added = (*after.settings, *(a for a in before.settings if a not in after.settings))
        during = after._replace(files=install_files.both(before.files, after.files), settings=added)
        _write(os.path.join(folder, install_files.NAME), install_files.render(during))
    for name, text in plan.writes.items():
        files.write(os.path.join(folder, name), text)
    for name in plan.removals:
        files.remove(os.path.join(folder, name))
    if settings is not None:
        files.write(os.path.join(folder, SETTINGS), settings)
    _write(os.path.join(folder, install_files.NAME), install_files.render(after))


def _undo(folder: str, plan: Plan, before: Manifest, settings: str | None) -> None:
    """Takes out; the manifest last, so that after a kill the next ``--uninstall`` goes on."""
    for name in plan.removals:
        files.remove(os.path.join(folder, name))
    path = os.path.join(folder, SETTINGS)
    if settings is not None and settings.strip() == "{}" and before.made_settings:
        files.remove(path)
    elif settings is not None:
        _write(path, settings)
    files.remove(os.path.join(folder, install_files.NAME))
    for name in reversed(before.folders):
        with suppress(OSError):  # others have put something there, or it is gone
            os.rmdir(os.path.join(folder, name))


def _write(path: str, text: str) -> None:
    if files.read(path) != text:
        files.write(path, text)


def _claude_folder(arguments: argparse.Namespace) -> str:
    """The ``.claude`` folder that is meant. Raises ClaudestratorError when there is no such project."""
    if arguments.everywhere:
        return os.path.abspath(os.environ.get("CLAUDE_CONFIG_DIR") or os.path.expanduser("~/.claude"))
    if not os.path.isdir(arguments.folder):
        raise ClaudestratorError(f"there is no folder {arguments.folder}: name the project's root")
    return os.path.join(os.path.abspath(arguments.folder), ".claude")


def _check_writable(folder: str) -> None:
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ClaudestratorError(f"{folder} can't be written: make it writable and run this again")


def _commands() -> dict[str, str]:
    folder = os.path.join(install_helper.repository(), "commands")
    return {name: files.read(os.path.join(folder, name)) or "" for name in sorted(os.listdir(folder))}


def _manifest(folder: str) -> Manifest:
    path = os.path.join(folder, install_files.NAME)
    text = files.read(path)
    return Manifest() if text is None else _about(path, lambda: install_files.parse(text))


def _present(folder: str, names: Iterable[str]) -> dict[str, str | None]:
    """The texts that are there.

    Raises ClaudestratorError for a link to nowhere: writing through it would make a file in an unknown place.

    """
    present = {}
    for name in names:
        path = os.path.join(folder, name)
        present[name] = files.read(path)
        if present[name] is None and os.path.lexists(path):
            raise ClaudestratorError(f"{path} is a link to nowhere: remove it and run this again")
    return present


def _missing_folders(folder: str, names: Iterable[str]) -> list[str]:
    """The folders that writing *names* makes, outermost first; "" is *folder* itself."""
    needed = [""]
    for name in names:
        words = name.split("/")[:-1]
        needed += ["/".join(words[: n + 1]) for n in range(len(words))]
    return [name for name in sorted(set(needed)) if not os.path.isdir(os.path.join(folder, name))]


def _about(path: str, action: Callable[[], T]) -> T:
    """What *action* returns; its refusal gets the name of what it is about."""
    try:
        return action()
    except ClaudestratorError as error:
        raise ClaudestratorError(f"{path} {error}") from error


def _shown(folder: str, plan: Plan) -> list[str]:
    lines = [f"write {os.path.join(folder, name)}" for name in plan.writes]
    lines += [f"remove {os.path.join(folder, name)}" for name in plan.removals]
    return lines + [f"keep {os.path.join(folder, name)}, which you have changed" for name in plan.kept]


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="install.sh", add_help=False)
    parser.add_argument("folder", nargs="?", default=".")
    parser.add_argument("--global", dest="everywhere", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--uninstall", action="store_true")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
