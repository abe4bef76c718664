"""What the orchestrator is told: directives, which are values up to where they are printed."""

from __future__ import annotations

from .named_tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, Literal

    Kind = Literal["SPAWN", "WORK", "WAIT", "STOP"]

SPAWN: Final = "SPAWN"
WORK: Final = "WORK"
WAIT: Final = "WAIT"
STOP: Final = "STOP"


class Directive(NamedTuple):
    """SPAWN or WORK starts the agent of that id with that model, by the Task tool or by a skill; WAIT calls `wait`;
    STOP ends the orchestration with a sentence for the person."""

    kind: Kind
    id: str = ""
    model: str = ""
    sentence: str = ""

    def line(self) -> str:
        return " ".join(filter(None, self))


#: How a plan ends, in which nothing is begun.
DRY_RUN = Directive(STOP, sentence="Dry run: nothing was changed.")


class Reply(NamedTuple):
    """What a verb answers the orchestrator: *lines* for the person, and after them the directives."""

    lines: list[str]
    directives: Sequence[Directive]

    def printed(self) -> list[str]:
        return [*self.lines, *(directive.line() for directive in self.directives)]


def stop(sentence: str) -> Directive:
    return Directive(STOP, sentence=sentence)
