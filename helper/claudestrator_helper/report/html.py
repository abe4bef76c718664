"""Builds HTML as a tree, so that every text stays text: the standard library's serialiser escapes each one."""

import re
from collections.abc import Iterable  # noqa: TC003 (the alias is a text, which type checkers read here)
from typing import TypeAlias
from xml.etree import ElementTree as ET

from ..texts import fields

#: Nothing, a text, an element, or several of these.
Child: TypeAlias = "str | ET.Element | Iterable[Child] | None"
# What XML forbids, a terminal could obey, or no encoding holds.
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> ET.Element:
    """An element. Attributes that are None are left out; ``_`` in their names stands for ``-``, and ``class_`` and
    ``for_`` lose theirs."""
    given = {key.removesuffix("_").replace("_", "-"): value for key, value in attributes.items()}
    element = ET.Element(name, {key: _value(value) for key, value in given.items() if value is not None})
    _add(element, children)
    return element


def _value(value: str | float) -> str:
    return clean(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def _add(element: ET.Element, child: Child) -> None:
    if child is None:
        return
    if isinstance(child, str):
        text = clean(child)
        if len(element):
            element[-1].tail = (element[-1].tail or "") + text
        else:
            element.text = (element.text or "") + text
    elif isinstance(child, ET.Element):
        element.append(child)
    else:
        for each in child:
            _add(element, each)


def clean(text: str) -> str:
    """*text* without control characters, and without the invisible ones that turn the direction of what follows."""
    return _ODD.sub("\ufffd", fields.visible(text))


def page(root: ET.Element) -> str:
    """The document, as text."""
    return f"<!DOCTYPE html>\n{ET.tostring(root, 'unicode', 'html')}\n"
