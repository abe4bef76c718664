"""What tasks cost the orchestrator's context, with each engine."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rig import budget, project
from rig.overlap import most_at_once, work
from rig.transcript import transcript

if TYPE_CHECKING:
    from rig.messages_api import Exchange
    from rig.plays import Play
    from rig.scene import Stage
    from rig.transcript import Transcript

OURS = ["lean", "parallel", "task"]
#: One task at a time, so that each may build on the one before, and its agent gets that one's note.
ONE_BY_ONE = [name for name, engine in budget.ENGINES.items() if engine.slots == 1]
#: Agents that work side by side take a time of their own, or they would not overlap.
SECONDS = 1.0
#: The engine whose long texts are compared with short ones; those of skills are run in a terminal, without mods.
COMPARED = "task"
#: How many tasks a play has by its engine: fewer than the documents count, as each task costs the same.
TASKS = {"lean": 10, "parallel": 8, "background": 8, "task": 8}

_KEPT: dict[tuple[str, int], list[Exchange]] = {}


def play_for(engine: str, factor: int = 1) -> Play:
    one_by_one = engine in ONE_BY_ONE
    tasks = TASKS[engine]
    return budget.budget_play(tasks, factor, seconds=0 if one_by_one else SECONDS, chained=one_by_one)


def exchanges_of(stage: Stage, engine: str, factor: int = 1) -> list[Exchange]:
    """Run once, and looked at by several tests."""
    if (engine, factor) not in _KEPT:
        way, play = budget.ENGINES[engine], play_for(engine, factor)
        _KEPT[engine, factor] = budget.exchanges(way.scene(stage, f"budget-{engine}-{factor}"), way, play)
    return _KEPT[engine, factor]


def cost_of(stage: Stage, engine: str, factor: int = 1) -> Transcript:
    return transcript(exchanges_of(stage, engine, factor))


def assert_within_limits(engine: str, cost: Transcript) -> None:
    way, tasks = budget.ENGINES[engine], TASKS[engine]
    assert way.turns is not None
    assert cost.turns / tasks <= way.turns, cost.per_task(tasks)
    assert not way.characters or cost.entered / tasks <= way.characters, cost.per_task(tasks)


@pytest.mark.parametrize("engine", OURS)
def test_a_task_costs_few_characters_and_turns(stage: Stage, engine: str) -> None:
    assert_within_limits(engine, cost_of(stage, engine))


def test_agents_in_parallel_work_at_the_same_time(stage: Stage) -> None:
    assert most_at_once(work(exchanges_of(stage, "parallel"))) == budget.ENGINES["parallel"].slots


@pytest.mark.usefixtures("tmux")
def test_skills_in_the_background_cost_as_little_with_long_texts_where_there_are_no_mods(without_mods: Stage) -> None:
    # The engine is chosen.
    way = replace(budget.ENGINES["background"], words="/orchestrate")
    scene, play = way.scene(without_mods, "budget-background"), play_for("background", 10)
    cost = transcript(budget.exchanges(scene, way, play))

    assert project.helper(scene.project, "state", "engine").strip() == '"lean"'
    assert_within_limits("background", cost)
    assert not [word for word in budget.invented_words(play) if word in cost.text]


def test_texts_of_ten_times_the_length_cost_no_more(stage: Stage) -> None:
    # A notice that comes early or late moves the sum; the turn in the middle is one that launches a task's agent.
    long, short = (statistics.median(cost_of(stage, COMPARED, factor).by_turn) for factor in (10, 1))

    assert_within_limits(COMPARED, cost_of(stage, COMPARED, 10))
    assert abs(long / short - 1) <= budget.SPREAD


@pytest.mark.parametrize(("engine", "factor"), [*((name, 1) for name in OURS), (COMPARED, 10)])
def test_no_word_of_a_task_is_in_the_orchestrators_conversation(stage: Stage, engine: str, factor: int) -> None:
    words = budget.invented_words(play_for(engine, factor))
    conversation = cost_of(stage, engine, factor).text

    assert len(words) > 90
    assert f"TASK-{TASKS[engine]:03}" in conversation
    assert not [word for word in words if word in conversation]


def test_what_the_documents_once_said_to_do_brings_the_tasks_into_the_conversation(stage: Stage) -> None:
    way, play = budget.ENGINES["original"], budget.budget_play(3, failing=[2])
    cost = budget.completed(way.scene(stage, "budget-original"), way, play).transcript

    assert cost.entered / 3 > 4_000
    words = budget.invented_words(play)
    assert all(word in cost.text for word in words if any(word in section for section in play.tasks))
