"""A typed `/orchestrate`: where its words are, and what they begin.

No shell ever parses the words. The hook on the command brings them. Without hooks they are in the session's transcript,
which Claude Code writes once the command's own text is complete (measured on 2.1.329); so `start` answers WAIT, and the
`wait` that follows reads them.
"""

import json
import os
import time
from collections.abc import Callable

from .. import host
from ..accounts import session_files
from ..engine import begin_run, choice, options
from ..engine.config import MOD
from ..errors import ClaudestratorError
from ..run import ownership, polling, steering, steps
from ..setup import preflight
from ..store import state_file, typed_command
from ..store.paths import Project
from ..system import processes
from ..texts import directives, fields
from ..texts.directives import DRY_RUN, STOP, WAIT, Directive, Reply

#: Seconds within which Claude Code writes what was typed into the transcript.
_PATIENCE = 10.0
_NAMES = tuple(map(host.COMMAND_NAMED.format, ("orchestrate", "claudestrator:orchestrate")))


def start(project: Project, session: str, given: list[str] | None, commands: str) -> list[str]:
    """The lines that `start` prints. *given* are the words of its call, or None for the words that a person typed."""
    return _answered(lambda: _start(project, session, given, commands))


def after_start(project: Project, session: str) -> list[str]:
    """The lines of a `wait` that follows a `start` without words; empty for any other `wait`.

    Raises ClaudestratorError for a call that is not the orchestrator's own.

    """
    current = state_file.read(project)
    caller = ownership.caller(current, session or current.owner.session, processes.current())
    guarded = current.owner.hooked and begin_run.whose(current, caller, int(time.time())) == begin_run.OURS
    if guarded and current.engine == MOD:
        raise ClaudestratorError("Claude Code carries out this run itself: end here, nothing is to be done")
    admitted = guarded and typed_command.admit(project)
    if typed_command.read(project, session).offset >= 0:
        try:
            typed = _written(session, typed_command.take(project, session).offset)
            return _answered(lambda: _said(begin(project, session, typed)))
        except ClaudestratorError as error:
            # Where hooks are at work, it was an agent that called `start`.
            if not admitted:
                return [f"STOP {error}"]
    if guarded and not admitted:
        raise ClaudestratorError(
            "only the orchestrator's own call of exactly `claudestrator-helper wait` waits here, and agents end with "
            "their report; where hooks were switched off, type /orchestrate again"
        )
    return []


def _answered(reply: Callable[[], Reply]) -> list[str]:
    # If a command inside a slash command exits with an error, Claude Code drops the whole slash command.
    try:
        return reply().printed()
    except ClaudestratorError as error:
        return [directives.stop(fields.cut(str(error), fields.LINE)).line()]


def _start(project: Project, session: str, given: list[str] | None, commands: str) -> Reply:
    preflight.refuse_unknown(given or [], commands)
    seen = typed_command.take(project, session) if session else typed_command.Asking()
    if given is None and seen.words is None and commands:
        path = session_files.transcript(session)
        typed_command.note(project, session, "", words=None, offset=os.path.getsize(path) if path else 0)
        return Reply(preflight.note(project, session, commands), [Directive(WAIT)])
    is_plain = given is not None
    if seen.words is None and (_has_run(project, session, is_plain=is_plain) or (seen.mode and is_plain)):
        raise ClaudestratorError("only a typed `/orchestrate` starts a run here, and only once: type it again")
    typed_command.unguard(project)
    typed = (seen.words or "").split() if given is None else given
    reply = begin(project, session, typed, commands)
    reply = _said(reply) if given is None else reply
    begun = any(each.kind != STOP for each in reply.directives)
    return reply._replace(lines=[*_noted(project, session, commands), *reply.lines]) if begun else reply


def _noted(project: Project, session: str, commands: str) -> list[str]:
    """The first line: the engine, if it was chosen for the person, and what will go wrong."""
    engine = ""
    if session == os.environ.get(host.SESSION_ID):
        current = state_file.read(project)
        able = ownership.able(os.environ, hooked=current.owner.hooked)
        engine = str(choice.choose(current.wish, current.parallel, able))
    said = [*([f"note: {engine}"] if engine else []), *preflight.note(project, session, commands)]
    return ["; ".join([*said[:1], *(line.removeprefix("note: ") for line in said[1:])])] if said else []


def _said(reply: Reply) -> Reply:
    """The reply without the directive of a plan: the orchestrator would say only that line, and no one sees the others,
    because they are part of the command's own text."""
    is_plan = reply.lines and reply.directives == [DRY_RUN]
    return Reply([*reply.lines, DRY_RUN.sentence], []) if is_plan else reply


def _has_run(project: Project, session: str, *, is_plain: bool) -> bool:
    """Whether the session has an unfinished run in which our hooks have worked. A *plain* call, with the words, may be
    that of an agent's job that outlives the run."""
    current = state_file.read(project)
    is_below = processes.below(current.owner.process)
    if not current.unfinished:
        return is_plain and current.owner.hooked and is_below
    return current.owner.hooked and (current.owner.session == session or is_below)


def begin(project: Project, session: str, typed: list[str], commands: str = "") -> Reply:
    """What the words *typed* after `/orchestrate` come to. Raises ClaudestratorError for a refusal."""
    preflight.refuse_unknown(typed, commands)
    asked = options.understood(typed)
    if asked.instead:
        return _instead(project, asked.instead)
    if asked.dry_run:
        from ..run import plan

        return plan.plan(project, typed)
    if not session:
        raise ClaudestratorError("a run starts in Claude Code: type /orchestrate there, or --dry-run here for the plan")
    from ..run.live_report import LiveReport

    return LiveReport(project).ended(steps.start(project, session, typed))


def _instead(project: Project, what: str) -> Reply:
    from . import status

    if what == options.STOP:
        return Reply([], [directives.stop(steering.stop(project, now=True))])
    return Reply(status.status(project) if what == options.STATUS else options.usage(), [])


def _written(session: str, offset: int) -> list[str]:
    """The words of the command that the session's transcript holds after *offset*, in bytes.

    Raises ClaudestratorError if no command appears there in time.

    """
    found: list[str] = []

    def look() -> bool:
        path = session_files.transcript(session)
        found.extend(_args(path, offset)[:1] if path else ())
        return bool(found)

    if not polling.wait_until(look, _PATIENCE, time.sleep, time.monotonic):
        why = "neither a hook nor a transcript says what was typed"
        raise ClaudestratorError(f"{why}: let Claudestrator's hooks run, or keep sessions, and type /orchestrate again")
    return found[0].split()


def _args(path: str, offset: int) -> list[str]:
    with open(path, "rb") as file:
        file.seek(offset)
        lines = [line for line in file if host.COMMAND.encode() in line]
    return [args for line in lines if (args := _of_line(line)) is not None]


def _of_line(line: bytes) -> str | None:
    """What was typed after `/orchestrate`, if this line of a transcript is a typed command."""
    try:
        entry = json.loads(line)
        content = entry["message"]["content"] if entry[host.KIND] == host.USER and not entry.get(host.META) else ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    head, _, args = content.partition(host.COMMAND_WORDS[0]) if isinstance(content, str) else ("", "", "")
    is_typed = head.startswith(host.COMMAND) and any(name in head for name in _NAMES)
    return args.rpartition(host.COMMAND_WORDS[1])[0] if is_typed else None
