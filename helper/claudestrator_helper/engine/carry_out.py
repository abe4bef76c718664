"""A step carried out: the one order of its effects, on disk (run/disk.py) and in memory (engine/simulation.py)."""

from .step import Inputs, Step

# Steps are taken in hooks, which can't afford to import typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Protocol

    from ..texts.queue import Queue
    from .state import State

    class Place(Protocol):
        """Where a step takes effect. The queue that `edit_queue` returns is the edited one."""

        def clear_markers(self, ids: Iterable[str]) -> None: ...
        def clear_verdicts(self, ids: Iterable[str]) -> None: ...
        def edit_queue(self, parsed: Queue, changes: Mapping[str, str]) -> Queue: ...
        def follow_issues(self, filed: Queue, parsed: Queue, returned: list[str]) -> None: ...
        def keep(self, state: State) -> None: ...
        def log(self, step: Step) -> None: ...


def carry_out(step: Step, inputs: Inputs, place: "Place") -> None:
    """Carries out a step in an order in which a kill between any two effects loses and repeats nothing.

    Settled statuses come first: after a kill their markers are still there, and their agents still in the state, so the
    next step settles them again with the same result. Issues come next: only a verdict that no state holds yet reopens
    an issue. Claimed statuses come after the state: the agents in it restore them. Old markers go before a new agent is
    in the state, unless until then the state has another agent, whose signs of life they are.
    """
    lost = [id_ for id_ in step.fresh if inputs.state.record(id_).released is not None]
    place.clear_markers(id_ for id_ in step.fresh if id_ not in lost)
    place.clear_verdicts(step.unjudged)
    settled = place.edit_queue(inputs.queue, step.settled)
    place.follow_issues(inputs.issues, settled, step.returned)
    place.keep(step.state)
    place.edit_queue(settled, step.claimed)
    place.clear_markers([*step.retried, *lost])
    place.log(step)
