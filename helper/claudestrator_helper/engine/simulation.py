"""A step carried out in memory: for plans, and for tests of whole runs."""

from collections.abc import Container, Iterable, Mapping
from typing import TypeVar

from ..texts import issues, queue
from . import loop_phases
from .carry_out import carry_out
from .markers import Markers
from .state import State
from .step import Inputs, Step

_Left = TypeVar("_Left")


def after(inputs: Inputs, step: Step) -> Inputs:
    """The inputs of the step after *step*, if no agent reports in between; a loop to close makes no commit."""
    memory = _Memory(inputs)
    carry_out(step, inputs, memory)
    left = memory.inputs
    return left._replace(state=loop_phases.committed(left.state, "")) if step.close else left


class _Memory:
    """A carry_out.Place: *inputs* as the disk would give them."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs

    def clear_markers(self, ids: Iterable[str]) -> None:
        cleared, (reports, started, launched) = {*ids}, self.inputs.markers
        left = Markers(_without(cleared, reports), _without(cleared, started), launched - cleared)
        self.inputs = self.inputs._replace(markers=left)

    def clear_verdicts(self, ids: Iterable[str]) -> None:
        self.inputs = self.inputs._replace(verdicts=_without({*ids}, self.inputs.verdicts))

    def edit_queue(self, parsed: queue.Queue, changes: Mapping[str, str]) -> queue.Queue:
        edited = queue.edited(parsed, changes)
        self.inputs = self.inputs._replace(queue=edited)
        return edited

    def follow_issues(self, filed: queue.Queue, parsed: queue.Queue, returned: list[str]) -> None:
        if filed.tasks:
            self.inputs = self.inputs._replace(issues=queue.parse(issues.follow(filed, parsed, returned)))

    def keep(self, state: State) -> None:
        self.inputs = self.inputs._replace(state=state)

    def log(self, step: Step) -> None:
        pass


def _without(gone: Container[str], left: Mapping[str, _Left]) -> dict[str, _Left]:
    return {id_: each for id_, each in left.items() if id_ not in gone}
