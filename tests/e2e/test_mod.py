"""Runs that Claude Code carries out itself, by the plugin's hooks module, without a request of the main model."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from rig.plays import Act, Ending, Play, task_section
from rig.transcript import agent_exchanges, main_exchanges

if TYPE_CHECKING:
    from rig.scene import Outcome, Stage

AS_JSON = ("--output-format", "json")
ALL = "All 4 tasks are completed."
#: What a person takes for something that went wrong.
ALARMING = re.compile(r"error|exception|refused|blocked|not load|undefined|\[object|unfinished", re.IGNORECASE)


def four(*, apart: bool = True) -> tuple[str, ...]:
    return tuple(
        task_section(f"TASK-00{n}", f"part {n}", complexity="easy", files=(f"{n}.txt",) if apart else ())
        for n in (1, 2, 3, 4)
    )


def result(outcome: Outcome) -> dict[str, object]:
    """What headless Claude Code says of its session, in which no one asked the main model for anything."""
    assert main_exchanges(outcome.run.exchanges) == []
    said: dict[str, object] = json.loads(outcome.run.output)
    assert said["num_turns"] == 0
    return said


@pytest.mark.parametrize(
    ("mode", "command", "at_once"),
    [
        ("default", "/claudestrator:orchestrate", 1),
        ("acceptEdits", "/orchestrate --parallel 4", 4),
        ("dontAsk", "/orchestrate --engine mod", 1),
    ],
)
def test_a_run_needs_no_request_of_the_main_model(mod: Stage, mode: str, command: str, at_once: int) -> None:
    scene = mod.by_plugin(f"headless-{mode}").with_arguments(*AS_JSON)
    acts: dict[str, tuple[Act, ...]] = {
        "TASK-001": (Act(ending=Ending.FAIL, note="the tests do not pass"), Act(note="it is in 1.txt")),
        "TASK-002": (Act(ending=Ending.SILENT), Act()),
        "TASK-003": (Act(ending=Ending.FORGET, chatter="Let me see."),),
    }
    if mode == "acceptEdits":
        acts["TASK-004"] = (Act(files={"4.txt": "made\n"}),)
        scene.with_queue(*four())

    outcome = scene.orchestrate(Play(four(), acts), command, mode)

    assert str(result(outcome)["result"]).startswith(f"claudestrator: {ALL}")
    assert set(outcome.statuses.values()) == {"completed"}
    assert [outcome.models(f"TASK-00{n}") for n in (1, 2, 3, 4)] == [
        ["haiku", "sonnet"],
        ["haiku", "sonnet"],
        ["haiku"],
        ["haiku"],
    ]
    assert outcome.agents_saw("the tests do not pass")
    assert outcome.agents_saw("You are ending without a report")
    spawned = outcome.logged("spawned")
    assert spawned[: at_once + (mode != "acceptEdits")][-at_once:] == [f"TASK-00{n}" for n in range(1, at_once + 1)]
    if mode == "acceptEdits":
        assert (scene.project / "4.txt").read_text() == "made\n"
        # It reads, writes, and reports; nothing is spent on its prompt and on a report by a command.
        asked = [
            each
            for each in agent_exchanges(outcome.run.exchanges)
            if "TASK-004 attempt" in json.dumps(each.request.messages[0])
        ]
        assert len(asked) == 3
