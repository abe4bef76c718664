"""A run of thirty tasks on a real disk with a clock of its own: parallel agents, failures, retries, a verification and
loops, with the transcripts that Claude Code would leave."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import running
from claudestrator_helper.agents import reports, verdicts
from claudestrator_helper.commands import issues as issue_verbs
from claudestrator_helper.store import files, state_file
from claudestrator_helper.store.paths import Project
from claudestrator_helper.texts import additions, ids, issues
from claudestrator_helper.texts import queue as q
from queues import queue, task

PRD = """# Pocket: shared expenses on the command line

Pocket keeps the expenses of a household in one JSON-lines file. Several people append to it at once, from a terminal or
from the bank's export. It prints monthly totals by category, warns when a budget is exceeded, and never loses a cent.

## Requirements

- Amounts are whole cents; nothing is rounded twice.
- Import of CSV and CAMT files, with duplicates recognised.
"""

#: Number, complexity, what it needs, and what is to be built.
_TASKS: list[tuple[int, str, tuple[int, ...], str]] = [
    (1, "easy", (), "`pocket/money.py` turns typed amounts into whole cents and back"),
    (2, "complex", (), "`pocket/store.py` appends to a JSON-lines file that several processes share"),
    (3, "easy", (), "A command-line skeleton with `--help` and exit codes"),
    (4, "normal", (1, 2), "`pocket add` records one expense"),
    (5, "normal", (1,), "Parse dates as people type them, with a fixed week start"),
    (6, "normal", (2, 5), "Read one month from the store without loading the whole file"),
    (7, "normal", (1, 6), "Monthly totals by category"),
    (8, "easy", (7,), "Align the columns of the monthly report"),
    (9, "complex", (1, 2), "Import the bank’s CAMT.053 export"),
    (10, "normal", (1, 2), "Import CSV with a guessed separator"),
    (11, "complex", (9, 10), "Recognise duplicates across both imports"),
    (12, "normal", (4, 11), "`pocket undo` takes back the last import"),
    (13, "easy", (3,), "Shell completion for bash and zsh"),
    (14, "normal", (7,), "Budgets by category, with a warning at 90 %"),
    (15, "normal", (14,), "Budgets that carry over to the next month"),
    (16, "complex", (7, 14), "A terminal chart of the last twelve months"),
    (17, "normal", (2,), "A lock that survives a killed process"),
    (18, "normal", (17,), "Compact the store and keep a backup"),
    (19, "complex", (18,), "Encrypt the store with a passphrase"),
    (20, "normal", (19,), "Change the passphrase without losing the backup"),
    (21, "normal", (19, 12), "Export an encrypted bundle for another household member"),
    (22, "easy", (3, 7), "`pocket report --json`"),
    (23, "normal", (22,), "A schema for the JSON report, checked in a test"),
    (24, "easy", (8,), "Right-align amounts in every locale"),
    (25, "normal", (4, 13), "Suggest categories from earlier notes"),
    (26, "normal", (25,), "Learn from corrections of a suggestion"),
]
_ISSUES = ["The import reads the whole CAMT file into memory", "An empty month prints a traceback",
           "The chart’s axis ends at the wrong month", "Completion is slow for a store of ten years"]  # fmt: skip
_MODELS = {"haiku": "claude-haiku-4-5", "sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5"}
#: What goes wrong, by the task and its attempt: a reason, or None for an agent that ends silently.
FAILS = {
    ("TASK-009", 1): "tests/test_camt.py fails: a booking without a value date raises KeyError (2 failed, 11 passed)",
    (
        "TASK-011",
        1,
    ): "the fixtures of both imports disagree on the sign of refunds; needs a decision in TASK-009’s note",
    ("TASK-019", 1): "cryptography is not installed and pip has no network",
    ("TASK-025", 1): "ran out of turns while reading the corpus",
    ("TASK-103", 1): "the axis is drawn by a library that is not in the repository",
    ("TASK-103", 2): "the chart needs a terminal, and there is none here: 3 of 4 tests are skipped, 1 fails",
}
RETURNED = {"TASK-014": "the criterion says 90 %, and the warning comes at 90.5 % because the limit is rounded up"}


class Ending(NamedTuple):
    at: int
    id: str


class ScriptedRun:
    """The run; *now* is its clock, in seconds since the epoch, and *directives* every directive that was given."""

    def __init__(self, root: Path, config: Path, session: str = "s1", now: int = 1_789_981_200) -> None:
        (root / ".claude").mkdir(parents=True)
        self.project = Project(str(root), str(root / ".claude"))
        self.now, self.session, self.random = now, session, random.Random(7)
        self.transcripts = config / "projects" / "-home-me-pocket"
        self.ends: list[Ending] = []
        self.names: dict[tuple[str, int], str] = {}
        self.directives: list[str] = []
        self.looked: Callable[[], object] = lambda: None
        self.filed = self.mended = self.messages = 0
        (root / "PRD.md").write_text(PRD, encoding="utf-8")

    def fill(self, more: str = "") -> None:
        """Writes the queue, with *more* words in each objective."""
        sections = [
            task(
                f"TASK-{n:03d}",
                complexity=level,
                objective=f"{what} {more}".rstrip(),
                dependencies=", ".join(f"TASK-{m:03d}" for m in needs) or "None",
                extra=f"**Files:** pocket/{n}.py\n\n",
            )
            for n, level, needs, what in _TASKS
        ]
        Path(self.project.queue).write_text(queue(*sections), encoding="utf-8")

    def play(self, words: list[str], until: Callable[[], bool] = lambda: False) -> str:
        """Obeys every directive. Returns the STOP line, or "" if it was ended by *until*."""
        self._say(
            "user", content="<command-message>orchestrate</command-message>\n<command-name>/orchestrate</command-name>"
        )
        lines = running.start(self.project, self.session, words, now=lambda: float(self.now))
        while not (stop := self._obey(lines)):
            if until():
                return ""
            self._pass()
            lines = running.wait_for_step(self.project, self.session, now=lambda: float(self.now))
            self.looked()
        return stop

    def _obey(self, lines: list[str]) -> str:
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "SPAWN":
                self._spawn(*rest.split(" ")[:2])
            if word in ("SPAWN", "STOP"):
                self.directives.append(line)
            if word == "STOP":
                self._answer([{"type": "text", "text": rest}], "claude-opus-5-5")
                return line
        return ""

    def _pass(self) -> None:
        """Time passes until the next agent ends, or half a minute."""
        self.now += 29
        self.ends.sort()
        if self.ends and self.ends[0].at <= self.now:
            ending = self.ends.pop(0)
            self.now = max(self.now - 29, ending.at)
            self._report(ending.id)

    def _spawn(self, id_: str, model: str) -> None:
        attempt = state_file.read(self.project).record(id_).attempts
        name = f"a{len(self.names):015x}"
        self.names[id_, attempt] = name
        use = f"t{self.messages}"
        call = {"type": "tool_use", "id": use, "name": "Task", "input": {"description": id_, "prompt": "…" * 40}}
        wait = {"type": "tool_use", "id": f"w{use}", "name": "Bash", "input": {"command": "claudestrator-helper wait"}}
        self._answer([call, wait], "claude-opus-5-5")
        self._say(
            "user",
            content=[{"type": "tool_result", "tool_use_id": use, "content": "launched"}],
            toolUseResult={"agentId": name},
        )
        prompt = reports.begin(self.project, id_)
        self._work(name, id_, model, prompt)
        usual = {"task": (45, 200), "verify": (60, 120)}.get(ids.role(id_), (40, 90))
        # The first agents of a run have to find their way.
        self.ends.append(Ending(self.now + self.random.randint(*usual), id_))

    def _report(self, id_: str) -> None:
        attempt, role = state_file.read(self.project).record(id_).attempts, ids.role(id_)
        if (id_, attempt) in FAILS:
            reports.fail(self.project, id_, attempt, FAILS[id_, attempt])
            return
        getattr(self, f"_{role}", lambda _: None)(id_)
        note = (
            f"{id_} is in `pocket/`, with its tests.\nMind the rounding: amounts are whole cents everywhere."
            if role == "task"
            else ""
        )
        reports.done(self.project, id_, attempt, note)

    def _task(self, id_: str) -> None:
        path = Path(self.project.root, "pocket", f"{id_[-3:]}.py")
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"# {self.now}\n" * 9)

    def _verify(self, id_: str) -> None:
        current = state_file.read(self.project)
        for each in current.verification.checking:
            reason = RETURNED.get(each, "") if current.record(each).returned is None else ""
            verdicts.give(self.project, each, "fail" if reason else "pass", None, reason)

    def _research(self, id_: str) -> None:
        sections = [
            f"### New\n\n**Summary:** {each}\n\n**Acceptance Criteria:**\n- it is fixed\n\n---\n\n"
            for each in _ISSUES[self.filed : self.filed + 2]
        ]
        self.filed += 2
        issue_verbs.add_issues(self.project, "".join(sections), "")

    def _decomp(self, id_: str) -> None:
        sections = []
        for found in issues.open_issues(q.parse(files.read(self.project.issues) or "")):
            self.mended += 1
            needs = "TASK-103" if self.mended == 4 else "None"
            sections.append(
                task(
                    f"TASK-{100 + self.mended}",
                    objective=f"Fix: {issues.summary(found)}",
                    dependencies=needs,
                    extra=f"**Issue:** {found.id}\n\n",
                )
            )
        files.write(self.project.queue, additions.add(files.read(self.project.queue) or "", "".join(sections))[0])

    def _memory(self, id_: str) -> None:
        issue_verbs.remember(
            self.project,
            "# Summary\nImports stream now, and an empty month prints its heading.\n\n# Patterns\n- cents everywhere\n",
        )

    # What Claude Code would write

    def _work(self, name: str, id_: str, model: str, prompt: str) -> None:
        path = self.transcripts / self.session / "subagents" / f"agent-{name}.jsonl"
        self._say("user", path, content=f"Run `claudestrator-helper prompt {id_}` and follow it.")
        self._say("user", path, content=[{"type": "tool_result", "tool_use_id": "p", "content": prompt}])
        for _ in range(self.random.randint(2, 5)):
            self._answer([{"type": "text", "text": "working"}], _MODELS[model], path)
        if ids.role(id_) == "task":
            self._edits(path, id_, _MODELS[model])

    def _edits(self, path: Path, id_: str, model: str) -> None:
        """A file that is written, another that is edited, and an edit that fails."""
        file, test = (
            os.path.join(self.project.root, name) for name in (f"pocket/{id_[-3:]}.py", f"tests/test_{id_[-3:]}.py")
        )
        kept, gone, new = (
            [f"{word} {number}\n" for number in range(self.random.randint(0, most))]
            for word, most in (("kept", 5), ("gone", 20), ("new", 160))
        )
        calls: list[tuple[str, dict[str, str], bool]] = [
            ("Write", {"file_path": file, "content": "".join(new)}, False),
            ("Edit", {"file_path": test, "old_string": "".join(kept + gone), "new_string": "".join(kept + new)}, False),
            ("Edit", {"file_path": file, "old_string": "x", "new_string": "y"}, True),
        ]
        for number, (name, given, fails) in enumerate(calls):
            key = f"e{self.messages}-{number}"
            self._answer([{"type": "tool_use", "id": key, "name": name, "input": given}], model, path)
            self._say(
                "user", path, content=[{"type": "tool_result", "tool_use_id": key, "content": "…", "is_error": fails}]
            )

    def _answer(self, blocks: list[dict[str, Any]], model: str, path: Path | None = None) -> None:
        self.messages += 1
        usage = {"input_tokens": self.random.randint(100, 3000), "cache_creation_input_tokens": self.random.randint(0, 9000), "cache_read_input_tokens": self.random.randint(0, 90_000), "output_tokens": self.random.randint(50, 4000)}  # fmt: skip
        self._say("assistant", path, id=f"m{self.messages}", model=model, content=blocks, usage=usage)

    def _say(self, kind: str, path: Path | None = None, toolUseResult: object = None, **message: object) -> None:  # noqa: N803
        path = path or self.transcripts / f"{self.session}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        at = f"{_iso(self.now)}.000Z"
        entry: dict[str, object] = {
            "type": kind,
            "uuid": f"u{self.random.random()}",
            "timestamp": at,
            "message": {"role": kind, **message},
        }
        if toolUseResult is not None:
            entry["toolUseResult"] = toolUseResult
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _iso(at: int) -> str:
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
