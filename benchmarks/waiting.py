"""How soon `wait` returns behind a marker, and what it costs the processor while it waits.

usage: python benchmarks/waiting.py [--rounds N] [--idle SECONDS]
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from queues import queue, task


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--idle", type=float, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        delays = sorted(_delay(Path(folder, str(at)), at) for at in range(given.rounds))
        busy = [_busy(Path(folder, f"idle-{at}"), seconds) for at, seconds in enumerate((1.0, 1.0 + given.idle))]
    at_95 = delays[min(len(delays) - 1, int(len(delays) * 0.95))]
    share = (busy[1] - busy[0]) / given.idle
    print(f"marker to the end of the process, {given.rounds} rounds (limit 0.25 s at the 95th percentile)\n")
    print(f"{'median':>12} {'95th':>8} {'longest':>8}")
    print(f"{statistics.median(delays):>10.3f} s {at_95:>6.3f} s {delays[-1]:>6.3f} s\n")
    print(f"processor while waiting: {100 * share:.3f}% of a core (limit 1%), {busy[0]:.3f} s to start and end")


def _helper() -> str:
    return str(Path(sys.executable).with_name("claudestrator-helper"))


def _start(folder: Path) -> None:
    (folder / ".claude").mkdir(parents=True)
    (folder / ".claude" / "task_queue.md").write_text(queue(task("TASK-001")), encoding="utf-8")
    subprocess.run([_helper(), "start", "--session", "s"], cwd=folder, check=True, capture_output=True)


def _delay(folder: Path, at: int) -> float:
    """Seconds from an agent's marker to the end of the `wait` that saw it."""
    _start(folder)
    waiting = subprocess.Popen([_helper(), "wait"], cwd=folder, stdout=subprocess.PIPE)
    # At another point of the polling interval each time.
    time.sleep(0.8 + 0.1 * (at % 10) / 10)
    markers = folder / ".claude" / "agent_complete"
    markers.mkdir(exist_ok=True)
    (markers / "TASK-001.done").touch()
    before = time.perf_counter()
    waiting.communicate(timeout=30)
    return time.perf_counter() - before


def _busy(folder: Path, seconds: float) -> float:
    """Processor seconds of a `wait` of so many seconds in which nothing happens."""
    _start(folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([_helper(), "wait", "--max", str(seconds)], cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
