"""A run of thirty tasks in the real Claude Code, with failures, retries, parallel work and a loop, and every figure of
its report counted a second way: from the log, git, the queue, the requests that the API got and the raw transcripts.

usage: python tests/reported.py [ENGINE…]

An ENGINE is mod, task or lean, by default all. Needs CLAUDE_BIN, or fetches the release that everything is tested with.
Prints a line for each figure, and exits with 1 if two of them differ.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig import claude_code, loops, project
from rig.plays import Act, Ending, Play, task_section
from rig.scene import Scene, Stage
from rig.scripted_model import ScriptedModel
from rig.session import Run, run_headless
from rig.transcript import agent_exchanges, main_exchanges

if TYPE_CHECKING:
    from collections.abc import Iterator

TASKS, FILED = 26, 4
RED = Act(ending=Ending.FAIL, note="two of nine tests fail")
ODD: dict[str, tuple[Act, ...]] = {
    "TASK-003": (RED, Act(files={"src/3.txt": "a\nb\n"})),
    "TASK-103": (RED, RED),
    "TASK-013": (Act(ending=Ending.SILENT), Act(files={"src/13.txt": "a\n"})),
    "TASK-017": (Act(ending=Ending.FORGET, files={"src/17.txt": "a\n"}),),
}
COLUMNS = {
    "input": "input_tokens", "cache_creation": "cache_creation_input_tokens", "cache_read": "cache_read_input_tokens",
    "output": "output_tokens",
}  # fmt: skip


def play() -> Play:
    filed = loops.play_of([FILED])
    plain = {f"TASK-{n:03d}": (Act(files={f"src/{n}.txt": "line\n" * n}),) for n in range(1, TASKS + 1)}
    return replace(filed, acts={**filed.acts, **plain, **ODD})


def sections() -> list[str]:
    needs = {10: 9, 11: 10, 20: 3, 21: 20}
    return [
        task_section(
            f"TASK-{n:03d}",
            f"part {n}",
            complexity=("easy", "normal", "complex")[n % 3],
            dependencies=(f"TASK-{needs[n]:03d}",) if n in needs else (),
            files=(f"src/{n}.txt",),
        )
        for n in range(1, TASKS + 1)
    ]


def usages(scene: Scene) -> Iterator[tuple[bool, dict[str, int]]]:
    """The usage of each answer in the transcripts, as Claude Code wrote it last, and whether an agent got it."""
    found: dict[tuple[bool, str], dict[str, int]] = {}
    for path in (scene.setting.home / ".claude" / "projects").rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            message = entry.get("message")
            if entry.get("type") == "assistant" and message.get("model") != "<synthetic>":
                found["subagents" in path.parts, message["id"]] = message["usage"]
    for (is_agents, _), usage in found.items():
        yield is_agents, usage


def compared(scene: Scene, run: Run) -> Iterator[tuple[str, object, object]]:
    """Each figure by its name: of the report, and counted the second way."""
    home = scene.setting.home
    report = json.loads(project.helper(scene.project, "report", "--format", "json", home=home))
    account = json.loads(project.helper(scene.project, "context", "--json", home=home))
    log, works = project.run_log(scene.project), report["works"]
    tasks = [work for work in works if work["role"] == "task"]
    shown = [(work["id"], each["attempt"], each["model"], each) for work in works for each in work["attempts"]]
    yield "tasks", len(tasks), TASKS + FILED
    spawned = [(e["id"], e["attempt"], e["model"]) for e in log if e["event"] == "spawned"]
    yield "attempts", sorted(each[:3] for each in shown), sorted(spawned)
    ends = {(e["id"], e["attempt"]): (e["event"], e["seconds"]) for e in log if e["event"] in ("done", "failed")}
    yield "ends", {(i, n): (a["outcome"], a["ended"] - a["began"]) for i, n, _, a in shown}, ends
    queue = (scene.project / ".claude" / "task_queue.md").read_text(encoding="utf-8")
    statuses = dict(re.findall(r"### (TASK-\d+)\n.*?\| Status \| (\w+) \|", queue, re.DOTALL))
    yield "statuses", {work["id"]: work["status"] for work in tasks}, statuses
    yield "by status", Counter(statuses.values()), {"completed": TASKS + FILED - 1, "failed": 1}
    retried = {id_ for id_, attempt, _ in spawned if attempt > 1}
    yield "tried again", {work["id"] for work in tasks if len(work["attempts"]) > 1}, retried

    costs = [each["cost"] for *_, each in shown]
    main = report["orchestration"]["cost"] if report["orchestration"] else dict.fromkeys((*COLUMNS, "requests"), 0)
    yield "requests of agents", sum(c["requests"] for c in costs), len(agent_exchanges(run.exchanges))
    yield "requests of the conversation", main["requests"], len(main_exchanges(run.exchanges))
    raw = list(usages(scene))
    for name, word in COLUMNS.items():
        theirs = sum(usage.get(word) or 0 for is_agents, usage in raw if is_agents)
        yield f"{name} of agents", sum(c[name] for c in costs), theirs
        yield f"{name} of agents, as context has it", sum(c[name] for c in costs), account["tokens"]["agents"][name]
        whole = sum(usage.get(word) or 0 for _, usage in raw)
        yield f"{name} of all", sum(each["cost"][name] for each in report["models"]), whole
        yield f"{name} of the conversation, as context has it", main[name], account["tokens"]["main"][name]
    dollars = (account["cost"]["main"] or 0) + (account["cost"]["agents"] or 0)
    yield "dollars", round(sum(each["cost"]["dollars"] for each in report["models"]), 9), round(dollars, 9)

    issues = (scene.project / ".claude" / "issue_queue.md").read_text(encoding="utf-8")
    yield "issues", [issue["id"] for issue in report["issues"]], re.findall(r"### (ISSUE-\S+)", issues)
    at_once = max(sum(a["began"] <= at < a["ended"] for *_, a in shown) for *_, each in shown for at in [each["began"]])
    yield "in parallel", at_once > 1, True

    edited = {change["path"]: change["added"] for work in tasks for change in work["files"]}
    # Side by side, tasks are worked on in worktrees, and each is a commit on the branch of the run.
    branch = f"claudestrator/{report['run']['id']}"
    by_task = branch in loops.git(scene, "branch", "--format=%(refname:short)").split()
    place = branch if by_task else "HEAD"
    made = [name for name in loops.git(scene, "ls-tree", "-r", "--name-only", place).split() if name.endswith(".txt")]
    made += [name for name in loops.git(scene, "ls-files", "-o", "--exclude-standard").split() if name.endswith(".txt")]
    lines = {name: _lines(scene, place, name) for name in made if name.startswith(("src/", "made/"))}
    yield "edited lines", edited, lines
    if by_task:
        return
    (loop,) = report["loops"]
    yield "commit", loop["commit"], loops.git(scene, "rev-parse", "HEAD").strip()
    rows = [line.split("\t") for line in loops.git(scene, "show", "--numstat", "--format=", "HEAD").splitlines()]
    changes: list[dict[str, Any]] = loop["changes"]
    yield "diff", [[str(c["added"]), str(c["removed"]), c["path"]] for c in changes], rows


def _lines(scene: Scene, place: str, name: str) -> int:
    path = scene.project / name
    text = path.read_text(encoding="utf-8") if path.exists() else loops.git(scene, "show", f"{place}:{name}")
    return text.count("\n")


def reported(claude: Path, engine: str) -> list[str]:
    """The figures that differ with that engine."""
    folder = Path(tempfile.mkdtemp(prefix="reported-")).resolve()
    stage = Stage(claude, folder, engine=engine, data=Path(tempfile.gettempdir(), "reported-data"))
    make = stage.by_plugin if engine == "mod" else stage.by_script
    scene = make("pocket", None, **loops.ENVIRONMENT).with_queue(*sections())
    many = "" if engine == "lean" else " --parallel 4"
    words = f"/orchestrate 1{many} error handling"
    # The mod's exit code says that a task is left.
    run = scene.outcome(run_headless(scene.setting, ScriptedModel(play()), words, "bypassPermissions", 900)).run
    wrong = []
    for name, one, other in compared(scene, run):
        good = one == other or (name == "in parallel" and engine == "lean")
        print(f"{'ok  ' if good else 'NOT '} {engine}: {name}", flush=True)
        if not good:
            print(f"  the report: {one}\n  counted:    {other}", flush=True)
            wrong.append(name)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help="mod, task, lean")
    engines = parser.parse_args().engines or ["mod", "task", "lean"]
    claude = claude_code.binary()
    wrong = [name for engine in engines for name in reported(claude, engine)]
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
