"""The timeline: a row for each task and agent, with a bar for each attempt and a line for the time before it.

The positions are times, so no layout library has anything to decide here.
"""

from ..accounts import estimate
from ..texts import fields
from . import words
from .html import Html, tag
from .model import DONE, RUNNING, Attempt, Report, Work

#: Pixels: the whole width, the column of names, the room for the last bar's label, and the axis.
_WIDTH, _NAMES, _LABEL, _AXIS = 1150, 130, 190, 26
#: Rows above this number are drawn lower.
_ROOMY = 60
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400)


class _Scale:
    """From seconds since the epoch to pixels."""

    def __init__(self, began: int, until: int, rows: int) -> None:
        self.began, self.until = began, max(until, began + 1)
        self.row = 20 if rows <= _ROOMY else 14
        self.height = _AXIS + rows * self.row + 6
        self.wide = _WIDTH - _NAMES - _LABEL

    def x(self, at: int) -> float:
        inside = min(max(at, self.began), self.until) - self.began
        return _NAMES + self.wide * inside / (self.until - self.began)

    def ticks(self) -> list[int]:
        span = self.until - self.began
        step = next((step for step in _STEPS if span / step <= 10), 86400 * -(-span // 864000))
        return list(range(0, span + 1, step))


def picture(report: Report) -> Html | None:
    """The picture; None if no agent was at work."""
    rows = [work for work in report.works if work.attempts]
    if not rows:
        return None
    rows.sort(key=lambda work: work.attempts[0].began)
    scale = _Scale(report.run.began, report.until, len(rows))
    return tag(
        "svg",
        _hatches(),
        tag("g", [_tick(scale, at) for at in scale.ticks()], class_="axis", aria_hidden="true"),
        [_row(work, number, scale, report) for number, work in enumerate(rows)],
        class_="timeline" if scale.row == 20 else "timeline low",
        viewBox=f"0 0 {_WIDTH} {scale.height}",
        width=_WIDTH,
        height=scale.height,
        role="group",
        aria_label="Timeline: each agent, with its attempts and waits",
    )


def _hatches() -> Html:
    """The pattern of attempts that came to nothing, for eyes that see no red."""
    line = tag("path", d="M0 6L6 0", class_="hatch")
    return tag("defs", tag("pattern", line, id="hatch", width=6, height=6, patternUnits="userSpaceOnUse"))


def _tick(scale: _Scale, at: int) -> list[Html]:
    x = scale.x(scale.began + at)
    told = "start" if not at else f"+{_short(at)}"
    return [
        tag("line", x1=x, x2=x, y1=_AXIS - 6, y2=scale.height),
        tag("text", told, x=x, y=12, text_anchor="start" if not at else "middle"),
    ]


def _short(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else "")
    return " ".join(part for part in parts if part)


def _row(work: Work, number: int, scale: _Scale, report: Report) -> Html:
    top = _AXIS + number * scale.row
    base = top + scale.row - 6
    bars = [_bar(each, top, scale, report) for each in work.attempts]
    last = work.attempts[-1]
    label = f"{last.model} {estimate.exact(work.seconds(report.until))}"
    label += f", {len(work.attempts)} attempts" if len(work.attempts) > 1 else ""
    name = tag("text", fields.cut(work.id, 18), x=_NAMES - 10, y=base, text_anchor="end", class_="name")
    return tag(
        "g",
        tag("a", tag("title", _told(work, report)), name, href=f"#{work.id}"),
        _waits(work, top + scale.row / 2, scale),
        bars,
        tag("text", label, x=scale.x(last.until(report.until)) + 5, y=base, class_="label", aria_hidden="true"),
    )


def _told(work: Work, report: Report) -> str:
    parts = [work.id]
    for each in work.attempts:
        why = f" ({fields.cut(each.reason, 120)})" if each.reason else ""
        took = estimate.exact(each.seconds(report.until))
        parts.append(
            f"attempt {each.attempt} with {each.model}, from {words.clock(each.began)}, {took}: {_word(each)}{why}"
        )
    return "; ".join(parts)


def _word(attempt: Attempt) -> str:
    return "done, then returned by its verification" if attempt.verdict == "fail" else attempt.outcome


def _waits(work: Work, y: float, scale: _Scale) -> list[Html]:
    """Lines from the moment at which a task could have begun, and between its attempts."""
    began = [each.began for each in work.attempts]
    ends = [work.ready, *(each.ended for each in work.attempts[:-1])]
    spans = [(end, start) for end, start in zip(ends, began, strict=True) if end is not None and start > end]
    return [tag("line", x1=scale.x(end), x2=scale.x(start), y1=y, y2=y, class_="wait") for end, start in spans]


def _bar(each: Attempt, top: float, scale: _Scale, report: Report) -> list[Html]:
    left = scale.x(each.began)
    width = max(2.0, scale.x(each.until(report.until)) - left - 1)
    shape = {"x": left, "y": top + 3, "width": width, "height": scale.row - 6, "rx": 2}
    kind = "returned" if each.verdict == "fail" else each.outcome
    drawn = [tag("rect", class_=f"bar {kind}", **shape)]
    if kind not in (DONE, RUNNING):
        drawn.append(tag("rect", fill="url(#hatch)", **shape))
    return drawn
