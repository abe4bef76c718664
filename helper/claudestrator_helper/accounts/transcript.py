"""The lines of a session's transcript, and the texts in them as a request to the API sends them.

A line is an entry of Claude Code's: an answer of the model (one line for each of its blocks, all with the same usage),
what came in between, or an attachment with the text that it is sent as. Nothing here raises, whatever stands in them.
"""

import json
from collections.abc import Iterable, Iterator

from .. import host

_OPEN, _CLOSE = host.REMINDER
Entry = dict[str, object]


def entries(lines: Iterable[bytes]) -> Iterator[Entry | None]:
    """Each line's object, once; None for a line that isn't one, as the last of a session that was killed."""
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
        uuid = entry.get("uuid")
        if isinstance(uuid, str):
            if uuid in seen:
                continue
            seen.add(uuid)
        yield entry


def characters(content: object) -> int:
    """Those of a message's content, be it a text or blocks."""
    return len(content) if isinstance(content, str) else sum(map(size, blocks(content)))


def size(block: Entry) -> int:
    """The characters of a block; none for a picture."""
    kind = block.get("type")
    if kind == "tool_use":
        return len(json.dumps({"name": block.get("name"), "input": block.get("input")}, ensure_ascii=False))
    if kind == "tool_result":
        return characters(block.get("content"))
    said = block.get("text") or block.get("thinking")
    return len(said) if isinstance(said, str) else 0


def blocks(content: object) -> list[Entry]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(each if isinstance(each, str) else str(obj(each).get("text") or "") for each in content)
    return content if isinstance(content, str) else ""


def obj(value: object) -> Entry:
    return value if isinstance(value, dict) else {}


def attached(entry: Entry) -> list[str] | None:
    """The texts that an attachment is sent as; None where an earlier client did not say."""
    texts = entry.get("rendered")
    if not isinstance(texts, list):
        return None
    sent = [text(obj(each).get("content")) for each in texts]
    if entry.get("renderedRole") == "system":
        return [each[len(_OPEN) : -len(_CLOSE)] if each.startswith(_OPEN) else each for each in sent]
    return sent
