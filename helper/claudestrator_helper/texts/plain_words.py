"""What a person types in plain words, on one line, while a run is under way: a task, an issue, or which tasks."""

import re
from collections.abc import Container, Iterable

from ..errors import ClaudestratorError
from .fields import cut, one_line

_CRITERION = "what it asks for is there, and a test or a command has shown that it works"


def as_issue(words: str) -> str:
    """The section of an issue. Raises ClaudestratorError without words."""
    return f"### New issue\n\n**Summary:** {_said(words)}\n\n**Acceptance Criteria:**\n- {_CRITERION}\n\n---\n"


def as_task(words: str, used: Iterable[str]) -> str:
    """The section of a task that depends on nothing, with the next number after the ids *used*. Raises
    ClaudestratorError without words."""
    numbers = [int(found[1]) for id_ in used if (found := re.fullmatch(r"TASK-(\d{1,9})", id_))]
    return (
        f"### TASK-{max(numbers, default=0) + 1:03d}\n\n| Field | Value |\n|-------|-------|\n| Status | pending |\n"
        f"| Complexity | normal |\n\n**Objective:** {_said(words)}\n\n**Acceptance Criteria:**\n- {_CRITERION}\n\n"
        "**Dependencies:** None\n\n---\n"
    )


def ids(words: str, known: Container[str]) -> tuple[list[str], str]:
    """The ids with which the words begin, *known* ones and at least one, and the rest as one line. Raises
    ClaudestratorError if there is none."""
    found: list[str] = []
    rest = one_line(words).split(" ")
    while rest and rest[0].rstrip(",") in known:
        found.append(rest.pop(0).rstrip(","))
    if not found:
        what = f"there is no {cut(rest[0])} here" if rest[0] else "name a task after the command"
        raise ClaudestratorError(f"{what}: `claudestrator-helper tasks` lists them")
    return found, " ".join(rest)


def _said(words: str) -> str:
    said = one_line(words)
    if not said:
        raise ClaudestratorError("say in a few words what is wanted, after the command")
    return said
