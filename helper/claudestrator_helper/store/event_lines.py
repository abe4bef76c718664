"""Events of the run's log as lines for people."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping

from ..texts.fields import cut, one_line


def events(lines: Iterable[str | bytes]) -> Iterator[dict[str, object]]:
    """The events of the log in these lines, without invalid ones, such as a line that a kill cut short."""
    for each in lines:
        try:
            entry = json.loads(each)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and "event" in entry:
            yield entry


def line(event: Mapping[str, object]) -> str:
    """One event, with its local time: `09:14:03 spawned TASK-001 (haiku, attempt 1)`. The log may be anyone's file."""
    model, attempt = event.get("model"), event.get("attempt")
    facts = [cut(str(event["verdict"]), 9)] if event.get("verdict") else []
    facts += [cut(str(model), 20)] if model else []
    facts += [f"attempt {cut(str(attempt), 9)}"] if attempt else []
    facts += [one_line(str(event["commit"]))[:7]] if event.get("commit") else []
    facts += ["by gate"] if event.get("proof") == "gate" else []
    facts = [f"({', '.join(facts)})"] if facts else []
    id_ = [cut(str(event["id"]), 64)] if event.get("id") else []
    why = f": {cut(str(event['reason']))}" if event.get("reason") else ""
    return " ".join([clock(event.get("time")), cut(str(event.get("event")), 20), *id_, *facts]) + why


def clock(at: object) -> str:
    """The local time of day of an event's *at*, with its date unless it is today's; dashes if it is no time."""
    found = seconds(at)
    if not found:
        return "--:--:--"
    local = time.localtime(found)
    today = local[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if today else "%m-%d %H:%M:%S", local)


def seconds(at: object) -> int:
    """A time of the log in seconds since the epoch; 0 if it is none."""
    # time.strptime imports locale, calendar and datetime, which take longer than everything else in `status`.
    text = str(at)
    parts = [text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19]]
    if "{}-{}-{}T{}:{}:{}Z".format(*parts) != text or not all(part.isdecimal() for part in parts):
        return 0
    year, month, day, hour, minute, second = map(int, parts)
    # Of a year that begins in March, the leap day is the last.
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719_469
    return max(0, 86_400 * days + 3600 * hour + 60 * minute + second)
