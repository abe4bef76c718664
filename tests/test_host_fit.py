"""The table of releases in docs/host-fit.md, which tests/host_matrix.py makes."""

import re
from pathlib import Path

import host_matrix
import pytest
from claudestrator_helper import host
from rig import claude_code, project
from rig.messages_api import Exchange, Request
from rig.scene import Stage

PAGE = "# Title\n\nText, measured at commit `old`.\n\n| release | a |\n| --- | --- |\n| 2.1.99 | old |\n| 2.1.300 | kept |\n\n## More\n\n| from | what |\n|---|---|\n| 2.1.5 | this |\n"
DOCUMENT = project.REPOSITORY / "docs" / "host-fit.md"


def rows(text: str) -> list[str]:
    return re.findall(r"^\| (2\.\d+\.\d+) \| 20", text, re.MULTILINE)


def test_rows_of_one_commit_become_the_table_and_stand_in_order() -> None:
    new = {"2.1.99": "| 2.1.99 | 2026 | new |", "2.1.145": "| 2.1.145 | 2026 | added |"}
    made = host_matrix.page(PAGE, dict(reversed(new.items())), "abc")
    lines = made.split("\n")
    assert lines[:3] == ["# Title", "", "Text, measured at commit `abc`."]
    assert [line for line in lines if line.startswith("| 2")] == [
        *new.values(),
        "| 2.1.5 | this |",
    ]
    assert made.endswith("\n## More\n\n| from | what |\n|---|---|\n| 2.1.5 | this |\n")
    assert host_matrix.page(made, new, "abc") == made


def test_a_page_without_a_table_gets_one_in_front_of_its_first_section() -> None:
    made = host_matrix.page("# Title\n\nText.\n\n## More\n", {"2.1.99": "| 2.1.99 | 2026 | new |"}, "abc")
    assert made.startswith("# Title\n\nText.\n\n| release | published | ")
    assert made.endswith("| 2.1.99 | 2026 | new |\n\n## More\n")


def test_a_main_model_that_was_asked_is_told_of_with_what_it_was_asked() -> None:
    said = [{"role": "user", "content": "/orchestrate"}, {"role": "user", "content": "<task-notification> TASK-1"}]
    asked = Exchange(Request(1, None, {"messages": said}), [], 0.0)
    assert host_matrix.last_said(asked) == "<task-notification> TASK-1"


@pytest.mark.parametrize("name", ["README.md", "docs/host-fit.md"])
def test_the_releases_that_are_tested_are_the_ones_that_are_named(name: str) -> None:
    text = (project.REPOSITORY / name).read_text(encoding="utf-8")
    assert claude_code.VERSION in text
    assert f"Claude Code from {claude_code.OLDEST} on" in text


def test_many_releases_of_half_a_year_were_looked_at() -> None:
    found = rows(DOCUMENT.read_text(encoding="utf-8"))
    assert len(found) >= 12
    assert {claude_code.OLDEST, claude_code.VERSION} <= set(found)


def test_a_release_says_which_of_the_features_that_an_engine_uses_it_lacks(tmp_path: Path) -> None:
    scenario = host_matrix.Scenario("a", lambda _: "7", uses=(host.NOTICES_BLOCKED,))
    stage = Stage(tmp_path, tmp_path)
    assert host_matrix.played(scenario, "2.1.250", stage) == ("7 (no blocked notices)", "")
    assert host_matrix.played(scenario, "2.1.260", stage) == ("7", "")


def test_a_release_that_has_a_row_of_this_commit_is_not_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[str] = []

    def row(version: str, *_: object) -> tuple[str, list[str]]:
        played.append(version)
        return f"| {version} | ? |", []

    monkeypatch.setattr(host_matrix, "row", row)
    monkeypatch.setattr(host_matrix, "commit", lambda: "abc")
    monkeypatch.setattr(host_matrix, "dates", lambda: {"2.1.145": "2026", "2.1.332": "2026"})
    monkeypatch.setattr(host_matrix, "kept", lambda measured: tmp_path / measured)
    monkeypatch.setattr(host_matrix, "RELEASES", ("2.1.145", "2.1.150"))
    document = tmp_path / "page.md"
    document.write_text(PAGE)
    assert host_matrix.main(["2.1.150"]) == 0
    assert host_matrix.main(["--docs", str(document)]) == 0
    assert played == ["2.1.150", "2.1.145", "2.1.332"]
    assert re.findall(r"^\| (\S+) \| \?", document.read_text(), re.MULTILINE) == ["2.1.145", "2.1.150", "2.1.332"]
