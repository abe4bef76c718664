"""Installs Claudestrator in a project's ``.claude`` or in ``~/.claude``, and uninstalls it; install.sh runs this.

Standard library only, because it runs before the helper's dependencies are installed.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from .. import __version__
from ..errors import ClaudestratorError
from ..store import files, paths
from . import command_files, helper_link, install_steps, settings_edit, status_line
from .command_files import Manifest, Plan
from .install_steps import EMPTY, Place, Undo
from .settings_edit import Addition

T = TypeVar("T")

_NO_MOD = (
    "note: here a model relays each run, which costs its conversation 150 to 1,200 characters a task; the plugin costs "
    "nothing, because it brings the mod (docs/mod.md)"
)


def main() -> None:
    arguments = _arguments(sys.argv[1:])
    try:
        for line in run(arguments):
            print(line)
    except ClaudestratorError as error:
        sys.exit(f"claudestrator: {error}")


def run(arguments: argparse.Namespace) -> list[str]:
    """Installs or uninstalls; returns the changes, made or with ``dry_run`` only planned, one a line. Raises
    ClaudestratorError, after taking back every change that the disk lets it take back."""
    place = _place(arguments)
    with install_steps.alone(place.folder):
        if arguments.uninstall:
            return _uninstalled(place, arguments)
        more, notes = status_line.additions(place) if arguments.status_line else ([], [])
        lines = install(place, [], more, dry_run=True)
        if arguments.dry_run:
            return lines + helper_link.install([], dry_run=True) + notes or ["nothing would change"]
        with install_steps.all_or_nothing() as undo:
            lines += helper_link.install(undo, dry_run=False)
            install(place, undo, more, dry_run=False)
    where = "a project" if arguments.everywhere else os.path.dirname(place.folder)
    return [
        *lines,
        *(_untracked(place) if place.local else []),
        *helper_link.notes(),
        *notes,
        _NO_MOD,
        f"ready: start claude in {where}, let /claudestrator:prd write PRD.md with you, then type /orchestrate",
    ]


def install(place: Place, undo: Undo, more: Sequence[Addition] = (), *, dry_run: bool) -> list[str]:
    """Puts the commands and the settings, with *more* of them, into *place*; returns the changes, one a line. Before
    each step, *undo* gets the call that takes it back. Raises ClaudestratorError, before anything is written, if
    something is in the way."""
    _refuse_both(place)
    before = _manifest(place)
    wanted = command_files.command_files(_commands())
    present = _present(place, [*wanted, *before.files])
    plan = _about(f"{place.folder}:", lambda: command_files.plan(wanted, present, before.files))
    old = files.read(place.settings, place.within)
    new, ours = _about(place.settings, lambda: settings_edit.merge(old or EMPTY, before.settings, more))
    folders = tuple(dict.fromkeys((*before.folders, *_missing_folders(place.folder, wanted))))
    after = Manifest(__version__, plan.files, folders, tuple(ours), before.made_settings or old is None)
    install_steps.refuse_unwritable(place, plan, [place.settings] if new != old else [])
    if not dry_run:
        _apply(place, plan, before, after, more, undo)
    added = [f"{place.settings}: add {line}" for line in settings_edit.news(ours, before.settings)]
    _, taken, changed = settings_edit.withdraw(old or EMPTY, settings_edit.former(before.settings))
    return _shown(place, plan) + added + _taken(place, taken, changed)


def uninstall(place: Place, *, dry_run: bool) -> list[str]:
    """Removes from *place* what install has put there; returns the changes, one a line."""
    if files.read(place.manifest, place.within) is None:
        return [f"Claudestrator is not installed in {place.folder}"]
    before = _manifest(place)
    plan = command_files.plan({}, _present(place, before.files), before.files)
    old = files.read(place.settings, place.within)
    new, taken, changed = _about(place.settings, lambda: settings_edit.withdraw(old or EMPTY, before.settings))
    install_steps.refuse_unwritable(place, plan, [place.settings] if old and new != old else [])
    if not dry_run:
        _take_out(place, plan, before)
    unknown = [f"keep {name}, which {place.manifest} lists and Claudestrator does not add" for name in before.unknown]
    return _shown(place, plan) + (_taken(place, taken, changed) if old else []) + unknown


def _uninstalled(place: Place, arguments: argparse.Namespace) -> list[str]:
    """The changes in the project, with ``--local`` only in the person's own part of it, and in the home folder."""
    both = [place] if place.local or arguments.everywhere else [place, place._replace(local=True)]
    places = [each for each in both if os.path.lexists(each.manifest)] or [place]
    lines = [line for each in places for line in uninstall(each, dry_run=arguments.dry_run)]
    return lines + helper_link.uninstall(everywhere=arguments.everywhere, dry_run=arguments.dry_run)


def _apply(place: Place, plan: Plan, before: Manifest, after: Manifest, more: Sequence[Addition], undo: Undo) -> None:
    """Writes, the manifest first: after a kill at any point, a second run and ``--uninstall`` know what is ours."""
    made = [name for name in after.folders if name not in before.folders]
    undo.append(lambda: install_steps.remove_folders(place, made))
    added = (*after.settings, *(a for a in before.settings if a not in after.settings))
    during = after._replace(files=command_files.both(before.files, after.files), settings=added)
    install_steps.put(place, place.manifest, command_files.render(during), undo)
    for name, text in plan.writes.items():
        install_steps.put(place, place.path(name), text, undo)
    for name in plan.removals:
        install_steps.put(place, place.path(name), None, undo)
    install_steps.merge(place, before.settings, more, undo)
    install_steps.put(place, place.manifest, command_files.render(after), undo)


def _take_out(place: Place, plan: Plan, before: Manifest) -> None:
    """Removes, the manifest last, so that after a kill the next ``--uninstall`` continues."""
    for name in plan.removals:
        files.remove(place.path(name), place.within)
    install_steps.withdraw(place, before.settings, made=before.made_settings)
    files.remove(place.manifest, place.within)
    install_steps.remove_folders(place, before.folders)


def _place(arguments: argparse.Namespace) -> Place:
    """The ``.claude`` folder to install in. Raises ClaudestratorError if the project is missing."""
    if arguments.everywhere:
        return Place(os.path.abspath(paths.users_folder()))
    if not os.path.isdir(arguments.folder):
        raise ClaudestratorError(f"there is no folder {arguments.folder}: name the project's root")
    root = os.path.abspath(arguments.folder)
    return Place(os.path.join(root, ".claude"), root, arguments.local)


def _refuse_both(place: Place) -> None:
    other = place._replace(local=not place.local)
    if os.path.lexists(other.manifest):
        words = "--uninstall --local" if other.local else "--uninstall"
        raise ClaudestratorError(
            f"Claudestrator is already installed in {other.settings}: keep that, or run install.sh {words} first"
        )


def _commands() -> dict[str, str]:
    folder = os.path.join(helper_link.repository(), "commands")
    return {name: files.read(os.path.join(folder, name)) or "" for name in sorted(os.listdir(folder))}


def _manifest(place: Place) -> Manifest:
    text = files.read(place.manifest, place.within)
    return Manifest() if text is None else _about(place.manifest, lambda: command_files.parse(text))


def _present(place: Place, names: Iterable[str]) -> dict[str, str | None]:
    """The text of each file; None for a missing one. Raises ClaudestratorError for a link to nowhere: writing through
    it would make a file in an unknown place."""
    present = {}
    for name in names:
        path = place.path(name)
        present[name] = files.read(path, place.within)
        if present[name] is None and os.path.lexists(path):
            raise ClaudestratorError(f"{path} is a link to nowhere: remove it and run this again")
    return present


def _missing_folders(folder: str, names: Iterable[str]) -> list[str]:
    """The folders that have to be made for *names*, outermost first; "" is *folder* itself."""
    needed = [""]
    for name in names:
        words = name.split("/")[:-1]
        needed += ["/".join(words[: n + 1]) for n in range(len(words))]
    return [name for name in sorted(set(needed)) if not os.path.isdir(os.path.join(folder, name))]


def _about(path: str, action: Callable[[], T]) -> T:
    """What *action* returns. A refusal that it raises gets *path* in front."""
    try:
        return action()
    except ClaudestratorError as error:
        raise ClaudestratorError(f"{path} {error}") from error


def _shown(place: Place, plan: Plan) -> list[str]:
    lines = [f"write {place.path(name)}" for name in plan.writes]
    lines += [f"remove {place.path(name)}" for name in plan.removals]
    return lines + [f"keep {place.path(name)}, which you have changed" for name in plan.kept]


def _taken(place: Place, taken: Iterable[str], changed: Iterable[str]) -> list[str]:
    lines = [f"{place.settings}: take out {line}" for line in taken]
    return lines + [f"{place.settings}: keep {name}, which you have changed" for name in changed]


def _untracked(place: Place) -> list[str]:
    names = ("settings.local.json", command_files.LOCAL_NAME, "commands/orchestrate.md", "commands/claudestrator/")
    listed = ", ".join(f".claude/{name}" for name in names)
    return [f"git lists these as new files unless you ignore them, for example in .git/info/exclude: {listed}"]


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="install.sh", add_help=False)
    parser.add_argument("folder", nargs="?", default=".")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--global", dest="everywhere", action="store_true")
    where.add_argument("--local", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--uninstall", action="store_true")
    parser.add_argument("--status-line", action="store_true")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
