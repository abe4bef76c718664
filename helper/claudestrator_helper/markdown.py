"""Where the headings of a Markdown text are, outside code fences and comments.

Offsets count characters of the text. Nothing here is ever rendered: an edit is a splice.
The values here and in queue.py are plain classes: hooks run this code, and importing typing or dataclasses for them
costs as much as reading a queue.
"""

import re

_OPENING = re.compile(r"\n {0,3}(?:(`{3,})[^`\n]*(?=\n|\Z)|(~{3,})|<!--)")
_HEADING = re.compile(r"\n {0,3}(#{1,6})(?!#)[ \t\xa0]*([^\n]*)")


class Heading:
    """One ATX heading: offset of its line, offset behind its text, level 1 to 6, text without the marks."""

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
    opening = _OPENING.search(lines)
    while opening:
        end, closed = _end_of(lines, opening)
        # An offset in *lines* is one more than in *text*; the newline before the span is not part of it.
        spans.append(Hidden(opening.start(), end - 1, closed=closed))
        opening = _OPENING.search(lines, end)
    return spans


def _end_of(lines: str, opening: re.Match[str]) -> tuple[int, bool]:
    fence = opening[1] or opening[2]
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
    """*text* at the same offsets without what hides a line's beginning: BOMs, which stand in the middle too once files
    were joined, and line ends that are a lone CR."""
    if "\ufeff" in text:
        text = text.replace("\ufeff", " ")
    if "\r" in text and text.count("\r") != text.count("\r\n"):
        text = re.sub(r"\r(?!\n)", "\n", text)
    return text


def headings(masked: str) -> list[Heading]:
    """The ATX headings of a masked text, in order; a missing or no-break space behind the marks is forgiven."""
    found = []
    for match in _HEADING.finditer("\n" + masked):
        marks, title = match.groups()
        found.append(Heading(match.start(), match.end() - 1, len(marks), title.rstrip(" \t\r#\xa0")))
    return found


def line_of(text: str, offset: int) -> int:
    """The line, counted from 1, on which *offset* stands."""
    return text.count("\n", 0, offset) + 1
