"""What will go wrong in a run, found before it does. Each finding is one line: the thing, and the next step.

`check` prints all of them, and more (commands/check.py). `start` prints the gravest in a line without any text from the
project's files, because a model reads it.
"""

import os
from collections.abc import Iterable, Mapping

from .. import __version__, host
from ..engine import options
from ..engine.config import AUTO, MOD, TASK
from ..errors import ClaudestratorError
from ..run import gates, polling
from ..store import config_file, queue_file, state_file, typed_command
from ..store.paths import PLUGIN, Project, existing
from ..texts import fields, queue, statuses
from . import claude_settings

#: Characters of the line that `start` adds to the main conversation.
_LONGEST = 190
_INSTALL = "run the newer Claudestrator's install.sh, or update the plugin"
#: Megabytes left on the disk with which a run is sure to end early, and with which it may.
_HOPELESS, _SCARCE = range(10), range(10, 100)
#: Seconds of one Bash call below which waiting costs turn after turn.
SHORT_CAP = 60
_UPDATE = "run `claude update`"
#: What a run uses and not every supported release has, by the engine.
USED = {TASK: (host.NOTICES_BLOCKED,)}
RAISE = f"set {host.MAX_TIMEOUT} to 3600000 in the env of your settings"


def note(project: Project, session: str, commands: str) -> list[str]:
    """The line, if any, with which `start` of *session* begins; *commands* is the version of the calling commands."""
    # Nothing is known of the session when `start` is typed by hand.
    here = bool(session) and session == os.environ.get(host.SESSION_ID)
    mode = typed_command.read(project, session).mode if here else ""
    known = claude_settings.read(project)
    hooks = claude_settings.unhooked(known, ran=False) if here and not mode else []
    if hooks and os.path.realpath(os.getcwd()) != os.path.realpath(project.root):
        hooks = [f"hooks load only where claude was started, and this is a folder below: start it in {project.root}"]
    versions = [("/orchestrate", commands)] if here else []
    found = dangers(project, known, mode, versions, hooks, os.environ.get(host.MAX_TIMEOUT))
    found += (
        [*gate(project), *_queue(project), *programs(project), *outdated(os.environ, used(project))] if here else []
    )
    more = f"; `claudestrator-helper check` names {len(found) - 1} more" if found[1:] else ""
    return [f"note: {fields.cut(found[0], _LONGEST - len(more))}{more}"] if found else []


def dangers(
    project: Project,
    known: claude_settings.Settings,
    mode: str,
    versions: Iterable[tuple[str, str]],
    hooks: list[str],
    cap: object,
) -> list[str]:
    """What will go wrong, the gravest first, in a session of the permission mode *mode*. *versions* are the installed
    `/orchestrate`s with their versions, *hooks* the findings about hooks, *cap* the value of BASH_MAX_TIMEOUT_MS."""
    seconds = cap_of(cap)
    short = f"a Bash call may take only {seconds} s, so waiting costs turn after turn: {RAISE}"
    return [
        *_disk(project, _HOPELESS),
        *_unwritable(project),
        *claude_settings.barred(known),
        *(claude_settings.isolated(known, os.environ) if _is_checkout(repository(project)) else []),
        *claude_settings.unwriting(known, mode),
        *unsupported(os.environ),
        *(_skew(what, version) for what, version in versions if version != __version__),
        *hooks,
        *([short] if seconds < SHORT_CAP else []),
        *_disk(project, _SCARCE),
    ]


def unsupported(environ: Mapping[str, str]) -> list[str]:
    running = host.release(environ)
    if running is None or running >= host.OLDEST:
        return []
    oldest = _dotted(host.OLDEST)
    return [f"Claude Code {_dotted(running)} is older than {oldest}, the oldest that Claudestrator supports: {_UPDATE}"]


def outdated(environ: Mapping[str, str], features: Iterable[str]) -> list[str]:
    """What the running release lacks of these *features*, keys of host.SINCE."""
    running = host.release(environ)
    lacking = [f"{each} (from {_dotted(host.SINCE[each])})" for each in features if host.lacks(environ, each)]
    if running is None or running < host.OLDEST or not lacking:
        return []
    return [f"Claude Code {_dotted(running)} lacks {', '.join(lacking)}: {_UPDATE}"]


def used(project: Project) -> tuple[str, ...]:
    """The features, keys of host.SINCE, that the engine of the run here, or of the next one, makes use of."""
    try:
        current = state_file.read(project)
        named = config_file.read(project).engine
    except ClaudestratorError:
        return ()
    mods = (host.MODS,) if named in (AUTO, MOD) and PLUGIN in os.environ else ()
    engine = current.engine if current.unfinished else TASK if named == AUTO else named
    return *mods, *USED.get(engine, ())


def _dotted(release: tuple[int, ...]) -> str:
    return ".".join(map(str, release))


def gate(project: Project) -> list[str]:
    """A line if no one has allowed the project's gate."""
    try:
        text = queue_file.text(project)
        # Most queues name no gate, and are not parsed for that.
        return gates.note(project, config_file.read(project), queue.parse(text if "gate" in text.lower() else ""))
    except ClaudestratorError:
        return []


def _queue(project: Project) -> list[str]:
    parsed = queue.parse(queue_file.text(project))
    many = {
        "occur more than once": sum(len(tasks) > 1 for tasks in parsed.by_id.values()),
        "have an unknown status": sum(task.status not in statuses.MOVES for task in parsed.tasks),
    }
    step = "`claudestrator-helper check` names them"
    return [f"tasks in the queue {wrong} ({count}), and never run: {step}" for wrong, count in many.items() if count]


def refuse_unknown(given: list[str], commands: str) -> None:
    """Raises ClaudestratorError for an option of `start` that newer commands have and this helper lacks."""
    option = options.unknown(given)
    if option and _parts(commands) > _parts(__version__):
        raise ClaudestratorError(f"{_skew('/orchestrate', commands)} (it has no {fields.cut(option, 40)})")


def cap_of(given: object) -> int:
    """The seconds that a Bash call may take if BASH_MAX_TIMEOUT_MS is *given*."""
    return int(polling.limit({host.MAX_TIMEOUT: str(given)})) + polling.MARGIN


def _skew(what: str, version: str) -> str:
    order = "older" if _parts(version) < _parts(__version__) else "newer"
    named = f" ({fields.cut(version, 20)})" if version else ""
    return f"{what}{named} is {order} than the helper ({__version__}): {_INSTALL}"


def _parts(version: str) -> list[int]:
    return [int(part) if part.isdecimal() else 0 for part in version[:20].split(".")]


def programs(project: Project) -> list[str]:
    found = []
    if PLUGIN not in os.environ and not _on_path("claudestrator-helper"):
        found.append(
            "claudestrator-helper is not on PATH: run Claudestrator's install.sh again, or put its folder on PATH"
        )
    if not _on_path("git"):
        found.append("git is not on PATH: install git, agents and people want to see what changed")
    elif not repository(project):
        found.append(f"{project.root} has no git repository: `git init` there lets you see and undo what agents do")
    return found


def _on_path(name: str) -> bool:
    # What shutil.which does beyond this is for Windows, and importing it takes longer than the whole check.
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in folders)


def repository(project: Project) -> str:
    """The folder of the repository around the project, or ""."""
    at = project.root
    while not os.path.exists(os.path.join(at, ".git")):
        if at == os.path.dirname(at):
            return ""
        at = os.path.dirname(at)
    return at


def _is_checkout(repository: str) -> bool:
    # In a linked worktree it is a file.
    return bool(repository) and os.path.isdir(os.path.join(repository, ".git"))


def _disk(project: Project, megabytes: range) -> list[str]:
    found = _statvfs(existing(project.state))
    left = found.f_bavail * found.f_frsize // 1_000_000 if found else -1
    return [f"the project's disk has {left} MB left, and a run needs more: free some"] if left in megabytes else []


def _unwritable(project: Project) -> list[str]:
    places = map(existing, (project.root, *project.folders))
    kept = [path for path in (project.lock, project.log) if os.path.exists(path)]
    step = "make it writable, or start elsewhere"
    return [f"{path} can't be written: {step}" for path in dict.fromkeys((*places, *kept)) if not _writable(path)]


def _writable(path: str) -> bool:
    # Root may write everywhere except on a disk that is mounted read-only.
    found = _statvfs(path)
    return os.access(path, os.W_OK) and not (found and found.f_flag & os.ST_RDONLY)


def _statvfs(path: str) -> os.statvfs_result | None:
    try:
        return os.statvfs(path)
    except OSError:
        return None
