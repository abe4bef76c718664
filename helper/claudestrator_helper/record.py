"""Frozen dataclasses that are made at once: the standard decorator compiles methods for each class, which takes longer
than most of what a verb does."""

from dataclasses import MISSING, FrozenInstanceError, dataclass

__all__ = ["record"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool) -> object:
        """The decorator; it knows no other kind."""
        return _made


def _made(cls: type) -> type:
    for name, method in (("__init__", _init), ("__eq__", _equal), ("__hash__", None), ("__setattr__", _refuse)):
        setattr(cls, name, method)
    return dataclass(init=False, eq=False, repr=False, match_args=False)(cls)


def _init(self: object, *given: object, **named: object) -> None:
    fields = type(self).__dataclass_fields__  # type: ignore[attr-defined]
    values = dict(zip(fields, given, strict=False))
    wrong = {*given[len(fields) :], *(values.keys() & named), *(named.keys() - fields)}
    values |= named
    for name, field in fields.items():
        if name in values:
            continue
        values[name] = field.default if field.default_factory is MISSING else field.default_factory()
    missing = [name for name, value in values.items() if value is MISSING]
    if wrong or missing:
        raise TypeError(f"{type(self).__name__}: wrong values {sorted(map(str, wrong))}, missing {missing}")
    vars(self).update(values)


def _equal(self: object, other: object) -> bool:
    return vars(self) == vars(other) if type(self) is type(other) else NotImplemented


def _refuse(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")
