"""Where a project's files are."""

import os

from .errors import ClaudestratorError

STATE_VARIABLE = "CLAUDESTRATOR_STATE_DIR"


class Project:
    """The two folders of a project: *root* holds PRD.md, *state* what the run keeps. Both are absolute."""

    def __init__(self, root: str, state: str) -> None:
        self.root, self.state = root, state

    @property
    def prd(self) -> str:
        return os.path.join(self.root, "PRD.md")

    @property
    def queue(self) -> str:
        return os.path.join(self.state, "task_queue.md")

    @property
    def issues(self) -> str:
        return os.path.join(self.state, "issue_queue.md")

    @property
    def config(self) -> str:
        return os.path.join(self.root, ".claudestrator", "config.toml")

    @property
    def knowledge(self) -> str:
        return os.path.join(self.state, "knowledge_graph.json")

    @property
    def snapshots(self) -> str:
        return os.path.join(self.state, "loop_snapshots")

    @property
    def session(self) -> str:
        return os.path.join(self.state, "session_state.md")

    @property
    def lock(self) -> str:
        return os.path.join(self.state, "claudestrator.lock")

    @property
    def log(self) -> str:
        return os.path.join(self.state, "run_log.jsonl")

    @property
    def markers(self) -> str:
        return os.path.join(self.state, "agent_complete")

    def note(self, id_: str) -> str:
        return os.path.join(self.state, "journal", f"task-{id_}.md")


def project(folder: str | None = None) -> Project:
    """The project of *folder*, or the one around the current folder.

    Raises ClaudestratorError for a folder that isn't there.

    """
    if folder is not None and not os.path.isdir(folder):
        raise ClaudestratorError(f"there is no folder {folder}: name the project's root with --project")
    try:
        root = os.path.abspath(folder) if folder else root_around(os.getcwd())
    except FileNotFoundError as error:
        raise ClaudestratorError("the current folder is gone: change to the project's root and try again") from error
    return Project(root, os.path.join(root, os.environ.get(STATE_VARIABLE) or ".claude"))


def root_around(folder: str) -> str:
    """The nearest folder upwards that holds ``.claude`` or ``.git``, else *folder*.

    The home folder's ``.claude`` is Claude Code's own, so it makes no project of what lies below.

    """
    home = os.path.realpath(os.path.expanduser("~"))
    at = os.path.realpath(folder)
    while True:
        has_git = os.path.exists(os.path.join(at, ".git"))
        if has_git or (os.path.isdir(os.path.join(at, ".claude")) and (at != home or folder == at)):
            return at
        if at == os.path.dirname(at):
            return os.path.realpath(folder)
        at = os.path.dirname(at)


def shipped(name: str) -> str:
    """Where the file *name* of ``.claudestrator/`` is that came with this helper: in the package, or in the clone."""
    package = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(package, "shipped", name)
    clone = os.path.join(os.path.dirname(os.path.dirname(package)), ".claudestrator", name)
    return inside if os.path.exists(inside) else clone


def plugin_version() -> str:
    """The version of the plugin that this code belongs to, where it was never installed as a package."""
    import json

    clone = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    try:
        with open(os.path.join(clone, ".claude-plugin", "plugin.json"), encoding="utf-8") as file:
            return str(json.load(file)["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"
