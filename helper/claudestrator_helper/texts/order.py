"""Which tasks have to be completed before others."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol, TypeVar

    class Task(Protocol):
        """What is asked of a task here."""

        position: int
        id: str

    T = TypeVar("T", bound=Task)


def before(
    tasks: "Sequence[T]", by_id: "Mapping[str, Sequence[T]]", direct: "Callable[[T], list[str]]"
) -> dict[str, int]:
    """By id, the positions of all tasks that have to be completed before, a bit each; *direct* are the ids that a task
    names."""
    found: dict[str, int] = {}
    ended: set[str] = set()
    path = list(tasks)
    while path:
        task = path[-1]
        known = [] if task.id in ended else [by_id[id_][0] for id_ in direct(task) if id_ in by_id]
        first = task.id not in found
        found.setdefault(task.id, 0)
        new = [other for other in known if other.id not in found] if first else []
        path += new
        if not new:
            path.pop()
            ended.add(task.id)
            for other in known:
                found[task.id] |= found[other.id] | 1 << other.position
    return found
