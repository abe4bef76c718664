"""Edits a JSON text by splicing: everything that is neither added nor removed keeps every byte.

Re-serialising would lose a person's layout, numbers such as ``1e5``, repeated keys and escapes.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

_decoder = json.JSONDecoder()


class Entry(NamedTuple):
    """A member of an object or an item of a list; *start*, *value* and *end* are offsets into the text. A member starts
    at its key, an item at its value."""

    key: str | int
    start: int
    value: int
    end: int


def value_at(text: str, path: Sequence[str]) -> Any:
    """The value at *path* from the top; None if there is none. Raises ValueError if *text* isn't JSON."""
    found = find(text, path)
    return None if found is None else _decoder.raw_decode(text, found.value)[0]


def find(text: str, path: Sequence[str | int]) -> Entry | None:
    """The entry at *path* from the top; None if there is none. Raises ValueError if *text* isn't JSON."""
    at = Entry("", 0, _skip(text, 0), len(text))
    for step in path:
        found = [entry for entry in entries(text, at.value) if entry.key == step]
        if not found:
            return None
        at = found[-1]  # JSON readers take the last of repeated keys
    return at


def entries(text: str, at: int) -> list[Entry]:
    """The entries of the object or list that begins at offset *at*; empty for any other value."""
    found: list[Entry] = []
    if text[at] not in "{[":
        return found
    position = _skip(text, at + 1)
    while text[position] not in "}]":
        entry = _entry(text, position, None if text[at] == "{" else len(found))
        found.append(entry)
        position = _skip(text, entry.end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return found


def add(text: str, path: Sequence[str], value: Any, key: str | None = None) -> str:
    """*text* with *value* as the last entry of the object (under *key*) or list at *path*, laid out like its siblings.
    Raises KeyError if there is nothing at *path*."""
    at, present = _container(text, path)
    if not present:
        return _add_first(text, at, key, value)
    end = present[-1].end
    before = text[at + 1 : present[0].start]
    if "\n" not in before:
        return f"{text[:end]}, {_dumped(key, value)}{text[end:]}"
    newline, margin = _newline(text), before[before.rindex("\n") + 1 :]
    new = _dumped(key, value, _unit(text)).replace("\n", newline + margin)
    return f"{text[:end]},{newline}{margin}{new}{text[end:]}"


def remove(text: str, path: Sequence[str | int]) -> str:
    """*text* without the entry at *path*. Raises KeyError if there is none."""
    at, present = _container(text, path[:-1])
    index = max((n for n, entry in enumerate(present) if entry.key == path[-1]), default=-1)
    if index < 0:
        raise KeyError(path[-1])
    if len(present) == 1:
        return text[: at + 1] + text[_skip(text, present[0].end) :]
    if index == 0:
        return text[: present[0].start] + text[present[1].start :]
    return text[: present[index - 1].end] + text[present[index].end :]


def _entry(text: str, start: int, index: int | None) -> Entry:
    key: str | int
    if index is None:
        key, position = _decoder.raw_decode(text, start)
        value = _skip(text, _skip(text, position) + 1)
    else:
        key, value = index, start
    return Entry(key, start, value, _decoder.raw_decode(text, value)[1])


def _container(text: str, path: Sequence[str | int]) -> tuple[int, list[Entry]]:
    found = find(text, path)
    if found is None:
        raise KeyError(".".join(map(str, path)))
    return found.value, entries(text, found.value)


def _add_first(text: str, at: int, key: str | None, value: Any) -> str:
    newline, line = _newline(text), text[text.rfind("\n", 0, at) + 1 : at]
    base = line[: len(line) - len(line.lstrip())]
    margin = newline + base + _unit(text)
    new = _dumped(key, value, _unit(text)).replace("\n", margin)
    return text[: at + 1] + margin + new + newline + base + text[_skip(text, at + 1) :]


def _dumped(key: str | None, value: Any, indent: str | None = None) -> str:
    label = "" if key is None else json.dumps(key) + ": "
    return label + json.dumps(value, indent=indent, ensure_ascii=False)


def _unit(text: str) -> str:
    """The indentation of one level, taken from the first member at the top."""
    present = entries(text, _skip(text, 0))
    before = text[: present[0].start] if present else ""
    return (before[before.rindex("\n") + 1 :] if "\n" in before else "") or "  "


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position
