"""What the scripted agents do: a play says it for every task and attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Ending(Enum):
    """How an agent ends."""

    REPORT = "it reports `done`, or `fail` when something that it ran did not succeed"
    FAIL = "it reports `fail` with the act's note as the reason"
    FORGET = "it ends without a report, and reports when it is told to"
    SILENT = "it ends without a report, and again when it is told to"
    UNSTARTED = "it ends without even having asked for its prompt"
    BROKEN = "the API answers it with an error, the act's `status`"


@dataclass(frozen=True)
class Act:
    """One attempt at one task: files to write, commands that must succeed, and the hand-off note.

    `verdicts` are of a verifying agent, by task: the command that has to succeed for a pass; without one it passes.
    `delay` is the seconds that pass before it reports, `linger` those between its report and its end; `chatter` is
    said in front of the final line. `solved` are the files that it writes if its report is refused.
    """

    files: dict[str, str] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    note: str = "made"
    ending: Ending = Ending.REPORT
    delay: float = 0
    linger: float = 0
    chatter: str = ""
    status: int = 400
    verdicts: dict[str, str] = field(default_factory=dict)
    solved: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Play:
    """The sections that the decomposition adds, and the acts by id (the last serves later attempts too)."""

    tasks: tuple[str, ...] = ()
    acts: dict[str, tuple[Act, ...]] = field(default_factory=dict)

    def act(self, task_id: str, attempt: int) -> Act:
        acts = self.acts.get(task_id, (Act(),))
        return acts[min(attempt, len(acts)) - 1]


def task_section(
    task_id: str,
    objective: str,
    *,
    criteria: tuple[str, ...] = ("it exists",),
    dependencies: tuple[str, ...] = (),
    complexity: str = "normal",
    files: tuple[str, ...] = (),
) -> str:
    """One task in the queue's format, without its closing rule."""
    touched = f"\n\n**Files:** {', '.join(files)}" if files else ""
    listed = "\n".join(f"- {criterion}" for criterion in criteria)
    table = f"| Field | Value |\n|-------|-------|\n| Status | pending |\n| Complexity | {complexity} |"
    needs = ", ".join(dependencies) or "None"
    return (
        f"### {task_id}\n\n{table}\n\n**Objective:** {objective}\n\n"
        f"**Acceptance Criteria:**\n{listed}\n\n**Dependencies:** {needs}{touched}"
    )
