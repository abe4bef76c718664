"""The table of releases in docs/host-fit.md, which tests/host_matrix.py makes."""

import re

import host_matrix
import pytest
from rig import claude_code, project

PAGE = "# Title\n\nText.\n\n| release | a |\n| --- | --- |\n| 2.1.99 | old |\n| 2.1.300 | kept |\n\n## More\n\n| from | what |\n|---|---|\n| 2.1.5 | this |\n"
DOCUMENT = project.REPOSITORY / "docs" / "host-fit.md"


def rows(text: str) -> list[str]:
    return re.findall(r"^\| (2\.\d+\.\d+) \| 20", text, re.MULTILINE)


def test_rows_replace_those_of_the_same_releases_and_stand_in_order() -> None:
    new = {"2.1.99": "| 2.1.99 | 2026 | new |", "2.1.145": "| 2.1.145 | 2026 | added |"}
    made = host_matrix.page(PAGE, new)
    lines = made.split("\n")
    assert lines[:3] == ["# Title", "", "Text."]
    assert [line for line in lines if line.startswith("| 2")] == [
        *new.values(),
        "| 2.1.300 | kept |",
        "| 2.1.5 | this |",
    ]
    assert made.endswith("\n## More\n\n| from | what |\n|---|---|\n| 2.1.5 | this |\n")
    assert host_matrix.page(made, new) == made


def test_a_page_without_a_table_gets_one_in_front_of_its_first_section() -> None:
    made = host_matrix.page("# Title\n\nText.\n\n## More\n", {"2.1.99": "| 2.1.99 | 2026 | new |"})
    assert made.startswith("# Title\n\nText.\n\n| release | published | ")
    assert made.endswith("| 2.1.99 | 2026 | new |\n\n## More\n")


@pytest.mark.parametrize("name", ["README.md", "docs/host-fit.md"])
def test_the_releases_that_are_tested_are_the_ones_that_are_named(name: str) -> None:
    text = (project.REPOSITORY / name).read_text(encoding="utf-8")
    assert claude_code.VERSION in text
    assert f"Claude Code from {claude_code.OLDEST} on" in text


def test_many_releases_of_half_a_year_were_looked_at() -> None:
    found = rows(DOCUMENT.read_text(encoding="utf-8"))
    assert len(found) >= 12
    assert {claude_code.OLDEST, claude_code.VERSION} <= set(found)
