"""A step carried out in memory, as run/steps.py carries it out on disk: for plans, and for tests of whole runs."""

from collections.abc import Container, Mapping
from typing import TypeVar

from ..texts import issues, queue
from . import loop_phases
from .markers import Markers
from .step import Inputs, Step

_Left = TypeVar("_Left")


def after(inputs: Inputs, step: Step) -> Inputs:
    """The inputs of the step after *step*, if no agent reports in between; a loop to close makes no commit."""
    cleared, seen = {*step.fresh, *step.retried}, inputs.markers
    settled = queue.edited(inputs.queue, step.settled)
    filed = inputs.issues
    return inputs._replace(
        state=loop_phases.committed(step.state, "") if step.close else step.state,
        queue=queue.edited(settled, step.claimed),
        issues=queue.parse(issues.follow(filed, settled, step.returned)) if filed.tasks else filed,
        markers=Markers(_without(cleared, seen.reports), _without(cleared, seen.started), seen.launched - cleared),
        verdicts=_without(step.unjudged, inputs.verdicts),
    )


def _without(gone: Container[str], left: Mapping[str, _Left]) -> dict[str, _Left]:
    return {id_: each for id_, each in left.items() if id_ not in gone}
