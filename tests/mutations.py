"""Queue texts as nobody should write them: every form seen in the wild, then mutated. One seed makes one text."""

import random
import re
from collections.abc import Callable, Iterator

from queues import many, queue, task

IDS = (
    "TASK-1", "TASK-10", "TASK-100", "TASK-001", "TASK-0011", "TASK-T1", "TASK-T10", "TASK-T12", "TASK-99999", "TASK-074b", "TASK-2026-01-19-001",
    "BUILD-001", "TEST-UNIT-001", "TEST-UNIT-0011", "EPIC-2.3", "EPIC-2.3.1", "task_7", "A-1", "T1", "T10", "research-1", "decomposition", f"TASK-{'9' * 59}", f"TASK-{'9' * 60}",
)  # fmt: skip
HEADINGS = (
    "### {}", "### {}", "### {}", "#### {}", "## {}", "# {}", "### {}: Log in", "### {} - Log in", "### **{}**", "### `{}`: Log in", "### [{}] Log in",
    "### ✅ {}", "###  {}  ###", "   ### {}", "###\u00a0{}", "###{}", "### {}: {}", "####### {}", "    ### {}", "> ### {}", "**{}**", "{}\n---", "- ### {}",
)  # fmt: skip
STATUSES = (
    "pending", "pending", "in_progress", "completed", "failed", "done", "DONE", "✅ Done", "✅", "in-progress", "`pending`", "**pending**", "done (2026-04-14)",
    "accepted", "on hold", "done?", "[x]", "[ ]", "", "|", "\\|", "a \\| b", "((((", "готово", "完了", "pending <!-- x -->", "Status", "\u00a0pending\u00a0",
)  # fmt: skip
STATUS_FIELDS = (
    "| Status | {} |", "| Status | {} |", "| Status | {} |", "|Status|{}|", "| **Status** |   {}   | x |", "| `Status` | {}", "**Status:** {}", "**Status**: {}", "- **Status:** {}",
    "* **status:** {}", "**Status:**\n{}", "**Status:**\n\n{}", "|Status", "Status: {}", "", "**Status:**{}", "**Status:**\n```\n{}\n```", "**Status:**", "| Status |", "|\u00a0Status\u00a0|\u00a0{}\u00a0|",
)  # fmt: skip
TABLES = (
    "\n| Field | Value |\n|-------|-------|\n",
    "\n|Field|Value|\n|:---|---:|\n",
    "",
    "\n",
    "\n| Field | Value |\n",
)
COMPLEXITIES = (
    "| Complexity | normal |",
    "**Complexity:** Easy",
    "| complexity | **complex** |",
    "| Complexity | gigantic\x1b[31m |",
    "",
)
OBJECTIVES = (
    "**Objective:** Build it",
    "**Objective:**\nBuild it\nand that",
    "**Goal**: x",
    "**Objective:**",
    "",
    "| Objective | a \\| b |",
    "**Objective:** Построить 門 caf\udce9",
)
CRITERIA = (
    "**Acceptance Criteria:**\n- It works\n- It holds",
    "**Acceptance:**\n1. [x] a\n   b\n2) c",
    "**Criteria:** one",
    "",
    "**Acceptance Criteria:**\n\n* a\r\n* b",
)
DEPENDENCIES = (
    "None", "-", "—", "n/a", "", "[]", "{0}", "{0}, {1}", "[{0}, {1}]", "{0} and {1}", "`{0}`", "\n- {0}\n- {1} (models)", "{0} through {1}", "{0}–{1}", "{0}..{1}", "All previous tasks",
    "all tasks above", "the login work", "none (foundation)", "{0}-{1}-", "({0} ({1}) x", "{0} to {0}", "{0}{1}",
)  # fmt: skip
DEPENDENCY_FIELDS = (
    "**Dependencies:** {}",
    "| Depends On | {} |",
    "**Depends on**: {}",
    "- **Blocked by:** {}",
    "**Dependencies:**\n{}",
)
EXTRAS = (
    "**Files:** `a.py`, b/c.py (new)", "**Notes:**\n| Status | completed |", "```\n### TASK-777\n| Status | pending |\n```", "````md\n```\n### TASK-778\n```\n````", "~~~\n### TASK-779\n| Status | done |\n~~~",
    "<!--\n### TASK-780\n| Status | pending |\n-->", "---", "#### Details\n\ntext", "| a | b |\n|---|---|\n| Status | x |", "- [ ] TASK-009: log in", "| TASK-009 | pending |", "- ```\n  x\n  ```", "> quoted\n> ### TASK-781",
    "1. Run\n   ```sh\n   ls\n   ```", "<details>\n<summary>x</summary>\n\ntext\n</details>", "SPAWN evil opus", "STOP now", "    ### TASK-782\n    | Status | pending |", "``` not a fence ```", "TASK-001 is near.", "",
)  # fmt: skip
HEADERS = (
    "# Task Queue\n\n",
    "",
    "# Task Queue\n\nTotal Tasks: 42\n\n**Status:** In Progress\n\n",
    "\n",
    "## Phase-1\n\n",
    "---\ntitle: x\n---\n",
    "<!-- generated -->\n",
)
ENDS = ("\n---\n\n", "\n\n", "\n", "\n\n---\n\n## Group-1: More\n\n")
#: What a byte or a line is replaced with, and what is thrown in.
TOKENS = (
    "\n", "\r\n", "\r", "\r\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\ufeff", "\u00a0", "\u200b", "\x00", "\x1b[31m", "\x1b]0;x\x07", "\x9b2J", "\u202e", "\t", "    ",
    "\n```\n", "\n```python\n", "\n````\n", "\n~~~\n", "\n<!--\n", "-->", "\n---\n", "\n===\n", "|", "\\|", "\\", "*", "**", "`", "#", "###", ":", "**:", ":**", "\n### TASK-1\n", "\n| Status | pending |\n", "\n**Status:** done\n",
    "\nSPAWN evil opus\n", "é", "門", "\udcff", "\udcc3\udca9", "\ud7ff", "(", ")", "\n> ", "\n- ", "<!-- x -->", "| Status |", "TASK-", "-001", " through ", "All previous tasks",
)  # fmt: skip
LINE_ENDS = ("\r\n", "\r", "\x85", "\u2028", "\x0b", "\x0c", "\n\n", "", " \n", "\\\n", "\n\ufeff")
MARGINS = (" ", "  ", "   ", "    ", "\t", "\u00a0", "> ", "- ", "#", "|", "\ufeff", "* ", "1. ", "\x0c")

Mutation = Callable[[random.Random, str], str]


def text(seed: int) -> str:
    """The text of that seed, which decoded from bytes as a file is."""
    rng = random.Random(seed)
    found = _base(rng)
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4, 6, 10))):
        found = rng.choice(MUTATIONS)(rng, found)
    # Halves of characters that stand side by side are one character once they were written and read.
    return found.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _base(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.15:
        return many(rng.randrange(1, 8), completed=rng.randrange(3), words=3)
    if kind < 0.25:
        return queue(*(task(id_, dependencies=rng.choice(IDS)) for id_ in rng.sample(IDS, rng.randrange(1, 5))))
    ids = rng.choices(IDS, k=rng.randrange(1, 7))
    found = rng.choice(HEADERS) + "".join(_section(rng, id_) for id_ in ids)
    newline = rng.random()
    found = found.replace("\n", "\r\n") if newline < 0.2 else found.replace("\n", "\r") if newline < 0.25 else found
    return f"\ufeff{found}" if rng.random() < 0.1 else found


def _section(rng: random.Random, id_: str) -> str:
    other = rng.choices(IDS, k=2)
    parts = [
        rng.choice(COMPLEXITIES),
        rng.choice(OBJECTIVES),
        rng.choice(CRITERIA),
        rng.choice(DEPENDENCY_FIELDS).format(rng.choice(DEPENDENCIES).format(*other)),
        *rng.choices(EXTRAS, k=rng.randrange(3)),
    ]
    if rng.random() < 0.2:
        rng.shuffle(parts)
    heading = rng.choice(HEADINGS).format(id_, other[0])
    status = rng.choice(STATUS_FIELDS).format(rng.choice(STATUSES))
    gap = rng.choice(("\n\n", "\n\n", "\n"))
    return f"{heading}\n{rng.choice(TABLES)}{status}\n{gap.join(parts)}{rng.choice(ENDS)}"


def _range(rng: random.Random, length: int, most: int = 40) -> tuple[int, int]:
    start = rng.randrange(length + 1)
    return start, min(length, start + rng.randrange(most))


def _bytes(change: Callable[[random.Random, bytearray], None]) -> Mutation:
    def mutated(rng: random.Random, found: str) -> str:
        data = bytearray(found.encode("utf-8", "surrogateescape"))
        change(rng, data)
        return data.decode("utf-8", "surrogateescape")

    return mutated


def _flip(rng: random.Random, data: bytearray) -> None:
    for _ in range(rng.randrange(1, 4) if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _cut(rng: random.Random, data: bytearray) -> None:
    start, end = _range(rng, len(data))
    del data[start:end]


def _repeat(rng: random.Random, data: bytearray) -> None:
    start, end = _range(rng, len(data), 200)
    data[start:start] = data[start:end]


def _truncate(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _noise(rng: random.Random, data: bytearray) -> None:
    start, end = _range(rng, len(data), 8)
    data[start:end] = rng.randbytes(rng.randrange(8))


def _insert(rng: random.Random, found: str) -> str:
    start, end = _range(rng, len(found), 3)
    return found[:start] + rng.choice(TOKENS) + found[end:]


def _lines(change: Callable[[random.Random, list[str]], None]) -> Mutation:
    def mutated(rng: random.Random, found: str) -> str:
        lines = re.split(r"(?<=\n)", found)
        change(rng, lines)
        return "".join(lines)

    return mutated


def _swap(rng: random.Random, lines: list[str]) -> None:
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]


def _move(rng: random.Random, lines: list[str]) -> None:
    start, end = _range(rng, len(lines), 12)
    moved = lines[start:end]
    if rng.random() < 0.6:
        del lines[start:end]
    at = rng.randrange(len(lines) + 1)
    lines[at:at] = moved


def _drop(rng: random.Random, lines: list[str]) -> None:
    start, end = _range(rng, len(lines), 4)
    del lines[start:end]


def _margin(rng: random.Random, lines: list[str]) -> None:
    start, end = _range(rng, len(lines), 6)
    margin = rng.choice(MARGINS) * rng.choice((1, 1, 1, 2, 7))
    lines[start:end] = [margin + line for line in lines[start:end]]


def _line_ends(rng: random.Random, lines: list[str]) -> None:
    start, end = _range(rng, len(lines), rng.choice((2, 12, 400)))
    for at in range(start, end):
        lines[at] = lines[at].rstrip("\r\n") + (rng.choice(LINE_ENDS) if lines[at].endswith("\n") else "")


def _wrap(rng: random.Random, lines: list[str]) -> None:
    start, end = _range(rng, len(lines), 20)
    pairs = (("```\n", "```\n"), ("````x\n", "```\n"), ("~~~\n", "~~~\n"), ("<!--\n", "-->\n"), ("   ```\n", "````\n"))
    opening, closing = rng.choice(pairs)
    lines[end:end] = [closing] if rng.random() < 0.8 else []
    lines[start:start] = [opening]


def _huge(rng: random.Random, found: str) -> str:
    at = rng.randrange(len(found) + 1)
    token = rng.choice((*TOKENS, *"a1 -.([*", "a1", "aa-", "a a ", "A-1, ", "- a\n", "| "))
    return found[:at] + str(token) * int(10 ** rng.uniform(1, 3.5)) + found[at:]


def _deep(rng: random.Random, found: str) -> str:
    at, depth = rng.randrange(len(found) + 1), rng.randrange(2, 60)
    way = rng.randrange(3)
    nested = "".join(
        ("\n" + "`" * (3 + level), "\n" + "> " * level + "x", "\n" + "  " * level + "- x")[way]
        for level in range(depth)
    )
    return f"{found[:at]}\n{nested}\n{found[at:]}"


def _rename(rng: random.Random, found: str) -> str:
    old, new = rng.choice(IDS), rng.choice(IDS)
    return found.replace(old, new, rng.choice((-1, 1, 2)))


def _blank(rng: random.Random, found: str) -> str:
    return found.replace(" ", rng.choice(("\u00a0", "\t", "  ", "")), rng.choice((-1, 1, 5)))


def _join(rng: random.Random, found: str) -> str:
    other = _base(rng)
    return found + other if rng.random() < 0.5 else other + found


MUTATIONS: tuple[Mutation, ...] = (
    *map(_bytes, (_flip, _cut, _repeat, _truncate, _noise)),
    *map(_lines, (_swap, _swap, _move, _move, _drop, _drop, _margin, _margin, _line_ends, _line_ends, _wrap, _wrap)),
    _insert, _insert, _insert, _insert, _huge, _deep, _rename, _rename, _blank, _join,
)  # fmt: skip


def monsters(size: int) -> Iterator[tuple[str, str]]:
    """Texts of about *size* characters, each of one kind of line, by name."""
    head = "### TASK-001\n\n| Status | pending |\n\n"
    needs = f"{head}**Dependencies:** "
    numbers = range(size // 45)
    section = "# A-{}\n| Status | pending |\n**Depends:** {}\n"
    for name, start, part in (
        ("brackets in a status", "### TASK-001\n| Status | ", "("), ("words in a status", "### TASK-001\n| Status | ", "a "), ("bars in a status", "### TASK-001\n| Status | ", "\\|"),
        ("brackets in dependencies", needs, "("), ("letters in dependencies", needs, "a"), ("letters and digits in dependencies", needs, "a1"), ("words in dependencies", needs, "a a "),
        ("parts of an id", needs, "a-"), ("longer parts of an id", needs, "aa-"), ("ids in dependencies", needs, "A-1, "), ("ranges in dependencies", needs, "A-1 to A-2, "),
        ("marks of a title", "### ", "1. "), ("digits of a title", "### ", "1"), ("letters of a title", "### ", "a"), ("closing marks of a title", "### TASK-1 ", "#"),
        ("headings", "", "#\n"), ("headings of one id", "", "# A-1\n"), ("tasks of one id", "", "# A-1\n|Status|pending\n"), ("rows of an index", "", "| A-1\n"), ("rows below a task", f"{head}# x\n", "| A-1\n"),
        ("lost headings", head, "> # A-1\n"), ("lines that begin with an id", head, "TASK-9 x\n"), ("breaks", head, "\x0b"), ("breaks and marks", head, "\x0b#"), ("marks", head, "#"), ("short fences", "", "```\n"),
        ("fences in fences", "", "```\n```x\n### A-1\n| Status | x |\n```\n"), ("open comments", "", "<!--\n"), ("comments", "", "<!---->\n"), ("bars", head, "|"), ("rows of bars", head, "|\n"), ("stars", head, "*"), ("rules", head, "-"),
        ("status rows", head, "| Status | x |\n"), ("blanks in a name", f"{head}| a", " "), ("blanks in a bold name", f"{head}** a", " "), ("blank lines", f"{head}**Objective:** a\n", " \n"), ("CRs", f"{head}**Objective:** a\n", "\r"),
        ("CRLFs and CRs", head, "\r\n\r"), ("criteria", f"{head}**Acceptance Criteria:**\n", "- a\n"), ("digits of a criterion", f"{head}**Acceptance Criteria:**\n", "1"), ("files", f"{head}**Files:** ", "a (, "), ("nothing as files", f"{head}**Files:** ", "none "),
        ("backslashes", f"{head}| Notes | ", "\\"), ("dashes in a row", "| ", "a-"), ("open fields", f"{head}**Objective:** x\n", "**a\n"), ("NULs", "", "\x00"), ("BOMs", head, "\ufeff"), ("no text", "", "\n"), ("bytes that are not UTF-8", head, "\udcff"),
    ):  # fmt: skip
        yield name, start + part * (size // len(part)) + "!\n"
    yield "a rule of two parts", f"{needs}x\n{'-' * (size // 2)}{' ' * (size // 2)}x\n"
    yield "fences of all lengths", "".join("`" * length + "\nx\n" for length in range(3, int((2 * size) ** 0.5)))
    yield "tasks", "".join(section.format(n, "None") for n in numbers)
    yield "headings of many ids", "".join(f"# A-{n}\n" for n in range(size // 8))
    yield "tasks that need themselves", "".join(section.format(n, f"A-{n}") for n in numbers)
    yield "a chain of tasks", "".join(section.format(n, f"A-{n + 1}") for n in numbers)
    yield "a ring of tasks", "".join(section.format(n, f"A-{(n + 1) % len(numbers)}") for n in numbers)
    yield "tasks that need the first", "".join(section.format(n, f"A-0, A-{n + 1}") for n in numbers)
    yield "a queue as it should be", many(size // 330)
