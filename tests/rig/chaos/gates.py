"""Gates in a chaos run: which there are, the person's consent, and the verdict on what was completed under them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rig.chaos.calls import fork

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from rig.chaos.evidence import Evidence
    from rig.chaos.scene import Event, Scene

SCRIPT = Path(__file__).with_name("gate.sh")
#: Of the gate for all tasks, by how it behaves; "" for none. Minutes of the helper's clock end one that hangs.
KINDS = {"": 6, "plain": 5, "flaky": 2, "slow": 2, "hangs": 1}
_ANEW = re.compile(
    r"^(?:STOP (?:All \d+ tasks|The one task|The run has ended)|red (?:before the run|when the))", re.MULTILINE
)
LIMITS = "refusals = 2\ntimeout = 1\n"


def command(journal: str, kind: str, id_: str) -> str:
    return shlex.join(["sh", str(SCRIPT), journal, kind, id_])


def field(journal: str, id_: str, chance: random.Random) -> str:
    """A task's own gate, for some."""
    return f"**Gate:** `{command(journal, 'plain', id_)}`\n\n" if chance.random() < 0.25 else ""


def config(journal: str, kind: str) -> str:
    return f'[gate]\n{LIMITS}commands = ["{command(journal, kind, "all")}"]\n' if kind else f"[gate]\n{LIMITS}"


def allow(scene: Scene) -> int:
    """The person allows what is asked for now, as `allow` does at a terminal; the process that writes it."""

    def write() -> None:
        from claudestrator_helper.run import gates
        from claudestrator_helper.store import config_file, paths, queue_file
        from claudestrator_helper.system import consent

        project = paths.project(scene.root)
        asked = gates.asked(config_file.read(project), queue_file.parsed(project))
        consent.write(project, asked)
        kind = shlex.split(asked.commands[0])[3] if asked.commands else ""
        scene.journal.note("allowed", who="person", kind=kind, tasks=sorted(asked.tasks))

    return fork(write)


class Reign(NamedTuple):
    """From *since* until *until* a person's consent was to these: a gate of that *kind* for all tasks, "" for none, and
    those of some *tasks*."""

    since: float
    until: float
    kind: str
    tasks: list[str]


def reigns(found: Evidence) -> list[Reign]:
    """The times in which nothing touched the gates or the consent."""
    moved = [each for each in found.of("fault") if each["of"] == "moved folder"]
    breaks = found.of("allowed", "gate changed") + moved
    ordered = sorted(breaks, key=lambda each: float(each["t"]))
    ends = [*(each["t"] for each in ordered[1:]), float("inf")][: len(ordered)]
    return [
        Reign(each["t"], end, each["kind"], each["tasks"])
        for each, end in zip(ordered, ends, strict=True)
        if each["event"] == "allowed"
    ]


def proved(found: Evidence) -> Iterable[str]:
    """No `done` is accepted before what a person has allowed was green since the agent began."""
    begun: dict[tuple[str, int], float] = {}
    for each in found.of("works"):
        begun.setdefault((each["id"], each["attempt"]), each["t"])
    greens = [each for each in found.of("gate") if not each["code"]]
    for at, id_, attempt in completed(found):
        since = begun.get((id_, attempt), at)
        reign = next((each for each in reigns(found) if each.since <= since and at <= each.until), None)
        if reign is None:
            continue
        # What was red before the run, or was allowed during it, binds nobody until it was green once in this run.
        anew = max((each for each in _begun_anew(found) if each <= since), default=0.0)
        common = [each for each in greens if (each["id"], each["kind"]) == ("all", reign.kind) and each["t"] >= anew]
        own = [each for each in greens if each["id"] == id_]
        wanted = [("all", common)] if any(each["t"] < since for each in common) else []
        for what, seen in [*wanted, *([(id_, own)] if id_ in reign.tasks else [])]:
            if not any(since - 0.02 <= each["t"] <= at for each in seen):
                yield f"attempt {attempt} of {id_} was done, and its gate {what} was not green since it began"


def _begun_anew(found: Evidence) -> list[float]:
    """When a run was said to be over, or a gate to be red before one: what was green until then binds nobody."""
    return [each["t"] for each in found.calls("start", "wait", "hook") if _ANEW.search(each["out"])]


def completed(found: Evidence) -> list[tuple[float, str, int]]:
    """When which attempt was accepted as done: by a call, or at the latest when the run took it in."""
    accepted = [
        (float(each["t"]), each["words"][1], int(each["words"][3]))
        for each in found.calls("done")
        if each["who"] != "echo"
        and not each["code"]
        and each["out"].startswith("done")
        and "--attempt" in each["words"]
    ]
    known = {(id_, attempt) for _, id_, attempt in accepted}
    logged = [(each["id"], each["attempt"]) for each in found.log if each["event"] == "done" and "attempt" in each]
    printed = {id_: each["t"] for each in found.calls("wait", "start", "hook") for id_ in _done_in(each)}
    later = [(float(printed.get(id_, "inf")), id_, attempt) for id_, attempt in logged if (id_, attempt) not in known]
    return [each for each in [*accepted, *later] if each[1].startswith("TASK-")]


def _done_in(call: Event) -> list[str]:
    return re.findall(r"^done (TASK-\d+) ", call["out"], re.MULTILINE)
