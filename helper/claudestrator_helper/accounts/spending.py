"""What a run has cost so far, for a view that asks again and again."""

import time

from ..errors import ClaudestratorError
from ..store.paths import Project
from . import run_cost

#: Seconds between two counts at least; and how many times as long as a count the pause after it is, so that counting
#: takes less than half a hundredth of a core however long the transcripts are.
_LEAST, _TIMES = 15.0, 250


class Spending:
    """The cost of the project's run, counted now and then from the transcripts of its sessions and agents."""

    def __init__(self, project: Project) -> None:
        self.project, self.due = project, 0.0
        self.known: float | None = None

    def dollars(self, now: float) -> float | None:
        """The cost in dollars, as last counted; None if a price or the transcripts are not known."""
        if now >= self.due:
            began = time.thread_time()
            self.known = run_dollars(self.project)
            self.due = now + max(_LEAST, _TIMES * (time.thread_time() - began))
        return self.known


def run_dollars(project: Project) -> float | None:
    """What the project's last run has cost in dollars; None if a price or the transcripts are not known."""
    try:
        found = run_cost.of_project(project).dollars
    except ClaudestratorError:
        return None
    return sum(found) if found else None
