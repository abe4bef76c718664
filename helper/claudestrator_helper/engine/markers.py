"""What agents have left: reports, and signs of life."""

from ..texts.named_tuples import NamedTuple
from .state import State

DONE, FAILED, STARTED, AGENT, HELD = "done", "failed", "started", "agent", "held"
#: A report that is being made, which takes as long as its gate.
REPORTING = "reporting"
UNCHANGED = "nothing changed"
PROVED = "gate green"
#: The causes of a failure that no agent reported; "" is the agent's own report, or a file made by hand.
API, INTERRUPTION, SILENCE, TIMEOUT, REFUSAL = "api", "interruption", "silence", "timeout", "refusal"
#: The cause of a report whose work no agent can get committed; see State.halted.
UNCOMMITTED = "uncommitted"
#: The reason of a failure by silence.
ENDED = "ended without reporting"


class Marker(NamedTuple):
    """What one agent left: *kind* DONE or FAILED, the attempt (None where the file doesn't say), the reason, whether it
    left the working tree as it was, whether its gate *proved* it, and the *cause* of a failure that it
    didn't report itself."""

    kind: str
    attempt: int | None
    reason: str = ""
    unchanged: bool = False
    cause: str = ""
    proved: bool = False


class Markers(NamedTuple):
    """The markers of some agents, by id: their reports, and the attempts that have shown a sign of life, or that were
    launched."""

    reports: dict[str, Marker]
    started: dict[str, int | None]
    launched: frozenset[str] = frozenset()


def counts_late(state: State, id_: str, status: str, attempt: int | None) -> bool:
    """Whether a `done` of a task that no agent of the run has any more completes it."""
    from ..texts import statuses

    record = state.record(id_)
    if record.agent or not record.attempts:
        return False
    if status == statuses.PENDING:
        return attempt is not None and attempt == record.released
    return status == statuses.FAILED and attempt in (None, record.attempts)
