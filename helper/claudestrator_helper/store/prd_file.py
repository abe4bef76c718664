"""The requirements document; the helper only checks that it exists and that an agent can read it."""

import os
import re

from ..errors import ClaudestratorError
from ..texts.fields import cut
from . import files
from .paths import Project

_AGAIN = "then type `/orchestrate` again."
#: How files of other formats begin, and what they are. The byte order mark of UTF-16 is never valid UTF-8.
_KINDS = (
    ("PK\x03\x04", "a Word or zip file"),
    ("%PDF-", "a PDF"),
    ("{\\rtf", "rich text (RTF)"),
    (b"\xff\xfe".decode("utf-8", "surrogateescape"), "in UTF-16"),
    (b"\xfe\xff".decode("utf-8", "surrogateescape"), "in UTF-16"),
)
_COMMENT = r"(?ms)<!--.*?(?:-->|\Z)|^\[(?://|comment)\]:.*?$"
#: The folders and names under which tools keep requirements. requirements.txt is Python's.
_FOLDERS = (
    "", "docs", "doc", "specs", "spec", "tasks", "product", ".taskmaster/docs", ".taskmaster", "scripts", ".claude",
    "backlog/docs", "openspec", ".specify",
)  # fmt: skip
_PARENTS = ("specs", ".specify/specs", ".kiro/specs", "openspec/changes", "openspec/specs")
_NAME = (
    r"(?i)(?!requirements\.txt)(?:.*\bprd\b.*|(?:product|project)?[-_ ]?(?:requirements?|specifications?|spec|brief))"
    r"\.(?:md|markdown|mdx|txt|rst|adoc|docx|pdf)"
)
#: The most folders of specifications that are searched, and files that are named.
_MOST, _NAMED = 50, 3


def why_not(project: Project) -> str:
    """Why PRD.md can't be decomposed, with the next step; "" if it can."""
    try:
        text = files.read(project.prd)
    except ClaudestratorError as error:
        return f"{error}."
    if text is None:
        return _missing(project.root)
    kind = _kind(text)
    if kind:
        return f"{project.prd} is {kind}, which no agent can read: save it as plain text in UTF-8, {_AGAIN}"
    return "" if _said(text) else f"{project.prd} is empty: write down what to build, {_AGAIN}"


def _kind(text: str) -> str:
    known = next((kind for mark, kind in _KINDS if text.startswith(mark)), "")
    if known or "\x00" not in text:
        return known
    # Text in UTF-16 without a byte order mark has a NUL beside each ASCII letter.
    return (
        "in UTF-16" if 2.2 * text.count("\x00") > len(text) and not re.search(r"[\x01-\x08]", text) else "a binary file"
    )


def _said(text: str) -> str:
    return re.sub(_COMMENT, "", text).strip("\ufeff\u200b \t\r\n\x0b\x0c")


def _missing(root: str) -> str:
    found = _alike(root)
    if not found:
        return f"There is no PRD.md in {root}: write one (/claudestrator:prd helps), {_AGAIN}"
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    way = "name it PRD.md" if "/" not in found[0] else "copy it to PRD.md"
    if found[0].lower().endswith(("docx", "pdf")):
        way = "save its text as PRD.md"
    step = way if len(found) == 1 else "copy the one that you mean to PRD.md"
    return f"There is no PRD.md in {root}, but there is {', '.join(map(cut, found[:_NAMED]))}{more}: {step}, {_AGAIN}"


def _alike(root: str) -> list[str]:
    """The files with names of requirements documents, relative to the root."""
    folders = list(_FOLDERS)
    for parent in _PARENTS:
        folders += [f"{parent}/{name}" for name in files.names(os.path.join(root, parent))[:_MOST]]
    found = [
        f"{folder}/{name}".lstrip("/")
        for folder in folders
        for name in files.names(os.path.join(root, folder))
        if re.fullmatch(_NAME, name)
        and name.lower() != "requirements.txt"
        and os.path.isfile(os.path.join(root, folder, name))
    ]
    return list(dict.fromkeys(found))
