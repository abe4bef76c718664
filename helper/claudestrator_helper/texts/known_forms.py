"""The form of a text on dependencies: two texts that differ in one id, or in one number that names no task, are read
alike.

A queue may have 10,000 fields of one form, and to read one takes longer than all else that is done with it.
"""

import re
from collections.abc import Callable

from .id_signs import ALL
from .written_ids import Names

#: How many forms are remembered, and how long they are.
_MOST, _LONGEST = 10_000, 200
#: What a form has in place of an id, and in place of a number.
_ID, _OTHER = "\0", "\1"
#: Characters of which none joins an id with what is next to it once what is Markdown's is taken away.
_SIMPLE = re.compile(r"""[A-Za-z0-9 \t\n,.;:()&?!/\[\]"-]+""")
_WORD, _USUAL = re.compile("[A-Za-z0-9]+(?:[-.][A-Za-z0-9]+)*"), re.compile("[A-Za-z]+-[0-9]+")
_NUMBER = re.compile("[0-9]+")

#: The ids that are found, and what had to be guessed.
Reading = tuple[list[str], list[str]]


def _form(text: str, names: Names) -> tuple[str, str, str]:
    """The form of *text*, empty where it tells nothing of others, its mark, and what is in place of that."""
    if len(text) > _LONGEST or not _SIMPLE.fullmatch(text) or "](" in text or "][" in text:
        return "", "", ""
    mark = _OTHER if names.silent(text) else _ID
    if mark == _OTHER:
        parts = _NUMBER.findall(text)
    else:
        parts = [word for word in _WORD.findall(text) if _NUMBER.search(word)]
        if len(parts) != 1 or not _is_id(parts[0], names) or ALL.search(text):
            return "", "", ""
    if not parts:
        return text, mark, mark
    return (text.replace(parts[0], mark), mark, parts[0]) if len(parts) == 1 else ("", "", "")


def _is_id(word: str, names: Names) -> bool:
    """Whether *word* means itself, and is no range such as T1-3."""
    return word in names.places or (_USUAL.fullmatch(word) is not None and names.find(word) == word)


def recalled(text: str, names: Names, read: Callable[[], Reading]) -> Reading:
    """What *read* finds in *text*; it is asked only where no text of that form was read before."""
    form, mark, part = _form(text, names)
    known = names.readings.get(form) if form else None
    if known:
        found, guessed = ([each.replace(mark, part) for each in told] for told in known)
        return found, guessed
    reading = read()
    if form and len(names.readings) < _MOST:
        found, guessed = ([each.replace(part, mark) for each in told] for told in reading)
        names.readings[form] = found, guessed
    return reading
