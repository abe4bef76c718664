"""How long a verb takes as a whole process, beside `python -c pass` and `python -c 'import click'`.

usage: python benchmarks/latency.py [--rounds N]    (in an environment where Claudestrator is installed)

Each round runs every command once, in turn, so that a machine that changes its speed changes it for all of them;
the table holds the medians and the median of the ratios, round by round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from queues import many, task

HELPER = str(Path(sys.executable).with_name("claudestrator-helper"))
SIZES = (10, 32, 100, 1000, 10_000)
#: Which verbs run at every size; the others run on the queue of 32 tasks.
EVERY_SIZE = ("next-task", "set-status")
#: Each in a project of its own, in which a run has claimed TASK-017.
OTHERS = (
    "tasks", "status", "state", "check", "prompt TASK-017", "wait --max 0", "stop", "start --session s",
    "wait-command TASK-017", "state note x", "add-tasks -", "add-issue -", "issues", "done TASK-017", "fail TASK-017 x",
)  # fmt: skip
#: What hooks are told, in such a project; the limit is 50 ms where the run's own session tells it.
EVENTS: dict[str, dict[str, object]] = {
    "a prompt of any session": {"hook_event_name": "UserPromptSubmit", "session_id": "other", "prompt": "mend it"},
    "another session's Stop": {"hook_event_name": "Stop", "session_id": "other"},
    "the run's Stop": {"hook_event_name": "Stop", "session_id": "s"},
    "the run's call of the helper": {
        "hook_event_name": "PreToolUse",
        "session_id": "s",
        "tool_name": "Bash",
        "tool_input": {"command": "claudestrator-helper wait"},
    },
    "the run's launch of an agent": {
        "hook_event_name": "PostToolUse",
        "session_id": "s",
        "tool_name": "Agent",
        "tool_input": {"description": "TASK-017"},
        "tool_response": {"status": "async_launched", "agentId": "a1"},
    },
}


class Timed(NamedTuple):
    """A command, where it runs, and what it reads each time; None for something new each time."""

    words: list[str]
    folder: Path
    given: bytes | None = b""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        commands = dict(_commands(Path(folder)))
        times = _measure(commands, rounds)
    bare, click = times["python -c pass"], times["python -c 'import click'"]
    print(f"medians of {rounds} rounds, whole processes; a ratio is the median of the rounds' ratios\n")
    print(f"{'command':<42} {'ms':>7} {'/ pass':>8} {'/ click':>8}")
    for name, seconds in times.items():
        of_bare, of_click = (_ratio(seconds, other) for other in (bare, click))
        print(f"{name:<42} {statistics.median(seconds) * 1000:>7.1f} {of_bare:>8.2f} {of_click:>8.2f}")


def _commands(folder: Path) -> list[tuple[str, Timed]]:
    python = sys.executable
    found = [
        ("python -c pass", Timed([python, "-c", "pass"], folder)),
        ("python -c 'import click'", Timed([python, "-c", "import click"], folder)),
    ]
    for size in SIZES:
        project = _project(folder / str(size), size)
        for verb in EVERY_SIZE:
            words = ["set-status", f"TASK-{size:03d}", "pending"] if verb == "set-status" else [verb]
            found.append((f"{verb}, {size:,} tasks", Timed([HELPER, *words], project)))
    for verb in OTHERS:
        given = None if verb.endswith(" -") else b""
        found.append(
            (f"{verb}, 32 tasks", Timed([HELPER, *verb.split()], _run(folder / verb.replace(" ", "-")), given))
        )
    for name, event in EVENTS.items():
        given = json.dumps(event, separators=(",", ":")).encode()
        found.append((f"hook, {name}", Timed([HELPER, "hook"], _run(folder / name), given)))
    return found


def _input(verb: str, at: int) -> bytes:
    """What a verb reads on standard input in the round *at*: something new each time, so that it is never refused."""
    if verb == "add-tasks":
        return task(f"TASK-9{at:03d}").encode()
    words = " ".join(f"{word}{at}" for word in ("door", "roof", "cellar"))
    return f"### New issue\n\n**Summary:** {words}\n\n**Acceptance Criteria:**\n- mended\n".encode()


def _project(folder: Path, size: int) -> Path:
    state = folder / ".claude"
    state.mkdir(parents=True)
    (state / "task_queue.md").write_text(many(size, completed=size // 2), encoding="utf-8")
    return folder


def _run(folder: Path) -> Path:
    """A project in which session s has a run, with TASK-017 claimed."""
    project = _project(folder, 32)
    words = [HELPER, "start", "--session", "s"]
    subprocess.run(words, cwd=project, check=True, capture_output=True, env=_environment())
    return project


def _measure(commands: dict[str, Timed], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in commands}
    for at in range(rounds + 1):
        for name, (command, folder, given) in commands.items():
            if command[1] == "set-status":
                # Every other round pending, so that each round changes the file.
                command[3] = "completed" if at % 2 else "pending"
            text = _input(command[1], at) if given is None else given
            before = time.perf_counter()
            done = subprocess.run(command, cwd=folder, input=text, capture_output=True, check=False, env=_environment())
            seconds = time.perf_counter() - before
            # `check` finds something to say in a project without a repository.
            if done.returncode and command[1] != "check":
                sys.exit(f"{name} did not do its work: {done.stderr.decode()}")
            if at:
                times[name].append(seconds)
    return times


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CLAUDESTRATOR_"))}


def _ratio(seconds: list[float], other: list[float]) -> float:
    return statistics.median(one / two for one, two in zip(seconds, other, strict=True))


if __name__ == "__main__":
    main()
