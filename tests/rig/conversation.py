"""What a model would see in the `messages` of a request."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rig.messages_api import JSON


#: What the scripted model answers where it has nothing to say, since an answer can't be empty.
QUIET = "."


#: What earlier releases, such as 2.1.145, put behind a result: the notice of an agent that ended meanwhile.
_REMINDED = re.compile(r"(?:\s*<system-reminder>(?:(?!<system-reminder>).)*</system-reminder>)+\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A tool call that has been answered, with the result as the tool gave it."""

    tool: str
    input: JSON
    result: str
    is_error: bool


def say(text: str) -> JSON:
    return {"type": "text", "text": text}


def use(tool: str, **arguments: Any) -> JSON:
    return {"type": "tool_use", "name": tool, "input": arguments}


def blocks(message: JSON) -> list[JSON]:
    """The content as a list: a bare string is the same as one text block."""
    content = message["content"]
    return [say(content)] if isinstance(content, str) else list(content)


def text_of(block: JSON) -> str:
    """All that a block puts before the model's eyes."""
    if block["type"] == "tool_use":
        return json.dumps({"name": block["name"], "input": block["input"]}, ensure_ascii=False)
    if block["type"] == "tool_result":
        return "".join(text_of(part) for part in blocks({"content": block.get("content", "")}))
    return str(block.get("text") or block.get("thinking") or json.dumps(block, ensure_ascii=False))


def texts(messages: list[JSON], *roles: str) -> Iterator[str]:
    """The plain text blocks, in order, of the messages of these roles."""
    for message in messages:
        if message["role"] in roles:
            yield from (block["text"] for block in blocks(message) if block["type"] == "text")


def calls(messages: list[JSON]) -> list[Call]:
    """Every answered call of the conversation, in order."""
    asked = {block["id"]: block for block in _of_type(messages, "tool_use")}
    return [
        Call(
            asked[block["tool_use_id"]]["name"],
            asked[block["tool_use_id"]]["input"],
            _REMINDED.sub("", text_of(block)),
            bool(block.get("is_error")),
        )
        for block in _of_type(messages, "tool_result")
    ]


def since_last_answer(messages: list[JSON]) -> list[JSON]:
    """The messages that entered after the model's last one."""
    last = max((index for index, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    return messages[last + 1 :]


def last_calls(messages: list[JSON]) -> list[Call]:
    """The calls whose results entered after the model's last message."""
    count = sum(1 for _ in _of_type(since_last_answer(messages), "tool_result"))
    return calls(messages)[-count:] if count else []


def _of_type(messages: list[JSON], kind: str) -> Iterator[JSON]:
    for message in messages:
        yield from (block for block in blocks(message) if block["type"] == kind)
