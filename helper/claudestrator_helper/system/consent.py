"""Which gates a person has allowed, in which project: a file outside the project, beside the user's key.

Only `claudestrator-helper allow` writes it. An agent that may write there, or run any command, can forge it;
SECURITY.md says so.
"""

import json
import os

from ..engine.gates import Gates
from ..errors import ClaudestratorError
from ..store import files
from ..store.paths import Project
from . import processes


def read(project: Project) -> Gates | None:
    """The gates that were allowed; None if none ever were, or if the file can't be read."""
    path = _path(project)
    if not os.path.exists(path):
        return None
    try:
        found = json.loads(files.read(path) or "")
        tasks = {str(id_): list(map(str, own)) for id_, own in found["tasks"].items()}
        return Gates(list(map(str, found["commands"])), tasks) if found["project"] == _root(project) else None
    except (ClaudestratorError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write(project: Project, gates: Gates) -> None:
    """Records that these gates, and no others, may run in this project. Raises ClaudestratorError if it can't."""
    document = {"project": _root(project), "commands": gates.commands, "tasks": gates.tasks}
    try:
        os.makedirs(os.path.dirname(_path(project)), mode=0o700, exist_ok=True)
    except OSError as error:
        raise files.refused("write", _path(project), error) from error
    files.write(_path(project), json.dumps(document, indent=1) + "\n")


def forget(project: Project) -> None:
    files.remove(_path(project))


def _root(project: Project) -> str:
    return os.path.realpath(project.root)


def _path(project: Project) -> str:
    from hashlib import blake2s

    name = blake2s(_root(project).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return os.path.join(os.path.dirname(processes.key_file()), "allowed", f"{name}.json")
