"""An agent: it asks for its prompt, works for a while, leaves an effect, and reports; or it doesn't."""

from __future__ import annotations

import json
import os
import random
import re
import time
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from queues import task
from rig.chaos.calls import Result, call, leave
from rig.chaos.person import content
from rig.chaos.scene import become, real

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.chaos.scene import Scene

#: How a prompt says to report: by a call, or by the last message.
SPEAKS = re.compile(r"claudestrator-helper done (\S+) --attempt (\d+)|REPORT (\S+) attempt (\d+): done")
_TREE = re.compile(r"^In a worktree of your own: (.+)$", re.MULTILINE)
_MARKERS = re.compile(r"^(?:<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|).*\n", re.MULTILINE)
#: Refusals after which the same report is made again.
AGAIN = re.compile("cannot| is red |still running|the gate was changed|conflict|not reported yet")
#: Few enough for two tasks to name the same one now and then.
FILES = [f"part{number}" for number in range(12)]
TASKS = [f"TASK-{number:03d}" for number in range(1, 1000)]


class Left(IntEnum):
    """How an agent's process ends, for the session that has to go on with it."""

    WORKED = 0
    NOTHING = 3
    ORPHANED = 4
    BY_ERROR = 5


def sections(count: int, chance: random.Random, gated: Callable[[str], str] = lambda _: "") -> list[str]:
    """The tasks of a run; each may build on some of those before it. *gated* makes the field of a task's own gate."""
    made = []
    for at, id_ in enumerate(TASKS[:count]):
        builds_on = [other for other in TASKS[max(0, at - 4) : at] if chance.random() < 0.2]
        files = "" if chance.random() < 0.1 else f"**Files:** src/{chance.choice(FILES)}.py, src/{id_}.txt\n\n"
        made.append(
            task(
                id_,
                complexity=chance.choice(("easy", "normal", "complex")),
                objective=f"Build part {at + 1}",
                dependencies=", ".join(builds_on) or "None",
                extra=files + gated(id_),
            )
        )
    return made


class Agent:
    """*who* is its name in the journal, *environ* that of its session; with *given* it begins with its prompt."""

    def __init__(
        self, scene: Scene, who: str, id_: str, environ: dict[str, str], tasks: list[str], given: str = ""
    ) -> None:
        self.scene, self.who, self.id, self.environ, self.tasks, self.given = scene, who, id_, environ, tasks, given
        self.by_message, self.tree = False, ""
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
        self.note("works", tree=self.tree)
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
        if not self.understood(reason):
            leave(Left.NOTHING)
        found = _TREE.search(content(transcript(self.scene, self.who)).replace("\\n", "\n"))
        self.tree = found[1] if found else ""
        self.note("asked")
        self.sleep(self.chance.uniform(0, 0.2))
        self.report("done" if worked else "fail", "" if worked else self.reason())
        leave(Left.WORKED if worked else Left.NOTHING)

    def reason(self) -> str:
        return f"{self.chance.choice(('no tool', 'a test is red', 'unclear', 'gave up', 'no access'))} {self.who}"

    def prompted(self) -> bool:
        launch = f"Run `claudestrator-helper prompt {self.id}` and follow it."
        prompt = self.given or self.asks_for_prompt()
        if not self.understood(prompt):
            return False
        with open(transcript(self.scene, self.who), "w", encoding="utf-8") as file:
            first = {"type": "user", "message": {"role": "user", "content": self.given or launch}}
            file.write(f"{json.dumps(first)}\n{json.dumps({'content': prompt})}\n")
        return True

    def asks_for_prompt(self) -> str:
        if self.is_denied(f"claudestrator-helper prompt {self.id}"):
            return ""
        result = self.call("prompt", self.id)
        return "" if result.code else result.out

    def is_denied(self, command: str) -> bool:
        """Whether the hook on a call forbids it."""
        event = {
            "hook_event_name": "PreToolUse",
            "session_id": self.environ["CLAUDE_CODE_SESSION_ID"],
            "cwd": self.scene.root,
            "agent_id": named(self.who),
            "tool_name": "Bash",
            "tool_input": {"command": command},
        }
        environ = {**self.environ, "CLAUDE_PROJECT_DIR": self.scene.root}
        said = call(self.scene, f"{self.who} hook", ["hook"], json.dumps(event), environ).result().out
        return '"deny"' in said

    def understood(self, text: str) -> bool:
        """Whether *text* says how to report."""
        match = SPEAKS.search(text)
        if match:
            self.by_message = match[1] is None
            self.id, self.attempt = match[1] or match[3], int(match[2] or match[4])
            found = _TREE.search(text)
            self.tree = found[1] if found else self.tree
        return match is not None

    def work(self) -> None:
        if self.id == "decomposition":
            # A full disk or a lock refuses a call, and an editor may save an older text over what was added.
            while self.decompose():
                self.sleep(0.2)
            return
        self.alive()
        ledger = os.open(self.scene.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(ledger, f"{self.id} {self.attempt} {self.who} {real():.4f}\n".encode())
        os.close(ledger)
        source = Path(self.root, "src")
        source.mkdir(exist_ok=True)
        with source.joinpath(f"{self.id}.txt").open("a", encoding="utf-8") as file:
            file.write(f"attempt {self.attempt}\n")
        if self.tree and self.chance.random() < 0.4:
            # What others change too.
            with source.joinpath("shared.txt").open("a", encoding="utf-8") as file:
                file.write(f"by {self.id}\n")
        if self.chance.random() < 0.25:
            # What a gate finds.
            source.joinpath(f"{self.id}.red").touch()

    @property
    def root(self) -> str:
        """Where it works."""
        return self.tree or self.scene.root

    def decompose(self) -> bool:
        """Adds the tasks that are missing, if there are any."""
        there = self.call("tasks", "--json").out
        missing = [text for text in self.tasks if f'"{text.split()[1]}"' not in there]
        for at in range(0, len(missing), 5):
            self.call("add-tasks", "-", stdin="".join(missing[at : at + 5]))
        return bool(missing)

    def report(self, verb: str, text: str) -> None:
        """Tries again where the helper was killed or the disk was full, as the output of its Bash call says."""
        if self.by_message and self.chance.random() < 0.9:
            word = "done" if verb == "done" else "failed"
            with open(last_message(self.scene, self.who), "w", encoding="utf-8") as file:
                file.write(f"REPORT {self.id} attempt {self.attempt}: {word}\n{text}\n")
            return
        patience = ["--max", "3"] if verb == "done" and self.chance.random() < 0.3 else []
        for _ in range(8 if verb == "done" else 4):
            result = self.call(verb, self.id, "--attempt", str(self.attempt), *patience, "-", stdin=text)
            if AGAIN.search(result.err) and self.chance.random() < 0.8:
                self.mends()
                self.sleep(0.1)
            elif result.code == 0 or (result.code == 1 and not AGAIN.search(result.err)):
                return
            else:
                self.sleep(0.3)

    def mends(self) -> None:
        """Whatever the gate has found, whoever left it, and conflicts, by keeping both sides."""
        for left in Path(self.root, "src").glob("*.red"):
            left.unlink(missing_ok=True)
        for path in Path(self.tree, "src").glob("*.txt") if self.tree else ():
            text = path.read_text(encoding="utf-8")
            path.write_text(_MARKERS.sub("", text), encoding="utf-8")

    def call(self, *words: str, stdin: str = "") -> Result:
        self.alive()
        self.sleep(self.chance.uniform(0, 0.05))
        result = call(self.scene, self.who, words, stdin, self.environ, folder=self.tree).result()
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


def named(who: str) -> str:
    """Claude Code's name of the agent that the journal calls so."""
    return who.replace(".", "_")


def transcript(scene: Scene, who: str) -> str:
    return os.path.join(scene.folder, "transcripts", f"{who}.jsonl")


def last_message(scene: Scene, who: str) -> str:
    """Where an agent whose last message is its report leaves it."""
    return os.path.join(scene.folder, "transcripts", f"{who}.last")
