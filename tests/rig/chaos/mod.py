"""The mod of a session: the module itself, in a process of its own that can be killed, and what the engine answers it."""

from __future__ import annotations

import json
import os
import random
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig.chaos.calls import Call, call
from rig.chaos.events import described
from rig.chaos.scene import real

if TYPE_CHECKING:
    from rig.chaos.events import Seat
    from rig.chaos.session import Session

MODULE = Path(__file__).parents[3] / "hooks" / "claudestrator.mjs"
HOST = Path(__file__).with_name("mod_host.mjs")
COMMAND = "claudestrator:orchestrate"
BEGUN = "The run has begun."
#: Where in its work a module is killed.
MOMENTS = ("before a spawn", "after a spawn", "in a wait", "after a wait", "in an end", "after a start", "at once")
#: How Claude Code refuses agents after Esc, until something is typed.
HELD = "the session was stopped"
#: Seconds after which a module of which nothing is heard has nothing to do.
QUIET = 0.6
Message = dict[str, Any]


class Mod:
    """The module in a session, which may be loaded, killed and loaded anew."""

    def __init__(self, session: Session) -> None:
        self.session, self.chance = session, random.Random(f"{session.scene.seed}/{session.name}/mod")
        self.process: subprocess.Popen[bytes] | None = None
        self.rest, self.events = b"", 0
        self.calls: dict[int, Call] = {}
        #: Agents that have ended, by the number of the event; and the event of a typed command.
        self.reports: dict[int, Seat] = {}
        self.typed = 0
        self.launched: list[str] = []
        self.heard = self.held_until = self.loads_at = 0.0
        #: The moment at which it is to be killed.
        self.fate = ""

    @property
    def loaded(self) -> bool:
        return self.process is not None

    @property
    def busy(self) -> bool:
        return self.loaded and bool(self.calls or self.typed or real() - self.heard < QUIET)

    def load(self) -> None:
        scene = self.session.scene
        store = os.path.join(scene.folder, "store.json")
        words = ["node", str(HOST), str(MODULE), scene.root, self.session.id, store, str(scene.speed)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self.process.stdout
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest, self.loads_at, self.heard = b"", 0.0, real()
        self.event("session.start", isInteractive=True)

    def unload(self) -> None:
        """Its calls under way go on, and nobody hears of them."""
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process, self.typed = None, 0
        self.calls.clear()

    # What the engine tells it

    def event(self, name: str, **facts: object) -> int:
        self.events += 1
        self.send(event=name, number=self.events, **facts)
        return self.events

    def type(self, words: str) -> None:
        self.held_until = 0
        origin = {"kind": "sdk" if self.chance.random() < 0.15 else "composer"}
        self.typed = self.event("command.run", command=COMMAND, args=words, origin=origin)

    def ended(self, seat: Seat, status: str, text: str) -> None:
        self.reports[self.event("agent.report", agentId=seat.agent, status=status, text=text)] = seat

    def send(self, **message: object) -> None:
        if self.process and self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.write((json.dumps(message) + "\n").encode())

    # What it asks of the engine

    def tick(self) -> None:
        if self.loads_at and real() >= self.loads_at:
            self.load()
        self.doomed("at once")
        for number, under_way in list(self.calls.items()):
            if "--follow" in under_way.words:
                self.follow(number, under_way)
            elif result := under_way.ended():
                self.calls.pop(number, None)
                self.heard = real()
                self.note_answer(under_way.words[0], result.out)
                self.doomed(f"after a {under_way.words[0]}")
                self.answer(number, {"exitCode": result.code, "stdout": result.out, "stderr": result.err})
        for message in self.messages():
            self.heard = real()
            self.obey(message)

    def follow(self, number: int, under_way: Call) -> None:
        for line in under_way.lines():
            self.heard = real()
            self.note_answer("wait", line)
            self.doomed("after a wait")
            self.answer(number, {"stream": "stdout", "text": f"{line}\n"})
        if under_way.over:
            self.calls.pop(number, None)
            self.answer(number, None)

    def note_answer(self, verb: str, out: str) -> None:
        given = json.loads(out).get("directives", []) if out.startswith("{") else []
        if verb != "ended" and given:
            lines = [f"{each['kind']} {each.get('id') or each.get('sentence', '')}" for each in given]
            self.session.note("obeys", lines=lines, verb=verb)

    def messages(self) -> list[Message]:
        while self.process and self.process.stdout and (part := self.process.stdout.read(65536)):
            self.rest += part
        *lines, self.rest = self.rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def obey(self, message: Message) -> None:
        what, number = message["call"], message.get("number", 0)
        if not self.loaded:
            # It was killed after it had asked.
            return
        if what in ("process.run", "process.spawn"):
            self.run(number, message["words"], message["stdin"])
        elif what == "agent.spawn":
            if not self.doomed("before a spawn"):
                self.answer(number, self.spawned(message["agent"]))
                self.doomed("after a spawn")
        elif what == "agent.list":
            self.answer(number, self.listed())
        elif what == "ui.notify":
            self.session.hears(message["text"])
        elif what == "ended":
            self.event_ended(number, message["value"])

    def run(self, number: int, words: list[str], stdin: str) -> None:
        session = self.session
        environ = {"CLAUDE_CODE_SESSION_ID": session.id}
        self.calls[number] = call(session.scene, session.name, words, stdin, environ, direct=True)
        if words[0] in ("wait", "ended"):
            self.doomed("in a wait" if words[0] == "wait" else "in an end")

    def listed(self) -> list[dict[str, str]]:
        """All agents of the session, as Claude Code lists them."""
        by = {True: "claudestrator", False: ""}
        known = self.session.known
        return [
            {"id": seat.agent, "spawnedBy": by[seat.agent in self.launched], "description": described(seat)}
            for seat in known
        ]

    def spawned(self, agent: dict[str, str]) -> dict[str, str]:
        if self.chance.random() < 0.02:
            self.held_until = real() + self.chance.uniform(0.1, 1)
        if real() < self.held_until:
            return {"deny": f"{HELD}: type something"}
        if self.chance.random() < 0.02:
            return {"deny": "no place for another"}
        seat = self.session.launch(agent["description"], agent["prompt"])
        self.launched.append(seat.agent)
        return {"model": agent["model"], "agentId": seat.agent}

    def event_ended(self, number: int, value: Any) -> None:
        if number == self.typed:
            self.typed = 0
            self.session.answered(value)
        elif number in self.reports:
            seat = self.reports.pop(number)
            if not (value and value.get("consumed")):
                self.session.notified(seat)

    def answer(self, number: int, value: object) -> None:
        self.send(answered=number, value=value)

    # Its death

    def doom(self) -> None:
        """Has it killed at one moment or another; what it was at work on goes on without it."""
        if self.session.host.mods:
            self.fate = self.chance.choice(MOMENTS)

    def doomed(self, moment: str) -> bool:
        """Whether it was killed now, which was the moment for it. Claude Code loads it anew, or never again."""
        if self.fate != moment or not self.loaded:
            return False
        self.fate = ""
        self.session.scene.journal.note("kill", who="chaos", of=f"mod {moment}", name=self.session.name)
        self.unload()
        self.session.idle_since = real()
        if self.chance.random() < 0.7:
            self.loads_at = real() + self.chance.uniform(0, 0.5)
        return True
