"""The demo: the example PRD becomes finished, tested software in a temporary repository.

usage: python demo.py           the real Claude Code and a scripted model: no key, no network, a HOME of its own
       python demo.py --live    your own claude and login, which costs what such a run costs
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig import claude_code, example_play, isolation, project, transcript
from rig.scripted_model import ScriptedModel
from rig.session import Run, Setting, prepare_home, run_headless

if TYPE_CHECKING:
    from collections.abc import Iterator

MODE = "acceptEdits"
SCRIPTED_LIMIT = 300
# What the example's agents run besides the helper; a person would have allowed the tests of their project too.
ALLOWED = ["Bash(python3 -m unittest)", "Bash(python3 -m unittest *)"]


class DemoError(Exception):
    """The demo did not show what it is to show; the message is one line."""


FAILURES = (
    DemoError,
    project.SetupError,
    claude_code.BinaryMissingError,
    isolation.IsolationError,
    subprocess.CalledProcessError,
    TimeoutError,
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Builds the example PRD in a temporary repository.")
    parser.add_argument("--live", action="store_true", help="use your own claude and login, at your own cost")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="pocket-"))
    with tempfile.TemporaryDirectory(prefix="claudestrator-home-") as home:
        try:
            (_live if options.live else _scripted)(folder, Path(home).resolve())
        except KeyboardInterrupt:
            print(f"\nStopped. The repository is left at {folder}", file=sys.stderr)
            return 130
        except FAILURES as error:
            print(f"\nThe demo failed: {error}\nThe repository is left at {folder}", file=sys.stderr)
            return 1
    print(f"\nThe repository is left at {folder}\n\n{_how_to_install()}")
    return 0


def _how_to_install() -> str:
    here = shlex.quote(str(project.REPOSITORY))
    return (
        f"To install it as a plugin:\n  claude plugin marketplace add {here}\n"
        "  claude plugin install claudestrator@claudestrator\n"
        f"or into one project:\n  bash {here}/install.sh DIR"
    )


def _scripted(folder: Path, home: Path) -> None:
    claude = claude_code.binary()
    print(f"The real Claude Code ({claude}) with a scripted model: no key, no cost.", *_note(), flush=True)
    _prepare(folder, home, claude)
    prepare_home(home, folder)
    setting = Setting(claude, home, folder, (project.bin_folder(home),))
    play = example_play.play()
    with _progress(folder):
        run = run_headless(setting, ScriptedModel(play), "/orchestrate", MODE, SCRIPTED_LIMIT)
    _say_how_it_ended(run)
    finished = _check_tasks(folder, len(play.tasks))
    _check_retry(folder)
    _check_tests(folder)
    print(f"\n{project.helper(folder, 'tasks')}\n{transcript.transcript(run.exchanges).per_task(finished)}")


def _live(folder: Path, home: Path) -> None:
    claude = shutil.which("claude")
    if not claude:
        raise DemoError("claude is not on PATH: install Claude Code and log in, or leave --live out")
    print(f"Your own Claude Code ({claude}) and login: this costs what such a run costs.", flush=True)
    _prepare(folder, home, Path(claude))
    with _progress(folder):
        result = _run_live(claude, folder, home)
    _check_tasks(folder, None)
    _check_tests(folder)
    spent = f"{result.get('num_turns', '?')} turns, {result.get('total_cost_usd', '?')} US dollars"
    print(f"\n{project.helper(folder, 'tasks')}\nClaude Code's own figures for the session: {spent}")


def _run_live(claude: str, folder: Path, home: Path) -> dict[str, Any]:
    """The result as Claude Code's JSON. The settings are named because the folder is not one that you trusted."""
    settings = str(folder / ".claude" / "settings.json")
    command = [claude, "-p", "/orchestrate", "--permission-mode", MODE, "--output-format", "json"]
    path = os.pathsep.join([str(project.bin_folder(home)), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        [*command, "--settings", settings],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise DemoError(f"claude ended with status {done.returncode}: {done.stdout.strip()[-300:]}") from None
    return result


def _note() -> list[str]:
    return [f"({isolation.note()})"] if isolation.note() else []


def _prepare(folder: Path, home: Path, claude: Path) -> None:
    settings = json.dumps({"permissions": {"allow": ALLOWED}}, indent=2) + "\n"
    ignored = "__pycache__/\n"
    files = {"PRD.md": example_play.prd(), ".gitignore": ignored, ".claude/settings.json": settings}
    project.make_repository(folder, files)
    project.install_by_script(folder, home, claude)
    print(f"{folder}: a new repository with PRD.md and Claudestrator; now /orchestrate\n", flush=True)


@contextmanager
def _progress(folder: Path) -> Iterator[None]:
    """Prints the run's events, as they are logged, with the seconds since now."""
    ended = threading.Event()
    follower = threading.Thread(target=_follow, args=(folder, ended, time.monotonic()), daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def _follow(folder: Path, ended: threading.Event, began: float) -> None:
    shown = 0
    while True:
        last_look = ended.wait(0.1)
        events = project.run_log(folder)
        for event in events[shown:]:
            print(f"{time.monotonic() - began:7.1f} s  {_described(event)}", flush=True)
        shown = len(events)
        if last_look:
            return


def _described(event: dict[str, Any]) -> str:
    model = f" ({event['model']}, attempt {event['attempt']})" if "model" in event else ""
    reason = f": {event['reason'][:120]}" if event.get("reason") else ""
    what = f"{event['event']:9} {event['id']}" if "id" in event else event["event"]
    return f"{what}{model}{reason}"


def _say_how_it_ended(run: Run) -> None:
    if run.brain_errors:
        raise DemoError(f"the scripted model did not understand a request: {run.brain_errors[0]}")
    if run.exit_code:
        raise DemoError(f"claude ended with status {run.exit_code}: {run.error_output.strip()[-300:]}")
    # The first words, on the engine, are older than the lines above.
    said = dict.fromkeys(each for each in transcript.spoken(run.exchanges) if not each.startswith("note: engine"))
    print(f"\nAfter {run.seconds:.1f} s the orchestrator says: {' '.join(said)}")


def _check_tasks(folder: Path, expected: int | None) -> int:
    """How many tasks there are, all of them completed. Raises DemoError."""
    found = project.statuses(folder)
    open_tasks = [f"{task_id} is {status}" for task_id, status in found.items() if status != "completed"]
    if open_tasks:
        raise DemoError(f"not all tasks are completed: {', '.join(open_tasks)}")
    if not found or (expected is not None and len(found) != expected):
        raise DemoError(f"the queue holds {len(found)} tasks instead of {expected or 'at least one'}")
    return len(found)


def _check_retry(folder: Path) -> None:
    failed = [event["id"] for event in project.run_log(folder) if event["event"] == "failed"]
    if failed != ["TASK-004"]:
        raise DemoError(f"TASK-004 was to fail at its first attempt and nothing else; failed were {failed}")


def _check_tests(folder: Path) -> None:
    """Raises DemoError when the tests that the agents wrote don't pass, or there are none."""
    command = [sys.executable, "-m", "unittest"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    lines = done.stderr.strip().splitlines()
    summary = next((line for line in lines if line.startswith("Ran ")), "no tests were found")
    if done.returncode or summary.startswith("Ran 0"):
        raise DemoError(f"the tests in the repository do not pass ({summary}): {lines[-1] if lines else ''}")
    print(f"The tests that the agents wrote pass: {summary}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
