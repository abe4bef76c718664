"""A typed `/orchestrate`: where its words are, and what they begin.

No shell ever parses the words. The hook on the command brings them; where no hook runs, they are in the session's
transcript, which Claude Code writes once the command's own text is complete (measured on 2.1.329). So `start` answers
WAIT there, and the `wait` that follows reads them.
"""

import json
import os
import time
from collections.abc import Callable

from ..accounts import session_files
from ..engine import begin_run, options
from ..errors import ClaudestratorError
from ..run import ownership, polling, steps
from ..setup import preflight
from ..store import state_file, typed_command
from ..store.paths import Project
from ..system import processes
from ..texts import directives
from ..texts.directives import DRY_RUN, STOP, WAIT, Directive, Reply

#: Seconds within which Claude Code has written down what was typed.
_PATIENCE = 10.0
_NAMES = ("<command-name>/orchestrate</command-name>", "<command-name>/claudestrator:orchestrate</command-name>")
_ARGS = "<command-args>", "</command-args>"


def start(project: Project, session: str, given: list[str] | None, commands: str) -> list[str]:
    """The lines of `start`; *given* are the words that it was called with, None for those that a person typed."""
    return _answered(lambda: _start(project, session, given, commands))


def go_on(project: Project, session: str) -> list[str]:
    """The lines of a `wait` after a `start` that could not know the words; none for any other.

    Raises ClaudestratorError for one that isn't the orchestrator's own call.

    """
    current = state_file.read(project)
    if typed_command.read(project, session).offset >= 0:
        return _answered(
            lambda: _said(_begin(project, session, _written(session, typed_command.take(project, session).offset)))
        )
    caller = ownership.caller(current, session or current.session, processes.current())
    if current.hooked and begin_run.whose(current, caller, int(time.time())) == begin_run.OURS:
        typed_command.admit(project)
    return []


def _answered(reply: Callable[[], Reply]) -> list[str]:
    # A command in a slash command that exits otherwise takes the whole slash command with it.
    try:
        return reply().printed()
    except ClaudestratorError as error:
        return [directives.stop(str(error)).line()]


def _start(project: Project, session: str, given: list[str] | None, commands: str) -> Reply:
    preflight.refuse_unknown(given or [], commands)
    seen = typed_command.take(project, session) if session else typed_command.Asking()
    if seen.words is None and (_has_run(project, session) or (seen.mode and given is not None)):
        raise ClaudestratorError("only a typed `/orchestrate` starts a run here, and only once: type it again")
    if given is None and seen.words is None and commands:
        path = session_files.transcript(session)
        typed_command.note(project, session, "", words=None, offset=os.path.getsize(path) if path else 0)
        return Reply(preflight.note(project, session, commands), [Directive(WAIT)])
    typed = (seen.words or "").split() if given is None else given
    reply = _begin(project, session, typed, commands)
    reply = _said(reply) if given is None else reply
    begun = any(each.kind != STOP for each in reply.directives)
    return reply._replace(lines=[*preflight.note(project, session, commands), *reply.lines]) if begun else reply


def _said(reply: Reply) -> Reply:
    """The same without the directive of a plan, because the orchestrator says no other lines than that, and nobody
    sees them where a command's own text is made."""
    is_plan = reply.lines and reply.directives == [DRY_RUN]
    return Reply([*reply.lines, DRY_RUN.sentence], []) if is_plan else reply


def _has_run(project: Project, session: str) -> bool:
    """Whether a run of that session has seen our hooks at work."""
    current = state_file.read(project)
    return current.unfinished and current.hooked and current.session == session


def _begin(project: Project, session: str, typed: list[str], commands: str = "") -> Reply:
    preflight.refuse_unknown(typed, commands)
    asked = options.understood(typed)
    if asked.instead:
        return _instead(project, asked.instead)
    if asked.dry_run:
        from ..run import plan

        return plan.plan(project, typed)
    if not session:
        raise ClaudestratorError("a run starts in Claude Code: type /orchestrate there, or --dry-run here for the plan")
    return steps.start(project, session, typed)


def _instead(project: Project, what: str) -> Reply:
    from . import status

    if what == options.STOP:
        return Reply([], [directives.stop(steps.stop(project))])
    return Reply(status.status(project) if what == options.STATUS else options.usage(), [])


def _written(session: str, offset: int) -> list[str]:
    """The words of the command in that session's transcript, after *offset*.

    Raises ClaudestratorError where none comes.

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
        lines = [line for line in file if b"<command-name>" in line]
    return [args for line in lines if (args := _of_line(line)) is not None]


def _of_line(line: bytes) -> str | None:
    """What was typed after `/orchestrate`, by the line of the transcript that a typed command leaves."""
    try:
        entry = json.loads(line)
        content = entry["message"]["content"] if entry["type"] == "user" and not entry.get("isMeta") else ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    head, _, args = content.partition(_ARGS[0]) if isinstance(content, str) else ("", "", "")
    is_typed = head.startswith("<command-") and any(name in head for name in _NAMES)
    return args.rpartition(_ARGS[1])[0] if is_typed else None
