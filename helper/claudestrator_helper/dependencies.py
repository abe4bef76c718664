"""What people write for a task's dependencies, as ids.

Apart from queue.py, because most tasks name theirs plainly and the patterns take long to compile.
"""

import re

from . import fields, ids

_NOTHING = re.compile(r"(?:(?:none|n/?a|nil|nothing|no)(?![\w/-]|\.\w).*|[-—–.\[\]()\s]*)\Z", re.IGNORECASE | re.DOTALL)
_ALL_PREVIOUS = re.compile(
    r"all\s+(?:of\s+the\s+)?(?:previous|prior|preceding|earlier|above|tasks\s+above)\b.*\Z", re.IGNORECASE | re.DOTALL
)
_RANGE = re.compile(
    # A search that began in the middle of an id too would take the square of its length.
    rf"(?<![A-Za-z0-9][-_.])({ids.WORD.pattern})\s*(?:\b(?:through|thru|to)\b|–|—|\s-\s|\.\.\.?)\s*({ids.WORD.pattern})",
    re.IGNORECASE,
)


def is_nothing(text: str) -> bool:
    """Whether *text* says that there is none."""
    return _NOTHING.fullmatch(text.strip()) is not None


def read(text: str, known: list[str], position: int) -> list[str]:
    """The ids that *text* names, in order and once each, for the task at *position* of the *known* ids.

    Ranges and "all previous tasks" are spelled out; what names no id is kept as it stands, so that it is reported.

    """
    text = fields.one_line(re.sub(r"\([^()]*\)", " ", text).replace("`", " ").replace("*", " "))
    if is_nothing(text):
        return []
    if _ALL_PREVIOUS.match(text):
        return known[:position]
    spelled = _RANGE.sub(lambda match: _between(match, known, position), text) if _RANGE.search(text) else text
    words = ids.words(spelled) or [word for word in re.split(r"[\s,;&\[\]]+", spelled) if word in known]
    return list(dict.fromkeys(words)) or [text]


def _between(match: re.Match[str], known: list[str], position: int) -> str:
    if match[1] not in known or match[2] not in known:
        return f"{match[1]} {match[2]}"
    between = known[known.index(match[1]) : known.index(match[2]) + 1] or [match[1], match[2]]
    return " ".join(id_ for id_ in between if id_ != known[position])
