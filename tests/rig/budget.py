"""The context budget: a queue as people have them, the ways to run it, and what each may cost the orchestrator."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig import original
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scene import PRD
from rig.scripted_model import ScriptedModel
from rig.session import LIMIT

if TYPE_CHECKING:
    from collections.abc import Collection

    from rig.messages_api import Exchange
    from rig.scene import Outcome, Scene, Stage

TASKS = 20
#: How far texts of ten times the length may move what a turn brings in.
SPREAD = 0.05
#: An attempt that fails takes so much of the time of one that does not.
FAILS_AFTER = 0.25
#: Seconds after the end of a run in which its last agent ends.
LAST_NOTICE = 3


@dataclass(frozen=True)
class Engine:
    """A way to run a queue: the words typed, the mode, and how many agents may work at once.

    `characters` and `turns` are the most that a task may cost the main conversation, decomposition included; None
    where nothing is promised. It is typed into a terminal, or headless; `plugin` has it installed as one.
    """

    name: str
    words: str = "/orchestrate"
    slots: int = 1
    characters: int | None = None
    turns: float | None = None
    mode: str = "acceptEdits"
    model: type[ScriptedModel] = ScriptedModel
    installed: bool = True
    plugin: bool = False
    terminal: bool = False

    def scene(self, stage: Stage, name: str) -> Scene:
        if self.installed:
            return stage.by_plugin(name) if self.plugin else stage.by_script(name)
        return stage.bare(name, {"PRD.md": PRD, **original.COMMAND}, **original.ENVIRONMENT)


ENGINES = {
    "original": Engine(
        "the original documents", mode="bypassPermissions", model=original.OriginalModel, installed=False
    ),
    "task": Engine("Task engine", "/orchestrate --engine task", characters=2_500, turns=2),
    "parallel": Engine("Task engine, parallel 4", "/orchestrate --engine task --parallel 4", 4, turns=1.3),
    "lean": Engine("lean engine", "/orchestrate --engine lean", characters=300, turns=1.5),
    "background": Engine(
        "lean engine in a terminal", "/orchestrate --engine lean", characters=260, turns=1.3, terminal=True
    ),
    "background-4": Engine(
        "lean, terminal, parallel 4", "/orchestrate --engine lean --parallel 4", 4, characters=260, terminal=True
    ),
    "mod": Engine("mod", "/orchestrate --engine mod", characters=0, turns=0, plugin=True),
    "mod-4": Engine("mod, parallel 4", "/orchestrate --engine mod --parallel 4", 4, characters=0, turns=0, plugin=True),
}


def budget_play(
    tasks: int = TASKS, factor: int = 1, seconds: float = 0, *, chained: bool = False, failing: Collection[int] = ()
) -> Play:
    """Each task makes files of its own in so many seconds; chained, it builds on the one before.

    The texts are `factor` times as long as people's; the name of each thing in them is a word that no one uses. The
    first attempts at the tasks with the numbers `failing` fail.
    """
    words = random.Random(20)
    sections: list[str] = []
    acts: dict[str, tuple[Act, ...]] = {}
    for number in range(1, tasks + 1):
        task_id = f"TASK-{number:03}"
        name = _invented(words)
        files = {f"src/{name}.py": _code(words, name), f"tests/test_{name}.py": _code(words, name)}
        made = Act(files, note=_text(words, _NOTES, 2 * factor), delay=seconds)
        failed = Act(note=_text(words, _FAILURES, 1), delay=FAILS_AFTER * seconds, ending=Ending.FAIL)
        acts[task_id] = (failed, made) if number in failing else (made,)
        sections.append(
            task_section(
                task_id,
                _text(words, _OBJECTIVES, words.randint(1, 3) * factor),
                criteria=tuple(_text(words, _CRITERIA, 1) for _ in range(words.randint(3, 6) * factor)),
                dependencies=(f"TASK-{number - 1:03}",) if chained and number > 1 else (),
                complexity=words.choice(("easy", "normal", "normal", "complex")),
                files=tuple(files),
            )
        )
    return Play(tuple(sections), acts)


def invented_words(play: Play) -> set[str]:
    """The words of the play that no other text holds."""
    texts = " ".join([*play.tasks, *(act.note for acts in play.acts.values() for act in acts)])
    return {word for word in texts.split() if word.isalpha() and word.startswith(_SYLLABLES)}


def work(play: Play) -> float:
    """The seconds that the agents of a play take for themselves, one after the other."""
    return sum(act.delay for acts in play.acts.values() for act in acts)


def completed(scene: Scene, engine: Engine, play: Play, limit: float = 2 * LIMIT) -> Outcome:
    """A run of the play in which every task was completed. Raises AssertionError when one was not."""
    outcome = scene.run(engine.model(play), engine.words, engine.mode, limit)
    _assert_completed(outcome, play)
    return outcome


def exchanges(scene: Scene, engine: Engine, play: Play, limit: float = 2 * LIMIT) -> list[Exchange]:
    """What the server saw of such a run, headless or typed into a terminal. Raises AssertionError and TimeoutError."""
    if not engine.terminal:
        return completed(scene, engine, play, limit).run.exchanges
    with Terminal(scene.setting, engine.model(play), engine.mode) as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type(engine.words)
        closing = f"All {len(play.tasks)} tasks are completed"
        terminal.wait_for(lambda: closing in terminal.screen(), "closing sentence", limit)
        # The notice of the last agent may come behind it.
        time.sleep(LAST_NOTICE)
        assert not terminal.api.errors, terminal.api.errors
        return terminal.api.exchanges


def _assert_completed(outcome: Outcome, play: Play) -> None:
    unfinished = {task_id: status for task_id, status in outcome.statuses.items() if status != "completed"}
    assert len(outcome.statuses) == len(play.tasks), outcome.said
    assert not unfinished, unfinished


def _invented(words: random.Random) -> str:
    return "".join(words.choices(_SYLLABLES, k=3))


def _text(words: random.Random, templates: tuple[str, ...], sentences: int) -> str:
    return " ".join(
        words.choice(templates).format(_invented(words), _invented(words), words.randint(2, 90))
        for _ in range(sentences)
    )


def _code(words: random.Random, name: str) -> str:
    return "\n".join(f"{name.upper()}_{line} = {words.random()}" for line in range(30)) + "\n"


_SYLLABLES = ("zor", "vex", "quil", "brax", "thul", "wymp", "plok", "krim", "jund", "fesk")
_OBJECTIVES = (
    "People can filter the list of {0} entries by {1} and by date, and the filter is kept when the page is loaded again.",
    "The nightly import reads the {0} export, skips what is there already, and reports each {1} that it can't read.",
    "The page of a {0} shows how it changed over the last {2} days, next to the {1} that it depends on.",
    "A {0} whose {1} is missing is refused with a message that names the field.",
    "One {0} notice is sent when a {1} runs out, and none while it is muted.",
    "The settings of {0} are read from the environment, with the values of today as defaults.",
    "Search finds a {0} by any word of its {1} description, the newest first.",
    "An editor can merge two {0} records into one, and take that back within {2} minutes.",
)
_CRITERIA = (
    "a {0} without {1} is refused with status 422 and the name of the field",
    "the list of {0} has at most {2} rows a page and says how many there are",
    "the test of {0} covers an empty list, one entry and a thousand",
    "a second import of the same {0} changes nothing",
    "{0} is sorted by {1} where both have the same date",
    "an unknown {0} answers 404 and logs nothing",
    "with {2},000 entries of {0} the page is there within a second",
    "a reader may see {0} and may not change it",
)
_NOTES = (
    "Added {0} with its tests; whoever needs it calls load_{1} with the open connection.",
    "The format of {0} is described at the top of its module, and {2} tests cover it.",
    "Kept the old name of {0} as an alias, since {1} still imports it.",
)
_FAILURES = ("two tests of {0} fail: {1} is empty where {2} rows are expected",)
