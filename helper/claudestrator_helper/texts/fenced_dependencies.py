"""Dependencies that a task's section names in a code block, such as one of YAML with the task's fields."""

import re
from collections.abc import Iterator

from . import dependencies, fields, markdown
from .written_ids import Names

_FIELD = re.compile(
    r"^[ \t]*[\"']?(?:dependenc(?:y|ies)|depends[ _-]?on|blocked[ _-]?by|requires|needs)[\"']?[ \t]*[:=]"
    r"((?:[^\n]|\n[ \t]*-[ \t])*)",
    re.IGNORECASE | re.MULTILINE,
)


def found(text: str, start: int, end: int, names: Names, position: int) -> Iterator[tuple[str, tuple[int, str]]]:
    """Each id, with the offset and the text of the field that names it, for the task at *position*."""
    section = text[start:end]
    for span in markdown.hidden(section) if _FIELD.search(section) else ():
        inside = section[span.start : span.end]
        if "<!--" in inside.partition("\n")[0]:
            continue
        for match in _FIELD.finditer(inside):
            for id_ in dependencies.read(match[1], names, position)[0]:
                if names.find(id_):
                    yield id_, (start + span.start + match.start(), fields.one_line(match[0]))
