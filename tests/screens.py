"""Records what a person sees in the middle of a run, for the documentation: docs/session.svg is Claude Code with the
band and the status line, docs/watch.svg is `claudestrator-helper watch`. The run is real, its model is scripted.

usage: python tests/screens.py

Needs tmux, and CLAUDE_BIN, or fetches the release that everything is tested with.
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
from pathlib import Path

from rich.console import Console
from rich.text import Text
from rig import claude_code, project
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scene import Scene, Stage
from rig.scripted_model import ScriptedModel

DOCS = project.REPOSITORY / "docs"
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


def main() -> None:
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


if __name__ == "__main__":
    main()
