"""Open work that became no task is told with its line, and nothing that isn't open work is."""

from pathlib import Path

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.texts import additions, queue_problems, schedule
from claudestrator_helper.texts import queue as q
from queues import queue, task
from running import helper

DONE = task("TASK-001", status="completed")
#: Texts before or after a completed task, and the ids or words that are told of them, in order.
AROUND = {
    "numbered boxes": ("1. [x] TASK-001 Skeleton\n2. [ ] TASK-002 Cart\n", ["TASK-002"]),
    "odd marks": ("- [x] TASK-001\n- [~] TASK-002 Cart, put off\n- [!] TASK-003 Payment\n- [-] TASK-004 x\n- [?] TASK-005 y\n", ["TASK-002", "TASK-003", "TASK-004", "TASK-005"]),
    "box characters": ("- ☑ TASK-001\n- ☐ TASK-002 Cart\n- [] TASK-003 Payment\n☐ TASK-004 Mail\n* ⬜ TASK-005\n", ["TASK-002", "TASK-003", "TASK-004", "TASK-005"]),
    "boxes without an id": ("- [ ] the cart\n+ [  ] the mail\n[ ] bare\n  - [ ] nested\n> - [ ] quoted\n- \\[ \\] escaped\n", ["the cart", "the mail", "bare", "nested", "quoted", "escaped"]),
    "a box in HTML": ('<li><input type="checkbox"> the cart</li>\n<li><input type="checkbox" checked> done</li>\n', ["the cart"]),
    "bullets with a nested status": ("## Phase 2\n\n- **TASK-002**: Cart page\n  - Status: pending\n  - Dependencies: TASK-001\n- **TASK-003**: Payment\n  - Status: pending\n", ["TASK-002", "TASK-003"]),
    "a bullet without an id and with a status": ("## Phase 2\n\n- Cart page\n  - **Status:** pending\n- Mail\n  - Status: done\n", ["Cart page"]),
    "bullets of the family": ("## Phase 2\n\n- TASK-002 Cart\n- TASK-003: Mail (done)\n1. `TASK-004` Pay\n", ["TASK-002", "TASK-004"]),
    "bullets with a status at the end": ("## Phase 2\n\n- BUILD-2 Cart (pending)\n- BUILD-3 Mail - in progress\n- UTF-8 is meant\n", ["BUILD-2", "BUILD-3"]),
    "lines of the family": ("## Phase 2\n\nTASK-002: Cart\n\n**TASK-003 Mail**\n\nTASK-004 - Pay\nTASK-005 is near.\n", ["TASK-002", "TASK-003", "TASK-004"]),
    "a table whose id is the second column": ("## More\n\n| # | ID | Title | Status |\n|---|---|---|---|\n| 2 | TASK-002 | Cart | pending |\n| 3 | TASK-003 | Mail | done |\n", ["TASK-002"]),
    "a table without outer pipes": ("## More\n\nID | Title | Status\n---|---|---\nTASK-002 | Cart | pending\n", ["TASK-002"]),
    "a table with boxes": ("## More\n\n| | What |\n|-|-|\n| [ ] | the cart |\n| [x] | the mail |\n", ["the cart"]),
    "a table of another family": ("## More\n\n| ID | State |\n|-|-|\n| BUILD-2 | on hold |\n| BUILD-3 | ✅ |\n", ["BUILD-2"]),
    "a box below the last rule": ("Still to do:\n\n- [ ] TASK-002 Cart\n- [ ] the mail\n", ["TASK-002", "the mail"]),
    "bullets below a heading of what is to be done": ("## To do\n\n- the cart\n- the mail (done)\n", ["the cart"]),
    "a TODO": ("## Notes\n\n- TODO: the cart\nTODO the mail\n", ["TODO: the cart", "TODO the mail"]),
    "a heading with a number and no status": ("### Task 2: Cart\n\nBuild it.\n\n### Task 3: Mail ✅\n\n## Story-4\n\nx\n", ["Task 2: Cart"]),
    "a heading with criteria and no id": ("### Cart\n\n**Acceptance Criteria:**\n- it adds\n", ["Cart"]),
    "a heading with a box": ("### [ ] Cart\n\n### [x] Mail\n\n### TODO: Pay\n", ["[ ] Cart", "TODO: Pay"]),
    "headings that are underlined": ("TASK-002: Cart\n--------------\n\nx\n\nTASK-003 Mail\n=====\n\nx\n", ["TASK-002", "TASK-003"]),
    "a table in HTML": ("<table>\n<tr><td>TASK-002</td><td>Cart</td></tr>\n</table>\n", ["TASK-002"]),
    "boxes as some keyboards write them": ("-\u00a0[ ]\u00a0the cart\n- ［ ］ the mail\n-[ ] pay\n", ["the cart", "the mail", "pay"]),
    "an HTML heading": ('<h3>TASK-002</h3>\n<p>Cart</p>\n<h3 id="x"><b>TASK-003</b>: Mail</h3>\n', ["TASK-002", "TASK-003"]),
    "open work below a heading of what is over": ("## Done\n\n- [ ] the cart\n\n| ID | Status |\n|---|---|\n| TASK-002 | pending |\n- [_] pay\n", ["the cart", "TASK-002", "pay"]),
    "headings in HTML of any form": ("<H3>TASK-002</H3>\n\n<h3>Task 3: Mail</h3>\n\n<dl><dt>TASK-004</dt></dl>\n", ["TASK-002", "Task 3", "TASK-004"]),
    "numbers of tasks": ("## Phase 2\n\n- **Task 2**: Cart\n- Task 1: as above\n\n**Task 3:** Mail\n", ["Task 2", "Task 3"]),
    "a status before the id": ("## Phase 2\n\n- (pending) TASK-002 Cart\n- todo: TASK-003 Mail\n- **[TODO]** TASK-004\n- pending: TASK-001\n", ["TASK-002", "TASK-003", "TASK-004"]),
    "a status at the end of an item": ("## Phase 2\n\n* **Cart** - Status: pending\n- the mail [ ]\n- int[]\n", ["Cart", "the mail"]),
    "a heading with its status": ("### Cart (pending)\n\nx\n\n### Mail (done)\n\ny\n", ["Cart"]),
    "boxes in parentheses": ("- ( ) the cart\n- (x) the mail\n", ["the cart"]),
    "a table without ids": ("## More\n\n| # | Task | Status |\n|---|---|---|\n| 1 | Skeleton | pending |\n| 2 | Cart | pending |\n| 3 | Mail | done |\n", ["Cart"]),
    "front matter after a task": ("## More\n\nid: TASK-002\ntitle: Cart\nstatus: To Do\n\nid: TASK-001\nstatus: To Do\n", ["TASK-002"]),
    "a heading whose status is in a box": ("### C1.1 - Cart\n- [ ] **Status**: Pending\n", ["C1.1"]),
}  # fmt: skip
#: Whole queues without a task, whose form is told, and the lines that are open work.
FORMS = {
    "spec-kit": ("# Tasks: Shop\n\n## Phase 1\n\n- [x] T001 Create\n\n## Phase 2\n\n- [ ] T002 [P] [US1] Cart in src/cart.py\n- [ ] T003 [US1] Page (depends on T002)\n", "spec-kit", [9, 10]),
    "OpenSpec": ("## 1. Implementation\n\n- [x] 1.1 Create\n- [ ] 1.2 Cart\n", "OpenSpec", [4]),
    "Kiro": ("# Plan\n\n- [x] 1. Create\n- [ ] 2. Cart\n  - page\n  - _Requirements: 1.1_\n", "Kiro", [4]),
    "numbered tasks": ("# Shop\n\n### Task 1: Cart\n\n- [ ] **Step 1:** page\n", "a plan of numbered tasks", [3, 5]),
    "a plain checklist": ("# Shop\n\n- [x] create it\n- [ ] the cart\n", "a plain checklist", [4]),
    "Task Master": ('{\n "master": {\n  "tasks": [\n   {"id": 1, "title": "Cart", "status": "pending"}\n  ]\n }\n}\n', "Task Master's JSON", []),
    "JSON": ('[{"id": 1, "title": "Cart"}]', "JSON", []),
    "Backlog.md": ("---\nid: TASK-7\ntitle: Cart page\nstatus: To Do\ndependencies: [TASK-6]\n---\n\n## Description\n\nThe page.\n", "Backlog.md", []),
    "YAML": ("# made by hand\ntasks:\n  - id: 1\n    title: Cart\n    status: pending\n", "YAML", [3]),
    "TOML": ('[[tasks]]\nid = 1\ntitle = "Cart"\n', "TOML", []),
    "XML": ("<tasks>\n<task>Cart</task>\n</tasks>\n", "XML", []),
    "CSV": ("id,title,status\n1,Cart,pending\n", "CSV", []),
    "CSV of a database": ("Name,Assignee,Priority\nCart,Ann,High\n", "CSV", []),
    "HTML": ("<!DOCTYPE html>\n<ul><li>Cart</li></ul>\n", "HTML", [2]),
    "CSV of a tracker": ("Issue key,Summary,Status\nSHOP-1,Cart,To Do\n", "CSV", []),
    "Org mode": ("* Shop\n** TODO Cart\n** DONE Mail\n", "Org mode", [1, 2]),
}  # fmt: skip
DATA = ("Task Master's JSON", "JSON", "Backlog.md", "YAML", "TOML", "XML", "CSV", "HTML")
#: Queues without a task that hold open work, and its lines.
ALONE = {
    "fields in boxes": ("# Q\n\n### C1.1 - Cart\n- [ ] **Status**: Pending\n\n### C1.2 - Lock\n- [x] **Status**: Done\n", [3, 6]),
    "a numbered list": ("# Task Queue\n\n1. Build the cart\n2. Build the mail\n", [3, 4]),
    "a list of tasks": ("# Tasks\n\n- the cart\n- the mail\n", [3, 4]),
    "a table without ids": ("# Q\n\n| Task | Status |\n|---|---|\n| Cart | pending |\n| Mail | done |\n", [5]),
    "one heading with an id": ("# Q\n\n### BUILD-1: Cart\n\nx\n", [3]),
    "short ids": ("### T1 Cart\n\nx\n\n### T2 Mail\n\ny\n", [1, 5]),
    "lines with ids": ("# Q\n\nTASK-001 Cart\nTASK-002 Mail\n", [3, 4]),
    "a list and nothing else": ("- the cart\n- the mail\n", [1, 2]),
    "JSON in a code block": ('# Q\n\n```json\n{"tasks": [{"id": 1}]}\n```\n', [3]),
    "lines of numbered tasks": ("# Plan\n\n**Task 1:** Cart\n\nTask 2: Mail\n- Task 3: Pay\n", [3, 5, 6]),
    "phases with text": ("# Plan\n\n## Phase 1: Setup\n\nCreate it.\n\n## Phase 2: Cart\n\nBuild it.\n", [3, 7]),
    "headings below a title of tasks": ("# Tasks\n\n## Build the cart\n\nShow it.\n\n## Overview\n\nx\n", [3]),
    "an id in small letters": ("## Task-1\n\nCart\n", [1]),
    "headings with ids": ("# Q\n\n### BUILD-1: Cart\n\nx\n\n### BUILD-2: Mail\n\ny\n", [3, 7]),
    "numbered headings": ("# Plan\n\n### 1. Cart\n\nx\n\n### Step 2: Mail\n\ny\n", [3, 7]),
    "numbered headings in another language": ("# 计划\n\n### 任务 1：购物车\n\nx\n\n### 任务-2：邮件\n\ny\n\n## Étape 3 : Mail\n\nz\n\n## Schritt 4\n\na\n", [3, 7, 11, 15]),
    "a list in another language": ("# 任务列表\n\n- 购物车\n- 邮件\n\n# Aufgaben\n\n1. Mail\n", [3, 4, 8]),
    "a table in another language": ("| タスク | 状態 |\n|---|---|\n| カート | 未着手 |\n", [3]),
    "stories": ("# Shop\n\n## User Stories\n\n- As a user, I want a cart\n", [5]),
    "all in a code block": (f"# Q\n\n```markdown\n{DONE}{task('TASK-002')}```\n", [3]),
}  # fmt: skip
#: Around a completed task, none of this is open work.
NOTHING = {
    "a glossary": "| Term | Meaning |\n|---|---|\n| UTF-8 | the encoding |\n| SHA-256 | the hash |\n",
    "an index with boxes": "- [ ] TASK-001 Skeleton\n  - [ ] its page\n1. [ ] [TASK-001](#task-001)\n- [ ] Skeleton (TASK-001)\n",
    "an index as a table": "| # | ID | Status |\n|---|---|---|\n| 1 | TASK-001 | pending |\n| 2 | [TASK-001](#x) | open |\n",
    "what is ticked": "- [x] the repository\n- [X] TASK-000\n- [✓] a\n- ✅ b\n- ☑ c\n1. [x] d\n| [x] | e |\n",
    "a legend": "- [ ] pending\n- [x] done\n- [~] in progress\n- [ ] = open\n- [!] blocked\n\n| Status | Meaning |\n|---|---|\n| pending | not begun |\n",
    "legends in other forms": "⬜ pending · 🔄 in progress · ✅ completed\n\n| Sign | Meaning |\n|---|---|\n| [ ] | pending |\n| ⬜ | Not started |\n\n- **[P]**: Can run in parallel\n",
    "the state of the whole": "## Progress\n\n**Status:** in progress\n**Total:** 1\n",
    "a table by title or objective": "| Task | Status |\n|---|---|\n| Build it | pending |\n\n| Tasks | Status |\n|---|---|\n| 3 | pending |\n",
    "a TODO app": "## TODO app\n\nThe app keeps its items.\n",
    "a checklist for every task": "## Review checklist (for every task)\n\n- [ ] tests pass\n",
    "boxes of what is dropped": "- [-] TASK-002 (skipped)\n- [ ] TASK-003 (cancelled)\n",
    "risks in a list": "## Risks\n\n- R-1: it is slow (open)\n",
    "a summary": "| Status | Count |\n|---|---|\n| pending | 3 |\n\n| Phase | Tasks | Status |\n|---|---|---|\n| 1 | TASK-001 | pending |\n",
    "settings": "Generated: today\nMode: spec\n\n| Command | Value |\n|---|---|\n| Test | pytest -v |\n\n- Build: make\n- v2.4.1 and UTF-8\n",
    "links and footnotes": "- [the plan](PLAN.md)\n- [x](y)\n- [1] a book\n[^1]: a note\n> [!NOTE]\n> read this\n",
    "struck out": "- [ ] ~~TASK-002 Cart~~\n- ~~TASK-003~~\n- TASK-004 (cancelled)\n",
    "other tables with ids": "## Risks\n\n| ID | Risk | Status |\n|---|---|---|\n| R-1 | slow | open |\n\n| Milestone | Status |\n|---|---|\n| M1 | pending |\n",
    "other lists with ids": "## Decisions\n\n- ADR-001: Postgres\n- v1.2.0 is out\n\n## Next steps\n\n- ship it\n\nTASK-001: as above\n---\n",
    "instructions": "## How it works\n\n1. An agent takes a task.\n2. It reports.\n\n- Keep it small\n",
    "groups": "## Phase-2\n\n## Phase 3: Mail\n\nLater.\n\n## Step 4\n",
    "a quote and code": "> see `TASK-002`\n\n```\n- [ ] TASK-003\n```\n\n<!-- - [ ] TASK-004 -->\n",
    "what is over": "## Completed Tasks\n\n- TASK-000 Setup\n\n| ID | Title |\n|---|---|\n| TASK-000 | Setup |\n\n## Out of scope\n\n- TASK-090 Pay\n\nRemoved:\n\n- TASK-050: see above\n",
    "a definition of done": "## Definition of Done\n\n- [ ] the tests pass\n",
    "HTML": "<details>\n<summary>More</summary>\n\n<b>Note</b> on UTF-8\n</details>\n",
}  # fmt: skip
#: In the section of a task that is completed, none of this is open work.
WITHIN = {
    "criteria with boxes": "**Acceptance Criteria:**\n- [ ] it opens\n- [ ] UTF-8 is read\n",
    "a checklist": "**Notes:**\n- [ ] look at the page\n1. [ ] and at the mail\n☐ and more\n",
    "sub-tasks": "#### Steps\n\n- [ ] TASK-001.1 the model\n- [ ] TASK-001-b the view\n",
    "other tasks": "**Notes:**\n- TASK-002\n- see TASK-003 (pending)\n\n| TASK-001 | pending |\n",
    "a checklist after a rule": "---\n\n**Notes:**\n- [ ] look at it\n",
    "a table of terms": "| Term | Meaning |\n|---|---|\n| UTF-8 | x |\n| TASK-001 | pending |\n",
}  # fmt: skip


def told(text: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.text) for problem in queue_problems.unreadable(q.parse(text))]


def answer(text: str) -> schedule.Selection:
    return schedule.select(q.parse(text), queue_problems.unreadable(q.parse(text)))


@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("where", ["before", "after"])
def test_open_work_around_a_completed_task_is_told_with_its_line(name: str, where: str) -> None:
    written, words = AROUND[name]
    text = f"# Q\n\n{written}\n{DONE}" if where == "before" else queue(DONE, written)
    lines = text.split("\n")
    found = told(text)
    assert [line for line, _ in found] == [
        next(at for at, line in enumerate(lines, 1) if word in line) for word in words
    ]
    assert all(word in said for (_, said), word in zip(found, words, strict=True))
    assert answer(text).reason == schedule.BLOCKED


@pytest.mark.parametrize("name", FORMS)
def test_the_form_of_another_tool_is_told(name: str, tmp_path: Path) -> None:
    text, form, lines = FORMS[name]
    found = told(text)
    assert found[0][0] == 1
    assert f"looks like {form}" in found[0][1]
    assert [line for line, said in found if "looks like {form}" not in said][1:] == lines
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "task_queue.md").write_text(text)
    (tmp_path / "PRD.md").write_text("# Shop\n")
    for words in (["next-task"], ["start", "--session", "s1"], ["check"]):
        assert f"looks like {form}" in helper(*words, folder=tmp_path).stdout, words
    assert (tmp_path / ".claude" / "task_queue.md").read_text() == text


@pytest.mark.parametrize("name", [name for name, (_, form, _) in FORMS.items() if form in DATA])
def test_nothing_is_added_to_a_file_that_is_no_markdown(name: str) -> None:
    text, form, _ = FORMS[name]
    with pytest.raises(ClaudestratorError, match=f"nothing was added: the queue looks like {form}"):
        additions.add(text, task("TASK-001"))


@pytest.mark.parametrize("name", ALONE)
def test_open_work_without_any_task_is_told_with_its_line(name: str) -> None:
    text, lines = ALONE[name]
    assert sorted({line for line, said in told(text) if "looks like a plain" not in said}) == lines
    assert answer(text).reason == schedule.BLOCKED


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("where", ["before", "after"])
def test_what_is_no_open_work_is_not_told(name: str, where: str) -> None:
    text = f"# Q\n\n{NOTHING[name]}\n{DONE}" if where == "before" else queue(DONE, f"## More\n\n{NOTHING[name]}")
    assert told(text) == []
    assert answer(text).reason == schedule.COMPLETE


@pytest.mark.parametrize("name", WITHIN)
def test_what_is_in_the_section_of_a_task_is_part_of_it(name: str) -> None:
    assert told(queue(task("TASK-001", status="completed", extra=f"{WITHIN[name]}\n"))) == []


@pytest.mark.parametrize(
    "line", ["- [ ] TASK-009: log in", "- [~] **TASK-009** log in", "| TASK-009 | log in | pending |", "- TASK-009 log in\n  - Status: pending", "<h3>TASK-009</h3>"]
)  # fmt: skip
def test_another_task_in_the_section_of_one_is_told(line: str) -> None:
    (found,) = told(queue(task("TASK-001", status="completed", extra=f"**Notes:**\n{line}\n\n")))
    assert "TASK-009" in found[1]


@pytest.mark.parametrize(
    "text", ["# Task Queue\n\nGenerated: today\nMode: spec\n", "# Task Queue\n\n- Format: Markdown\n- UTF-8\n", "---\ntitle: x\n---\n\n# Q\n",
             "# Q\n\n```\n### TASK-001\n| Status | pending |\n```\n", "# Task Queue\n\n## Phase-1\n\n## Phase-2\n", "# Q\n\n- [x] set up\n", "The name, a description and more, all in prose.\n",
             "# 队列\n\n说明 1。\n"]
)  # fmt: skip
def test_a_queue_that_waits_for_its_first_task_is_empty(text: str) -> None:
    assert answer(text).reason == schedule.EMPTY


def test_a_list_of_the_tasks_to_come_does_not_keep_them_from_being_added() -> None:
    listed = "# Q\n\n- BUILD-1 Cart\n- BUILD-2 Mail\n"
    text, _ = additions.add(listed, task("BUILD-1"))
    assert [line for line, _ in told(text)] == [4]
    assert told(additions.add(text, task("BUILD-2"))[0]) == []


def test_a_group_with_a_status_of_its_own_is_no_open_work() -> None:
    assert told("# Q\n\n## Phase-1\n\n- Status: in progress\n\n" + DONE) == []
