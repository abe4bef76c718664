"""Of agents that work side by side: that they are not too many, and never on the same file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rig.chaos.evidence import set_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.chaos.evidence import Evidence

_FILES = re.compile(r"^### (\S+)$(?:(?!^### ).)*?^\*\*Files:\*\* (.*?)$", re.MULTILINE | re.DOTALL)


class Span(NamedTuple):
    """From when an agent had its prompt to when it left its effect."""

    id: str
    session: str
    begun: float
    ended: float


def side_by_side(found: Evidence) -> Iterable[str]:
    """Of the agents of one session no more are at work than may be, and no two that may touch the same file."""
    # By hand, by the clock or where no hook saw it launched, an agent is given up that works on.
    given_up = {each["id"] for each in found.log if each["event"] in ("dropped", "refused")}
    given_up |= {each["id"] for each in found.log if str(each.get("reason")).startswith("no report within")}
    begun = {event["who"]: event["t"] for event in found.of("works")}
    spans = [
        Span(each.id, each.who.split(".")[0], begun[each.who], each.at)
        for each in found.ledger
        if each.who in begun and each.id not in given_up and not set_back(found, each.id)
    ]
    most = max((event["parallel"] for event in found.of("begins", "session opens")), default=1)
    # In worktrees they do not meet.
    apart = any(each.get("tree") for each in found.of("works"))
    files = {id_: re.findall(r"\S+\.py", names) for id_, names in _FILES.findall(found.queue)}
    for one in spans:
        beside = [each for each in spans if each.session == one.session and each.begun <= one.begun < each.ended]
        if len(beside) > most:
            yield f"{len(beside)} agents were at work at once, {', '.join(each.id for each in beside)}"
        for other in beside:
            of_one, of_other = files.get(one.id), files.get(other.id)
            if other.id != one.id and not apart and (not of_one or not of_other or set(of_one) & set(of_other)):
                yield f"{one.id} began while {other.id} was at work on {of_other}"
