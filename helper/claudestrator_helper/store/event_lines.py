"""Events of the run's log as lines for people."""

import calendar
import time
from collections.abc import Mapping

from ..texts.fields import cut
from .run_log import TIME


def line(event: Mapping[str, object]) -> str:
    """One event, with its local time: `09:14:03 spawned TASK-001 (haiku, attempt 1)`. The log may be anyone's file."""
    model, attempt = event.get("model"), event.get("attempt")
    facts = [cut(str(model), 20)] if model else []
    facts += [f"attempt {cut(str(attempt), 9)}"] if attempt else []
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
    try:
        return calendar.timegm(time.strptime(str(at), TIME))
    except ValueError:
        return 0
