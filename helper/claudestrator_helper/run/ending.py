"""What is said of a whole run at its end: how long it took, what it cost, what it tried again and what it changed."""

from collections.abc import Iterable, Mapping

from ..accounts import estimate, spending
from ..engine import sentences
from ..engine.config import MOD
from ..engine.state import FINISHED, STOPPED, State
from ..store import run_log, state_file
from ..store.paths import Project
from ..texts.directives import STOP, Directive, stop
from ..texts.fields import TABLE, cut, many, named

#: Seconds of a run below which there is nothing to tell about it that a person would not have seen.
_SHORT = 60


def told(project: Project, directives: list[Directive], now: float, more: str) -> list[Directive]:
    """The directives of the step that ended a run, with the account of the run in its sentence, and *more* before it,
    which a person has to know."""
    said = " ".join(filter(None, [more, _account(project, now)]))
    return [
        each._replace(sentence=f"{each.sentence} {said}") if each.kind == STOP and said else each for each in directives
    ]


def again(project: Project) -> list[Directive]:
    """The STOP of the run that has ended: who was to hear it may have been killed. Empty if the log lacks it."""
    current = state_file.read(project)
    ends = (event for event in reversed(run_log.read(project)) if event["event"] in (FINISHED, STOPPED))
    said = next((str(event.get("reason", "")) for event in ends if event.get("run") == current.run), "")
    return [stop(cut(said, TABLE))] if said else []


def _account(project: Project, now: float) -> str:
    current, events = state_file.read(project), run_log.read(project)
    # As `status` and the report count it: to the run's last event, not to the end of the commits after it.
    seconds = estimate.elapsed(events, current.run, None)
    if seconds is None or seconds < _SHORT:
        return ""
    dollars = spending.run_dollars(project)
    # The conversation's answer to this is not in its transcript yet; a mod's run asks it for none.
    without = "" if current.engine == MOD else " up to here"
    cost = f" and ${dollars:,.2f}{without}" if dollars is not None else ""
    parts = [f"It took {estimate.exact(seconds)}{cost}"]
    again = _again(event for event in events if event.get("run") == current.run)
    parts += [f"tried again: {named(again, len(again))}"] if again else []
    if current.worktrees:
        return "; ".join([*parts, *_merged(project, current)]) + "."
    began = now - (estimate.elapsed(events, current.run, now) or seconds)
    return "; ".join([*parts, *_changes(project, began)]) + "."


def _again(events: Iterable[Mapping[str, object]]) -> list[str]:
    """The ids that got another agent after one had failed, or after their verification had returned them."""
    failed: set[str] = set()
    again: dict[str, None] = {}
    for event in events:
        id_ = cut(str(event.get("id")), 64)
        if event["event"] == "failed" or event.get("verdict") == "fail":
            failed.add(id_)
        elif event["event"] == "spawned" and id_ in failed:
            again[id_] = None
    return list(again)


def _merged(project: Project, current: State) -> list[str]:
    """What the run's branch would bring."""
    from ..system import changes

    found = changes.on_branch(project, sentences.branch(current))
    if found is None or not found.files:
        return []
    return [f"changed there: {many(found.files, 'file')} (+{found.added} -{found.removed})"]


def _changes(project: Project, began: float) -> list[str]:
    """What has changed in the project's files since the run began, and where to see it."""
    # git runs in a process of its own, and importing what starts it takes longer than most steps.
    from ..system import changes

    found = changes.since(project, began)
    if found is None or not found.files + found.new:
        return []
    counted = [f"{many(found.files, 'file')} (+{found.added} -{found.removed})"] if found.files else []
    counted += [f"{found.new} new file{'' if found.new == 1 else 's'}"] if found.new else []
    return [f"changed since it began: {' and '.join(counted)}"]
