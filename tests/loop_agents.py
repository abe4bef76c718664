"""A project on a real disk and a real git, and the agents that work through its loops."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.commands import issues as issue_verbs
from claudestrator_helper.run import steering
from claudestrator_helper.store import files, paths, state_file
from claudestrator_helper.texts import issues
from claudestrator_helper.texts import queue as q
from queues import queue, task
from states import state_of

GIT = ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"]


def git(project: paths.Project, *words: str) -> str:
    return subprocess.run([*GIT, *words], cwd=project.root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Project:
    """A finished initial build, committed, and a file of the person's that is dirty."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "T")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "t@localhost")
    root = tmp_path / "project"
    (root / ".claude").mkdir(parents=True)
    found = paths.project(str(root))
    (root / "mine.txt").write_text("mine\n", encoding="utf-8")
    Path(found.queue).write_text(queue(task("TASK-001", status="completed")), encoding="utf-8")
    state_file.write(found, state_of(initial_prd_tasks_complete=True))
    git(found, "init", "-q")
    git(found, "add", "-A")
    git(found, "commit", "-qm", "Begin")
    (root / "mine.txt").write_text("mine, unfinished\n", encoding="utf-8")
    return found


def issue(summary: str) -> str:
    return f"### New issue\n\n**Summary:** {summary}\n\n**Acceptance Criteria:**\n- it is mended\n\n---\n\n"


FINDINGS = [
    "the door does not shut",
    "rain comes through the roof",
    "nobody can find the light switch",
    "two windows are painted over",
    "stairs creak so loudly that cats flee",
    "smoke fills our kitchen every evening",
    *(f"{word} {word * 3} {word * 2}" for word in ("ab", "cd", "ef", "gh", "ij", "kl", "mn", "op", "qr", "st")),
]


class Agents:
    """Everybody who works in a run: two issues and two tasks a loop, and a file a task."""

    def __init__(self, project: paths.Project, per_loop: int = 2) -> None:
        self.project, self.per_loop = project, per_loop
        self.worked: list[str] = []
        self.prompts: dict[str, str] = {}
        self.said: list[str] = []
        self.number = 0
        self.found: list[str] = []

    def work(self, id_: str) -> None:
        self.worked.append(id_)
        self.prompts[id_] = reports.begin(self.project, id_)
        role, _, loop = id_.partition("-")
        getattr(self, role, self.build)(id_, loop)
        reports.done(self.project, id_, None, f"note of {id_}")

    def research(self, id_: str, loop: str) -> None:
        text = "".join(issue(FINDINGS[len(self.found) + n]) for n in range(self.per_loop))
        self.found += FINDINGS[: self.per_loop]
        issue_verbs.add_issues(self.project, text, "")

    def decomp(self, id_: str, loop: str) -> None:
        from claudestrator_helper.texts import additions

        sections = []
        for found in issues.open_issues(q.parse(files.read(self.project.issues) or "")):
            self.number += 1
            id_ = f"TASK-{100 + self.number}"
            sections.append(task(id_, objective=f"Mend {found.id}", extra=f"**Issue:** {found.id}\n\n"))
        text, _ = additions.add(files.read(self.project.queue) or "", "".join(sections))
        files.write(self.project.queue, text)

    def memory(self, id_: str, loop: str) -> None:
        issue_verbs.remember(
            self.project,
            f"# Summary\nsecret summary of loop {loop}\n\n# Gotchas\n- mind {loop} (files: TASK-101.txt)\n",
        )

    def build(self, id_: str, loop: str) -> None:
        Path(self.project.root, f"{id_}.txt").write_text(f"{id_}\n" * 5, encoding="utf-8")


def drive(
    agents: Agents, words: list[str], before: Callable[[str], bool] = lambda _: False, session: str = "s1"
) -> str:
    """Obeys directives until STOP; *before* an agent works it may say that the run is to be stopped instead."""
    lines = running.start(agents.project, session, words)
    for _ in range(400):
        agents.said += lines
        directives = [line.split(" ") for line in lines if line.split(" ")[0] in ("SPAWN", "WAIT", "STOP")]
        for directive in directives:
            if directive[0] == "STOP":
                return " ".join(directive)
            if directive[0] == "SPAWN":
                if before(directive[1]):
                    steering.stop(agents.project)
                agents.work(directive[1])
        lines = running.wait_for_step(agents.project, limit=5)
    raise AssertionError("the run does not end")


def history(project: paths.Project) -> list[str]:
    return git(project, "log", "--reverse", "--format=%s").splitlines()
