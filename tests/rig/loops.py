"""Improvement loops: plays of them, a project that is ready for them, and what they left."""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

from rig import project
from rig.agents import launched, prompt_of, task_of
from rig.conversation import text_of
from rig.plays import Act, Play, task_section
from rig.transcript import agent_exchanges, main_exchanges, transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rig.messages_api import JSON
    from rig.scene import Scene
    from rig.session import Run
    from rig.transcript import Transcript

_NOW = datetime.now(timezone.utc)
#: The day that is in the issues' ids.
DAY = f"{_NOW:%Y%m%d}"
#: Git's identity, and a zone where it is noon now: an issue's id holds the day, and none may end during a run.
ENVIRONMENT = {
    "TZ": f"RIG{_NOW.hour - 12:+d}",
    "GIT_AUTHOR_NAME": "Rig",
    "GIT_AUTHOR_EMAIL": "rig@localhost",
    "GIT_COMMITTER_NAME": "Rig",
    "GIT_COMMITTER_EMAIL": "rig@localhost",
}
#: A file of the person's, and what stands in it, uncommitted, since before the run.
MINE, UNFINISHED = "mine.txt", "mine, unfinished\n"
_FIRST_TASK = 101
_SYLLABLES = ("zor", "vex", "quil", "brax", "thul", "wymp", "plok", "krim", "jund", "fesk")


def play_of(tasks: Sequence[int], *, writes: bool = True) -> Play:
    """One loop for each number, in which research files so many issues and each becomes a task.

    The tasks are TASK-101 and on; each writes `made/<id>.txt`, if any may write.
    """
    acts: dict[str, tuple[Act, ...]] = {}
    first = 0
    for loop, count in enumerate(tasks, 1):
        numbers = range(first, first + count)
        acts[f"research-{loop}"] = (_filing("add-issue", [_issue(number) for number in numbers]),)
        acts[f"decomp-{loop}"] = (_filing("add-tasks", [_task(number) for number in numbers]),)
        for task_id in map(task_name, numbers):
            acts[task_id] = (Act(files={made(task_id): f"by {task_id}\n"} if writes else {}),)
        acts[f"memory-{loop}"] = (Act(checks=(_helper("remember", f"# Summary\n\n{summary(loop)}"),)),)
        first += count
    return Play(acts=acts)


def task_name(number: int) -> str:
    return f"TASK-{_FIRST_TASK + number}"


def made(task_id: str) -> str:
    return f"made/{task_id}.txt"


def summary(loop: int) -> str:
    """What the memory agent of the loop reports: words that are in no other text."""
    return _sentence(f"summary {loop}", 12)


def prepare(scene: Scene) -> None:
    """The project as its initial build left it, committed, and then a file that the person is at work on."""
    project.helper(scene.project, "add-tasks", "-", text=task_section("TASK-001", "it is there") + "\n\n---\n")
    project.helper(scene.project, "set-status", "TASK-001", "completed")
    project.helper(scene.project, "state", "initial_prd_tasks_complete", "true")
    (scene.project / MINE).write_text("mine\n", encoding="utf-8")
    git(scene, "add", "-A")
    git(scene, "commit", "-qm", "Initial build")
    (scene.project / MINE).write_text(UNFINISHED, encoding="utf-8")


def git(scene: Scene, *words: str) -> str:
    """What git prints. Raises CalledProcessError."""
    environment = {**os.environ, **ENVIRONMENT, "HOME": str(scene.setting.home)}
    done = subprocess.run(
        ["git", *words], cwd=scene.project, check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


def history(scene: Scene) -> list[str]:
    """The commits' subjects behind the initial build, the oldest first."""
    return git(scene, "log", "--reverse", "--format=%s").splitlines()[2:]


def committed(scene: Scene, revision: str = "HEAD") -> list[str]:
    """The paths in a commit, without those of `.claude/`."""
    words = ("show", "--name-only", "--format=", revision, "--", ".", ":!.claude")
    return git(scene, *words).splitlines()


def hook(scene: Scene, script: str) -> None:
    """Makes a shell script the repository's pre-commit hook."""
    path = scene.project / ".git" / "hooks" / "pre-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def prompts(run: Run) -> dict[str, str]:
    """What each agent was told to do, by its task's or its role's id; of several attempts the last."""
    found = {}
    for exchange in agent_exchanges(run.exchanges):
        task_id, prompt = task_of(exchange.request), prompt_of(exchange.request)
        if task_id and prompt:
            found[task_id] = prompt
    return found


def costs(run: Run) -> list[Transcript]:
    """What each loop cost the main conversation, from the spawning of its research to that of the next one's.

    Holds for a run in which no research was spawned twice.
    """
    main = main_exchanges(run.exchanges)
    starts = [at for at, exchange in enumerate(main) if any(map(_spawns_research, exchange.answer))]
    parts = [transcript(main[first : after + 1]) for first, after in pairwise(starts)]
    # Each of these ends with the call that begins the next loop, which is the next one's cost.
    begun = [sum(len(text_of(block)) for block in main[at].answer) for at in starts[1:]]
    whole = [
        replace(part, entered=part.entered - call, turns=part.turns - 1)
        for part, call in zip(parts, begun, strict=True)
    ]
    return [*whole, transcript(main[starts[-1] :])]


def _spawns_research(block: JSON) -> bool:
    return launched(block).startswith("research-")


def _filing(verb: str, sections: list[str]) -> Act:
    return Act(checks=(_helper(verb, "\n\n---\n\n".join(sections) + "\n\n---"),))


def _helper(verb: str, text: str) -> str:
    return f"claudestrator-helper {verb} - <<'TEXT'\n{text}\nTEXT"


def _issue(number: int) -> str:
    said = _sentence(f"issue {number}", 6)
    return f"### New issue\n\n**Summary:** {said}\n\n**Acceptance Criteria:**\n- it is mended"


def _task(number: int) -> str:
    section = task_section(task_name(number), _sentence(f"task {number}", 6), complexity="easy")
    return f"{section}\n\n**Issue:** ISSUE-{DAY}-{number + 1:03}"


def _sentence(seed: str, length: int) -> str:
    words = random.Random(seed)
    return " ".join("".join(words.choices(_SYLLABLES, k=3)) for _ in range(length))
