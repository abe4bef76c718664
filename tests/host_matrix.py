"""How Claudestrator fits releases of Claude Code: each is fetched from npm and plays the same short scenarios.

usage: python tests/host_matrix.py [--docs FILE] [VERSION…]

Without VERSIONS, plays releases of half a year and the newest; `latest` is the newest. What is played is told on stderr
as it goes. Rows are kept in the cache folder for each commit of the code, so that releases may be played one by one:
a release that has a row of this commit is left out unless it is named. Prints the rows of this commit; with --docs they
become the table of FILE. Exits with 1 if a scenario failed that no fact in host.py explains.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from claudestrator_helper import host
from claudestrator_helper.engine.config import TASK
from claudestrator_helper.setup.preflight import USED
from rig import claude_code, project
from rig.budget import LAST_NOTICE
from rig.conversation import texts
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scene import Outcome, Stage
from rig.scripted_model import ScriptedModel
from rig.transcript import main_exchanges, transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.messages_api import Exchange

RELEASES = (
    "2.1.145", "2.1.150", "2.1.165", "2.1.185", "2.1.206", "2.1.213", "2.1.218", "2.1.232", "2.1.248", "2.1.260", "2.1.275",
    "2.1.285", "2.1.286", "2.1.300", "2.1.310", "2.1.323", claude_code.VERSION,
)  # fmt: skip
NUMBERS = range(1, 5)
APART = tuple(
    task_section(f"TASK-00{number}", f"the thing number {number}", files=(f"{number}.txt",)) for number in NUMBERS
)
CHAINED = tuple(
    task_section(
        f"TASK-00{number}", f"the thing number {number}", dependencies=(f"TASK-00{number - 1}",) * (number > 1)
    )
    for number in NUMBERS
)
Acts = dict[str, tuple[Act, ...]]
#: Seconds after which a silent agent has to be replaced; without background_tasks it takes minutes.
QUICK = 15
LIMIT = 180
#: What a row tells of: it is measured anew where one of these has changed.
CODE = (".claude-plugin", ".claudestrator", "bin", "commands", "helper", "hooks", "install.sh")


class UnfitError(Exception):
    """A scenario came out otherwise than on the pinned release; the message is one line."""


@dataclass(frozen=True)
class Scenario:
    """`needs` are keys of host.SINCE: a release that lacks one of them is not played. Of those that it `uses`, the cell
    says which are lacking. `play` returns the table's cell, and raises UnfitError."""

    name: str
    play: Callable[[Stage], str]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


def completed(outcome: Outcome, tasks: int) -> Outcome:
    if list(outcome.statuses.values()) != ["completed"] * tasks:
        raise UnfitError(f"{outcome.statuses}: {outcome.said}")
    return outcome


def one_by_one(engine: str, mode: str, command: str) -> Callable[[Stage], str]:
    """The cell is the characters a task that entered the main conversation."""

    def play(stage: Stage) -> str:
        scene = (stage.by_script if mode == "dontAsk" else stage.by_plugin)(f"{engine}-{mode}", {})
        writes: Acts = {"TASK-001": (Act(files={"made.txt": "made\n"} if mode == "acceptEdits" else {}),)}
        outcome = scene.with_queue(*CHAINED).orchestrate(Play((), writes), f"{command} --engine {engine}", mode, LIMIT)
        completed(outcome, len(CHAINED))
        if mode == "acceptEdits" and not (scene.project / "made.txt").exists():
            raise UnfitError("the agent's file is not there")
        return f"{outcome.transcript.entered / len(CHAINED):,.0f}"

    return play


def parallel(stage: Stage) -> str:
    acts: Acts = {f"TASK-00{number}": (Act(delay=1),) for number in NUMBERS}
    scene = stage.by_script("parallel", {}).with_queue(*APART)
    outcome = completed(scene.orchestrate(Play((), acts), "/orchestrate --parallel 4", limit=LIMIT), len(APART))
    began_together(outcome)
    return f"{outcome.transcript.turns / len(APART):.1f} turns"


def began_together(outcome: Outcome) -> None:
    events = [entry["event"] for entry in outcome.events if entry["event"] in ("spawned", "done")]
    if events[: len(APART)] != ["spawned"] * len(APART):
        raise UnfitError(f"the agents did not start together: {events}")


def by_mod(tasks: tuple[str, ...], words: str = "") -> Callable[[Stage], str]:
    def play(stage: Stage) -> str:
        scene = replace(stage, engine="auto").by_plugin("mod", {}).with_queue(*tasks)
        acts: Acts = {f"TASK-00{number}": (Act(delay=1),) for number in NUMBERS} if words else {}
        outcome = completed(
            scene.orchestrate(Play((), acts), f"/orchestrate --engine mod{words}", limit=LIMIT), len(tasks)
        )
        if asked := main_exchanges(outcome.run.exchanges):
            raise UnfitError(f"the main model was asked {len(asked)} times: {last_said(asked[0])}")
        if words:
            began_together(outcome)
        return "0"

    return play


def last_said(asked: Exchange) -> str:
    """What the model was to answer, for which a long run under load is not to be played again."""
    return " ".join([*texts(asked.request.messages, "user")][-1:])


def in_background(stage: Stage) -> str:
    """Skills in the background of a terminal. The cell is the characters a task."""
    scene = replace(stage, engine="lean").by_script("terminal", {}).with_queue(*CHAINED)
    with Terminal(scene.setting, ScriptedModel(Play()), "acceptEdits") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt", LIMIT)
        terminal.type("/orchestrate")
        closing = f"All {len(CHAINED)} tasks are completed"
        terminal.wait_for(lambda: closing in terminal.screen(), "closing sentence", LIMIT)
        time.sleep(LAST_NOTICE)
        if not {"Running in the background", "Successfully loaded skill"} & _shown(terminal.screen()):
            raise UnfitError("the skills did not run in the background")
        return f"{transcript(terminal.api.exchanges).entered / len(CHAINED):,.0f}"


def _shown(screen: str) -> set[str]:
    return {line.removeprefix("  ⎿ ").strip() for line in screen.split("\n")}


def silent(stage: Stage) -> str:
    acts: Acts = {"TASK-001": (Act(ending=Ending.SILENT), Act())}
    scene = stage.by_script("silent", {}).with_queue(APART[0])
    outcome = completed(scene.orchestrate(Play((), acts), limit=LIMIT), 1)
    seconds = outcome.seconds_until_replaced("TASK-001")
    if seconds > QUICK:
        raise UnfitError(f"a silent agent was replaced after {seconds:.0f} s")
    return f"{seconds:.0f} s"


def validated(stage: Stage) -> str:
    home = stage.folder / "validation"
    home.mkdir(parents=True)
    quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    words = [str(stage.claude), "plugin", "validate", str(project.REPOSITORY), "--strict"]
    own = {"HOME": str(home), "PATH": "/usr/bin:/bin", **quiet}
    done = subprocess.run(
        words, check=False, env=own, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT
    )
    if done.returncode:
        raise UnfitError(" ".join(f"{done.stdout} {done.stderr}".split())[-200:])
    return "yes"


SCENARIOS = (
    Scenario("task, acceptEdits", one_by_one("task", "acceptEdits", "/orchestrate"), uses=USED[TASK]),
    Scenario("lean, default", one_by_one("lean", "default", "/claudestrator:orchestrate")),
    Scenario("lean, terminal", in_background, (host.BACKGROUND_SKILLS,), (host.NOTICES_BLOCKED,)),
    Scenario("task, dontAsk", one_by_one("task", "dontAsk", "/orchestrate"), uses=USED[TASK]),
    Scenario("mod, acceptEdits", by_mod(CHAINED), (host.MODS,)),
    Scenario("mod, parallel 4", by_mod(APART, " --parallel 4"), (host.MODS,)),
    Scenario("parallel 4", parallel),
    Scenario("silent agent", silent, (host.SILENT_AGENTS,)),
    Scenario("validate", validated),
)


def played(scenario: Scenario, version: str, stage: Stage) -> tuple[str, str]:
    """The table's cell, and what no fact explains, or ""."""
    release = tuple(map(int, version.split(".")))
    for feature in scenario.needs:
        if release < host.SINCE[feature]:
            return f"no: {feature}", ""
    try:
        cell = scenario.play(replace(stage, folder=stage.folder / re.sub(r"\W+", "-", scenario.name)))
        lacking = [each for each in scenario.uses if release < host.SINCE[each]]
        return cell + f" (no {', '.join(lacking)})" * bool(lacking), ""
    except (UnfitError, AssertionError, TimeoutError, StopIteration, IndexError) as error:
        # The scripted model and the scenes say what is wrong by these.
        why = " ".join(str(error).split())[:300] or type(error).__name__
        return "**failed**", f"{version}, {scenario.name}: {why}"


def row(version: str, date: str, data: Path) -> tuple[str, list[str]]:
    """The table's row of that release, and what no fact explains."""
    cached = claude_code.cache_folder(version)
    was_there = cached.exists()
    with tempfile.TemporaryDirectory(prefix="fit-", ignore_cleanup_errors=True) as folder:
        stage = Stage(claude_code.binary(version), Path(folder).resolve(), data=data)
        cells = []
        for scenario in SCENARIOS:
            began = time.monotonic()
            cells.append(played(scenario, version, stage))
            told = f"{version}  {scenario.name}: {cells[-1][0]}, {time.monotonic() - began:.0f} s"
            print(told, file=sys.stderr, flush=True)
    if not was_there and version not in claude_code.INTEGRITY:
        # A release takes 280 MB.
        shutil.rmtree(cached)
    return table_line(version, date, *(cell for cell, _ in cells)), [why for _, why in cells if why]


def commit() -> str:
    """The last commit of the code that is measured. Raises SystemExit for a code that no commit has."""
    git = ("git", "-C", str(project.REPOSITORY))
    if changed := subprocess.run(
        [*git, "status", "--porcelain", "--", *CODE], check=True, capture_output=True, text=True
    ).stdout:
        raise SystemExit(f"commit what is measured first: {changed.split()[1]} has changed")
    asked = [*git, "log", "-1", "--format=%h", "--abbrev=9", "--", *CODE]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def kept(measured: str) -> Path:
    """The file that keeps the rows of that commit, as JSON: each release's row, and what no fact explains of it."""
    return claude_code.cache_folder().parent / f"host-fit-{measured}.json"


def table_line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def dates() -> dict[str, str]:
    """When each release was published, in order; the last is the newest."""
    npm = shutil.which("npm")
    if not npm:
        raise claude_code.BinaryMissingError("npm is missing: install Node.js")
    words = [npm, "view", claude_code.package(), "time", "--json"]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    plain = [version for version in found if re.fullmatch(r"\d+\.\d+\.\d+", version) and version != "0.0.0"]
    return {each: found[each][:10] for each in sorted(plain, key=lambda each: tuple(map(int, each.split("."))))}


def page(text: str, rows: dict[str, str], measured: str) -> str:
    """The page with these rows, of the commit *measured*, as the table in front of its first section."""
    introduction, section, rest = text.partition("\n## ")
    introduction = re.sub(r"(measured at commit )`\w*`", rf"\1`{measured}`", introduction)
    ordered = [rows[each] for each in sorted(rows, key=lambda each: tuple(map(int, each.split("."))))]
    head = [table_line("release", "published", *(each.name for each in SCENARIOS))]
    table = [*head, table_line(*["---"] * (len(SCENARIOS) + 2)), *ordered]
    prose = "\n".join(line for line in introduction.split("\n") if not line.startswith("|")).strip("\n")
    return "\n".join([prose, "", *table, section + rest if section else ""])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=Path, metavar="FILE")
    parser.add_argument("versions", nargs="*", metavar="VERSION")
    asked = parser.parse_args(arguments)
    measured = commit()
    file = kept(measured)
    rows: dict[str, tuple[str, list[str]]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    published = dates()
    newest = list(published)[-1]
    named = [newest if each == "latest" else each for each in asked.versions]
    versions = dict.fromkeys(named or [each for each in (*RELEASES, newest) if each not in rows])
    with tempfile.TemporaryDirectory(prefix="fit-data-", ignore_cleanup_errors=True) as data:
        for version in versions:
            rows[version] = row(version, published.get(version, "?"), Path(data))
            file.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    unexplained = [why for _, wrong in rows.values() for why in wrong]
    print(*(line for line, _ in rows.values()), *unexplained, sep="\n")
    if asked.docs:
        lines = {version: line for version, (line, _) in rows.items()}
        asked.docs.write_text(page(asked.docs.read_text(encoding="utf-8"), lines, measured), encoding="utf-8")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
