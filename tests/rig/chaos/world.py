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
from rig.chaos.agent import sections
from rig.chaos.calls import fork
from rig.chaos.faults import Faults
from rig.chaos.person import Person, content, statuses
from rig.chaos.scene import Event, Journal, Scene, Weather, real
from rig.chaos.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = "[run]\nstart_timeout = 60\ntask_timeout = 3\n"
#: How the tasks of a run are run, by the project's config and by what is typed; and how often.
CONFIGURED = {"": 5, "parallel = 2\n": 1, "parallel = 4\n": 2, 'engine = "lean"\n': 3}
TYPED = {"": 8, "--parallel 3": 1, "--parallel 1": 1, "--engine lean": 1, "--engine task": 1}
PRD = "# Product\n\nA thing in parts. Each part is a file in src, and all parts are there in the end.\n"
_STATUS = re.compile(r'^status: "?(\w+)', re.MULTILINE)
_DEPENDENCIES = re.compile(r"^### (\S+)$.*?^\*\*Dependencies:\*\* (.*?)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Terms:
    """*pace*: faults a second, on average. Chaos lasts *seconds*, and after so many more a run has to have ended."""

    tasks: int = 10
    pace: float = 0.7
    seconds: float = 40
    patience: float = 90


class World:
    def __init__(self, folder: str, seed: str, terms: Terms) -> None:
        self.terms, self.chance = terms, random.Random(seed)
        os.makedirs(os.path.join(folder, "transcripts"))
        journal = Journal(os.path.join(folder, "journal.jsonl"))
        self.scene = Scene(folder, os.path.join(folder, "project"), seed, journal, Weather())
        self.tasks = sections(terms.tasks, self.chance)
        self.configured = self.chance.choices(list(CONFIGURED), list(CONFIGURED.values()))[0]
        self.person, self.faults = Person(self.scene), Faults(self)
        #: Processes by their number: sessions by name, calls and agents by what the journal says of them.
        self.sessions: dict[int, str] = {}
        self.helpers: dict[int, Event] = {}
        self.agents: dict[int, Event] = {}
        self.others: list[int] = []
        self.born: set[str] = set()
        self.reports: list[list[str]] = []
        self.opened = self.strikes = 0
        self.ids: list[str] = []
        self.next_session = self.next_fault = self.next_act = self.settled = 0.0

    def prepare(self) -> None:
        os.makedirs(os.path.join(self.scene.root, ".claudestrator"))
        os.makedirs(os.path.dirname(self.scene.queue))
        with open(os.path.join(self.scene.root, ".claudestrator", "config.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIG + self.configured)
        with open(os.path.join(self.scene.root, "PRD.md"), "w", encoding="utf-8") as file:
            file.write(PRD)
        given = queue(*self.tasks) if self.chance.random() < 0.7 else ""
        if given:
            with open(self.scene.queue, "w", encoding="utf-8") as file:
                file.write(given)
        if self.chance.random() < 0.3:
            subprocess.run(["git", "init", "--quiet"], cwd=self.scene.root, check=True)
        facts = {
            "seed": self.scene.seed,
            "tasks": self.terms.tasks,
            "queue": given,
            "parallel": at_once(self.configured),
        }
        self.scene.journal.note("begins", **facts)

    def run(self) -> None:
        """Returns when the run has ended, or has had time enough for it."""
        os.setsid()
        self.prepare()
        begun = real()
        calm, limit = begun + self.terms.seconds, begun + self.terms.seconds + self.terms.patience
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
        words = f"{words} {self.chance.choices(list(TYPED), list(TYPED.values()))[0]}".strip()
        self.scene.journal.note("session opens", parallel=at_once(words))
        session = Session(self.scene, name, id_, words, self.tasks)
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

    def over(self) -> bool:
        """Whether the run has ended, and nothing that was done since asks for another."""
        if self.sessions or self.person.busy or not self.opened:
            return False
        self.absorb()
        found = _STATUS.search(content(self.scene.state))
        return found is not None and found[1] == "finished" and self.settled > 0 and not self.work_left()

    def work_left(self) -> bool:
        text = content(self.scene.queue)
        known, needed = statuses(text), dict(_DEPENDENCIES.findall(text))
        ready = (
            status == "pending"
            and all(known.get(other) == "completed" for other in re.findall(r"TASK-\d+", needed.get(id_, "")))
            for id_, status in known.items()
        )
        return not known or "in_progress" in known.values() or any(ready)

    # Processes

    def absorb(self) -> None:
        for event in self.scene.journal.news():
            if event["event"] == "call":
                self.helpers[event["pid"]] = event
                self.faults.begun(event)
                if event["words"][0] in ("start", "set-status", "add-tasks", "stop"):
                    self.settled = 0.0
            elif event["event"] == "end":
                self.helpers.pop(event["pid"], None)
                if event["words"][0] in ("done", "fail") and event["who"] != "echo" and event["code"] == 0:
                    self.reports.append(event["words"])
                    self.faults.reported()
            elif event["event"] in ("works", "asked"):
                self.agents[event["pid"]] = event
            elif event["event"] == "session":
                self.born.add(event["who"])
            elif event["event"] == "saved":
                self.settled = 0.0
            elif event["event"] == "says" and re.search(r"tasks? (are|is)? ?completed", event["sentence"]):
                self.settled = event["t"]

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
        for pid in self.others:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        for _ in range(100):
            found = [pid for pid in _of_session(os.getpid()) if pid != os.getpid()]
            if not found:
                break
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.02)


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
