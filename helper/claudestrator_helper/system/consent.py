"""Which gates a person has allowed, in which project: a file outside the project, beside the user's key.

Only `claudestrator-helper allow` writes it. An agent that may write there, or run any command, can forge it;
SECURITY.md says so.
"""

import os

from ..engine.gates import Gates
from ..errors import ClaudestratorError
from ..store import files
from ..store.paths import Project
from . import processes


def read(project: Project) -> Gates | None:
    """The gates that were allowed; None if none ever were, or if the file can't be read."""
    # Agents wait for this, and most people have allowed nothing anywhere.
    if not os.path.isdir(_folder()) or not os.path.exists(path := _path(project)) or _is_inside(project):
        return None
    import json

    try:
        found = json.loads(files.read(path) or "")
        tasks = {str(id_): list(map(str, own)) for id_, own in found["tasks"].items()}
        commands, setup = ([str(each) for each in found.get(name, [])] for name in ("commands", "setup"))
        return Gates(commands, tasks, setup) if found["project"] == _root(project) else None
    except (ClaudestratorError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write(project: Project, gates: Gates) -> None:
    """Records that these gates, and no others, may run in this project. Raises ClaudestratorError if it can't."""
    import json

    if _is_inside(project):
        way = "set XDG_STATE_HOME to a folder outside it"
        raise ClaudestratorError(f"the consent would be in the project, where agents may write ({_folder()}): {way}")
    document = {"project": _root(project), "commands": gates.commands, "tasks": gates.tasks, "setup": gates.setup}
    try:
        os.makedirs(os.path.dirname(_path(project)), mode=0o700, exist_ok=True)
    except OSError as error:
        raise files.refused("write", _path(project), error) from error
    files.write(_path(project), json.dumps(document, indent=1) + "\n")


def forget(project: Project) -> None:
    files.remove(_path(project))


def _is_inside(project: Project) -> bool:
    """Whether consents are kept in the project, as where a clone's settings set the environment: no person's, then."""
    return os.path.join(os.path.realpath(_folder()), "").startswith(os.path.join(_root(project), ""))


def _root(project: Project) -> str:
    return os.path.realpath(project.root)


def _path(project: Project) -> str:
    return os.path.join(_folder(), f"{processes.digest(_root(project))}.json")


def _folder() -> str:
    return os.path.join(os.path.dirname(processes.key_file()), "allowed")
