"""What improvement loops cost the orchestrator's context, through the real Claude Code with the scripted model.

usage: python benchmarks/loops.py [--loops N]    (CLAUDE_BIN names the binary, else the pinned one is fetched)

Each loop has one issue and one task. Every loop adds to the queues, the memory and the history, and none of that
should reach the orchestrator: its last loops should cost what its first ones did.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from rig import claude_code, loops
from rig.scene import Outcome, Stage
from rig.transcript import Transcript

#: So many loops at either end are compared, or half of fewer.
ENDS = 10
#: Seconds that a loop may take before the run is given up.
LIMIT = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loops", type=int, default=50)
    number = parser.parse_args().loops
    with tempfile.TemporaryDirectory() as folder:
        outcome = _run(Stage(claude_code.binary(), Path(folder).resolve()), number)
    costs, some = loops.costs(outcome.run), max(1, min(ENDS, number // 2))
    print(f"{number} loops of one issue and one task; characters that entered the main conversation\n")
    print(f"{'':<14} {'a loop':>8} {'turns a loop':>13} {'/ first row':>12}")
    ends = {f"first {some} loops": costs[:some], f"last {some} loops": costs[-some:], "all loops": costs}
    for name, part in ends.items():
        ratio = _mean(part) / _mean(costs[:some])
        print(f"{name:<14} {_mean(part):>8,.0f} {sum(cost.turns for cost in part) / len(part):>13.2f} {ratio:>12.3f}")
    seconds = outcome.run.seconds
    print(f"\n{seconds:,.0f} s in all, {seconds / number:.1f} s a loop, Claude Code's start included")


def _run(stage: Stage, number: int) -> Outcome:
    """A run of so many loops. Exits with what it said when it did not complete and commit every one."""
    scene = stage.by_script("loops", None, **loops.ENVIRONMENT)
    loops.prepare(scene)
    outcome = scene.orchestrate(loops.play_of([1] * number), f"/orchestrate {number}", limit=60 + LIMIT * number)
    expected = [f"Loop {loop}" for loop in range(1, number + 1)]
    if loops.history(scene) != expected or set(outcome.statuses.values()) != {"completed"}:
        sys.exit(f"the run did not complete its loops: {outcome.said}")
    return outcome


def _mean(costs: list[Transcript]) -> float:
    return sum(cost.entered for cost in costs) / len(costs)


if __name__ == "__main__":
    main()
