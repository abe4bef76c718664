"""The issue queue: issues numbered and never filed twice, and what becomes of them read off the tasks."""

import re
import time

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.texts import issues, queue_problems
from claudestrator_helper.texts import queue as q
from hypothesis import example, given
from hypothesis import strategies as st
from queues import queue, task

DAY = "20260102"


def new(
    summary: str = "The parser crashes on an empty file", *, rows: str = "", extra: str = "", **changed: str
) -> str:
    """A section as an agent writes it."""
    heading, criteria = (
        changed.get("heading", "### New issue"),
        changed.get("criteria", "- an empty file gives an empty list"),
    )
    return f"{heading}\n\n| Field | Value |\n|-------|-------|\n{rows}\n**Summary:** {summary}\n\n**Acceptance Criteria:**\n{criteria}\n\n{extra}---\n\n"


def add(text: str, addition: str, day: str = DAY, taken: str = "") -> tuple[str, list[str], list[str]]:
    return issues.add(text, addition, source="research", loop=2, day=day, taken=taken)


def filed(*summaries: str) -> str:
    return add("", "".join(map(new, summaries)))[0]


def only(text: str) -> q.Task:
    (found,) = q.parse(text).tasks
    return found


def refusal(text: str, addition: str) -> list[str]:
    with pytest.raises(ClaudestratorError) as refused:
        add(text, addition)
    return str(refused.value).split("\n")


def test_an_issue_is_written_in_the_format_of_the_queue() -> None:
    sent = new(
        rows="| Type | Security |\n| Priority | HIGH |\n", extra="**Details:** seen in `a.py`\n\n**Files:** a.py\n\n"
    )
    text, ids, repeated = add("", sent)
    assert (ids, repeated) == (["ISSUE-20260102-001"], [])
    assert text == (
        "# Issue Queue\n\n### ISSUE-20260102-001\n\n| Field | Value |\n|-------|-------|\n| Status | pending |\n| Source | research |\n"
        "| Type | security |\n| Priority | high |\n| Created | 2026-01-02 |\n| Loop | 2 |\n\n**Summary:** The parser crashes on an empty file\n\n"
        "**Acceptance Criteria:**\n- an empty file gives an empty list\n\n**Details:** seen in `a.py`\n\n**Files:** a.py\n\n**Task Ref:** None\n\n---\n"
    )
    assert queue_problems.unreadable(q.parse(text)) == []


def test_numbers_go_on_within_a_day_and_begin_anew_on_the_next() -> None:
    text = filed("One thing", "Another matter")
    text, ids, _ = add(text, new("A third affair") + new("A fourth question"))
    assert ids == ["ISSUE-20260102-003", "ISSUE-20260102-004"]
    text, ids, _ = add(text, new("A fifth problem"), day="20260103")
    assert ids == ["ISSUE-20260103-001"]
    assert add(text, new("A sixth trouble"))[1] == ["ISSUE-20260102-005"]


@pytest.mark.parametrize(
    "where",
    ["<!-- ISSUE-20260102-041 was a mistake -->", "see ISSUE-20260102-041.", "```\n### ISSUE-20260102-041\n```"],
)
def test_a_number_that_stands_anywhere_is_never_given_again(where: str) -> None:
    assert add(f"# Issue Queue\n\n{where}\n", new())[1] == ["ISSUE-20260102-042"]
    assert add("", new(), taken=queue(task("TASK-1", extra=f"{where}\n\n")))[1] == ["ISSUE-20260102-042"]


def test_a_thousand_issues_on_one_day() -> None:
    assert add("### ISSUE-20260102-999\n\n| Status | pending |\n", new())[1] == ["ISSUE-20260102-1000"]
    assert add("### ISSUE-20260102-1000\n\n| Status | pending |\n", new())[1] == ["ISSUE-20260102-1001"]


FOUND = "The parser crashes on an empty file"


@pytest.mark.parametrize(
    "again",
    [FOUND, "the parser CRASHES on an empty file.", "On an empty file, the parser crashes", "Parser crashed when a file is empty",
     "The `parser` crashes on empty files", "The CSV parser crashes on an empty file"],
)  # fmt: skip
@pytest.mark.parametrize("status", ["pending", "accepted", "completed", "rejected"])
def test_what_repeats_an_issue_of_whatever_status_is_refused_with_its_id(again: str, status: str) -> None:
    text = filed("Nothing like it", FOUND).replace("pending", status)
    after, ids, repeated = add(text, new(again) + new("An unheard-of thing"))
    assert ids == ["ISSUE-20260102-003"]
    assert repeated == [f"{again} repeats ISSUE-20260102-002"]
    assert after.startswith(text)


def test_what_repeats_an_issue_of_the_same_call_is_refused() -> None:
    _, ids, repeated = add("", new(FOUND) + new(f"{FOUND}!"))
    assert (ids, repeated) == (["ISSUE-20260102-001"], [f"{FOUND}! repeats ISSUE-20260102-001"])


@pytest.mark.parametrize(
    ("one", "other"),
    [("The parser crashes on an empty file", "The parser crashes on a huge file"), ("Add tests for parser_a.py", "Add tests for parser_b.py"),
     ("src/api/users.py does not check the length of its input", "src/api/orders.py does not check the length of its input"),
     ("GET /users returns 500 for an unknown id", "GET /users returns 404 for an unknown id"), ("Logins are logged", "Logins are not logged"),
     ("Export fails for large tables with many columns", "Import fails for large tables with many columns"), ("登录失败", "注册失败"),
     ("The cache of sessions is kept after a logout", "The cache of sessions is never kept after a logout"), ("!!!", "???")],
)  # fmt: skip
def test_what_is_only_worded_alike_is_another_issue(one: str, other: str) -> None:
    assert add(filed(one), new(other))[1:] == (["ISSUE-20260102-002"], [])


def test_every_error_is_named_with_its_line_and_nothing_is_added() -> None:
    good = new()
    bad = new(rows="| Priority | urgent |\n| Type | wish |\n", criteria="")
    lines = good.count("\n")
    assert refusal("", good + bad + "### New issue\n\nno fields\n") == [
        "nothing was added; fix this and send the whole call again:",
        f"line {lines + 1}: Priority is 'urgent'; it has to be one of critical, high, medium, low",
        f"line {lines + 1}: Type is 'wish'; it has to be one of bug, security, performance, test, docs, refactor, feature",
        f"line {lines + 1}: an issue needs **Acceptance Criteria:**",
        f"line {lines + bad.count(chr(10)) + 1}: an issue needs **Acceptance Criteria:**",
        f"line {lines + bad.count(chr(10)) + 1}: an issue needs a **Summary:**",
    ]


@pytest.mark.parametrize(
    "nothing", ["", "\n", "no heading", "#### New issue\n\n**Summary:** x\n", "```\n### New issue\n```\n"]
)
def test_a_call_without_an_issue(nothing: str) -> None:
    assert refusal("", nothing) == ["no issue on standard input: one begins with a line `### New issue`"]


@pytest.mark.parametrize(
    ("addition", "error"),
    [(new(extra="**Details:**\n```\n") + new("Another"), "line 12: a code block or comment that never ends"),
     (new(heading="## New issue") + new("Another"), "line 1: a heading with 2 `#`; an issue begins with `### New issue`"),
     (new() + new("Another", heading="## New issue"), "line 13: a heading with 2 `#`; an issue begins with `### New issue`"),
     (new(extra="## Details\n\nlost\n\n"), "line 11: a heading with 2 `#`; an issue begins with `### New issue`")],
)  # fmt: skip
def test_what_would_be_swallowed_is_an_error(addition: str, error: str) -> None:
    assert refusal("", addition)[1:] == [error]


def test_an_issue_queue_whose_end_hides_what_is_added() -> None:
    (line,) = refusal("# Issue Queue\n\n```\nnever ends\n", new())
    assert line == "a code block or comment in the issue queue never ends: end it and send this again"


def test_nothing_of_what_was_sent_is_lost() -> None:
    extra = (
        "**Details:** a table\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n**Steps:** run it\n\n---\n\n```sh\n### not an issue\n| Status | completed |\n```\n\n"
        "#### More\n\ntext \\| and $(code)\n\n"
    )
    text, ids, _ = add("", "# Issues\n\n" + new(rows="| Status | completed |\n| Found by | Ann |\n", extra=extra))
    assert (ids, only(text).status) == (["ISSUE-20260102-001"], "pending")
    assert extra.strip() in text
    assert "| Found by | Ann |" in text


@pytest.mark.parametrize("filler", ["\n", " ", "---\n", "|\n", "a\n---\n"])
def test_nothing_that_is_sent_takes_the_square_of_its_length(filler: str) -> None:
    before = time.process_time()
    text, _, _ = add(
        "", new(rows=filler * 20_000 if "|" in filler else "", extra=f"**Details:** a{filler * 20_000}b\n")
    )
    assert time.process_time() - before < 1
    assert "b\n" in text


def test_a_summary_in_the_table_and_an_issue_without_one() -> None:
    text, _, _ = add("", "### x\n| Summary | It breaks |\n| Acceptance Criteria | It holds |\n")
    assert (issues.summary(only(text)), only(text).criteria) == ("It breaks", ["It holds"])


def test_a_source_stays_in_its_cell() -> None:
    text = issues.add("", new(), source="a | b\nc", loop=0, day=DAY)[0]
    assert "| Source | a / b c |\n" in text


@pytest.mark.parametrize(
    "before", ["# Mine\r\n\r\n### ISSUE-20260102-007: by hand\r\n|  Status|pending   |\r\n\r\ntext", "\ufeff# Mine\n\n\n", "### ISSUE-20260102-007\n|Status|rejected|\n\nx\udcff"]
)  # fmt: skip
def test_what_people_wrote_is_kept_byte_for_byte(before: str) -> None:
    after, ids, _ = add(before, new().replace("\n", "\r\n"))
    assert after.startswith(before)
    assert q.parse(after).ids == q.parse(before).ids + ids
    newlines = set(re.findall(r"\r*\n", after[len(before) :]))
    assert newlines == ({"\r\n"} if "\r\n" in before else {"\n"})


def test_the_most_urgent_issues_come_first() -> None:
    words = ["low", "medium", "critical", "odd", "**High**", "medium"]
    text = "".join(
        f"### ISSUE-1-00{n}\n| Status | pending |\n| Priority | {word} |\n\n" for n, word in enumerate(words)
    )
    text += "### ISSUE-1-009\n| Status | rejected |\n| Priority | critical |\n"
    assert [issue.id[-1] for issue in issues.open_issues(q.parse(text))] == ["2", "4", "1", "3", "5", "0"]


def by(id_: str, status: str = "pending", issue: str = "ISSUE-20260102-001") -> str:
    return task(id_, status=status, extra=f"**Issue:** {issue}\n\n")


def follow(text: str, *tasks: str) -> str:
    after = issues.follow(q.parse(text), q.parse(queue(*tasks)))
    assert issues.follow(q.parse(after), q.parse(queue(*tasks))) == after
    return after


def state(text: str) -> tuple[str, str]:
    found = q.parse(text).tasks[0]
    return issues.status(found), found.text(issues.TASK_REF)


@pytest.mark.parametrize(
    ("tasks", "status", "ref"),
    [([], "pending", "None"), ([by("T-1")], "accepted", "T-1"), ([by("T-1", "in_progress")], "accepted", "T-1"), ([by("T-1", "completed")], "completed", "T-1"),
     ([by("T-1", "failed")], "pending", "T-1"), ([by("T-1", "completed"), by("T-2")], "accepted", "T-1, T-2"), ([by("T-1", "failed"), by("T-2")], "accepted", "T-1, T-2"),
     ([by("T-1", "failed"), by("T-2", "completed")], "pending", "T-1, T-2"), ([by("T-1", "completed"), by("T-2", "failed")], "pending", "T-1, T-2"),
     ([by("T-1", "completed"), task("T-2")], "completed", "T-1"), ([by("T-1", "on hold")], "accepted", "T-1"),
     ([by("T-1", "completed", "ISSUE-20260102-0011")], "pending", "None"), ([by("T-1", "completed", "`ISSUE-20260102-001` and others")], "completed", "T-1")],
)  # fmt: skip
def test_an_issue_becomes_what_its_tasks_have_become(tasks: list[str], status: str, ref: str) -> None:
    assert state(follow(filed(FOUND), *tasks)) == (status, ref)


def test_a_second_attempt_decides_anew() -> None:
    text = follow(filed(FOUND), by("T-1", "failed"), by("T-2", "completed"))
    text = follow(text, by("T-1", "failed"), by("T-2", "completed"), by("T-3"))
    assert state(text) == ("accepted", "T-3")
    text = follow(text, by("T-1", "failed"), by("T-2", "completed"), by("T-3", "completed"), by("T-4"))
    assert state(text) == ("accepted", "T-3, T-4")
    failed = follow(text, by("T-1", "failed"), by("T-3", "completed"), by("T-4", "failed"))
    assert state(failed) == ("pending", "T-3, T-4")
    assert state(follow(text, by("T-1", "failed"), by("T-3", "completed"), by("T-4", "completed"))) == (
        "completed",
        "T-3, T-4",
    )


def test_without_a_task_ref_the_last_task_decides() -> None:
    text = "### ISSUE-20260102-001\n| Status | pending |\n\nby hand\n"
    for tasks, status in (([by("T-1", "failed")], "pending"), ([by("T-1", "failed"), by("T-2")], "accepted"),
                          ([by("T-1", "failed"), by("T-2", "completed")], "completed")):  # fmt: skip
        text = follow(text, *tasks)
        assert text == f"### ISSUE-20260102-001\n| Status | {status} |\n\nby hand\n"


@pytest.mark.parametrize("status", ["completed", "rejected", "rejected: as meant", "wontfix", "in_progress", ""])
def test_what_a_person_has_decided_stays(status: str) -> None:
    text = filed(FOUND).replace("| Status | pending |", f"| Status | {status} |")
    assert follow(text, by("T-1")) == text


def test_an_issue_that_stands_twice_is_left_alone() -> None:
    text = filed(FOUND) * 2
    assert follow(text, by("T-1")) == text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("before", "after"),
    [("|Status|pending|\n\n**Task Ref:** None\n", "|Status|accepted|\n\n**Task Ref:** T-1\n"), ("|  **Status** |  Pending |  x |\n", "|  **Status** |  accepted |  x |\n"),
     ("**Status:** `open`\n**Task Ref:**\n", "**Status:** accepted\n**Task Ref:** T-1\n"), ("| Status | pending |\n| Task Ref | |\n", "| Status | accepted |\n| Task Ref | T-1 |\n"),
     ("| Status | pending |\n| Task Ref | - |\n", "| Status | accepted |\n| Task Ref | T-1 |\n"), ("| Status | Accepted |\n| Task Ref | T-1 |\n", "| Status | Accepted |\n| Task Ref | T-1 |\n"),
     ("| Status | pending |\n\n**Task Ref:** None\n\nA note of Ann's\nwith two lines\n", "| Status | accepted |\n\n**Task Ref:** T-1\n\nA note of Ann's\nwith two lines\n"),
     ("| Status | pending |\n\n**Task Ref:**\n\nA note of Ann's\n\n---\n", "| Status | accepted |\n\n**Task Ref:** T-1\n\nA note of Ann's\n\n---\n"),
     ("| Status | pending |\n\n```\n**Task Ref:** x\n```\n**Task Ref:** -", "| Status | accepted |\n\n```\n**Task Ref:** x\n```\n**Task Ref:** T-1")],
)  # fmt: skip
def test_only_the_status_and_the_task_ref_change(before: str, after: str, newline: str) -> None:
    around = "\ufeff# Mine\x0c\n\n### ISSUE-9\n| Status | pending |\n\n### ISSUE-20260102-001: x {}### ISSUE-10\n|Status|pending|\udcff  "
    text, meant = (around.replace("{}", f"\n{part}\n").replace("\n", newline) for part in (before, after))
    assert follow(text, by("T-1")) == meant


def test_ids_that_people_gave() -> None:
    text = "### ISSUE-9\n\n| Status | pending |\n"
    assert "accepted" in follow(text, by("T-1", issue="ISSUE-9."))
    assert follow(text, by("T-1", issue="ISSUE-99")) == text


PARTS = st.sampled_from(
    ["### ISSUE-20260102-001", "### ISSUE-20260102-002: x", "## Group", "\n", "\r\n", "\n\n", "| Status | pending |", "| Status | accepted |", "**Status:** open", "|Status|",
     "```", "<!--", "-->", "**Task Ref:** None", "**Task Ref:**", "| Task Ref | T-1 |", "| Task Ref |", "**Task Ref:** T-1, T-2", "**Summary:** a", "---", "\ufeff", "\u2028", "\udcff", " ", "\t"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(), st.lists(st.one_of(PARTS, st.text(max_size=3))).map("\n".join), st.lists(PARTS).map("".join)
)
ISSUES = st.builds(
    lambda status, ref, tail: f"### ISSUE-20260102-001\n| Status | {status} |\n{ref}{tail}",
    st.sampled_from(["pending", "accepted", "Pending", "**accepted**", "completed"]), st.sampled_from(["", "**Task Ref:** T-2\n", "**Task Ref:**\n", "| Task Ref | T-1, T-3 |\n"]), TEXTS,
)  # fmt: skip
TASKS = st.lists(
    st.builds(by, st.sampled_from(["T-1", "T-2", "T-3"]), st.sampled_from(["pending", "in_progress", "completed", "failed", "odd"]),
              st.sampled_from(["ISSUE-20260102-001", "ISSUE-20260102-002", "None"])), max_size=5,
).map(lambda found: queue(*found))  # fmt: skip


@given(st.one_of(TEXTS, ISSUES), TASKS)
@example("### ISSUE-20260102-001\n|Status|pending\n**Task Ref:** T-2", queue(by("T-1"), by("T-2"), by("T-1", "failed")))
@example("### ISSUE-20260102-001\n|Status|pending\n**Task Ref:**\n```", queue(by("T-1")))
def test_following_twice_is_following_once(text: str, tasks: str) -> None:
    parsed = q.parse(tasks)
    once = issues.follow(q.parse(text), parsed)
    assert issues.follow(q.parse(once), parsed) == once
    assert q.parse(once).ids == q.parse(text).ids
    named = {issues.issue_of(found) for found in parsed.tasks}
    if not named & set(q.parse(text).ids):
        assert once == text


@given(TEXTS)
def test_adding_keeps_the_text_or_refuses(text: str) -> None:
    unclosed = any(not span.closed for span in q.parse(text).hidden)
    if unclosed and text.strip():
        assert "never ends" in refusal(text, new())[0]
        return
    after, ids, repeated = add(text, new())
    assert after.startswith(text) or not text.strip()
    assert len(ids) + len(repeated) == 1


@given(TEXTS)
def test_whatever_is_sent_gives_issues_or_a_refusal(text: str) -> None:
    try:
        after, ids, _ = add("", text)
    except ClaudestratorError:
        return
    assert q.parse(after).ids == ids
