"""The dependencies of a task that names them as the helper writes them, and says nothing else of them.

Nearly all tasks do, and `next-task` starts fast because it reads no other way for them.
"""

import re

from . import ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from typing import Protocol

    from .fields import Span
    from .sections import Block

    class Queue(Protocol):
        """What is asked of a queue here."""

        text: str
        masked: str

        @property
        def hidden(self) -> Sequence[object]: ...

        @property
        def by_id(self) -> Container[str]: ...


#: In lower case, the words of which there is one in such a section: its field's name.
_STATING = (
    "depend", "deps", "block", "requir", "requisite", "prereq", "precond", "pre-", "pre_", "pre ", "upstream",
    "predecess", "need", "wait", "after", "once", "until", "before", "must ", "should ", "has to", "have to", "builds ",
    "build on", "build upon", " first",
)  # fmt: skip
_PLAIN = re.compile(rf"(?:{ids.WORD},? *)+")


def stated(section: str) -> int:
    """How often *section* may say something of dependencies."""
    return sum(map(section.lower().count, _STATING))


def ids_of(queue: "Queue", block: "Block", span: "Span | None") -> list[str] | None:
    """The ids in the field at *span*, or None where the section is not as plain as that."""
    count = stated(queue.masked[block.start : block.end])
    if queue.hidden and stated(queue.text[block.start : block.end]) > count:
        return None
    if span is None or count > 1:
        return None if count else []
    text, end = queue.text[span[0] : span[1]], queue.masked.find("\n", span[1])
    # A row may have a third cell.
    if queue.masked[span[1] : end if end >= 0 else None].strip(" |\t\r"):
        return None
    if text == "None":
        return []
    found = ids.words(text) if _PLAIN.fullmatch(text) else []
    known = found and all(id_ in queue.by_id for id_ in found)
    return found if known and text.count(",") + 1 == len(set(found)) == len(found) else None
