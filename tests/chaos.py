"""Runs the helper in chaos: scripted sessions and agents as processes, kills and faults at random, and a judge.

usage: python tests/chaos.py [--runs 200] [--tasks 10] [--jobs J] [--seed S] [--first N] [--speed X]
                              [--faults kill_at_git,…] [--hosts mods,skills,plain] [--commits] [--verbose]

Every run has to end with each task completed once, or failed or blocked for a reason that is on record. The helper's
clock runs fast (--speed), so that its timeouts of minutes take seconds. Prints figures; exits with 1 on any finding,
whose folder is kept. The dice are seeded, the scheduling of processes isn't: a seed makes a run alike, not the same.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rig.chaos.figures import Figures

HELPER = Path(__file__).resolve().parent.parent / "helper"


def main() -> int:
    options = parsed(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if sys.version_info < (3, 11) or not os.path.exists("/proc/self/comm"):
        print("the chaos run needs Python 3.11 (the project's config.toml) and Linux (a process that plays a shell)")
        return 2
    if not (shutil.which("node") and shutil.which("git")):
        print("the chaos run needs git, and Node.js, which runs the plugin's hooks module as Claude Code does")
        return 2
    for name in [name for name in os.environ if name.startswith(("CLAUDE", "BASH_MAX"))]:
        del os.environ[name]
    sys.path.insert(0, str(HELPER))
    from rig.chaos.scene import Clock, real

    clock = Clock(options.speed)
    clock.install()
    preload()
    folder = tempfile.mkdtemp(prefix="chaos-")
    move_in(folder)
    begun, every, wrong = real(), [], 0
    for seed, figures, findings in outcomes(options, clock, folder):
        every.append(figures)
        wrong += bool(findings)
        say(options, folder, seed, figures, findings)
    from rig.chaos.figures import table

    print("\n".join(table(every, real() - begun)))
    print(f"{wrong} of {options.runs} runs have findings" + (f": see {folder}" if wrong else ""))
    if not wrong:
        shutil.rmtree(folder)
    return int(bool(wrong))


def parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="runs at the same time")
    parser.add_argument("--seed", default=str(int(time.time())), help="of all runs; each adds its number")
    parser.add_argument("--first", type=int, default=1, help="the number of the first run, to play one again")
    parser.add_argument("--speed", type=float, default=20, help="of the helper's clock")
    parser.add_argument("--pace", type=float, default=1, help="faults a second")
    parser.add_argument("--seconds", type=float, default=40, help="of chaos in a run, at most")
    parser.add_argument("--faults", type=names, default=(), help="methods of Faults, with commas; else all")
    parser.add_argument("--hosts", type=names, default=("mods", "skills", "plain"), help="of HOSTS, with commas")
    parser.add_argument("--commits", action="store_true", help="in a repository, with a commit for each task")
    parser.add_argument("--verbose", action="store_true", help="a line for every run")
    return parser.parse_args(words)


def names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def move_in(folder: str) -> None:
    """Has every process find its home below *folder*, and nothing of the person who runs this."""
    config = Path(folder, "gitconfig")
    config.write_text(
        "[user]\n\tname = Ann\n\temail = ann@example.org\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
    )
    os.environ |= {"HOME": folder, "GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "AI_AGENT"):
        os.environ.pop(name, None)


def preload() -> None:
    """Imports the whole helper: every call is a fork of this process."""
    import importlib
    import pkgutil

    import claudestrator_helper

    importlib.import_module("filelock")
    importlib.import_module("yaml")
    for module in pkgutil.walk_packages(claudestrator_helper.__path__, "claudestrator_helper."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def outcomes(options: argparse.Namespace, clock: object, folder: str) -> Iterator[tuple[str, Figures, list[str]]]:
    """What came of each run, in the order in which they end: its seed, figures and findings."""
    from rig.chaos.figures import Figures

    waiting = [f"{options.seed}-{number}" for number in range(options.first, options.first + options.runs)]
    running: dict[int, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < options.jobs:
                seed = waiting.pop(0)
                running[begin(options, clock, folder, seed)] = seed
            pid, status = os.wait()
            seed = running.pop(pid)
            path = Path(folder, seed, "outcome.json")
            if status or not path.exists():
                yield seed, Figures(Counter(), {}), [f"the chaos run itself broke, status {status}"]
                continue
            outcome = json.loads(path.read_text())
            yield seed, Figures(Counter(outcome["counts"]), outcome["seconds"]), outcome["findings"]
    finally:
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        for pid in running:
            os.waitpid(pid, 0)


def begin(options: argparse.Namespace, clock: object, folder: str, seed: str) -> int:
    import running
    from rig.chaos import evidence, figures, judge
    from rig.chaos.world import Terms, World

    def work() -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        terms = Terms(
            options.tasks,
            options.pace,
            options.seconds,
            speed=options.speed,
            faults=options.faults,
            hosts=options.hosts,
            commits=options.commits,
        )
        world = World(os.path.join(folder, seed), seed, terms)
        clock.weather = world.scene.weather  # type: ignore[attr-defined]
        world.run()
        found = evidence.evidence(world.scene)
        counts, seconds = figures.of(found, world.scene.folder)
        outcome = {"counts": counts, "seconds": seconds, "findings": judge.findings(found)}
        Path(world.scene.folder, "outcome.json").write_text(json.dumps(outcome))

    return running.fork(work)


def say(options: argparse.Namespace, folder: str, seed: str, figures: Figures, findings: list[str]) -> None:
    where = os.path.join(folder, seed)
    if options.verbose:
        counts = figures.counts
        print(
            seed,
            *(
                f"{counts[name]} {name}"
                for name in ("tasks completed", "tasks failed", "tasks blocked", "sessions", "agents")
            ),
            sep="  ",
        )
    if findings:
        print(f"{seed}: {len(findings)} findings, kept in {where}")
        print("\n".join(f"  {line}" for line in findings))
        print(*_tail(Path(where)), sep="\n")
    else:
        shutil.rmtree(where, ignore_errors=True)
    sys.stdout.flush()


def _tail(folder: Path) -> list[str]:
    logs = [path for path in folder.glob("project*/.claude/run_log.jsonl") if path.exists()]
    return [f"    {line}" for path in logs for line in path.read_text().splitlines()[-12:]]


if __name__ == "__main__":
    sys.exit(main())
