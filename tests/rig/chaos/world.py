"""One chaos run: it has a session going until the run has ended, lets things go wrong, and cleans up behind it all."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from queues import queue
from rig.chaos import gates, history
from rig.chaos.agent import sections
from rig.chaos.calls import fork
from rig.chaos.evidence import DONE, SET_BACK
from rig.chaos.faults import Faults
from rig.chaos.hosts import HOSTS
from rig.chaos.person import Person, content, statuses
from rig.chaos.scene import Event, Journal, Scene, Weather, real
from rig.chaos.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = "[run]\nstart_timeout = 60\ntask_timeout = 3\n"
#: How the tasks of a run are run, by the project's config and by what is typed; and how often.
ENGINES = {"": 6, 'engine = "mod"\n': 2, 'engine = "lean"\n': 1, 'engine = "task"\n': 1}
PARALLEL = {"": 4, "parallel = 2\n": 2, "parallel = 4\n": 3}
TYPED = {"": 16, "--parallel 3": 2, "--parallel 1": 2, "--engine lean": 1, "--engine task": 1, "--engine auto": 1}
#: How often which Claude Code is at work.
OFTEN = {"mods": 5, "skills": 3, "plain": 2}
PRD = "# Product\n\nA thing in parts. Each part is a file in src, and all parts are there in the end.\n"
_STATUS = re.compile(r'^status: "?(\w+)', re.MULTILINE)
_DEPENDENCIES = re.compile(r"^### (\S+)$.*?^\*\*Dependencies:\*\* (.*?)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Terms:
    """*pace*: faults a second, on average, of those *faults*, or of all. Chaos lasts *seconds*, and after so many more a
    run has to have ended. *hosts*: how often which Claude Code is at work. With *commits* each task is committed."""

    tasks: int = 10
    pace: float = 0.7
    seconds: float = 40
    patience: float = 90
    speed: float = 20
    faults: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("mods", "skills", "plain")
    commits: bool = False


class World:
    def __init__(self, folder: str, seed: str, terms: Terms) -> None:
        self.terms, self.chance = terms, random.Random(seed)
        os.makedirs(os.path.join(folder, "transcripts"))
        self.journal = os.path.join(folder, "journal.jsonl")
        journal = Journal(self.journal)
        self.scene = Scene(folder, os.path.join(folder, "project"), seed, journal, Weather(), terms.speed)
        self.gate = drawn(self.chance, gates.KINDS)
        self.tasks = sections(terms.tasks, self.chance, self.gated)
        self.configured = "".join(drawn(self.chance, kinds) for kinds in (ENGINES, PARALLEL))
        self.repository = self.chance.random() < 0.6 or terms.commits
        self.committing = self.repository and (self.chance.random() < 0.6 or terms.commits)
        self.host = drawn(self.chance, {name: OFTEN[name] for name in terms.hosts})
        self.person, self.faults = Person(self.scene), Faults(self)
        #: Processes by their number: sessions by name, calls and agents by what the journal says of them.
        self.sessions: dict[int, str] = {}
        self.helpers: dict[int, Event] = {}
        self.agents: dict[int, Event] = {}
        self.others: list[int] = []
        self.born: set[str] = set()
        self.reports: list[list[str]] = []
        self.opened = self.strikes = 0
        #: Whether a report was accepted after the run had ended: the next `start` takes it in.
        self.late = False
        self.ids: list[str] = []
        self.next_session = self.next_fault = self.next_act = self.settled = 0.0

    def prepare(self) -> None:
        os.makedirs(os.path.dirname(self.scene.config))
        os.makedirs(os.path.dirname(self.scene.queue))
        with open(self.scene.config, "w", encoding="utf-8") as file:
            by_task = history.BY_TASK if self.committing else ""
            file.write(CONFIG + self.configured + by_task + gates.config(self.journal, self.gate))
        with open(os.path.join(self.scene.root, "PRD.md"), "w", encoding="utf-8") as file:
            file.write(PRD)
        given = queue(*self.tasks) if self.chance.random() < 0.7 else ""
        if given:
            with open(self.scene.queue, "w", encoding="utf-8") as file:
                file.write(given)
        if self.repository:
            self.person.repository = True
            self.scene.journal.note("repository", look=history.prepare(self.scene.root))
        elif self.chance.random() < 0.3:
            subprocess.run(["git", "init", "--quiet"], cwd=self.scene.root, check=True)
        if self.gate:
            self.person.gate = self.gate
            os.waitpid(gates.allow(self.scene), 0)
        facts = {
            "seed": self.scene.seed,
            "gate": self.gate,
            "commit": self.committing,
            "tasks": self.terms.tasks,
            "queue": given,
            "parallel": at_once(self.configured),
        }
        self.scene.journal.note("begins", **facts)

    def gated(self, id_: str) -> str:
        return gates.field(self.journal, id_, self.chance) if self.gate else ""

    def run(self) -> None:
        """Returns when the run has ended, or has had time enough for it."""
        os.setsid()
        self.prepare()
        begun = real()
        calm = begun + self.terms.seconds
        # What is taken back at the end is done once more.
        limit = calm + self.terms.patience * (1 + self.person.regrets)
        try:
            while not self.over() and real() < limit:
                self.absorb()
                self.faults.tick()
                self.person.tick()
                if real() < calm:
                    self.disturb()
                self.keep_a_session()
                time.sleep(0.01)
            self.scene.journal.note("ends", over=self.over(), seconds=round(real() - begun, 2))
        finally:
            self.clean_up()

    def disturb(self) -> None:
        if real() >= self.next_fault:
            if self.next_fault:
                self.strikes += 1
                self.faults.strike()
            self.next_fault = real() + self.chance.uniform(0.15, 1.85) / self.terms.pace
        if real() >= self.next_act:
            if self.next_act and not self.person.calls:
                self.person.act()
            self.next_act = real() + self.chance.uniform(0.5, 3)

    # Sessions

    def keep_a_session(self) -> None:
        for pid in list(self.sessions):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self.scene.journal.note("session is gone", who=self.sessions.pop(pid))
                self.next_session = real() + self.chance.uniform(0.1, 0.8)
        if not self.sessions and real() >= self.next_session:
            if self.opened and self.chance.random() < 0.1:
                self.move()
            self.open_session("")
            if self.chance.random() < 0.1 and real() < self.next_fault:
                self.open_session("")

    def open_session(self, words: str) -> None:
        self.opened += 1
        resumed = bool(self.ids) and not self.sessions and self.chance.random() < 0.4
        id_ = self.ids[-1] if resumed else str(uuid.UUID(int=self.chance.getrandbits(128)))
        name = f"session-{self.opened}"
        words = f"{words} {drawn(self.chance, TYPED)}".strip()
        if self.chance.random() < 0.2:
            # Of another release, or with mods switched off or on.
            self.host = self.chance.choice(self.terms.hosts)
        self.scene.journal.note("session opens", parallel=at_once(words))
        session = Session(self.scene, name, id_, words, self.tasks, HOSTS[self.host], resumed=resumed)
        pid = fork(session.live)
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        self.ids.append(id_)
        self.sessions[pid] = name

    def move(self) -> None:
        """The person moves the project to another folder, between two sessions."""
        moved = os.path.join(self.scene.folder, f"project-{self.opened}")
        os.rename(self.scene.root, moved)
        self.scene.journal.note("fault", who="chaos", of="moved folder", old=self.scene.root, new=moved)
        self.scene = replace(self.scene, root=moved)
        self.person.scene = self.faults.scene = self.scene
        if self.gate and self.chance.random() < 0.7:
            # What was allowed was so in the other place.
            self.others.append(gates.allow(self.scene))

    def over(self) -> bool:
        """Whether the run has ended, and nothing that was done since asks for another."""
        if self.sessions or self.person.busy or not self.opened:
            return False
        self.absorb()
        found = None if self.late else _STATUS.search(content(self.scene.state))
        ended = found is not None and found[1] == "finished" and self.settled > 0 and not self.work_left()
        return ended and not self.person.regrets_one()

    def work_left(self) -> bool:
        text = content(self.scene.queue)
        known, needed = statuses(text), dict(_DEPENDENCIES.findall(text))
        ready = (
            status == "pending"
            and all(known.get(other) in DONE for other in re.findall(r"TASK-\d+", needed.get(id_, "")))
            for id_, status in known.items()
        )
        return not known or "in_progress" in known.values() or any(ready)

    # Processes

    def absorb(self) -> None:
        for event in self.scene.journal.news():
            if event["event"] == "call":
                self.helpers[event["pid"]] = event
                self.faults.begun(event)
                self.late = self.late and event["words"][0] != "start"
                if event["words"][0] in ("start", "add-tasks", "stop", *SET_BACK):
                    self.settled = 0.0
            elif event["event"] == "end":
                self.helpers.pop(event["pid"], None)
                self.ended(event)
            elif event["event"] in ("works", "asked"):
                self.agents[event["pid"]] = event
            elif event["event"] == "session":
                self.born.add(event["who"])
            elif event["event"] == "saved":
                self.settled = 0.0
            elif event["event"] == "says" and re.search(r"tasks? (are|is)? ?completed", event["sentence"]):
                self.settled = event["t"]

    def ended(self, call: Event) -> None:
        verb = call["words"][0]
        if call["code"] or verb not in ("done", "fail", "ended"):
            return
        if verb == "done":
            found = _STATUS.search(content(self.scene.state))
            self.late = self.late or (found is not None and found[1] == "finished")
        if call["who"] != "echo":
            self.faults.reported()
            if verb != "ended":
                self.reports.append(call["words"])

    def is_ours(self, event: Event) -> bool:
        """Whether that process is still the one that the journal speaks of, or at least one of this run."""
        try:
            return os.getsid(event["pid"]) == os.getpid()
        except ProcessLookupError:
            return False

    def forget(self, group: int) -> None:
        self.absorb()
        for known in (self.helpers, self.agents):
            for pid in [pid for pid, event in known.items() if event["group"] == group]:
                del known[pid]

    def clean_up(self) -> None:
        for pid in self.others + self.person.others:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        for _ in range(100):
            found = {*_of_session(os.getpid()), *_at_work_in(self.scene.folder)} - {os.getpid()}
            if not found:
                break
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.02)


def drawn(chance: random.Random, kinds: dict[str, int]) -> str:
    """One of *kinds*, each with its weight."""
    return chance.choices(list(kinds), list(kinds.values()))[0]


def at_once(words: str) -> int:
    """How many tasks may run at the same time, as a setting or what is typed has it."""
    found = re.search(r"parallel\D+(\d+)", words)
    return int(found[1]) if found else 1


def _of_session(sid: int) -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, IndexError):
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
                if int(fields[3]) == sid and fields[0] != "Z":
                    yield int(name)


def _at_work_in(folder: str) -> Iterator[int]:
    """Processes that have left the session, as gates and git do."""
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and os.readlink(f"/proc/{name}/cwd").startswith(f"{folder}/"):
                yield int(name)
