"""What a person sees of a run above the prompt, as plain data: a mod draws it."""

from ..texts import ids
from ..texts.fields import cut
from ..texts.queue import Queue
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, PENDING, SKIPPED
from .state import PAUSED, RUNNING, STOPPING, State

#: Characters of an objective.
_LONGEST = 120
_ROLES = {
    "decomposition": "turn PRD.md into tasks",
    "research": "look for what to improve",
    "decomp": "turn issues into tasks",
    "verify": "check finished tasks",
    "memory": "sum up the loop",
}


def band(parsed: Queue, current: State) -> dict[str, object]:
    """Counts by status, `total` without skipped tasks; `running`, a list of objects with `id`, `what`, `model`,
    `attempt` and `since` in seconds since the epoch; `next`, the task that comes next, with `id` and `what`, or None;
    `loop` of `loops`, 0 for none; `status`, what was asked of the run, "" while it simply runs."""
    statuses = [task.status for task in parsed.tasks]
    asked = STOPPING if current.halted else current.status
    running = [
        {"id": id_, "what": _what(parsed, id_), "model": agent.model, "attempt": agent.attempt, "since": agent.claimed}
        for id_, agent in current.agents.items()
    ]
    return {
        "done": statuses.count(COMPLETED),
        "failed": statuses.count(FAILED),
        "total": len(statuses) - statuses.count(SKIPPED),
        "running": running,
        "next": _next(parsed, current) if asked in (RUNNING, PAUSED) else None,
        "loop": current.loop.number,
        "loops": current.loop.total,
        "status": "" if asked == RUNNING else asked,
    }


def _what(parsed: Queue, id_: str) -> str:
    if id_ in parsed.by_id:
        return cut(parsed.task(id_).objective, _LONGEST)
    return _ROLES.get(ids.role(id_), "")


def _next(parsed: Queue, current: State) -> dict[str, str] | None:
    """The first pending task that only waits for what is completed or at work."""
    open_ = {task.id for task in parsed.tasks if task.status in (COMPLETED, IN_PROGRESS)} | set(current.agents)
    pending = (task for task in parsed.tasks if task.status == PENDING and task.id not in current.agents)
    found = next((task for task in pending if set(task.dependencies) <= open_), None)
    return {"id": found.id, "what": cut(found.objective, _LONGEST)} if found else None
