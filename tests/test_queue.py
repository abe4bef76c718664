"""Queue texts as they occur in the wild, read, and edited without touching anything else."""

import time

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.texts import queue as q
from claudestrator_helper.texts import queue_problems
from hypothesis import given
from hypothesis import strategies as st
from queues import queue, task


def ids(text: str) -> list[str]:
    return q.parse(text).ids


def only(text: str) -> q.Task:
    (found,) = q.parse(text).tasks
    return found


def section(body: str, heading: str = "### TASK-001") -> str:
    return f"{heading}\n\n{body}\n"


def unreadable(text: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.text) for problem in queue_problems.unreadable(q.parse(text))]


def test_the_written_format_is_read() -> None:
    found = only(queue(task("TASK-001", objective="Add a door", criteria=("It opens", "It shuts"))))
    assert found.as_json() == {
        "id": "TASK-001",
        "status": "pending",
        "complexity": "normal",
        "model": "sonnet",
        "objective": "Add a door",
        "criteria": ["It opens", "It shuts"],
        "dependencies": [],
        "files": [],
        "line": 3,
    }


@pytest.mark.parametrize(
    "status_field",
    ["| Status | pending |", "|Status|pending|", "| **Status** | pending |", "| `Status` | `pending` |", "| STATUS | Pending |",
     "|Status |pending", "**Status:** pending", "**Status**: pending", "- **Status:** pending", "* **status:** pending",
     "**Status:**\npending", "**Status:**\n\npending", "| Status |\u00a0pending\u00a0|", "| Status | pending | since today |"],
)  # fmt: skip
def test_a_status_is_found_in_every_form(status_field: str) -> None:
    assert only(section(f"{status_field}\n\n**Objective:** x")).status == "pending"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("done", "completed"), ("DONE", "completed"), ("✅ Done", "completed"), ("complete", "completed"), ("✅", "completed"),
     ("in-progress", "in_progress"), ("In Progress", "in_progress"), ("IN_PROGRESS", "in_progress"), ("🔄 in progress", "in_progress"),
     ("`pending`", "pending"), ("**pending**", "pending"), ("done (2026-04-14)", "completed"), ("todo", "pending"), ("to do", "pending"),
     ("not started", "pending"), ("❌ Failed", "failed"), ("[x]", "completed"), ("[ ]", "pending"), ("_done_", "completed"),
     ("on hold", "on hold"), ("done?", "done?"), ("not done", "not done"), ("cancelled", "cancelled"), ("", "")],
)  # fmt: skip
def test_a_status_is_understood_or_kept_as_it_stands(written: str, meant: str) -> None:
    assert only(section(f"| Status | {written} |")).status == meant


@pytest.mark.parametrize(
    "id_",
    ["TASK-001", "TASK-T01", "TASK-V02", "TASK-99999", "BUILD-001", "TEST-UNIT-001", "TASK-074b", "TASK-2026-01-19-001", "task_7",
     "T1", "EPIC-2.3", "A-1"],
)  # fmt: skip
@pytest.mark.parametrize(
    "heading", ["### {}", "#### {}", "## {}", "### {}: Login", "### {} - Login", "### **{}**", "### `{}`: Login", "### [{}] Login",
                "### ✅ {}", "###  {}  ###", "   ### {}", "###\u00a0{}", "###{}"]
)  # fmt: skip
def test_ids_and_headings_of_every_kind(id_: str, heading: str) -> None:
    assert ids(section("| Status | pending |", heading.format(id_))) == [id_]


@pytest.mark.parametrize("heading", ["### T٣", "### T1٣", "### TASK-٣"])
def test_an_id_has_no_digits_that_a_file_of_the_run_may_not_have(heading: str) -> None:
    assert ids(section("| Status | pending |", heading)) == []
    assert [line for line, _ in unreadable(section("| Status | pending |", heading))] == [1]


def test_a_title_behind_the_id_is_the_objective_where_there_is_none() -> None:
    assert only(section("| Status | pending |", "### BUILD-001: Log in")).objective == "Log in"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("**Dependencies:** TASK-001, TASK-002", ["TASK-001", "TASK-002"]), ("| Depends On | [TASK-001, TASK-002] |", ["TASK-001", "TASK-002"]),
     ("**Dependencies:** TASK-001 and TASK-002", ["TASK-001", "TASK-002"]), ("**Depends on:** `TASK-002`", ["TASK-002"]),
     ("**Dependencies:**\n- TASK-001\n- TASK-002 (models)", ["TASK-001", "TASK-002"]), ("**Dependencies:**\n\n- TASK-001", ["TASK-001"]),
     ("**Dependencies:** TASK-001,\nTASK-003", ["TASK-001", "TASK-003"]), ("**Dependencies:** TASK-001: the login", ["TASK-001"]),
     ("**Dependencies:** TASK-001 through TASK-003", ["TASK-001", "TASK-002", "TASK-003"]), ("**Dependencies:** TASK-001–TASK-002", ["TASK-001", "TASK-002"]),
     ("**Dependencies:** TASK-002 to TASK-003, TASK-001", ["TASK-002", "TASK-003", "TASK-001"]), ("**Dependencies:** TASK-001, TASK-001", ["TASK-001"]),
     ("**Dependencies:** All previous tasks", ["TASK-001", "TASK-002", "TASK-003"]), ("**Dependencies:** all tasks above", ["TASK-001", "TASK-002", "TASK-003"]),
     ("**Dependencies:** None\n\nTASK-001 is near.", []), ("**Dependencies:** the login work", ["the login work"]), ("**Dependencies:** TASK-T1", ["TASK-T1"])],
)  # fmt: skip
def test_dependencies_in_every_form(written: str, meant: list[str]) -> None:
    before = "".join(section("| Status | pending |", f"### TASK-00{n}") for n in (1, 2, 3))
    assert (
        q.parse(before + section(f"| Status | pending |\n\n{written}", "### TASK-004")).tasks[-1].dependencies == meant
    )


@pytest.mark.parametrize(
    "nothing", ["None", "none.", "-", "—", "–", "n/a", "N/A", "", "[]", "none (foundation)", "Nothing", "**None**"]
)
def test_no_dependencies_in_every_form(nothing: str) -> None:
    assert (
        only(section(f"| Status | pending |\n\n**Dependencies:** {nothing}\n\n**Notes:** see TASK-009")).dependencies
        == []
    )


def test_fields_on_several_lines() -> None:
    found = only(
        section(
            "| Status | pending |\n\n**Objective:**\nBuild the door\nand the frame\n\n**Acceptance Criteria:**\n\n"
            "1. It opens\n   without a sound\n2. [x] It shuts\n\n**Files:** `a.py`, b/c.py (new)\n- d.py — later\n\n**Notes:** n"
        )
    )
    assert found.objective == "Build the door and the frame"
    assert found.criteria == ["It opens without a sound", "It shuts"]
    assert found.files == ["a.py", "b/c.py", "d.py"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("**Acceptance Criteria:**\n- a\n- **Money:** b\n- **Empty**: c\n- d\n\n**Dependencies:** None", ["a", "**Money:** b", "**Empty**: c", "d"]),
     ("**Acceptance Criteria:**\n- a\n\n**Dependencies:** None\n\n**Acceptance Criteria:**\n- b\n", ["a", "b"]),
     ("**Acceptance Criteria:**\n\n- **Money:** a\n- **Notes:** n\n- b", ["**Money:** a"]), ("- **Criteria:**\n  - **A:** a\n  - b\n- **Owner:** me", ["**A:** a", "b"]),
     ("**Acceptance Criteria:** a\n- **Owner:** me", ["a"]), ("**Acceptance Criteria:**\n1. a\n\n**Owner:** me", ["a"])],
)  # fmt: skip
def test_all_criteria_are_read_whatever_they_begin_with(written: str, meant: list[str]) -> None:
    assert only(section(f"| Status | pending |\n\n{written}")).criteria == meant


@pytest.mark.parametrize("written", ["easy", "Easy", "**easy**", "`easy`"])
def test_complexity_chooses_the_model(written: str) -> None:
    assert only(section(f"| Status | pending |\n| Complexity | {written} |")).model == "haiku"


def test_an_unknown_complexity_counts_as_normal_and_is_reported() -> None:
    parsed = q.parse(queue(task("TASK-001", complexity="gigantic")))
    assert parsed.tasks[0].model == "sonnet"
    assert [p.text for p in queue_problems.problems(parsed)] == [
        "TASK-001: its complexity 'gigantic' is none of easy, normal, complex; it counts as normal"
    ]


FENCES = {
    "a fence": "```\n{}\n```",
    "a fence with a language": "```markdown\n{}\n```",
    "tildes": "~~~\n{}\n~~~",
    "four backticks around three": "````\n```\n{}\n```\n````",
    "an indented fence": "- item\n   ```\n{}\n   ```",
    "a comment": "<!--\n{}\n-->",
    "a comment on one line before text": "<!-- x -->\n```\n{}\n```",
    "tildes around backticks": "~~~\n```\n{}\n~~~",
    "CRLF": "```\r\n{}\r\n```",
}


@pytest.mark.parametrize("name", FENCES)
def test_what_is_hidden_is_neither_task_nor_field(name: str) -> None:
    fake = FENCES[name].format("### TASK-777\n\n| Status | completed |\n")
    text = queue(f"{fake}\n\n", task("TASK-001", extra=f"**Notes:**\n{fake}\n\n"), task("TASK-002"), f"{fake}\n")
    assert [(found.id, found.status) for found in q.parse(text).tasks] == [
        ("TASK-001", "pending"),
        ("TASK-002", "pending"),
    ]
    assert unreadable(text) == []


@pytest.mark.parametrize(
    ("before", "margin"),
    [("1. see\n\n", "    "), ("1. see\n\n", "\t"), ("- a\n  - b\n\n", "      "), ("- a\n\n  more\n", "     "), ("10) a\n    b\n\n", "    ")],
)  # fmt: skip
def test_a_fence_in_a_list_item_hides_what_is_in_it(before: str, margin: str) -> None:
    hidden = "".join(f"{margin}{line}\n" for line in ("```md", "### TASK-777", "- [ ] TASK-778", "```"))
    text = queue(task("TASK-001", extra=f"**Notes:**\n\n{before}{hidden}\nmore\n\n"), task("TASK-002"))
    assert ids(text) == ["TASK-001", "TASK-002"]
    assert unreadable(text) == []


@pytest.mark.parametrize("end", ["  ```\n", "```\n", ""])
def test_a_fence_behind_the_mark_of_a_list_item_ends_with_the_item_at_the_latest(end: str) -> None:
    text = f"# Q\n\n- ```\n  ### TASK-777\n{end}\n" + task("TASK-001")
    assert ids(text) == ["TASK-001"]
    assert unreadable(text) == []


def test_an_indented_fence_outside_of_a_list_is_none() -> None:
    assert ids(f"# Q\n\n    ```\n\n{task('TASK-001')}") == ["TASK-001"]


def test_a_fake_status_row_in_notes_a_second_table_and_a_rule_change_nothing() -> None:
    body = "| Status | pending |\n\n---\n\n**Notes:**\n\n| Status | completed |\n|:---|---|\n| a \\| b | c |"
    assert only(section(body)).status == "pending"
    assert [p.text for p in queue_problems.problems(q.parse(section(body))) if "more than one" in p.text] != []


def test_an_escaped_bar_is_part_of_its_cell() -> None:
    assert only(section("| Status | a \\| b |")).status == "a \\| b"


def test_tasks_of_the_fourth_level_under_groups() -> None:
    text = "## Phase-1\n\n### Group-1: Login\n\n" + "".join(
        section("| Status | done |", f"#### TASK-00{n}") for n in (1, 2)
    )
    assert ids(text) == ["TASK-001", "TASK-002"]
    assert unreadable(text) == []


def test_a_deeper_heading_belongs_to_its_task() -> None:
    found = only("### TASK-001\n\n#### Details\n\n| Status | pending |\n\n#### More\n\n**Objective:** x\n")
    assert (found.status, found.objective) == ("pending", "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# Task Queue\n",
        "no heading at all",
        "\ufeff",
        "# Door\n\n**Goal:** a door\n**Status:** in progress\n",
    ],
)
def test_texts_without_tasks(text: str) -> None:
    assert ids(text) == []
    assert unreadable(text) == []


def test_a_missing_blank_line_a_bom_crlf_and_no_last_newline() -> None:
    assert ids("\ufeff### TASK-001\r\n| Status | pending |\r\n### TASK-002\n| Status | done |") == [
        "TASK-001",
        "TASK-002",
    ]


def test_texts_in_any_script_are_kept() -> None:
    found = only(queue(task("TASK-001", objective="Построить дверь", criteria=("門が開く",))))
    assert (found.objective, found.criteria) == ("Построить дверь", ["門が開く"])


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [("### TASK-001\n\n**Objective:** x\n", 1, "no Status"), ("### Log in\n\n| Status | pending |\n", 1, "no id"),
     ("# Q\n\n- [ ] TASK-009: log in\n", 3, "TASK-009"), ("# Q\n\n| TASK-009 | pending |\n", 3, "TASK-009"),
     ("### TASK-001\n| Status | done |\n\n```\n### TASK-002\n| Status | pending |\n", 4, "never ends"),
     ("### TASK-001\n| Status | done |\n\n<!--\n### TASK-002\n| Status | pending |\n", 4, "never ends"),
     ("### TASK-001\n| Status | done |\n\n```\nx\n\n### TASK-002\n| Status | pending |\n\n```python\ny\n```\n", 4, "swallow"),
     ("### TASK-001\n| Status | done |\n\n### TASK-002\n\nhalf a task\n", 4, "TASK-002"),
     ("### TASK-001\n| Status | done |\n\n    ### TASK-002\n| Status | done |\n", 4, "no heading"), ("### TASK-001\n| Status | done |\n####### TASK-002\n", 3, "no heading"),
     ("### TASK-001\n| Status | done |\n> ### TASK-002\n", 3, "no heading"), ("### TASK-001\n| Status | done |\n\u00a0### TASK-002\n", 3, "no heading"),
     ("### TASK-001\n| Status | done |\nx\u2028### TASK-002\n", 3, "no heading"), ("### TASK-001\n| Status | done |\n**TASK-002**: log in\n**Status:** done\n", 3, "no heading"),
     ("### TASK-001\n| Status | done |\nTASK-002\n---\n| Status | done |\n", 3, "no heading"), ("# Q\n\n**BUILD-1**\n**Status:** pending\n", 3, "no heading"),
     ("# Log in\n\n| Status | pending |\n| Complexity | easy |\n", 1, "no id"), ("BUILD-1\n===\n**Status:** pending\n", 1, "no heading"), ("# Q\n\n- ### BUILD-1\n", 3, "no heading")],
)  # fmt: skip
def test_what_looks_like_a_task_and_is_none_is_named_with_its_line(text: str, line: int, word: str) -> None:
    assert [(at, word in said) for at, said in unreadable(text)] == [(line, True)]


@pytest.mark.parametrize(
    "line",
    ["see ### TASK-002", "TASK-002 is near", "UTF-8 is meant", "    ### TASK-001", "> # TASK-001", "- TASK-002", "### 2026-01 was before", "> ## Q3-2024", "- #TASK-123 in Jira"],
)  # fmt: skip
def test_a_line_about_a_task_is_none(line: str) -> None:
    assert unreadable(task("TASK-001", extra=f"**Notes:**\n{line}\n\n")) == []


def test_an_index_of_known_tasks_is_no_problem() -> None:
    assert unreadable("# Q\n\n- [x] TASK-001\n\n| TASK-001 | done |\n\n" + task("TASK-001")) == []


def test_counts_come_from_the_sections_and_not_from_a_header() -> None:
    assert len(ids("Total Tasks: 42\n\n" + task("TASK-001") + task("TASK-002"))) == 2


@pytest.mark.parametrize(
    "cell", ["| Status | pending |", "|Status|pending|", "| **Status** |   pending   | x |", "**Status:** pending", "| Status | ✅ Done |",
             "| Status | **pending** |", "| Status |  |"]
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_status_change_edits_one_cell(cell: str, newline: str) -> None:
    status = "pending" if "Done" in cell else "failed"
    before = f"\ufeff# Q\n### TASK-T1\r\n{cell}\r\n\r\n### TASK-T10\n{cell}{newline}\n```\n### TASK-T1\n| Status | pending |\n```\n### TASK-T12{newline}{cell}"
    after = q.set_status(before, "TASK-T10", status)
    value = cell.split("|")[-2 if cell.count("|") == 3 else 2].strip() if "|" in cell else "pending"
    head, tail = before.split("### TASK-T10", 1)
    changed = tail.replace(value, status, 1) if value else tail.replace("|  |", f"|  {status}|", 1)
    assert after == f"{head}### TASK-T10{changed}"
    others = only(f"### A-1\n{cell}").status
    assert [found.status for found in q.parse(after).tasks] == [others, status, others]


@pytest.mark.parametrize(
    ("before", "after"),
    [("**Status:**", "**Status:** pending"), ("**Status:**\r\n", "**Status:** pending\r\n"), ("**Status:**\n```\ncode\n```\n", "**Status:** pending\n```\ncode\n```\n"),
     ("**Status:**\n```\nnever ends", "**Status:** pending\n```\nnever ends"), ("**Status:**\n\n**Objective:** x", "**Status:** pending\n\n**Objective:** x"),
     ("**Status:**\n\nA note of mine.\n", "**Status:** pending\n\nA note of mine.\n"), ("|Status|\r\n", "|Status|pending\r\n"), ("- **Status:** \r", "- **Status:** pending \r"),
     ("**Status:**\r\n\r\non hold", "**Status:** pending\r\n\r\non hold"), ("| Status | done\\\r\n", "| Status | pending\\\r\n")],
)  # fmt: skip
def test_a_status_is_written_behind_the_name_of_its_field_where_there_is_none(before: str, after: str) -> None:
    changed = q.set_status(f"### TASK-001\n{before}", "TASK-001", "pending")
    assert changed == f"### TASK-001\n{after}"
    assert only(changed).status == "pending"


@pytest.mark.parametrize(
    ("text", "found"),
    [("# Q\r\r### TASK-001\r\r| Status | done |\r", ["TASK-001"]), ("### TASK-001\r\n| Status | done |\r### TASK-002\n| Status | done |", ["TASK-001", "TASK-002"]),
     ("### TASK-001\n| Status | done |\n\ufeff### TASK-002\n| Status | done |", ["TASK-001", "TASK-002"]), ("```\r### TASK-001\r| Status | done |\r```\r### TASK-002\r| Status | done |", ["TASK-002"])],
)  # fmt: skip
def test_lines_that_end_in_a_cr_and_files_that_were_joined_are_read(text: str, found: list[str]) -> None:
    assert [(task_.id, task_.status) for task_ in q.parse(text).tasks] == [(id_, "completed") for id_ in found]
    assert unreadable(text) == []
    assert q.set_status(text, found[-1], "pending") == "pending".join(text.rsplit("done", 1))


def test_a_list_with_lone_crs_has_as_many_items() -> None:
    assert only("### TASK-001\r| Status | done |\r**Criteria:**\r- a\r- b\r").criteria == ["a", "b"]


def test_lines_are_counted_whatever_ends_them() -> None:
    text = "x\r\ny\rz\n### TASK-001\n| Status | done |\r### TASK-002\n| Status | done |"
    assert [found.line for found in q.parse(text).tasks] == [4, 6]


@pytest.mark.parametrize(
    "written", ["login-" * 30 + "!", "a" * 20_000, "a1" * 10_000, "a-" * 10_000 + "!", "x" + "(" * 30_000]
)
def test_no_text_of_dependencies_takes_the_square_of_its_length(written: str) -> None:
    before = time.process_time()
    assert only(section(f"| Status | pending |\n\n**Dependencies:** {written}")).dependencies != []
    assert time.process_time() - before < 0.5


def test_no_status_takes_the_square_of_its_length() -> None:
    before = time.process_time()
    assert only(section(f"| Status | {'(' * 30_000} |")).status == "(" * 30_000
    assert time.process_time() - before < 0.5


def test_an_id_is_not_found_inside_of_a_word() -> None:
    text = section("| Status | pending |") + section("| Status | x |\n\n**Dependencies:** 1TASK-001", "### TASK-002")
    assert q.parse(text).tasks[1].dependencies == ["1TASK-001"]


def test_a_status_on_the_next_line_is_one_whatever_its_word() -> None:
    text = section("**Status:**\non hold\n\nMore.")
    assert only(text).status == "on hold"
    assert q.set_status(text, "TASK-001", "pending") == text.replace("on hold", "pending")


def test_bytes_that_are_not_utf_8_survive() -> None:
    data = b"### TASK-001\n| Status | pending |\n\n**Notes:** caf\xe9 \xff\n"
    text = q.set_status(data.decode("utf-8", "surrogateescape"), "TASK-001", "completed")
    assert text.encode("utf-8", "surrogateescape") == data.replace(b"pending", b"completed")


@pytest.mark.parametrize(
    ("id_", "status", "said"),
    [("TASK-009", "completed", "no task TASK-009"), ("TASK-001", "finished", "'finished' is not a status"),
     ("TASK-002", "failed", "TASK-002 is completed: set it to pending first"), ("TASK-003", "completed", "at lines 33 and 49")],
)  # fmt: skip
def test_a_change_that_can_not_be_is_refused_in_one_line(id_: str, status: str, said: str) -> None:
    text = task("TASK-001") + task("TASK-002", status="done") + task("TASK-003") + task("TASK-003")
    with pytest.raises(ClaudestratorError) as refusal:
        q.set_status(text, id_, status)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


FRAGMENTS = st.sampled_from(
    ["### TASK-001", "### TASK-T1", "#### TASK-T10: x", "## Group-1", "\n", "\r\n", "\n\n", "| Status | pending |", "| Status | ✅ Done |", "|Status|", "```",
     "````", "~~~", "<!--", "-->", "**Objective:** a", "**Status:** done", "**Dependencies:** TASK-001", "- ", "---", "\ufeff", "\u2028", "\x0c", "\\|", "| a | b |", "\udcff", "    ", "\t", "é", "門"]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.one_of(FRAGMENTS, st.text(max_size=5))).map("".join))


@given(TEXTS)
def test_any_text_is_kept_and_no_section_overlaps_another(text: str) -> None:
    parsed = q.parse(text)
    assert parsed.text == text
    edges = [edge for block in parsed.blocks for edge in (block.start, block.body, block.end)]
    assert edges == sorted(edges)
    queue_problems.problems(parsed)
    assert [found.as_json()["id"] for found in parsed.tasks] == parsed.ids


@given(TEXTS, st.sampled_from(["pending", "in_progress", "completed", "failed"]))
def test_a_status_flip_changes_one_cell_and_nothing_else(text: str, status: str) -> None:
    parsed = q.parse(text)
    for found in parsed.tasks:
        after = q.edited(parsed, {found.id: status})
        if len(parsed.by_id[found.id]) > 1:
            assert after.text == text
            continue
        span = found.status_span
        assert span is not None
        changed = text if found.status == status else text[: span[0]] + status + text[span[1] :]
        assert after.text == changed
        assert "\n" not in text[span[0] : span[1]]
        assert [(t.id, t.status) for t in after.tasks] == [
            (t.id, status if t.id == found.id else t.status) for t in parsed.tasks
        ]


@pytest.mark.parametrize(
    "written",
    ["#### Acceptance Criteria\n\n- [ ] a\n- [ ] b", "### Acceptance Criteria\n\n- a\n- b", "**Acceptance Criteria**\n- a\n- b", "- Acceptance criteria:\n  - a\n  - b", "Acceptance Criteria:\n1. a\n2. b",
     "**AC:**\n- a\n- b", "**Success criteria:**\n* a\n* b", "**Acceptance Criteria (all of them):**\n- a\n- b", "**Definition of Done:**\n- a\n- b"],
)  # fmt: skip
def test_criteria_are_found_whatever_their_form(written: str) -> None:
    text = f"### TASK-1\n\n| Status | pending |\n\n**Objective:** Build it\n\n{written}\n\n**Dependencies:** None\n"
    parsed = q.parse(text)
    assert parsed.tasks[0].criteria == ["a", "b"]
    assert queue_problems.problems(parsed) == []
