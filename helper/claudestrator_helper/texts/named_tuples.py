"""`typing.NamedTuple` without `typing`, which takes a tenth of a hook's time to import, as it imports `re`."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or sys.version_info >= (3, 14):  # from where on a class's body has no annotations before it is made
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 (mypy: it is exported)
else:
    from collections import namedtuple

    class _Maker(type):
        """Makes a named tuple of a class's body: its annotations are the fields, and their values the defaults."""

        def __new__(cls, name: str, _: tuple[type, ...], body: dict[str, object]) -> type:
            fields = list(body["__annotations__"])
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])  # noqa: PYI024 (typing's is slow to import)
            for key, value in body.items():
                setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})
