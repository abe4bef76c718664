"""Where a task's criteria begin and end, each text with its right reading."""

import time

import pytest
from claudestrator_helper.texts import queue as q
from queues import queue, task

HEAD = "### TASK-001: Cart\n\n| Status | pending |\n\n"


def criteria(written: str) -> list[str]:
    return q.parse(f"# Q\n\n{HEAD}{written}\n").tasks[0].criteria


#: By an id: what comes after two criteria and is none.
AFTER = {
    "a label without a colon": "**Dependencies**\n- TASK-002",
    "another such label": "**Test Plan**\n- run it",
    "a label without emphasis": "Dependencies: TASK-002",
    "a label in italics": "*Files:* a.py",
    "a label in another script": "**依赖：** 无",
    "a label with a sign": "**🔗 Dependencies:** None",
    "a numbered label": "**2. Dependencies:** None",
    "a sign before a label": "🔗 **Dependencies:** None",
    "a quoted label": "> Notes: see below",
    "a label and its list": "Steps:\n1. the model\n2. the page",
    "a paragraph": "It is hard. Take care.\n\nTake your time.",
    "a comment": "<!-- - c -->",
}


@pytest.mark.parametrize("name", AFTER)
@pytest.mark.parametrize("label", ["**Acceptance Criteria:**", "**Acceptance Criteria**", "#### Acceptance Criteria\n"])
def test_what_comes_after_the_criteria_is_none(name: str, label: str) -> None:
    assert criteria(f"{label}\n- the page loads\n- it is fast\n\n{AFTER[name]}") == ["the page loads", "it is fast"]


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("\n- a\n\n  of the cart\n- b", ["a of the cart", "b"]),
        ("\n- a\n\nAlso:\n- b", ["a", "Also:", "b"]),
        ("\n- a\n\n**Non-functional**\n- b", ["a", "b"]),
        ("\n- a\n- **Money:** b", ["a", "**Money:** b"]),
        ("\n- Status: the page shows it\n- b", ["Status: the page shows it", "b"]),
        (" Tests: all pass", ["Tests: all pass"]),
        ("\na\nb", ["a b"]),
        ("\n• a\n• b", ["a", "b"]),
        ("\n☐ a\n☐ b", ["a", "b"]),
        ("\n✅ a\n✅ b", ["a", "b"]),
        ("\n(1) a\n(2) b", ["a", "b"]),
        ("\na) a\nb) b", ["a", "b"]),
        ("\n> - a\n> - b", ["a", "b"]),
        ("\n1. the text is:\n\n   ```\n   - x\n   ```\n\n2. b", ["the text is: ``` - x ```", "b"]),
        ("\r\n- a\r\n\r\n- b\r\n\r\n**Dependencies**\r\nNone", ["a", "b"]),
    ],
)
def test_criteria_are_the_items_of_a_list(written: str, right: list[str]) -> None:
    assert criteria(f"**Acceptance Criteria:**{written}") == right


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("- a\n  Status: 200 is returned\n- b", ["a Status: 200 is returned", "b"]),
        ("- a\n\n  Files: are kept\n\n- b", ["a Files: are kept", "b"]),
        ("- a\n`Status: ok` is printed\n- b", ["a `Status: ok` is printed", "b"]),
        ("*Functional*\n- a\n\n*Other:*\n- b", ["*Functional*", "a", "b"]),
        ("✅ a\n❌ b", ["a", "❌ b"]),
        ("- a\n- b\n---", ["a", "b"]),
        ("- a\n- b\n***", ["a", "b"]),
    ],
)
@pytest.mark.parametrize(
    "label",
    [
        "**Acceptance Criteria:**",
        "#### Acceptance Criteria\n",
        "Acceptance Criteria\n---",
        "**Acceptance Criteria:**\n---",
    ],
)
def test_what_is_in_a_criterion_ends_none(label: str, written: str, right: list[str]) -> None:
    assert criteria(f"{label}\n{written}") == right


@pytest.mark.parametrize(
    "label",
    ["**Acceptance Criteria:**", "#### Acceptance Criteria\n", "Acceptance Criteria:", "**Acceptance Criteria**"],
)
def test_criteria_may_be_in_a_code_block(label: str) -> None:
    assert criteria(f"{label}\n```gherkin\nGiven a\nThen b\n```") == ["```gherkin Given a Then b ```"]


@pytest.mark.parametrize(
    "label",
    ["#### ✅ Acceptance Criteria", "**✅ Acceptance Criteria:**", "**1. Acceptance Criteria:**", "<b>Acceptance Criteria</b>",
     "Acceptance Criteria:", "**Exit criteria:**", "**Acceptance Tests:**", "__Acceptance Criteria__", "- Acceptance Criteria:"],
)  # fmt: skip
def test_criteria_are_found_below_a_label_of_any_form(label: str) -> None:
    assert criteria(f"{label}\n  - a\n  - b\n\n**Owner:** Ann") == ["a", "b"]


def test_the_next_field_in_a_list_of_fields_is_no_criterion() -> None:
    assert criteria("- Acceptance Criteria:\n  - a\n  - b\n- Owner: Ann") == ["a", "b"]


@pytest.mark.parametrize("filler", ["- a\n", "\n", "a\n\n", "**a**\n", "> ", "(", "🔗 ", " ", "*", "1", "_"])
def test_no_criteria_take_the_square_of_their_length(filler: str) -> None:
    before = time.process_time()
    criteria(f"**Acceptance Criteria:**\n- a\n{filler * 20_000}x")
    criteria(f"{filler * 20_000}Acceptance Criteria\n- a\n")
    assert time.process_time() - before < 2


def test_many_tasks_without_criteria_are_read_in_time() -> None:
    bare = task("TASK-{}").replace("**Acceptance Criteria:**", "**Owner:**")
    tasks = q.parse(queue(*(bare.replace("{}", str(at)) for at in range(3000)))).tasks
    before = time.process_time()
    assert not any(found.criteria for found in tasks)
    assert time.process_time() - before < 2
