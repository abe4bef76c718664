"""What people write for a task's dependencies, as ids.

Apart from texts/queue.py, because most tasks name theirs plainly and the patterns take long to compile.

Each id, range and group in the text becomes a single sign of a private plane first. What is left are clauses of signs
and words: a clause adds its ids, excludes them ("not", "except", "in parallel with") or names what is no task.
"""

import re
from collections.abc import Callable

from . import dependency_items, fields, known_forms
from .dependency_items import LATER, NOTHING, OF_THIS, is_nothing
from .fields import pattern
from .id_signs import FIRST, SIGN, Signs
from .written_ids import Names

#: How many forms of items and clauses are remembered, and how long they are.
_FORMS, _FORM = 10_000, 200
_SIGN, _SAYING = re.compile(SIGN), re.compile(rf"[\w?]|{SIGN}")
_LABEL, _WORDS = re.compile(r"\s*(?::|[-–—]\s)"), re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"([;!]|\.(?=\s|\Z))")
_EXCEPT = r"\b(?:except(?:ing)?|excluding|excl|besides|other than|apart from|save for|minus|but)\b"
_CLAUSE = re.compile(
    rf"(,\s*(?:and|or|plus)\b|[,()]|(?<={SIGN})\s*(?:&|\+|/|(?:and|or|plus)\b)|(?={_EXCEPT}))", re.IGNORECASE
)
_BUT = re.compile(_EXCEPT, re.IGNORECASE)
#: What makes a task after it none that has to be completed first.
_NOT = re.compile(
    rf"\b(?:not|never|no longer|without|independent(?:ly)?(?= of)|unrelated|(?:in )?parallel|alongside"
    r"|concurrent(?:ly)?|simultaneous(?:ly)?"
    rf"|beside|next to|instead of|rather than|unlike|before|{LATER}|replaces|supersedes"
    r"|formerly|same time as)\b|\b\w+n['’]t\b",
    re.IGNORECASE,
)
#: What comes after the task itself: "TASK-005 depends on this".
_INVERSE = re.compile(
    rf"{SIGN}[^,;]{{0,20}}\b(?:(?:depends?|builds?|rel(?:y|ies)|waits?)\s+(?:up)?(?:on|for)|blocked by"
    r"|needs?|requires?)\s+(?:this|it)\b",
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
    r"except|now|s|land|lands|landed|exist|exists)"
)
#: How a remark on the ids before it begins.
_REMARK = re.compile(
    r"\W*(?:because|since|as|so|which|that|whose|where|while|for|in|both|each|respectively|can|could|may|see"
    r"|e\.?g|i\.?e|already|it|they|this|these)\b"
    r"|\W*after\b.*\w[-.]?\d",
    re.IGNORECASE,
)
_DROPPED = re.compile(
    r"\W*(?:but )?(?:no longer|not (?:needed|required|blocking)|optional|obsolete|dropped|soft)\b", re.IGNORECASE
)
_WHY = re.compile(r"\s*(?:for|because|since|so|which|that|whose|where)\b", re.IGNORECASE)
_ALSO, _ARROW = re.compile(r"\W*(?:and|plus|also)\b|\s*[+&]", re.IGNORECASE), re.compile(r"[←→⇒]|[-=]>|<-")
#: Names of what need not be completed first, or no longer.
_SOFT = re.compile(
    r"\b(?:soft|optional\w*|nice to have|recommended|was|previously|later|maybe|possibly)\b", re.IGNORECASE
)
#: More than the ids that it names, or a range whose end was not understood.
_WIDER = re.compile(
    rf"{SIGN}\s*(?:(?:to|through|thru|until|up to|–|\.{{2,3}}|…)\s*#?\d+|:{SIGN}|\+(?=\s*(?:\Z|[,;)])))"
    rf"|{SIGN}\s*down to\b"
    rf"|{SIGN}[^,;]{{0,20}}\b(?:onwards?|upwards?|and (?:up|above|below|later|higher))\b(?!\s*{SIGN})"
    rf"|\b(?:between|up to|(?:everything|anything|all|those|tasks?)\s+(?:before|until|up to|through))\s+(?:the\s+)?"
    rf"(?:tasks?\s+)?{SIGN}",
    re.IGNORECASE,
)
#: What makes a clause more than ids that are needed.
_SPECIAL = (_TWICE_NOT, _NOT, _LIKE, _SOFT, _INVERSE, _ARROW, re.compile(r"\?"))
_PARENTHESES, _DASHED = re.compile(r"\([^()]*\)"), re.compile(rf"({SIGN})\s*[-—]\s*#?(\d+)")


def _remembered(memo: dict[str, bool], form: str, judge: Callable[[str], bool]) -> bool:
    known = memo.get(form)
    if known is None:
        known = judge(form)
        if len(form) <= _FORM and len(memo) < _FORMS:
            memo[form] = known
    return known


def _telling(parentheses: str) -> bool:
    inside = parentheses.strip("()")
    told = pattern(rf"{SIGN}|\?").search(inside) or _ALSO.match(inside) or _DROPPED.match(inside)
    return bool(told) or is_nothing(inside)


def read(text: str, names: Names, position: int) -> tuple[list[str], list[str]]:
    """The ids that *text* names, in order and once each, for the task at *position*; and what had to be guessed.

    What names no task is kept among the ids as it is written: it is reported and never counts as done."""

    def anew() -> known_forms.Reading:
        reader = _Reader(names, position)
        cleaned, items = dependency_items.of(text)
        for item in items:
            reader.item(item)
        return reader.result(cleaned), list(dict.fromkeys(reader.guessed))

    return known_forms.recalled(text, names, anew)


class _Reader:
    """Reads the items of one field, one after the other."""

    def __init__(self, names: Names, position: int) -> None:
        self.signs = Signs(names, position)
        self.found: list[str] = []
        self.guessed: list[str] = []
        self.taken: set[str] = set()
        self.excluded: set[str] = set()
        self.here: set[str] = set()
        self.none = self.nothing = self.like = False

    def result(self, text: str) -> list[str]:
        if not (self.found or self.nothing or (self.signs.meant and not self.like)):
            whole = fields.one_line(text.replace("\n- ", " "))
            return [] if is_nothing(whole) else [whole]
        return [id_ for id_ in dict.fromkeys(self.found) if id_ not in self.excluded]

    def item(self, item: str) -> None:
        signed = self.signs.signed(item)
        if "(" in signed:
            signed = OF_THIS.sub(r"; blocks \1; ", signed)
            # What is in parentheses is a remark, unless it names something.
            signed = _PARENTHESES.sub(lambda match: match[0] if _telling(match[0]) else " ", signed)
            signed = self.signs.ranged(signed)
        self.after = self.none = False
        if self._is_list(signed):
            self._sentence(signed)
            return
        signs = bool(self.signs.meant)
        wider = [match[0] for match in _WIDER.finditer(signed)] if signs else []
        wider += [match[0] for match in _DASHED.finditer(signed) if self._is_range(match)] if signs else []
        self.guessed += [self.signs.plain(signed)] if "//" in signed else []
        parts = _SENTENCE.split(signed)
        for end, sentence in zip([";", *parts[1::2]], parts[::2]):  # noqa: B905 (as many ends as sentences)
            # "TASK-001. It makes the schema." is one thing; what a semicolon parts is two.
            self.after = self.after and end == "."
            self._sentence(sentence)
        self.found += map(self.signs.plain, wider)

    def _is_list(self, signed: str) -> bool:
        """Whether all that an item says is that the task needs ids: each clause has one, and nothing else is said.
        A queue may have 100,000 such items, and few forms of them."""
        if len(signed) > _FORM or not self.signs.meant:
            return False
        return _remembered(self.signs.names.lists, _SIGN.sub(chr(FIRST), signed), self._lists)

    def _lists(self, form: str) -> bool:
        if "(" in form or "//" in form or _WIDER.search(form) or _DASHED.search(form):
            return False
        clauses = [_CLAUSE.split(sentence) for sentence in _SENTENCE.split(form)[::2]]
        leads = (lead.strip().lower() for parts in clauses for lead in parts[1::2])
        bodies = (body for parts in clauses for body in parts[::2] if _SAYING.search(body))
        return not any(lead.endswith("or") for lead in leads) and all(
            _SIGN.search(body) and self._is_plain(body) for body in bodies
        )

    def _is_range(self, match: re.Match[str]) -> bool:
        """Whether the number after an id and a dash is a task's: "TASK-001 - 003 in any order"."""
        return self.signs.names.numbered(self.signs.ids(match[1])[-1], match[2]) in self.signs.names.places

    def _sentence(self, sentence: str) -> None:
        self.here = set()
        if not self.none and self._is_list(sentence):
            self.after = True
            for sign in _SIGN.findall(sentence):
                self._take(self.signs.ids(sign))
            return
        parts = _CLAUSE.split(sentence)
        clauses = list(zip(["", *parts[1::2]], parts[::2]))  # noqa: B905 (as many leads as clauses)
        self.remark = self.negated = self.excepting = self.later = False
        for at, (lead, body) in enumerate(clauses):
            following = clauses[at + 1] if at + 1 < len(clauses) else ("", "")
            if following[0] == "(" and not _SIGN.search(body) and _SIGN.search(following[1]):
                # "the schema (TASK-001)" is "the schema: TASK-001".
                clauses[at + 1] = (lead, f"{body}: {following[1]}")
            elif _SAYING.search(body):
                self._clause(lead.strip().lower(), body)

    def _clause(self, lead: str, body: str) -> None:
        if _SIGN.search(body):
            if self.negated or self.none or lead.endswith("or") or not self._is_plain(body):
                self._named(lead, body)
                return
            # As _named reads it.
            self.after, self.remark, self.excepting, self.later = True, False, False, False
            for sign in _SIGN.findall(body):
                self._take(self.signs.ids(sign))
        elif self.after and _DROPPED.match(body):
            self.guessed.append(self.signs.plain(body))
        elif is_nothing(pattern(r"\A[^\W\d][\w -]{0,40}:").sub("", body) if ":" in body else body):
            self.none = self.nothing = True
        elif not (self.none or self.remark or not self._unknown(body)):
            self._nameless(lead, body)

    def _is_plain(self, body: str) -> bool:
        """Whether the ids of a clause are needed, and nothing else is said; a field may have 100,000 such clauses, and
        few forms of them."""
        return _remembered(self.signs.names.forms, _SIGN.sub(chr(FIRST), body), self._needs)

    def _needs(self, form: str) -> bool:
        parts, text = _SIGN.split(form), form.strip()
        begins = _LABEL.match(parts[-1]) or _DROPPED.match(parts[-1]) or NOTHING.match(text) or _BUT.match(text)
        special = begins or any(pattern.search(form) for pattern in _SPECIAL)
        return not (special or any(map(self._unknown, parts)))

    def _nameless(self, lead: str, body: str) -> None:
        """A clause without an id: a remark on the ids before it, or something that is no task."""
        if (self.after and _REMARK.match(body)) or (lead == "(" and not _ALSO.match(body)):
            return
        if self.after and lead.startswith(")"):
            self.guessed.append(self.signs.plain(body))
        elif _LIKE.match(body.strip()):
            self.like = True
        else:
            self.found.append(self.signs.plain(body))

    def _named(self, lead: str, body: str) -> None:
        if _INVERSE.search(body):
            self.nothing = True
            return
        if NOTHING.match(body.strip()):
            self.none = self.nothing = True
        but = _BUT.match(body.strip())
        exclusive = but is not None and not self.none and (bool(self.signs.wide) or but[0].lower() != "but")
        start, unsure = 0, False
        for match in _SIGN.finditer(body):
            before, start = body[start : match.start()], match.end()
            unsure |= self._id(lead, before, self.signs.ids(match[0]), exclusive=exclusive)
            lead = "and" if lead != "or" else lead
        rest = body[start:]
        self.after, self.none = True, False
        self.remark = _LABEL.match(rest) is not None
        clear = self.remark or _WHY.match(rest) or not ("?" in rest or self._unknown(rest) or _DROPPED.match(rest))
        if unsure or not clear or _ARROW.search(body):
            self.guessed.append(self.signs.plain(body))

    def _id(self, lead: str, before: str, ids: list[str], *, exclusive: bool) -> bool:
        """An id or group and what is written *before* it in its clause: needed or excluded. Whether that is a guess."""
        unsure = False
        if _TWICE_NOT.search(before):
            self.negated, before = False, ""
        elif pattern(r"\w").search(before) or exclusive or not self.negated:
            nots, likes = len(_NOT.findall(before)), len(_LIKE.findall(before))
            nothing = self.none and not exclusive and NOTHING.match(before.strip()) is not None
            of_it = nothing and pattern(r"\b(?:on|for|of|with|from|to|by)\s*\Z").search(before) is not None
            unsure = nots + likes > 1 or (nothing and not of_it)
            self.negated = not unsure and (exclusive or nots + likes == 1 or of_it)
            self.excepting = exclusive
            self.later = self.negated and re.search(rf"\b(?:{LATER})\b", before, re.IGNORECASE) is not None
            self.like = self.like or likes > 0
        elif lead not in ("", "and", "or", "&", "+", "/") and not self.later:
            # "all but A, B" continues with B; "not A, B" may mean either.
            unsure = not (self.excepting and self.taken.issuperset(ids))
            self.negated = not unsure
        if self.negated:
            groups = [id_ for id_ in ids if id_ in self.signs.wide and id_ in self.taken]
            self.excluded.update(self.here.intersection(groups))
            # "TASK-001 to TASK-005" in one item and "not TASK-003" in another may contradict each other.
            return not self.here.issuperset(groups)
        self._take(ids)
        label = pattern(r"\A[^,;]*(?::|\s[-–—])\s*\Z").sub("", before)
        soft = label != before and _SOFT.search(before) is not None
        return unsure or soft or lead.endswith("or") or self._unknown(label)

    def _take(self, ids: list[str]) -> None:
        self.found += ids
        self.taken.update(ids)
        self.here.update(ids)
        self.excluded.difference_update(ids)

    def _unknown(self, text: str) -> bool:
        """Whether a word is in *text* that says nothing of whether an id is needed."""
        words = _WORDS.findall(text)
        if not words:
            return False
        # "All BE tasks" is about the tasks BE-1 and BE-2.
        families = self.signs.names.families
        return not all(
            _NEUTRAL.fullmatch(word) and (not upper or word in ("task", "item") or word not in families)
            for word, upper in ((word.lower(), word.isupper()) for word in words)
        )
