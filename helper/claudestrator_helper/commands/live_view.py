"""The picture that `watch` draws in a terminal, readable at 44 columns. Only this module imports rich."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..accounts import estimate
from ..accounts.progress import AtWork, Progress
from ..engine import state
from ..store import event_lines
from ..texts.fields import cut, one_line
from . import proofs

#: How many agents, blocked tasks and events are shown.
AGENTS, BLOCKED, EVENTS = 6, 3, 5
_STYLES = {
    "completed": "green", "in_progress": "cyan", "pending": "", "blocked": "yellow", "failed": "red", "skipped": "dim",
    "other": "red",
}  # fmt: skip
GONE = "its session has ended: /orchestrate continues it"
_ENDED = ("failed", "lost", "refused")


@contextmanager
def opened(console: Console | None = None) -> Iterator[Callable[[Progress, float | None], None]]:
    """A function that draws a run's progress in place of the last picture. The last one stays when the context ends."""
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda found, dollars: live.update(picture(found, dollars), refresh=True)


def picture(found: Progress, dollars: float | None) -> RenderableType:
    """The whole picture of a run."""
    if not found.state.run:
        return Text("No run yet: type /orchestrate in Claude Code", style="dim")
    parts: list[RenderableType] = [_head(found), _bar(found), _counts(found)]
    parts += [_line(GONE, "bold yellow")] if found.gone else []
    parts += [_line(proofs.counted(found), "dim")] if proofs.counted(found) else []
    parts += [line for agent in found.at_work[:AGENTS] for line in _agent(agent, gone=found.gone)]
    parts += [_line(f"gate: {proofs.gate(each)}", "cyan") for each in found.gates[:AGENTS]]
    more = len(found.at_work) - AGENTS
    parts += [Text(f"and {more} more", style="dim")] if more > 0 else []
    parts += [
        _line(f"blocked {id_} by {cause.culprit} ({cause.why})", "yellow")
        for id_, cause in list(found.blocked.items())[:BLOCKED]
    ]
    parts += [_line(_costs(found, dollars), "dim")] if _costs(found, dollars) else []
    events = [event for event in found.events if event.get("event") not in ("issue", "committed")][-EVENTS:]
    parts += [_line(event_lines.line(event), "red" if event["event"] in _ENDED else "dim") for event in events]
    return Group(*parts)


def _head(found: Progress) -> Text:
    current = found.state
    loop = f" · loop {current.loop.number} of {current.loop.total}" if current.loop.total else ""
    phase = f" · {current.phase}" if current.phase else ""
    style = "bold yellow" if current.status in (state.PAUSED, state.STOPPING) else "bold"
    return _line(f"{current.status}{phase}{loop}", style)


def _bar(found: Progress) -> Text:
    return Text(found.bar.partition("  ")[0], style="green", no_wrap=True, overflow="crop")


def _counts(found: Progress) -> Text:
    counts = found.counts
    # What is blocked is pending, too.
    counts["pending"] -= counts["blocked"]
    line = Text()
    shown = [
        (f"{counts[name]} {name.replace('in_progress', 'begun' if found.gone else 'running')}", style)
        for name, style in _STYLES.items()
        if counts[name]
    ]
    for at, (text, style) in enumerate(shown):
        line.append(f"{', ' if at else ''}{text}", style=style)
    return line


def _agent(agent: AtWork, *, gone: bool) -> list[Text]:
    usual = f" of about {estimate.rounded(agent.usual)}" if agent.usual else ""
    late = agent.usual is not None and agent.seconds > 2 * agent.usual
    waits = "" if agent.started or gone else ", starting"
    head = Text("⏹ " if gone else "▶ ", style="cyan", no_wrap=True, overflow="ellipsis")
    head.append(agent.id, style="bold cyan").append(f" {cut(agent.objective, 200)}")
    took = "" if gone else f", {estimate.exact(agent.seconds)}{usual}{waits}"
    return [head, _line(f"  {agent.model}, attempt {agent.attempt}{took}", "yellow" if late and not gone else "")]


def _costs(found: Progress, dollars: float | None) -> str:
    so_far = [f"{estimate.exact(found.seconds)}"] if found.seconds is not None else []
    so_far += [f"${dollars:,.2f}"] if dollars is not None else []
    left = f"; {found.left} left" if found.left else ""
    return f"{', '.join(so_far)} so far{left}" if so_far else left.lstrip("; ")


def _line(text: str, style: str) -> Text:
    # What the files hold may be anyone's; markup in it means nothing to Text.
    margin = text[: len(text) - len(text.lstrip())]
    return Text(f"{margin}{one_line(text)}", style=style, no_wrap=True, overflow="ellipsis")
