"""What several verbs take."""


def text_of(given: str | None) -> str:
    from ..store import files

    return files.stdin() if given == "-" else given or ""
