"""Identifiers of tasks, issues and agents, which become file names."""

from ..errors import ClaudestratorError

LONGEST = 64

#: Words in a text that look like a task's number: letters, then parts after ``-``, ``_`` or ``.``. A match begins
#: where a word begins: if it could begin inside a word, a search would take the square of a long word's length.
WORD = r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)+"

#: The agent that turns PRD.md into tasks.
DECOMPOSITION = "decomposition"

#: Agents that do not carry out a task, by what precedes the number of their loop.
ROLES = ("research", "decomp", "verify", "memory")


def role(id_: str) -> str:
    """The role of the agent with that id; "task" for an agent that carries out a task."""
    name, _, number = id_.partition("-")
    return name if id_ == DECOMPOSITION or (name in ROLES and number.isdecimal()) else "task"


def is_id(text: str) -> bool:
    letters = text.replace(".", "").replace("_", "").replace("-", "")
    return len(text) <= LONGEST and text.isascii() and text[:1].isalnum() and letters.isalnum()


def checked(text: str) -> str:
    """*text*, known to be an id.

    Raises ClaudestratorError for anything that is not: an id names files, so it can hold no path.

    """
    if not is_id(text):
        raise ClaudestratorError(
            f"{text[:80]!r} is not an id: up to {LONGEST} letters, digits, '.', '_' and '-', no mark first"
        )
    return text


def words(text: str) -> list[str]:
    """The ids in *text*: words as above that contain a digit."""
    import re

    return [word for word in re.findall(WORD, text) if any(map(str.isdigit, word))]
