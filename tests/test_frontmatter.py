"""Our own frontmatter: whatever is written is read again, quickly, and a person's YAML is read as YAML."""

import datetime as dt
import json
import subprocess
import sys

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.texts import frontmatter
from hypothesis import example, given
from hypothesis import strategies as st
from running import HELPER

# Bytes that are not UTF-8 arrive as U+DC80 to U+DCFF; all other surrogates never do.
CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]),
    st.sampled_from("\"'\\:#-\n\r\t\0\x1b\x7f\x85\xa0\u2028\u2029\ufeff\ufffe\uffff{}[],&*!|>%@`~?\U0001f600"),
)
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=12),
    st.sampled_from(["", " ", "yes", "null", "~", "---", "1e3", "007", "0x1f", "1:30", "2026-11-21", "<<", "="]),
)
NUMBERS = st.integers(-(10**20), 10**20)
VALUES = st.recursive(
    st.one_of(st.booleans(), NUMBERS, TEXTS, st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
PLAIN_KEYS = st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True)
KEYS = st.one_of(
    PLAIN_KEYS, st.sampled_from(["on", "no", "y", "true", "null", "a1", "_x", "naïve", "a: b", "- a", "a #"])
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)


def block(text: str) -> str:
    return text.split("---\n")[1]


@given(DOCUMENTS, st.text(CHARACTERS))
def test_what_is_written_is_read_again(metadata: dict[str, object], body: str) -> None:
    read, rest = frontmatter.split(frontmatter.join(metadata, body), "it")
    assert (read, rest) == (metadata, body.lstrip("\r\n"))
    assert repr(read) == repr(metadata)  # True is not 1


@given(st.dictionaries(PLAIN_KEYS.filter(lambda key: key not in ("on", "no", "off", "yes", "y", "n")), VALUES))
def test_what_is_written_needs_no_yaml(metadata: dict[str, object]) -> None:
    special = [key for key in metadata if key in ("true", "false", "null")]
    quick = frontmatter._quick(block(frontmatter.join(metadata, "")))
    assert quick == (None if special else metadata)


@given(DOCUMENTS)
def test_yaml_reads_what_is_written_alike(metadata: dict[str, object]) -> None:
    assert frontmatter._thorough(block(frontmatter.join(metadata, "")), "it") == metadata


PERSONS_VALUES = [
    "no", "yes", "on", "off", "Yes", "ON", "y", "N", "true", "True", "false", "null", "Null", "~", "", "nan", "inf", ".inf", "-.inf", ".nan",
    "Infinity", "-Infinity", "NaN", "007", "0o17", "0x1f", "0b1", "1_000", "1e3", "1E3", "1.5", "1.", ".5", "-0", "+1", "-", "1:30", "190:20:30",
    "1.0e+3", "2026-11-21", "2026-11-21T10:00:00Z", "a: b", "a # comment", "a #comment", "a#b", "# all comment", "'single'", "'it''s'", '"double"',
    '"a" # comment', "'a: b'", '"\\x41"', '"\\/"', '"\\u2028"', "[a, b]", "[1, 2]", "[]", "{}", "{a: 1}", '{"a":1}', '{"a": 1, "a": 2}', '{"a": [1.5]}',
    "stopped", "running", "two words", "a, b", "(a)", "it's", "a;b", "a/b", "x-", "a -", "a.", "&a", "*a", "!a", "!!str 1", "|", ">", "%a", "@a", "`a`",
    "=", "<<", "?", "- a", "a:", ":a", "null.", "no.", "y.", "on, off", "1 # one", "1\t", " 1", "1 ", "true ", "no ", "truE", "nULL", "true # x",
    "12345678901234567890123", "-1", "- 1", "--1", "a\u00a0b", "ümlaut", "日本", "😀", "\x7f", "a\tb", "\t1",
]  # fmt: skip


@pytest.mark.parametrize("value", PERSONS_VALUES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_quick_reading_is_yamls_or_none(value: str, line_end: str) -> None:
    same_as_yaml(f"first: 1{line_end}key: {value}{line_end}")


@given(
    st.lists(st.text(st.sampled_from("aeflnorstuyNTY01e.+-_:,'\"#[]{}~/()\\ \tü")), max_size=3),
    st.sampled_from(["key", "on", "n", "a_b"]),
)
@example(["1"], "on")
@example([" 1"], "key")
def test_the_quick_reading_is_yamls_or_none_for_any_line(values: list[str], key: str) -> None:
    same_as_yaml("".join(f"{key}{n * 'x'}: {value}\n" for n, value in enumerate(values)))


def same_as_yaml(lines: str) -> None:
    quick = frontmatter._quick(lines)
    if quick is None:
        return
    thorough = frontmatter._thorough(lines, "it")
    assert (quick, repr(quick)) == (thorough, repr(thorough))


def test_a_person_may_write_yaml() -> None:
    text = "---\n# mine\nrun: 'it''s'\nlist:\n  - a\n  - b\nwhen: 2026-11-21\nratio: 1.5\n---\n\nbody\n"
    assert frontmatter.split(text, "it") == (
        {"run": "it's", "list": ["a", "b"], "when": dt.date(2026, 11, 21), "ratio": 1.5},
        "body\n",
    )


def test_what_yaml_knows_and_json_does_not_becomes_text() -> None:
    text = frontmatter.join({"when": dt.date(2026, 11, 21), "at": [dt.date(2026, 1, 2)]}, "")
    assert frontmatter.split(text, "it")[0] == {"when": "2026-11-21", "at": ["2026-01-02"]}


@pytest.mark.parametrize(
    "text",
    ["", "body\n", "--\na: 1\n--\n", "text\n---\na: 1\n---\n", "---\na: 1\n", " ---\na: 1\n---\n", "---a: 1\n---\n"],
)
def test_a_text_without_frontmatter_is_all_body(text: str) -> None:
    assert frontmatter.split(text, "it") == ({}, text)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff---\na: 1\n---\nb\n",
        "---\r\na: 1\r\n---\r\nb\n",
        "--- \na: 1\n---\t\nb\n",
        "---\na: 1\n---\n\n\nb\n",
        "---\na: '1'\na: 1\n---\nb\n",
    ],
)
def test_frontmatter_is_found_behind_a_mark_and_with_any_line_ends(text: str) -> None:
    assert frontmatter.split(text, "it") == ({"a": 1}, "b\n")


def test_empty_frontmatter_is_empty() -> None:
    assert frontmatter.split("---\n---\nbody", "it") == ({}, "body")
    assert frontmatter.split("---\n# nothing\n---\nbody", "it") == ({}, "body")


@pytest.mark.parametrize(
    ("broken", "line"),
    [("a: 1\nb: [1\nc: 2\n", 4), ("a: 'open\n", None), ("a: 1\n\tb: 2\n", 3), ("a: 1\nb: {x\n", None), ("a: &\n", 2), ("a: 1\nb: *gone\n", 3),
     ("a: 1\nb: c: d\n", 3), ("a: 1\n b: 2\n", 3), ("a: 1\nb: \udcff'\n", None), ("a: 1\nb: \x1b\n", 3), ("when: 2026-99-99\n", None),
     ("a: !!int ''\n", None), ("a: !!bool x\n", None), ("a: !!timestamp x\n", None), ("a: !!python/none\n", 2), (f"a: {'1:' * 9999}1.5\n", None), (f"a: {'[' * 9999}\n", None),
     (f"a: {'{b: ' * 9999}\n", None), ("a: &x [1]\nb: [*x, *x, *x, *x, *x, *x, *x, *x, *x, *x]\n", 3), (f"a: yes\nb: {'x' * 1_000_000}\n", None)],
)  # fmt: skip
def test_broken_yaml_is_refused_in_one_line_that_names_the_place(broken: str, line: int | None) -> None:
    with pytest.raises(ClaudestratorError) as refusal:
        frontmatter.split(f"---\n{broken}---\nbody\n", "/p/state.md")
    text = str(refusal.value)
    assert text.startswith("/p/state.md")
    assert "\n" not in text
    assert text.endswith("fix or delete it")
    if line:
        assert f"line {line}:" in text


@pytest.mark.parametrize("broken", ["- a\n- b\n", "just text\n", "1\n", "[a]\n"])
def test_frontmatter_that_is_no_mapping_is_refused(broken: str) -> None:
    with pytest.raises(ClaudestratorError, match=r"\A/p/state\.md: .*fix or delete it\Z"):
        frontmatter.split(f"---\n{broken}---\n", "/p/state.md")


@pytest.mark.parametrize(("line", "imported"), [("a: [1, true, null]", False), ("a: yes", True)])
def test_only_what_the_helper_does_not_write_costs_an_import_of_yaml(line: str, imported: bool) -> None:
    program = (
        "import sys; sys.path.insert(0, '.'); from claudestrator_helper.texts import frontmatter; frontmatter.split(sys.argv[1], 'it'); "
        "import json; print(json.dumps([name in sys.modules for name in ('yaml', 'frontmatter')]))"
    )
    # As the launchers start it: without the packages of the environment.
    words = [sys.executable, "-I", "-S", "-c", program, f"---\n{line}\n---\n"]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=HELPER)
    assert json.loads(done.stdout) == [imported, imported]
