"""Arguments that several verbs take; without click."""

from ..errors import UsageError


def text_of(given: str | None) -> str:
    """The text of an argument, or of standard input for `-`; "" for None."""
    from ..store import files

    return files.stdin() if given == "-" else given or ""


def refuse_others(verb: str, words: list[str], *options: str) -> None:
    """Raises UsageError for a word that is not among the *options* of a *verb* without click."""
    unknown = [word for word in words if word not in options]
    if unknown:
        usage = " ".join([verb, *(f"[{option}]" for option in options)])
        raise UsageError(f"{verb} takes no {unknown[0]!r}; usage: claudestrator-helper [--project DIR] {usage}")
