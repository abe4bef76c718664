"""Where a project's files are."""

import os

from .. import host
from ..errors import ClaudestratorError

#: Set by the plugin's launcher, which comes with the plugin's hooks: the plugin's folder.
PLUGIN = "CLAUDESTRATOR_PLUGIN"
STATE_VARIABLE = "CLAUDESTRATOR_STATE_DIR"
#: The file in the git folder of a worktree that a run has made for an agent.
TREE_NOTE = "claudestrator-tree"


class Project:
    """The two folders of a project, both absolute: *root* holds PRD.md, *state* the run's files. No link may lead the
    run's files out of *bounds*: the root, or the state folder if that is outside the root."""

    def __init__(self, root: str, state: str) -> None:
        self.root, self.state = root, state
        inside = os.path.normpath(state).startswith(os.path.join(root, ""))
        self.bounds = root if inside else state
        self.prd = os.path.join(root, "PRD.md")
        self.queue = os.path.join(state, "task_queue.md")
        self.issues = os.path.join(state, "issue_queue.md")
        self.config = os.path.join(root, ".claudestrator", "config.toml")
        self.knowledge = os.path.join(state, "knowledge_graph.json")
        self.snapshots = os.path.join(state, "loop_snapshots")
        self.session = os.path.join(state, "session_state.md")
        self.lock = os.path.join(state, "claudestrator.lock")
        self.log = os.path.join(state, "run_log.jsonl")
        self.markers = os.path.join(state, "agent_complete")
        self.gates = os.path.join(self.markers, ".gates")
        self.journal = os.path.join(state, "journal")
        self.reports = os.path.join(state, "claudestrator", "reports")

    @property
    def folders(self) -> tuple[str, ...]:
        """Every folder that the run writes to."""
        return self.state, self.markers, self.gates, self.journal, self.snapshots, self.reports

    @property
    def kept(self) -> tuple[str, ...]:
        """What the run writes and its commits hold."""
        summary = os.path.join(self.state, "loop_summary.md")
        return self.queue, self.issues, self.knowledge, summary, self.journal, self.snapshots

    def note(self, id_: str) -> str:
        return os.path.join(self.journal, f"task-{id_}.md")


def project(folder: str | None = None) -> Project:
    """The project of *folder*, by default of the current folder. Raises ClaudestratorError for a missing folder, and
    for a state folder that a link leads out of the project."""
    if folder is not None and not os.path.isdir(folder):
        raise ClaudestratorError(f"there is no folder {folder}: name the project's root with --project")
    try:
        root = os.path.abspath(folder) if folder else root_around(os.getcwd())
    except FileNotFoundError as error:
        raise ClaudestratorError("the current folder is gone: change to the project's root and try again") from error
    moved = os.environ.get(STATE_VARIABLE)
    found = Project(root, os.path.join(root, moved or ".claude"))
    if moved or os.path.islink(found.state):
        _refuse_led_away(found)
    return found


def _refuse_led_away(found: Project) -> None:
    # Hooks run in every session, and rarely need this import.
    from . import links

    try:
        links.stays(found.state, found.bounds)
    except ClaudestratorError as error:
        raise ClaudestratorError(f"{error}, or name the folder that you mean in {STATE_VARIABLE}") from error


def root_around(folder: str) -> str:
    """The nearest folder upwards that holds ``.claude`` or ``.git``, otherwise *folder* itself, resolved. The home
    folder's ``.claude`` is Claude Code's own, so the home folder is not the project of the folders in it."""
    home = os.path.realpath(os.path.expanduser("~"))
    at = os.path.realpath(folder)
    while True:
        has_git = os.path.exists(os.path.join(at, ".git"))
        if has_git or (os.path.isdir(os.path.join(at, ".claude")) and (at != home or folder == at)):
            return _checkout(at) or at
        if at == os.path.dirname(at):
            return os.path.realpath(folder)
        at = os.path.dirname(at)


def _checkout(root: str) -> str:
    """The checkout around *root* if that is in a worktree of a run there, or in one of Claude Code's and the calling
    session has its run in the checkout; otherwise "". A session that began in a worktree has its run there."""
    checkout, inside, below = root.rpartition(f"/{host.WORKTREES}/")
    named = os.environ.get(host.SESSION_ID)
    if inside and _is_of_run(os.path.join(checkout, host.WORKTREES, below.split("/")[0])):
        return checkout
    if not inside or not named:
        return ""
    from . import files

    state = os.path.join(checkout, os.environ.get(STATE_VARIABLE) or ".claude")
    found = files.read(Project(checkout, state).session, state, files.HEAD) or ""
    return checkout if f'"{named}"' in found else ""


def _is_of_run(tree: str) -> bool:
    """Whether a run has made the worktree in that folder; see system/worktrees.py."""
    from . import files

    linked = (files.read(os.path.join(tree, ".git")) or "") if os.path.isfile(os.path.join(tree, ".git")) else ""
    folder = linked.removeprefix("gitdir:").strip()
    return bool(folder) and os.path.isfile(os.path.join(folder, TREE_NOTE))


def existing(path: str) -> str:
    """*path* itself, or the nearest folder above it that exists."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def users_folder() -> str:
    """The folder of a person's own settings, plugins and transcripts."""
    return os.environ.get(host.CONFIG_FOLDER) or os.path.expanduser("~/.claude")


def launcher() -> str:
    """The launcher of the plugin that started this helper; "" if none did."""
    root = os.environ.get(PLUGIN, "")
    return os.path.join(os.path.abspath(root), "bin", "claudestrator-helper") if root else ""


def link() -> str:
    """Where the link is that puts the helper on a terminal's PATH."""
    return os.path.join(os.path.expanduser("~"), ".local", "bin", "claudestrator-helper")


def shipped(name: str) -> str:
    """The path of the file *name* of ``.claudestrator/`` that came with this helper, in the package or in the clone."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "shipped", name)
    clone = os.path.join(os.path.dirname(os.path.dirname(package)), ".claudestrator", name)
    return inside if os.path.exists(inside) else clone
