"""The sections of a queue's text: where each begins and ends, and its fields."""

import re
from collections.abc import Iterator

from . import fields, ids, markdown, statuses
from .models import BY_COMPLEXITY
from .once import once

STATUS = "Status"
COMPLEXITY = "Complexity"
OBJECTIVE = "Objective|Goal"
CRITERIA = "Acceptance Criteria|Acceptance|Criteria"
DEPENDENCIES = "Dependencies|Dependency|Depends on|Depends-on|DependsOn|Depends|Blocked by|Prerequisites"
FILES = (
    "Files|File|Files to create|Files to modify|Files to change|Files to edit|Files to touch|Affected files"
    "|Files affected|Modified files|New files"
)
NOTES = "Notes|Note"
GATE = "Gate|Gates"
ANY_FIELD = f"{STATUS}|{COMPLEXITY}|{OBJECTIVE}|{CRITERIA}|{DEPENDENCIES}"

_MARKS = r"(?:[^\w\n]|_|\d+[.)](?=\s))*"
_LONG_ID = re.compile(rf"{_MARKS}({ids.WORD})")
_SHORT_ID = rf"{_MARKS}([A-Za-z]+[0-9]+)(?![\w.-])"
#: A status in a line without emphasis, or in a bold one without colon.
BARE_STATUS = (
    r"(?i)(?:\n {0,3}(?:[-*+][ \t]+)?|[|·•][ \t]*(?=\*\*))"
    r"(?:[*_`]{0,2}status[*_`]{0,2}[ \t]*[:：][*_`]{0,2}|\*\*status\*\*)[ \t]+"
    r"([^\s|][^\n|·•]*)"
)
#: Ids of groups, which may have a status of their own.
GROUPS = r"(?i)(?:phase|group|sprint|milestone|epic|week|day|stage|part|section|chapter|release|version|iteration)\b"
#: Complexity in a line of several fields, or without emphasis.
_COMPLEXITY = (
    r"(?i)(?:\n[ \t>]*(?:[-*+][ \t]+|#{2,6}[ \t]+)?|[|·•;,/][ \t]*)[*_`]{0,3}complexity[*_`]{0,3}[ \t]*"
    rf"(?:[:：=]|\n)[*_`\s]{{0,9}}({'|'.join(BY_COMPLEXITY)})\b"
)
_DIGIT = re.compile(r"\d")
_STATUS_ROW = "\n| Status | "
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
    found: list[Block] = []
    above: Block | None = None
    for heading in markdown.headings(masked):
        id_ = _id_of(heading.title)
        if id_ or above is None or not above.id or _ends(above, heading):
            if above:
                above.end = heading.start - 1
            above = Block(id_, heading, len(masked))
            found.append(above)
    return found


def _ends(above: Block, heading: markdown.Heading) -> bool:
    """Whether a heading without an id ends the section of the one above; a field's name of the same level does not."""
    return heading.level < above.level or (heading.level == above.level and not re.fullmatch(_TITLES, heading.title))


def _id_of(title: str) -> str | None:
    # Most titles have no number, which is soon seen.
    match = (_LONG_ID.match(title) or fields.pattern(_SHORT_ID).match(title)) if _DIGIT.search(title) else None
    if match is None or not _DIGIT.search(match[1]) or len(match[1]) > ids.LONGEST:
        return None
    return match[1]


class Section:
    """A block's fields, read from the text when they are asked for."""

    def __init__(self, source: str, masked: str, block: Block) -> None:
        self.source, self.masked, self.block = source, masked, block
        self.id = block.id or ""

    def span(self, names: str) -> fields.Span | None:
        return fields.find(self.masked, self.block.body, self.block.end, names)

    def text(self, names: str) -> str:
        return next((self.source[start:end] for start, end in self._spans(names)), "")

    def _spans(self, names: str) -> Iterator[fields.Span]:
        if not fields.anywhere(self.masked, names):
            return iter(())
        return fields.every(self.masked, self.block.body, self.block.end, names, f"{ANY_FIELD}|{FILES}|{NOTES}|{GATE}")

    def _paragraph(self, names: str) -> str:
        span = self.span(names) if fields.anywhere(self.masked, names) else None
        if span is None:
            return ""
        span = fields.first_paragraph(self.masked, span)
        return self.source[span[0] : span[1]]

    @once
    def status_span(self) -> fields.Span | None:
        if self.block.body >= self.block.end:
            return None
        plain = self._plain_status()
        span = plain or self.span(STATUS)
        if span is None:
            return self._bare_status()
        return plain or self._status_at(fields.first_line(self.masked, span))

    def _plain_status(self) -> fields.Span | None:
        """The same for a row as the helper writes it, without the pattern that takes longest of all of `next-task`."""
        row = self.masked.find(_STATUS_ROW, self.block.body, self.block.end)
        if row < 0 or "status" in self.masked[self.block.body : row].lower():
            return None
        start = row + len(_STATUS_ROW)
        end = self.masked.find(" |", start, self.block.end)
        return (start, end) if self.masked[start : max(start, end)].isidentifier() else None

    def _bare_status(self) -> fields.Span | None:
        """A known status in a line without emphasis, or a bold one without colon, where there is no such field."""
        if not self.id or fields.pattern(GROUPS).match(self.id):
            return None
        found = fields.pattern(BARE_STATUS).search(self.masked, self.block.body, self.block.end)
        if not found:
            return None
        span = fields.stripped(self.masked, *found.span(1))
        return span if statuses.normalise(self.source[slice(*span)]) in statuses.MOVES else None

    def _status_at(self, span: fields.Span) -> fields.Span:
        """*span*, or the end of the field's name where no value or a paragraph that is no status follows it."""
        name = self.block.body + len(self.masked[self.block.body : span[0]].rstrip())
        between = self.masked[name : span[0]]
        if span[0] == span[1]:
            empty = "\r" in between or "\n" in between
        else:
            value = self.source[span[0] : span[1]]
            empty = between.count("\n") > 1 and statuses.normalise(value) not in statuses.MOVES
        return (name, name) if empty else span

    @once
    def status(self) -> str:
        """One of the five statuses, or the raw word."""
        span = self.status_span
        return statuses.normalise(self.source[span[0] : span[1]]) if span else ""

    @property
    def unblocks(self) -> bool:
        """Whether what depends on it may run."""
        if self.status != statuses.SKIPPED or self.status_span is None:
            return self.status == statuses.COMPLETED
        return statuses.unblocks(self.source[slice(*self.status_span)])

    @once
    def complexity(self) -> str:
        """Easy, normal or complex, or the raw word; normal where none is given."""
        words = self._paragraph(COMPLEXITY).strip("*_` ").split()
        if not words:
            found = fields.anywhere(self.masked, COMPLEXITY) and fields.pattern(_COMPLEXITY).search(
                self.masked, self.block.body, self.block.end
            )
            return found[1].lower() if found else "normal"
        return words[0].lower() if words[0].lower() in BY_COMPLEXITY else fields.one_line(" ".join(words))

    @property
    def objective(self) -> str:
        """One line; the title after the id if the task has no Objective."""
        written = self._paragraph(OBJECTIVE) or ("" if self.span(OBJECTIVE) else self._named(OBJECTIVE))
        return fields.one_line(written) or self.title

    def _named(self, names: str) -> str:
        """The first paragraph below a heading or line that is called so."""
        from . import labelled

        span = next(labelled.named(self.masked, self.block.body, self.block.end, names), None)
        return self.source[slice(*fields.first_paragraph(self.masked, span))] if span else ""

    @property
    def title(self) -> str:
        return fields.one_line(self.block.title.split(self.id, 1)[-1].lstrip(" :：.-–—*`_)]"))

    @property
    def criteria(self) -> list[str]:
        from . import labelled

        found = [item for span in self._spans(CRITERIA) for item in labelled.items(self.source, self.masked, span)]
        return found or self._listed(labelled.CRITERIA, alike=True)

    def _listed(self, names: str, others: str = "", *, alike: bool = False) -> list[str]:
        """The items below headings or lines that are called so; see labelled.named and labelled.items."""
        from . import labelled

        spans = labelled.named(self.masked, self.block.body, self.block.end, names, alike=alike)
        return [item for span in spans for item in labelled.items(self.source, self.masked, span, others)]

    @property
    def files(self) -> list[str]:
        """Paths; text that is not a path is kept as it is."""
        texts = fields.lists(self.masked, self.block.body, self.block.end, FILES, continued=True)
        if not texts:
            from . import labelled

            texts = self._listed(labelled.FILES, "acceptance criteria|success criteria")
        if not texts:
            return []
        from . import overlap

        return overlap.paths("\n- ".join(texts))

    @property
    def notes(self) -> str:
        return self.text(NOTES)

    @property
    def gate(self) -> list[str]:
        """Commands that have to pass before the task is done; a backtick at either end is Markdown's."""
        has_gate = fields.anywhere(self.masked, GATE) and self.span(GATE)
        found = fields.lists(self.masked, self.block.body, self.block.end, GATE) if has_gate else []
        texts = (item.strip("`").strip() for text in found for item in fields.items(text))
        return [text for text in texts if text and text.lower() != "none"]

    @property
    def section(self) -> str:
        """All that is written of the task, from its heading on."""
        return self.source[self.block.start : self.block.end].strip()
