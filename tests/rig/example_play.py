"""The bundled example as a play: its queue, and the files that its agents write."""

from __future__ import annotations

import json
from pathlib import Path

from rig.plays import Act, Play

FOLDER = Path(__file__).resolve().parent / "example"
#: The example's files carry it so that they are not taken for tests and sources of this project.
_SUFFIX = ".txt"


def prd() -> str:
    return (FOLDER / "PRD.md").read_text(encoding="utf-8")


def play() -> Play:
    acts = json.loads((FOLDER / "play.json").read_text(encoding="utf-8"))
    sections = (FOLDER / "tasks.md").read_text(encoding="utf-8").split("\n---\n")
    return Play(
        tuple(section.strip() for section in sections if section.strip()),
        {task_id: tuple(_act(**attempt) for attempt in attempts) for task_id, attempts in acts.items()},
    )


def _act(folder: str, checks: list[str], note: str) -> Act:
    root = FOLDER / "play" / folder
    paths = sorted(path for path in root.rglob(f"*{_SUFFIX}"))
    files = {
        path.relative_to(root).as_posix().removesuffix(_SUFFIX): path.read_text(encoding="utf-8") for path in paths
    }
    return Act(files, tuple(checks), note)
