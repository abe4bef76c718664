"""The blocks of a queue's text: a section for each task, and prose."""

import re

from . import ids, markdown

_MARKS = r"(?:[^\w\n]|_|\d+[.)](?=\s))*"
_LONG_ID = re.compile(rf"{_MARKS}({ids.WORD.pattern})")
_SHORT_ID = rf"{_MARKS}([A-Za-z]+[0-9]+)(?![\w.-])"
_DIGIT = re.compile(r"\d")
#: Some write these as headings, of the same level as the task's.
_TITLES = r"(?i:objective|goal|description|acceptance criteria|acceptance|criteria|dependencies|depends on|files):?"


class Block:
    """A stretch of the text from one heading to the next that ends it; *id* is None for prose."""

    __slots__ = ("body", "end", "id", "level", "start", "title")

    def __init__(self, id_: str | None, heading: markdown.Heading, end: int) -> None:
        self.id, self.title, self.level = id_, heading.title, heading.level
        # The body begins at the newline of the heading's line, because the pattern of a field begins with one.
        self.start, self.body, self.end = heading.start, heading.end, end


def of(masked: str) -> list[Block]:
    """The blocks of a masked text, in order."""
    opened: list[tuple[str | None, markdown.Heading]] = []
    for heading in markdown.headings(masked):
        id_ = _id_of(heading.title)
        if id_ or not opened or not opened[-1][0] or _ends(opened[-1][1], heading):
            opened.append((id_, heading))
    ends = [*(heading.start - 1 for _, heading in opened[1:]), len(masked)]
    return [Block(id_, heading, end) for (id_, heading), end in zip(opened, ends)]  # noqa: B905 (one end too many for none)


def _ends(above: markdown.Heading, heading: markdown.Heading) -> bool:
    """Whether a heading without an id ends the section of the one above; a field's name of the same level does not."""
    return heading.level < above.level or (heading.level == above.level and not re.fullmatch(_TITLES, heading.title))


def _id_of(title: str) -> str | None:
    match = _LONG_ID.match(title) or re.match(_SHORT_ID, title)
    if match is None or not _DIGIT.search(match[1]) or len(match[1]) > ids.LONGEST:
        return None
    return match[1]
