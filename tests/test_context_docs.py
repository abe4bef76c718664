"""docs/context.md and its picture are what the benchmark wrote of its figures."""

from __future__ import annotations

import re
from itertools import product
from xml.etree import ElementTree as ET

import pytest
from context import report
from rig import project
from rig.budget import ENGINES

SIZES = (20, 100)
SVG = "{http://www.w3.org/2000/svg}"


def rows_of(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| tasks")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("| ---")]


def test_what_is_listed_in_every_session_is_as_long_as_the_document_says() -> None:
    listed = {"148": 0, "660": 0}
    for path in sorted((project.REPOSITORY / "commands").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if "\ndisable-model-invocation: true\n" not in text:
            described = re.findall(r'^description: "?(.*?)"?$', text, re.MULTILINE)[0]
            # As Claude Code lists it: in place of an empty description, a project's command gets a full stop.
            line = f"- claudestrator:{path.stem}: {described or '.'}\n"
            listed["148"] += len(line) * bool(described)
            listed["660"] += len(line)
    assert {said: str(counted) for said, counted in listed.items()} == {said: said for said in listed}
    section = report.DOCUMENT.read_text(encoding="utf-8").partition("## What is listed")[2].partition("##")[0]
    assert all(f"{said} " in section for said in listed)


def test_the_figures_are_in_the_order_of_queues_and_engines() -> None:
    measured = [(row.tasks, row.engine) for row in report.kept()]
    assert measured == [pair for pair in product(SIZES, ENGINES) if pair in measured]
    assert {name for _, name in measured} >= {"original", "task", "parallel", "lean"}


def test_the_document_and_the_picture_are_what_the_benchmark_makes_of_its_figures() -> None:
    text, rows = report.DOCUMENT.read_text(encoding="utf-8"), report.kept()
    assert text == report.document(text, rows), "out of date: run `python benchmarks/context --redraw`"
    assert report.PICTURE.read_text(encoding="utf-8") == report.picture(rows)


def test_the_tables_name_each_engine_and_queue_with_its_figures() -> None:
    written = rows_of(report.DOCUMENT.read_text(encoding="utf-8"))
    named = [(row.title, row.tasks) for row in report.kept()]
    assert [(cells[1], int(cells[0])) for cells in written] == named * 2
    # An engine whose agents had another time is not compared.
    figures = [cell for cells in written for cell in cells[2:] if cell]
    assert all(re.fullmatch(r"[\d,]+(\.\d+)?( s)?", cell) for cell in figures)


def test_the_picture_shows_the_figures_of_the_table() -> None:
    written = rows_of(report.DOCUMENT.read_text(encoding="utf-8"))
    longest = max(int(cells[0]) for cells in written)
    costs = [cells[2] for cells in written[: len(written) // 2] if int(cells[0]) == longest]

    tree = ET.parse(report.PICTURE)
    shown = [text.text for text in tree.iter(f"{SVG}text") if "figure" in text.get("class", "")]
    assert shown == costs
    described = tree.findtext(f"{SVG}desc") or ""
    assert all(cost in described for cost in costs)


@pytest.mark.parametrize("what", ["title", "desc"])
def test_the_picture_says_what_it_is_to_who_does_not_see_it(what: str) -> None:
    tree = ET.parse(report.PICTURE)
    element = tree.find(f"{SVG}{what}")
    assert element is not None
    assert element.text
    assert element.get("id") in tree.getroot().get("aria-labelledby", "").split()


def test_the_picture_is_small_and_stands_alone() -> None:
    text = report.PICTURE.read_text(encoding="utf-8")
    assert len(text) < 15_000
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|<script|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
