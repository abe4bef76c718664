"""How long agents side by side take for a queue with a gate, compared with one at a time, in the real Claude Code.

usage: python benchmarks/side_by_side.py [--tasks N] [--slots K] [--seconds S] [--files N]

Both runs are the mod's, with agents of S seconds, of which each writes a file of its own and reports through the gate.
Checks that each task is one commit and that the gate is green on each commit. An agent's start and end take about a
second of the processor: with 2 cores and 10 agents, take 30 seconds, so that the machine is not what is measured.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from claudestrator_helper.engine.gates import Gates
from claudestrator_helper.store import paths
from claudestrator_helper.system import consent
from rig import claude_code, loops
from rig.figures import agent_spans, dispatches
from rig.plays import Act, Play, task_section
from rig.scene import CONFIG, PRD, Outcome, Scene, Stage

#: Red where a file of the sources can't be compiled.
CHECK = "import pathlib\nfor path in pathlib.Path('src').glob('*.py'):\n    compile(path.read_text(), path, 'exec')\n"
GATE = "python3 check.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--slots", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--files", type=int, default=0, help="other files in the repository")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        stage = Stage(claude_code.binary(), Path(folder).resolve(), engine="mod")
        walls = [_measured(stage, given, slots) for slots in (1, given.slots)]
    print(f"{given.slots} side by side / one at a time: {walls[1] / walls[0]:.3f}")


def _measured(stage: Stage, given: argparse.Namespace, slots: int) -> float:
    """The seconds from the first agent's first request to the last agent's report."""
    ids = [f"TASK-{number:03}" for number in range(1, given.tasks + 1)]
    scene = _scene(stage, f"{slots}-at-once", given.files)
    scene.with_queue(*(task_section(id_, f"part {id_}", files=(f"src/{id_[-3:]}.py",)) for id_ in ids))
    acts: dict[str, tuple[Act, ...]] = {
        id_: (Act({f"src/{id_[-3:]}.py": "VALUE = 1\n"}, delay=given.seconds),) for id_ in ids
    }
    words = f"/orchestrate --parallel {slots}" if slots > 1 else "/orchestrate"
    outcome = scene.orchestrate(Play(acts=acts), words, limit=120 + 3 * given.tasks * (given.seconds + 2))
    _check(scene, outcome, ids)
    spans = agent_spans(outcome.run.exchanges)
    wall = max(span.end for span in spans) - min(span.start for span in spans)
    own = statistics.median(span.end - span.start for span in spans)
    told = f"{statistics.median(dispatches(spans)):.2f} s to the next agent" if len(spans) > slots else "no next agent"
    print(f"{slots:>2} at once: {wall:6.1f} s, an agent's median {own:.2f} s, {told}", flush=True)
    return wall


def _scene(stage: Stage, name: str, files: int) -> Scene:
    more = {f"part{number % 100:02}/file{number:05}.txt": f"{number}\n" * 40 for number in range(files)}
    config = f'[run]\ncommit = "task"\n[gate]\ncommands = ["{GATE}"]\n'
    own = {"PRD.md": PRD, "check.py": CHECK, ".gitignore": ".claude/\n", CONFIG: config}
    scene = stage.by_plugin(name, own | more)
    os.environ["XDG_STATE_HOME"] = str(scene.setting.home / ".local" / "state")
    consent.write(paths.project(str(scene.project)), Gates([GATE], {}))
    return scene


def _check(scene: Scene, outcome: Outcome, ids: list[str]) -> None:
    """Exits unless each task is one commit on the run's branch, proved by the gate, which is green on each of them."""
    branch = loops.git(scene, "branch", "--list", "--format=%(refname:short)", "claudestrator/*").strip()
    commits = loops.git(scene, "log", "--format=%H %s", f"main..{branch}").splitlines()
    proofs = [each.get("proof") for each in outcome.events if each["event"] == "done"]
    if sorted(line.split()[1].rstrip(":") for line in commits) != ids or proofs != ["gate"] * len(ids):
        sys.exit(f"{len(commits)} commits and {proofs.count('gate')} proofs for {len(ids)} tasks")
    with tempfile.TemporaryDirectory() as folder:
        loops.git(scene, "worktree", "add", "--quiet", "--detach", f"{folder}/tree", branch)
        for line in commits:
            loops.git(scene, "-C", f"{folder}/tree", "checkout", "--quiet", line.split()[0])
            subprocess.run(GATE.split(), cwd=f"{folder}/tree", check=True)
        loops.git(scene, "worktree", "remove", f"{folder}/tree")


if __name__ == "__main__":
    main()
