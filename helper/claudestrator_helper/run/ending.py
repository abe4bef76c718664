"""What is said of a whole run at its end: how long it took, what it cost, what it tried again and what it changed."""

import re
from collections.abc import Iterable, Mapping

from ..accounts import estimate, spending
from ..store import run_log, state_file
from ..store.paths import Project
from ..texts.directives import STOP, Directive
from ..texts.fields import cut, named

#: Seconds of a run below which there is nothing to tell about it that a person would not have seen.
_SHORT = 60


def told(project: Project, directives: list[Directive], now: float, home: str) -> list[Directive]:
    """The directives of the step that ended a run, with the account of the run in its sentence; *home* says what a
    person has to know to take its commits over."""
    said = " ".join(filter(None, [home, _account(project, now)]))
    return [
        each._replace(sentence=f"{each.sentence} {said}") if each.kind == STOP and said else each for each in directives
    ]


def _account(project: Project, now: float) -> str:
    current, events = state_file.read(project), run_log.read(project)
    seconds = estimate.elapsed(events, current.run, now)
    if seconds is None or seconds < _SHORT:
        return ""
    dollars = spending.run_dollars(project)
    cost = f" and ${dollars:,.2f}" if dollars is not None else ""
    parts = [f"It took {estimate.exact(seconds)}{cost}"]
    again = _again(event for event in events if event.get("run") == current.run)
    parts += [f"tried again: {named(again, len(again))}"] if again else []
    by_task = any(record.committed for record in current.tasks.values())
    return "; ".join([*parts, *([] if by_task else _changes(project))]) + "."


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


def _changes(project: Project) -> list[str]:
    """What is not committed: the files and lines that differ from the last commit, and where to see them."""
    from ..system import git_process, git_safety

    top = git_safety.top(project.root)[0]
    if not top:
        return []
    changed = git_process.call(
        top, "diff", "--no-ext-diff", "--no-textconv", "--shortstat", "HEAD", "--", ".", timeout=10
    )
    fresh = git_process.call(top, "ls-files", "--others", "--exclude-standard", timeout=10)
    numbers = [int(each) for each in re.findall(r"\d+", changed.text)[:1]]
    lines = {
        sign: int(number) for number, sign in re.findall(r"(\d+) (?:insertion|deletion)s?\(([+-])\)", changed.text)
    }
    files, new = sum(numbers), len(fresh.text.splitlines())
    if changed.code or fresh.code or not files + new:
        return []
    counted = (
        [f"{files} changed file{'' if files == 1 else 's'} (+{lines.get('+', 0)} -{lines.get('-', 0)})"]
        if files
        else []
    )
    counted += [f"{new} new file{'' if new == 1 else 's'}"] if new else []
    return [f"not committed: {' and '.join(counted)}, see `git status`"]
