"""What goes wrong: a fault is a method of Faults, with how often it is chosen."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rig.chaos.calls import call, fork
from rig.chaos.scene import Event, real

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.chaos.world import World


class Faults:
    """The faults of one run. A process is signalled only while it is one of the run's own."""

    def __init__(self, world: World) -> None:
        self.world, self.scene = world, world.scene
        self.chance = random.Random(f"{world.scene.seed}/faults")
        self.later: list[tuple[float, Callable[[], None]]] = []
        #: The verbs whose next call is killed on its way.
        self.ambushes: set[str] = set()
        #: What is to be killed while the run takes in the next report.
        self.at_report: Callable[[], None] | None = None

    def tick(self) -> None:
        due = [act for at, act in self.later if at <= real()]
        self.later = [each for each in self.later if each[0] > real()]
        for act in due:
            act()

    def strike(self) -> None:
        kinds: dict[Callable[[], None], int] = {
            self.kill_session: 16,
            self.kill_terminal: 5,
            self.kill_helper: 8,
            self.lie_in_wait: 14,
            self.kill_at_report: 12,
            self.kill_agent: 9,
            self.kill_gate: 8,
            self.kill_at_git: 10,
            self.kill_mod: 24,
            self.freeze_helper: 8,
            self.hold_lock: 6,
            self.fill_disk: 6,
            self.report_again: 10,
            self.second_session: 7,
            self.move_wait: 6,
            self.turn_clock: 5,
        }
        chosen = self.world.terms.faults
        drawn = {act: often for act, often in kinds.items() if not chosen or act.__name__ in chosen}
        self.chance.choices(list(drawn), list(drawn.values()))[0]()

    # Kills

    def kill_session(self) -> None:
        """Of Claude Code alone: its agents end with it, and calls under way go on without it."""
        for pid, name in self.a_session():
            self.note("kill", of="session", name=name)
            os.kill(pid, signal.SIGKILL)

    def kill_terminal(self) -> None:
        for pid, name in self.a_session():
            self.note("kill", of="terminal", name=name)
            os.killpg(pid, signal.SIGKILL)
            self.world.forget(pid)

    def kill_helper(self) -> None:
        for event in self.a_helper():
            self.kill(event)

    def lie_in_wait(self) -> None:
        verbs = ("start", "wait", "prompt", "done", "done", "fail", "hook", "add-tasks", "set-status", "ended", "ended")
        self.ambushes.add(self.chance.choice(verbs))

    def kill_at_report(self) -> None:
        self.at_report = self.chance.choice((self.kill_session, self.kill_wait, self.kill_wait))

    def kill_wait(self) -> None:
        for event in list(self.world.helpers.values()):
            if event["words"][0] == "wait":
                self.kill(event)

    def reported(self) -> None:
        if self.at_report:
            # A wait looks ten times a second.
            self.later.append((real() + self.chance.uniform(0, 0.14), self.at_report))
            self.at_report = None

    def begun(self, event: Event) -> None:
        if event["words"][0] in self.ambushes:
            self.ambushes.discard(event["words"][0])
            self.later.append((real() + self.chance.uniform(0, 0.1), lambda: self.kill(event)))

    def kill(self, event: Event) -> None:
        if self.world.is_ours(event) and event["pid"] in self.world.helpers:
            self.note("kill", of="helper", verb=event["words"][0], name=event["who"])
            send(event["pid"], signal.SIGKILL)

    def kill_gate(self) -> None:
        """The process that runs a gate, or one of its commands."""
        for pid in self.chance.sample(found := gate_processes(self.scene.journal.path), min(1, len(found))):
            self.note("kill", of="gate")
            send(pid, signal.SIGKILL)

    def kill_at_git(self) -> None:
        """Whichever helper makes the git call of that number from now on, before it or after."""
        self.scene.weather.fell_at(self.chance.randint(1, 60))

    def kill_mod(self) -> None:
        """At a moment of its own; a session without a mod takes no notice."""
        for pid, _ in self.a_session():
            os.kill(pid, signal.SIGUSR2)

    def kill_agent(self) -> None:
        agents = [event for event in self.world.agents.values() if self.world.is_ours(event)]
        if agents:
            event = self.chance.choice(agents)
            self.note("kill", of="agent", name=event["who"])
            send(event["pid"], signal.SIGKILL)
            del self.world.agents[event["pid"]]

    # Other faults

    def freeze_helper(self) -> None:
        for event in self.a_helper():
            self.freeze(event, self.chance.uniform(0.2, 1.5))

    def freeze(self, event: Event, seconds: float) -> None:
        self.note("fault", of="frozen helper", verb=event["words"][0])
        send(event["pid"], signal.SIGSTOP)
        self.later.append((real() + seconds, lambda: self.thaw(event)))

    def thaw(self, event: Event) -> None:
        if self.world.is_ours(event):
            send(event["pid"], signal.SIGCONT)

    def hold_lock(self) -> None:
        self.note("fault", of="held lock")
        seconds = self.chance.uniform(0.5, 2)
        self.world.others.append(fork(lambda: hold(self.scene.lock, seconds)))

    def fill_disk(self) -> None:
        self.note("fault", of="full disk")
        self.scene.weather.fill(self.chance.uniform(0.3, 2))

    def report_again(self) -> None:
        """A report once more, or the opposite of it, or one of an attempt that has long been over."""
        if self.world.reports:
            words = list(self.chance.choice(self.world.reports))
            if self.chance.random() < 0.4:
                words = ["fail" if words[0] == "done" else "done", *words[1:4], "-"]
            self.note("fault", of="report again", words=words)
            self.world.person.calls.append(call(self.scene, "echo", words, f"said again {self.world.strikes}"))

    def second_session(self) -> None:
        if len(self.world.sessions) == 1:
            words = "--takeover" if self.chance.random() < 0.25 else ""
            self.note("fault", of="second session" if not words else "takeover asked for")
            self.world.open_session(words)

    def move_wait(self) -> None:
        for pid, _ in self.a_session():
            self.note("fault", of="wait moved to the background")
            os.kill(pid, signal.SIGUSR1)

    def turn_clock(self) -> None:
        seconds = self.chance.choice((-4000, -300, -30, 90, 600, 4000))
        self.note("fault", of="turned clock", seconds=seconds)
        self.scene.weather.jump += seconds

    # Parts

    def a_session(self) -> list[tuple[int, str]]:
        """One that has come so far as to say so, if there is one."""
        ready = [(pid, name) for pid, name in self.world.sessions.items() if name in self.world.born]
        return [self.chance.choice(ready)] if ready else []

    def a_helper(self) -> list[Event]:
        """One call under way, if there is one, of whichever verb."""
        alive = [event for event in self.world.helpers.values() if self.world.is_ours(event)]
        verbs = sorted({event["words"][0] for event in alive})
        if not verbs:
            return []
        verb = self.chance.choice(verbs)
        return [self.chance.choice([event for event in alive if event["words"][0] == verb])]

    def note(self, event: str, **facts: object) -> None:
        self.scene.journal.note(event, who="chaos", **facts)


def send(pid: int, number: int) -> None:
    # It may have ended since it was looked up.
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def gate_processes(journal: str) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            if journal.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                parent = int(Path(f"/proc/{name}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()[1])
                found += [int(name), parent]
    return [pid for pid in found if pid > 1]


def hold(path: str, seconds: float) -> None:
    with suppress(FileNotFoundError), open(path, "a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        time.sleep(seconds)
