"""What a queue says of its tasks' order outside of their sections, next to fields that agree or say nothing."""

import time

import pytest
from claudestrator_helper.texts import queue as q
from claudestrator_helper.texts import queue_problems
from queues import queue, task

ALONE = task("TASK-001") + task("TASK-002") + task("TASK-003")
FIELDS = (
    task("TASK-001") + task("TASK-002", dependencies="TASK-001") + task("TASK-003", dependencies="TASK-001, TASK-002")
)
#: By an id: an overview, and the lines of it that name an order.
OVERVIEWS: dict[str, tuple[str, list[int]]] = {
    "a list of dependencies": ("## Dependencies\n\n- TASK-002 depends on TASK-001\n", [1]),
    "a list of them all": ("## Dependencies\n\n- TASK-002 depends on TASK-001\n- TASK-003 depends on TASK-002\n", [1]),
    "a table of dependencies": ("## Dependencies\n\n| Task | Depends on |\n|---|---|\n| TASK-002 | TASK-001 |\n", [1, 5]),
    "a table of the tasks": ("| ID | Title | Blocked by |\n|:--|---|--:|\n| TASK-001 | a | - |\n| [TASK-002](#x) | b | [TASK-001](#y) |\n", [4]),
    "a graph": ("## Dependency graph\n\nTASK-001 → TASK-002 → TASK-003\n", [1, 3]),
    "part of a graph": ("## Dependency graph\n\nTASK-001 → TASK-002\n", [1, 3]),
    "a diagram": ("```mermaid\ngraph TD\n  A[TASK-001: a] --> B[TASK-002: b]\n  TASK-002-->|yes|TASK-003\n```\n", [3, 4]),
    "a path": ("## Critical path\n\nTASK-001 => TASK-003\n", [3]),
    "several on a side": ("TASK-001, TASK-002 -> TASK-003\n", [1]),
}  # fmt: skip
#: Lines that name no order of two tasks.
NO_ORDER = [
    "TASK-001 -> src/a.py, TASK-002 -> src/b.py", "TASK-001 → done. TASK-002 → next.", "Setup → Cart", "<!-- TASK-001 → TASK-002 -->", "| ID | Depends on |\n|---|---|\n| TASK-001 | - |",
    "TASK-001 → TASK-001", "| TASK-001 | → |", "> TASK-001", "| Task | Title |\n|---|---|\n| TASK-001 | like TASK-002 |", "TASK-001 → TASK-900",
]  # fmt: skip


def said(text: str) -> list[int]:
    return sorted({problem.line for problem in queue_problems.unread(q.parse(text))})


def dependencies(text: str) -> list[list[str]]:
    return [found.dependencies for found in q.parse(text).tasks]


@pytest.mark.parametrize("name", OVERVIEWS)
def test_an_order_that_no_field_has_is_named_and_none_that_the_fields_have(name: str) -> None:
    overview, lines = OVERVIEWS[name]
    for below in (ALONE, queue(ALONE)):
        assert said(f"{overview}\n{below}") == lines
        assert dependencies(f"{overview}\n{below}") == [[], [], []]
    for text in (f"{overview}\n{FIELDS}", f"# Q\n\n{overview}\n{FIELDS}", f"{FIELDS}\n## More\n\n{overview}"):
        assert said(text) == []
        assert dependencies(text) == dependencies(FIELDS)
        assert queue_problems.problems(q.parse(text)) == []


@pytest.mark.parametrize("line", NO_ORDER)
def test_what_names_no_order_is_not_named(line: str) -> None:
    assert said(f"# Q\n\n{line}\n\n{ALONE}") == []


@pytest.mark.parametrize("line", ["All other tasks depend on TASK-001.", "Everything needs TASK-001"])
def test_what_all_tasks_need_is_named_where_one_does_not(line: str) -> None:
    assert said(f"# Q\n\n{line}\n\n{ALONE}") == [1]
    assert said(f"# Q\n\n{line}\n\n{FIELDS}") == []


@pytest.mark.parametrize("line", ["TASK-001 → TASK-002", "| Task | Depends on |\n|---|---|\n| TASK-002 | TASK-001 |"])
@pytest.mark.parametrize("completed", ["TASK-001", "TASK-002"])
def test_an_order_of_completed_tasks_is_over(line: str, completed: str) -> None:
    below = queue(task("TASK-001"), task("TASK-002")).replace("pending", "completed", 1)
    if completed == "TASK-002":
        below = queue(task("TASK-001"), task("TASK-002", status="completed"))
    assert said(f"{line}\n\n{below}") == []


#: By an id: lines above three tasks, and what each of them waits for.
LINES: dict[str, tuple[str, list[list[str]]]] = {
    "after": ("- TASK-002: after TASK-001\n- TASK-003: after TASK-002\n", [[], ["TASK-001"], ["TASK-002"]]),
    "boxes": ("- [ ] TASK-002 Cart (depends on TASK-001)\n- [ ] TASK-003 (needs TASK-002)\n", [[], ["TASK-001"], ["TASK-002"]]),
    "before": ("TASK-001 must be done before TASK-002.\nTASK-002 must be done before TASK-003.\n", [[], ["TASK-001"], ["TASK-002"]]),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_a_line_about_one_task_holds_for_no_other(name: str) -> None:
    lines, right = LINES[name]
    assert dependencies(f"# Q\n\n{lines}\n{ALONE}") == right
    assert said(f"# Q\n\n{lines}\n{ALONE}")


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("Start after TASK-001. TASK-003 is big.", [["TASK-001"], ["TASK-001"]]),
        ("The whole phase, TASK-003 included, depends on TASK-001.", [["TASK-001"], ["TASK-001"]]),
        ("TASK-002: cart, after TASK-001; TASK-003: mail, after TASK-002", [["TASK-001"], ["TASK-002"]]),
        ("TASK-002, TASK-003: after TASK-001", [["TASK-001"], ["TASK-001"]]),
        ("TASK-003: mail. Depends on TASK-001.", [[], ["TASK-001"]]),
    ],
)
def test_a_line_of_a_group_holds_for_the_tasks_that_it_is_about(line: str, right: list[list[str]]) -> None:
    text = f"# Q\n\n## Phase 1\n\n{task('TASK-001')}## Phase 2\n\n{line}\n\n{task('TASK-002')}{task('TASK-003')}"
    assert dependencies(text)[1:] == right
    assert said(text)


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_repeats_the_fields_adds_nothing(name: str) -> None:
    text = f"# Q\n\n{LINES[name][0]}\n{FIELDS}"
    assert (dependencies(text), said(text)) == (dependencies(FIELDS), [])


def test_a_line_that_contradicts_the_fields_makes_no_cycle() -> None:
    assert dependencies(f"# Q\n\n- TASK-001: needs TASK-003\n\n{FIELDS}") == dependencies(FIELDS)


@pytest.mark.parametrize(
    "filler", ["TASK-001 → TASK-002\n", "TASK-001 → ", "- TASK-002: needs TASK-001\n", "| TASK-001 ", "-", " ", "→", "- TASK-002: after TASK-001, ", "<!-- x -->\n"]
)  # fmt: skip
def test_no_overview_takes_the_square_of_its_length(filler: str) -> None:
    before = time.process_time()
    said(f"# Q\n\n| Task | Depends on |\n|---|---|\n{filler * 10_000}\n\n{ALONE}")
    assert time.process_time() - before < 4
