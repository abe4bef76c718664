"""What a commit for each task costs in a large repository: the step after a report, with and without it.

usage: python benchmarks/commits.py [--files N] [--tasks N]    (in an environment where Claudestrator is installed)

Each task of a run changes a file and adds one; the other run of the same tasks commits nothing. The two take turns, so
that a machine that changes its speed changes it for both.
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
_CONFIG = "[user]\n\tname = Ann\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"


class Cost(NamedTuple):
    """Seconds of a step: by the clock, and of the processor in it and in the git that it runs."""

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
        kinds = {kind: _begun(Path(folder, kind), kind, given.files, given.tasks) for kind in ("task", "none")}
        costs: dict[str, list[Cost]] = {kind: [] for kind in kinds}
        for number in range(1, given.tasks + 1):
            for kind, root in kinds.items():
                costs[kind].append(_step(root, number))
        made = _git(kinds["task"], "rev-list", "--count", "--branches=claudestrator/*", "--not", "main").strip()
    if made != str(given.tasks):
        sys.exit(f"{made} commits were made for {given.tasks} tasks")
    print(
        f"the step after a report, {given.files:,} files, {given.tasks} tasks; seconds (limit of the median: {LIMIT})\n"
    )
    print(f"{'':<22} {'median':>8} {'longest':>8} {'processor, median':>18}")
    for kind, name in (("task", "with its commit"), ("none", "without")):
        _print(name, costs[kind])
    both = zip(costs["task"], costs["none"], strict=True)
    _print("the commit itself", [Cost(one.wall - two.wall, one.cpu - two.cpu) for one, two in both])


def _print(name: str, costs: list[Cost]) -> None:
    walls = [cost.wall for cost in costs]
    cpu = statistics.median(cost.cpu for cost in costs)
    print(f"{name:<22} {statistics.median(walls):>8.3f} {max(walls):>8.3f} {cpu:>18.3f}")


def _begun(root: Path, kind: str, files: int, tasks: int) -> Path:
    for number in range(files):
        path = root / f"part{number % 100:02}" / f"file{number:05}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {number}\n" * 40)
    (root / ".gitignore").write_text(".claude/\n")
    (root / ".claudestrator").mkdir()
    (root / ".claudestrator/config.toml").write_text(f'[run]\ncommit = "{kind}"\n')
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "by hand"]):
        _git(root, *words)
    # Git reads a file again that was written in the second of its index.
    time.sleep(1.1)
    _git(root, "status")
    (root / ".claude").mkdir()
    (root / ".claude/task_queue.md").write_text(queue(*(task(f"TASK-{number:03}") for number in range(1, tasks + 1))))
    _call(root, "start", "--session", "s")
    return root


def _step(root: Path, number: int) -> Cost:
    id_ = f"TASK-{number:03}"
    _call(root, "prompt", id_)
    changed = root / f"part{number % 100:02}" / f"file{number:05}.py"
    changed.write_text(f"{changed.read_text()}# by {id_}\n")
    (root / f"new{number}.py").write_text(f"# {id_}\n")
    _call(root, "done", id_)
    before, begun = _processor(), time.perf_counter()
    _call(root, "wait")
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
