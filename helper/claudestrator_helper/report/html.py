"""Builds HTML so that every text stays text: what is not Html itself is escaped where it is put in."""

import re
from collections.abc import Iterable  # noqa: TC003 (the alias is a text, which type checkers read here)
from typing import TypeAlias

from ..texts import fields


class Html(str):
    """Text that is HTML. Only this module makes any."""

    __slots__ = ()


#: Nothing, a text, HTML, or several of these.
Child: TypeAlias = "str | Html | Iterable[Child] | None"
# What a terminal could obey, or no encoding holds.
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_EMPTY = ("meta",)


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Html:
    """An element. Attributes that are None are left out; ``_`` in their names stands for ``-``, and ``class_`` loses
    its last."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY:
        return Html(f"<{name}{given}>")
    parts: list[str] = []
    for child in children:
        _add(parts, child)
    return Html(f"<{name}{given}>{''.join(parts)}</{name}>")


def style(css: str) -> Html:
    """A style element with a style sheet of ours."""
    return Html(f"<style>{css}</style>")


def _value(value: str | float) -> str:
    return _escaped(value).replace('"', "&quot;") if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def _add(parts: list[str], child: Child) -> None:
    if child is None:
        return
    if isinstance(child, Html):
        parts.append(child)
    elif isinstance(child, str):
        parts.append(_escaped(child))
    else:
        for each in child:
            _add(parts, each)


def _escaped(text: str) -> str:
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str) -> str:
    """*text* without control characters, and without the invisible ones that turn the direction of what follows."""
    if text.isascii() and text.isprintable():
        return text
    return _ODD.sub("\ufffd", fields.visible(text))


def page(root: Html) -> str:
    """The document, as text."""
    return f"<!DOCTYPE html>\n{root}\n"
