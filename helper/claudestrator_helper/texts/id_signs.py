"""Ids, ranges and groups of tasks in running text, each as one sign, so that what is left are plain words."""

import re

from . import fields
from .fields import has, pattern
from .written_ids import FEW, Names

#: Planes that no text uses: a character for each id or group of ids in the text.
FIRST, _LAST = 0xF0000, 0x10FFFF
SIGN = f"[{chr(FIRST)}-{chr(_LAST)}]"
#: How many ranges and groups in one field are spelled out; no one writes more.
_MOST = 50

_WORD = re.compile(r"[^\W_](?:[^\W_]|['’]|[-_.](?=[^\W_]))*")
_SPACED = re.compile(r"(?<![\w-])([A-Za-z]{1,20})[ #]+(\d{1,18}(?:-\d{1,18})?)(?![\w.])")
TO = r"(?:,\s*(?:\.{2,3}|…)\s*,|\b(?:through|thru|until|till|(?:up )?to(?: and including)?)\b|[-–—~…]|\.{2,3})"
_AND = r"(?:,\s*(?:and|or)\b|,|&|\+|/|\b(?:and|or|plus)\b)"
_ANY = re.compile(SIGN)
_NUMBER = r"#?\d{1,18}[A-Za-z]?(?![\w.%])"
_NUMBERS = re.compile(
    rf"({SIGN})((?:\s*(?:{_AND}|{TO})\s*{_NUMBER}(?=\s*(?:\Z|{SIGN}|[-–—~….,;&+/()]|(?i:and|or|to|through|tasks?)\b)))+)"
)
_RANGE = re.compile(rf"({SIGN})\s*{TO}\s*({SIGN})")
_PREVIOUS = re.compile(
    r"\b(?:(?:all|every|each)\s+(?:of\s+)?(?:the\s+)?(?:previous|prior|preceding|earlier|above"
    r"|foregoing)(?:\s+(?:ones?|tasks?|items?))?\b"
    r"|(?:the\s+)?(?:previous|preceding|earlier)\s+(?:tasks|ones)\b"
    r"|(?:all|every|each)\s+(?:the\s+)?(?:tasks?|items?)\s+(?:above|before)\b|everything\s+(?:above|before)\b)"
    rf"(?!\s+{SIGN})(?:\s+this(?:\s+(?:one|task))?\b)?",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:all|every)\s+(?:the\s+)?(?:others?\s+)?tasks?\b|\A\W*all(?:\s+others?)?"
    r"(?=\W*(?:\Z|(?:but|except\w*|excluding|other than|apart from|besides)\b))",
    re.IGNORECASE,
)


#: What is in each of those two, and soon found to be missing.
ALL = "all|every|each|previous|preceding|earlier"


class Signs:
    """The signs of one field's text, for the task at *position*."""

    def __init__(self, names: Names, position: int) -> None:
        self.names, self.position = names, position
        self.meant: list[list[str]] = []
        self.spelled: list[str] = []
        #: What more than a single id has named.
        self.wide: set[str] = set()

    def _sign(self, ids: list[str], spelled: str) -> str:
        if FIRST + len(self.meant) > _LAST:
            return spelled
        self.meant.append(ids)
        self.spelled.append(spelled)
        return chr(FIRST + len(self.meant) - 1)

    def ids(self, sign: str) -> list[str]:
        return self.meant[ord(sign) - FIRST]

    def plain(self, text: str) -> str:
        if self.meant:
            text = _ANY.sub(lambda match: self.spelled[ord(match[0]) - FIRST], text)
        return fields.one_line(text).strip(" ,:")

    def signed(self, text: str) -> str:
        text = _SPACED.sub(self._spaced, text)
        text = _WORD.sub(self._word, text)
        if self.meant:
            text = _NUMBERS.sub(self._numbers, text)
            text = self.ranged(text)
        if has(ALL, text):
            for pattern, meaning in ((_PREVIOUS, self._previous), (_OTHERS, self._others)):
                text = pattern.sub(meaning, text, _MOST)
        return self.names.titles.sub(self._group, text, _MOST) if self.names.titles else text

    def ranged(self, text: str) -> str:
        return text if len(self.meant) < 2 else _RANGE.sub(self._range, text, _MOST)

    def _spaced(self, match: re.Match[str]) -> str:
        family = match[1].lower()
        for each in (family, family.removesuffix("s")):
            if each in self.names.families:
                return f"{each}-{match[2]}"
        return match[0]

    def _word(self, match: re.Match[str]) -> str:
        if "0" <= match[0][0] <= "9":
            return match[0]  # no id begins so
        word = pattern(r"['’]s?\Z").sub("", match[0]) if "'" in match[0] or "’" in match[0] else match[0]
        if len(word) > 130 or not any(map(str.isdigit, word)):
            return self._sign([word], word) if word in self.names.places else match[0]
        ends = None if word in self.names.places or len(self.meant) > _MOST else self.names.halves(word)
        if ends:
            return self._wide(self.names.between(*ends), word)
        id_ = self.names.find(word)
        return self._sign([id_], word) if id_ else match[0]

    def _numbers(self, match: re.Match[str]) -> str:
        first = self.ids(match[1])[-1]

        def named(number: re.Match[str]) -> str:
            id_ = self.names.numbered(first, number[0].lstrip("#"))
            return self._sign([id_], number[0]) if id_ else number[0]

        return match[1] + pattern(_NUMBER).sub(named, match[2])

    def _range(self, match: re.Match[str]) -> str:
        first, last = self.ids(match[1])[0], self.ids(match[2])[-1]
        return self._wide(self.names.between(first, last), self.plain(match[0]))

    def _previous(self, match: re.Match[str]) -> str:
        many = self._are_many(self.position)
        return self._told(match[0]) if many else self._wide(self.names.known[: self.position], match[0])

    def _others(self, match: re.Match[str]) -> str:
        return self._wide(self.names.known, match[0])

    def _group(self, match: re.Match[str]) -> str:
        return self._wide(self.names.groups[match[1].lower()], match[0])

    def _are_many(self, count: int) -> bool:
        return count > FEW and count > self.names.room()

    def _told(self, spelled: str) -> str:
        return self._sign([fields.cut(spelled)], spelled)

    def _wide(self, ids: list[str], spelled: str) -> str:
        """The sign of more than a single id. Where that would be too many, it stays as it is written, and is told."""
        if self._are_many(len(ids)):
            return self._told(spelled)
        own = self.names.known[self.position : self.position + 1]
        ids = [id_ for id_ in ids if id_ not in own]
        self.wide.update(ids)
        return self._sign(ids, spelled)
