"""What people write for a task's dependencies, as ids.

Apart from queue.py, because most tasks name theirs plainly and the patterns take long to compile.

Each id, range and group in the text becomes a single sign of a private plane first. What is left are clauses of signs
and words: a clause adds its ids, excludes them ("not", "except", "in parallel with") or names what is no task.
"""

import re

from . import fields
from .names import Names

_NOTHING = re.compile(
    r"(?:(?:not? applicable|none|n\s?/?\s?a|n\.\s?a|nil|null|nothing|no)(?![\w/-]|\.\w).*|[-—–.\[\](){}\s]*)\Z",
    re.IGNORECASE | re.DOTALL,
)
#: Planes that no text uses: a character for each id or group of ids in the text.
_FIRST, _LAST = 0xF0000, 0x10FFFF
_SIGN = f"[{chr(_FIRST)}-{chr(_LAST)}]"
#: Of the ranges and groups in one field, so many are spelled out; nobody writes more.
_MOST = 50

_COMMENT = r"<!--.*?(?:-->|\Z)"
_CLEANED = (
    (re.compile(rf"{_COMMENT}|~~.*?~~|<(del|s|strike)>.{{0,1000}}?</\1>", re.DOTALL | re.IGNORECASE), " "),
    (re.compile(r"(?m)^[ \t]*(?:`{3,}|~{3,}).*$|</?(?!br\b)\w[^<>\n]{0,200}>"), " "),
    (re.compile(r"!?\[([^\[\]\n]*)\](?:\([^()\s]*\)|\[[^\[\]\n]*\])"), r"\1"),
    (re.compile(r"(?:^|(?<=[\r\n]))[ \t>]*(?:[•·▪‣►→➤–—][ \t]*|[-+](?=\w)|>)|<br\s*/?>", re.IGNORECASE), "\n- "),
    (re.compile(r"\\(?=[^\w\s])"), ""),
    (re.compile("[‐‑]"), "-"),
    (re.compile("[、，；]"), ", "),
    (re.compile(f'[`*"“”„\\[\\]]|(?<!\\w)_|_(?!\\w)|{_SIGN}'), " "),
)
_WORD = re.compile(r"[^\W_](?:[^\W_]|['’]|[-_.](?=[^\W_]))*")
_SPACED = re.compile(r"(?<![\w-])([A-Za-z]{1,20})[ #]+(\d{1,18}(?:-\d{1,18})?)(?![\w.])")
_TO = r"(?:\b(?:through|thru|until|till|(?:up )?to(?: and including)?)\b|[-–—~…]|\.{2,3})"
_AND = r"(?:,\s*(?:and|or)\b|,|&|\+|/|\b(?:and|or|plus)\b)"
_NUMBER = r"#?\d{1,18}[A-Za-z]?(?![\w.%])"
_NUMBERS = re.compile(
    rf"({_SIGN})((?:\s*(?:{_AND}|{_TO})\s*{_NUMBER}(?=\s*(?:\Z|[-–—~….,;&+/()]|and\b|or\b|to\b|through\b)))+)"
)
_RANGE = re.compile(rf"({_SIGN})\s*{_TO}\s*({_SIGN})")
_PREVIOUS = re.compile(
    r"\b(?:(?:all|every|each)\s+(?:of\s+)?(?:the\s+)?(?:previous|prior|preceding|earlier|above"
    r"|foregoing)(?:\s+(?:ones?|tasks?|items?))?\b"
    r"|(?:the\s+)?(?:previous|preceding|earlier)\s+(?:tasks|ones)\b"
    r"|(?:all|every|each)\s+(?:the\s+)?(?:tasks?|items?)\s+(?:above|before)\b|everything\s+(?:above|before)\b)"
    r"(?:\s+this(?:\s+(?:one|task))?\b)?",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:all|every)\s+(?:the\s+)?(?:others?\s+)?tasks?\b|\A\W*all(?:\s+others?)?\W*\Z", re.IGNORECASE
)

_SENTENCE = re.compile(r"([;!]|\.(?=\s|\Z))")
_EXCEPT = r"\b(?:except(?:ing)?|excluding|excl|besides|other than|apart from|save for|minus|but)\b"
_CLAUSE = re.compile(
    rf"(,\s*(?:and|or|plus)\b|[,()]|(?<={_SIGN})\s*(?:&|\+|/|(?:and|or|plus)\b)|(?={_EXCEPT}))", re.IGNORECASE
)
_BUT = re.compile(_EXCEPT, re.IGNORECASE)
#: What makes a task after it none that has to be completed first.
_NOT = re.compile(
    r"\b(?:not|never|no longer|without|independent(?:ly)?(?= of)|unrelated|(?:in )?parallel|alongside"
    r"|concurrent(?:ly)?|simultaneous(?:ly)?"
    r"|beside|next to|instead of|rather than|unlike|(?:un)?blocks|(?:un)?blocking|enables|needed by|required by"
    r"|used by|before|precedes|followed by"
    r"|replaces|supersedes|formerly|same time as)\b|\b\w+n['’]t\b",
    re.IGNORECASE,
)
#: The same, unless nothing else is said: "see TASK-003" for dependencies may mean those of TASK-003.
_LIKE = re.compile(r"\b(?:see|same|similar|like|cf|related|compare|as in)\b", re.IGNORECASE)
_TWICE_NOT = re.compile(
    r"(?:\b(?:not|no|never|cannot)\b|n['’]t\b)[^,;]{0,60}\b(?:before|until|till|unless|without)\b"
    r"|\bnot only\b",
    re.IGNORECASE,
)
_NEUTRAL = re.compile(
    r"(?:a|an|the|and|or|also|as|well|plus|both|on|of|to|by|for|in|from|with|task|tasks|item|items|id|ids|"
    r"depend|depends|dependent|dependency|dependencies|upon|needs|need|needed|requires|require|required|"
    r"blocked|waits|wait|waiting|after|once|when|until|is|are|be|been|has|have|must|should|done|completed|"
    r"complete|finished|ready|merged|first|only|then|internal|external|hard|prerequisite|prerequisites|"
    r"this|it|these|all|both|following|start|starts|started|begin|can|work|builds|strictly|directly|but|"
    r"except|s)"
)
#: How a remark on the ids before it begins.
_REMARK = re.compile(
    r"\W*(?:because|since|as|so|which|that|whose|where|while|for|in|both|each|respectively|can|could|may|see"
    r"|e\.?g|i\.?e|already|it|they|this|these)\b"
    r"|\W*after\b.*\w[-.]?\d",
    re.IGNORECASE,
)
_DROPPED = re.compile(
    r"\W*(?:no longer|not (?:needed|required|blocking)|optional|obsolete|dropped|soft)\b", re.IGNORECASE
)


def is_nothing(text: str) -> bool:
    """Whether *text* says that there is none."""
    return _NOTHING.fullmatch(text.strip()) is not None


def read(text: str, names: Names, position: int) -> tuple[list[str], list[str]]:
    """The ids that *text* names, in order and once each, for the task at *position*; and what had to be guessed.

    What names no task is kept among the ids as it is written: it is reported and never counts as done.

    """
    for pattern, instead in _CLEANED:
        text = pattern.sub(instead, text)
    reader = _Reader(names, position)
    for item in fields.items(text):
        reader.item(item)
    whole = fields.one_line(text.replace("\n- ", " "))
    return reader.result(whole), list(dict.fromkeys(reader.guessed))


class _Reader:
    """Reads the items of one field, one after the other."""

    def __init__(self, names: Names, position: int) -> None:
        self.names, self.position = names, position
        self.meant: list[list[str]] = []
        self.spelled: list[str] = []
        self.wide: set[str] = set()
        self.found: list[str] = []
        self.guessed: list[str] = []
        self.excluded: set[str] = set()
        self.none = self.nothing = self.like = False

    def result(self, whole: str) -> list[str]:
        said = self.nothing or (self.meant and not self.like) or is_nothing(whole)
        if not (self.found or said):
            return [whole]
        return [id_ for id_ in dict.fromkeys(self.found) if id_ not in self.excluded]

    # Ids, ranges and groups as signs

    def _sign(self, ids: list[str], spelled: str) -> str:
        if _FIRST + len(self.meant) > _LAST:
            return spelled
        self.meant.append(ids)
        self.spelled.append(spelled)
        return chr(_FIRST + len(self.meant) - 1)

    def _ids(self, sign: str) -> list[str]:
        return self.meant[ord(sign) - _FIRST]

    def _plain(self, text: str) -> str:
        return fields.one_line(re.sub(_SIGN, lambda match: self.spelled[ord(match[0]) - _FIRST], text)).strip(" ,:")

    def _signed(self, text: str) -> str:
        text = _SPACED.sub(self._spaced, text)
        text = _WORD.sub(self._word, text)
        text = _NUMBERS.sub(self._numbers, text)
        for pattern, meaning in ((_RANGE, self._range), (_PREVIOUS, self._previous), (_OTHERS, self._others)):
            text = pattern.sub(meaning, text, _MOST)
        return self.names.titles.sub(self._group, text, _MOST) if self.names.titles else text

    def _spaced(self, match: re.Match[str]) -> str:
        family = match[1].lower()
        for each in (family, family.removesuffix("s")):
            if each in self.names.families:
                return f"{each}-{match[2]}"
        return match[0]

    def _word(self, match: re.Match[str]) -> str:
        word = re.sub(r"['’]s?\Z", "", match[0])
        if len(word) > 130 or not any(map(str.isdigit, word)):
            return self._sign([word], word) if word in self.names.places else match[0]
        ends = None if word in self.names.places or len(self.meant) > _MOST else self.names.halves(word)
        if ends:
            return self._sign(self._wide(self.names.between(*ends)), word)
        id_ = self.names.find(word)
        return self._sign([id_], word) if id_ else match[0]

    def _numbers(self, match: re.Match[str]) -> str:
        first = self._ids(match[1])[-1]

        def named(number: re.Match[str]) -> str:
            id_ = self.names.numbered(first, number[0].lstrip("#"))
            return self._sign([id_], number[0]) if id_ else number[0]

        return match[1] + re.sub(_NUMBER, named, match[2])

    def _range(self, match: re.Match[str]) -> str:
        first, last = self._ids(match[1])[0], self._ids(match[2])[-1]
        return self._sign(self._wide(self.names.between(first, last)), self._plain(match[0]))

    def _previous(self, match: re.Match[str]) -> str:
        return self._sign(self._wide(self.names.known[: self.position]), match[0])

    def _others(self, match: re.Match[str]) -> str:
        return self._sign(self._wide(self.names.known), match[0])

    def _group(self, match: re.Match[str]) -> str:
        return self._sign(self._wide(self.names.groups[match[1].lower()]), match[0])

    def _wide(self, ids: list[str]) -> list[str]:
        own = self.names.known[self.position : self.position + 1]
        ids = [id_ for id_ in ids if id_ not in own]
        self.wide.update(ids)
        return ids

    # Clauses

    def item(self, item: str) -> None:
        parts = _SENTENCE.split(self._signed(item))
        self.after = self.none = False
        for end, sentence in zip([";", *parts[1::2]], parts[::2]):  # noqa: B905 (as many ends as sentences)
            # "TASK-001. It makes the schema." is one thing; what a semicolon parts is two.
            self.after = self.after and end == "."
            self._sentence(sentence)

    def _sentence(self, sentence: str) -> None:
        parts = _CLAUSE.split(sentence)
        clauses = list(zip(["", *parts[1::2]], parts[::2]))  # noqa: B905 (as many leads as clauses)
        self.remark = self.negated = False
        for at, (lead, body) in enumerate(clauses):
            following = clauses[at + 1] if at + 1 < len(clauses) else ("", "")
            if not re.search(_SIGN, body) and following[0] == "(" and re.search(_SIGN, following[1]):
                # "the schema (TASK-001)" is "the schema: TASK-001".
                clauses[at + 1] = (lead, f"{body}: {following[1]}")
            elif re.search(r"\w|\?", body) or re.search(_SIGN, body):
                self._clause(lead.strip().lower(), body)

    def _clause(self, lead: str, body: str) -> None:
        if re.search(_SIGN, body):
            self._named(lead, body)
        elif is_nothing(re.sub(r"\A[^\W\d][\w -]{0,40}:", "", body)):
            self.none = self.nothing = True
        elif self.after and _DROPPED.match(body):
            self.guessed.append(self._plain(body))
        elif not (self.none or self.remark or not self._unknown(body)):
            self._nameless(lead, body)

    def _nameless(self, lead: str, body: str) -> None:
        """A clause without an id: a remark on the ids before it, or something that is no task."""
        if self.after and (
            _REMARK.match(body) or (lead == "(" and not re.match(r"\W*(?:and|plus|also)\b|\s*[+&]", body))
        ):
            return
        if self.after and lead.startswith(")"):
            self.guessed.append(self._plain(body))
        elif _LIKE.match(body.strip()):
            self.like = True
        else:
            self.found.append(self._plain(body))

    def _named(self, lead: str, body: str) -> None:
        if _NOTHING.match(body.strip()):
            self.none = self.nothing = True
        but = _BUT.match(body.strip())
        exclusive = but is not None and not self.none and (bool(self.wide) or but[0].lower() != "but")
        start, unsure = 0, False
        for match in re.finditer(_SIGN, body):
            before, start = body[start : match.start()], match.end()
            unsure |= self._id(lead, before, self._ids(match[0]), exclusive=exclusive)
            lead = "and" if lead != "or" else lead
        rest = body[start:]
        self.after, self.none = True, False
        self.remark = re.match(r"\s*(?::|[-–—]\s)", rest) is not None
        if unsure or (not self.remark and ("?" in rest or self._unknown(rest) or _DROPPED.match(rest))):
            self.guessed.append(self._plain(body))

    def _id(self, lead: str, before: str, ids: list[str], *, exclusive: bool) -> bool:
        """An id or group and what is written *before* it in its clause: needed or excluded. Whether that is a guess."""
        unsure = False
        if _TWICE_NOT.search(before):
            self.negated, before = False, ""
        elif re.search(r"\w", before) or exclusive or not self.negated:
            nots, likes = len(_NOT.findall(before)), len(_LIKE.findall(before))
            nothing = self.none and not exclusive and _NOTHING.match(before.strip()) is not None
            of_it = nothing and re.search(r"\b(?:on|for|of|with|from|to|by)\s*\Z", before) is not None
            unsure = nots + likes > 1 or (nothing and not of_it)
            self.negated = not unsure and (exclusive or nots + likes == 1 or of_it)
            self.like = self.like or likes > 0
        elif lead not in ("", "and", "or", "&", "+", "/"):
            # "all but A, B" goes on with B; "not A, B" may mean either.
            unsure = not self.wide.issuperset(ids)
            self.negated = not unsure
        if self.negated:
            self.excluded.update(self.wide.intersection(ids))
            return False
        self.found += ids
        label = re.sub(r"\A[^,;]*(?::|\s[-–—])\s*\Z", "", before)
        return unsure or lead.endswith("or") or self._unknown(label)

    def _unknown(self, text: str) -> bool:
        """Whether a word is in *text* that says nothing of whether an id is needed."""
        return not all(_NEUTRAL.fullmatch(word) for word in re.findall(r"[^\W_]+", text.lower()))
