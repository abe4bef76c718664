"""The plugin's launcher on the PATH of terminals: Claude Code puts it only on the PATH of its own shells."""

import os

from ..errors import ClaudestratorError
from ..store import files, paths
from . import helper_link


def install() -> list[str]:
    """Links the launcher into ``~/.local/bin``; returns what to tell the person. Raises ClaudestratorError where no
    plugin has started this helper, and if something else is in the link's place."""
    found, link = paths.launcher(), paths.link()
    if not os.path.isfile(found):
        raise ClaudestratorError("only the plugin's helper links itself: install.sh of a clone links the other one")
    if os.path.lexists(link) and not _is_ours(link):
        raise ClaudestratorError(f"{link} exists and is not the plugin's: keep it, or move it away and run this again")
    if not os.path.islink(link) or os.readlink(link) != found:
        helper_link.make_link(link, found)
    again = "after an update of the plugin, run this again in Claude Code: `! claudestrator-helper install-cli`"
    return [f"{link} leads to {found}", *helper_link.notes(), again]


def remove() -> list[str]:
    """Removes that link. Raises ClaudestratorError if something else is in its place."""
    link = paths.link()
    if not os.path.lexists(link):
        return [f"there is no {link}"]
    if not _is_ours(link):
        raise ClaudestratorError(f"{link} is not the plugin's: install.sh --uninstall removes its own")
    files.remove(link)
    return [f"removed {link}"]


def _is_ours(link: str) -> bool:
    """Whether *link* leads to a plugin's launcher, or nowhere any more, as after an update."""
    if not os.path.islink(link):
        return False
    root = os.path.dirname(os.path.dirname(os.path.realpath(link)))
    return not os.path.exists(link) or os.path.exists(os.path.join(root, ".claude-plugin", "plugin.json"))
