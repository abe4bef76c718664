"""The ids of a queue as people write them in running text: in another case, without zeros, as a range or by a group."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable

#: How many of a queue's groups are looked for in every text.
_TITLES = 100
#: How many ids of a range or a group are always spelled out, however many tasks name others.
FEW = 100
#: How many words are remembered with what they mean; each is asked for several times, one after the other.
_REMEMBERED = 100_000
_NUMBERED = re.compile(r"(.*\D)(\d{1,18})[A-Za-z]?")
_MARKS, _DASH, _ZEROS = re.compile(r"[-_.\s#]+"), re.compile(r"(?<=[a-z])-(?=\d)"), re.compile(r"(?<!\d)0+(?=\d)")
_USUAL = re.compile("([A-Za-z]+)-?([1-9][0-9]*)")
#: Words that mean tasks without an id of one; see texts/id_signs.py.
_ALL = frozenset(["all", "every", "everything", "each", "previous", "preceding", "earlier"])
_LETTERS, _WORD, _DIGIT = re.compile("[a-z]+"), re.compile(r"[A-Za-z0-9._-]+"), re.compile("[0-9]")


def _key(word: str) -> str:
    """What spellings of one id have in common: ``TASK-001``, ``task_1`` and ``Task 1`` are ``task1``."""
    usual = _USUAL.fullmatch(word)
    if usual:
        return f"{usual[1].lower()}{usual[2]}"
    return _ZEROS.sub("", _DASH.sub("", _MARKS.sub("-", word.lower())))


def _family(key: str) -> str:
    letters = _LETTERS.match(key)
    return letters[0] if letters else ""


class Names:
    """The known ids in the order of the file, and the groups of tasks by their lower-case titles; *room* is how many
    ids a range or a group may cover."""

    def __init__(self, known: list[str], groups: dict[str, list[str]], room: Callable[[], int]) -> None:
        self.known, self.groups, self.room = known, groups, room
        self.places = {id_: at for at, id_ in reversed(list(enumerate(known)))}
        #: What texts/dependencies.py remembers of items and of clauses, whatever the ids in them.
        self.lists: dict[str, bool] = {}
        self.forms: dict[str, bool] = {}
        self.readings: dict[str, tuple[list[str], list[str]]] = {}
        self._silent: set[str] = set()
        self._found: dict[str, str | None] = {}
        self._alike: dict[str, list[str]] = {}
        self._series: dict[str, list[tuple[int, str]]] = {}
        for id_ in self.places:
            self._alike.setdefault(_key(id_), []).append(id_)
            match = _NUMBERED.fullmatch(id_)
            if match:
                self._series.setdefault(match[1], []).append((int(match[2]), id_))
        for series in self._series.values():
            series.sort()
        self.families = {_family(key) for key in self._alike} - {""}
        self._telling = _ALL.union(self.families, (f"{family}s" for family in self.families))
        # A title without a number, such as "Tests", is too common a word to be a group.
        numbered = sorted((title for title in groups if re.search(r"\d", title)), key=len, reverse=True)[:_TITLES]
        self.titles = (
            re.compile(
                r"(?:\ball\s+(?:the\s+)?(?:of\s+|tasks\s+(?:of|in|from)\s+)?)?(?<!\w)"
                rf"({'|'.join(map(re.escape, numbered))})(?![\w.])(?:\s+tasks\b)?",
                re.IGNORECASE,
            )
            if numbered
            else None
        )

    def find(self, word: str) -> str | None:
        """The id that *word* means; the word itself if it only looks like the queue's ids; None for any other word."""
        if word in self.places:
            return word
        if "0" <= word[:1] <= "9":
            return None  # an id begins with a letter
        if word not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[word] = self._meant(word)
        return self._found[word]

    def silent(self, text: str) -> bool:
        """Whether nothing in *text* can mean a task, as it has no word that an id begins with; False where that is not
        soon known."""
        if text in self._silent:
            return True
        telling = not text.isascii() or (self.titles is not None and _DIGIT.search(text))
        silent = not telling and self._telling.isdisjoint(_LETTERS.findall(text.lower()))
        if silent and len(text) < 40 and len(self._silent) < 1000:
            self._silent.add(text)  # such as a cell of each task's table
        return silent

    def _meant(self, word: str) -> str | None:
        usual = _USUAL.fullmatch(word)
        if usual:
            family = usual[1].lower()
            known = self._alike.get(f"{family}{usual[2]}")
            return known[0] if known and len(known) == 1 else word if known or family in self.families else None
        key = _key(word)
        alike = self._alike.get(key, [])
        if len(alike) == 1:
            return alike[0]
        related = _family(key) in self.families and any(map(str.isdigit, key))
        return word if alike or (related and _WORD.fullmatch(word)) else None

    def numbered(self, id_: str, number: str) -> str | None:
        """The id of that *number* in the series of *id_*: 003 after TASK-001 is TASK-003."""
        match = _NUMBERED.fullmatch(id_)
        return self.find(match[1] + number) if match else None

    def halves(self, word: str) -> tuple[str, str] | None:
        """The two ends of a range in one word, such as ``TASK-001-003`` and ``T001-T003``."""
        for match in re.finditer("-", word[:130]) if "-" in word else ():
            half, rest = word[: match.start()], word[match.end() :]
            # An id has a digit.
            first = self.find(half) if any(map(str.isdigit, half)) else None
            if first in self.places:
                last = self.numbered(first, rest) if rest.isdigit() else self.find(rest)
                if last in self.places:
                    return first, last
        return None

    def between(self, first: str, last: str) -> list[str]:
        """The known ids of a range: by their numbers within one series, otherwise by their places in the file."""
        if first not in self.places or last not in self.places:
            return [first, last]
        one, other = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
        if one and other and one[1] == other[1]:
            series, ends = self._series[one[1]], sorted((int(one[2]), int(other[2])))
            start = bisect_left(series, ends[0], key=lambda each: each[0])
            return [id_ for _, id_ in series[start : bisect_right(series, ends[1], key=lambda each: each[0])]]
        low, high = sorted((self.places[first], self.places[last]))
        return self.known[low : high + 1]
