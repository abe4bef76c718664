"""What is below a heading or line that is called as a field is and has another form, and the items of a list without
what a section says after it.

Apart from texts/sections.py because `next-task` reads none of it.
"""

import functools
import re
from collections.abc import Iterator

from . import fields
from .fields import pattern

#: What criteria are called where they are no field, and what precedes and follows such a name: a heading's mark, or
#: a line's without emphasis or colon.
CRITERIA = (
    r"(?:acceptance|success|done|exit) criteria|acceptance (?:tests|criterion)|acceptance|criteria|ac|done when"
    r"|definition of done|verification|accept(?:ed)? when|(?<=\*)accept"
)
FILES = (
    r"files?(?: to (?:create|modify|change|edit|touch|add|update)(?: ?(?:/|or|and|&) ?(?:create|modify|change|edit))?)?"
    r"|affected files|files affected|(?:modified|changed|new) files"
)
_BEFORE = r"\n(?=([^\w\n|<]{0,20}))\1_{0,2}(?:\d{1,2}[.)][ \t*_]*)?(?:<(?:b|strong)>)?"
_AFTER = (
    r"(?:</\w+>)?[*_ \t]{0,9}(?:\([^)\n]*\))?[*_ \t]{0,9}"
    r"(?:[:：][*_ \t]*(?:</\w+>)?|(?=\r?\n)|(?:(?<=\*\*)|(?<=\*\* ))(?=\S))"
    r"(?:\r?\n {0,3}[-=]{3,}[ \t]*(?=\r?\n))?"
)
#: An example in an indented code block.
_CODE = r"(?!\n(?: {4}|\t)[ \t]*(?![-*+][ \t]))"
_LABEL = r"[A-Z][A-Za-z ]{1,30}:(?=[ \t\r]*\n|[ \t])"
_STOP = (
    rf"\n(?: {{0,3}}#|[ \t]*\*\*[^*\n]+(?::\*\*|\*\*:)|{_LABEL}|\|"
    r"| {0,3}(?:-{3,}|\*{3,}|_{3,})[ \t\r]*(?=\n|\Z))"
)
#: Alone in its line, such a label may be that of some of the criteria.
_ITALIC = r"|\n[ \t]*([*_])[A-Za-z][^*_\n]{0,40}(?:[:：]\1|\1[:：])"
_ITEM = (
    r"[ \t>]*(?:[-*+•▪◦‣–—]|\d{1,9}[.)]|\(?(?:\d{1,3}|[a-z])\))[ \t\xa0]+(?:\[[ xX]\][ \t]+)?"
    r"|[ \t>]*[☐☑✅✔✓⬜]\ufe0f?[ \t\xa0]*(?=\w)|[ \t>]*(?=[❌✗✘☒])"
)
_COMMENT = r"(?<!`)<!--(?:(?!-->|<!--).)*-->"
#: Before a label, signs; a bullet would make it an item.
_SIGNS = r" {0,3}(?:>[ \t]*)?(?:[^\w\s|*`<\[(~+_-]\ufe0f?[ \t]*){0,4}"
_EMPHASISED = rf"{_SIGNS}(\*\*|__|\*|_)(?![\s*_])[^*_\n]{{1,60}}\1[ \t]*[:：]?[ \t\r]*\Z"
#: A bold label with a colon is another field's; so are these names, however they are written.
_OTHER = (
    rf"{_SIGNS}\*\*[^*\n]{{1,60}}(?:[:：]\*\*|\*\*[ \t]*[:：])"
    rf"|{_SIGNS}(?!`[^`\n]*[:：][^`\n]+`)(?i:[*_`]{{0,3}}(?:\d{{1,2}}[.)][ \t]*)?(?:status|complexity|priority"
    r"|objective|goal|description|details|context|background|steps|subtasks|implementation(?: notes| plan)?"
    r"|technical notes|test(?:ing|s)?(?: plan| strategy)?"
    r"|files?|notes?|gates?|owner|effort|estimate|references?|constraints|risks|related|out of scope"
    r"|dependenc(?:y|ies)|depends[ _-]?on|blocked[ _-]by|requires|prerequisites|deps)"
    r"(?:[*_`]{0,3}[ \t]*[:：]|[*_`]{1,3}[ \t\r]*\Z))"
)


@functools.lru_cache(6)
def _anywhere(masked: str, label: str) -> bool:
    """Whether anything is named so; for 10,000 tasks without, one search of the whole text."""
    return pattern(label).search(masked) is not None


def named(masked: str, start: int, end: int, names: str, *, alike: bool = False) -> Iterator[fields.Span]:
    """The texts from *start* to *end* that are below a heading or line which is called one of *names*; where they have
    to be *alike*, all have the first one's name."""
    before = f"(?i){'' if alike else _CODE}{_BEFORE}"
    label = f"{before}({names}){_AFTER}"
    found = pattern(label).search(masked, start, end) if _anywhere(masked, label) else None
    again = re.compile(f"{before}({re.escape(found[2])}){_AFTER}" if found and alike else label)
    stop = f"{_STOP}{_ITALIC}" + (r"(?=[ \t]*\S)" if alike else "")
    while found:
        following = None if alike else again.search(masked, found.end(), end)
        span = _span(masked, found, following.start() if following else end, stop)
        # Criteria may be in a code block, which is hidden.
        yield span if alike else fields.stripped(masked, *span)
        found = again.search(masked, max(span[1], found.end()), end) if alike else following


def _span(masked: str, found: re.Match[str], end: int, stop: str) -> fields.Span:
    bullet = pattern(r"\n([ \t]*)[-*+][ \t]").match(found[0])
    # In a list of fields, the next item is another field.
    beside = (
        rf"|\n[ \t]{{0,{len(bullet[1])}}}[-*+][ \t]" if bullet and _is_nested(masked, found.end(), bullet[1]) else ""
    )
    stopped = re.compile(stop + beside).search(masked, found.end(), end)
    return found.end(), stopped.start() if stopped else end


def _is_nested(masked: str, at: int, margin: str) -> bool:
    """Whether what is at that offset is in the same line or indented further."""
    first = pattern(r"[ \t\r]*\n([ \t]*)").match(masked, at)
    return first is None or len(first[1]) > len(margin)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def items(source: str, masked: str, span: fields.Span, others: str = "") -> list[str]:
    """The items in the text of a field at *span*; text before the first is an item too. It ends at a label of another
    field, those called one of *others* included."""
    ends = re.compile(_OTHER.replace("(?:status|", f"(?:{others}|status|") if others else _OTHER)
    is_item, is_emphasised, comment = pattern(_ITEM).match, pattern(_EMPHASISED).match, pattern(_COMMENT)
    found: list[list[str]] = [[]]
    at, listed, begun, blank, loose, margin = span[0], False, False, False, 0, 0
    for line in masked[slice(*span)].split("\n"):
        text, at = source[at : at + len(line)], at + len(line) + 1
        mark = is_item(line)
        if mark and line[mark.end() :].strip():
            found.append([text[mark.end() :]])
            listed, loose, margin = True, 0, _indent(line)
        elif not line.strip():
            blank = True
            found[-1].append(text)
            continue
        elif (_indent(line) <= margin if listed else begun) and ends.match(line):
            break
        elif listed and is_emphasised(line):
            found.append([])
        elif listed and blank and not line[0].isspace():
            # A paragraph that is no part of an item; it matters only where the list continues.
            found.append([text])
            loose += 1
        else:
            found[-1].append(text)
        begun, blank = True, False
    texts = (" ".join(lines) for lines in found[: len(found) - loose])
    kept = [fields.one_line(comment.sub(" ", text) if "<!--" in text else text) for text in texts]
    return [item for item in kept if item.strip("-*_ ")]
