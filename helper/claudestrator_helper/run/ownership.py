"""Who has the run on disk, and who calls: what engine/begin_run.py asks of the machine."""

import os
from collections.abc import Mapping

from .. import host
from ..engine import begin_run, choice, state
from ..errors import ClaudestratorError
from ..store.paths import PLUGIN
from ..system import processes


def caller(
    current: state.State, session: str, process: str = "", *, hooked: bool = False, mod: str = ""
) -> begin_run.Caller:
    """Who calls, whether the process that has the run lives, and what Claude Code can do in the calling session. *mod*
    is the digest of a calling mod's key."""
    lives = processes.alive(current.owner.process) if current.owner.process else None
    can = able(os.environ, hooked=hooked)._replace(mod=bool(mod), silent=_silent(current, process, os.environ))
    return begin_run.Caller(session, process, hooked, lives, mod, can)


def _silent(current: state.State, process: str, environ: Mapping[str, str]) -> str:
    """Why a mod that should be there left it to the model to begin; "" where none should be there."""
    if PLUGIN not in environ or host.release(environ) is None or host.lacks(environ, host.MODS):
        return ""
    if current.unfinished and process and process == current.owner.process:
        # Agents are below that process, too, and no key tells the mod from them.
        return (
            "the mod can't take over a run that its own session's model relays: type `/orchestrate stop`, and this "
            "again once it has stopped"
        )
    return "Claude Code has not loaded the plugin's mod, and said why at its start: type --engine auto"


def able(environ: Mapping[str, str], *, hooked: bool) -> choice.Able:
    """What the session of *environ* can do, which only its release and its kind tell."""
    if environ.get(host.ENTRY) != host.INTERACTIVE or environ.get(host.ATTENDED) == "0":
        # A skill blocks the conversation there, and nothing ends one that hangs.
        lacking = "no terminal"
    elif host.lacks(environ, host.BACKGROUND_SKILLS):
        lacking = f"Claude Code {'.'.join(map(str, host.release(environ) or ()))}"
    elif environ.get(host.NO_BACKGROUND):
        lacking = host.NO_BACKGROUND
    else:
        return choice.Able(background=True, name=hooked, lacking="" if hooked else "no hooks")
    return choice.Able(lacking=lacking)


def admitted(current: state.State, session: str, process: str, now: int) -> str:
    """Whose the run is, OURS or FREE. Raises ClaudestratorError where another session is at work on it."""
    found = begin_run.whose(current, caller(current, session or current.owner.session, process), now)
    if found == begin_run.TAKEN:
        raise ClaudestratorError(
            "another session has this run: continue there, or take it back with `/orchestrate --takeover`"
        )
    refuse_foreign(current, session, process)
    return found


def refuse_foreign(current: state.State, session: str, process: str = "") -> None:
    """Raises ClaudestratorError for a run to continue if nothing shows that it began here, as when its state
    came with a repository. No one else knows a session's id and a process; of runs that older versions left, only
    those since the machine was started are known.

    """
    if not (current.unfinished or current.status == state.STOPPED) or (session and session == current.owner.session):
        return
    if process and process == current.owner.process:
        return
    if not processes.began(current.run, current.owner.origin, current.owner.process):
        raise ClaudestratorError(
            "the run here was begun on another machine or by another user: `/orchestrate --takeover` continues it "
            "all the same; to begin anew, delete session_state.md"
        )
