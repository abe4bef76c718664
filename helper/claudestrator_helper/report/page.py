"""The page: one HTML file without scripts, with nothing from a network, for the screen and for paper."""

import base64
import functools
import hashlib
import os
from collections import Counter

from .. import __version__
from ..accounts import estimate
from ..texts import fields
from . import html, money, tables, words
from .html import Child, Html, tag
from .model import FAILED, GATE, REPORTED, VERIFIED, Report

#: Seconds after which the page of a run at work loads itself again.
REFRESH = 30


def render(report: Report) -> str:
    """The page of a report, as text."""
    # The pictures take the longest to import.
    from . import graph, timeline

    drawn = graph.picture(report)
    title = f"{report.run.project} · run {report.run.id}"
    parts = [
        _head(report),
        _tiles(report),
        _story(report),
        tables.troubles(report),
        _figure("dependencies", "Dependencies", drawn, _graph_legend(report), _no_graph(report)),
        _figure("timeline", "Timeline", timeline.picture(report), _timeline_legend(), "No agent has been at work yet."),
        tables.tasks(report),
        tables.others(report),
        tables.loops(report),
        tables.issues(report),
        money.section(report),
    ]
    shown = [part for part in parts if part is not None]
    body = tag("body", _skip(), tag("main", shown), _foot(report))
    return html.page(tag("html", _meta(report, title), body, lang="en"))


@functools.cache
def _style() -> str:
    with open(os.path.join(os.path.dirname(__file__), "style.css"), encoding="utf-8") as file:
        return file.read()


def _meta(report: Report, title: str) -> Html:
    # Only this one style, no script, and no request to anywhere.
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", http_equiv="refresh", content=str(REFRESH)) if report.is_live else None,
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        html.style(_style()),
    )


def _skip() -> Html:
    return tag("a", "Skip to the tasks", href="#tasks", class_="skip")


def _head(report: Report) -> Html:
    run = report.run
    kind = "stopped" if run.status in ("paused", "stopped") else "live" if report.is_live else "over"
    spent = estimate.exact(report.until - run.began)
    how = [f"{run.engine} engine" if run.engine else "", f"up to {run.parallel} at a time" if run.parallel > 1 else ""]
    how += [f"{fields.many(run.loops, 'loop')}" if run.loops else "", "with verification" if run.verify else ""]
    how += [fields.many(run.sessions, "session") if run.sessions > 1 else ""]
    # No one renews the page of a run that is killed, so it says as of when it is.
    at = words.clock(report.until)
    live = f"At work at {at}. This page loads itself again every {REFRESH} seconds." if report.is_live else None
    began = tag("time", words.date(run.began), datetime=words.utc(run.began))
    when: list[Child] = [began, f" until {at} · {spent}"]
    return tag(
        "header",
        tag("p", "Claudestrator", class_="brand"),
        tag("h1", tag("bdi", run.project), " ", tag("span", run.status, class_=f"chip {kind}")),
        tag("p", "Run ", tag("code", run.id), " · ", when, [f" · {each}" for each in how if each], class_="when"),
        tag("p", "Focus: ", tag("bdi", run.focus)) if run.focus else None,
        tag("p", live, class_="note") if live else None,
    )


def _tiles(report: Report) -> Html:
    found = words.counts(report)
    done, total = found.get("completed", 0), len(report.tasks) - found.get("skipped", 0)
    agents = sum(len(work.attempts) for work in report.works)
    failures = sum(each.outcome == FAILED or each.verdict == "fail" for w in report.works for each in w.attempts)
    cost = words.whole_cost(report)
    changes = [change for work in report.tasks for change in work.files or ()]
    proven = Counter(work.proof for work in report.tasks)
    orchestrated = report.orchestration.cost.dollars if report.orchestration else None
    proofs = [f"{proven[VERIFIED]} verified", f"{proven[REPORTED]} on an agent’s word"]
    proofs[1:1] = [f"{proven[GATE]} by gate"] if proven[GATE] else []
    proof = ", ".join(proofs) if done else "nothing to prove yet"
    busy = words.busy(report)
    tiles: list[tuple[str, str, str]] = [
        ("Tasks completed", f"{done} of {total}", proof),
        ("Failed or blocked", str(found.get("failed", 0) + found.get("blocked", 0)), _stuck(found)),
        ("Attempts", f"{agents}", f"{failures} failed or returned" if failures else "none failed"),
        ("Time", estimate.exact(report.until - report.run.began), f"agents at work {estimate.exact(busy)}"),
        ("Tokens", words.tokens(cost), "all requests, cached ones included" if cost else "not known"),
        ("Cost", words.price(cost), f"orchestration {words.dollars(orchestrated)}" if cost else "not known"),
        (
            "Edits",
            words.lines(*changes) if changes else "–",
            fields.many(len({c.path for c in changes}), "file") if changes else "not known",
        ),
    ]
    boxes = [
        tag("div", tag("dt", name), tag("dd", value), tag("dd", more, class_="more")) for name, value, more in tiles
    ]
    return tag("section", tag("dl", boxes, class_="tiles"), _bar(report), aria_label="In short")


def _stuck(found: dict[str, int]) -> str:
    stuck = [f"{found[name]} {name}" for name in ("failed", "blocked") if found.get(name)]
    return ", ".join(stuck) or "nothing"


def _bar(report: Report) -> Child:
    """One bar of all tasks by state, and the same in words."""
    found, total, at = words.counts(report), len(report.tasks), 0.0
    parts: list[Child] = []
    for name, count in found.items():
        width = 1000 * count / total
        parts.append(tag("rect", x=at, y=0, width=max(1.0, width - 2), height=10, class_=f"part {name}"))
        at += width
    if not total:
        return None
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items())
    drawn = tag(
        "svg",
        parts,
        viewBox="0 0 1000 10",
        class_="bar-of-all",
        role="img",
        aria_label=said,
        preserveAspectRatio="none",
    )
    return [
        drawn,
        tag("p", [_key(name, f"{count} {name.replace('_', ' ')}") for name, count in found.items()], class_="legend"),
    ]


def _key(state: str, said: str) -> Html:
    return tag("span", tag("span", words.SIGNS[state], class_=f"sign {state}", aria_hidden="true"), f" {said}")


def _story(report: Report) -> Html:
    """What was asked, and what came of it."""
    run = report.run
    asked = tag("pre", run.asked, dir="auto") if run.asked else tag("p", "PRD.md is not there any more.", class_="none")
    default = "The run is at work." if report.is_live else "How the run ended is not known any more."
    built: list[Child] = [tag("p", run.ending or default)]
    built += [tag("pre", run.built, dir="auto")] if run.built else []
    commits = [tag("li", tag("code", each.commit[:9]), f" Loop {each.loop}") for each in report.loops if each.commit]
    built += [tag("ul", commits[-10:], class_="plain")] if commits else []
    return tag(
        "section",
        tag("div", tag("h2", "Asked"), tag("p", "The beginning of PRD.md", class_="more"), asked),
        tag("div", tag("h2", "Built"), built),
        class_="story",
    )


def _figure(name: str, title: str, drawn: Html | None, legend: Child, instead: str) -> Html:
    heading = tag("h2", title, id=f"{name}-title")
    if drawn is None:
        return tag("section", heading, tag("p", instead, class_="none"), id=name)
    past = tag("a", f"Skip the {name}", href=f"#{name}-end", class_="skip")
    # A box that scrolls has to be reachable by keyboard.
    box = tag("div", drawn, class_="scroll", tabindex="0", role="region", aria_labelledby=f"{name}-title")
    return tag("section", heading, past, box, tag("p", legend, class_="legend", id=f"{name}-end"), id=name)


def _no_graph(report: Report) -> str:
    from . import layout

    if not report.tasks:
        return "There are no tasks yet."
    if layout.is_there():
        return "These dependencies can’t be drawn; the table of tasks names them."
    missing = f"Not drawn, because a package is missing: {fields.one_line(layout.advice())} installs it."
    return f"{missing} The table of tasks names the dependencies."


def _graph_legend(report: Report) -> Child:
    return [_key(name, name.replace("_", " ")) for name in words.counts(report)]


def _timeline_legend() -> Child:
    kinds = {"done": "done", "running": "at work", "failed": "failed", "returned": "returned by its verification"}
    kinds |= {"lost": "lost with its session or by the API", "dropped": "given up, refused"}
    keys = [tag("span", tag("span", "", class_=f"swatch {kind}"), f" {said}") for kind, said in kinds.items()]
    return [*keys, tag("span", tag("span", "", class_="swatch wait"), " ready, waiting for its turn")]


def _foot(report: Report) -> Html:
    by = f"Written {words.date(report.written)} by claudestrator-helper {__version__}"
    sources = f"{by}, from the run’s log, its queue and Claude Code’s transcripts. Times are this machine’s."
    edits = (
        "Edits are the lines that agents added and removed with their editing tools, not what their commands changed."
    )
    return tag("footer", [tag("p", each) for each in (sources, edits, *report.missing)])
