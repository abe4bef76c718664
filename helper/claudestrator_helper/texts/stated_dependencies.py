"""Where a section says what its task depends on, whatever the field is called, and which of its lines nothing reads.

Apart from texts/queue.py for the same reason as texts/dependencies.py.
"""

import re

from . import dependencies, fields
from .pieces import NEARLY, READ, REST, Piece, mentioned, pieces
from .written_ids import Names

_STATEMENT = re.compile(
    r"(?:^|[.;:([,—–|·•]|\s-(?=\s))(?:[^\w(\[]|_){0,12}"
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
    r"\b(?:must|ha(?:s|ve) to|needs? to|should)\s+(?:be\s+)?"
    r"(?:(?:complete|finish|merge)(?!\s+(?:the|an?|its|their|all|both|two|with)\b)|done|ready|exist|land)"
    r"|\bfirst\W*\Z",
    re.IGNORECASE,
)
#: What is in each statement of either kind, and soon found to be missing.
_STATING = "depend|deps|need|requir|block|wait|after|once|until|before|build|prereq|must|ha[sv]|should|first"


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
            if piece.kind == REST:
                unread.append(piece if rest is piece.text else Piece(REST, piece.start, rest))
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


def _statements(line: str, names: Names, position: int) -> tuple[list[tuple[str, list[str]]], str]:
    """What a line outside of the fields says of dependencies, such as "Needs TASK-002 first.", each sentence with the
    tasks that it names; and the rest of the line."""
    told: list[tuple[str, list[str]]] = []
    if names.silent(line) or not fields.has(_STATING, line):
        return told, line

    def taken(sentence: str) -> str:
        of_own = _OWN.search(sentence)
        ids = [] if of_own else [id_ for id_ in dependencies.read(sentence, names, position)[0] if names.find(id_)]
        if not ids and (of_own or not mentioned(sentence, names)):
            return sentence
        told.append((fields.one_line(sentence.lstrip(" .;:([,—–-*_")), ids))
        return " "

    rest = _STATEMENT.sub(lambda match: taken(match[0]), line)
    return told, taken(line) if not told and _FIRST.search(line) else rest
