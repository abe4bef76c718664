"""Where the headings of a Markdown text are, outside code fences and comments.

Offsets count characters of the text. Nothing here is ever rendered: an edit is a splice.
The values here and in texts/queue.py are plain classes: hooks run this code, and importing typing or dataclasses for
them costs as much as reading a queue.
"""

import re
from collections.abc import Iterator

_LEFT = r"\n([ \t]*)((?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)"
_OPENING = re.compile(rf"{_LEFT}(?:(`{{3,}})[^`\n]*(?=\n|\Z)|(~{{3,}})|<!--)")
_HEADING = re.compile(r"\n {0,3}(#{1,6})(?!#)[ \t\xa0]*([^\n]*)")


class Heading:
    """One ATX heading: offset of its line, offset after its text, level 1 to 6, text without the marks."""

    __slots__ = ("end", "level", "start", "title")

    def __init__(self, start: int, end: int, level: int, title: str) -> None:
        self.start, self.end, self.level, self.title = start, end, level, title


class Hidden:
    """A code fence or comment, from *start* to *end*; *closed* is False where the text ends before it does."""

    __slots__ = ("closed", "end", "start")

    def __init__(self, start: int, end: int, *, closed: bool) -> None:
        self.start, self.end, self.closed = start, end, closed


def hidden(text: str) -> list[Hidden]:
    """The fences and the comments that begin a line, in order, by the rules of CommonMark."""
    text = _plain(text)
    if "```" not in text and "~~~" not in text and "<!--" not in text:
        return []
    spans = []
    lines = "\n" + text
    lists = _Lists(lines)
    opening = _OPENING.search(lines)
    while opening:
        column = 0 if opening[1] in _MARGINS and not opening[2] else lists.column(opening)
        if column is None:
            opening = _OPENING.search(lines, opening.end())
            continue
        end, closed = _end_of(lines, opening, column)
        lists.at = end
        # An offset in *lines* is one more than in *text*; the newline before the span is not part of it.
        spans.append(Hidden(opening.start(), end - 1, closed=closed))
        opening = _OPENING.search(lines, end)
    return spans


#: What may precede a fence outside a list.
_MARGINS = ("", " ", "  ", "   ")


class _Lists:
    """Which list items are open at a line; used only where a fence is indented or follows an item's mark."""

    def __init__(self, lines: str) -> None:
        self.lines, self.at = lines, 0
        self.columns: list[int] = []

    def column(self, opening: re.Match[str]) -> int | None:
        """Where the text of the item begins that a fence or comment belongs to; None where it is a line of code."""
        heading = self.lines.rfind("\n#", self.at, opening.start())
        if heading >= 0:
            self.at, self.columns = heading, []
        for line in re.finditer(rf"{_LEFT}(\S?)", self.lines[self.at : opening.start()]):
            if line[2] or line[3]:
                self._take(line)
        self.at = opening.start()
        own = self._take(opening)
        fits = own - (self.columns[-1] if self.columns else 0) <= 3
        return self.columns[-1] if fits and self.columns and (not opening[2] or opening[3] or opening[4]) else None

    def _take(self, line: re.Match[str]) -> int:
        """Closes the items that end above a line, and opens its own; the column of its text."""
        column = len(line[1].expandtabs(4))
        while self.columns and column < self.columns[-1]:
            self.columns.pop()
        if column - (self.columns[-1] if self.columns else 0) > 3:
            return column
        for mark in re.findall(r"\S+[ \t]+", line[2]):
            width = len(mark.expandtabs(4))
            # What is indented further is a line of code in the item.
            self.columns.append(column + (width if width - len(mark.rstrip()) <= 4 else len(mark.rstrip()) + 1))
            column += width
        return column


def _end_of(lines: str, opening: re.Match[str], column: int) -> tuple[int, bool]:
    fence = opening[3] or opening[4]
    if fence and column:
        # In a list item; there a fence ends with the item at the latest.
        marks = rf"[ \t]*{fence[0]}{{{len(fence)},}}[ \t]*(?=\r?\n|\r?\Z)"
        found = re.compile(rf"\n(?:{marks}|(?= {{0,{column - 1}}}\S))").search(lines, opening.end())
        return (found.end() if found[0] != "\n" else found.start(), True) if found else (len(lines), True)
    if fence:
        closing = re.compile(rf"\n {{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*(?=\r?\n|\r?\Z)")
        # From the end of the fence's own line, whose newline is the first that may begin a closing line.
        newline = lines.find("\n", opening.end())
        found = closing.search(lines, newline) if newline >= 0 else None
        return (found.end(), True) if found else (len(lines), False)
    at = lines.find("-->", opening.end())
    if at < 0:
        return len(lines), False
    newline = lines.find("\n", at)
    return (newline if newline >= 0 else len(lines)), True


def mask(text: str, spans: list[Hidden]) -> str:
    """*text* with everything in *spans* blanked, at the same offsets; every line's end is a newline there."""
    text = _plain(text)
    if not spans:
        return text
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], re.sub(r"[^\n]", " ", text[span.start : span.end])]
        at = span.end
    return "".join([*parts, text[at:]])


def _plain(text: str) -> str:
    """*text* at the same offsets without what hides a line's beginning: BOMs, which are in the middle too after files
    were joined, and line ends that are a lone CR."""
    if "\ufeff" in text:
        text = text.replace("\ufeff", " ")
    if "\r" in text and text.count("\r") != text.count("\r\n"):
        text = re.sub(r"\r(?!\n)", "\n", text)
    return text


def headings(masked: str) -> Iterator[Heading]:
    """The ATX headings of a masked text, in order; a missing or no-break space after the marks is accepted."""
    for match in _HEADING.finditer("\n" + masked):
        marks, title = match.groups()
        yield Heading(match.start(), match.end() - 1, len(marks), title.rstrip(" \t\r#\xa0"))


def line_of(text: str, offset: int) -> int:
    """The line, counted from 1, that contains *offset*."""
    return text.count("\n", 0, offset) + 1
