"""What the run cost, by model and by who spent it."""

from ..texts import fields
from . import words
from .html import Child, Html, tag
from .model import Cost, Report
from .tables import table


def section(report: Report) -> Html:
    """The section on the cost, with the reason if nothing is known."""
    whole = words.whole_cost(report)
    if whole is None:
        known: Child = tag("p", "Not known: no transcript of this run can be read.", class_="none")
        return tag("section", tag("h2", "Cost"), known, id="cost")
    return tag("section", tag("h2", "Cost"), _by_model(report, whole), _split(report, whole), id="cost")


def _by_model(report: Report, whole: Cost) -> Html:
    names = ("Model", "Agents", "Requests", "Input", "Cache write", "Cache read", "Output", "Cost")
    rows = [
        tag(
            "tr",
            tag("th", tag("bdi", each.model or "no name"), scope="row"),
            tag("td", str(each.agents), class_="number"),
            _cells(each.cost),
        )
        for each in report.models
    ]
    total = tag("tr", tag("th", "Together", scope="row"), tag("td", "", class_="number"), _cells(whole))
    return table("Cost by model", names, [tag("tbody", rows), tag("tfoot", total)])


def _cells(cost: Cost) -> list[Html]:
    counts = (cost.requests, cost.input, cost.cache_creation, cost.cache_read, cost.output)
    values = [*(words.number(count) for count in counts), words.dollars(cost.dollars)]
    return [tag("td", value, class_="number") for value in values]


def _split(report: Report, whole: Cost) -> Child:
    found = report.orchestration
    if found is None:
        return None
    share = f" ({found.cost.dollars / whole.dollars:.1%})" if found.cost.dollars is not None and whole.dollars else ""
    tasks = max(1, sum(bool(work.attempts) for work in report.tasks))
    came = f"{words.number(found.characters)} characters came into the main conversation"
    told = (
        f"Orchestration cost {words.dollars(found.cost.dollars)} of {words.dollars(whole.dollars)}{share}: {came} in "
        f"{fields.many(found.turns, 'turn')}, {found.characters / tasks:,.0f} for each task that ran, and "
        f"{words.number(found.cost.tokens)} tokens were processed."
    )
    source = f"By {report.prices}; a subscription, batch or another cloud costs something else."
    return [tag("p", told), tag("p", source, class_="more")]
