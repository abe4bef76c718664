"""The release of Claude Code that runs, and what it lacks."""

import pytest
from claudestrator_helper import host


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
