"""What people write around dependencies, statuses and files, each line with its right reading."""

import itertools
import time

import pytest
from claudestrator_helper.texts import additions, overlap, queue_problems, statuses
from claudestrator_helper.texts import queue as q
from examples import TIMES
from hypothesis import given, settings
from hypothesis import strategies as st
from queues import queue, task

KNOWN = [f"TASK-{n:03d}" for n in range(1, 9)]


def last(body: str, *, heading: str = "### TASK-009", before: str = "") -> q.Task:
    """The last of nine tasks; *body* is the whole of its section but for a status."""
    text = queue(*map(task, KNOWN)) + f"{before}{heading}\n\n| Status | pending |\n{body}\n"
    return q.parse(text).tasks[-1]


def told(found: q.Task) -> list[str]:
    """What `check` says of the task, in its problems and notes."""
    said = [*queue_problems.problems(found.queue), *queue_problems.unread(found.queue)]
    about = [problem.text for problem in said if "Objective" not in problem.text and "Criteria" not in problem.text]
    return [text for text in about if text.startswith(f"{found.id}:") or "its dependency" in text or "guess" in text]


def numbers(*these: int) -> list[str]:
    return [f"TASK-{n:03d}" for n in these]


#: By an id: the text of a Dependencies field and the tasks that it names; "told" is what `check` must say besides.
TEXTS: dict[str, tuple[str, list[int]]] = {
    "bold ids in a list": ("\n- **TASK-001:** the schema\n- **TASK-003**: the API", [1, 3]),
    "labelled items": ("\n- **Task:** TASK-002 (the boundary first)", [2]),
    "ids in parentheses": ("(TASK-001, TASK-003)", [1, 3]),
    "a range with a short end": ("TASK-001–003, TASK-005", [1, 2, 3, 5]),
    "numbers after an id": ("TASK-001, 003 and 004", [1, 3, 4]),
    "none but": ("No external dependencies; needs TASK-002", [2]),
    "up to": ("TASK-001 up to TASK-004", [1, 2, 3, 4]),
    "a list is no range": ("\n- TASK-001\n- TASK-005 (needs the API)", [1, 5]),
    "in parallel with": ("TASK-001; can run in parallel with TASK-004", [1]),
    "all previous except": ("All previous tasks except TASK-003", [1, 2, 4, 5, 6, 7, 8]),
    "a version": ("TASK-001, after the move to library v2.4.1 with UTF-8 input", [1]),
    "none as an item": ("\n- None", []),
    "n.a.": ("n.a.", []),
    "emphasised none": ("_none_", []),
    "null": ("null", []),
    "independent": ("Independent", []),
    "a sign for nothing": ("∅", []),
    "none external": ("None external, internal: TASK-002", [2]),
    "none but an id": ("None but TASK-002", [2]),
    "none on a task": ("No dependencies on TASK-002", []),
    "negation": ("not blocked by TASK-002", []),
    "negation after an id": ("TASK-001, not blocked by TASK-002", [1]),
    "a contraction": ("TASK-001; doesn't need TASK-002", [1]),
    "two negations": ("cannot start before TASK-002 is done", [2]),
    "blocks": ("TASK-001 (blocks TASK-005)", [1]),
    "before another": ("TASK-001 must be completed before TASK-005", [1]),
    "struck out": ("~~TASK-001~~ TASK-002", [2]),
    "a struck item": ("\n- ~~TASK-001~~\n- TASK-002", [2]),
    "a comment": ("TASK-001 <!-- TASK-004 -->", [1]),
    "a comment on a line": ("\n- TASK-001\n<!-- TASK-004 -->\n", [1]),
    "links": ("[TASK-001](#task-001), [TASK-002][1]", [1, 2]),
    "a loose list": ("\n\n- TASK-001\n\n- TASK-003", [1, 3]),
    "a list of dashes": ("\n– TASK-001\n– TASK-003", [1, 3]),
    "a list without blanks": ("\n-TASK-001\n-TASK-003", [1, 3]),
    "a list of stars": ("\n\n* not blocked by TASK-001\n\n* TASK-002", [2]),
    "a list of words to skip": ("TASK-001, TASK-002 (schema, API; see docs/a.md, section 2.1)", [1, 2]),
    "a reason": ("TASK-001 for the schema, TASK-002 for the API", [1, 2]),
    "dots in a list": ("TASK-001, ..., TASK-003", [1, 2, 3]),
    "a struck id with its reason": ("~~TASK-001~~ (dropped), TASK-002", [2]),
    "a fence of tildes": ("\n~~~\nTASK-001\n~~~", [1]),
    "breaks": ("TASK-001<br>TASK-003", [1, 3]),
    "a fence": ("\n```\nTASK-001\n```", [1]),
    "a table": ("\n\n| Task | Why |\n|---|---|\n| TASK-001 | the schema |\n| TASK-003 | the API |", [1, 3]),
    "a flow list": ('["TASK-001", "TASK-003"]', [1, 3]),
    "dots": ("TASK-001..TASK-003", [1, 2, 3]),
    "a range in one word": ("TASK-001-003", [1, 2, 3]),
    "to a short end": ("TASK-001 to 003", [1, 2, 3]),
    "a range but one": ("TASK-001 to TASK-005 except TASK-003", [1, 2, 4, 5]),
    "all previous and a later one": ("All previous tasks and TASK-009b", [1, 2, 3, 4, 5, 6, 7, 8]),
    "an id in angle brackets": ("<TASK-001>, <b>TASK-002</b>", [1, 2]),
    "all but one": ("All except TASK-003", [1, 2, 4, 5, 6, 7, 8]),
    "all others, in parentheses but one": ("All others (except TASK-003)", [1, 2, 4, 5, 6, 7, 8]),
    "all but several": ("All previous tasks except TASK-003, TASK-004 and TASK-005", [1, 2, 6, 7, 8]),
    "everything above": ("everything above", [1, 2, 3, 4, 5, 6, 7, 8]),
    "another case": ("task-002", [2]),
    "without zeros": ("TASK-2", [2]),
    "words and numbers": ("Task 1, task 2 and Task #3", [1, 2, 3]),
    "a plural": ("Tasks 1-3, 5", [1, 2, 3, 5]),
    "a remark of a sentence": ("TASK-001. It makes the schema.", [1]),
    "a remark with commas": ("TASK-001: the schema, the API", [1]),
    "ids before another word": ("TASK-001 - 002 Task: TASK-004", [1, 2, 4]),
    "a range with a remark in it": ("TASK-001 (inclusive) to TASK-003", [1, 2, 3]),
    "struck out by single tildes": ("~TASK-001~ TASK-002", [2]),
    "a range of tildes": ("TASK-001 ~ TASK-003", [1, 2, 3]),
    "what it blocks": ("TASK-001; blocks TASK-005, TASK-006", [1]),
    "upstream and downstream": ("Upstream: TASK-001; downstream: TASK-005", [1]),
    "what depends on it, in parentheses": ("TASK-001, TASK-005 (blocked by this)", [1]),
    "predecessors and successors": ("TASK-001 **Successors:** TASK-005", [1]),
    "what this task needs of it, in parentheses": (
        "TASK-001 (depends on it being merged), TASK-002 (needs this version), TASK-003 (needs it)",
        [1, 2, 3],
    ),
    "nothing but a struck id": ("~~TASK-001~~ (removed)", []),
    "a struck id and another in parentheses": ("~~TASK-001~~ (now TASK-002)", [2]),
    "a table of what may be needed": (
        "\n\n| Type | Task |\n|---|---|\n| Parent | TASK-001 |\n| Optional | TASK-002 |",
        [1, 2],
    ),
    "a table of kinds": ("\n\n| Type | Task |\n|---|---|\n| Internal | TASK-001 |\n| Depends on | TASK-002 |", [1, 2]),
    "paragraphs in items": ("\n- TASK-001\n\n  It makes the schema.\n\n- TASK-002", [1, 2]),
    "labels and parentheses": ("Schema (TASK-001), API (TASK-002)", [1, 2]),
}
#: By an id: a text that can't be read for sure, the tasks that are waited for, and what `check` quotes.
GUESSES: dict[str, tuple[str, list[str], str]] = {
    "words beside an id": ("TASK-001; the server's key from Ann", ["TASK-001", "the server's key from Ann"], "key from Ann"),
    "a key besides": ("TASK-001 and the server key", ["TASK-001", "the server key"], "the server key"),
    "a condition": ("TASK-001, once Ann has signed", ["TASK-001", "once Ann has signed"], "Ann has signed"),
    "an unknown id": ("TASK-077", ["TASK-077"], "TASK-077"),
    "the same as": ("same as TASK-003", ["same as TASK-003"], "same as TASK-003"),
    "see": ("see TASK-003", ["see TASK-003"], "see TASK-003"),
    "a question": ("TASK-001?", ["TASK-001"], "TASK-001?"),
    "only a question": ("?", ["?"], "?"),
    "either": ("TASK-001 or TASK-002", ["TASK-001", "TASK-002"], "a guess"),
    "not required": ("TASK-001 is not required", ["TASK-001"], "is not required"),
    "an id's successor": ("TASK-001 or its successor TASK-002", ["TASK-001", "TASK-002"], "a guess"),
    "what has come in place of nothing": ("~~none~~ (the login)", ["(the login)"], "not in the queue"),
    "what has come in place of an id": ("~~TASK-001~~ (now the login)", ["(now the login)"], "not in the queue"),
    "no longer needed": ("TASK-001 (no longer needed)", ["TASK-001"], "no longer needed"),
    "not this, that": ("not TASK-001, TASK-002", ["TASK-002"], "a guess"),
    "an id in a remark": ("TASK-001 (the schema TASK-004 fills)", ["TASK-001", "TASK-004"], "TASK-004 fills"),
    "part of a word": ("API from TASK-002", ["TASK-002"], "API from TASK-002"),
    "an arrow": ("TASK-001 → TASK-003", ["TASK-001", "TASK-003"], "→"),
    "half a range": ("TASK-001 to 002 times", ["TASK-001", "TASK-001 to 002"], "to 002"),
    "half a range of dots": ("TASK-001..002 times", ["TASK-001", "TASK-001..002"], "..002"),
    "a number": ("3", ["3"], "'3'"),
    "a number after a dash": ("TASK-001 - 003 in any order", ["TASK-001", "TASK-001 - 003"], "TASK-001 - 003"),
    "a range of colons": ("TASK-001:TASK-003", ["TASK-001", "TASK-003", "TASK-001:TASK-003"], "TASK-001:TASK-003"),
    "a plus": ("TASK-003+", ["TASK-003", "TASK-003+"], "TASK-003+"),
    "an open end": ("TASK-003 onwards", ["TASK-003", "TASK-003 onwards"], "TASK-003 onwards"),
    "an open beginning": ("everything up to TASK-003", ["TASK-003", "everything up to TASK-003"], "everything up to TASK-003"),
    "before another place": ("everything before TASK-003", ["everything before TASK-003"], "everything before TASK-003"),
    "between": ("between TASK-001 and TASK-003", ["TASK-001", "TASK-003", "between TASK-001"], "between TASK-001"),
    "a soft one": ("TASK-001; soft: TASK-002", ["TASK-001", "TASK-002"], "soft: TASK-002"),
    "what it was": ("TASK-002 (was: TASK-001)", ["TASK-002", "TASK-001"], "was: TASK-001"),
    "two slashes": ("TASK-002 // TASK-001", ["TASK-002", "TASK-001"], "//"),
    "braces": ("TASK-{001,002}", ["TASK-{001,002}"], "TASK-{001"),
}  # fmt: skip
#: By an id: what says in a section that its task needs TASK-002 and TASK-004.
FIELDS: dict[str, str] = {
    "two fields": "**Dependencies:** TASK-002\n\n**Blocked by:** TASK-004",
    "two fields of one name": "**Dependencies:** TASK-002\n\n**Dependencies:** TASK-004",
    "a row and a line": "| Depends on | TASK-002 |\n\n**Dependencies:** TASK-004",
    "a third cell": "| Dependencies | TASK-002 | TASK-004 |",
    "blocked-by": "**Blocked-by:** TASK-002, TASK-004",
    "requires": "**Requires:** TASK-002, TASK-004",
    "a sub-heading": "#### Dependencies\n\n- TASK-002\n- TASK-004",
    "a sub-heading with text": "#### Depends on: TASK-002 and TASK-004",
    "no colon": "**Dependencies**\n- TASK-002\n- TASK-004",
    "no emphasis": "Dependencies: TASK-002, TASK-004",
    "neither": "Depends on TASK-002, TASK-004",
    "snake case": "depends_on: [TASK-002, TASK-004]",
    "a YAML list": "depends_on:\n  - TASK-002\n  - TASK-004",
    "a code label": "`blocked_by`: TASK-002, TASK-004",
    "italics": "*Depends on:* TASK-002, TASK-004",
    "underscores": "__Depends on:__ TASK-002, TASK-004",
    "a bold sentence": "**Dependencies: TASK-002, TASK-004**",
    "no colon but bold": "**Depends on** TASK-002, TASK-004",
    "an item": "- **Priority:** high\n- **Depends on:** TASK-002, TASK-004\n- **Owner:** Ann",
    "a list in a list": "- **Depends on:**\n- TASK-002\n- TASK-004\n- **Owner:** Ann",
    "a nested list": "- **Depends on:**\n  - TASK-002\n  - TASK-004\n- **Owner:** Ann",
    "a quote": "> Depends on: TASK-002, TASK-004",
    "a sign": "🔗 **Dependencies:** TASK-002, TASK-004",
    "a remark in the name": "**Dependencies (internal):** TASK-002, TASK-004",
    "labels in the list": "**Dependencies:**\n- Internal: TASK-002, TASK-004\n- External: None",
    "below an objective": "**Objective:** Build it\nDepends on: TASK-002, TASK-004",
    "needs": "| Needs | TASK-002, TASK-004 |",
    "after": "**After:** TASK-002, TASK-004",
    "emphasis in emphasis": "**_Dependencies_:** TASK-002, TASK-004",
    "emphasis around emphasis": "_**Depends on**:_ TASK-002, TASK-004",
    "prerequisites in short": "**Prereqs:** TASK-002, TASK-004",
    "prerequisites with a hyphen": "**Pre-reqs:** TASK-002, TASK-004",
    "preconditions": "**Preconditions:** TASK-002, TASK-004",
    "preconditions with a hyphen": "**Pre-conditions:** TASK-002, TASK-004",
    "upstream": "**Upstream:** TASK-002, TASK-004",
    "a numbered sub-heading": "#### 3. Dependencies\n- TASK-002\n- TASK-004",
    "a sentence": "**Owner:** Ann\n\nNeeds TASK-002 and TASK-004 first.",
}
#: By an id: a sentence outside of any field that says that its task needs TASK-002.
STATEMENTS = ["This task depends on TASK-002.", "Start only after TASK-002.", "**Description:** Requires TASK-002.",
    "Do not start before TASK-002 is done.", "- Wait for TASK-002", "| Order | after TASK-002 |", "Priority: high | Depends on: TASK-002", "**Priority:** high · **Depends on:** TASK-002",
    "```yaml\nid: TASK-009\ndepends_on: [TASK-002]\n```", "1. It is:\n\n   ```\n   depends_on:\n     - TASK-002\n   ```", "TASK-002 must be done first.", "TASK-002 should be merged.", "TASK-002 must land.",
    "TASK-002 has to exist.", "TASK-002 and its page have to be ready."]  # fmt: skip
#: By an id: lines that mention TASK-002 and are no dependency, and whether `check` names them.
MENTIONS = [("**Description:** Show it like TASK-002 does.", True), ("**Related:** TASK-002", True), ("**Blocks:** TASK-002", True),
    ("| Parent | TASK-002 |", True), ("1. Copy the list of TASK-002", True), ("**Notes:** TASK-002 has the schema.", False),
    ("**Acceptance Criteria:**\n- the page loads as TASK-002 says\n- **Must:** keep TASK-002's API", False), ("**Objective:** Show TASK-002", False),
    ("**Files:** src/a.py (from TASK-002)", False), ("**Description:** see tests/test_TASK-002.py", False), ("Not blocked by TASK-002.", False),
    ("<!--\ndepends_on: TASK-002\n-->", False), ("```\nshow TASK-002\n```", False),
    ("**Dependencies:** None\n\nTASK-002 is near.", True), ("TASK-002 must merge two rows.", True), ("TASK-002 should complete the form.", True)]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_dependencies_are_read_as_a_careful_person_does(name: str) -> None:
    written, right = TEXTS[name]
    found = last(f"**Dependencies:** {written}")
    assert [id_ for id_ in found.dependencies if id_ != "TASK-009b"] == numbers(*right)
    assert [text for text in told(found) if "TASK-009b" not in text] == []


@pytest.mark.parametrize("name", GUESSES)
def test_a_reading_that_is_a_guess_is_told_and_waited_for(name: str) -> None:
    written, right, quoted = GUESSES[name]
    found = last(f"**Dependencies:** {written}")
    if name == "braces":
        assert found.dependencies
    else:
        assert found.dependencies == right
    assert [text for text in told(found) if quoted in text]


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_dependencies_is_found_whatever_its_form(name: str) -> None:
    found = last(FIELDS[name])
    assert found.dependencies == numbers(2, 4)
    assert told(found) == []


def test_rows_of_what_comes_after_a_task_are_none_of_its_dependencies() -> None:
    rows = "| Type | Task |\n|---|---|\n| Blocked by | TASK-002 |\n| Blocks | TASK-005 |\n| Related | TASK-004 |"
    found = last(f"#### Dependencies\n\n{rows}")
    assert found.dependencies == ["TASK-002"]
    assert [text.split()[2] for text in told(found)] == ["TASK-005", "TASK-004"]


@pytest.mark.parametrize(
    "label", ["Steps:", "AC:", "Done when:", "Definition of Done:", "Test plan:", "Verification："]
)
@pytest.mark.parametrize("status", ["Status: pending", "| Status | pending |\n"])
def test_what_has_a_label_right_after_the_dependencies_is_none_of_them(label: str, status: str) -> None:
    for below in (f"{label}\n- write it\n- try it\n", "Tags: api, db\n"):
        text = f"{task('TASK-001')}### TASK-002\n\n{status}\nDepends on: TASK-001\n{below}"
        assert q.parse(text).tasks[1].dependencies == ["TASK-001"]


@pytest.mark.parametrize("line", STATEMENTS)
def test_no_sentence_in_a_task_makes_it_wait_for_itself(line: str) -> None:
    found = last(line.replace("TASK-002", "TASK-009"))
    assert "TASK-009" not in found.dependencies or found.needs.ids


@pytest.mark.parametrize("line", STATEMENTS)
def test_a_sentence_outside_of_a_field_is_waited_for_and_told(line: str) -> None:
    found = last(f"**Dependencies:** None\n\n**Owner:** Ann\n\n{line}")
    assert found.dependencies == ["TASK-002"]
    assert told(found)
    alone = last(line)
    assert (alone.dependencies, bool(told(alone))) == (["TASK-002"], not alone.needs.ids)


def test_a_title_that_names_a_dependency_is_waited_for() -> None:
    assert last("", heading="### TASK-009: Cart (depends on TASK-002)").dependencies == ["TASK-002"]


@pytest.mark.parametrize(("line", "named"), MENTIONS)
def test_a_mention_holds_nothing_up_and_is_named_where_nothing_reads_it(line: str, named: bool) -> None:
    found = last(f"**Owner:** Ann\n\n{line}")
    assert found.dependencies == []
    assert bool(told(found)) == named
    assert queue_problems.problems(found.queue) == [
        each for each in queue_problems.problems(found.queue) if "TASK-002" not in each.text
    ]


@pytest.mark.parametrize("field", ["Notes", "Objective", "Acceptance Criteria", "Status note", "Owner"])
def test_a_sentence_in_any_field_is_waited_for_and_told(field: str) -> None:
    found = last(f"**Dependencies:** None\n\n**{field}:** Build it. Needs a key; depends on TASK-002.")
    assert found.dependencies == ["TASK-002"]
    assert told(found) == [
        "TASK-009: 'depends on TASK-002' is a guess: the ids in it count as dependencies; in Dependencies, write ids alone"
    ]


def test_a_remark_beside_a_status_is_waited_for() -> None:
    text = task("TASK-001") + task("TASK-002", status="pending (waiting for TASK-001)")
    assert q.parse(text).tasks[1].dependencies == ["TASK-001"]


@pytest.mark.parametrize(
    "line",
    ["Once this is finished, TASK-003 can start.", "After completion, TASK-003 uses it.", "**After this:** TASK-003",
     "**Dependencies:** None. TASK-003 depends on this.", "**Notes:** TASK-003 needs this."],
)  # fmt: skip
def test_what_comes_after_a_task_is_not_waited_for(line: str) -> None:
    assert last(f"**Owner:** Ann\n\n{line}").dependencies == []


#: By an id: a sentence, its task's Dependencies, those of the last task, and what the middle one waits for.
ORDERED = [("\n- After TASK-001, the store is there", "TASK-001", "None", ["TASK-001"]), ("Wait for TASK-003.", "None", "TASK-002", []), ("Builds on TASK-001.", "TASK-001", "None", ["TASK-001"]),
    ("Shown by TASK-003.", "TASK-001", "TASK-002", ["TASK-001"])]  # fmt: skip


@pytest.mark.parametrize(("line", "own", "later", "right"), ORDERED)
def test_a_sentence_about_a_task_that_has_its_place_already_adds_nothing(
    line: str, own: str, later: str, right: list[str]
) -> None:
    extra = f"**Owner:** Ann\n\n**Description:** {line}\n\n"
    text = queue(
        task("TASK-001"), task("TASK-002", dependencies=own, extra=extra), task("TASK-003", dependencies=later)
    )
    parsed = q.parse(text)
    assert parsed.tasks[1].dependencies == right
    said = [problem.text for problem in queue_problems.unread(parsed)]
    assert said == (
        ["TASK-002: 'Wait for TASK-003' is not read, as TASK-003 depends on TASK-002"] if "Wait" in line else []
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [("1. TASK-001 (must be first)\n2. TASK-002, TASK-003 (in parallel)\n", 0), ("TASK-001 → TASK-002, needs TASK-001", 0), ("TASK-003 depends on TASK-002", 1)],
)  # fmt: skip
def test_an_overview_that_repeats_the_fields_is_not_named(lines: str, said: int) -> None:
    tasks = [task("TASK-001"), task("TASK-002", dependencies="TASK-001"), task("TASK-003", dependencies="TASK-001")]
    assert len(queue_problems.unread(q.parse(f"## Order\n\n{lines}\n{queue(*tasks)}"))) == said


def test_ids_of_every_family_of_the_queue_are_read() -> None:
    parsed = q.parse(queue(task("T001"), task("BUILD-2"), task("QA-9", dependencies="T001, BUILD-2")))
    assert parsed.tasks[-1].dependencies == ["T001", "BUILD-2"]


@pytest.mark.parametrize("written", ["All BE tasks", "BE-*, QA-1"])
def test_a_family_that_is_named_like_a_word_is_no_word(written: str) -> None:
    parsed = q.parse(queue(*map(task, ["BE-1", "BE-2", "QA-1"]), task("QA-2", dependencies=written)))
    assert "its dependency" in " ".join(told(parsed.tasks[-1]))


@pytest.mark.parametrize("written", ["T001 through T003", "T001-T003", "T001–3", "T001 to t3"])
def test_a_range_of_short_ids(written: str) -> None:
    parsed = q.parse(queue(*map(task, ["T001", "T002", "T003", "X-1"]), task("T009", dependencies=written)))
    assert parsed.tasks[-1].dependencies == ["T001", "T002", "T003"]


def test_an_unknown_short_id_is_told() -> None:
    found = q.parse(queue(task("T001"), task("T002", dependencies="T001, T077"))).tasks[-1]
    assert found.dependencies == ["T001", "T077"]
    assert told(found) == ["T002: its dependency 'T077' is not in the queue"]


def test_an_id_that_two_tasks_may_have_is_told() -> None:
    parsed = q.parse(queue(task("TASK-1"), task("TASK-001"), task("TASK-2", dependencies="TASK-01")))
    assert parsed.tasks[-1].dependencies == ["TASK-01"]


@pytest.mark.parametrize(
    "group",
    ["## Phase 2\n\n**Depends on:** TASK-001", "## Phase 2\n\nDepends on TASK-001.", "## Phase 2 (depends on TASK-001)", "## Phase 2\n\n| Dependencies | TASK-001 |",
     "## Phase 2\n\n**Depends on:** Phase 1", "## Phase 2: Cart (after Phase 1)", "## Phase 2\n\n*Requires Phase 1 to be complete.*", "## Phase 2\n\n_Can start after TASK-001_", "## Phase 2\n\n### Dependencies\n\n- TASK-001", "## Phase 2: all after\n\n**Blocked by:** task-1"],
)  # fmt: skip
def test_a_dependency_of_a_group_holds_for_its_tasks(group: str) -> None:
    parsed = q.parse(
        f"# Q\n\n## Phase 1\n\n{task('TASK-001')}{group}\n\n{task('TASK-002')}## Phase 3\n\n{task('TASK-003')}"
    )
    assert [found.dependencies for found in parsed.tasks] == [[], ["TASK-001"], []]


def test_all_tasks_above_a_group_are_the_others() -> None:
    parsed = q.parse(
        f"# Q\n\n{task('TASK-001')}## Phase 2: all tasks\n\n**Dependencies:** All tasks\n\n{task('TASK-002')}"
    )
    assert [found.dependencies for found in parsed.tasks] == [[], ["TASK-001"]]


def test_a_heading_beside_a_task_names_its_dependencies() -> None:
    text = task("TASK-001") + "### TASK-002\n\n| Status | pending |\n\n### Dependencies\n\n- TASK-001\n"
    assert q.parse(text).tasks[1].dependencies == ["TASK-001"]


def test_what_a_project_is_built_on_holds_no_task_up_and_is_told() -> None:
    parsed = q.parse(f"# Q\n\n## Project\n\n**Dependencies:** fastapi\n\n{task('TASK-001')}")
    assert parsed.tasks[0].dependencies == []
    assert [problem.line for problem in queue_problems.unread(parsed)] == [3]


def test_a_task_added_to_a_group_waits_for_what_the_group_waits_for() -> None:
    text, _ = additions.add(f"## Phase 2\n\n**Depends on:** TASK-099\n\n{task('TASK-001')}", task("TASK-002"))
    parsed = q.parse(text)
    assert parsed.tasks[1].dependencies == ["TASK-099"]
    assert [problem.line for problem in queue_problems.problems(parsed)] == [1]


# The generator

ONE = st.sampled_from(["{}", "`{}`", "**{}**", "[{}](#x)", "_{}_"])
LISTS = {
    "{}": st.sampled_from([", ", " and ", "; ", " & ", ", and ", " + ", "/", " ", "<br>"]),
    "\n- {}": st.just("\n- "),
    "\n\n* {}": st.just("\n\n* "),
    "\n1. {}": st.just("\n1. "),
    "({})": st.just(", "),
    "[{}]": st.just(", "),
}
LABELS = [
    "Dependencies",
    "Depends on",
    "depends_on",
    "Blocked by",
    "Blocked-by",
    "Requires",
    "Prerequisites",
    "DEPENDS ON",
    "Dependency",
]
FORMS = ["**{}:** ", "**{}**: ", "{}: ", "- **{}:** ", "*{}:* ", "`{}`: ", "#### {}\n\n", "**{}**\n\n", "#### {}: "]


@st.composite
def fields_of(draw: st.DrawFn) -> tuple[str, set[str]]:
    """A field of dependencies in any form, and the tasks that a careful person takes it to name."""
    right: set[str] = set()

    def spelled(number: int) -> str:
        style = draw(st.sampled_from(["TASK-{:03d}", "TASK-{}", "task-{:03d}", "Task {}", "TASK_{:03d}"]))
        return draw(ONE).format(style.format(number))

    def item(*, last: bool) -> str:
        kinds = "id id id remark label range short struck comment"
        # "not A and B" is about both.
        kinds += " not parallel" if last or between in (", ", "; ", "<br>", "\n- ", "\n\n* ", "\n1. ") else ""
        # What one item names, no other denies.
        kind, number = draw(st.sampled_from(kinds.split())), draw(st.integers(1, 6))
        if kind in ("id", "remark", "label"):
            right.add(KNOWN[number - 1])
            return {"id": "{}", "remark": "{} (the schema)", "label": "Task: {}"}[kind].format(spelled(number))
        if kind in ("range", "short"):
            first, end = sorted([number, draw(st.integers(1, 6))])
            right.update(KNOWN[first - 1 : end])
            to = draw(st.sampled_from([" to ", "–", " through ", " up to ", "..", " - "]))
            return f"TASK-{first:03d}{to}{'' if kind == 'short' else 'TASK-'}{end:03d}"
        return {
            "not": "not blocked by {}",
            "struck": "~~{}~~",
            "comment": "<!-- {} -->",
            "parallel": "in parallel with {}",
        }[kind].format(f"TASK-{draw(st.integers(7, 8)):03d}")

    whole = draw(st.sampled_from(["list"] * 8 + ["none", "all", "all but", "none but"]))
    number = draw(st.integers(1, 8))
    if whole == "list":
        form = draw(st.sampled_from(sorted(LISTS)))
        between = draw(LISTS[form])
        value = form.format(between.join(item(last=n == 0) for n in reversed(range(draw(st.integers(1, 4))))))
    else:
        value = {"none": draw(st.sampled_from(["None", "n/a", "-", "_none_", "No dependencies", "null"])), "all": "All previous tasks",
                 "all but": f"All previous tasks except TASK-{number:03d}", "none but": f"None external, internal: TASK-{number:03d}"}[whole]  # fmt: skip
        right |= {"all": set(KNOWN), "all but": set(KNOWN) - {KNOWN[number - 1]}, "none but": {KNOWN[number - 1]}}.get(
            whole, set()
        )
    label = draw(st.sampled_from(LABELS))
    row = f"| {label} | {value} |" if "\n" not in value else ""
    return draw(st.sampled_from([form.format(label) + value for form in FORMS] + [row] * bool(row))), right


@settings(max_examples=300 * TIMES)
@given(fields_of(), st.sampled_from(["", "**Notes:** n", "**Objective:** Build it", "Text."]))
def test_a_field_of_dependencies_is_read_right_or_told(field: tuple[str, set[str]], before: str) -> None:
    written, right = field
    found = last(f"{before}\n\n{written}")
    if set(found.dependencies) != right:
        assert told(found), (written, found.dependencies)
        # What is told may be waited for in vain, and never started too early.
        assert right <= set(found.dependencies) or set(found.dependencies) - set(KNOWN), (written, found.dependencies)


# Statuses


@pytest.mark.parametrize(
    ("written", "meant"),
    [("[x] Completed", "completed"), ("[ ] Pending", "pending"), ("done (2026-04-14)", "completed"), ("done 2026-04-14", "completed"), ("done (PR #12)", "completed"),
     ("Completed ✅", "completed"), ("done — verified", "completed"), ("pending (Ann wants to see the draft)", "pending"), ("pending — waiting for Ann", "pending"),
     ("⏳ in progress", "in_progress"), ("failed: tests", "failed"), ("❌ not started", "pending"), ("[X] Done", "completed"), ("✔️ done", "completed"),
     ("~~pending~~ done", "completed"), ("done <!-- Ann -->", "completed"), ("🔴 pending", "pending"), ("completed (earlier: not urgent)", "completed"), ("pending (earlier: on hold)", "pending")],
)  # fmt: skip
def test_a_status_with_a_remark_or_a_sign_is_understood(written: str, meant: str) -> None:
    assert statuses.normalise(written) == meant


@pytest.mark.parametrize(
    "written",
    ["completed (partially: the export is missing)", "done (reverted)", "❌ Done", "[ ] Done", "done, except the export", "done (80%)", "done (2 of 3)", "[x] pending",
     "✅ pending", "⏳ Done", "🚧 completed", "[~] done", "[-] Done", "done — not merged", "done (tests fail)", "completed?", "done, but the export is missing",
     "pending (do not start)", "🚫 pending", "⚠️ Done", "completed; rework needed", "in_progress -> completed", "pending — on hold", "not done", "almost done", "done/pending",
     "~~done~~", "⏸ pending", "🔴 Done", "done <!-- reverted -->", "completed (with known issues)", "completed (rejected by QA)", "done (to be verified)", "completed (sort of)", "completed (earlier: x) but not merged"],
)  # fmt: skip
def test_a_status_that_contradicts_itself_is_kept_and_told(written: str) -> None:
    parsed = q.parse(queue(task("TASK-001", status=written)))
    assert parsed.tasks[0].status == written
    assert ["its status" in problem.text for problem in queue_problems.problems(parsed)] == [True]


@pytest.mark.parametrize(
    ("before", "status", "after"),
    [("pending (Ann wants to see the draft)", "in_progress", "in_progress (Ann wants to see the draft)"), ("pending — waiting for Ann", "in_progress", "in_progress — waiting for Ann"),
     ("✅ Done (PR #12)", "pending", "pending (PR #12)"), ("[ ] Pending - low priority", "completed", "completed - low priority"), ("**pending** (Ann)", "failed", "**failed** (Ann)"),
     ("done — ✅ verified", "pending", "pending — verified"), ("completed (partially)", "completed", "completed"), ("✅ Done", "pending", "pending"), ("**done**", "pending", "pending"),
     ("pending (not urgent)", "completed", "completed (earlier: not urgent)"), ("pending — waiting for Ann", "completed", "completed (earlier: waiting for Ann)"),
     ("completed (earlier: not urgent)", "pending", "pending (earlier: not urgent)"), ("pending <!-- Ann -->", "in_progress", "in_progress <!-- Ann -->"), ("pending 🔥", "completed", "completed 🔥")],
)  # fmt: skip
def test_a_flip_keeps_the_remark_and_contradicts_nothing(before: str, status: str, after: str) -> None:
    assert statuses.changed(before, status) == after


STATUSES = st.lists(
    st.sampled_from(["pending", "Done", "completed", "in progress", "on hold", "✅ ", "❌ ", "[ ] ", "[x] ", "⏳", "**", "`", " ", " (Ann)", " — since May", ": x", "not ", "(reverted)", "| ", "?", "~~", "<!-- a -->", " (earlier: not)", "🔥", "("])
).map("".join)  # fmt: skip


@given(STATUSES, st.sampled_from(list(statuses.MOVES)))
def test_what_a_flip_writes_is_read_back(written: str, status: str) -> None:
    assert statuses.normalise(statuses.changed(written, status)) == status


# Files


def files(written: str) -> list[str]:
    return q.parse(queue(task("TASK-001", extra=f"**Files:** {written}\n\n**Notes:** x.py\n\n"))).tasks[0].files


@pytest.mark.parametrize(
    ("written", "meant"),
    [("\n- Create: `src/cart.py`\n- Test: `tests/test_cart.py`", ["src/cart.py", "tests/test_cart.py"]), ("src/user.py and src/cart.py", ["src/user.py", "src/cart.py"]),
     ("src/{user,cart}.py", ["src/user.py", "src/cart.py"]), ("src/{a, b}/{c,d}.py", ["src/a/c.py", "src/a/d.py", "src/b/c.py", "src/b/d.py"]),
     ("\n\n- a.py\n\n- b.py\n\nProse c.py", ["a.py", "b.py"]), ("\n- **Create:** `a.py`\n- **Modify:** `b.py`", ["a.py", "b.py"]), ("a.py\n- **Modify:** b.py", ["a.py", "b.py"]),
     ("a.py (and b.py)", ["a.py", "b.py"]), ("a.py — later, b.py (new)", ["a.py", "b.py"]), ("src/a.py lines 10-40", ["src/a.py"]), ("a.py b.py", ["a.py", "b.py"]),
     ("~~a.py~~ b.py <!-- c.py -->", ["b.py"]), ("Makefile", ["Makefile"]), ("\n- `src/cart.py`: the model\n- src/user.py: see tests/test_user.py", ["src/cart.py", "src/user.py", "tests/test_user.py"]),
     ("\n- src/: cart.py, user.py", ["src/", "cart.py", "user.py"]), ("src/cart.py、src/user.py", ["src/cart.py", "src/user.py"]), ("\n- [NEW] a.py\n- M src/b.py", ["a.py", "src/b.py"]), ('["a.py", "b.py"]', ["a.py", "b.py"]), ("None", [])],
)  # fmt: skip
def test_files_are_read_in_every_form(written: str, meant: list[str]) -> None:
    assert files(written) == meant


@pytest.mark.parametrize(
    "written",
    ["\n- Modify: `src/cart.py:10-40`", "src/user.py and src/cart.py", "everything under src/", "src/{user,cart}.py", "all files in src/", "[the cart](src/cart.py#L10-L20)",
     "src/cart.py#L10", "src/cart.py::Cart", "[cart](../src/cart.py)", "@src/cart.py", "$ROOT/src/cart.py", "~/shop/src/cart.py", "TBD", "the cart page", "src/user.py, etc.", "src/user.py + tests", "various", "src/**/*.py", "Create src/cart.py", "src/cart.py:add_item", "'src/cart.py'", "_src/cart.py_", "src/user.py, ...", "\n\n- src/user.py\n\n  the model\n\n- src/cart.py", "src/: user.py", "/home/ann/shop/src/cart.py", "C:\\shop\\src\\cart.py", "src/user.py; a: b", "see https://example.com/cart"],
)  # fmt: skip
def test_tasks_that_may_touch_the_same_file_are_known(written: str) -> None:
    assert overlap.collide(files(written), ["src/cart.py"])


def test_two_fields_of_files_are_one() -> None:
    assert files("a.py\n\n| Files | b.py |") == ["a.py", "b.py"]
    assert files("a.py\n\n**Files to modify:**\n- b.py") == ["a.py", "b.py"]


def cart(rest: str) -> q.Task:
    return q.parse(f"### TASK-001: Cart\n\n**Status:** pending{rest}\n").tasks[0]


@pytest.mark.parametrize("label", ["#### {}\n\n", "**{}**\n", "{}: ", "*{}:* ", "- {}: ", "#### 📁 {}\n"])
def test_objective_and_files_are_found_below_a_label_of_any_form(label: str) -> None:
    found = cart(f"\n\n{label.format('Objective')}Build the cart.\n\n{label.format('Files')}a.py\n\n#### More\n\nx")
    assert (found.objective, found.files) == ("Build the cart.", ["a.py"])


@pytest.mark.parametrize(
    "written",
    [" | **Complexity:** complex", " · Complexity: complex", "\n- Complexity: complex", "\n\n#### Complexity\n\nComplex", "\n**Complexity**: Complex", "\n_Complexity:_ complex"],
)  # fmt: skip
def test_a_complexity_is_read_wherever_it_is(written: str) -> None:
    assert cart(written).complexity == "complex"


@pytest.mark.parametrize(
    "written", ["\n\nTime complexity: easy to see", "\n\nThe complexity is complex.", "\n- Complexity: O(n)"]
)
def test_a_sentence_names_no_complexity(written: str) -> None:
    assert cart(written).complexity == "normal"


#: By an id: a whole section, in forms that tasks are written in elsewhere.
SECTIONS: dict[str, str] = {
    "lines": "Status: pending\nObjective: Build it.\nComplexity: complex\nFiles: a.py\nAcceptance Criteria:\n- x\n- y\nDependencies: None",
    "a list": "- Status: pending\n- Complexity: complex\n- Objective: Build it.\n- Files: a.py\n- Acceptance Criteria:\n  - x\n  - y\n- Dependencies: None",
    "a list of stars": "* Status: pending\n* Complexity: complex\n* Goal: Build it.\n* File: a.py\n* Acceptance Criteria:\n  * x\n  * y",
    "italics": "*Status:* pending\n*Complexity:* complex\n*Objective:* Build it.\n*Files:* a.py\n*Acceptance Criteria:*\n- x\n- y",
    "bold without colons": "**Status** pending\n\n**Complexity**\ncomplex\n\n**Objective** Build it.\n\n**Files**\n- a.py\n\n**Acceptance Criteria**\n- x\n- y",
    "sub-headings": "Status: pending\n\n#### Complexity\n\nComplex\n\n#### Goal\n\nBuild it.\n\n#### Files to create/modify\n\n- a.py (new)\n\n#### Accepted when\n\n- x\n- y",
    "one line": "**Owner:** Ann · **Status:** pending · **Complexity:** complex\n\n**Goal:** Build it.\n- **Accept:** x\n- **Accept:** y\n\n**Files:** a.py",
}  # fmt: skip


@pytest.mark.parametrize("name", SECTIONS)
def test_a_task_is_read_whatever_the_form_of_its_fields(name: str) -> None:
    text = f"### TASK-001: Cart\n\n{SECTIONS[name]}\n"
    (found,) = q.parse(text).tasks
    assert (found.status, found.objective, found.complexity) == ("pending", "Build it.", "complex")
    assert (found.files, found.criteria, found.dependencies) == (["a.py"], ["x", "y"], [])
    after = q.set_status(text, "TASK-001", "completed")
    assert after == text.replace("pending", "completed")
    assert queue_problems.problems(q.parse(after)) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{task('TASK-001')}#### BUG-3 in the cart\n\nStatus: open\n\n#### BUG-4\n\n- Status: pending\n",
        f"## M1: Beta\n\nStatus: in progress\n\n{task('TASK-001')}",
        f"## FEAT-1\n\n**Status** pending\n\n{task('TASK-001')}",
    ],
)
def test_a_status_in_no_field_makes_no_task_of_a_group_or_of_part_of_a_task(text: str) -> None:
    parsed = q.parse(text)
    assert [(found.id, found.position) for found in parsed.tasks] == [("TASK-001", 0)]
    assert queue_problems.problems(parsed) == []


def test_tasks_of_one_form_may_be_below_each_other() -> None:
    text = "## FEAT-1\n\nStatus: pending\n\n### STORY-1\n\nStatus: pending\n"
    assert q.parse(text).ids == ["FEAT-1", "STORY-1"]


def test_a_status_that_is_known_is_not_called_unknown() -> None:
    (problem,) = queue_problems.problems(q.parse("## Phase-1\n\n**Complexity:** easy\n\nStatus: pending\n"))
    assert problem.text == "Phase-1 looks like a task but has no Status"


@pytest.mark.parametrize("line", ["Status: 200 OK", "- Status: superseded", "**Status** on hold"])
def test_a_status_without_emphasis_that_no_one_knows_is_told_as_such(line: str) -> None:
    (problem,) = queue_problems.problems(q.parse(f"### TASK-001: Cart\n\n{line}\n"))
    assert "TASK-001 looks like a task but its status" in problem.text


@pytest.mark.parametrize(
    "text",
    [
        "## Phase-1\n\n- Status: in progress\n",
        "### TASK-001\n\n- [ ] Status: pending\n",
        "### TASK-001\n\nThe status: pending\n",
    ],
)
def test_a_status_that_is_a_group_s_or_in_a_sentence_makes_no_task(text: str) -> None:
    assert q.parse(text).tasks == []


@pytest.mark.parametrize(
    "filler",
    [" ", "a ", "\n", "- ", "*", "Status", "Status: ", "\nStatus: a ", " · **", "~~a~~ (", "Files\n", "complexity "],
)
def test_no_section_without_fields_takes_the_square_of_its_length(filler: str) -> None:
    before = time.process_time()
    for body in (f"Status: a{filler * 20_000}b", f"Status: pending\n\n{filler * 20_000}\nFiles: {filler * 20_000}x\n"):
        parsed = q.parse(f"### TASK-001: Cart\n\n{body}\n")
        queue_problems.problems(parsed)
        assert all((found.objective, found.files or True) for found in parsed.tasks)
        assert [len(found.complexity) for found in parsed.tasks] in ([], [6])
    assert time.process_time() - before < 4


@pytest.mark.parametrize("example", ["    Files: a.py", "\tFiles: a.py", "    Status: ok\n    Files:\n    - a.py"])
def test_an_example_in_an_indented_code_block_names_no_files(example: str) -> None:
    found = cart(f"\n\nIt prints:\n\n{example}\n")
    assert found.files == []


@pytest.mark.parametrize("rest", ["---", "- **Blocked by:** None", "***\n\nMore."])
def test_what_follows_an_objective_without_text_is_none(rest: str) -> None:
    assert cart(f"\n\n**Objective:**\n{rest}").objective == "Cart"


def test_files_below_several_labels_are_one_list() -> None:
    found = cart("\n\n#### Files to Create\n\n- a.py\n\n#### Files to Modify\n\n- b.py\n\nRead them first.")
    assert found.files == ["a.py", "b.py"]


def test_a_colon_of_full_width_is_a_colon() -> None:
    text = "### TASK-001：购物车\n\n**Status：**pending\n\n### TASK-002：邮件\n\n**Status**： pending\n**Dependencies：**TASK-001\n"
    parsed = q.parse(q.set_status(text, "TASK-001", "completed"))
    assert parsed.text == text.replace("pending", "completed", 1)
    assert [(found.title, found.status, found.dependencies) for found in parsed.tasks] == [
        ("购物车", "completed", []), ("邮件", "pending", ["TASK-001"])
    ]  # fmt: skip


def test_a_task_that_depends_on_itself_and_another_beside_a_sentence_is_read() -> None:
    own = task("TASK-2", dependencies="TASK-1, TASK-2", extra="It depends on TASK-3.\n")
    parsed = q.parse(queue(task("TASK-1"), own, task("TASK-3")))
    assert parsed.tasks[1].dependencies == ["TASK-1", "TASK-2", "TASK-3"]


def test_no_text_takes_the_square_of_its_length() -> None:
    for piece in itertools.chain(TEXTS.values(), GUESSES.values()):
        assert len(last(f"**Dependencies:** {piece[0] * 300}").dependencies) < 400
    assert len(files("src/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}.py")) == 1
