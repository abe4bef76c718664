"""The person's own configuration, ``~/.config/claudestrator/config.toml``: how they are notified.

No project's file is read for it, because it names a program to run.
"""

import os
import sys

from ..errors import ClaudestratorError, refusals
from ..texts.named_tuples import NamedTuple
from . import files
from .paths import Project

# Steps are taken in hooks, which can't afford to import typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What a person may be told of, and the key's default.
KINDS = ("done", "failed", "blocked", "question", "paused", "stopped", "finished")
_EXAMPLE = 'command = ["notify-send", "{title}", "{text}"]'


class Notify(NamedTuple):
    """The program and its arguments, empty for none, and the kinds of events that it is called for."""

    command: tuple[str, ...] = ()
    events: tuple[str, ...] = KINDS


def path() -> str:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    base = base if os.path.isabs(base) else os.path.expanduser("~/.config")
    return os.path.join(base, "claudestrator", "config.toml")


def notify(project: Project) -> Notify:
    """How the person is notified. Raises ClaudestratorError for an invalid file, and for one in the project."""
    place = path()
    if not os.path.exists(place):
        return Notify()
    if f"{os.path.realpath(place)}/".startswith(f"{os.path.realpath(project.root)}/"):
        raise ClaudestratorError(f"{place} is in the project, so nothing in it counts: point XDG_CONFIG_HOME elsewhere")
    if sys.version_info < (3, 11):
        raise ClaudestratorError(f"{place}: reading it needs Python 3.11; install that, and then Claudestrator again")
    import tomllib

    try:
        document = tomllib.loads(files.read(place) or "")
    except (ValueError, RecursionError) as error:
        raise ClaudestratorError(f"{place}: {error}; fix its TOML") from error
    table = document.get("notify", {})
    known = table if isinstance(table, dict) and set(document) <= {"notify"} else {"": None}
    if wrong := sorted(known.keys() - {"command", "events"}):
        raise ClaudestratorError(f"{place}: {wrong[0]!r:.60} means nothing; it may hold [notify] with {_EXAMPLE}")
    command: Any = known.get("command", [])
    events: Any = known.get("events", list(KINDS))
    if not _words(command):
        raise ClaudestratorError(f"{place}: notify.command has to be a list of words: {_EXAMPLE}")
    if not _words(events) or not set(events) <= {*KINDS}:
        raise ClaudestratorError(f"{place}: notify.events has to be a list of some of {', '.join(KINDS)}")
    return Notify(tuple(command), tuple(events))


def problems(project: Project) -> list[str]:
    """What is wrong with the file, as one line; empty if nothing is."""
    return refusals(lambda: notify(project))


def _words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
