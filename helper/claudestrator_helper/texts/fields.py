"""A section's fields, found by position: ``| Name | value |`` rows and ``**Name:** value`` lines.

All functions take a masked text (see markdown.mask) and the span of a section in it, and answer with
spans, so that an edit can be a splice.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator

#: How many names of a list are printed; how many lines; how many characters of a line, and of a table's line.
NAMED = 5
LINES, LINE, TABLE = 20, 500, 1000

#: A compiled pattern. In a loop over 100,000 lines, `re` takes longer to look for it than to match it.
pattern = functools.cache(re.compile)


def has(words: str, text: str) -> bool:
    """Whether *words*, a pattern in lower case, are in *text* in any case."""
    # To ignore the case in a search takes up to ten times as long as to take it away before.
    if text.isascii():
        return pattern(words).search(text.lower()) is not None
    return pattern(f"(?i){words}").search(text) is not None


_GAP = "[ \t\xa0]*"
#: Where the value of a ``**Name:**`` field ends: a heading, a table row, the next field or a rule.
_STOP = re.compile(
    r"\n( {0,3})(?:#{1,6}|\||([-*+][ \t]+)?\*\*([A-Za-z][^*\n]{0,40})(?:[:：]\*\*|\*\*[:：])"
    r"|(?:-{3,}|\*{3,}|_{3,})(?![-*_])\s*?(?=\n|\Z))"
)
# Compiled where they are needed, as most verbs need none of them.
_STOP_OUTSIDE = _STOP.pattern.replace(r"([-*+][ \t]+)?", "")
_BLANK_LINE = r"\n[ \t\r\xa0]*(?=\n|\Z)"
_ITEM = r"(?:\A|[\r\n])[ \t]*(?:[-*+]|\d+[.)])[ \t]+(?:\[[ xX]\][ \t]+)?"


#: From offset to offset, white space at both ends left out.
Span = tuple[int, int]


#: Any field, because compiling a pattern for each name takes longer than trying the names of all of a queue's.
_FIELD = re.compile(
    rf"\n {{0,3}}(?:\|{_GAP}[*_`]*([A-Za-z][A-Za-z -]{{0,40}}?)[*_`:]*{_GAP}\|(?P<cell>(?:\\[^\r\n]|[^\\|\r\n])*)"
    rf"|(?:[-*+][ \t]+)?\*\*{_GAP}([A-Za-z][A-Za-z -]{{0,40}}?){_GAP}(?:[:：]{_GAP}\*\*|\*\*{_GAP}[:：])"
    r"(?P<rest>[^\n]*))"
)


@functools.cache
def _known(names: str) -> frozenset[str]:
    return frozenset(names.lower().split("|"))


def _matches(masked: str, start: int, end: int, names: str) -> list[re.Match[str]]:
    found = _fields(masked, start, end)
    if not found:
        return []
    known = _known(names)
    return [match for name, match in found if name in known]


@functools.lru_cache(2)
def _fields(masked: str, start: int, end: int) -> list[tuple[str, re.Match[str]]]:
    """All fields of a section, by their names in lower case; one after the other is asked for."""
    return [((match[1] or match[3]).lower(), match) for match in _FIELD.finditer(masked, start, end)]


@functools.lru_cache(20)
def anywhere(masked: str, names: str) -> bool:
    """Whether a field may have one of these *names*; of most, a long text has many or none."""
    if any(name in masked for name in names.split("|")):
        return True
    text = masked.lower()
    return any(name in text for name in _known(names))


def find(masked: str, start: int, end: int, names: str) -> Span | None:
    """The value of the first field in ``masked[start:end]`` that is called one of *names*, which ``|`` separates.

    *start* is the offset of a newline. A row's value is its second cell; a line's value extends to the next field.

    """
    matches = _matches(masked, start, end, names)
    return _value(masked, matches[0], end) if matches else None


def every(masked: str, start: int, end: int, names: str, others: str = "") -> Iterator[Span]:
    """The value of each such field. With *others*, the names of other fields, a list continues after an item that
    begins with a bold label of another name."""
    return (_value(masked, match, end, others) for match in _matches(masked, start, end, names))


def _value(masked: str, match: re.Match[str], end: int, others: str = "") -> Span:
    if match["cell"] is not None:
        return stripped(masked, *match.span("cell"))
    return stripped(masked, match.start("rest"), _end(masked, match, end, others))


def _end(masked: str, match: re.Match[str], end: int, others: str) -> int:
    bulleted = match[0].lstrip().startswith(("-", "* ", "*\t", "+"))
    margin = len(match[0]) - len(match[0].lstrip()) - 1 if bulleted else -1
    for stop in _STOP.finditer(masked, match.start("rest"), end):
        # A field that is an item of a list itself ends at the next item of that list.
        is_item = others and stop[2] and len(stop[1]) > margin and stop[3].strip().lower() not in _known(others)
        if not is_item or match["rest"].strip():
            return stop.start()
    return end


def lists(masked: str, start: int, end: int, names: str, *, continued: bool = False) -> list[str]:
    """The first paragraph or the list in each field of that name, whose items may begin with a bold label; the
    paragraphs that continue an item are left out, or kept where it is *continued*."""
    found = []
    for match in _matches(masked, start, end, names):
        if match["cell"] is not None:
            found.append(match["cell"])
            continue
        # In a list of fields, the next item is another field.
        stop = (
            _STOP if match[0].lstrip()[:1] in "-+" or match[0].lstrip().startswith("* ") else re.compile(_STOP_OUTSIDE)
        )
        stopped = stop.search(masked, match.start("rest"), end)
        paragraphs = pattern(_BLANK_LINE).split(masked[match.start("rest") : stopped.start() if stopped else end])
        first = next((at for at, paragraph in enumerate(paragraphs) if paragraph.strip()), 0)
        is_list = pattern(rf"\s*{_ITEM}").match(paragraphs[first]) is not None
        more = re.compile(rf"\s*{_ITEM}|\s*\Z" + (r"|\n[ \t]" if is_list else ""))
        items = itertools.takewhile(more.match, paragraphs[first + 1 :])
        kept = (each for each in items if continued or pattern(rf"\s*{_ITEM}").match(each))
        found.append("\n".join([paragraphs[first], *kept]))
    return [text for text in found if text.strip()]


def starts(masked: str, start: int, end: int, names: str) -> list[int]:
    """Where each field of that name in the section begins."""
    return [match.start() for match in _matches(masked, start, end, names)]


def first_line(masked: str, span: Span) -> Span:
    newline = masked.find("\n", *span)
    return span if newline < 0 else stripped(masked, span[0], newline)


def first_paragraph(masked: str, span: Span) -> Span:
    blank = pattern(_BLANK_LINE).search(masked, *span)
    return stripped(masked, span[0], blank.start()) if blank else span


def items(text: str) -> list[str]:
    """The items of a list, each on one line without its mark; text before the first is an item too."""
    return [line for line in (one_line(part) for part in pattern(_ITEM).split(text)) if line]


#: What no one sees, and a model reads all the same: soft hyphens, joiners, marks of direction, fillers, variation
#: selectors, and the tags that spell out a hidden text.
INVISIBLE = (
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)


def one_line(text: str) -> str:
    """*text* without control characters and without what is invisible, its white space folded."""
    text = visible(text)
    # Compiling the pattern takes longer than all else here.
    text = text if text.isprintable() else re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
    return " ".join(text.split())


def visible(text: str) -> str:
    """*text* without what is invisible."""
    return text if text.isascii() else re.sub(INVISIBLE, "", text)


def cut(text: str, length: int = 100) -> str:
    """*text* on one line of at most *length* characters; 100 of a reason reach the orchestrator."""
    return shortened(one_line(text), length)


def shortened(text: str, length: int) -> str:
    """*text*, its lines kept, of at most *length* characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def few(lines: list[str], most: int = LINES) -> list[str]:
    """The first *most* lines, none of them too long, and how many there are besides."""
    more = len(lines) - most
    shown = [shortened(visible(line), LINE) for line in lines[:most]]
    return shown + ([f"… and {more:,} more"] if more > 0 else [])


def many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def named(names: Iterable[str], count: int, joint: str = ", ") -> str:
    """The first few of *count* names, and how many there are besides."""
    more = count - NAMED
    return joint.join(itertools.islice(names, NAMED)) + (f" and {more} more" if more > 0 else "")


def spliced(text: str, edits: Iterable[tuple[Span, str]]) -> str:
    """*text* with each of these spans, in their order, replaced; in one go, as many edits of a long text would be the
    square of it."""
    parts, at = [], 0
    for (start, end), value in edits:
        parts += [text[at:start], value]
        at = end
    return "".join([*parts, text[at:]])


def stripped(masked: str, start: int, end: int) -> Span:
    """From *start* to *end*, without white space at both ends."""
    value = masked[start:end]
    left = len(value) - len(value.lstrip())
    return start + left, start + max(left, len(value.rstrip()))
