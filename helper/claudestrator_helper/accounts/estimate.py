"""How long the tasks of a project take, by the log of its runs, and how long the rest of a run will take.

All times are in seconds. Nothing here raises, whatever the log holds.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from heapq import heapify, heapreplace
from typing import NamedTuple

from ..store import event_lines
from ..texts import schedule
from ..texts.queue import Queue, Task
from ..texts.statuses import IN_PROGRESS, PENDING

#: Below this many, all tasks stand in for those of one complexity, and nothing is estimated without any.
FEW = 3
#: Standard deviations to each side: four rests in five end within the range, if the past is like them.
_SIDE = 1.28
#: A larger number is not a time.
_MOST = 10**9
#: The events that end a run; a stopped one may continue.
_OVER = ("finished", "stopped")

Event = Mapping[str, object]


class Times(NamedTuple):
    """How long each completed task took over all attempts of its run, sorted: of *all* tasks and *by* complexity."""

    all: list[int]
    by: dict[str, list[int]]

    def of(self, complexity: str) -> list[int]:
        """The times to go by for a task of that complexity; empty if too few are known."""
        own = self.by.get(complexity, [])
        return own if len(own) >= FEW else self.all if len(self.all) >= FEW else []

    def median(self, complexity: str) -> int | None:
        """The middle one of those times; None if too few are known."""
        known = self.of(complexity)
        return known[len(known) // 2] if known else None


class Range(NamedTuple):
    """A time that is somewhere between *low* and *high*."""

    low: int
    high: int

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2

    def __str__(self) -> str:
        low, high = rounded(self.low), rounded(self.high)
        if low == high:
            return f"about {low}"
        number, _, unit = low.partition(" ")
        return f"{number} to {high}" if high.endswith(f" {unit}") else f"{low} to {high}"


def times(events: Iterable[Event], queue: Queue) -> Times:
    """What the events of all runs say; the complexities are the queue's, and tasks that are no longer in it count for
    *all* only."""
    found, spent = Times([], {}), dict[tuple[object, object], int]()
    for event in events:
        id_, seconds = event.get("id"), event.get("seconds")
        if not isinstance(id_, str) or not isinstance(seconds, int) or not 0 <= seconds <= _MOST:
            continue
        key, kind = (event.get("run"), id_), event["event"]
        if kind == "failed":
            spent[key] = spent.get(key, 0) + seconds
        elif kind == "done" and (id_ in queue.by_id or id_.startswith("TASK-")):
            whole = spent.pop(key, 0) + seconds
            insort(found.all, whole)
            if id_ in queue.by_id:
                insort(found.by.setdefault(queue.by_id[id_][0].complexity, []), whole)
    return found


def open_tasks(queue: Queue) -> list[Task]:
    """The tasks at work, and those that a run will take up if nothing fails."""
    held = {id_ for id_, cause in schedule.causes(queue).items() if cause.kind != schedule.WAITING}
    return [
        task for task in queue.tasks if task.status == IN_PROGRESS or (task.status == PENDING and task.id not in held)
    ]


def remaining(queue: Queue, known: Times, at_work: Mapping[str, int], parallel: int = 1) -> Range | None:
    """How long the open tasks will take, given for how long each of those *at_work* has been; None if nothing is open
    or too little is known. Research, verification and memory of loops are not in it."""
    open_ = open_tasks(queue)
    if not open_ or not known.of(""):
        return None
    whole = variance = 0.0
    each: dict[str, float] = {}
    counts: dict[str, int] = {}
    for task in open_:
        counts[task.complexity] = counts.get(task.complexity, 0) + 1
        mean = _mean(known.of(task.complexity))
        # One that takes longer than most is as likely to end soon as to take as long again.
        each[task.id] = max(mean - at_work.get(task.id, 0), mean / 4)
        whole += each[task.id]
    for complexity, count in counts.items():
        sample = known.of(complexity)
        variance += _variance(sample) * (count + count * count / len(sample))
    side = _SIDE * variance**0.5
    share = _makespan(open_, each, parallel) / whole if parallel > 1 and whole else 1.0
    return Range(int(max(whole / 4, whole - side) * share), int((whole + side) * share))


def elapsed(events: Iterable[Event], run: str, now: float | None) -> int | None:
    """From the run's first event to *now*, for None to its end, or else its last; None if the log has none."""
    marks, over = [], 0
    for event in events:
        at = event_lines.seconds(event.get("time")) if event.get("run") == run else 0
        marks += [at] if at else []
        # What a person asks for may come after the end.
        over = at if at and event.get("event") in _OVER else over
    return max(0, int(now if now is not None else over or marks[-1]) - marks[0]) if marks else None


def rounded(span: float) -> str:
    """A time as people say it: `40 s`, `25 min`, `1.5 h`, `3 days`."""
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if span >= unit * (2 if unit == 86_400 else 1):
            number = span / unit
            near = round(number / 5) * 5 if name == "min" and number > 20 else round(number * 2) / 2
            return f"{near if name == 'h' and near % 1 else round(near)} {name}"
    return f"{max(1, round(span))} s"


def exact(span: float) -> str:
    """A time in its two largest units: `40 s`, `3 min 20 s`, `1 h 5 min`, `3 d 4 h`."""
    minutes, rest = divmod(max(0, int(span)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _mean(sample: list[int]) -> float:
    return sum(sample) / len(sample)


def _variance(sample: list[int]) -> float:
    mean = _mean(sample)
    # The few times of a young project may be alike by chance.
    return max(sum((each - mean) ** 2 for each in sample) / max(1, len(sample) - 1), (mean / 5) ** 2)


def _makespan(tasks: list[Task], each: Mapping[str, float], parallel: int) -> float:
    """How long these tasks take on so many places, each begun as soon as a place and its dependencies allow. Files that
    tasks share are left out of account."""
    places, ends = [0.0] * parallel, dict[str, float]()
    heapify(places)
    left = [task for task in tasks if task.status == IN_PROGRESS]
    left += [task for task in tasks if task.status != IN_PROGRESS]
    for task in left:
        ready = max((ends.get(id_, 0.0) for id_ in task.dependencies), default=0.0)
        ends[task.id] = max(places[0], ready) + each[task.id]
        heapreplace(places, ends[task.id])
    return max(ends.values())
