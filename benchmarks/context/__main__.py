"""What a queue of tasks costs the orchestrator's context, and how long it takes, with each way to run it.

usage: python benchmarks/context [--engines NAMES] [--sizes NUMBERS] [--seconds N] [--repeat N] [--redraw]

Drives the real Claude Code (CLAUDE_BIN names the binary, else the pinned one is fetched) with the scripted model, keeps
the figures in figures.jsonl, and rewrites docs/context.md and docs/context.svg from them. Engines and sizes that are
left out keep the figures that they have.
"""

import argparse
import math
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from context import report
from rig import budget, claude_code
from rig.figures import Figures, figures
from rig.plays import Play
from rig.scene import Stage

#: The seconds that an agent's work takes, by the number of tasks. Where four work side by side, it has to be long
#: enough for them to overlap.
SECONDS = {20: 8.0, 100: 0.5}
#: The most where no wall time is promised, so that all engines are measured in a quarter of an hour.
SHORT = {"original": 2.0, "lean": 2.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", default=",".join(budget.ENGINES), help="by default %(default)s")
    parser.add_argument("--sizes", default=",".join(map(str, SECONDS)), help="by default %(default)s")
    parser.add_argument("--seconds", type=float, help="of an agent's work, instead of those of its engine and queue")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, of which the medians are taken")
    parser.add_argument("--redraw", action="store_true", help="measure nothing")
    given = parser.parse_args()
    pairs = [(name, int(size)) for size in given.sizes.split(",") for name in given.engines.split(",")]
    for name, size in [] if given.redraw else pairs:
        usual = min(SECONDS.get(size, 1.0), SHORT.get(name, math.inf))
        row = _measured(name, size, usual if given.seconds is None else given.seconds, given.repeat)
        report.keep(row)
        print(f"{name}, {size} tasks: {row.per_task} characters a task, {row.wall:,.0f} s", flush=True)
    print(f"\n{report.write()}")


def _measured(name: str, size: int, seconds: float, repeat: int) -> report.Row:
    """Exits where a conversation was compacted, because its figures can't be compared."""
    play = budget.budget_play(size, seconds=seconds, failing=range(5, size + 1, 10))
    runs = [_run(budget.ENGINES[name], play) for _ in range(repeat)]
    if any(run.compactions for run in runs):
        sys.exit(f"{name}, {size} tasks: the conversation was compacted; take fewer tasks")
    middle = {
        field: statistics.median_low([getattr(run, field) for run in runs])
        for field in asdict(runs[0])
        if field != "compactions"
    }
    return report.Row(engine=name, tasks=size, seconds=seconds, work=budget.work(play), **middle)


def _run(engine: budget.Engine, play: Play) -> Figures:
    limit = 120 + 5 * len(play.tasks) + 2 * budget.work(play)
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        scene = engine.scene(Stage(claude_code.binary(), Path(folder).resolve()), "project")
        return figures(budget.exchanges(scene, engine, play, limit))


if __name__ == "__main__":
    main()
