"""Records what a person sees of a run in the real Claude Code, for the documentation. The runs are real, their model is
scripted.

usage: python tests/screens.py [NAME…]    all screens, or those of the scenes with these names: session, mod, skills

`session` makes docs/session.svg, Claude Code with the band and the status line in the middle of a run, and docs/watch.svg,
`claudestrator-helper watch` beside it. Of the others, each block of docs/mod.md that follows
`<!-- screen: SCENE, COLUMNS columns, MOMENT -->` is replaced. Needs tmux and the releases that the tests use.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text
from rig import claude_code, project
from rig.budget import LAST_NOTICE
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scene import Scene, Stage
from rig.scripted_model import ScriptedModel

DOCS = project.REPOSITORY / "docs"
DOCUMENT = DOCS / "mod.md"
#: Columns of both screens.
WIDE, NARROW = 110, 60
WHAT = {
    1: "Sign-in by e-mail, with a link that works once",
    2: "An order whose address is missing is refused, with the field's name",
    3: "The nightly import skips what is there already",
    4: "Search finds an order by any word of its description",
    5: "Payment by invoice, for customers who had an order before",
    6: "A reminder for unpaid invoices",
    7: "The page of an order shows how it has changed",
    8: "An export of all orders for the accountant",
}
NEEDS = {5: (1,), 6: (5,), 7: (2,), 8: (3, 4)}
TASKS = tuple(
    task_section(
        f"TASK-00{n}",
        what,
        complexity="easy" if n == 1 else "normal",
        dependencies=tuple(f"TASK-00{m}" for m in NEEDS.get(n, ())),
        files=(f"shop/{n}.py",),
    )
    for n, what in WHAT.items()
)
RED = Act(ending=Ending.FAIL, note="2 of 9 tests fail: the total is rounded twice", delay=1)
WORKS = Act(delay=300)
PLAY = Play(
    acts={
        **{f"TASK-00{n}": (Act(delay=3),) for n in (1, 3, 4)},
        "TASK-002": (RED, WORKS),
        "TASK-005": (RED, RED),
        "TASK-008": (WORKS,),
    }
)


def picture(screen: str, columns: int, title: str) -> str:
    """A screen with its colours, as tmux gives it, as an SVG that needs no network."""
    lines = screen.rstrip().split("\n")
    first = next(at for at, line in enumerate(lines) if line.strip())
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi("\n".join(lines[first:])), soft_wrap=True)
    # It names fonts on a server, which a page of documentation does not load.
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title=title), flags=re.DOTALL)


def watched(scene: Scene, folder: Path) -> str:
    """What `watch` shows now in a terminal of its own."""
    tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
    helper = [str(Path(sys.prefix, "bin", "claudestrator-helper")), "watch"]
    home = {**os.environ, "HOME": str(scene.setting.home), "TERM": "xterm-256color", "XDG_STATE_HOME": ""}
    size = ("-x", str(NARROW), "-y", "24")
    subprocess.run([*tmux, "new-session", "-d", *size, shlex.join(helper)], cwd=scene.project, env=home, check=True)
    try:
        time.sleep(5)
        words = [*tmux, "capture-pane", "-e", "-p"]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)


def is_in_its_middle(scene: Scene) -> bool:
    found = json.loads(project.helper(scene.project, "status", "--json", home=scene.setting.home))
    at_work = {agent["id"] for agent in found["agents"]}
    return at_work == {"TASK-002", "TASK-008"} and found["tasks"]["blocked"] == 1


def record_pictures() -> None:
    """Makes docs/session.svg and docs/watch.svg."""
    folder = Path(tempfile.mkdtemp(prefix="screens-")).resolve()
    stage = Stage(claude_code.binary(), folder, engine="auto")
    line = {
        "type": "command",
        "command": f"{project.REPOSITORY}/bin/claudestrator-helper status-line",
        "refreshInterval": 5,
    }
    settings = json.dumps({"statusLine": line})
    scene = stage.by_plugin("shop", {".claude/settings.local.json": settings}).with_queue(*TASKS)
    scene = scene.among_all_processes()
    with Terminal(scene.setting, ScriptedModel(PLAY), "acceptEdits") as terminal:
        terminal._tmux("resize-window", "-x", str(WIDE), "-y", "36")
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate --parallel 3")
        terminal.wait_for(lambda: is_in_its_middle(scene), "middle of the run")
        time.sleep(12)
        seen = terminal._tmux("capture-pane", "-e", "-p")
        seen = seen.replace(str(scene.project), "~/shop")
        (DOCS / "session.svg").write_text(picture(seen, WIDE, "claude"), encoding="utf-8")
        (DOCS / "watch.svg").write_text(
            picture(watched(scene, folder), NARROW, "claudestrator-helper watch"), encoding="utf-8"
        )


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
    if not names or "session" in names:
        record_pictures()
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
