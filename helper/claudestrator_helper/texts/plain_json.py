"""JSON by the part of Python's that is written in C: importing the whole takes as long as starting Python, as it
imports `re`. A hook reads and answers one text each."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SPACE = " \t\n\r"


def loads(text: str, refuse: "Callable[[str], object] | None" = None) -> "Any":
    """The value of *text*, as json.loads; *refuse* is called for fractions and for what is JSON only to Python.

    Raises ValueError for anything else, and RecursionError.

    """
    try:
        from _json import make_scanner
    except ImportError:
        import json

        return json.loads(text, parse_float=refuse, parse_constant=refuse)

    text = text.strip(_SPACE)
    try:
        value, end = make_scanner(_Context(refuse or float))(text, 0)  # type: ignore[arg-type]
    except StopIteration as stop:
        raise ValueError(text[:60]) from stop
    if end != len(text):
        raise ValueError(text[:60])
    return value


class _Context:
    """How it is read, as json.JSONDecoder says it."""

    strict, object_hook, object_pairs_hook, parse_int = True, None, None, int

    def __init__(self, number: "Callable[[str], object]") -> None:
        self.parse_float = self.parse_constant = number
        self.memo: dict[str, str] = {}


def dumps(value: object) -> str:
    """The same as json.dumps makes of it."""
    try:
        from _json import encode_basestring_ascii, make_encoder

        encode = make_encoder(None, _refused, encode_basestring_ascii, None, ": ", ", ", False, False, True)
        return "".join(encode(value, 0))
    except (ImportError, TypeError):
        import json

        return json.dumps(value)


def _refused(value: object) -> object:
    raise TypeError(value)
