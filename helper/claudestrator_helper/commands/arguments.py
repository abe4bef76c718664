"""Arguments that several verbs take; without click."""

import sys

from ..errors import ClaudestratorError, UsageError

#: Bytes taken from standard input, far more than host.COMMAND_LIMIT.
STDIN_LIMIT = 1_000_000


def text_of(given: str | None) -> str:
    """The text of an argument, or of standard input for `-`; "" for None."""
    return stdin() if given == "-" else given or ""


def stdin() -> str:
    """Standard input as text. Raises ClaudestratorError for more than STDIN_LIMIT bytes."""
    data = sys.stdin.buffer.read(STDIN_LIMIT + 1)
    if len(data) > STDIN_LIMIT:
        raise ClaudestratorError(f"standard input holds more than {STDIN_LIMIT:,} bytes: send it in several calls")
    return data.decode("utf-8", "surrogateescape")


def refuse_others(verb: str, words: list[str], *options: str) -> None:
    """Raises UsageError for a word that is not among the *options* of a *verb* without click."""
    unknown = [word for word in words if word not in options]
    if unknown:
        usage = " ".join([verb, *(f"[{option}]" for option in options)])
        raise UsageError(f"{verb} takes no {unknown[0]!r}; usage: claudestrator-helper [--project DIR] {usage}")
