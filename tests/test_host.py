"""The release of Claude Code that runs, and what it lacks."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from claudestrator_helper import host

MODULES = sorted(Path(host.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize(
    ("said", "release"),
    [
        ("claude-code_2-1-332_agent", (2, 1, 332)),
        ("claude-code_2-1-145_harness", (2, 1, 145)),
        ("claude-code_3-0-0", (3, 0, 0)),
        ("claude-code_2-1_agent", None),
        ("claude-code_2-1-x_agent", None),
        ("claude-code_2-1-²_agent", None),
        ("claude-code_2-1-332-7_agent", None),
        ("claude-code__agent", None),
        ("claude-code/2.1.332/agent", None),
        ("another_2-1-332_agent", None),
        ("", None),
    ],
)
def test_the_release_is_read_from_the_environment(said: str, release: tuple[int, ...] | None) -> None:
    assert host.release({host.RELEASE: said}) == release


def test_without_the_variable_the_release_is_not_known() -> None:
    assert host.release({}) is None


@pytest.mark.parametrize("feature", host.SINCE)
def test_a_release_lacks_what_came_after_it(feature: str) -> None:
    *major, minor = host.SINCE[feature]
    before, first = (f"claude-code_{'-'.join(map(str, [*major, each]))}_agent" for each in (minor - 1, minor))

    assert host.lacks({host.RELEASE: before}, feature)
    assert not host.lacks({host.RELEASE: first}, feature)
    assert not host.lacks({}, feature), "nothing is said against a release that is not known"


def words_of(values: Iterable[object]) -> set[str]:
    """The words in constants that only Claude Code writes like this: `agent_id`, `isMeta`, `CLAUDE_PID`."""
    found = set()
    for value in values:
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z]+(?:_[A-Za-z]+)+|[a-z]+[A-Z][A-Za-z]+", value):
            found.add(value)
        elif isinstance(value, (tuple, list, set, dict)):
            found |= words_of(value)
    return found


@pytest.mark.parametrize("path", [each for each in MODULES if each.name != "host.py"], ids=lambda each: each.stem)
def test_what_claude_code_calls_a_thing_is_said_in_host_alone(path: Path) -> None:
    facts = words_of(value for name, value in vars(host).items() if name.isupper() and value is not host.SINCE)
    constants = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
    assert len(facts) > 50
    assert words_of(constants) & facts == set()
