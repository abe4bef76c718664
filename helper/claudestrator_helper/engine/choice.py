"""Which engine carries out a run: chosen each time it begins or continues, by what a person asked for and by what the
session's Claude Code can do."""

from ..errors import ClaudestratorError
from ..texts.named_tuples import NamedTuple
from .config import AUTO, LEAN, MOD, MOST_FORKED, TASK


class Able(NamedTuple):
    """What the Claude Code of a session can do: whether our *mod* calls, whether forked skills run in the *background*,
    and whether hooks of ours are at work, which give each of them a *name* of its own. *lacking* says what is missing
    for skills in the background, *silent* why our mod does not call where it should be there."""

    mod: bool = False
    background: bool = False
    name: bool = False
    lacking: str = ""
    silent: str = ""


class Choice(NamedTuple):
    """*background* says whether LEAN's skills run there; *why* is for the person, "" if it was asked for by name."""

    engine: str
    background: bool = False
    why: str = ""

    def __str__(self) -> str:
        return f"engine {self.engine} ({self.why})" if self.why else ""


def choose(wish: str, parallel: int, able: Able) -> Choice:
    """The engine for *parallel* tasks at once where *wish* is configured, was typed, or is the run's own.

    A mod that has failed, or does not call in this session, is followed by the next engine.
    """
    if wish == TASK or (wish == LEAN and parallel <= most_forked(able)):
        return Choice(wish, wish == LEAN and able.background)
    if able.mod and wish in (AUTO, MOD):
        return Choice(MOD, why="the plugin itself runs the agents" if wish == AUTO else "")
    if able.background and able.name and parallel <= MOST_FORKED:
        return Choice(LEAN, background=True, why="skills in the background")
    return Choice(TASK, why=able.lacking or f"more than {MOST_FORKED} at once")


def refuse_impossible(engine: str, parallel: int, able: Able) -> None:
    """Raises ClaudestratorError if the *engine* that was typed can't carry out *parallel* tasks at once here."""
    if engine == MOD and not able.mod:
        needed = "Claudestrator as a plugin, and mods, which Claude Code has since 2.1.286: type --engine auto"
        raise ClaudestratorError(able.silent or f"--engine mod needs {needed}")
    most = most_forked(able)
    if engine == LEAN and parallel > most:
        tasks = "one task" if most == 1 else f"{most} tasks"
        way = f"leave out --engine, or type --parallel {most}"
        raise ClaudestratorError(f"the lean engine runs {tasks} at a time here: {way}")


def most_forked(able: Able) -> int:
    """How many tasks LEAN runs at once."""
    return MOST_FORKED if able.background and able.name else 1
