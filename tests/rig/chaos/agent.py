"""An agent: it asks for its prompt, works for a while, leaves an effect, and reports; or it doesn't."""

from __future__ import annotations

import json
import os
import random
import re
import time
from enum import IntEnum
from typing import TYPE_CHECKING

from queues import task
from rig.chaos.calls import Result, call, leave
from rig.chaos.scene import become, real

if TYPE_CHECKING:
    from rig.chaos.scene import Scene

SPEAKS = re.compile(r"claudestrator-helper done (\S+) --attempt (\d+)")
#: Few enough for two tasks to name the same one now and then.
FILES = [f"part{number}" for number in range(12)]
TASKS = [f"TASK-{number:03d}" for number in range(1, 1000)]


class Left(IntEnum):
    """How an agent's process ends, for the session that has to go on with it."""

    WORKED = 0
    NOTHING = 3
    ORPHANED = 4
    BY_ERROR = 5


def sections(count: int, chance: random.Random) -> list[str]:
    """The tasks of a run; each may build on some of those before it."""
    made = []
    for at, id_ in enumerate(TASKS[:count]):
        builds_on = [other for other in TASKS[max(0, at - 4) : at] if chance.random() < 0.2]
        made.append(
            task(
                id_,
                complexity=chance.choice(("easy", "normal", "complex")),
                objective=f"Build part {at + 1}",
                dependencies=", ".join(builds_on) or "None",
                extra="" if chance.random() < 0.1 else f"**Files:** src/{chance.choice(FILES)}.py\n\n",
            )
        )
    return made


class Agent:
    """*who* is its name in the journal, *environ* that of its session; a *fork* begins with its prompt."""

    fork = False

    def __init__(self, scene: Scene, who: str, id_: str, environ: dict[str, str], tasks: list[str]) -> None:
        self.scene, self.who, self.id, self.environ, self.tasks = scene, who, id_, environ, tasks
        self.chance = random.Random(f"{scene.seed}/{who}")
        # Made by the session, before it forks.
        self.parent = os.getpid()
        self.attempt = 0

    def live(self) -> None:
        become("bash")
        acts = ("done", "done late", "fail", "silent", "hangs", "twice", "unstarted", "error")
        act = self.chance.choices(acts, (68, 6, 8, 6, 1, 4, 4, 3))[0]
        self.note("agent", act=act)
        if act == "unstarted" or not self.prompted():
            leave(Left.NOTHING)
        self.note("works")
        self.sleep(self.chance.uniform(0.1, 1.1))
        if act == "hangs":
            self.sleep(3600)
        if act == "error":
            leave(Left.BY_ERROR)
        if act == "fail":
            self.report("fail", self.reason())
            leave(Left.NOTHING)
        self.work()
        self.sleep(self.chance.uniform(0, 0.1))
        if act != "silent":
            self.report("done", f"Part {self.id} is in src.\nNote of attempt {self.attempt}.")
        if act == "twice":
            self.report("done", "Once more.")
        if act == "done late":
            self.sleep(self.chance.uniform(0.1, 0.5))
        leave(Left.WORKED)

    def asked(self, reason: str, *, worked: bool) -> None:
        """What it does when a hook holds it and says how to report."""
        become("bash")
        match = SPEAKS.search(reason)
        if not match:
            leave(Left.NOTHING)
        self.attempt = int(match[2])
        self.note("asked")
        self.sleep(self.chance.uniform(0, 0.2))
        self.report("done" if worked else "fail", "" if worked else self.reason())
        leave(Left.WORKED if worked else Left.NOTHING)

    def reason(self) -> str:
        return f"{self.chance.choice(('no tool', 'a test is red', 'unclear', 'gave up', 'no access'))} {self.who}"

    def prompted(self) -> bool:
        result = self.call("prompt", self.id)
        match = SPEAKS.search(result.out)
        if result.code or not match:
            return False
        assert match[1] == self.id
        self.attempt = int(match[2])
        with open(transcript(self.scene, self.who), "w", encoding="utf-8") as file:
            launch = f"Run `claudestrator-helper prompt {self.id}` and follow it."
            first = {"type": "user", "message": {"role": "user", "content": result.out if self.fork else launch}}
            file.write(f"{json.dumps(first)}\n{json.dumps({'content': result.out})}\n")
        return True

    def work(self) -> None:
        if self.id == "decomposition":
            self.decompose()
            return
        self.alive()
        ledger = os.open(self.scene.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(ledger, f"{self.id} {self.attempt} {self.who} {real():.4f}\n".encode())
        os.close(ledger)
        source = os.path.join(self.scene.root, "src")
        os.makedirs(source, exist_ok=True)
        with open(os.path.join(source, f"{self.id}.txt"), "a", encoding="utf-8") as file:
            file.write(f"attempt {self.attempt}\n")

    def decompose(self) -> None:
        there = self.call("tasks", "--json").out
        missing = [text for text in self.tasks if f'"{text.split()[1]}"' not in there]
        for at in range(0, len(missing), 5):
            self.call("add-tasks", "-", stdin="".join(missing[at : at + 5]))

    def report(self, verb: str, text: str) -> None:
        """Tries again where the helper was killed or the disk was full, as the output of its Bash call says."""
        for _ in range(4):
            result = self.call(verb, self.id, "--attempt", str(self.attempt), "-", stdin=text)
            if result.code == 0 or (result.code == 1 and "cannot" not in result.err):
                return
            self.sleep(0.3)

    def call(self, *words: str, stdin: str = "") -> Result:
        self.alive()
        self.sleep(self.chance.uniform(0, 0.05))
        result = call(self.scene, self.who, words, stdin, self.environ).result()
        self.alive()
        # A call that was interrupted is made again.
        return self.call(*words, stdin=stdin) if result.code < 0 else result

    def note(self, event: str, **facts: object) -> None:
        about = {"pid": os.getpid(), "group": os.getpgid(0), "id": self.id, "attempt": self.attempt}
        self.scene.journal.note(event, who=self.who, session=self.environ["CLAUDE_CODE_SESSION_ID"], **about, **facts)

    def sleep(self, seconds: float) -> None:
        until = real() + seconds
        while real() < until:
            self.alive()
            time.sleep(min(0.02, max(0, until - real())))

    def alive(self) -> None:
        # An agent is a part of its session, and ends with it.
        if os.getppid() != self.parent:
            leave(Left.ORPHANED)


def transcript(scene: Scene, who: str) -> str:
    return os.path.join(scene.folder, "transcripts", f"{who}.jsonl")
