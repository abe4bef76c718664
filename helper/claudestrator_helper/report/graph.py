"""The picture of the dependencies: a box for each task, a line to each task that needs it."""

from collections.abc import Iterable

from ..texts import fields
from . import layout, words
from .html import Html, tag
from .layout import Layout
from .model import Report, Work

#: Above this many tasks, the boxes hold only the ids.
_ROOMY = 80
#: Pixels: around the picture, and the width of the page.
_MARGIN, _PAGE = 10, 1148


class _Size:
    """The size of a box and of the gaps between two, in pixels."""

    def __init__(self, tasks: list[Work]) -> None:
        self.titles = len(tasks) <= _ROOMY
        longest = max((len(work.id) for work in tasks), default=0)
        self.width = 176 if self.titles else min(150, 34 + 7 * longest)
        self.height = 44 if self.titles else 22
        self.across, self.down = 44, 14 if self.titles else 7
        self.letters = (self.width - 20) // 6

    def corner(self, column: float, row: float) -> tuple[float, float]:
        return _MARGIN + column * (self.width + self.across), _MARGIN + row * (self.height + self.down)


def picture(report: Report) -> Html | None:
    """The picture; None if it can't be drawn."""
    tasks = report.tasks
    known = {work.id for work in tasks}
    edges = [(needed, work.id) for work in tasks for needed in work.dependencies if needed in known]
    tied = {name for pair in edges if pair[0] != pair[1] for name in pair}
    found = layout.of(edges, [work.id for work in tasks if work.id not in tied])
    if found is None or not tasks:
        return None
    size = _Size(tasks)
    right, bottom = size.corner(found.columns, found.rows)
    width, height = right - size.across + _MARGIN, bottom - size.down + _MARGIN
    # A picture that is a little too wide for the page is drawn a little smaller.
    scale = _PAGE / width if _PAGE < width <= 1.4 * _PAGE else 1.0
    needed_by: dict[str, list[str]] = {}
    for one, other in edges:
        needed_by.setdefault(one, []).append(other)
    return tag(
        "svg",
        tag("g", _lines(found, size), class_="lines", aria_hidden="true"),
        [_box(work, *size.corner(*found.places[work.id]), size, needed_by.get(work.id, [])) for work in tasks],
        class_="graph",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=width * scale,
        height=height * scale,
        role="group",
        aria_label="Dependencies: each task, and what it needs",
    )


def _lines(found: Layout, size: _Size) -> Iterable[Html]:
    return [tag("path", d=_way(points, size)) for points in found.lines]


def _way(points: list[tuple[float, float]], size: _Size) -> str:
    """From the right of the first box to the left of the last, straight through the bends' places."""
    half = size.height / 2
    x, y = size.corner(*points[0])
    drawn = [f"M{x + size.width:.0f} {y + half:.0f}"]
    at = x + size.width, y + half
    for number, point in enumerate(points[1:], 2):
        x, y = size.corner(*point)
        y += half
        middle = (at[0] + x) / 2
        drawn.append(f"C{middle:.0f} {at[1]:.0f} {middle:.0f} {y:.0f} {x:.0f} {y:.0f}")
        if number < len(points):
            drawn.append(f"H{x + size.width:.0f}")
            x += size.width
        at = x, y
    return "".join(drawn)


def _box(work: Work, x: float, y: float, size: _Size, needed_by: list[str]) -> Html:
    state = words.state(work)
    needs = f"; needs {fields.named(work.dependencies, len(work.dependencies))}" if work.dependencies else ""
    used = f"; needed by {fields.named(needed_by, len(needed_by))}" if needed_by else ""
    told = f"{work.id}, {words.state_word(work)}: {fields.cut(work.title, 200)}{needs}{used}"
    return tag(
        "a",
        tag("title", told),
        tag("rect", x=x, y=y, width=size.width, height=size.height, rx=5),
        tag("rect", x=x, y=y, width=4, height=size.height, class_="edge"),
        tag(
            "text",
            f"{words.SIGNS[state]} {fields.cut(work.id, size.letters)}",
            x=x + 12,
            y=y + (18 if size.titles else 15),
        ),
        tag("text", fields.cut(work.title.replace("`", ""), size.letters), x=x + 12, y=y + 35, class_="said")
        if size.titles
        else None,
        href=f"#{work.id}",
        class_=f"box {state}",
    )
