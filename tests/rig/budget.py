"""The context budget: what 20 tasks cost the orchestrator, with texts of normal length and of ten times that."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from rig.plays import Act, Play, task_section

if TYPE_CHECKING:
    from rig.scene import Scene
    from rig.transcript import Transcript

TASKS = 20
#: Per task, decomposition included.
CHARACTERS, TURNS, SPREAD = 2_800, 2.2, 0.05
_SYLLABLES = ("zor", "vex", "quil", "brax", "thul", "wymp", "plok", "krim", "jund", "fesk")
_COMPLEXITIES = ("easy", "normal", "complex")


def budget_play(tasks: int = TASKS, factor: int = 1) -> Play:
    """Each task builds on the one before. All its texts, the agents' notes too, are made of words that no one uses."""
    words = random.Random(20)
    ids = [f"TASK-{number:03}" for number in range(1, tasks + 1)]
    sections = [
        task_section(
            task_id,
            _sentence(words, 12 * factor),
            criteria=tuple(_sentence(words, 12) for _ in range(4 * factor)),
            dependencies=(before,) if before else (),
            complexity=words.choice(_COMPLEXITIES),
        )
        for before, task_id in zip(["", *ids], ids, strict=False)
    ]
    acts: dict[str, tuple[Act, ...]] = {task_id: (Act(note=_sentence(words, 20 * factor)),) for task_id in ids}
    return Play(tuple(sections), acts)


def invented_words(play: Play) -> set[str]:
    """The words of the play that no other text holds."""
    texts = " ".join([*play.tasks, *(act.note for acts in play.acts.values() for act in acts)])
    return {word for word in texts.split() if any(word.startswith(syllable) for syllable in _SYLLABLES)}


def measured(scene: Scene, play: Play) -> Transcript:
    """The main conversation of a run that completed every task. Raises AssertionError when it did not."""
    outcome = scene.orchestrate(play, limit=180)
    unfinished = {task_id: status for task_id, status in outcome.statuses.items() if status != "completed"}
    assert len(outcome.statuses) == len(play.tasks), outcome.said
    assert not unfinished, unfinished
    return outcome.transcript


def _sentence(words: random.Random, length: int) -> str:
    return " ".join("".join(words.choices(_SYLLABLES, k=3)) for _ in range(length))
