"""A property that is computed once. Before Python 3.12, `functools.cached_property` takes a lock for that, which takes
a queue of many sections longer than what it computes."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property

    once = cached_property
else:

    class once:  # noqa: N801 (it is used as a decorator)
        __slots__ = ("name", "work")

        def __init__(self, work: "Callable[[object], object]") -> None:
            self.work, self.name = work, work.__name__

        def __get__(self, instance: object, owner: type) -> object:
            found = vars(instance)[self.name] = self.work(instance)
            return found
