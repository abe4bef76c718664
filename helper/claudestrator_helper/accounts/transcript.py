"""The lines of a session's transcript, and the texts in them as a request to the API sends them.

A line is one of Claude Code's entries: an answer of the model (one line for each of its blocks, all with the same
usage), what came in between, or an attachment with the text that is sent for it. Nothing here raises, whatever the
lines hold.
"""

import json
from collections.abc import Iterable, Iterator

from .. import host

_OPEN, _CLOSE = host.REMINDER
Entry = dict[str, object]


def entries(lines: Iterable[bytes]) -> Iterator[Entry | None]:
    """Each line's object, once; None for an invalid line, such as the last line of a killed session."""
    seen = set()
    for line in lines:
        if line.startswith(host.REPEATING) or line.isspace():
            continue
        try:
            entry = json.loads(line.decode())
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            yield None
            continue
        uuid = entry.get(host.UUID)
        if isinstance(uuid, str):
            if uuid in seen:
                continue
            seen.add(uuid)
        yield entry


def characters(content: object) -> int:
    """The number of characters in a message's content, a text or a list of blocks."""
    return len(content) if isinstance(content, str) else sum(map(size, blocks(content)))


def size(block: Entry) -> int:
    """The number of characters in a block; 0 for a picture."""
    kind = block.get("type")
    if kind == "tool_use":
        return len(json.dumps({"name": block.get("name"), "input": block.get("input")}, ensure_ascii=False))
    if kind == "tool_result":
        return characters(block.get("content"))
    said = block.get("text") or block.get("thinking")
    return len(said) if isinstance(said, str) else 0


def blocks(content: object) -> list[Entry]:
    """A message's content as blocks; a text is one block, anything unknown none."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def text(content: object) -> str:
    """The texts in a message's content, one a line; "" for anything unknown."""
    if isinstance(content, list):
        return "\n".join(each if isinstance(each, str) else str(obj(each).get("text") or "") for each in content)
    return content if isinstance(content, str) else ""


def obj(value: object) -> Entry:
    """*value* if it is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def attached(entry: Entry) -> list[str] | None:
    """The texts that are sent for an attachment; None if the client was too old to record them."""
    texts = entry.get(host.RENDERED)
    if not isinstance(texts, list):
        return None
    sent = [text(obj(each).get("content")) for each in texts]
    if entry.get(host.ROLE) == host.SYSTEM:
        return [each[len(_OPEN) : -len(_CLOSE)] if each.startswith(_OPEN) else each for each in sent]
    return sent
