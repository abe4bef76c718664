"""Sentences about a run, for its person: short, and with nothing in them that could pass for a directive."""

import re
from collections import Counter
from collections.abc import Container, Iterable

from ..texts import ids, queue_problems, schedule
from ..texts.fields import cut, many
from ..texts.queue import Queue, Task
from ..texts.queue_problems import Problem, miscounted
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS, MOVES, PENDING, SKIPPED
from .state import PAUSED, STOPPED, State, TaskRecord

#: What a pending task that can't run is counted as, for people.
BLOCKED = "blocked"
#: How many ids of a list are named.
NAMED = 5


def same(one: str, other: str) -> bool:
    """Whether two reasons say the same, numbers and ids apart."""
    return _kernel(one) == _kernel(other)


def _kernel(reason: str) -> str:
    return re.sub(r"[\w.-]*\d[\w.-]*|\W+", " ", reason).strip().lower()


def waiting(current: State, now: int) -> str:
    """What a `wait` says that ends without a step."""
    names = ", ".join(f"{id_} ({max(0, now - agent.claimed) // 60} min)" for id_, agent in current.agents.items())
    if current.status == PAUSED:
        at_work = f", and {names} {'is' if len(current.agents) == 1 else 'are'} at work" if names else ""
        return f"paused{at_work}: `claudestrator-helper resume` continues"
    return f"still waiting for {names}"


def counts(statuses: Iterable[str]) -> str:
    count = Counter(statuses)
    left_out = f", {count[SKIPPED]} skipped" if count[SKIPPED] else ""
    return f"{count[COMPLETED]} of {sum(count.values()) - count[SKIPPED]} tasks completed{left_out}"


def counted(queue: Queue, state: State) -> str:
    """The counts of the tasks, and how many of them were verified where they had to be."""
    passed = sum(task.status == COMPLETED and state.is_verified(task.id) for task in queue.tasks)
    verified = f", {passed} verified" if state.verification.asked else ""
    return ", ".join([counts(task.status for task in queue.tasks) + verified, *_proved(queue, state)])


#: What proves a completed task, the strongest first.
PROOFS = (GATE, VERIFIED, WORD) = ("gate", "verified", "word")


def proof(task: Task, state: State) -> str | None:
    """Why a task counts as completed, by the strongest proof: "gate", "verified", or "word"; None if it doesn't."""
    if task.status != COMPLETED:
        return None
    record = state.record(task.id)
    done = record.completed is not None or record.earlier is not None
    if done and record.is_proved:
        return GATE
    return VERIFIED if done and record.is_verified else WORD


def model(task: Task, state: State) -> str:
    """The model of a task's last attempt, or of the next one if it is pending."""
    record = state.record(task.id)
    if task.status != PENDING:
        return record.model or task.model
    return record.lost.model if record.lost and record.lost.failures else task.model


def is_gated(queue: Queue, state: State) -> bool:
    """Whether a gate was to prove the run's tasks, or some of them, be it allowed or not."""
    return state.gated or ("gate" in queue.text.lower() and any(task.gate for task in queue.tasks))


def _proved(queue: Queue, state: State) -> list[str]:
    """How many completed tasks their gate has proved, and which were taken at their word."""
    if not is_gated(queue, state):
        return []
    found = [(task.id, proof(task, state)) for task in queue.tasks]
    proved, words = sum(each == GATE for _, each in found), [id_ for id_, each in found if each == WORD]
    said = f"{len(words)} taken at {'their' if len(words) > 1 else 'its'} word ({_named(words)})"
    return [f"{proved} proved by gate", *([said] if words else [])]


def streak(state: State, counted: str) -> str:
    reason = cut(state.failed[state.streak[-1]])
    return (
        f"The run has ended, {counted}: {_named(state.streak)} failed in a row for the same reason ({reason}). "
        f"{_AGAIN.format(state.streak[0])}{commits(state)}"
    )


_AGAIN = "`claudestrator-helper retry {}` and `/orchestrate` try one again."


def not_set_up(why: str, counted: str, state: State) -> str:
    """What is said where a run stops because a worktree can't be set up."""
    return (
        f"The run has stopped, {counted}: {why}. Correct that, or [worktree] setup, and `/orchestrate` tries it again."
        f"{commits(state)}"
    )


def not_committed(counted: str, state: State) -> str:
    """What is said where a run stops because no commit can be made."""
    how = "Nothing is lost: correct that, and `/orchestrate` continues."
    return f"The run has stopped, {counted}: {state.halted}. {how}{commits(state)}"


def ending(queue: Queue, state: State, unreadable: list[Problem]) -> str:
    """How the run ended, by what the schedule says now: all completed, or what is left, and why."""
    flag = _unchanged(queue, state) + _miscounted(queue) + commits(state)
    left = _unverified(queue, state)
    if schedule.select(queue, unreadable).reason == schedule.COMPLETE:
        verified = " and verified" if state.verification.asked and not left else ""
        proved = filter(None, [", ".join(_proved(queue, state))])
        return "; ".join([f"{_completed(queue)}{verified}", *proved, *_skipped(queue), *left]) + f".{flag}"
    causes = schedule.causes(queue)
    pending = _pending(queue, causes)
    parts = [
        *_failed(queue, state),
        *_skipped(queue),
        *_blocked(causes),
        *pending,
        *_odd(queue),
        *_unread(unreadable),
        *left,
    ]
    again = [task.id for task in queue.tasks if task.status == FAILED]
    hint = " `claudestrator-helper check` names what to fix." if parts != pending else ""
    hint = f" {_AGAIN.format(again[0])}" if again else hint
    how = "stopped" if state.status == STOPPED else "ended"
    return f"The run has {how}, {'; '.join([counted(queue, state), *parts])}.{hint}{flag}"


def nothing_left(queue: Queue, unreadable: list[Problem]) -> str:
    """What is said after the ending of a run that was begun where all tasks were completed; "" where they weren't."""
    if not queue.tasks or schedule.select(queue, unreadable).reason != schedule.COMPLETE:
        return ""
    return " PRD.md becomes tasks only once: for what you have changed there since, add tasks, or move the queue away."


def _completed(queue: Queue) -> str:
    """What is said where all tasks are completed or skipped."""
    done, skipped = (sum(task.status == status for task in queue.tasks) for status in (COMPLETED, SKIPPED))
    if not done:
        return "No task is left"
    which = "other " if skipped else ""
    return f"All {done} {which}tasks are completed" if done > 1 else f"The {which or 'one '}task is completed"


def held(queue: Queue, unreadable: list[Problem]) -> str:
    """What no run takes up as the queue is, and why; "" if there is nothing of the kind."""
    odd = [f"{task.id} is {cut(task.status, 30)!r}" for task in queue.tasks if task.status not in MOVES]
    return "; ".join([*_blocked(schedule.causes(queue)), *([_named(odd)] if odd else []), *_unread(unreadable)])


def _skipped(queue: Queue) -> list[str]:
    skipped = [task.id for task in queue.tasks if task.status == SKIPPED]
    return [f"skipped: {_named(skipped)}"] if skipped else []


def idle(queue: Queue, state: State, unreadable: list[Problem]) -> str:
    """The answer to `wait` where no run is unfinished."""
    if not state.run:
        return "No run is active here: `/orchestrate` starts one."
    what = "continues the last one" if state.status == STOPPED else "starts one"
    return f"No run is active here: `/orchestrate` {what}. {ending(queue, state, unreadable)}"


def _unread(unreadable: list[Problem]) -> list[str]:
    return [f"line {line} of the queue can't be read ({cut(text, 160)})" for line, text in unreadable[:NAMED]]


def _unverified(queue: Queue, state: State, among: Container[str] | None = None) -> list[str]:
    """The completed tasks that no verdict has passed, though they had to be verified."""
    done = [task.id for task in queue.tasks if task.status == COMPLETED and (among is None or task.id in among)]
    left = [id_ for id_ in done if not state.is_verified(id_)]
    named = [f"{id_} ({cut(_why_unverified(state.record(id_)))})" for id_ in left]
    return [f"not verified: {_named(named)}"] if named and state.verification.asked else []


def _why_unverified(record: TaskRecord) -> str:
    if record.unverified is not None:
        return record.unverified
    return "not completed by this run" if record.completed is None else "no verdict"


def _unchanged(queue: Queue, state: State) -> str:
    # A task that has been deleted since doesn't matter.
    left = [id_ for id_, record in state.tasks.items() if record.unchanged and id_ in queue.by_id]
    return f" Completed with nothing changed: {_named(left)}." if left else ""


def branch(state: State) -> str:
    """The branch of the run."""
    return f"claudestrator/{state.run}"


def commits(state: State) -> str:
    """Where the commits of single tasks are, and how a person takes them over."""
    count = sum(bool(record.committed) for record in state.tasks.values())
    be = "is" if count == 1 else "are"
    return f" {many(count, 'commit')} {be} on {branch(state)}{_taken_over(state, count)}" if count else ""


def _taken_over(state: State, count: int) -> str:
    return f": `git merge --ff-only {branch(state)}` takes {'it' if count == 1 else 'them'} over."


def brought_home(sentence: str, state: State, otherwise: str) -> str:
    """A sentence in which the commits are taken over as *otherwise* says, if it says anything."""
    count = sum(bool(record.committed) for record in state.tasks.values())
    return sentence.replace(_taken_over(state, count), f". {otherwise}") if otherwise else sentence


def _miscounted(queue: Queue) -> str:
    return "".join(f" Line {line} of the queue is another matter: {text}." for line, text in miscounted(queue)[:1])


def loops(state: State, queue: Queue, issues: Queue) -> str:
    """How a run of loops ended: tasks, and what became of the issues."""
    count = Counter(issue.status.lower() for issue in issues.tasks)
    found = ", ".join(f"{count[word]} {word}" for word in ("completed", "accepted", PENDING, "rejected") if count[word])
    be = "is" if state.loop.number == 1 else "are"
    parts = [f"{state.loop.number} of {many(state.loop.total, 'loop')} {be} done, {counted(queue, state)}"]
    parts += [f"issues: {found}"] if found else []
    parts += _roles(state)
    parts += [*_failed(queue, state), *_blocked(schedule.causes(queue)), *_odd(queue)]
    parts += _unread(queue_problems.unreadable(queue))
    parts += _unverified(queue, state, state.completed)
    return f"{'; '.join(parts)}.{_unchanged(queue, state)}{commits(state)}"


def _roles(state: State) -> list[str]:
    """The agents of the loops that are done that failed, but for those that verify."""
    lost = {id_: why for id_, why in state.failed.items() if ids.role(id_) in ("research", "decomp", "memory")}
    said = [f"{id_} ({cut(why)})" for id_, why in lost.items() if int(id_.split("-")[1]) <= state.loop.number]
    return [f"failed: {_named(said)}"] if said else []


def _failed(queue: Queue, state: State) -> list[str]:
    failed = [
        f"{task.id} ({cut(state.failed.get(task.id, 'before this run'))})"
        for task in queue.tasks
        if task.status == FAILED
    ]
    return [f"failed: {_named(failed)}"] if failed else []


def _blocked(causes: dict[str, schedule.Cause]) -> list[str]:
    stuck = {id_: cause for id_, cause in causes.items() if cause.kind != schedule.WAITING}
    blocked = [f"{id_} by {_culprit(cause)}" for id_, cause in stuck.items()]
    return [f"blocked: {_named(blocked)}"] if blocked else []


def _pending(queue: Queue, causes: dict[str, schedule.Cause]) -> list[str]:
    """The tasks that a run would take up now, or once others of them are completed."""
    free = [task.id for task in queue.tasks if task.status == PENDING]
    free = [id_ for id_ in free if id_ not in causes or causes[id_].kind == schedule.WAITING]
    return [f"pending: {_named(free)}"] if free else []


def _culprit(cause: schedule.Cause) -> str:
    return f"the {cause}" if cause.kind == schedule.CYCLE else f"{cut(cause.culprit)} ({cut(cause.why)})"


def _odd(queue: Queue) -> list[str]:
    found = [(task.id, task.status) for task in queue.tasks]
    odd = [f"{id_} is {cut(status, 30)!r}" for id_, status in found if status not in MOVES]
    odd += [f"{id_} is in progress, but not by this run" for id_, status in found if status == IN_PROGRESS]
    return [_named(odd)] if odd else []


def _named(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def bar(statuses: Iterable[str], width: int = 30) -> str:
    """A line of *width* characters and the counts by status, BLOCKED among them."""
    count = Counter(statuses)
    total = sum(count.values())
    todo = total - count[SKIPPED]
    filled = width * count[COMPLETED] // todo if todo else 0
    shown = (COMPLETED, IN_PROGRESS, PENDING, BLOCKED, FAILED, SKIPPED)
    known = [f"{count[status]} {status}" for status in shown if count[status]]
    other = total - sum(count[status] for status in shown)
    text = ", ".join(known + ([f"{other} unknown"] if other else []))
    return f"[{'#' * filled}{'.' * (width - filled)}] {count[COMPLETED]}/{todo}  {text}".rstrip()
