"""Where a section says what its task depends on, whatever the field is called, and which of its lines nothing reads.

Apart from texts/queue.py for the same reason as texts/dependencies.py.
"""

import functools
import re

from . import dependencies, fields
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
_READ = re.compile(
    r"status|complexity|objective|goal|acceptance criteria|acceptance|criteria|files?|notes?|issue", re.IGNORECASE
)
#: The only fields that have more than a paragraph or a list.
_LONG = frozenset(["notes", "note"])

_BULLET = r"([ \t>]*)((?:[-*+•]|\d+[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)?"
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
_HEADING = re.compile(r" {0,3}#{1,6}(?!#)[ \t\xa0]*")
_RULE = re.compile(r" {0,3}(?:-{3,}|\*{3,}|_{3,})[ \t]*\Z")
_STATEMENT = re.compile(
    r"(?:^|[.;:([,—–|·•]|\s-(?=\s))[^\w(\[]{0,12}"
    r"(?:(?:this|the|it|task|one|must|should|can|may|only|do|please|to|be|is|cannot|can['’]t|don['’]t|does|doesn['’]t|not|never"
    r"|starts?|run|begins?|work|also) ){0,6}"
    r"(?:depend(?:s|ent|ing)?\s+(?:up)?on|dependenc(?:y|ies)|deps|needs?|requires?|blocked\s+(?:by|on|until)|wait(?:s"
    r"|ing)?\s+(?:for|on)|after|once|until|before|independent(?:ly)?\s+of"
    r"|builds?\s+(?:up)?on|prerequisites?)\b[^.;)]*(?:\.\w[^.;)]*)*",
    re.IGNORECASE,
)
#: How a statement on what comes after the task itself begins: "Once this is merged, …".
_OWN = re.compile(
    r"\b(?:after|once|until)\s+(?:this|it|that|done|completed?|completion|finished|merged)\b", re.IGNORECASE
)
_FIRST = re.compile(
    r"\b(?:must|ha(?:s|ve) to|needs? to|should)\s+(?:be\s+)?(?:done|complete|finish|merge|ready|exist|land)"
    r"|\bfirst\W*\Z",
    re.IGNORECASE,
)
#: What is in each statement of either kind, and soon found to be missing.
_STATING = re.compile(
    "(?i)depend|deps|need|requir|block|wait|after|once|until|before|build|prereq|must|ha[sv]|should|first"
)
_MENTION = re.compile(r"(?<![\w./@#-])[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*(?![\w/-])")


class Piece:
    """A field's value, or a line that belongs to no field: its kind, offset and text."""

    __slots__ = ("kind", "start", "text")

    def __init__(self, kind: str, start: int, text: str) -> None:
        self.kind, self.start, self.text = kind, start, text


class Needs:
    """What a section says of dependencies.

    *ids* are in its fields, *likely* those that sentences and code blocks name, each with its offset and sentence;
    *guessed* is what had to be guessed in the fields, *unread* the lines that nothing has read.

    """

    __slots__ = ("guessed", "ids", "likely", "unread")

    def __init__(
        self, ids: list[str], likely: dict[str, tuple[int, str]], guessed: list[tuple[int, str]], unread: list[Piece]
    ) -> None:
        self.ids, self.likely, self.guessed, self.unread = ids, likely, guessed, unread


def needs(text: str, masked: str, start: int, end: int, names: Names, position: int) -> Needs:
    """What the section says from *start*, the offset of its heading, to *end*, for the task at *position*."""
    found: list[str] = []
    likely: dict[str, tuple[int, str]] = {}
    guessed: list[tuple[int, str]] = []
    unread: list[Piece] = []
    for piece in pieces(text, masked, start, end, names):
        if piece.kind in (READ, REST):
            told, rest = _statements(piece.text, names, position)
            for statement, ids in told:
                for id_ in ids:
                    likely.setdefault(id_, (piece.start, statement))
            unread += [Piece(REST, piece.start, rest)] if piece.kind == REST else []
            continue
        ids, unsure = dependencies.read(piece.text, names, position)
        if piece.kind == NEARLY:
            tasks = [id_ for id_ in ids if names.find(id_)]
            if not tasks:
                unread += [piece] if ids or not mentioned(piece.text, names) else []
                continue
            if ids != tasks:
                # More is said than what the task needs: a sentence.
                for id_ in tasks:
                    likely.setdefault(id_, (piece.start, fields.one_line(piece.text)))
                continue
        found += ids
        guessed += [(piece.start, clause) for clause in unsure]
    once = dict.fromkeys(found)
    return Needs(list(once), {id_: likely[id_] for id_ in likely if id_ not in once}, guessed, unread)


def mentioned(line: str, names: Names) -> list[str]:
    """The ids of tasks in a line of prose."""
    found = ((word, names.find(word)) for word in _MENTION.findall(line) if any(map(str.isdigit, word)))
    return list(dict.fromkeys(id_ for word, id_ in found if id_ and (id_ in names.places or "-" in word)))


def _statements(line: str, names: Names, position: int) -> tuple[list[tuple[str, list[str]]], str]:
    """What a line outside of the fields says of dependencies, such as "Needs TASK-002 first.", each sentence with the
    tasks that it names; and the rest of the line."""
    told: list[tuple[str, list[str]]] = []
    if not _STATING.search(line):
        return told, line

    def taken(sentence: str) -> str:
        ids = [] if _OWN.search(sentence) else dependencies.read(sentence, names, position)[0]
        ids = [id_ for id_ in ids if names.find(id_)]
        if not ids and (_OWN.search(sentence) or not mentioned(sentence, names)):
            return sentence
        told.append((fields.one_line(sentence.lstrip(" .;:([,—–-*_")), ids))
        return " "

    rest = _STATEMENT.sub(lambda match: taken(match[0]), line)
    return told, taken(line) if not told and _FIRST.search(line) else rest


@functools.lru_cache(1000)
def kind_of(label: str) -> str:
    """What kind of field is called *label*."""
    words = " ".join(re.sub(r"\([^()]*\)|\A\W*\d+[.)]|[^\w\s]|_", " ", label.lower()).split())
    if _READ.fullmatch(words):
        return READ
    if _INVERSE.search(words):
        return REST
    return (
        NEEDS if _NEEDS.fullmatch(words) else NEARLY if _NEARLY.search(words) and not re.search(r"\d", words) else REST
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
    match = re.match(_BULLET, line)
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
        if self.kind in (NEEDS, NEARLY):
            self.found.append(Piece(self.kind, self.value, self.text[self.value : at]))
        elif self.kind == READ:
            start = self.value
            for line in self.masked[start:at].split("\n"):
                self.found.append(Piece(READ, start, line))
                start += len(line) + 1
        self.open(REST, at, heading=False, indent=None)

    def line(self, at: int, line: str) -> None:
        heading, row = _HEADING.match(line), line.lstrip(" ")
        if not row.strip():
            self.blank = True
        elif heading:
            self._heading(at, at + heading.end(), line[heading.end() :].rstrip(" \t#\xa0"))
        elif row.startswith("|") and self.kind in (NEEDS, NEARLY) and self.empty:
            self._table(at, line)
        elif row.startswith("|"):
            self._row(at, at + line.index("|") + 1, row.strip().strip("|"))
        elif _RULE.match(line):
            self.close(at)
        else:
            self._text(at, line)

    def _row(self, at: int, start: int, inside: str) -> None:
        self.close(at)
        cells = re.split(r"(?<!\\)\|", inside)
        kind = kind_of(cells[0])
        if kind in (NEEDS, NEARLY):
            # A third cell may be a remark, as it may be after a status.
            told = [cell for at, cell in enumerate(cells[1:]) if not at or mentioned(cell, self.names)]
            self.found.append(Piece(kind, start, "\n- ".join(["", *told])))
        else:
            self.found += [Piece(kind, start, cell) for cell in cells]

    def _table(self, at: int, line: str) -> None:
        """A row below the name of a dependency field: the cells with ids are its items."""
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
        indent, bullet = _bulleted(line)
        if self.kind == REST or (bullet and self.inline and self.indent is not None and indent <= self.indent):
            return False
        if self.kind == READ and (self.long or bullet):
            return True
        return not self.blank or self.heading or self.empty or (self.listed and (bullet or indent > 0))

    def _labelled(self, line: str) -> tuple[str, re.Match[str]] | None:
        """The kind of field that a line begins, if any, and the match: indent, bullet, mark, name, value."""
        match = _DECORATED.match(line)
        if match and not self.names.find(match[4].strip()):
            kind, named = kind_of(match[4]), bool(match[5] or match[6] or not match[7].strip())
            inner = bool(match[2]) and kind == REST and (self.kind == READ or not self.inline) and self.indent is None
            inner = inner and self.kind != REST
            if not inner and (named or kind in (NEEDS, NEARLY)) and (match[3] in ("**", "__") or kind != REST):
                return kind, match
            if inner:
                return None
        match = _COLON.match(line)
        if match and kind_of(match[4]) != REST and (self.kind != READ or not match[2] or self._named_first(match[7])):
            return kind_of(match[4]), match
        match = _BARE.match(line)
        if match and (self._named_first(match[7]) or (not match[7].strip() and not match[2])):
            return (kind_of(match[4]), match) if self.kind != READ or kind_of(match[4]) == NEEDS else None
        return None

    def _named_first(self, value: str) -> bool:
        word = _MENTION.search(value[:80])
        known = word and not re.search(r"\w", value[: word.start()]) and self.names.find(word[0])
        return bool(known) or re.match(r"\W*(?:all|none|no|tasks?)\b|[ \t]*#\d", value, re.IGNORECASE) is not None
