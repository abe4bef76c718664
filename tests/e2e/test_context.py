"""What 20 tasks cost the orchestrator's context."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rig import budget

if TYPE_CHECKING:
    from rig.scene import Stage
    from rig.transcript import Transcript

_KEPT: dict[int, Transcript] = {}


def run_of_20(stage: Stage, factor: int) -> Transcript:
    """Measured once, and looked at by several tests."""
    if factor not in _KEPT:
        _KEPT[factor] = budget.measured(stage.by_script(f"budget-{factor}"), budget.budget_play(factor=factor))
    return _KEPT[factor]


@pytest.mark.parametrize("factor", [1, 10])
def test_a_task_costs_few_characters_and_turns(stage: Stage, factor: int) -> None:
    cost = run_of_20(stage, factor)

    assert cost.entered / budget.TASKS <= budget.CHARACTERS
    assert cost.turns / budget.TASKS <= budget.TURNS


def test_texts_of_ten_times_the_length_cost_no_more(stage: Stage) -> None:
    ratio = run_of_20(stage, 10).entered / run_of_20(stage, 1).entered

    assert abs(ratio - 1) <= budget.SPREAD


@pytest.mark.parametrize("factor", [1, 10])
def test_no_word_of_a_task_is_in_the_orchestrators_conversation(stage: Stage, factor: int) -> None:
    words = budget.invented_words(budget.budget_play(factor=factor))
    conversation = run_of_20(stage, factor).text

    assert len(words) > 500
    assert "TASK-020" in conversation
    assert not [word for word in words if word in conversation]
