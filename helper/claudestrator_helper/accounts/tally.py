"""A run's part of a session: what it brought into the main conversation, in characters and in tokens."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .prices import Usage

LAUNCHES, NOTICES, PROMPTS, DIRECTIVES, OTHER = SOURCES = ("launches", "notices", "prompts", "directives", "other")
#: The id for what belongs to no task: what came in before the first launch, and what a compaction brought in again.
NONE = ""


@dataclass(eq=False, repr=False, match_args=False)
class Row:
    """What came in for one task: its launches, notices and directives, and the turns that these took."""

    characters: int = 0
    turns: int = 0
    tokens: int = 0

    def add(self, other: "Row") -> None:
        self.characters += other.characters
        self.turns += other.turns
        self.tokens += other.tokens


@dataclass(eq=False, repr=False, match_args=False)
class Segment:
    """One `/orchestrate` and what followed, until a person typed again after its STOP.

    In characters: *opening* came in with the first request and *entered* after it, *sources* counts both, and *reread*
    is the whole conversation, once for each of the *turns* that sent it. *tokens* is the growth of the conversation.
    *rows* is by the ids of tasks; *agents* maps an agent's own name to such an id. *usage* is by the ids of answers;
    *sidechains* is the usage of agents whose answers an earlier client recorded between its own. *began* is the time of
    the command and *ended* that of the last line (ISO 8601); *continues* says that no STOP came before it.

    """

    began: str = ""
    continues: bool = False
    ended: str = ""
    opening: int = 0
    entered: int = 0
    turns: int = 0
    reread: int = 0
    compactions: int = 0
    tokens: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    rows: dict[str, Row] = field(default_factory=dict)
    usage: dict[str, Usage] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    sidechains: dict[str, Usage] = field(default_factory=dict)

    def row(self, id_: str) -> Row:
        """The row of a task, made if there is none."""
        return self.rows.setdefault(id_, Row())

    def count(self, characters: int, source: str, id_: str) -> None:
        """Takes in characters that a request has sent."""
        self.sources[source] += characters
        if self.turns:
            self.entered += characters
            self.row(id_).characters += characters
        else:
            self.opening += characters

    def grow(self, tokens: int, id_: str) -> None:
        """Takes in the growth of the conversation, except by the first request."""
        if self.turns:
            self.tokens += tokens
            self.row(id_).tokens += tokens


def together(segments: Iterable[Segment]) -> Segment:
    """One segment for all of a run's, given in order. What a later one opened with came in during the run."""
    whole = Segment()
    for segment in segments:
        if whole.turns:
            whole.entered += segment.opening
            whole.row(NONE).characters += segment.opening
        else:
            whole.opening += segment.opening
        whole.began = whole.began or segment.began
        whole.entered += segment.entered
        whole.turns += segment.turns
        whole.reread += segment.reread
        whole.compactions += segment.compactions
        whole.tokens += segment.tokens
        whole.sources.update(segment.sources)
        for id_, row in segment.rows.items():
            whole.row(id_).add(row)
        whole.usage.update(segment.usage)
        whole.agents.update(segment.agents)
        whole.sidechains.update(segment.sidechains)
    return whole
