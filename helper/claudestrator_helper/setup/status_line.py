"""The run in Claude Code's status line: set up where there is none, and named where there is one."""

import json
import os
import shlex

from .. import host
from ..store.paths import users_folder
from . import claude_settings, settings_edit
from .install_steps import Place
from .settings_edit import Addition


def additions(place: Place) -> tuple[list[Addition], list[str]]:
    """What to add to the settings of *place*, and lines for the person. A status line of theirs, in whatever settings
    Claude Code reads there, is left as it is, and the line says which command shows both."""
    files = {place.settings, os.path.join(users_folder(), host.SETTINGS)}
    if place.within:
        files |= {os.path.join(place.folder, name) for name in (host.SETTINGS, host.LOCAL_SETTINGS)}
    for path in sorted(files):
        found = claude_settings.json_object(path).get(host.STATUS_LINE)
        command = claude_settings.at(found, "command")
        if found is not None and "claudestrator-helper status-line" not in str(command):
            return [], [f"{path} has a status line, which stays; {_both(command)}"]
    return [settings_edit.STATUS_LINE], []


def _both(command: object) -> str:
    if not isinstance(command, str):
        return "add what `claudestrator-helper status-line` prints to it"
    own = "claudestrator-helper status-line"
    script = f'in=$(cat); printf %s "$in" | {{ {command}; }}; echo; printf %s "$in" | {own}'
    return f"to see the run below it, make its command {json.dumps(f'bash -c {shlex.quote(script)}')}"
