"""The agents of a session, and the hook events of which the helper hears from it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from rig.chaos.agent import named
from rig.chaos.calls import Call, Result, call
from rig.chaos.scene import real

if TYPE_CHECKING:
    from rig.chaos.scene import Scene


DIRECTIVES = ("SPAWN", "WORK", "WAIT", "STOP")


def directives(output: str) -> list[str]:
    """The lines at the end of what the helper printed that begin with a directive's word."""
    found: list[str] = []
    for line in reversed(output.strip().split("\n")):
        if line.split(" ", 1)[0] not in DIRECTIVES:
            break
        found.insert(0, line)
    return found


class Seat:
    """An agent that a session launched; *way* is how, *given* the input of the Skill call that it works for."""

    def __init__(self, id_: str, who: str, way: str, given: dict[str, str]) -> None:
        self.id, self.who, self.way, self.given, self.asked = id_, who, way, given, False
        self.agent, self.begun = named(who), real()

    @property
    def foreground(self) -> bool:
        return self.way == "foreground"

    @property
    def hangs(self) -> bool:
        """Whether the person gives up on it: nothing but their Esc ends an agent in the foreground."""
        return self.foreground and real() - self.begun > 30


def described(seat: Seat) -> str:
    """The description of the call that launched it."""
    return f"/{seat.given['skill']} {seat.id}" if seat.given else seat.id


class Events:
    def __init__(self, scene: Scene, name: str, id_: str, environ: dict[str, str]) -> None:
        self.scene, self.name, self.id, self.environ = scene, name, id_, environ
        #: Agents at work, by their processes; and all that were launched.
        self.seats: dict[int, Seat] = {}
        self.known: list[Seat] = []

    def hook(self, name: str, **facts: object) -> dict[str, Any]:
        return self.answer_of(self.begin_hook(name, **facts).result())

    def begin_hook(self, name: str, **facts: object) -> Call:
        running = [
            {"id": seat.agent, "type": "subagent", "status": "running", "description": described(seat)}
            for seat in self.seats.values()
            if not seat.foreground
        ]
        event = {
            "hook_event_name": name,
            "session_id": self.id,
            "cwd": self.scene.root,
            "permission_mode": "default",
            "background_tasks": running,
            **facts,
        }
        environ = {**self.environ, "CLAUDE_PROJECT_DIR": self.scene.root}
        return call(self.scene, f"{self.name} hook", ["hook"], json.dumps(event), environ)

    def answer_of(self, result: Result) -> dict[str, Any]:
        answer = json.loads(result.out) if result.code == 0 and result.out.strip() else {}
        return answer if isinstance(answer, dict) else {}

    def note(self, event: str, **facts: object) -> None:
        self.scene.journal.note(event, who=self.name, session=self.id, pid=os.getpid(), **facts)
