"""What a queue without a task is written in, where that is the format of another tool."""

import re

_TABLE = (
    r"(?i)(?=[^\n|]*\b(?:id|task|title|key|summary|name)\b)(?=[^\n|]*\b(?:status|state|description|priority|assignee)\b)"
    r"(?:[\w\" -]{1,40}[,;\t](?! ))+[\w\" -]{0,40}\r?$"
)
#: What is no Markdown, and never added to: each by what the text begins with and what it holds besides.
_DATA = (
    ("TOML", r"[\w\[#]", r"^\[\[[\w.-]+\]\][ \t\r]*$"),
    ("Task Master's JSON", r"(?://.*\s+)*[{\[]\s*[{\"\[]", r"\"tasks\""),
    ("JSON", r"(?://.*\s+)*(?:\{\s*[\"}]|\[\s*[{\"\[])", ""),
    ("YAML", r"(?:[#-].*\n|[ \t\r]*\n)*?(?:- )?[\w-]+:", r"^[ \t]*- (?:id|title|name|task)[ \t]*:"),
    ("XML", r"<(?:\?xml|tasks?|todos?|backlog)\b", ""),
    ("HTML", r"(?i)<(?:!doctype html|html)\b", ""),
    ("CSV", r"(?i)(?=[^\n|]*\b(?:id|task|title|key|summary)\b)(?=[^\n|]*\bstatus\b)[\w\" -]+[,;\t]", ""),
    # Prose has a space after a comma.
    ("CSV", _TABLE, ""),
)  # fmt: skip
_FRONT_MATTER = r"---[ \t\r]*\n((?:(?!---)[^\n]*\n)*)---[ \t\r]*$"
_LISTS = (
    ("spec-kit", r"^[ \t]*[-*] \[.\] (?:\*\*)?T\d{3,}\b"),
    ("Kiro", r"^[ \t]*[-*]? ?_Requirements?:"),
    ("a plan of numbered tasks", r"^#{1,6} Task \d+\b"),
    ("OpenSpec", r"^[ \t]*[-*] \[.\] (?:\*\*)?\d+\.\d+\b"),
    ("Org mode", r"^\*+ (?:TODO|NEXT|WAITING)\b"),
    ("todo.txt", r"^\([A-Z]\) \S"),
    ("a plain checklist", r"^[ \t]*(?:[-*+]|\d+[.)]) \[.?\] (?![^\w\n]*[A-Za-z]+[-_.]?\d)"),
)


def of_data(text: str) -> str:
    """The data format that *text* as a whole is in; "" for Markdown."""
    text = text.lstrip("\ufeff \t\r\n")
    matter = re.compile(_FRONT_MATTER, re.MULTILINE).match(text)
    if matter and len(set(re.findall(r"^(id|title|status|tasks|dependencies)[ \t]*:", matter[1], re.MULTILINE))) > 1:
        return "Backlog.md"
    for name, start, holds in _DATA:
        if re.match(start, text, re.MULTILINE) and re.search(holds, text, re.MULTILINE):
            return name
    return ""


def of_list(text: str) -> str:
    """Whose list of tasks *text* looks like; "" where it can't be told."""
    return next((name for name, pattern in _LISTS if re.search(pattern, text, re.MULTILINE)), "")
