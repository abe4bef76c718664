"""What a chaos run counted, and the table that many of them make."""

from __future__ import annotations

import os
import re
import statistics
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from rig.chaos import history
from rig.chaos.evidence import Evidence, set_back
from rig.chaos.judge import accepted
from rig.chaos.person import statuses

if TYPE_CHECKING:
    from collections.abc import Iterable


class Figures(NamedTuple):
    """Counts by name, and seconds by what they are the seconds of."""

    counts: Counter[str]
    seconds: dict[str, list[float]]


def of(found: Evidence, folder: str) -> Figures:
    counts: Counter[str] = Counter()
    now = statuses(found.queue)
    counts["tasks"] = len(now)
    counts.update(f"tasks {status if status != 'pending' else 'blocked'}" for status in now.values())
    counts["sessions"] = len(found.of("session"))
    counts["agents"] = len(found.of("agent"))
    counts["helper calls"] = len(found.of("call"))
    counts["runs of the queue"] = len({event["run"] for event in found.log})
    counts["attempts"] = len({(each["id"], each["attempt"]) for each in found.log if each["event"] == "spawned"})
    counts["retries"] = sum(each["event"] == "spawned" and each["attempt"] > 1 for each in found.log)
    counts["attempts that the API ended"] = sum(each["event"] == "lost" for each in found.log)
    counts["directives printed again"] = sum(each["event"] == "spawned again" for each in found.log)
    counts.update(f"agents by {each['way']}" for each in found.of("launch"))
    counts.update(f"session: {each['host']}" for each in found.of("session"))
    counts["refused beside others"] = sum(each["event"] == "refused" for each in found.log)
    counts["takeovers"] = sum(accepted(each) for each in found.calls("start")) - counts["runs of the queue"]
    counts["starts refused to a second session"] = sum(
        "another session" in each["sentence"] for each in found.of("says")
    )
    counts.update(f"kill: {each['of']}" + (f" {each['verb']}" if "verb" in each else "") for each in found.of("kill"))
    counts.update(f"fault: {each['of']}" for each in found.of("fault"))
    counts.update(
        f"seen: {each['event']}"
        for each in found.of(
            "interrupted", "sent back", "nudged", "agent held", "agent vanishes", "ends its turn by mistake"
        )
    )
    if found.history:
        whys = (re.sub(r"/\S+|'.*?'", "…", why) for id_ in now for why in history.without(found, id_)[:1])
        counts.update(f"no commit: {why[:60]}" for why in whys)
        counts["commits of tasks"] = len(found.history.commits)
    counts["agents in worktrees"] = len(history.in_trees(found))
    counts["conflicts given back to an agent"] = sum("conflict" in each["err"] for each in found.calls("done"))
    counts["gates run"] = len(found.of("gate"))
    counts["gates red"] = sum(bool(each["code"]) for each in found.of("gate"))
    counts["runs with gates"] = sum(bool(each["gate"]) for each in found.of("begins"))
    counts["runs with commits"] = sum(each["commit"] for each in found.of("begins"))
    counts.update(
        f"person: {each['words'][0]} {'done' if not each['code'] else 'refused' if each['code'] == 1 else 'killed'}"
        for each in found.calls("skip", "retry", "undo", "clean")
    )
    counts["person: commit done"] = len(found.of("committed"))
    counts["queue saved by hand"] = len(found.of("saved"))
    counts["tasks given back by hand"] = sum(set_back(found, id_) for id_ in now)
    effects = Counter(effect.id for effect in found.ledger)
    counts["effects"] = sum(effects.values())
    counts["repeated effects"] = sum(max(0, count - 1 - set_back(found, id_)) for id_, count in effects.items())
    worked = Counter((each["id"], each["attempt"]) for each in found.of("works"))
    counts["attempts that two agents worked on"] = sum(count > 1 for count in worked.values())
    counts["late reports that counted"] = sum(each.get("reason") == "late" for each in found.log)
    counts["temporary files left"] = sum(name.endswith(".tmp") for _, _, names in os.walk(folder) for name in names)
    return Figures(counts, {"a run": [each["seconds"] for each in found.of("ends")], **_recoveries(found)})


def _recoveries(found: Evidence) -> dict[str, list[float]]:
    """Seconds from a kill to the next step that the run took, by what was killed."""
    seconds: dict[str, list[float]] = defaultdict(list)
    steps = [each for each in found.of("obeys") if each["lines"] and "another session" not in each["lines"][-1]]
    for kill in found.of("kill"):
        if kill["of"] == "helper" and kill["verb"] not in ("start", "wait"):
            continue
        after = next((each["t"] for each in steps if each["t"] > kill["t"]), None)
        if after is not None:
            name = "session" if kill["of"] == "terminal" else kill["of"]
            seconds[f"from a killed {name} to the next step"].append(after - kill["t"])
    return seconds


def table(every: Iterable[Figures], wall: float) -> list[str]:
    counts: Counter[str] = Counter()
    seconds: dict[str, list[float]] = defaultdict(list)
    runs = 0
    for each in every:
        runs += 1
        counts.update(each.counts)
        for name, measured in each.seconds.items():
            seconds[name] += measured
    lines = [f"{'runs':<44}{runs:>9,}", f"{'wall time, s':<44}{wall:>9,.0f}"]
    lines += [f"{name:<44}{count:>9,}" for name, count in counts.items() if ":" not in name]
    lines += [f"{name:<44}{count:>9,}" for name, count in sorted(counts.items()) if ":" in name]
    for name, measured in seconds.items():
        ordered = sorted(measured)
        middle, late = statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        lines.append(f"{name}, s: {f'median {middle:.1f}, 95th {late:.1f}, longest {ordered[-1]:.1f}':>20}")
    return lines
