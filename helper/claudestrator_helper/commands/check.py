"""The verb `check`: what is wrong in the project's files and around them, and what is good to know."""

import os
import re
import sys
from collections.abc import Iterable

import click

from .. import host
from ..engine import state
from ..engine.config import AUTO, MOD
from ..errors import ClaudestratorError, refusals
from ..output import echo
from ..run import polling
from ..setup import claude_settings, preflight
from ..store import (
    config_file,
    files,
    issue_file,
    paths,
    prd_file,
    project_files,
    queue_file,
    state_file,
    typed_command,
    user_file,
)
from ..store.paths import Project
from ..texts import fields, issues, queue_problems
from ..texts.fields import few


def findings(project: Project) -> tuple[list[str], list[str]]:
    """What is wrong, the gravest first, and what is good to know; one line each."""
    known = claude_settings.read(project)
    session, hooked = _run(project)
    mode = typed_command.read(project, session).mode
    cap = claude_settings.first(known, host.ENV, host.MAX_TIMEOUT) or os.environ.get(host.MAX_TIMEOUT)
    hooks = claude_settings.unhooked(known, hooked)
    wrong = [
        *preflight.dangers(project, known, mode, _commands(project), hooks, cap),
        *preflight.gate(project),
        *_ignored(project),
        *preflight.programs(project),
    ]
    begins = "" if mode else str(claude_settings.first(known, host.PERMISSIONS, host.DEFAULT_MODE))
    features = (*preflight.used(project), host.EXACT_CONTEXT)
    good_to_know = [
        *claude_settings.unwriting(known, begins),
        *preflight.outdated(os.environ, features),
        *_unloaded(project),
        *([] if _has_mod(project) else _cap(preflight.cap_of(cap))),
        *_nested(project),
        *_left_behind(project),
    ]
    return wrong, [f"note: {line}" for line in good_to_know]


def _run(project: Project) -> tuple[str, bool | None]:
    """The session that has the run, or the calling one, and whether our hooks work there; None if unknown."""
    try:
        run = state_file.read(project)
    except ClaudestratorError:
        run = state.State()
    here = os.environ.get(host.SESSION_ID, "")
    owner = run.owner
    return (owner.session, owner.hooked) if run.unfinished and owner.session else (here, None)


def _wants_mod(project: Project) -> bool:
    """Whether the plugin's module is to carry out runs here."""
    try:
        engine = config_file.read(project).engine
    except ClaudestratorError:
        return False
    return paths.PLUGIN in os.environ and engine in (AUTO, MOD)


def _has_mod(project: Project) -> bool:
    """Whether Claude Code can carry out runs itself here, for all that is known, so that no model waits."""
    return (
        _wants_mod(project)
        and host.release(os.environ) is not None
        and not (host.lacks(os.environ, host.MODS) or _unloaded(project))
    )


def _unloaded(project: Project) -> list[str]:
    if not _wants_mod(project):
        return []
    try:
        run = state_file.read(project)
    except ClaudestratorError:
        return []
    if not run.unfinished or run.engine == MOD or host.lacks(os.environ, host.MODS):
        return []
    where = fields.one_line(os.environ[paths.PLUGIN])
    why = "unless another engine was typed, Claude Code has not loaded the plugin's module, and said why at its start"
    return [f"a model relays this run: {why}; `claude plugin validate {where}` reads the module"]


def _commands(project: Project) -> Iterable[tuple[str, str]]:
    """The installed `/orchestrate`s, each by its path and with its version, "" where it names none."""
    for folder in dict.fromkeys((os.path.join(project.root, ".claude"), paths.users_folder())):
        path = os.path.join(folder, "commands", "orchestrate.md")
        try:
            _, calls, rest = (files.read(path) or "").partition("claudestrator-helper start ")
        except ClaudestratorError:
            continue
        words = rest.split(maxsplit=2)
        if calls:
            yield path, words[1] if words[:1] == ["--commands"] else ""
    plugins = os.path.join(paths.users_folder(), *host.INSTALLED_PLUGINS)
    installed = claude_settings.at(claude_settings.json_object(plugins), host.PLUGIN_TABLE)
    for name, entries in installed.items() if isinstance(installed, dict) else ():
        for entry in entries if name.startswith("claudestrator@") and isinstance(entries, list) else ():
            version, where = (claude_settings.at(entry, key) for key in (host.PLUGIN_VERSION, host.PLUGIN_PROJECT))
            if isinstance(version, str) and where in (None, project.root):
                yield "the plugin", version


def _ignored(project: Project) -> list[str]:
    path = os.path.join(project.state, ".gitignore")
    text = project_files.read(project, path)
    missing = [name for name in state_file.IGNORED.split() if text is not None and name not in text.split()]
    return [f"{path}: add {', '.join(missing)}, so that the run's own files stay out of git"] if missing else []


def _cap(seconds: int) -> list[str]:
    text = f"a Bash call may take {seconds} s, so waiting costs a turn every {seconds} s: {preflight.RAISE}"
    return [text] if preflight.SHORT_CAP <= seconds <= polling.BASH_CAP else []


def _nested(project: Project) -> list[str]:
    around, inside, found = preflight.repository(project), _inside(project.root), []
    if around not in ("", project.root):
        found.append(f"the repository is {around}: a loop commits what changed below {project.root}, and nothing else")
    if inside:
        names = fields.one_line(fields.named(inside, len(inside)))
        found.append(f"below {project.root}, repositories of their own: {names}; a loop commits no change in them")
    return found


def _left_behind(project: Project) -> list[str]:
    """The worktrees that no run is at work in."""
    if not os.path.isdir(os.path.join(project.root, host.WORKTREES)):
        return []
    # Importing what runs git takes longer than the rest.
    from ..run import strays

    try:
        return few(strays.found(project))
    except ClaudestratorError:
        return []


def _inside(root: str) -> list[str]:
    """The repositories one or two folders below *root*, as paths from there; hidden folders belong to tools."""
    found, folders = [], [""]
    for _ in range(2):
        below = [os.path.join(folder, name) for folder in folders for name in _folders(os.path.join(root, folder))]
        own = {path for path in below if os.path.lexists(os.path.join(root, path, ".git"))}
        found += sorted(own)
        folders = [path for path in below if path not in own]
    return found


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if _is_plain(entry)]
    except OSError:
        return []


def _is_plain(entry: "os.DirEntry[str]") -> bool:
    return not entry.name.startswith(".") and entry.name != "node_modules" and entry.is_dir(follow_symlinks=False)


@click.command("check")
@click.pass_obj
def check_verb(project: paths.Project) -> None:
    """Report what is wrong in queue, state and installation, then what is good to know; exit 1 if anything is wrong."""
    found = problems(project)
    wrong, notes = findings(project)
    found += wrong
    echo([*(found or ["nothing is wrong"]), *notes])
    sys.exit(1 if found else 0)


#: The most lines on what is wrong in the project's files.
FOUND = 200


def problems(project: Project) -> list[str]:
    """Everything wrong in queues, configuration and state, one line each, with its file and line."""
    found = [*_of_queue(project), *_of_issues(project), *refusals(lambda: state_file.read(project))]
    if os.path.lexists(project.config):
        found += config_file.problems(project)
    found += user_file.problems(project)
    if os.path.lexists(project.knowledge):
        from ..store import memory

        found += refusals(lambda: memory.read(project))
    return few(found, FOUND)


def _of_queue(project: Project) -> list[str]:
    try:
        text = project_files.read(project, project.queue)
    except ClaudestratorError as error:
        return [str(error)]
    if text is None:
        missing = prd_file.why_not(project)
        return [missing] if missing else []
    parsed = queue_file.parsed(project, text)
    wrongs = sorted(
        [*queue_problems.problems(parsed), *queue_problems.miscounted(parsed), *queue_problems.unread(parsed)]
    )
    # The rest is counted only.
    found = [f"{project.queue}:{line}: {wrong}" for line, wrong in wrongs[:FOUND]]
    found += [wrong for _, wrong in wrongs[FOUND:]]
    cut = None if text.isascii() else re.search("[\udc80-\udcff]", text)
    if cut:
        line = text.count("\n", 0, cut.start()) + 1
        found.append(f"{project.queue}:{line}: bytes that are not UTF-8; they are kept as they are")
    return found


def _of_issues(project: Project) -> list[str]:
    parsed = issue_file.parsed(project)
    found = []
    for issue in parsed.tasks:
        if len(parsed.by_id[issue.id]) > 1:
            found.append(f"{project.issues}:{issue.line}: {issue.id} occurs more than once")
        if issues.status(issue) not in issues.STATUSES:
            known = ", ".join(issues.STATUSES)
            found.append(
                f"{project.issues}:{issue.line}: {issue.id}: its status {issue.status[:40]!r} is none of {known}"
            )
    return found
