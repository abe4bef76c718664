"""The person, who looks on, changes their mind, and has the queue open in an editor that knows of no lock."""

from __future__ import annotations

import os
import random
import re
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from queues import task
from rig.chaos import gates
from rig.chaos.calls import Call, call
from rig.chaos.scene import real

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.chaos.scene import Scene

_SECTION = re.compile(r"^### (\S+)$.*?^\| Status \| (.*?) \|$", re.MULTILINE | re.DOTALL)


def statuses(text: str) -> dict[str, str]:
    """The statuses of a queue, by id: read here in another way than the helper's."""
    return dict(_SECTION.findall(text))


def content(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Person:
    """One act at a time; an editor may stay open over others."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.acts = scene, 0
        self.chance = random.Random(f"{scene.seed}/person")
        self.calls: list[Call] = []
        self.open: list[tuple[float, Callable[[], None]]] = []
        #: The kind of the gate for all tasks; processes that write a consent.
        self.gate, self.others = "", list[int]()
        self.repository = False
        #: How many tasks are still to be taken back once the run has ended: before, agents are mostly at work.
        self.regrets = self.chance.randint(0, 2)
        #: Tasks whose `undo` broke off, to be called once more then.
        self.broken: list[str] = []

    @property
    def busy(self) -> bool:
        self.calls = [each for each in self.calls if not self.is_over(each)]
        return bool(self.calls or self.open)

    def is_over(self, under_way: Call) -> bool:
        result = under_way.ended()
        if result and under_way.words[0] == "undo" and is_broken(result.code, result.err):
            self.broken.append(under_way.words[1])
        return result is not None

    def tick(self) -> None:
        """Saves what has been open long enough."""
        due = [save for at, save in self.open if at <= real()]
        self.open = [each for each in self.open if each[0] > real()]
        for save in due:
            save()

    def act(self) -> None:
        self.acts += 1
        acts: dict[Callable[[], None], int] = {
            self.looks: 25,
            self.files_an_issue: 15,
            self.edits_at_once: 20,
            self.edits_slowly: 8,
            self.tries_again: 15,
            self.adds_a_task: 4,
            self.stops: 3,
            self.skips: 5,
            self.retries: 8,
            self.undoes: 6 if self.repository else 0,
            self.cleans: 6 if self.repository else 0,
            self.commits: 8 if self.repository else 0,
            self.changes_the_gate: 4 if self.gate and not self.open else 0,
        }
        self.chance.choices(list(acts), list(acts.values()))[0]()

    def looks(self) -> None:
        self.call(self.chance.choice(("status", "tasks", "check", "next-task", "issues", "state")))

    def files_an_issue(self) -> None:
        about = f"Complaint number {self.acts} of {self.scene.seed}"
        section = (
            f"### New\n\n**Summary:** {about}\n\n**Acceptance Criteria:**\n- complaint {self.acts} is heard\n\n---\n"
        )
        self.call("add-issue", "-", stdin=section)

    def tries_again(self) -> None:
        failed = self.those("failed")
        if failed:
            self.call("set-status", self.chance.choice(failed), "pending")

    def adds_a_task(self) -> None:
        section = task(f"TASK-{900 + self.acts}", objective=f"One thing more, number {self.acts}")
        self.call("add-tasks", "-", stdin=section)

    def stops(self) -> None:
        self.call("stop")

    def skips(self) -> None:
        ids = self.those("pending", "in_progress", "failed")
        if ids:
            self.call("skip", self.chance.choice(ids), *self.chance.choice(((), ("--unblock",))))

    def retries(self) -> None:
        ids = self.those("failed", "skipped")
        if ids:
            self.call("retry", self.chance.choice(ids), *self.chance.choice(((), ("--hint", "look again"))))

    def undoes(self) -> None:
        ids = self.those("completed")
        if ids:
            self.call("undo", self.chance.choice(ids))

    def regrets_one(self) -> bool:
        """Whether a task is being taken back now that the run has ended."""
        if self.broken:
            self.call("undo", self.broken.pop())
        elif self.repository and self.regrets:
            self.regrets -= 1
            self.undoes()
        return self.busy

    def cleans(self) -> None:
        self.call("clean", *self.chance.choice(((), ("--dry-run",))))

    def commits(self) -> None:
        """A file of their own, on their own branch; the helper may be holding the index."""
        name = f"own-{self.acts}.txt"
        with open(os.path.join(self.scene.root, name), "w", encoding="utf-8") as file:
            file.write("by hand\n")
        git = partial(subprocess.run, cwd=self.scene.root, capture_output=True, text=True, check=False)
        if not (git(["git", "add", name]).returncode or git(["git", "commit", "-qm", name, "--", name]).returncode):
            head = git(["git", "rev-parse", "HEAD"]).stdout.strip()
            self.scene.journal.note("committed", who="person", head=head)

    def those(self, *words: str) -> list[str]:
        return [id_ for id_, status in statuses(content(self.scene.queue)).items() if status.split()[0] in words]

    def changes_the_gate(self) -> None:
        """Another command, which is put back or allowed some time later."""
        before, other = content(self.scene.config), self.chance.choice(("plain", "flaky", "slow"))
        self.scene.journal.note("gate changed", who="person", to=other)
        replaced(self.scene.config, before.replace(f" {self.gate} all", f" {other} all"))
        kept = self.chance.random() < 0.5

        def decide() -> None:
            # By now the project may have been moved.
            if kept:
                self.gate = other
            else:
                replaced(self.scene.config, before)
            self.scene.journal.note("gate changed", who="person", to=self.gate)
            self.others.append(gates.allow(self.scene))

        self.open.append((real() + self.chance.uniform(0.3, 2.5), decide))

    def edits_at_once(self) -> None:
        self.edit(self.chance.uniform(0, 0.005))

    def edits_slowly(self) -> None:
        self.edit(self.chance.uniform(0.2, 2))

    def edit(self, seconds: float) -> None:
        """Reads the queue, and saves it with a comment more, over whatever stands there by then."""
        text, comment = content(self.scene.queue), f"<!-- note {self.acts} of the person -->\n\n"
        places = [match.start() for match in re.finditer(r"^### ", text, re.MULTILINE)] + [len(text)]
        if not statuses(text):
            return
        place = self.chance.choice(places)
        edited = text[:place] + comment + text[place:]
        self.open.append((real() + seconds, lambda: self.save(edited, comment, seconds)))

    def save(self, text: str, comment: str, seconds: float) -> None:
        if not os.path.exists(self.scene.queue):
            return
        in_place = self.chance.random() < 0.3
        before = content(self.scene.queue)
        if in_place:
            with open(self.scene.queue, "w", encoding="utf-8") as file:
                file.write(text)
        else:
            replaced(self.scene.queue, text)
        changed = {
            id_: (old, statuses(text).get(id_, ""))
            for id_, old in statuses(before).items()
            if statuses(text).get(id_) != old
        }
        self.scene.journal.note(
            "saved",
            comment=comment,
            seconds=round(seconds, 3),
            in_place=in_place,
            changed=changed,
            notes=notes(text),
            ids=list(statuses(text)),
        )

    def call(self, *words: str, stdin: str = "") -> None:
        self.calls.append(call(self.scene, "person", words, stdin))


def is_broken(code: int, err: str) -> bool:
    """Whether a call was killed, or says that it is to be made again: it may have done a part of its work."""
    return code < 0 or "try again" in err


def replaced(path: str, text: str) -> None:
    with open(f"{path}.swp", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.swp", path)


def notes(text: str) -> list[str]:
    """The numbers of the person's comments in a text."""
    return re.findall(r"<!-- note (\d+) of the person -->\n\n", text)
