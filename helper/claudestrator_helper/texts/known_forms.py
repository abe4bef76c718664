"""The form of a text on dependencies: two texts that differ in one id, or in one number that names no task, are read
alike.

A queue may have 10,000 fields of one form, and to read one takes longer than all else that is done with it.
"""

import re
from collections.abc import Callable

from .fields import has, pattern
from .id_signs import ALL, TO
from .written_ids import Names

#: How many forms are remembered, and how long they are.
_MOST, _LONGEST = 10_000, 200
#: How many ids are in a form at most, and what it has in place of each: if it is written as the id is, and otherwise;
#: then what a reading has in place of an id that is written otherwise, and both in place of a number.
_IDS = 7
_AS_ID, _ALIAS, _MEANT = ("".join(map(chr, range(start, start + _IDS))) for start in (0x0B, 0x12, 0x19))
_OTHER = "\1"
#: Characters of which none joins an id with what is next to it once what is Markdown's is taken away.
_SIMPLE = re.compile(r"""[A-Za-z0-9 \t\n,.;:()&?!/\[\]"-]+""")
_WORD, _USUAL = re.compile("[A-Za-z0-9]+(?:[-.][A-Za-z0-9]+)*"), re.compile("[A-Za-z]+-?[0-9]+")
_NUMBER = re.compile("[0-9]+")

#: The ids that are found, and what had to be guessed.
Reading = tuple[list[str], list[str]]


def _parts(text: str, names: Names) -> dict[str, str] | None:
    """What another text of the form of *text* may have instead, by its mark; None where it tells nothing of others."""
    if len(text) > _LONGEST or not _SIMPLE.fullmatch(text) or "](" in text or "][" in text:
        return None
    if names.silent(text):
        numbers = _NUMBER.findall(text)
        return dict(zip(_OTHER, numbers, strict=False)) if len(numbers) < 2 else None
    words = [word for word in _WORD.findall(text) if _NUMBER.search(word)]
    if not 0 < len(words) <= _IDS or has(ALL, text) or (len(words) > 1 and _may_range(text, words)):
        return None
    parts: dict[str, str] = {}
    for at, word in enumerate(dict.fromkeys(words)):
        # Such a word is no range, as T1-3 is.
        id_ = names.find(word) if word in names.places or _USUAL.fullmatch(word) else None
        if id_ is None or id_ in parts.values():
            return None
        parts[_AS_ID[at] if id_ == word else _ALIAS[at]] = word
        if id_ != word:
            parts[_MEANT[at]] = id_
    return parts


def _may_range(text: str, words: list[str]) -> bool:
    """Whether *text* may say "to" between two of those ids."""
    for word in words:
        text = text.replace(word, "")
    return pattern(TO).search(text) is not None


def _marked(text: str, marks: dict[str, str]) -> str:
    return (_NUMBER if _OTHER in marks.values() else _WORD).sub(lambda match: marks.get(match[0], match[0]), text)


def recalled(text: str, names: Names, read: Callable[[], Reading]) -> Reading:
    """What *read* finds in *text*; it is asked only where no text of that form was read before."""
    parts = _parts(text, names)
    if parts is None:
        return read()
    marks = {part: mark for mark, part in parts.items()}
    form = _marked(text, marks)
    known = names.readings.get(form)
    if known is None:
        known = read()
        if len(names.readings) < _MOST:
            found, guessed = ([_marked(each, marks) for each in told] for told in known)
            names.readings[form] = found, guessed
        return known
    found, guessed = ([_spelled(each, parts) for each in told] for told in known)
    return found, guessed


def _spelled(text: str, parts: dict[str, str]) -> str:
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text
