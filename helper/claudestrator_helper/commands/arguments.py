"""An argument that several verbs take."""


def text_of(given: str | None) -> str:
    """The text of an argument, or of standard input for `-`; "" for None."""
    from ..store import files

    return files.stdin() if given == "-" else given or ""
