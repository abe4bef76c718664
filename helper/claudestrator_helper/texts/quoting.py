"""A section of a file inside a prompt: word for word, and marked so that nothing in it passes for the prompt's own."""

import re

#: A closing fence has at most this many marks, however many follow each other in the text.
_LONGEST_FENCE = 24
# A terminal could obey them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def quoted(text: str, line: int, place: str, limit: int) -> str:
    """*text*, which begins at that line of the file *place*, in a fence; where it has more than *limit* characters, the
    lines of the rest are named."""
    text = _CONTROL.sub("\ufffd", re.sub(r"\r\n?", "\n", text)).rstrip()
    shown = text if len(text) <= limit else _cut(text, limit)
    longest = max(map(len, re.findall(r"(?m)^[ \t]*(`+)", shown)), default=0)
    fence = "`" * min(max(4, longest + 1), _LONGEST_FENCE)
    rest = ""
    if len(shown) < len(text):
        first, last = line + shown.count("\n"), line + text.count("\n")
        rest = f"\n\nThe rest is in lines {first} to {last} of {place}: read it there."
    return f"{fence}markdown\n{shown.rstrip()}\n{fence}{rest}"


def _cut(text: str, limit: int) -> str:
    """The whole lines that fit, or the beginning of the first."""
    newline = text.rfind("\n", 0, limit)
    return text[: newline + 1 if newline >= 0 else limit]
