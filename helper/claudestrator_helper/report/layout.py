"""Where the tasks of a dependency graph stand, and the way of each line: columns from left to right.

fast-sugiyama, an optional package, does the work: layers, few crossings, and lines that bend around what lies between
(MIT, 0.7 MB without dependencies, 200 tasks in 20 ms). igraph does it too, in 15 MB under the GPL; the others call a
Graphviz that the machine may not have, cross lines freely, or are no longer kept.
"""

import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..system import extras

#: The package's requirement, for people.
REQUIREMENT = "fast-sugiyama>=0.5"
#: A graph of more tasks is laid out without the slowest pass.
_LARGE = 300
#: The columns that all lines pass, together: above the first number the lines do not bend around what lies between, and
#: above the second the graph is too tangled for a picture.
_STRAIGHT, _TANGLED = 6000, 60_000
#: So many lines are drawn however few tasks they are between; beyond three a task they can't be told apart.
_MANY = 400
#: The package's distance between two neighbours.
_UNIT = 72.0


class Layout(NamedTuple):
    """*places* are column and row by id, in units of one box; *lines* the points of each line, its ends included."""

    places: dict[str, tuple[float, float]]
    lines: list[list[tuple[float, float]]]
    columns: float
    rows: float


def advice() -> str:
    """How the missing package is installed here."""
    newer = "" if sys.version_info >= (3, 11) else ", with a Python from 3.11 on"
    return f"{extras.way(REQUIREMENT)}{newer}"


def is_there() -> bool:
    """Whether the package can be imported."""
    try:
        import fast_sugiyama  # noqa: F401
    except ImportError:
        return False
    return True


def of(edges: Iterable[tuple[str, str]], alone: Iterable[str]) -> Layout | None:
    """The layout of these dependencies, each from the task that comes first; tasks that have none are *alone* and stand
    below the others. None if the package is missing or has no answer."""
    pairs = [pair for pair in dict.fromkeys(edges) if pair[0] != pair[1]]
    # The package takes minutes over many circles, and a circle is no plan: the lines that close one are straight.
    free, closing = _without_circles(pairs)
    if _passed(free) > _TANGLED or len(free) > max(_MANY, 3 * len({name for pair in free for name in pair})):
        return None
    found = _components(free) if free else []
    if found is None:
        return None
    laid = _stacked(found, list(alone))
    laid.lines.extend([laid.places[one], laid.places[other]] for one, other in closing)
    return laid


def _without_circles(pairs: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The pairs that make no circle, and those that close one when tasks are gone through in their order."""
    follows: dict[str, list[str]] = {}
    for one, other in pairs:
        follows.setdefault(one, []).append(other)
    open_, over, closing = set[str](), set[str](), set[tuple[str, str]]()
    for start, first in follows.items():
        path = [] if start in over else [(start, iter(first))]
        open_.update(name for name, _ in path)
        while path:
            one, rest = path[-1]
            behind = next(rest, None)
            if behind is None:
                path.pop()
                open_.discard(one)
                over.add(one)
            elif behind in open_:
                closing.add((one, behind))
            elif behind not in over:
                open_.add(behind)
                path.append((behind, iter(follows.get(behind, ()))))
    return [pair for pair in pairs if pair not in closing], [pair for pair in pairs if pair in closing]


def _components(pairs: list[tuple[str, str]]) -> list[Any] | None:
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    numbers = {name: number for number, name in enumerate(names)}
    numbered = [(numbers[one], numbers[other]) for one, other in pairs]
    is_large = len(names) > _LARGE
    try:
        import fast_sugiyama

        found = fast_sugiyama.from_edges(
            numbered,
            dummy_vertices=_passed(pairs) <= _STRAIGHT,
            dummy_size=_UNIT / 2,
            ranking_type="up" if is_large else None,
            transpose=False if is_large else None,
            check_layout=False,
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 (a panic in Rust is no Exception, and a report without a picture is one still)
        return None
    return [_component(list(places), list(lines or []), names) for places, _, _, lines in found]


def _passed(pairs: list[tuple[str, str]]) -> int:
    """The columns that the lines pass, together. What is in a circle counts as in the first column."""
    follows: dict[str, list[str]] = {}
    needs: dict[str, int] = {}
    for one, other in pairs:
        follows.setdefault(one, []).append(other)
        needs[other] = needs.get(other, 0) + 1
    columns = dict.fromkeys((name for pair in pairs for name in pair), 0)
    free = [name for name in columns if name not in needs]
    for name in free:
        for other in follows.get(name, ()):
            columns[other] = max(columns[other], columns[name] + 1)
            needs[other] -= 1
            if not needs[other]:
                free.append(other)
    return sum(abs(columns[other] - columns[one]) for one, other in pairs)


def _component(places: list[Any], lines: list[Any], names: list[str]) -> Layout:
    highest = max(y for _, (_, y) in places)
    leftmost = min(x for _, (x, _) in places)
    at = _apart({number: ((highest - y) / _UNIT, (x - leftmost) / _UNIT) for number, (x, y) in places}, len(names))
    follows: dict[int, list[int]] = {}
    for one, other in lines:
        follows.setdefault(one, []).append(other)
    ways = [way for one in at if one < len(names) for way in _ways(one, follows, len(names), set())]
    return Layout(
        {names[number]: place for number, place in at.items() if number < len(names)},
        [[at[number] for number in way] for way in ways],
        max(column for column, _ in at.values()) + 1,
        max(row for _, row in at.values()) + 1,
    )


def _apart(at: dict[int, tuple[float, float]], real: int) -> dict[int, tuple[float, float]]:
    """The places, in their order, with room for each box of a column: the package lets some overlap."""
    before: dict[float, tuple[float, bool]] = {}
    for number, (exact, row) in sorted(at.items(), key=lambda item: item[1]):
        column = round(exact, 2)
        is_real = number < real
        if column in before:
            last, was_real = before[column]
            below = max(row, last + (1.0 if is_real or was_real else 0.0))
        else:
            below = row
        before[column] = below, is_real
        at[number] = column, below
    return at


def _ways(one: int, follows: dict[int, list[int]], real: int, seen: set[int]) -> Iterable[list[int]]:
    """The ways from *one* to the next real tasks, through the bends between, which have the numbers from *real* on."""
    for other in follows.get(one, ()):
        way = [one, other]
        while way[-1] >= real and way[-1] not in seen:
            seen.add(way[-1])
            way += follows.get(way[-1], [])[:1]
        yield way


def _stacked(found: list[Layout], alone: list[str]) -> Layout:
    """The parts below each other, the largest first, then what stands alone, in rows."""
    places: dict[str, tuple[float, float]] = {}
    lines: list[list[tuple[float, float]]] = []
    columns = max([part.columns for part in found], default=0.0)
    below = 0.0
    for part in sorted(found, key=lambda part: -len(part.places)):
        places |= {name: (column, row + below) for name, (column, row) in part.places.items()}
        lines += [[(column, row + below) for column, row in way] for way in part.lines]
        below += part.rows
    width = int(max(columns, min(6, len(alone))))
    for number, name in enumerate(alone):
        places[name] = (number % width, below + number // width)
    return Layout(places, lines, max(columns, width), below + -(-len(alone) // width) if alone else below)
