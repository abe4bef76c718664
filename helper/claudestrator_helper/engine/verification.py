"""The verification of a run's tasks: an agent checks each against its criteria, and what fails goes back once.

Verdicts are settled as they come. So an attempt that dies loses none, and the next one checks what is left.
"""

from __future__ import annotations

from dataclasses import replace

from ..texts.fields import cut
from ..texts.models import NAMES, stronger
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING

# Hooks and prompts need but a constant or two of this module, and not what builds a step.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..texts.queue import Task
    from .state import State
    from .step_builder import StepBuilder

VERIFY = "verify"
#: Tasks for one agent. More would get too little of its attention, of its prompt and of its time; the next has them.
MOST = 25
_PREFIX = "verification: "


def id_of(state: State) -> str:
    """The agent that verifies now, or would."""
    return f"{VERIFY}-{state.loop}"


def due(run: StepBuilder) -> list[str]:
    """The tasks that this run completed and that have neither a verdict nor a reason why there is none."""
    state = run.state
    return [
        id_
        for id_ in state.completed
        if run.statuses.get(id_) == COMPLETED and not state.is_verified(id_) and id_ not in state.unverified
    ]


def begin(run: StepBuilder) -> bool:
    """Spawns an agent for what is due; whether anything is."""
    batch = due(run)[:MOST] if run.state.verify else []
    if batch:
        run.state = replace(run.state, verifying=batch)
        run.out.unjudged = batch
        run.claim_role(id_of(run.state))
    return bool(batch)


def take(run: StepBuilder) -> None:
    """Settles the verdicts that have come. What a person has changed meanwhile needs none any more."""
    verdicts, waiting = run.inputs.verdicts, run.state.verifying
    for id_ in waiting:
        if id_ in verdicts:
            _settle(run, id_, verdicts[id_])
    left = [id_ for id_ in waiting if id_ not in verdicts and id_ in run.state.completed and id_ in run.statuses]
    if left != waiting:
        run.state = replace(run.state, verifying=left)


def _settle(run: StepBuilder, id_: str, reason: str) -> None:
    """A verdict: "" for a pass, else why it fails.

    Where a kill came between the queue and the state, the task has the status already that the verdict brings.

    """
    last = bool(reason) and id_ in run.state.returned
    unfinished = (FAILED,) if last else (PENDING, IN_PROGRESS)
    if id_ not in run.state.completed or run.statuses.get(id_) not in (COMPLETED, *unfinished):
        return
    if not reason:
        _pass(run, id_)
    elif last:
        _fail(run, id_, reason)
    else:
        _return(run, id_, reason)
    verifier = id_of(run.state)
    event = {"event": "verdict", "id": id_, "by": verifier, "attempt": run.state.attempts.get(verifier, 0)}
    run.out.events.append(event | ({"verdict": "fail", "reason": reason} if reason else {"verdict": "pass"}))


def _pass(run: StepBuilder, id_: str) -> None:
    state = run.state
    verified = state.verified | {id_: state.attempts.get(id_, 0)}
    run.state = replace(state, verified=verified, returned=_without(state.returned, id_))
    run.out.lines.append(f"verified {id_}")


def _return(run: StepBuilder, id_: str, reason: str) -> None:
    run.change(id_, PENDING)
    _completes_no_more(run, id_, reason)
    run.out.lines.append(f"returned {id_}: {cut(reason)}")


def _fail(run: StepBuilder, id_: str, reason: str) -> None:
    # Its markers go, because the `done` of a task that has failed counts as a late one.
    run.out.fresh.append(id_)
    _completes_no_more(run, id_, reason)
    run.give_up(id_, None, f"{_PREFIX}{reason}")


def _completes_no_more(run: StepBuilder, id_: str, reason: str) -> None:
    state = run.state
    run.out.returned.append(id_)
    run.state = replace(
        state,
        completed=_without(state.completed, id_),
        unchanged=[each for each in state.unchanged if each != id_],
        returned=state.returned | {id_: reason},
    )


def _without(found: dict[str, Any], id_: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != id_}


def why_not_done(run: StepBuilder) -> str:
    left = run.state.verifying
    more = f" and {len(left) - 5} more" if len(left) > 5 else ""
    return f"it reported done without a verdict on {', '.join(left[:5])}{more}" if left else ""


def over(run: StepBuilder, id_: str) -> None:
    """The verifying agent has ended, for good: what has no verdict stays unverified, for the reason of its failure."""
    state = run.state
    reasons = dict.fromkeys(state.verifying, state.failed.get(id_, ""))
    run.state = replace(state, verifying=[], unverified=state.unverified | reasons, failed=_without(state.failed, id_))


def again(state: State, task: Task) -> tuple[str, str]:
    """The model of a task that was returned, and the reason that its agent is told."""
    last = state.models.get(task.id)
    return stronger(last if last in NAMES else task.model), f"{_PREFIX}{state.returned[task.id]}"
