"""The page's tables: tasks, other agents, failures, loops and issues."""

from collections.abc import Iterable
from pathlib import PurePath

from ..accounts import estimate
from ..texts import fields
from . import words
from .html import Child, Html, tag
from .model import DONE, FAILED, RUNNING, Attempt, Change, Report, Work

#: Characters of a title in a table; rows of a list; characters of all notes of a page together, and of one at least.
_TITLE, _LIST, _NOTES, _NOTE = 160, 12, 300_000, 200


def tasks(report: Report) -> Html:
    names = ("Task", "Status", "Proven", "Model", "Attempts", "Time", "Tokens", "Cost", "Edits")
    room = max(_NOTE, _NOTES // max(1, len(report.tasks)))
    rows = [_task(work, report, room) for work in report.tasks]
    shown = table("Tasks", names, rows, "tasks") if rows else tag("p", "There are no tasks yet.", class_="none")
    return tag("section", tag("h2", "Tasks"), shown, id="tasks")


def others(report: Report) -> Html | None:
    """The agents of other roles."""
    rows = [_other(work, report) for work in report.others]
    names = ("Agent", "Status", "Model", "Attempts", "Time", "Tokens", "Cost")
    return _section("Other agents", names, rows, "agents")


def troubles(report: Report) -> Html | None:
    """What failed, why, and what waits for it."""
    failed = [work for work in report.works if words.state(work) == "failed"]
    failed.sort(key=lambda work: work.role != "task")
    blocked = [work for work in report.tasks if words.state(work) == "blocked"]
    odd = [work for work in report.tasks if words.state(work) == "other"]
    if not (failed or blocked or odd):
        return None
    items = [_failure(work, report) for work in failed]
    items += [_item(work, tag("p", work.blocked_by[:1].upper(), work.blocked_by[1:], ".")) for work in blocked]
    items += [_item(work, tag("p", "Its status is not one of the four, so it never runs.")) for work in odd]
    return tag("section", tag("h2", "Failed and blocked"), tag("ul", items, class_="troubles"), id="failures")


def _item(work: Work, *more: Child) -> Html:
    state = words.state(work)
    sign = tag("span", f"{words.SIGNS[state]} {words.state_word(work)}", class_=f"chip {state}")
    title = tag("bdi", fields.cut(work.title, _TITLE))
    return tag("li", tag("p", tag("a", work.id, href=f"#{work.id}"), " ", sign, " ", title), *more)


def _failure(work: Work, report: Report) -> Html:
    tried = [tag("li", f"Attempt {a.attempt} ({a.model}, {_took(a, report)}): ", _why(a)) for a in work.attempts]
    waiting = [
        each.id for each in report.tasks if words.state(each) == "blocked" and f" {work.id} " in f"{each.blocked_by} "
    ]
    before = None if tried else tag("p", "It failed before this run.")
    return _item(work, before, tag("ol", tried, class_="tried") if tried else None,
                 tag("p", "Blocks ", _links(waiting, _LIST), ".", class_="more") if waiting else None)  # fmt: skip


def _links(ids: list[str], most: int) -> list[Child]:
    """Links to the first *most* tasks, and how many there are besides."""
    links: list[Child] = [[", " if at else "", tag("a", id_, href=f"#{id_}")] for at, id_ in enumerate(ids[:most])]
    return [*links, f" and {len(ids) - most} more"] if len(ids) > most else links


def _why(attempt: Attempt) -> Child:
    told = "returned by its verification: " if attempt.verdict == "fail" else f"{attempt.outcome}: "
    if attempt.outcome == DONE and attempt.verdict != "fail":
        return ", ".join(["done", *filter(None, [attempt.reason]), *(["verified"] if attempt.verdict else [])])
    if attempt.outcome == FAILED and attempt.reason:
        told = ""
    return [told, tag("bdi", fields.cut(attempt.reason, 500) or "no reason given")]


def _took(attempt: Attempt, report: Report) -> str:
    return estimate.exact(attempt.seconds(report.until))


def table(caption: str, names: Iterable[str], rows: list[Html], name: str | None = None) -> Html:
    heads = [tag("th", each, scope="col", class_="number" if each in _NUMBERS else None) for each in names]
    drawn = tag("table", tag("caption", caption), tag("thead", tag("tr", heads)), rows)
    return tag(
        "div", drawn, class_="scroll", tabindex="0", role="region", aria_label=caption, id=name and f"{name}-table"
    )


def _section(title: str, names: Iterable[str], rows: list[Html], name: str) -> Html | None:
    return tag("section", tag("h2", title), table(title, names, rows), id=name) if rows else None


_NUMBERS = (
    "Attempts", "Time", "Tokens", "Cost", "Edits", "Agents", "Requests", "Input", "Cache write", "Cache read", "Output",
    "Issues found", "Issues closed",
)  # fmt: skip


def _status(work: Work) -> Html:
    state = words.state(work)
    return tag(
        "span",
        tag("span", f"{words.SIGNS[state]} ", aria_hidden="true"),
        words.state_word(work),
        class_=f"chip {state}",
    )


def _proof(work: Work) -> Child:
    if not work.proof:
        return "–"
    said = words.PROOFS.get(work.proof, work.proof)
    return tag("span", said, class_=f"proof {work.proof}")


def _task(work: Work, report: Report, room: int) -> Html:
    title = tag("span", tag("bdi", fields.cut(work.title, _TITLE)), class_="title")
    cells = [
        tag("th", tag("span", work.id, class_="id"), " ", title, scope="row"),
        tag("td", _status(work)),
        tag("td", _proof(work)),
        tag("td", words.models(work) or "–", class_="model"),
        *_figures(work, report),
        tag("td", "none" if work.files == [] else words.edits(work.files), class_="number"),
    ]
    return _rows(work, cells, _details(work, report, room))


def _rows(work: Work, cells: list[Html], more: Html | None) -> Html:
    below = tag("tr", tag("td", more, colspan=str(len(cells))), class_="more-row") if more is not None else None
    return tag("tbody", tag("tr", cells), below, id=work.id)


def _figures(work: Work, report: Report) -> list[Html]:
    number = len(work.attempts)
    took = estimate.exact(work.seconds(report.until)) if number else "–"
    values = (str(number) if number else "–", took, words.tokens(work.cost), words.price(work.cost))
    return [tag("td", value, class_="number") for value in values]


def _other(work: Work, report: Report) -> Html:
    cells = [
        tag("th", tag("span", work.id, class_="id"), f" {_ROLES.get(work.role, '')}", scope="row"),
        tag("td", _status(work)),
        tag("td", words.models(work), class_="model"),
        *_figures(work, report),
    ]
    return _rows(work, cells, _details(work, report, 0))


_ROLES = {
    "decomposition": "PRD.md to tasks",
    "research": "finds issues",
    "decomp": "issues to tasks",
    "verify": "checks completed tasks",
    "memory": "sums up for the next loop",
}


def _details(work: Work, report: Report, room: int) -> Html | None:
    """What is folded away below a row; None if there is nothing."""
    parts: list[tuple[str, str, Child]] = []
    if work.note and room:
        parts.append(("hand-off note", "Hand-off note", tag("pre", fields.shortened(work.note, room), dir="auto")))
    if work.files:
        parts.append((fields.many(len(work.files), "file"), "Files", _changes(work.files)))
    if work.attempts:
        said = fields.many(len(work.attempts), "attempt") if len(work.attempts) > 1 else "transcript"
        parts.append((said, "Attempts", tag("ol", [_attempt(each, report) for each in work.attempts], class_="tried")))
    facts = _facts(work)
    if not (parts or facts):
        return None
    inside = [name for name, _, _ in parts] + (["dependencies"] if work.dependencies else [])
    opened = (", ".join(inside) or "more").capitalize()
    summary = tag("summary", opened, tag("span", f" of {work.id}", class_="unseen"))
    return tag("details", summary, facts, [[tag("h3", title), content] for _, title, content in parts])


def _facts(work: Work) -> Child:
    needs = _links(work.dependencies, 4 * _LIST)
    facts: list[Child] = [tag("p", "Needs ", needs)] if needs else []
    facts += [tag("p", work.blocked_by[:1].upper(), work.blocked_by[1:])] if words.state(work) == "blocked" else []
    facts += [tag("p", work.remark[:1].upper(), work.remark[1:])] if work.remark else []
    facts += [tag("p", "Commit ", tag("code", work.commit[:9]))] if work.commit else []
    facts += [tag("p", "Its work is in ", tag("code", tag("bdi", work.worktree)))] if work.worktree else []
    about = [f"Complexity {work.complexity}"] if work.complexity else []
    about += [f"loop {work.loop}"] if work.loop else []
    about += [f"from {work.issue}"] if work.issue else []
    return [*facts, tag("p", ", ".join(about), class_="more")] if about or facts else None


def _attempt(attempt: Attempt, report: Report) -> Html:
    spent = f"{words.tokens(attempt.cost)} tokens, {words.price(attempt.cost)}" if attempt.cost else "no transcript"
    outcome = "at work" if attempt.outcome == RUNNING else _why(attempt)
    said = [f"{attempt.model}, {words.clock(attempt.began)}, {_took(attempt, report)}, {spent}: ", outcome]
    return tag("li", said, _transcript(attempt.transcript))


def _transcript(path: str) -> Child:
    if not path:
        return None
    try:
        href = PurePath(path).as_uri()
    except ValueError:
        return [" · ", tag("code", fields.cut(path, 300))]
    return [" · ", tag("a", "transcript", href=href)]


def _changes(changes: list[Change]) -> Html:
    rows = [
        tag(
            "li",
            tag("code", tag("bdi", each.path)),
            " ",
            tag("span", words.lines(each), class_="lines"),
        )
        for each in changes[:_LIST]
    ]
    more = len(changes) - _LIST
    return tag("ul", rows, tag("li", f"and {more} more") if more > 0 else None, class_="plain")


def loops(report: Report) -> Html | None:
    names = ("Loop", "Commit", "Tasks", "Issues found", "Issues closed", "Edits")
    rows = []
    for each in report.loops:
        commit: Child = tag("code", each.commit[:9]) if each.commit else f"none: {each.why_no_commit}"
        left = tag("p", f"left out: {fields.named(each.left_out, len(each.left_out))}", class_="more")
        cells = [
            tag("th", str(each.loop), scope="row"),
            tag("td", commit, left if each.left_out else None),
            tag("td", _links(each.tasks, len(each.tasks)) or "none"),
        ]
        cells += [tag("td", str(len(found)), class_="number") for found in (each.found, each.closed)]
        rows.append(tag("tr", cells, tag("td", words.edits(each.changes), class_="number")))
    return _section("Loops", names, [tag("tbody", rows)] if rows else [], "loops")


def issues(report: Report) -> Html | None:
    rows = [
        tag(
            "tr",
            tag("th", tag("span", each.id, class_="id"), " ", tag("bdi", fields.cut(each.title, _TITLE)), scope="row"),
            tag("td", each.status),
            tag("td", each.priority),
            tag("td", str(each.loop) if each.loop else "–"),
            tag("td", _links(each.tasks, len(each.tasks)) or "–"),
        )
        for each in report.issues
    ]
    names = ("Issue", "Status", "Priority", "Found in loop", "Tasks")
    return _section("Issues", names, [tag("tbody", rows)] if rows else [], "issues")
