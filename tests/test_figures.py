"""The times that the context benchmark reports, on conversations made by hand."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from rig.conversation import say, use
from rig.figures import Span, agent_spans, dispatches, figures
from rig.messages_api import Exchange, Request

if TYPE_CHECKING:
    from rig.messages_api import JSON

_NUMBERS = count(1)
DONE = {
    "type": "tool_use",
    "id": "1",
    "name": "Bash",
    "input": {"command": "claudestrator-helper done TASK-001 --attempt 1"},
}
MARKED = {
    "type": "tool_use",
    "id": "1",
    "name": "Write",
    "input": {"file_path": ".claude/agent_complete/TASK-001.done"},
}
RESULT = {"type": "tool_result", "tool_use_id": "1", "content": "done TASK-001"}


def exchange(agent: str | None, time: float, *messages: JSON) -> Exchange:
    body = {"tools": [{"name": "Bash"}], "messages": [{"role": "user", "content": "begin"}, *messages]}
    return Exchange(Request(next(_NUMBERS), agent, body), [say("ok")], time)


def answered(call: JSON) -> tuple[JSON, JSON]:
    return {"role": "assistant", "content": [call]}, {"role": "user", "content": [RESULT]}


@pytest.mark.parametrize("report", [DONE, MARKED])
def test_an_agents_time_ends_when_its_report_was_taken(report: JSON) -> None:
    closing = (*answered(report), {"role": "assistant", "content": "done"}, {"role": "user", "content": "and?"})
    asked = [exchange("a", 1), exchange("a", 9, *answered(report)), exchange("a", 30, *closing)]
    assert agent_spans(asked) == [Span(1, 9)]


def test_an_agent_that_never_reports_ends_with_its_last_request() -> None:
    other = {**DONE, "input": {"command": "ls"}}
    assert agent_spans([exchange("a", 1), exchange("a", 4, *answered(other))]) == [Span(1, 4)]


def test_one_after_the_other_each_agent_takes_the_place_of_the_one_before() -> None:
    assert dispatches([Span(0, 10), Span(11, 20), Span(23, 30)]) == [1, 3]


def test_side_by_side_an_agent_takes_the_place_that_became_free_first() -> None:
    decomposition, first, second = Span(0, 1), Span(2, 10), Span(2.5, 11)
    assert dispatches([decomposition, first, second, Span(12, 20), Span(14, 20)]) == [1, 2, 3]


def test_what_had_entered_is_known_for_every_agent_that_was_started() -> None:
    call = {"role": "assistant", "content": [use("Bash", command="x" * 100) | {"id": "7"}]}
    run = [exchange(None, 0), exchange("a", 1), exchange("a", 2), exchange(None, 3, call), exchange("b", 4)]
    found = figures([*run, exchange(None, 5, call, {"role": "user", "content": "y" * 1000})])

    assert found.turns == 3
    assert found.growth[0] == 0
    assert 100 < found.growth[1] < 200
    assert found.growth[2] == found.growth[1] + 1000 == found.entered - len("ok")
    assert found.wall == 5
    assert found.agents == 2
