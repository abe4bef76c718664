"""The mod's module in Node.js, with a helper and an engine that answer what each test says."""

import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.chaos.mod import COMMAND, HOST, MODULE

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
SPAWN = {"kind": "SPAWN", "id": "TASK-1", "model": "sonnet", "attempt": 1, "prompt": "Build a door."}
STOP = {"kind": "STOP", "sentence": "The one task is completed."}
Message = dict[str, Any]


class Module:
    def __init__(self, store: Path) -> None:
        words = ["node", str(HOST), str(MODULE), "/project", "s1", str(store), "20"]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.events = self.sleeps = 0

    def event(self, name: str, **facts: Any) -> None:
        self.events += 1
        self.send(event=name, number=self.events, **facts)

    def send(self, **message: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def next(self, seconds: float = 20) -> Message | None:
        """What it asks next; None if that is nothing for so long."""
        assert self.process.stdout
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return None
        found: Message = json.loads(self.process.stdout.readline())
        self.sleeps += found["call"] == "process.sleep"
        return found if found["call"] != "process.sleep" or self.sleeps == 1 else self.next(seconds)

    def answer(self, asked: Message, **reply: Any) -> None:
        self.send(answered=asked["number"], value={"stdout": json.dumps(reply), "stderr": "", "exitCode": 0})


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Module]:
    made = Module(tmp_path / "store.json")
    yield made
    made.process.kill()
    made.process.wait()


def test_a_start_that_is_typed_before_a_module_goes_on_with_its_run_names_the_key_that_was_kept(
    module: Module, tmp_path: Path
) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"/project": "kept"}))
    module.event("command.run", command=COMMAND, args="", origin={"kind": "composer"})
    assert '"key": "kept"' in json.dumps(module.next()).replace("\\", "").replace('":"', '": "')


def test_a_run_that_is_typed_while_it_is_resumed_has_one_agent_for_a_task(module: Module) -> None:
    module.event("session.start", isInteractive=True)
    module.event("command.run", command=COMMAND, args="", origin={"kind": "composer"})
    first = module.next()
    assert first
    starts = [first]
    # The other waits, by a call of its own: Claude Code skips a hook that waits for 10 seconds by anything else, its own
    # sleep included, and has a model relay the run (2.1.332). On a slow machine the first start makes the plugin's venv.
    assert "process.sleep" in [(module.next() or {}).get("call") for _ in range(2)]
    agents, waits = 0, list[Message]()
    while not waits:
        for asked in starts:
            module.answer(asked, lines=[], directives=[SPAWN], key=f"key of {asked['number']}")
        starts = []
        asked = module.next() or {}
        if asked["call"] == "agent.spawn":
            agents += 1
            module.send(answered=asked["number"], value={"agentId": "a1", "model": "sonnet"})
        elif asked["call"] == "process.run" and asked["words"][0] == "start":
            starts, last = [asked], asked["number"]
        elif asked["call"] == "process.spawn":
            waits.append(json.loads(asked["stdin"]))
    assert (agents, waits[0]["key"]) == (1, f"key of {last}")


def test_the_module_stays_under_250_lines_of_a_readable_width() -> None:
    lines = MODULE.read_text().splitlines()
    assert len(lines) < 250
    assert max(len(line) for line in lines if "@typedef" not in line) <= 165
