"""The pieces of a section: its fields and, outside of them, its lines, by what each may say of dependencies.

Apart from texts/queue.py for the same reason as texts/dependencies.py.
"""

import functools
import re

from .fields import pattern
from .written_ids import Names

#: What a piece of a section is: a field of dependencies, something called much like one, a field that something else
#: reads, and the rest.
NEEDS, NEARLY, READ, REST = "needs", "nearly", "read", "rest"

_NEEDS = re.compile(
    r"(?:(?:task|direct|hard|known|internal) )?"
    r"(?:dependenc(?:y|ies)|depends(?: ?on)?|dependent on|blocked ?(?:by|on)|blockers?|pre ?requisites?"
    r"|pre ?reqs?|pre ?conditions?|predecessors?|upstream(?: tasks?)?|deps)"
)
_NEARLY = re.compile(
    r"\b(?:dependenc(?:y|ies)|depends|blocked|blockers?|pre ?requisites?|predecessors?|requires?|required"
    r"|needs?|needed|after|waits?|waiting|builds? on)\b"
)
_INVERSE = re.compile(
    r"\b(?:no|not|non|reverse|soft|optional|without|(?:required|needed) by"
    r"|(?:after|by|on|for|needs?|requires?) (?:this|it))\b"
)
#: What a row of a table of dependencies is called that names none.
_ROW_OF_OTHERS = re.compile(
    r"[\s*_`]*(?:(?:un)?block(?:s|ing)|enables|unlocks|downstream|successors?|dependents?|(?:required|needed|used) by"
    r"|related(?: to| tasks?)?|parallel(?: with)?|see(?: also)?|follow(?:ed by|-?ups?))"
    r"[\s*_`:]*\Z",
    re.IGNORECASE,
)
_READ = re.compile(
    r"status|complexity|objective|goal|acceptance criteria|acceptance|criteria|files?|notes?|issue", re.IGNORECASE
)
#: A line below the value of a dependency field that is no part of it: the label of a list, or another short field.
_LABEL = (
    r"(?i)[ \t]*(?:(?:labels?|tags?|owners?|assignees?|reviewers?|priority|estimate|effort|type|area|components?)"
    r"[ \t]*[:：]|(?:ac|steps?|sub-?tasks|test(?:s|ing)?(?: plan)?|description|details|context|background|done when"
    r"|(?:definition of|success|exit) (?:done|criteria)|verification|implementation(?: notes| plan)?|technical notes"
    r"|out of scope|constraints|risks|references)[ \t]*[:：][ \t\r]*\Z)"
)
#: The only fields that have more than a paragraph or a list.
_LONG = frozenset(["notes", "note"])

# What precedes a mark can be read in one way only: in several, a line that is far indented would take the square of it.
_BULLET = r"(?=([ \t>]*))\1(?:(?=((?:[-*+•]|\d+[.)])[ \t]+(?:\[[ xX]\][ \t]+)?))\2)?"
_DECORATED = re.compile(
    rf"{_BULLET}[^\w\n|*`<\[(~-]*?(\*\*|__|\*|_|`|<b>"
    rf"|<strong>)(?:[^\w\n]|_){{0,9}}([A-Za-z][^*`<>\n:：]{{0,60}}?)[ \t*_`]{{0,8}}?([:：]?)[ \t*_`]{{0,8}}?"
    r"(?:\3|</\w+>)[ \t]*([:：=]|[-–—][ \t])?(.*)"
)
_COLON = re.compile(rf"{_BULLET}[^\w\n|<\[(~-]*?()([A-Za-z][\w /()&-]{{0,48}}?)[ \t]*()([:：=])(.*)")
_BARE = re.compile(
    rf"{_BULLET}[^\w\n|<\[(~-]*?()(dependenc(?:y|ies)|depends[ _-]?on|dependent on|blocked[ _-]?by|requires"
    rf"|needs|after|prerequisites?)\b()()(.*)",
    re.IGNORECASE,
)
_MARK, _SEPARATOR = re.compile("[*_`<]"), re.compile("[:：=]")
_HEADING = re.compile(r" {0,3}#{1,6}(?!#)[ \t\xa0]*")
_RULE = re.compile(r" {0,3}(?:-{3,}|\*{3,}|_{3,})[ \t]*\Z")
_DIGIT, _DIGITS = re.compile("[0-9]"), frozenset("0123456789")
_MENTION = re.compile(r"(?<![\w./@#-])[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*(?![\w/-])")


class Piece:
    """A field's value, or a line that belongs to no field: its kind, offset and text."""

    __slots__ = ("kind", "start", "text")

    def __init__(self, kind: str, start: int, text: str) -> None:
        self.kind, self.start, self.text = kind, start, text


def mentioned(line: str, names: Names) -> list[str]:
    """The ids of tasks in a line of prose."""
    if not _DIGIT.search(line):
        return []
    found = []
    for word in _MENTION.findall(line):
        id_ = names.find(word) if _DIGIT.search(word) else None
        if id_ and (id_ in names.places or "-" in word):
            found.append(id_)
    return found if len(found) < 2 else list(dict.fromkeys(found))


def kind_of(label: str) -> str:
    """What kind of field is called *label*; no field's name ends with a number."""
    return REST if label[-1:] in _DIGITS else _kind_of(label)


@functools.lru_cache(1000)
def _kind_of(label: str) -> str:
    words = " ".join(pattern(r"\([^()]*\)|\A\W*\d+[.)]|[^\w\s]|_").sub(" ", label.lower()).split())
    if _READ.fullmatch(words):
        return READ
    if _INVERSE.search(words):
        return REST
    return (
        NEEDS
        if _NEEDS.fullmatch(words)
        else NEARLY
        if _NEARLY.search(words) and not pattern(r"\d").search(words)
        else REST
    )


def pieces(text: str, masked: str, start: int, end: int, names: Names) -> list[Piece]:
    walk = _Walk(text, masked, names)
    at = start
    for line in masked[start:end].split("\n"):
        walk.line(at, line.rstrip("\r"))
        at += len(line) + 1
    walk.close(min(at, end))
    return walk.found


def _bulleted(line: str) -> tuple[int, bool]:
    """How far a line is indented, and whether it begins a list's item."""
    match = pattern(_BULLET).match(line)
    return (len(match[1].expandtabs()), match[2] is not None) if match else (0, False)


class _Walk:
    """Goes through a section line by line and keeps in mind which field it is in."""

    def __init__(self, text: str, masked: str, names: Names) -> None:
        self.text, self.masked, self.names = text, masked, names
        self.found: list[Piece] = []
        self.open(REST, 0, heading=False, indent=None)

    def open(
        self, kind: str, value: int, *, heading: bool, indent: int | None, inline: bool = False, long: bool = False
    ) -> None:
        """Begins a field whose value begins at that offset; *indent* is the indent of the list item it is in."""
        self.kind, self.value, self.heading = kind, value, heading
        self.indent, self.inline, self.long = indent, inline, long
        self.blank = self.listed = False
        self.empty = not inline

    def close(self, at: int) -> None:
        if self.kind == REST:
            return
        if self.kind in (NEEDS, NEARLY):
            self.found.append(Piece(self.kind, self.value, self.text[self.value : at]))
        else:
            start = self.value
            for line in self.masked[start:at].split("\n"):
                self.found.append(Piece(READ, start, line))
                start += len(line) + 1
        self.open(REST, at, heading=False, indent=None)

    def line(self, at: int, line: str) -> None:
        row = line.lstrip(" ")
        heading = _HEADING.match(line) if row.startswith("#") else None
        if not row or row.isspace():
            self.blank = True
        elif heading:
            self._heading(at, at + heading.end(), line[heading.end() :].rstrip(" \t#\xa0"))
        elif row.startswith("|") and self.kind in (NEEDS, NEARLY) and self.empty:
            self._table(at, line)
        elif row.startswith("|"):
            self._row(at, at + line.index("|") + 1, row.strip().strip("|"))
        elif row[0] in "-*_" and _RULE.match(line):
            self.close(at)
        else:
            self._text(at, line)

    def _row(self, at: int, start: int, inside: str) -> None:
        self.close(at)
        cells = pattern(r"(?<!\\)\|").split(inside) if "\\" in inside else inside.split("|")
        kind = kind_of(cells[0])
        if kind in (NEEDS, NEARLY):
            # A third cell may be a remark, as it may be after a status.
            told = [cell for at, cell in enumerate(cells[1:]) if not at or mentioned(cell, self.names)]
            self.found.append(Piece(kind, start, "\n- ".join(["", *told])))
        else:
            self.found += [Piece(kind, start, cell) for cell in cells]

    def _table(self, at: int, line: str) -> None:
        """A row below the name of a dependency field: the cells with ids are its items, unless its first cell is
        called as what is none."""
        first, _, rest = line.strip().strip("|").partition("|")
        if _ROW_OF_OTHERS.match(first):
            self.found.append(Piece(REST, at + line.index(rest), rest))
            self.value = at + len(line)
            return
        told = [cell for cell in line.split("|") if mentioned(cell, self.names)]
        self.found += [Piece(self.kind, at, "\n- ".join(["", *told]))] if told else []
        self.value = at + len(line)

    def _heading(self, at: int, start: int, title: str) -> None:
        self.close(at)
        label, colon, value = title.partition(":")
        kind = kind_of(label)
        if kind == REST:
            self.found.append(Piece(REST, start, title))
        self.open(kind, start + len(label) + len(colon), heading=True, indent=None, inline=bool(value.strip()))

    def _text(self, at: int, line: str) -> None:
        labelled = self._labelled(line)
        if labelled:
            kind, match = labelled
            self.close(at)
            indent = len(match[1].expandtabs()) if match[2] else None
            long, inline = match[4].lower() in _LONG, bool(match[7].strip())
            self.open(kind, at + match.start(7), heading=False, indent=indent, inline=inline, long=long)
        elif self._goes_on(line):
            self.listed = self.listed or _bulleted(line)[1]
            self.empty = self.blank = False
            return
        elif self.kind != REST:
            self.close(at)
        if self.kind == REST:
            self.found.append(Piece(REST, at, line))

    def _goes_on(self, line: str) -> bool:
        """Whether an unlabelled line belongs to the field that is open."""
        if self.kind == REST or (self.inline and pattern(_LABEL).match(line)):
            return False
        indent, bullet = _bulleted(line)
        if bullet and self.inline and self.indent is not None and indent <= self.indent:
            return False
        if self.kind == READ and (self.long or bullet):
            return True
        return not self.blank or self.heading or self.empty or (self.listed and (bullet or indent > 0))

    def _labelled(self, line: str) -> tuple[str, re.Match[str]] | None:
        """The kind of field that a line begins, if any, and the match: indent, bullet, mark, name, value."""
        # Most lines have no mark, which is soon seen.
        match = _DECORATED.match(line) if _MARK.search(line) else None
        if match and not self.names.find(match[4].strip()):
            kind, named = kind_of(match[4]), bool(match[5] or match[6] or not match[7].strip())
            inner = bool(match[2]) and kind == REST and (self.kind == READ or not self.inline) and self.indent is None
            inner = inner and self.kind != REST
            if not inner and (named or kind in (NEEDS, NEARLY)) and (match[3] in ("**", "__") or kind != REST):
                return kind, match
            if inner:
                return None
        match = _COLON.match(line) if _SEPARATOR.search(line) else None
        if match and kind_of(match[4]) != REST and (self.kind != READ or not match[2] or self._named_first(match[7])):
            return kind_of(match[4]), match
        match = _BARE.match(line)
        if match and (self._named_first(match[7]) or (not match[7].strip() and not match[2])):
            return (kind_of(match[4]), match) if self.kind != READ or kind_of(match[4]) == NEEDS else None
        return None

    def _named_first(self, value: str) -> bool:
        word = _MENTION.search(value[:80])
        known = word and not pattern(r"\w").search(value[: word.start()]) and self.names.find(word[0])
        return bool(known) or pattern(r"(?i)\W*(?:all|none|no|tasks?)\b|[ \t]*#\d").match(value) is not None
