"""The figures on disk, and what docs/ says of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from context import plot
from rig.budget import ENGINES
from rig.figures import Cost

if TYPE_CHECKING:
    from collections.abc import Iterable

FIGURES = Path(__file__).with_name("figures.jsonl")
DOCUMENT, PICTURE = (Path(__file__).parents[2] / "docs" / name for name in ("context.md", "context.svg"))
BEGIN, END = "<!-- written by `python benchmarks/context` -->", "<!-- end -->"
_ENGINES = list(ENGINES)


@dataclass(frozen=True)
class Row(Cost):
    """One engine, by its name in budget.ENGINES, with one queue.

    An agent takes `seconds` for its work, and `work` is their sum.
    """

    engine: str
    tasks: int
    seconds: float
    work: float

    @property
    def title(self) -> str:
        return ENGINES[self.engine].name

    @property
    def per_task(self) -> str:
        """The characters, as both the table and the picture show them."""
        return f"{self.entered / self.tasks:,.0f}"


def kept() -> list[Row]:
    text = FIGURES.read_text(encoding="utf-8") if FIGURES.exists() else ""
    return [Row(**json.loads(line)) for line in text.splitlines()]


def keep(row: Row) -> None:
    """Instead of the row that there was for this engine and queue."""
    others = [each for each in kept() if (each.tasks, each.engine) != (row.tasks, row.engine)]
    rows = sorted([*others, row], key=lambda each: (each.tasks, _ENGINES.index(each.engine)))
    FIGURES.write_text("".join(json.dumps(asdict(each)) + "\n" for each in rows), encoding="utf-8")


def write() -> str:
    """The tables, which it puts into the document, beside the picture."""
    rows = kept()
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8"), rows), encoding="utf-8")
    PICTURE.write_text(picture(rows), encoding="utf-8")
    return tables(rows)


def document(text: str, rows: list[Row]) -> str:
    """The text with the tables between its two marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables(rows)}\n{END}{rest.partition(END)[2]}"


def picture(rows: list[Row]) -> str:
    """Of the longest queue."""
    longest = max(row.tasks for row in rows)
    return plot.svg([row for row in rows if row.tasks == longest])


def tables(rows: list[Row]) -> str:
    one_by_one = {(row.tasks, row.seconds): row.wall for row in rows if row.engine == "task"}
    return f"{_costs(rows)}\n{_times(rows, one_by_one)}"


def _costs(rows: list[Row]) -> str:
    return _table(
        ("tasks", "", "characters a task", "tokens a task", "turns a task", "characters re-read in all", "agents"),
        (
            (
                row.per_task,
                f"{row.tokens / row.tasks:,.0f}",
                f"{row.turns / row.tasks:.2f}",
                f"{row.reread:,}",
                f"{row.agents}",
            )
            for row in rows
        ),
        rows,
    )


def _times(rows: list[Row], one_by_one: dict[tuple[int, float], float]) -> str:
    return _table(
        ("tasks", "", "an agent's work", "wall", "/ agents' work", "/ Task engine's wall", "to the next agent"),
        (
            (
                f"{row.seconds:g} s",
                f"{row.wall:,.0f} s",
                f"{row.wall * ENGINES[row.engine].slots / row.work:.2f}",
                f"{row.wall / task:.2f}" if (task := one_by_one.get((row.tasks, row.seconds))) else "",
                f"{row.dispatch:.2f} s",
            )
            for row in rows
        ),
        rows,
    )


def _table(heads: tuple[str, ...], cells: Iterable[tuple[str, ...]], rows: list[Row]) -> str:
    body = [(str(row.tasks), row.title, *more) for row, more in zip(rows, cells, strict=True)]
    rule = tuple("---:" if head else "---" for head in heads)
    return "".join(f"| {' | '.join(words)} |\n" for words in (heads, rule, *body))
