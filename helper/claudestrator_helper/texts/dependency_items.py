"""The items of a field of dependencies, without what is Markdown's or struck out."""

import re

from . import fields
from .id_signs import SIGN

NOTHING = re.compile(
    r"(?:(?:not? applicable|none|n\s?/?\s?a|n\.\s?a|nil|null|nothing|no|independent|standalone)"
    r"(?![\w/-]|\.\w).*|[-—–∅.\[\](){}\s]*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_COMMENT = r"<!--.*?(?:-->|\Z)"
#: Why an id is struck out; what has come in its place is more than that.
_WHY = r"\((?![^()\n]*(?:\d|\b(?:now|instead|needs?|see|use|replaced|moved)\b))[^()\n]*\)"
_STRUCK = re.compile(
    rf"{_COMMENT}|~~(?=[^~]*\d)[^~]*~~(?:[ \t]*{_WHY})?|~~.*?~~|(?<![\w~])~(?=\w)[^~\n]*(?<=\w)~(?![\w~])"
    r"|<(del|s|strike)>.{0,1000}?</\1>",
    re.DOTALL | re.IGNORECASE,
)
#: What comes later than the task itself, and so do all that follow it in a list.
LATER = (
    "(?:un)?block(?:s|ing)|enables|(?:needed|required|used|followed) by|precedes|(?<!its )(?<!'s )successors?"
    "|downstream(?! of)"
)
#: An id, and in parentheses that its task needs the one whose field it is in.
OF_THIS = re.compile(
    rf"({SIGN})\s*\(\s*(?:(?:is )?blocked by|depends on|needs|requires|waits for)\s+this(?:\s+(?:task|one))?\s*\)",
    re.IGNORECASE,
)
_CLEANED = (
    (re.compile(r"(?m)^[ \t]*(?:`{3,}|~{3,}).*$|\[[ xX]?\]"), " "),
    (_STRUCK, " "),
    # A paragraph that continues an item.
    (re.compile(r"(?<=[\w)`*])[ \t\r]*\n[ \t\r]*\n(?=[ \t]+[^\s\d*+-])"), ". "),
    (re.compile(r"</?(?!br\b|[A-Za-z]+(?:[-_.]\d|\d\d))\w[^<>\n]{0,200}>"), " "),
    (re.compile(r"!?\[([^\[\]\n]*)\](?:\([^()\s]*\)|\[[^\[\]\n]*\])"), r"\1"),
    (
        re.compile(
            r"(?:^|(?<=[\r\n]))[ \t>]*(?:[•·▪‣►→➤–—][ \t]*|[*+](?=[ \t])|[-+](?=\w)|>)|<br\s*/?>", re.IGNORECASE
        ),
        "\n- ",
    ),
    (re.compile(r"\\(?=[^\w\s])"), ""),
    (re.compile("[‐‑]"), "-"),
    (re.compile("[、，；]"), ", "),
    (re.compile(r"\[([^\[\]]*)\]"), r"(\1)"),
    (re.compile(f'[`*"“”„\\[\\]]|(?<!\\w)_|_(?!\\w)|{SIGN}'), " "),
)
#: What none of them changes, and what is a single item.
_CLEAN = re.compile(r"[ \t]*[A-Za-z][A-Za-z0-9 \t,.;:()&'?!/-]*\Z")


def of(text: str) -> tuple[str, list[str]]:
    """*text* without what is not read, and its items, each on one line."""
    if _CLEAN.match(text.strip()):
        return text, [fields.one_line(text)]
    for pattern, instead in _CLEANED:
        # The search for what ends such an element takes a thousand times as long as to see that nothing does.
        if pattern is not _STRUCK or "~" in text or "<!--" in text or "</" in text:
            text = pattern.sub(instead, text)
    return text, fields.items(text)


def is_nothing(text: str) -> bool:
    """Whether *text* says that there is none."""
    return NOTHING.fullmatch(text.strip()) is not None
