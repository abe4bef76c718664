"""Inputs of about a megabyte each on which a careless reading takes minutes or gigabytes, and the verbs that read them.

`benchmarks/hostile.py` times them. `test_bounds.py` has each verb end, on a quarter of each unless `WHOLE` is set in
the environment: what takes the square of an input's length takes a sixteenth then, and the bound is a quarter.
"""

import json
import os
from collections.abc import Callable
from typing import NamedTuple

from queues import queue, task

#: Each input is this part of a megabyte; what came with a clone is whole, because of it no more than a part is read.
PART = 1 if os.environ.get("WHOLE") else 4
SIZE = 1_000_000 // PART


class Hostile(NamedTuple):
    """Files of a project by their paths, and the calls to make there, each with what it reads."""

    files: dict[str, str]
    calls: list[tuple[str, str]]


QUEUE, ISSUES, STATE = ".claude/task_queue.md", ".claude/issue_queue.md", ".claude/session_state.md"
LOOKING = [
    (words, "")
    for words in ("next-task", "tasks", "tasks --json", "status", "check", "start --session s", "start --dry-run")
]
CLONE = [
    (words, '{"hook_event_name": "Stop", "session_id": "x"}')
    for words in ("next-task --hook", "hook", "status", "start --session s")
]


def short(number: int, status: str = "pending", more: str = "") -> str:
    return f"### T-{number}\n\n| Status | {status} |\n{more}\n"


def until_full(section: Callable[[int], str]) -> str:
    parts: list[str] = []
    size = 0
    while size < SIZE:
        parts.append(section(len(parts)))
        size += len(parts[-1])
    return "".join(parts)


def issue(number: int) -> str:
    """An issue with words that no other has, beside those that all have."""
    return f"### New issue\n\n**Summary:** the parser crashes on an empty file of w{number} x{number}y\n\n**Acceptance Criteria:**\n- no\n\n"


def frontmatter(*lines: str) -> str:
    return "---\n" + "\n".join(lines) + "\n---\n"


def depending(dependency: Callable[[int], str]) -> str:
    """A queue whose last task has a long field of dependencies."""
    return queue(task("TASK-1"), task("TASK-2"), task("TASK-3", dependencies=until_full(dependency)))


FILES = ", ".join(f"src/a{number}/b{number}.py" for number in range(20_000 // PART))
RUNNING = queue(
    task("TASK-1", extra=f"**Files:** {FILES}\n\n"),
    task("TASK-2", extra=f"**Files:** {FILES.replace('src', 'lib')}\n\n"),
)
FILED = "".join(
    f"### ISSUE-1-{n}\n\n| Status | pending |\n\n**Summary:** the parser crashes on an empty file of v{n}\n\n"
    for n in range(10_000 // PART)
)
REPORT = "# Summary\n\nfine\n\n# Patterns\n\n"
INPUTS = {
    "all previous, in 9,000 tasks": Hostile({QUEUE: "".join(short(n, more="**Dependencies:** All previous tasks\n") for n in range(9_000 // PART))}, LOOKING),
    "tasks in progress": Hostile({QUEUE: until_full(lambda n: short(n, "in_progress"))}, LOOKING),
    "failed tasks": Hostile({QUEUE: until_full(lambda n: short(n, "failed"))}, LOOKING),
    "tasks without anything": Hostile({QUEUE: until_full(short)}, LOOKING),
    "the same task": Hostile({QUEUE: until_full(lambda _: short(1))}, LOOKING),
    "a chain of tasks": Hostile({QUEUE: until_full(lambda n: short(n, more=f"**Dependencies:** T-{n + 1}\n"))}, LOOKING),
    "ranges": Hostile({QUEUE: depending(lambda n: f"TASK-{n % 2 + 1} to TASK-{n % 2 + 1}, ")}, LOOKING),
    "one dependency, again and again": Hostile({QUEUE: depending(lambda _: "TASK-1,")}, LOOKING),
    "dependencies in no queue": Hostile({QUEUE: depending(lambda n: f"TASK-{n + 9}, ")}, LOOKING),
    "dependencies in words": Hostile({QUEUE: depending(lambda n: f"needs TASK-1 and then x{n}, ")}, LOOKING),
    "ids without a queue's letters": Hostile({QUEUE: depending(lambda _: "A-1 ")}, LOOKING),
    "a task that waits for many, in sentences": Hostile({QUEUE: queue(task("TASK-1"), task("TASK-2", extra=until_full(lambda n: f"Needs TASK-{n + 9}.\n")))}, LOOKING),
    "a list that is far indented": Hostile({QUEUE: queue(task("TASK-1")) + until_full(lambda n: f"{' ' * 5000}- TASK-{n + 9} a\n")}, LOOKING),
    "many tasks below a heading that names many": Hostile({QUEUE: "## Phase 2\n\nDepends on " + ", ".join(f"T-{n}" for n in range(60_000 // PART)) + "\n\n" + until_full(short)[: SIZE // 2]}, LOOKING),
    "empty headings": Hostile({QUEUE: "#\n" * (SIZE // 2)}, LOOKING),
    "boxes": Hostile({QUEUE: queue(task("TASK-1")) + until_full(lambda n: f"- [ ] do {n}\n")}, LOOKING),
    "a table of open work": Hostile({QUEUE: queue(task("TASK-1")) + "| Task | Status |\n|---|---|\n" + until_full(lambda n: f"| do {n} | pending |\n")}, LOOKING),
    "one long objective": Hostile({QUEUE: queue(task("TASK-1", objective="x" * SIZE))}, LOOKING),
    "one long word of dashes": Hostile({QUEUE: queue(task("TASK-1", dependencies="a-" * (SIZE // 2)))}, LOOKING),
    "brackets": Hostile({QUEUE: "(" * SIZE}, LOOKING),
    "headings": Hostile({QUEUE: "### T-1\n" * (SIZE // 8)}, LOOKING),
    "fences": Hostile({QUEUE: "```\n" * (SIZE // 4)}, LOOKING),
    "20,000 files a task": Hostile({QUEUE: RUNNING}, [*LOOKING, ("start --session s --parallel 2", ""), ("wait --max 0 --session s", "")]),
    "10,000 issues and 1 MB of new ones": Hostile({ISSUES: FILED}, [("add-issue -", until_full(issue)[: SIZE - 200]), ("issues", ""), ("issues --json", "")]),
    "1 MB of issues without anything": Hostile({}, [("add-issue -", "### New issue\n" * (SIZE // 14))]),
    "1 MB of tasks": Hostile({}, [("add-tasks -", until_full(lambda n: task(f"TASK-{n}"))[: SIZE - 500])]),
    "a report of many patterns": Hostile({"a": "x\n"}, [("remember -", REPORT + "- x (files: a)\n" * (50_000 // PART)), ("remember -", REPORT + "- x (files: " + "a, " * (300_000 // PART) + "a)"), ("remember -", REPORT + "- " + "(files: " * (120_000 // PART))]),
    "a graph that names one long file": Hostile({"a": "".join(f"{n}\n" for n in range(200_000 // PART)), ".claude/knowledge_graph.json": json.dumps({"entries": [{"kind": "gotcha", "text": f"t{n}", "loop": 1, "run": "r", "files": {"a": [n]}} for n in range(9_000 // PART)]})}, [("remember -", REPORT), ("check", "")]),
    "a number to the base 60": Hostile({STATE: frontmatter(f"a: {'1:' * 500_000}1")}, CLONE),
    "a list in YAML": Hostile({STATE: frontmatter(f"a: [{'a,' * 24_000}]")}, CLONE),
    "many attempts": Hostile({STATE: frontmatter('run: "r"', f"attempts: {json.dumps(dict.fromkeys((f'T-{n}' for n in range(49_000)), 1))}")}, CLONE),
    "a queue of 20 MB and a run": Hostile({STATE: frontmatter('run: "r"', 'status: "running"'), QUEUE: short(1) * 600_000}, CLONE[:2]),
}  # fmt: skip
