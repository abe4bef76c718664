"""Numbers, times and names as the page and the Markdown show them."""

import time

from ..texts.fields import many
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING, SKIPPED
from .model import ELSEWHERE, GATE, REPORTED, VERIFIED, Change, Cost, Report, Work

BLOCKED, OTHER = "blocked", "other"
#: The states that a task is shown in, in their order: the sign that stands before the word.
SIGNS = {COMPLETED: "✓", IN_PROGRESS: "▶", PENDING: "○", BLOCKED: "⊘", FAILED: "✗", SKIPPED: "–", OTHER: "?"}
PROOFS = {VERIFIED: "verified", GATE: "gate", REPORTED: "agent’s word", ELSEWHERE: "not by this run"}


def state(work: Work) -> str:
    """The state of a task: a pending one that nothing can unblock now is blocked, an unknown word is other."""
    if work.status == PENDING and work.blocked_by:
        return BLOCKED
    return work.status if work.status in SIGNS else OTHER


def state_word(work: Work) -> str:
    found = state(work)
    return (work.status or "no status") if found == OTHER else found.replace("_", " ")


def number(count: float) -> str:
    """``1,234``, ``12.3k``, ``4.57M``."""
    if count < 10_000:
        return f"{count:,.0f}"
    return f"{count / 1000:,.1f}k" if count < 1_000_000 else f"{count / 1_000_000:,.2f}M"


def dollars(amount: float | None) -> str:
    if amount is None:
        return "not known"
    return f"${amount:,.2f}" if amount >= 0.995 or amount == 0 else f"${amount:,.3f}"


def tokens(cost: Cost | None) -> str:
    return "–" if cost is None else number(cost.tokens)


def price(cost: Cost | None) -> str:
    return "–" if cost is None else dollars(cost.dollars)


def clock(at: int) -> str:
    """A moment in this machine's time."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def date(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def utc(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def lines(*changes: Change) -> str:
    """The lines of all *changes* together, added and removed."""
    return f"+{sum(each.added for each in changes):,} −{sum(each.removed for each in changes):,}"


def edits(changes: list[Change] | None) -> str:
    """How many files were changed, and their lines; a dash if that is unknown."""
    return "–" if changes is None else f"{many(len(changes), 'file')} {lines(*changes)}"


def models(work: Work) -> str:
    return " → ".join(dict.fromkeys(each.model for each in work.attempts))


def counts(report: Report) -> dict[str, int]:
    """The number of tasks in each state, in the order of SIGNS."""
    found = dict.fromkeys(SIGNS, 0)
    for work in report.tasks:
        found[state(work)] += 1
    return {name: count for name, count in found.items() if count}


def busy(report: Report) -> int:
    """The seconds in which at least one agent was at work."""
    spans = sorted((each.began, each.until(report.until)) for work in report.works for each in work.attempts)
    total, reached = 0, 0
    for began, ended in spans:
        total += max(0, ended - max(began, reached))
        reached = max(reached, ended)
    return total


def whole_cost(report: Report) -> Cost | None:
    """Of all agents and of the orchestration."""
    return sum((each.cost for each in report.models), Cost()) if report.models else None
