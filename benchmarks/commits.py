"""What a commit for each task costs in a large repository: its report and the step after it, with and without one.

usage: python benchmarks/commits.py [--files N] [--tasks N]    (in an environment where Claudestrator is installed)

Each task of a run changes a file and adds one. Of three runs of the same tasks one commits each in the working tree,
one merges each from a worktree, and one commits nothing. They take turns, so that a machine that changes its speed
changes it for all.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from queues import queue, task

HELPER = str(Path(sys.executable).with_name("claudestrator-helper"))
LIMIT = 0.5
TASK, TREES, NONE = "in the working tree", "in a worktree", "without commits"
PARTS = REPORT, STEP = "the report", "the step after it"
DIFFERENCES = {
    (TASK, STEP): f"= the commit (limit {LIMIT})",
    (TREES, REPORT): f"= the merge, with its commit (limit {LIMIT})",
    (TREES, STEP): "= the next worktree, made ahead, at the commit",
}
_CONFIG = "[user]\n\tname = Ann\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"


class Cost(NamedTuple):
    """Seconds by the clock, and of the processor in a call and in the git that it runs."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--tasks", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "gitconfig").write_text(_CONFIG)
        os.environ |= {"GIT_CONFIG_GLOBAL": f"{folder}/gitconfig", "GIT_CONFIG_NOSYSTEM": "1", "HOME": folder}
        kinds = {kind: _begun(Path(folder, kind), kind, given.files, given.tasks) for kind in (TASK, TREES, NONE)}
        costs = {(kind, part): list[Cost]() for kind in kinds for part in PARTS}
        for number in range(1, given.tasks + 1):
            for kind, root in kinds.items():
                for part, cost in zip(PARTS, _task(root, number), strict=True):
                    costs[kind, part].append(cost)
        for kind in (TASK, TREES):
            made = _git(kinds[kind], "rev-list", "--count", "--branches=claudestrator/*", "--not", "main").strip()
            if made != str(given.tasks):
                sys.exit(f"{made} commits were made for {given.tasks} tasks, {kind}")
    print(f"{given.files:,} files, {given.tasks} tasks; seconds\n")
    print(f"{'':<46} {'median':>8} {'longest':>8} {'processor, median':>18}")
    for (kind, part), found in costs.items():
        _print(f"{kind}: {part}", found)
    for (kind, part), name in DIFFERENCES.items():
        both = zip(costs[kind, part], costs[NONE, part], strict=True)
        _print(name, [Cost(one.wall - two.wall, one.cpu - two.cpu) for one, two in both])


def _print(name: str, costs: list[Cost]) -> None:
    walls = [cost.wall for cost in costs]
    cpu = statistics.median(cost.cpu for cost in costs)
    print(f"{name:<46} {statistics.median(walls):>8.3f} {max(walls):>8.3f} {cpu:>18.3f}")


def _begun(root: Path, kind: str, files: int, tasks: int) -> Path:
    for number in range(files):
        path = root / f"part{number % 100:02}" / f"file{number:05}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {number}\n" * 40)
    (root / ".gitignore").write_text(".claude/\n")
    (root / ".claudestrator").mkdir()
    commit = "none" if kind == NONE else "task"
    (root / ".claudestrator/config.toml").write_text(f'[run]\ncommit = "{commit}"\n')
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "by hand"]):
        _git(root, *words)
    # Git reads a file again that was written in the second of its index.
    time.sleep(1.1)
    _git(root, "status")
    (root / ".claude").mkdir()
    (root / ".claude/task_queue.md").write_text(queue(*(task(f"TASK-{number:03}") for number in range(1, tasks + 1))))
    _call(root, "start", "--session", "s", *(["--parallel", "2"] if kind == TREES else []))
    _call(root, "wait", "--max", "0")
    return root


def _task(root: Path, number: int) -> tuple[Cost, Cost]:
    """What the report of a task costs, and the step after it."""
    id_ = f"TASK-{number:03}"
    _call(root, "prompt", id_)
    own = root / ".claude/worktrees" / id_
    if own.is_dir():
        # Agents work for longer than it takes to make a worktree for the next one.
        _call(root, "wait", "--max", "3")
    place = own if own.is_dir() else root
    changed = place / f"part{number % 100:02}" / f"file{number:05}.py"
    changed.write_text(f"{changed.read_text()}# by {id_}\n")
    (place / f"new{number}.py").write_text(f"# {id_}\n")
    return _timed(root, "done", id_), _timed(root, "wait", "--max", "0")


def _timed(root: Path, *words: str) -> Cost:
    before, begun = _processor(), time.perf_counter()
    _call(root, *words)
    return Cost(time.perf_counter() - begun, _processor() - before)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _call(root: Path, *words: str) -> None:
    subprocess.run([HELPER, *words], cwd=root, check=True, capture_output=True)


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
