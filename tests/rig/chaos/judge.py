"""The verdict on one chaos run, from its journal, the run's log, the agents' ledger and the files that are left.

It reads the files in its own way, and knows of the helper only what it promises.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from rig.chaos import contents, gates, history
from rig.chaos.evidence import COMPLETED, DONE, Evidence, set_back
from rig.chaos.overlaps import side_by_side
from rig.chaos.person import statuses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.chaos.scene import Event

ATTEMPTS = 2
FAILED, PENDING, SKIPPED = "failed", "pending", "skipped"
_DEPENDENCIES = re.compile(r"^### (\S+)$.*?^\*\*Dependencies:\*\* (.*?)$", re.MULTILINE | re.DOTALL)
_ALL = re.compile(r"All (\d+) (?:other )?tasks are completed|The (?:one|other) task is completed")
_COUNTED = re.compile(r"(\d+) of (\d+) tasks completed")
_HONEST = re.compile(
    r"(no tool|a test is red|unclear|gave up|no access) session-|ended without reporting$|no report within \d+ minutes$"
    r"|ended by an error of the API: \w+$|its gate `.*` is red |its gate was ended again and again"
    r"|there are conflict markers in |what others have finished meanwhile conflicts with it |its work can't be committed "
)


def findings(found: Evidence) -> list[str]:
    """What is wrong, one line each; nothing for a run that kept every promise."""
    checks = (
        ended,
        tracebacks,
        contents.kept,
        contents.decomposed,
        told,
        outcomes,
        once,
        reports,
        bounded,
        owned,
        held,
        filed,
    )
    others = (side_by_side, gates.proved, history.committed, history.merged, history.undone, history.kept_whole)
    return [f"{check.__name__}: {line}" for check in (*checks, *others) for line in check(found)]


def ended(found: Evidence) -> Iterable[str]:
    for event in found.of("ends"):
        if not event["over"]:
            yield f"the run did not end within {event['seconds']} s"


def tracebacks(found: Evidence) -> Iterable[str]:
    for event in found.of("end"):
        if event["code"] not in (0, 1) and event["code"] > -1:
            yield f"{event['words']} exited with {event['code']}: {event['err'][-300:]}"


def told(found: Evidence) -> Iterable[str]:
    """What the run said last is what the file says; a start that the full disk refused has said nothing of it."""
    unsaid = re.compile("another session|No space left on device")
    said = [event["sentence"] for event in found.of("says") if not unsaid.search(event["sentence"])]
    if not said:
        return
    now = statuses(found.queue)
    done = sum(status == COMPLETED for status in now.values())
    total = sum(not status.startswith(SKIPPED) for status in now.values())
    claim, counted = _ALL.search(said[-1]), _COUNTED.search(said[-1])
    if claim and (done < total or int(claim[1] or 1) != total):
        yield f"it said {said[-1]!r}, and {done} of {total} are"
    if counted and (int(counted[1]), int(counted[2])) != (done, total):
        yield f"it said {said[-1][:80]!r}, and {done} of {total} are"
    if not claim and not counted:
        yield f"it said last: {said[-1]!r}"


def outcomes(found: Evidence) -> Iterable[str]:
    """Every task is completed with its work done, failed for a reason that somebody gave, or blocked by such."""
    now, needed = statuses(found.queue), dict(_DEPENDENCIES.findall(found.queue))
    worked = {effect.id for effect in found.ledger}
    by_hand = {id_ for save in found.of("saved") for id_, (_, new) in save["changed"].items() if new == COMPLETED}
    for id_, status in now.items():
        held_by = [other for other in re.findall(r"TASK-\d+", needed.get(id_, "")) if now.get(other) not in DONE]
        if status == COMPLETED and id_ not in worked | by_hand:
            yield f"{id_} is completed, and nobody did it"
        elif status == FAILED and not _reasons(found, id_):
            yield f"{id_} has failed for no reason on record"
        elif status == PENDING and not held_by:
            yield f"{id_} is pending, and could run"
        elif status.startswith(SKIPPED) and any(each["words"][1] == id_ for each in found.calls("skip")):
            continue
        elif status not in (COMPLETED, FAILED, PENDING):
            yield f"{id_} is {status} in the end"
    for event in found.log:
        if event["event"] == FAILED and event["id"] != "decomposition" and not _HONEST.match(event["reason"]):
            yield f"{event['id']} failed, attempt {event['attempt']}, because {event['reason']!r}, which no agent said"


def _reasons(found: Evidence, id_: str) -> list[str]:
    logged = [event["reason"] for event in found.log if event["event"] == FAILED and event["id"] == id_]
    # A kill can take an event from the log, but the step printed it, or the one that repeated it.
    printed = [
        event for event in found.calls("wait", "start") if re.search(rf"^failed {id_}\b", event["out"], re.MULTILINE)
    ]
    by_hand = [save for save in found.of("saved") if save["changed"].get(id_, ("", ""))[1] == FAILED]
    reported = [event for event in found.calls("fail") if event["words"][1] == id_ and event["code"] == 0]
    return [*logged, *map(str, printed), *map(str, by_hand), *map(str, reported)]


def once(found: Evidence) -> Iterable[str]:
    """A task that was completed is not spawned again, and what one attempt does is done by one agent in one session."""
    again: Counter[str] = Counter()
    completed: set[str] = set()
    for event in found.log:
        if event["event"] == "done":
            completed.add(event["id"])
        elif event["event"] in ("spawned", "spawned again") and event["id"] in completed:
            completed.discard(event["id"])
            again[event["id"]] += 1
    for id_, count in again.items():
        if count > set_back(found, id_):
            yield f"{id_} was spawned after it was completed, {count} times"
    yield from _made_once(found)


def _made_once(found: Evidence) -> Iterable[str]:
    sessions, agents = defaultdict(set), defaultdict(set)
    for event in found.of("works"):
        sessions[event["id"], event["attempt"]].add(event["session"])
        agents[event["id"], event["attempt"]].add(event["who"])
    for (id_, attempt), names in agents.items():
        if len(names) > 1:
            yield f"attempt {attempt} of {id_} was made by {len(names)} agents"
    for (id_, attempt), ids in sessions.items():
        if len(ids) > 1:
            yield f"attempt {attempt} of {id_} ran in {len(ids)} sessions"


def reports(found: Evidence) -> Iterable[str]:
    """What was accepted counts: the task is completed, and no later attempt begins."""
    now = statuses(found.queue)
    for event in found.calls("done"):
        id_ = event["words"][1]
        is_done = not event["code"] and event["out"].startswith("done")
        if not is_done or "--attempt" not in event["words"] or id_ == "decomposition" or set_back(found, id_):
            continue
        attempt = int(event["words"][event["words"].index("--attempt") + 1])
        if now.get(id_) != COMPLETED:
            yield f"`done` of attempt {attempt} of {id_} was accepted, and it is {now.get(id_)}"
        later = [each for each in found.of("works") if each["id"] == id_ and each["attempt"] > attempt]
        if any(each["t"] > event["t"] for each in later):
            yield f"`done` of attempt {attempt} of {id_} was accepted ({event['who']}), and it was worked on again"


def bounded(found: Evidence) -> Iterable[str]:
    tried: dict[tuple[str, str], set[int]] = defaultdict(set)
    for event in found.log:
        if event["event"] == FAILED:
            tried[event["run"], event["id"]].add(event["attempt"])
    for (run, id_), attempts in tried.items():
        if len(attempts) > ATTEMPTS * (1 + set_back(found, id_)):
            yield f"{id_} failed {len(attempts)} times in run {run}"


class Life(NamedTuple):
    """A session's: from when it spoke to when it was killed or closed, and when the run was its."""

    name: str
    born: float
    died: float


def lives(found: Evidence) -> dict[str, Life]:
    born = {event["who"]: event["t"] for event in found.of("session")}
    died: dict[str, float] = {}
    ends = [event for event in found.of("kill") if event["of"] in ("session", "terminal")]
    for event in ends + found.of("session ends", "session is gone"):
        name = event["name"] if event["event"] == "kill" else event["who"]
        died[name] = min(event["t"], died.get(name, event["t"]))
    return {name: Life(name, at, died.get(name, float("inf"))) for name, at in born.items()}


def accepted(event: Event) -> bool:
    last = event["out"].strip().split("\n")[-1]
    if event["words"][0] == "start" and last == "WAIT" and not event.get("told"):
        # It knows no words yet, and only the wait begins the run.
        return False
    return event["code"] == 0 and not (last.startswith("STOP") and not _ALL.search(last) and not _COUNTED.search(last))


class Turn(NamedTuple):
    """From *since* on the run was *who*'s."""

    since: float
    who: str


def turns(found: Evidence) -> list[Turn]:
    """Who had the run in turn: by `/orchestrate`, or by a wait that went on with the run of a session that had died."""
    alive, made = lives(found), list[Turn]()
    for event in found.calls("start", "wait"):
        owner = alive.get(made[-1].who) if made else None
        goes_on = event["words"][0] == "start" or owner is None or owner.died < event["t"]
        if event["who"] in alive and accepted(event) and goes_on:
            made.append(Turn(event["t"], event["who"]))
    return made


def owned(found: Evidence) -> Iterable[str]:
    """Nobody gets the run of a session that is alive and at work, who lost it gets no directives, and nobody is
    refused the run of a session that is dead."""
    alive, made = lives(found), turns(found)
    asked = [event["t"] for event in found.of("fault") if event["of"] == "takeover asked for"]
    waits = [(event["who"], event["begun"], _at_work_until(event)) for event in found.calls("wait")] + foreground(found)
    for event in found.calls("start", "wait"):
        who, at, end = event["who"], event["begun"], event["t"]
        last = max((turn for turn in made if turn.since < end), default=None)
        other = alive.get(last.who) if last and last.who != who else None
        if last and other and other.died > end:
            working = any(name == other.name and start < at and stop > end for name, start, stop in waits)
            excused = any(at - 20 < t < end for t in asked)
            if (
                event["words"][0] == "wait"
                and re.search("SPAWN|WORK", event["out"])
                and at > last.since
                and not excused
            ):
                yield f"{who} was told {event['out']!r} while {other.name} had the run"
            elif event["words"][0] == "start" and accepted(event) and working and not excused:
                yield f"{who} was given the run while {other.name} was at work on it"
        others = [life for life in alive.values() if life.name != who and life.born < end and life.died > at]
        if "STOP another session" in event["out"] and alive[who].died > end and not others:
            yield f"{who} was refused the run, and no other session was alive"


def _at_work_until(wait: Event) -> float:
    """When a wait no longer had the run: it ends a run some time before it has told of all that came of it."""
    return float(wait["t"]) - (3 if wait["out"].strip().split("\n")[-1].startswith("STOP") else 0)


def foreground(found: Evidence) -> list[tuple[str, float, float]]:
    """When which session had an agent at work in its foreground."""
    ended = {event["agent"]: event["t"] for event in found.of("foreground ends")}
    return [(each["who"], each["t"], ended.get(each["agent"], float("inf"))) for each in found.of("foreground")]


def held(found: Evidence) -> Iterable[str]:
    """The Stop hook sends nobody back to a run that another session has."""
    alive, made = lives(found), turns(found)
    asked = [(event["who"], event["t"]) for event in found.of("call") if event["words"] == ["hook"]]
    for event in found.of("sent back"):
        at = max(t for who, t in asked if who == f"{event['who']} hook" and t < event["t"])
        last = max((turn for turn in made if turn.since < at), default=None)
        if last and last.who != event["who"] and alive[last.who].died > event["t"]:
            yield f"{event['who']} was sent back to the run of {last.who}: {event['reason']}"


def filed(found: Evidence) -> Iterable[str]:
    added = [event for event in found.calls("add-issue") if event["code"] == 0]
    for id_ in [id_ for event in added for id_ in re.findall(r"ISSUE-[\d-]+\d", event["out"])]:
        if found.issues.count(f"### {id_}\n") != 1:
            yield f"{id_} was added, and stands {found.issues.count(f'### {id_}')} times in the issue queue"
