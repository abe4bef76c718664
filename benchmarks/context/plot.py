"""The picture: what a task costs with each engine, and how the conversation grows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from context.report import Row

WIDTH, HEIGHT = 900, 400
_TOP, _BOTTOM = 72, 356
_BARS_LEFT, _BARS_WIDTH = 24, 250
_LEFT, _RIGHT = 420, 690
#: Between the baselines of two labels.
_LINE = 15
_FONT = '13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif'
#: By class, in a light and in a dark scheme.
_COLOURS = {
    "paper": ("#ffffff", "#0d1117"), "ink": ("#1f2328", "#f0f6fc"),
    "faint": ("#59636e", "#9198a1"), "rule": ("#d1d9e0", "#3d444d"),
    "original": ("#bc4c00", "#f0883e"), "task": ("#0969da", "#58a6ff"),
    "parallel": ("#8250df", "#bc8cff"), "lean": ("#1a7f37", "#3fb950"),
    "background": ("#9a6700", "#d29922"), "background-4": ("#7d4e00", "#e3b341"),
    "mod": ("#bf3989", "#f778ba"), "mod-4": ("#99286e", "#ff9bce"),
}  # fmt: skip


def svg(rows: list[Row]) -> str:
    """Of rows with the same number of tasks, whose engines' names are classes of the style sheet."""
    tasks = rows[0].tasks
    said = "; ".join(f"{row.title} {row.per_task}" for row in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">',
        f'<title id="t">What {tasks} tasks cost the orchestrator\'s context</title>',
        f'<desc id="d">Characters that enter the main conversation for each task: {escape(said)}.</desc>',
        f"<style>\n{_style()}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        *_bars(rows),
        *_lines(rows),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style() -> str:
    light, dark = (
        "".join(
            f".{name} {{ fill: {both[scheme]}; }} .line.{name} {{ fill: none; stroke: {both[scheme]}; }}\n"
            for name, both in _COLOURS.items()
        )
        for scheme in (0, 1)
    )
    return (
        f"text {{ font: {_FONT}; }} .head {{ font-weight: 600; font-size: 15px; }} .faint {{ font-size: 12px; }}\n"
        f".line {{ stroke-width: 2.5; stroke-linejoin: round; }} .line.rule {{ stroke-width: 1; }}\n"
        f"{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
    )


def _bars(rows: list[Row]) -> list[str]:
    longest = max(row.entered for row in rows)
    parts = [
        _text(_BARS_LEFT, 32, "What a task adds to the main conversation", "head ink"),
        _text(_BARS_LEFT, 51, f"characters a task, in a run of {rows[0].tasks} tasks", "faint"),
    ]
    pitch = (_BOTTOM - _TOP) / len(rows)
    for at, row in enumerate(rows):
        y, length = _TOP + at * pitch + 18, _BARS_WIDTH * row.entered / longest
        parts += [
            _text(_BARS_LEFT, y, row.title, "ink"),
            f'<path class="{row.engine}" d="M{_BARS_LEFT} {y + 7:.0f}h{max(length, 2):.1f}v16H{_BARS_LEFT}z"/>',
            _text(_BARS_LEFT + length + 8, y + 20, row.per_task, f"figure {row.engine}"),
        ]
    return parts


def _lines(rows: list[Row]) -> list[str]:
    highest = max(row.entered for row in rows)
    step = _step(highest)
    scale = (_BOTTOM - _TOP) / highest
    parts = [
        _text(_LEFT, 32, "How the main conversation grows", "head ink"),
        _text(_LEFT, 51, "thousands of characters that have entered it", "faint"),
    ]
    for value in range(0, highest + 1, step):
        y = _BOTTOM - value * scale
        parts.append(f'<path class="line rule" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{value // 1000}", "faint", "end"))
    for part in range(5):
        x = _LEFT + (_RIGHT - _LEFT) * part / 4
        parts.append(_text(x, _BOTTOM + 18, f"{rows[0].tasks * part // 4}", "faint", "middle"))
    parts.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 36, "tasks", "faint", "middle"))
    parts += [_line(row, scale) for row in rows]
    ends = _spread([(_BOTTOM - row.entered * scale + 4, row) for row in rows])
    parts += [_text(_RIGHT + 8, y, row.title, row.engine) for y, row in ends]
    return parts


def _line(row: Row, scale: float) -> str:
    """The first agent is the decomposition; where the second attempts lie hardly shows."""
    grown = [*row.growth[1:], row.entered]
    every = max(1, len(grown) // 50)
    points = [(at, grown[at]) for at in range(0, len(grown) - 1, every)] + [(len(grown) - 1, grown[-1])]
    width = (_RIGHT - _LEFT) / (len(grown) - 1)
    path = " ".join(f"{_LEFT + at * width:.1f},{_BOTTOM - value * scale:.1f}" for at, value in points)
    return f'<polyline class="line {row.engine}" points="{path}"/>'


def _spread(labels: list[tuple[float, Row]]) -> list[tuple[float, Row]]:
    """From the lowest up, each at least a line above the one below it."""
    placed: list[tuple[float, Row]] = []
    for y, row in sorted(labels, key=lambda label: -label[0]):
        placed.append((min(y, placed[-1][0] - _LINE) if placed else y, row))
    return placed


def _step(highest: int) -> int:
    """A round number of which `highest` holds two to five."""
    tens: int = 10 ** (len(str(highest)) - 1)
    return next(step for step in (tens // 5, tens // 2, tens, 2 * tens) if highest < 6 * step)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "") -> str:
    anchored = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}"{anchored}>{escape(text)}</text>'
