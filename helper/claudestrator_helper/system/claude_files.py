"""Which files of the state folder a task's commit may hold: what a person would write there for Claude Code.

The rest are the run's own files, and settings, which decide what Claude Code may do. A skill, a command or an agent can
have hooks too, and these run without asking.
"""

import os
import re
from collections.abc import Iterable

#: The folders of which Claude Code reads its skills, commands and agents.
_FOLDERS = ("skills", "commands", "agents")
_FRONTMATTER = re.compile(rb"\A(?:\xef\xbb\xbf)?---\s*?\n(.*?)^---", re.DOTALL | re.MULTILINE)
_HOOKS = re.compile(rb"\bhooks\b[\"']?\s*:")
#: Bytes of a file that are looked through for hooks.
_MOST = 1_000_000
HAS_HOOKS = "it has hooks, which Claude Code would run"


def is_own(path: str) -> bool:
    """Whether a path, from the state folder, is no work of a task's."""
    return path.split(os.sep, maxsplit=1)[0] not in _FOLDERS or os.sep not in path


def left_out(root: str, state: str, changed: Iterable[str], own: str) -> dict[str, str]:
    """Those of the *changed* paths below the state folder that no commit of a task may hold, and why: *own* for what is
    none of its work. All are relative to *root*."""
    inside = [path for path in changed if f"{path}/".startswith(f"{state}/")]
    links = [path for path in inside if os.path.islink(os.path.join(root, path))]
    left = {path: own for path in inside if path in links or is_own(os.path.relpath(path, state))}
    hooked = [path for path in inside if path not in left and _has_hooks(os.path.join(root, path))]
    return left | dict.fromkeys(hooked, HAS_HOOKS)


def _has_hooks(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        head = _FRONTMATTER.match(file.read(_MOST))
    return bool(head and _HOOKS.search(head[1]))
