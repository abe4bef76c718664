"""Records what a person sees of a run in the real Claude Code, and puts it into docs/mod.md.

usage: python tests/record_screens.py [NAME…]    all screens, or those of the scenes with these names

Each block of the document that follows `<!-- screen: SCENE, COLUMNS columns, MOMENT -->` is replaced. Needs tmux and the
releases that the tests use.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rig import claude_code, project
from rig.budget import LAST_NOTICE
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scene import Scene, Stage
from rig.scripted_model import ScriptedModel

DOCUMENT = project.REPOSITORY / "docs" / "mod.md"
WIDTHS = (160, 44)
ROWS = 80
OBJECTIVES = (
    "The settings are read from the environment, with the values of today as defaults",
    "An order whose address is missing is refused with a message that names the field",
    "The nightly import skips what is there already, and reports what it can't read",
    "Search finds an order by any word of its description",
    "The page of an order shows how it changed",
    "People can filter the list of orders by date",
)


@dataclass(frozen=True)
class Recorded:
    """One run: `at work` is some seconds after what it `shows` has come. Tasks take so many `seconds`."""

    name: str
    version: str
    engine: str
    words: str
    tasks: int
    shows: str
    seconds: tuple[int, ...]

    def play(self) -> Play:
        acts: dict[str, tuple[Act, ...]] = {}
        for n, seconds in enumerate(self.seconds, 1):
            acts[f"TASK-{n:03}"] = (Act(files={f"src/{n}.py": "made\n"}, delay=seconds, note="it is in src"),)
        if self.tasks > 3:
            failing = Act(delay=3, ending=Ending.FAIL, note="two tests of the address fail")
            acts["TASK-002"] = (failing, *acts["TASK-002"])
        return Play((), acts)

    def scene(self, folder: Path) -> Scene:
        stage = Stage(claude_code.binary(self.version), folder, engine=self.engine)
        made = (stage.by_plugin if self.engine == "auto" else stage.by_script)("shop", {})
        levels = ("easy", "normal", "complex")
        return made.with_queue(
            *(
                task_section(f"TASK-{n:03}", text, complexity=levels[(n - 1) % 3], files=(f"src/{n}.py",))
                for n, text in enumerate(OBJECTIVES[: self.tasks], 1)
            )
        )


RUNS = (
    Recorded("mod", claude_code.VERSION, "auto", " --parallel 3", 6, "done TASK-001", (4, 12, 15, 12, 3, 3)),
    Recorded("skills", claude_code.NO_MODS, "lean", "", 3, "done TASK-001", (4, 8, 4)),
)


def screens(run: Recorded, columns: int) -> dict[str, str]:
    """The screens of the moments `at work` and `ended`."""
    with tempfile.TemporaryDirectory(prefix="screens-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        scene = run.scene(folder)
        with Terminal(scene.setting, ScriptedModel(run.play()), "acceptEdits", (columns, ROWS)) as terminal:
            terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
            terminal.type(f"/orchestrate{run.words}")
            terminal.wait_for(lambda: run.shows in terminal.screen(), run.shows)
            time.sleep(3)
            at_work = terminal.screen()
            terminal.wait_for(lambda: f"All {run.tasks} tasks" in " ".join(terminal.screen().split()), "the end")
            time.sleep(LAST_NOTICE)
            return {"at work": tidy(at_work, scene.project), "ended": tidy(terminal.screen(), scene.project)}


def tidy(screen: str, folder: Path) -> str:
    """The screen without what is about tmux, and with the folder's name in place of its path."""
    lines = [line.rstrip() for line in screen.replace(str(folder), "~/shop").split("\n") if "tmux" not in line]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def block(name: str, columns: int, moment: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- screen: {name}, {columns} columns, {moment} -->\n\n```\n)(.*?)(\n```\n)", re.DOTALL)


def main(names: list[str]) -> int:
    text = DOCUMENT.read_text(encoding="utf-8")
    for run in RUNS:
        for columns in WIDTHS:
            wanted = [moment for moment in ("at work", "ended") if block(run.name, columns, moment).search(text)]
            if not wanted or (names and run.name not in names):
                continue
            print(f"{run.name}, {columns} columns", file=sys.stderr)
            taken = screens(run, columns)
            for moment in wanted:
                found = block(run.name, columns, moment).search(text)
                assert found
                text = text[: found.start(2)] + taken[moment] + text[found.end(2) :]
            DOCUMENT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
