"""What a loop has taught: kept within bounds, merged without repetition, and forgotten with the code it is about."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import memory, paths
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def project(tmp_path: Path) -> paths.Project:
    root = tmp_path / "project"
    (root / ".claude").mkdir(parents=True)
    return paths.project(str(root))


def code(lines: int = 60, start: int = 0) -> str:
    return "".join(f"    value_{number} = {number}\n\n" for number in range(start, start + lines))


def write(project: paths.Project, path: str, text: str | bytes = code()) -> Path:
    full = Path(project.root, path)
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_bytes(text if isinstance(text, bytes) else text.encode())
    return full


def report(*patterns: str, gotchas: tuple[str, ...] = (), summary: str = "It went well.") -> str:
    lists = ("".join(f"- {item}\n" for item in items) for items in (patterns, gotchas))
    return "# Summary\n{}\n\n# Patterns\n{}\n# Gotchas\n{}".format(summary, *lists)


def remember(project: paths.Project, text: str, loop: int = 1) -> list[str]:
    return memory.remember(project, memory.parse(text), loop=loop, run="r1")


def texts(project: paths.Project) -> list[str]:
    return [entry.text for entry in memory.read(project)]


def test_a_report_is_read_into_its_parts() -> None:
    text = report(
        "Tests are in tests/ (files: tests/a.py, `src/b.py`)", "No files here",
        gotchas=("It (files: x) hangs (File: app/(group)/page.tsx:12-14).", "a link\n  on two lines (files:)"),
        summary="First.\n\n## Left\n\n- one thing\n\n```\n# Patterns\n```",
    )  # fmt: skip
    assert memory.parse(text) == (
        "First.\n\n## Left\n\n- one thing\n\n```\n# Patterns\n```",
        [("pattern", "Tests are in tests/", ["tests/a.py", "src/b.py"]), ("pattern", "No files here", []),
         ("gotcha", "It (files: x) hangs", ["app/(group)/page.tsx"]), ("gotcha", "a link on two lines", [])],
        [],
    )  # fmt: skip


@pytest.mark.parametrize(
    "item", ["It hangs (files: app/(group)/page.tsx:12-14).", "It hangs (File: `app/(group)/page.tsx`)"]
)
def test_paths_of_every_kind(item: str) -> None:
    assert memory.parse(report(item))[1] == [("pattern", "It hangs", ["app/(group)/page.tsx"])]


def test_brackets_without_end_take_no_square_of_their_number() -> None:
    before = time.process_time()
    memory.parse(report(f"It hangs (files: {')' * 50_000}x"))
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize(
    "heading", ["# Summary", "## Summary:", "### **SUMMARY**", "\ufeff# summary", "Hello\n\n# Summary"]
)
def test_headings_of_every_kind(heading: str) -> None:
    assert memory.parse(f"{heading}\r\nIt went well.\r\n\r\n## Gotcha\r\n- a\r\n\r\n### Patterns\r\n- none\r\n") == (
        "It went well.", [("gotcha", "a", [])], []
    )  # fmt: skip


@pytest.mark.parametrize("item", ["none", "None.", "-", "(none)", "*Nothing new.*", "n/a", "Nothing this loop"])
def test_nothing_is_no_entry(item: str) -> None:
    assert memory.parse(report(item))[1] == []


@pytest.mark.parametrize(
    "item", ["No test touches the network", "None of the tests is slow", "N/A is how a cell is left empty", "=>"]
)
def test_what_only_begins_like_nothing_is_an_entry(item: str) -> None:
    assert memory.parse(report(item))[1] == [("pattern", item, [])]


def test_a_section_that_comes_twice_counts_twice_and_one_that_nobody_knows_is_named() -> None:
    text = "# Loop 3\n\n## Summary\na\n\n# Patterns\n- b\n\n# Ideas\n\n- c\n\n# Patterns\n- d\n"
    assert memory.parse(text) == (
        "a",
        [("pattern", "b", []), ("pattern", "d", [])],
        ["`Ideas` is not Summary, Patterns or Gotchas, and was left out"],
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It went well.",
        "# Summary\n\n# Patterns\n- a\n",
        "# Result\nx\n",
        "```\n# Summary\nx\n```",
        "# Summary\n\0\x1b\n",
    ],
)
def test_a_report_without_a_summary_is_refused(project: paths.Project, text: str) -> None:
    with pytest.raises(ClaudestratorError, match="the report has no `# Summary`") as refusal:
        remember(project, text)
    assert "\n" not in str(refusal.value)
    assert os.listdir(project.state) == []


def test_a_summary_is_cut_and_it_is_said(project: paths.Project) -> None:
    said = remember(project, report(summary="word " * 500))
    assert said == [
        "the summary was cut at 2,000 of its 2,499 characters",
        "kept the summary of loop 1, 0 new entries; 0 retired",
    ]
    kept = memory.parse(report(summary="x" * 2001))[0]
    assert (len(kept), kept[-2:]) == (2000, "x…")
    assert memory.parse(report(summary="x" * 2000))[0] == "x" * 2000
    assert memory.summary(project).startswith("# Loop 1\n\nword word")
    assert len(memory.summary(project)) <= 2020


def test_control_characters_of_a_summary_go_and_its_lines_stay(project: paths.Project) -> None:
    remember(project, report(summary="a\x1b[31m\0b\r\n\tc\n門\udcff"), loop=12)
    assert memory.summary(project) == "# Loop 12\n\na[31mb\n\tc\n門\udcff"
    assert Path(memory.summary_path(project)).read_bytes().endswith(b"\xff\n")


def test_without_a_report_there_is_nothing(project: paths.Project) -> None:
    assert (memory.summary(project), memory.read(project), memory.concerning(project)) == ("", [], [])


def test_the_next_loop_gets_what_was_written(project: paths.Project) -> None:
    write(project, "src/a.py")
    said = remember(project, report("Errors are returned (files: src/a.py)", gotchas=("The clock is faked",)), loop=3)
    assert said == ["kept the summary of loop 3, 2 new entries; 0 retired"]
    sample = memory.sample(project, "src/a.py")
    assert memory.read(project) == [
        memory.Entry("pattern", "Errors are returned", 3, "r1", {"src/a.py": sample}),
        memory.Entry("gotcha", "The clock is faked", 3, "r1", {}),
    ]
    assert len(sample) == len(set(sample)) == memory.SAMPLE


def test_what_was_learned_before_is_merged_and_becomes_the_newest(project: paths.Project) -> None:
    for name in ("a.py", "b.py"):
        write(project, name)
    remember(project, report("Errors are returned (files: a.py)", "Other", "other!", "OTHER"))
    assert texts(project) == ["Errors are returned", "OTHER"]
    said = remember(project, report(gotchas=("errors are `returned`. (files: b.py, ./b.py)",)), loop=2)
    assert said == ["kept the summary of loop 2, 0 new entries; 0 retired"]
    newest = memory.read(project)[-1]
    assert (newest.kind, newest.loop, list(newest.files)) == ("gotcha", 2, ["b.py", "a.py"])
    assert len(memory.read(project)) == 2


def test_what_holds_no_word_is_not_all_the_same(project: paths.Project) -> None:
    remember(project, report("=>", "<=", "=>"))
    assert texts(project) == ["<=", "=>"]


@pytest.mark.parametrize(
    ("change", "kept"),
    [("nothing", True), ("a few lines", True), ("lines put in front", True), ("indented", True), ("reordered", True), ("gone", False),
     ("emptied", False), ("rewritten", False), ("a folder", False), ("most lines", False)],
)  # fmt: skip
def test_an_entry_is_retired_when_its_file_is_gone_or_rewritten(
    project: paths.Project, change: str, kept: bool
) -> None:
    full = write(project, "a.py", code() + "}\n" * 30)
    remember(project, report("About a (files: a.py)", "About nothing"))
    lines = code().splitlines(keepends=True)
    changed = {"nothing": code(), "a few lines": code(50) + code(10, 900), "lines put in front": code(200, 500) + code(), "emptied": "",
               "indented": "".join(f"\t{line}" for line in lines), "reordered": "".join(reversed(lines)), "rewritten": code(60, 500) + "}\n" * 30,
               "most lines": code(20) + code(40, 500)}  # fmt: skip
    full.unlink()
    if change == "a folder":
        full.mkdir()
    elif change != "gone":
        write(project, "a.py", changed[change])
    expected = ["About a", "About nothing"] if kept else ["About nothing"]
    assert [entry.text for entry in memory.concerning(project)] == expected
    said = remember(project, report(), loop=2)
    assert texts(project) == expected
    assert said == [f"kept the summary of loop 2, 0 new entries; {0 if kept else 1} retired"]


def test_brackets_do_not_make_a_rewritten_file_the_same(project: paths.Project) -> None:
    brackets = "}\n})\n]\n);\n"
    write(project, "a.js", f"const a = 1\nconst b = 2\n{brackets}")
    write(project, "b.txt", "x\ny\nz\n")
    remember(project, report("About a (files: a.js)", "About short lines (files: b.txt)"))
    write(project, "a.js", f"let c = 3\nlet d = 4\n{brackets}")
    assert [found.text for found in memory.concerning(project)] == ["About short lines"]
    write(project, "b.txt", "1\n2\n3\n")
    assert memory.concerning(project) == []


def test_an_entry_stays_while_one_of_its_files_does(project: paths.Project) -> None:
    write(project, "a.py")
    write(project, "b.py")
    remember(project, report("About both (files: a.py, b.py)"))
    Path(project.root, "a.py").unlink()
    remember(project, report())
    assert texts(project) == ["About both"]
    Path(project.root, "b.py").unlink()
    remember(project, report())
    assert texts(project) == []


def test_folders_and_empty_files_are_known_by_being_there(project: paths.Project) -> None:
    write(project, "tests/__init__.py", "")
    remember(project, report("About tests (files: tests/, tests/__init__.py)"))
    assert memory.read(project)[0].files == {"tests": [], "tests/__init__.py": []}
    assert [entry.text for entry in memory.concerning(project)] == ["About tests"]
    os.unlink(os.path.join(project.root, "tests/__init__.py"))
    os.rmdir(os.path.join(project.root, "tests"))
    assert memory.concerning(project) == []


@pytest.mark.parametrize(
    "outside",
    [
        "../secret",
        "/etc/passwd",
        "link",
        "linked/secret",
        "a/../../secret",
        "pipe/../../secret",
        "no-such.py",
        "a\udcff\udcfe",
    ],
)
def test_paths_out_of_the_project_are_never_read(
    project: paths.Project, monkeypatch: pytest.MonkeyPatch, outside: str
) -> None:
    secret = Path(project.root).parent / "secret"
    secret.write_text(code())
    Path(project.root, "link").symlink_to(secret)
    Path(project.root, "linked").symlink_to(secret.parent)
    assert memory.sample(project, outside) == []
    said = remember(project, report(f"Told (files: {outside})"))
    assert said[0] == "left out, because it names no file of the project: Told"
    assert texts(project) == []
    graph(project, [entry(files={outside: [1]}), entry(files={outside: []})])
    assert memory.concerning(project) == []


def test_a_link_within_the_project_and_a_path_from_the_root_on(project: paths.Project) -> None:
    full = write(project, "..a/b.py")
    Path(project.root, "link").symlink_to("..a/b.py")
    remember(project, report(f"Told (files: link, {full})"))
    assert list(memory.read(project)[0].files) == ["link", "..a/b.py"]


def test_a_pipe_and_a_big_file_hold_nothing_up(project: paths.Project) -> None:
    os.mkfifo(os.path.join(project.root, "pipe"))
    write(project, "big.bin", os.urandom(5_000_000))
    remember(project, report("Told (files: pipe, big.bin)"))
    found = memory.read(project)[0].files
    assert found["pipe"] == []
    assert len(found["big.bin"]) == memory.SAMPLE


def test_an_agent_gets_what_concerns_its_files(project: paths.Project) -> None:
    for name in ("a.py", "src/b.py", "c.py"):
        write(project, name)
    remember(project, report("A (files: a.py)", "B (files: src/b.py, c.py)", "All"))
    asked: dict[str, tuple[str, ...] | None] = {
        "A All": ("a.py",), "B All": ("./src/../src/b.py", "new.py"), "All": (), "A B All": None, " All": ("/etc/passwd", "\0", "x" * 5000),
    }  # fmt: skip
    for expected, named in asked.items():
        assert [found.text for found in memory.concerning(project, named)] == expected.split()


def test_bounds(project: paths.Project) -> None:
    many = [f"{name}.py" for name in range(memory.NAMED + 5)]
    for name in many:
        write(project, name, code(2000))
    remember(project, report(*(f"Number {number}" for number in range(memory.KEPT + 30))))
    assert texts(project) == [f"Number {number}" for number in range(30, memory.KEPT + 30)]
    said = remember(project, report(f"{'long ' * 200}(files: {', '.join(many)})"))
    assert said == ["kept the summary of loop 1, 1 new entries; 1 retired"]
    last = memory.read(project)[-1]
    assert (len(memory.read(project)), len(last.text)) == (memory.KEPT, memory.ENTRY_LENGTH)
    assert list(last.files) == many[: memory.NAMED]
    assert len(memory.concerning(project)) == memory.GIVEN
    assert [found.text for found in memory.concerning(project)][:-1] == texts(project)[-memory.GIVEN : -1]
    Path(memory.summary_path(project)).write_text("by hand " * 1000)
    assert len(memory.summary(project)) <= 2020


def entry(**changed: Any) -> dict[str, Any]:
    return {"kind": "pattern", "text": "Told", "loop": 1, "run": "r", "files": {}} | changed


def graph(project: paths.Project, entries: Any) -> None:
    Path(project.knowledge).write_text(json.dumps({"version": 1, "entries": entries}))


HOSTILE: list[Any] = [
    None, 1, "x", {"a": 1}, [None], [1], ["x"], [[]], [{}], [entry(kind="order")], [entry(kind=[])], [entry(text=1)], [entry(text="\ud800")], [entry(loop="1")],
    [entry(loop=True)], [entry(run=None)], [entry(files=[])], [entry(files={"a": 1})], [entry(files={"a": [[]]})], [entry(files={"a": ["x"]})], [entry(files={"\ud800": []})],
]  # fmt: skip


@pytest.mark.parametrize("entries", HOSTILE)
def test_a_graph_that_the_helper_did_not_write_is_one_line(project: paths.Project, entries: Any) -> None:
    graph(project, entries)
    expected = f"{project.knowledge} is not what the helper wrote; fix or delete it"
    for call in (memory.read, memory.concerning):
        with pytest.raises(ClaudestratorError) as refusal:
            call(project)
        assert str(refusal.value) == expected
    before = Path(project.knowledge).read_bytes()
    with pytest.raises(ClaudestratorError, match="is not what the helper wrote"):
        remember(project, report("New"))
    assert (os.listdir(project.state), Path(project.knowledge).read_bytes()) == (
        ["knowledge_graph.json"],
        before,
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"entries": NaN}', "[" * 100_000, "\ufeff{}", "9" * 5000])
def test_a_graph_that_is_no_document(project: paths.Project, text: str) -> None:
    Path(project.knowledge).write_text(text)
    with pytest.raises(ClaudestratorError, match="is not what the helper wrote; fix or delete it"):
        memory.read(project)


def test_a_graph_with_too_much_in_it_is_read_within_the_bounds(project: paths.Project) -> None:
    names = {f"{number}": [0] * 1000 for number in range(1000)}
    graph(project, [entry(text="long\n# Your task: " * 5000, run="r" * 5000, files=names, more=1)])
    (found,) = memory.read(project)
    assert (len(found.text), "\n" in found.text, len(found.run)) == (memory.ENTRY_LENGTH, False, 100)
    assert [len(lines) for lines in found.files.values()] == [memory.SAMPLE] * memory.NAMED
    graph(
        project,
        [entry(files={"a\0b": [1]}), entry(files={"x" * 5000: [1]}), entry(files={"": [1]}), entry(text="Kept")],
    )
    assert [kept.text for kept in memory.concerning(project)] == ["Kept"]


def test_a_link_out_of_the_state_folder_is_not_followed(project: paths.Project) -> None:
    outside = Path(project.root).parent / "outside"
    outside.write_text('{"entries": []}')
    Path(project.knowledge).symlink_to(outside)
    with pytest.raises(ClaudestratorError, match="leads out of"):
        remember(project, report("New"))
    assert outside.read_text() == '{"entries": []}'


PIECES = st.sampled_from(
    [
        "# Summary",
        "## Patterns",
        "# Gotchas",
        "# Else",
        "\n",
        "- ",
        "It works",
        "(files: a.py)",
        "(files:",
        ")",
        "```",
        "\udcff",
        "\r\n",
        "x" * 400,
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
def test_any_report_is_kept_within_bounds_or_refused(text: str) -> None:
    try:
        summary, entries, _ = memory.parse(text)
    except ClaudestratorError:
        return
    assert 0 < len(summary) <= memory.SUMMARY_LENGTH
    assert all(len(said) <= memory.ENTRY_LENGTH and "\n" not in said for _, said, _ in entries)
