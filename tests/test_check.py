"""What `check` names, and what `add-tasks` lets in."""

import time

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.texts import additions, queue_problems
from claudestrator_helper.texts import queue as q
from queues import queue, task


def problems(text: str) -> list[str]:
    return [f"{problem.line}: {problem.text}" for problem in queue_problems.problems(q.parse(text))]


def refusal(text: str, addition: str) -> list[str]:
    with pytest.raises(ClaudestratorError) as refused:
        additions.add(text, addition)
    return str(refused.value).split("\n")


def test_a_sound_queue_has_no_problem() -> None:
    assert problems(queue(task("TASK-001"), task("TASK-002", dependencies="TASK-001", status="done"))) == []


@pytest.mark.parametrize(
    ("section", "said"),
    [(task("TASK-001", objective=""), "3: TASK-001: it has no Objective"), (task("TASK-001", criteria=()), "3: TASK-001: it has no Acceptance Criteria"),
     (task("TASK-001", dependencies="TASK-001"), "3: TASK-001: it depends on itself"), (task("TASK-001", dependencies="TASK-9"), "3: TASK-001: its dependency 'TASK-9' is not in the queue"),
     (task("TASK-001", status="paused"), "3: TASK-001: its status 'paused' is none of pending, in_progress, completed, failed, skipped"),
     (task("research-1"), "3: research-1: the id belongs to an agent of the run"),
     (task("TASK-001") + task("TASK-001"), "3: TASK-001: the id is used more than once, at lines 3 and 19")],
)  # fmt: skip
def test_each_problem_is_named_with_its_line(section: str, said: str) -> None:
    assert said in problems(queue(section))


def test_of_many_lines_the_first_few_are_named() -> None:
    said = problems(task("TASK-001") * 8)
    assert said[0] == "1: TASK-001: the id is used more than once, at lines 1 and 17 and 33 and 49 and 65 and 3 more"


def test_tasks_are_added_behind_the_others_to_the_letter() -> None:
    before = queue(task("TASK-001"))
    addition = task("TASK-002", dependencies="TASK-001", extra="| Owner | me |\n\n<!-- kept -->\n\n")
    after, ids = additions.add(before, addition)
    assert ids == ["TASK-002"]
    assert after == before + addition.strip("\n") + "\n"


def test_the_first_tasks_make_a_queue() -> None:
    after, _ = additions.add("", task("TASK-001"))
    assert after == queue(task("TASK-001")).rstrip("\n") + "\n"
    assert problems(after) == []


@pytest.mark.parametrize("end", ["---\n\n", "---\n", "---", "x"])
def test_an_addition_never_runs_into_what_stands_before(end: str) -> None:
    before = queue(task("TASK-001")).removesuffix("---\n\n") + end
    after, _ = additions.add(before, task("TASK-002"))
    assert after.startswith(before)
    assert q.parse(after).ids == ["TASK-001", "TASK-002"]


def test_an_addition_takes_the_line_ends_of_the_queue() -> None:
    after, _ = additions.add(queue(task("TASK-001")).replace("\n", "\r\n"), task("TASK-002"))
    assert after.count("\n") == after.count("\r\n")


def test_tasks_may_depend_on_each_other_and_on_those_before() -> None:
    after, ids = additions.add(
        queue(task("TASK-001")), task("TASK-003", dependencies="TASK-002") + task("TASK-002", dependencies="TASK-001")
    )
    assert ids == ["TASK-003", "TASK-002"]
    assert problems(after) == []


def test_every_error_is_named_with_its_line_in_the_addition_and_nothing_is_added() -> None:
    addition = (
        "\n"
        + task("TASK-001")
        + task("TASK-005", objective="", complexity="huge")
        + task("TASK-006", dependencies="TASK-404", status="done")
    )
    assert refusal(queue(task("TASK-001")), addition) == [
        "nothing was added; fix this and send the whole call again:",
        "line 2: TASK-001: the id is used more than once, at lines 3 and 19",
        "line 18: TASK-005: it has no Objective",
        "line 18: TASK-005: its complexity 'huge' is none of easy, normal, complex; it counts as normal",
        "line 34: TASK-006: it is new, so its status has to be pending",
        "line 34: TASK-006: its dependency 'TASK-404' is not in the queue",
    ]


def test_a_cycle_is_refused() -> None:
    said = refusal("", task("TASK-001", dependencies="TASK-002") + task("TASK-002", dependencies="TASK-001"))
    assert said[1:] == [
        "line 1: TASK-001: cycle TASK-001 → TASK-002 → TASK-001",
        "line 17: TASK-002: cycle TASK-001 → TASK-002 → TASK-001",
    ]


def test_a_cycle_through_a_task_that_was_there_is_refused() -> None:
    said = refusal(queue(task("TASK-001", dependencies="TASK-002")), task("TASK-002", dependencies="TASK-001"))
    assert said[1:] == ["line 1: TASK-002: cycle TASK-001 → TASK-002 → TASK-001"]


def test_errors_that_were_there_before_do_not_stand_in_the_way() -> None:
    assert additions.add(queue(task("TASK-001", complexity="huge")), task("TASK-002"))[1] == ["TASK-002"]


@pytest.mark.parametrize("addition", ["", "hello", "# Task Queue\n", "```\n### TASK-001\n| Status | pending |\n```"])
def test_an_addition_without_a_task_is_refused(addition: str) -> None:
    assert "no task on standard input" in refusal("", addition)[0]


def test_a_section_that_can_not_be_read_is_refused_with_the_rest() -> None:
    assert "line 17: 'Log in' looks like a task but its heading has no id" in refusal(
        "", task("TASK-001") + "### Log in\n\n| Status | pending |\n"
    )


def test_a_queue_whose_end_would_hide_the_addition_takes_none() -> None:
    said = refusal(queue(task("TASK-001"), "```\nopen\n"), task("TASK-002"))
    assert said == [
        "the queue's end hides what is added there: line 19: a code block or comment that is opened here never ends"
    ]


@pytest.mark.parametrize("path", ["no-reply.html", "none.py", "na/x.py", "nothing_here.txt"])
def test_a_path_that_begins_like_nothing_is_a_path(path: str) -> None:
    text = queue(task("TASK-001", extra=f"**Files:** {path}\n\n"))
    assert q.parse(text).tasks[0].files == [path]


@pytest.mark.parametrize(
    "line", ["Total Tasks: 42", "**Total Tasks:** 42", "| Total tasks | 42 |", "- total number of tasks: 42"]
)
def test_a_head_that_counts_more_tasks_than_there_are_is_named_and_is_no_error(line: str) -> None:
    parsed = q.parse(f"# Task Queue\n\n{line}\n\n" + task("TASK-1"))
    assert queue_problems.miscounted(parsed) == [(3, "it counts 42 tasks, and there are 1")]
    assert queue_problems.problems(parsed) == []


@pytest.mark.parametrize("line", ["Total Tasks: 1", "Total Tasks: 0", "42 tasks", "```\nTotal Tasks: 42\n```"])
def test_a_head_that_counts_no_more_is_nobodys_business(line: str) -> None:
    assert queue_problems.miscounted(q.parse(f"# Task Queue\n\n{line}\n\n" + task("TASK-1"))) == []


def test_a_long_word_on_a_line_of_its_own_takes_no_longer_than_it_is() -> None:
    text = queue(task("TASK-001")) + "\n\n" + "TASK-001" * 25_000 + "\n"
    began = time.process_time()
    list(queue_problems.problems(q.parse(text)))
    assert time.process_time() - began < 2


def test_a_task_may_wait_for_one_that_is_in_a_cycle_of_before() -> None:
    before = queue(task("TASK-001", dependencies="TASK-002"), task("TASK-002", dependencies="TASK-001"))
    assert additions.add(before, task("TASK-003", dependencies="TASK-001"))[1] == ["TASK-003"]
