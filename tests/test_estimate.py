"""How long a run will take, by how long tasks took."""

import pytest
from claudestrator_helper.accounts import estimate
from claudestrator_helper.accounts.estimate import Range
from claudestrator_helper.store import event_lines
from claudestrator_helper.texts import queue as q
from queues import queue, task

DONE = queue(*(task(f"TASK-{n}", status="completed", complexity="easy") for n in range(1, 5)))


def ended(id_: str, seconds: object, event: str = "done", run: str = "r") -> dict[str, object]:
    return {"time": "2026-11-26T09:00:00Z", "run": run, "event": event, "id": id_, "seconds": seconds}


PAST = [ended(f"TASK-{n}", 100 * n) for n in range(1, 5)]


def left(*tasks: str, at_work: dict[str, int] | None = None, parallel: int = 1) -> Range | None:
    parsed = q.parse(DONE + "".join(tasks))
    return estimate.remaining(parsed, estimate.times(PAST, parsed), at_work or {}, parallel)


def test_a_task_takes_as_long_as_all_its_attempts() -> None:
    known = estimate.times([ended("TASK-1", 40, "failed"), ended("TASK-1", 60), *PAST[1:]], q.parse(DONE))
    assert known.all == [100, 200, 300, 400]
    assert known.by == {"easy": [100, 200, 300, 400]}
    assert known.median("easy") == 300


def test_a_failure_of_another_run_does_not_count() -> None:
    assert estimate.times([ended("TASK-1", 40, "failed", "s"), ended("TASK-1", 60)], q.parse(DONE)).all == [60]


def test_other_complexities_stand_in_for_one_with_few_tasks() -> None:
    known = estimate.times(PAST, q.parse(DONE))
    assert known.median("complex") == known.median("easy")


@pytest.mark.parametrize("seconds", [None, "7", -1, 10**12, 1.5, []])
def test_what_is_no_time_is_left_out(seconds: object) -> None:
    assert estimate.times([ended("TASK-1", seconds)], q.parse(DONE)).all == []


def test_roles_are_not_tasks() -> None:
    assert estimate.times([ended("decomposition", 900), ended("research-1", 9)], q.parse(DONE)).all == []


def test_without_a_past_nothing_is_estimated() -> None:
    parsed = q.parse(queue(task("TASK-1")))
    assert estimate.remaining(parsed, estimate.times(PAST[:2], parsed), {}) is None
    assert left() is None


def test_the_range_is_around_the_mean_and_grows_more_slowly_than_the_work() -> None:
    one = left(task("TASK-11", complexity="easy"))
    many = left(*(task(f"TASK-{n}", complexity="easy") for n in range(11, 15)))
    assert one
    assert many
    assert one.low < 250 < one.high
    assert many.low < 1000 < many.high
    assert (many.high - many.low) / 1000 < (one.high - one.low) / 250


def test_what_is_blocked_takes_no_time_and_what_waits_does() -> None:
    failed = task("TASK-11", status="failed")
    assert left(failed, task("TASK-12", dependencies="TASK-11")) is None
    assert left(task("TASK-11"), task("TASK-12", dependencies="TASK-11")) == left(task("TASK-11"), task("TASK-12"))


def test_time_at_work_counts() -> None:
    new, old, late = (left(task("TASK-11", status="in_progress"), at_work={"TASK-11": age}) for age in (0, 100, 9000))
    assert new
    assert old
    assert late
    assert new.high > old.high > late.high > 0


def test_tasks_at_the_same_time_take_less_unless_they_depend_on_each_other() -> None:
    free = [task(f"TASK-{n}") for n in range(11, 15)]
    chain = [task("TASK-11"), *(task(f"TASK-{n}", dependencies=f"TASK-{n - 1}") for n in range(12, 15))]
    one, two = left(*free), left(*free, parallel=2)
    assert one
    assert two
    assert abs(two.middle * 2 - one.middle) <= 2
    assert left(*chain, parallel=4) == left(*chain)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0, 1, "about 1 s"), (3, 5, "3 to 5 s"), (20, 45, "20 to 45 s"), (61, 500, "1 to 8 min"), (1260, 2700, "20 to 45 min"), (1800, 5400, "30 min to 1.5 h"), (120, 125, "about 2 min"), (3600, 7300, "1 to 2 h"), (100_000, 900_000, "28 h to 10 days")],
)  # fmt: skip
def test_a_range_is_said_in_round_numbers(low: int, high: int, said: str) -> None:
    assert str(Range(low, high)) == said


def test_the_time_since_a_run_began_is_by_the_log() -> None:
    events = [{"time": f"2026-11-26T09:0{n}:00Z", "run": run, "event": "x"} for n, run in enumerate("qrrs")]
    assert estimate.elapsed(events, "r", None) == 60
    assert estimate.elapsed(events, "r", event_lines.seconds("2026-11-26T10:01:00Z")) == 3600
    assert estimate.elapsed(events, "gone", 5) is None


def test_what_a_person_asks_for_after_the_end_makes_no_run_longer() -> None:
    events = [
        {"time": "2026-11-26T09:01:00Z", "run": "r", "event": "began"},
        {"time": "2026-11-26T09:03:00Z", "run": "r", "event": "finished"},
        {"time": "2026-11-26T19:00:00Z", "run": "r", "event": "retry", "id": "TASK-1"},
    ]
    assert estimate.elapsed(events, "r", None) == 120


def test_a_time_that_is_none_begins_no_run() -> None:
    assert estimate.elapsed([{"time": "yesterday", "run": "r", "event": "x"}], "r", 5) is None


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (-1, "0 s"),
        (59.9, "59 s"),
        (200, "3 min 20 s"),
        (3900, "1 h 5 min"),
        (86_399, "23 h 59 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_time_is_said_in_its_two_largest_units(span: float, said: str) -> None:
    assert estimate.exact(span) == said
