"""The report as Markdown, for the description of a pull request: without machine paths, transcripts and notes."""

import re

from ..accounts import estimate
from ..texts import fields
from . import html, words
from .model import FAILED, GATE, VERIFIED, Report, Work

#: Rows of a table, and characters of a title and of a reason.
_ROWS, _TITLE, _REASON = 100, 90, 200
# Everything that Markdown could take for more than text; GitHub also links mentions, issues and addresses.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$^=-])")
_LINKED = re.compile(r"([@#]|\bhttps?:|\bwww\.)", re.IGNORECASE)


def render(report: Report) -> str:
    """The Markdown, as text that ends in a newline."""
    parts = [_summary(report), _troubles(report), _tasks(report), _commits(report), _cost(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _said(text: str, length: int) -> str:
    """*text* on one line that stays text wherever it is put."""
    # A backslash does not keep GitHub from linking; what no one sees between the characters does.
    linked = _LINKED.sub(lambda found: f"{found[0][0]}\u200b{found[0][1:]}", html.clean(fields.cut(text, length)))
    return _SPECIAL.sub(r"\\\1", linked)


def _summary(report: Report) -> str:
    run, found = report.run, words.counts(report)
    total = len(report.tasks) - found.get("skipped", 0)
    parts = [f"{found.get('completed', 0)} of {fields.many(total, 'task')} completed"]
    verified, gated = (sum(work.proof == proof for work in report.tasks) for proof in (VERIFIED, GATE))
    parts += [f"{gated} proved by gate"] if gated else []
    parts += [f"{verified} verified"] if verified or run.verify else []
    parts += [f"{found[name]} {name.replace('_', ' ')}" for name in found if name != "completed"]
    agents = sum(len(work.attempts) for work in report.works)
    took = f"{fields.many(agents, 'agent')} in {estimate.exact(report.until - run.began)}"
    cost = words.whole_cost(report)
    spent = f", {words.price(cost)}" if cost and cost.dollars is not None else ""
    live = " The run is still at work." if report.is_live else ""
    heading = f"### Claudestrator run `{_code(run.id)}`"
    focus = f"\n\nFocus: {_said(run.focus, _REASON)}" if run.focus else ""
    return f"{heading}\n\n**{', '.join(parts)}** ({took}{spent}).{live}{focus}"


def _code(text: str) -> str:
    return fields.cut(html.clean(text).replace("`", "'").replace("|", "/"), 80)


def _troubles(report: Report) -> str:
    failed = [work for work in report.works if words.state(work) == "failed"]
    blocked = [work for work in report.tasks if words.state(work) == "blocked"]
    lines = [f"- ✗ `{_code(work.id)}`: {_said(_last_reason(work), _REASON)}" for work in failed]
    lines += [f"- ⊘ `{_code(work.id)}`: {_said(work.blocked_by, _REASON)}" for work in blocked]
    more = [f"- and {len(lines) - _ROWS} more"] if len(lines) > _ROWS else []
    return "\n".join(["#### Failed and blocked", "", *lines[:_ROWS], *more]) if lines else ""


def _last_reason(work: Work) -> str:
    reasons = [
        each.reason for each in work.attempts if each.reason and (each.outcome == FAILED or each.verdict == "fail")
    ]
    return reasons[-1] if reasons else "failed before this run"


def _tasks(report: Report) -> str:
    rows = [
        "| Task | | Status | Proven | Model | Attempts | Time | Cost |",
        "| --- | --- | --- | --- | --- | ---: | ---: | ---: |",
    ]
    for work in report.tasks[:_ROWS]:
        models = " → ".join(dict.fromkeys(_code(each.model) for each in work.attempts)) or "–"
        state = f"{words.SIGNS[words.state(work)]} {_said(words.state_word(work), 40)}"
        took = estimate.exact(work.seconds(report.until)) if work.attempts else "–"
        cells = (f"`{_code(work.id)}`", _said(work.title, _TITLE), state, words.PROOFS.get(work.proof, "–"), models)
        rows.append(f"| {' | '.join(cells)} | {len(work.attempts) or '–'} | {took} | {words.price(work.cost)} |")
    more = len(report.tasks) - _ROWS
    return "\n".join(rows) + (f"\n\nand {fields.many(more, 'more task')}" if more > 0 else "") if report.tasks else ""


def _commits(report: Report) -> str:
    lines = [
        f"- {each.commit[:9]} Loop {each.loop}: {fields.many(len(each.tasks), 'task')}"
        for each in report.loops
        if each.commit
    ]
    lines += [f"- {work.commit[:9]} `{_code(work.id)}`" for work in report.tasks if work.commit]
    return "\n".join(["#### Commits", "", *lines[-_ROWS:]]) if lines else ""


def _cost(report: Report) -> str:
    whole = words.whole_cost(report)
    if whole is None or whole.dollars is None:
        return ""
    share = ""
    if report.orchestration and report.orchestration.cost.dollars is not None:
        share = f", of which {words.dollars(report.orchestration.cost.dollars)} was orchestration"
    return f"{words.number(whole.tokens)} tokens, {words.dollars(whole.dollars)}{share}, by {report.prices}."
