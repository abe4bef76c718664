"""Files that git ignores, such as `.env`, copied from the project into a new worktree.

Only the project's own files are read, and only ignored files in the worktree are written, whatever links there are. No
commit holds a copy (tree_merge.skipped).
"""

import glob
import os
import shutil
import stat

from ..store.paths import Project
from ..texts import fields
from .worktrees import Tree

#: Files, and bytes of all of them, that are copied into one worktree.
_MOST, _BYTES = 1_000, 100_000_000


def copied(tree: Tree, main: Project, patterns: list[str]) -> tuple[Tree, list[str]]:
    """The tree, which notes what was copied, and a line about what was not. *patterns* are those of glob, from the
    project's folder."""
    found = [path for pattern in patterns for path in sorted(glob.glob(pattern, root_dir=main.root))]
    names = [name for name in dict.fromkeys(found) if _is_plain(main, name)]
    # What is checked out may have a link in place of a folder.
    free = [name for name in names if _is_itself(_existing(os.path.dirname(_goal(tree, name))), tree)]
    ignored = _ignored(tree, free)
    left = [f"{fields.cut(name, 60)} (a link is in its way)" for name in names if name not in free]
    left += [f"{fields.cut(name, 60)} (git does not ignore it)" for name in free if name not in ignored]
    done, size = list[str](), 0
    for name in [name for name in free if name in ignored]:
        size += os.lstat(os.path.join(main.root, name)).st_size
        if len(done) >= _MOST or size > _BYTES:
            left.append(f"{fields.cut(name, 60)} and what follows, as that is more than {_MOST:,} files or 100 MB")
            break
        why = _copy(main, tree, name)
        done += [] if why else [name]
        left += [f"{fields.cut(name, 60)} ({why})"] if why else []
    inside = [os.path.normpath(os.path.join(tree.within, name)) for name in done]
    tree = tree.noted(copied=inside) if inside else tree
    told = f"not copied into {os.path.relpath(tree.path, main.root)}: {fields.named(left, len(left))}"
    return tree, [told] if left else []


def _is_plain(main: Project, name: str) -> bool:
    """Whether that is a file of the project's own, reached by no link, that is neither git's nor the run's."""
    path = os.path.join(main.root, name)
    try:
        is_file = stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
    inside = os.path.realpath(path) == os.path.join(os.path.realpath(main.root), os.path.normpath(name))
    own = f"{os.path.normpath(path)}/".startswith(f"{os.path.normpath(main.state)}/")
    return is_file and inside and not own and ".git" not in name.split("/")


def _ignored(tree: Tree, names: list[str]) -> set[str]:
    """Those of the files that git ignores in the worktree."""
    inside = {os.path.normpath(os.path.join(tree.within, name)): name for name in names}
    if not inside:
        return set()
    said = tree.repository.call("check-ignore", "-z", "--stdin", text="\0".join(inside)).text
    return {inside[path] for path in said.split("\0") if path in inside}


def _copy(main: Project, tree: Tree, name: str) -> str:
    """Copies a file; why that can't be, or ""."""
    goal = _goal(tree, name)
    try:
        os.makedirs(os.path.dirname(goal), exist_ok=True)
        # An agent may put a link there at any moment.
        source = os.open(os.path.join(main.root, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(source, "rb") as given:
            mode = stat.S_IMODE(os.fstat(source).st_mode)
            # No agent has been there yet: what there is of it was left by a copy that was killed.
            with open(os.open(goal, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode), "wb") as copy:
                shutil.copyfileobj(given, copy)
    except OSError as error:
        return str(error.strerror)
    return ""


def _goal(tree: Tree, name: str) -> str:
    return os.path.normpath(os.path.join(tree.root, name))


def _existing(folder: str) -> str:
    """The folder, or the nearest one above it where something is."""
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder


def _is_itself(path: str, tree: Tree) -> bool:
    """Whether that is a folder, and no link is on the way to it from the worktree."""
    way = os.path.normpath(os.path.join(os.path.realpath(tree.path), os.path.relpath(path, tree.path)))
    return os.path.realpath(path) == way and os.path.isdir(path)
