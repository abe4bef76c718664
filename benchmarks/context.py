"""What a run costs the orchestrator's context, through the real Claude Code with the scripted model.

usage: python benchmarks/context.py [--tasks N]    (CLAUDE_BIN names the binary, else the pinned one is fetched)

The same queue once with task texts of normal length and once with texts ten times as long: the texts go to the agents
by way of the helper, so the orchestrator's figures should not move.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from rig import budget, claude_code
from rig.scene import Stage

FACTORS = (1, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=budget.TASKS)
    tasks = parser.parse_args().tasks
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(claude_code.binary(), Path(folder).resolve())
        plays = {factor: budget.budget_play(tasks, factor) for factor in FACTORS}
        costs = {factor: budget.measured(stage.by_script(f"run-{factor}"), play) for factor, play in plays.items()}
    print(f"{tasks} tasks, one after the other, decomposition included; characters of the main conversation\n")
    print(f"{'task texts':>20} {'a task':>8} {'turns a task':>13} {'re-read in all':>15} {'/ first row':>12}")
    for factor, cost in costs.items():
        length = sum(map(len, plays[factor].tasks)) // tasks
        per_task, turns = cost.entered / tasks, cost.turns / tasks
        ratio = cost.entered / costs[FACTORS[0]].entered
        print(f"{length:>9,} characters {per_task:>8,.0f} {turns:>13.2f} {cost.reread:>15,} {ratio:>12.3f}")


if __name__ == "__main__":
    main()
