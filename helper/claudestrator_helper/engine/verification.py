"""The verification of a run's tasks: an agent checks each against its criteria, and what fails goes back once.

Verdicts are settled as they come. So an attempt that dies loses none, and the next one checks what is left.
"""

from __future__ import annotations

from ..texts.fields import cut
from ..texts.models import NAMES, stronger
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING

# Hooks and prompts need but a constant or two of this module, and not what builds a step.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..texts.queue import Task
    from .state import State
    from .step_builder import StepBuilder

VERIFY = "verify"
#: Tasks for one agent. More would get too little of its attention, of its prompt and of its time; the next has them.
MOST = 25
_PREFIX = "verification: "


def id_of(state: State) -> str:
    """The agent that verifies now, or would."""
    return f"{VERIFY}-{state.loop.number}"


def due(run: StepBuilder) -> list[str]:
    """The tasks that this run completed and that have neither a verdict nor a reason why there is none."""
    return [
        id_
        for id_, record in run.state.tasks.items()
        if record.completed is not None and record.unverified is None and not record.is_verified
        if run.statuses.get(id_) == COMPLETED
    ]


def begin(run: StepBuilder) -> bool:
    """Spawns an agent for what is due, after the gate that is due before; whether anything is."""
    batch = due(run)[:MOST] if run.state.verification.asked else []
    if batch and run.lacks_tree():
        pass
    elif batch and id_of(run.state) in run.inputs.gates_due:
        run.out.gate = id_of(run.state)
    elif batch:
        _check(run, batch)
        run.out.unjudged = batch
        run.claim_role(id_of(run.state))
    return bool(batch)


def _check(run: StepBuilder, batch: list[str]) -> None:
    run.state = run.state._replace(verification=run.state.verification._replace(checking=batch))


def take(run: StepBuilder) -> None:
    """Settles the verdicts that have come. What a person has changed meanwhile needs none any more."""
    verdicts, waiting = run.inputs.verdicts, run.state.verification.checking
    for id_ in waiting:
        if id_ in verdicts:
            _settle(run, id_, verdicts[id_])
    left = [id_ for id_ in waiting if id_ not in verdicts and id_ in run.state.completed and id_ in run.statuses]
    if left != waiting:
        _check(run, left)


def _settle(run: StepBuilder, id_: str, reason: str) -> None:
    """A verdict: "" for a pass, else why it fails.

    Where a kill came between the queue and the state, the task has the status already that the verdict brings.

    """
    record, verifier = run.state.record(id_), id_of(run.state)
    last = bool(reason) and record.returned is not None
    unfinished = (FAILED,) if last else (PENDING, IN_PROGRESS)
    if record.completed is None or run.statuses.get(id_) not in (COMPLETED, *unfinished):
        return
    if not reason:
        run.record(id_, verified=record.attempts, returned=None)
        run.out.lines.append(f"verified {id_}")
    elif last:
        _fail(run, id_, reason)
    else:
        _return(run, id_, reason)
    event = {"event": "verdict", "id": id_, "by": verifier, "attempt": run.state.record(verifier).attempts}
    run.out.events.append(event | ({"verdict": "fail", "reason": reason} if reason else {"verdict": "pass"}))


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
    run.out.returned.append(id_)
    run.record(id_, completed=None, unchanged=False, returned=reason)


def why_not_done(run: StepBuilder) -> str:
    left = run.state.verification.checking
    more = f" and {len(left) - 5} more" if len(left) > 5 else ""
    return f"it reported done without a verdict on {', '.join(left[:5])}{more}" if left else ""


def over(run: StepBuilder, id_: str) -> None:
    """The verifying agent has ended, for good: what has no verdict stays unverified, for the reason of its failure."""
    why = run.state.record(id_).failed or ""
    for left in run.state.verification.checking:
        run.record(left, unverified=why)
    run.record(id_, failed=None)
    _check(run, [])


def again(state: State, task: Task) -> tuple[str, str] | None:
    """The model of a task that was returned, and the reason that its agent is told; None for any other."""
    record = state.record(task.id)
    if record.returned is None:
        return None
    return stronger(record.model if record.model in NAMES else task.model), f"{_PREFIX}{record.returned}"
