"""What the agents of an improvement loop are told besides their role: focus, issues, tasks and what was learned.

Each function returns the parts of a prompt, in order.
"""

import os
from contextlib import suppress

from ..engine.state import State
from ..engine.verification import MOST
from ..errors import ClaudestratorError
from ..store import memory
from ..store.paths import Project
from ..system import gate_process
from ..texts import issues
from ..texts.fields import cut
from ..texts.queue import Queue, Task
from ..texts.quoting import quoted
from ..texts.statuses import COMPLETED, PENDING

#: Characters for the issues that are to become tasks; how many titles of each kind research is shown.
ISSUES_LIMIT, TITLES = 11_000, 60
#: Characters for the tasks that are to be verified.
TASKS_LIMIT = 16_000
#: Characters for the output of the gate.
GATE_LIMIT = 4_000

_VERDICTS = """\
As soon as you know about one of the tasks below, give its verdict. When each has one, report.

```
claudestrator-helper verdict ID pass --attempt {attempt}
```

```
claudestrator-helper verdict ID fail --attempt {attempt} - <<'REASON'
the reason
REASON
```"""


def research(project: Project, id_: str, state: State, filed: Queue) -> list[str]:
    """The focus, what was learned, and the issues that need not be filed again."""
    parts = [f"# Your task: {id_}"]
    if state.loop.focus:
        parts.append(f"**Focus:** {cut(state.loop.focus, 300)}")
    parts += learned(project, None)
    kinds = {"open": (PENDING, issues.ACCEPTED), "done": (COMPLETED,), "rejected": (issues.REJECTED,)}
    for name, words in kinds.items():
        found = [f"- {issue.id} {cut(issues.summary(issue))}" for issue in filed.tasks if issues.status(issue) in words]
        if found:
            more = [f"- and {len(found) - TITLES} older ones in {project.issues}"] if len(found) > TITLES else []
            parts.append(f"# Issues that are {name}\n\n" + "\n".join([*found[-TITLES:], *more]))
    return parts


def decomp(project: Project, id_: str, filed: Queue) -> list[str]:
    """What was learned, and the sections of the open issues, cut to ISSUES_LIMIT."""
    texts = [filed.text[issue.block.start : issue.block.end].strip() for issue in issues.open_issues(filed)]
    text = "\n\n".join(texts)
    if len(text) > ISSUES_LIMIT:
        text = f"{text[:ISSUES_LIMIT].rstrip()}…\n\nThe rest is in {project.issues}: read it there."
    return [f"# Your task: {id_}", *learned(project, None), f"# Issues, the most urgent first\n\n{text}"]


def remember(project: Project, id_: str, state: State, parsed: Queue) -> list[str]:
    """The loop, its diff, its tasks with their notes and failures, and what was learned before."""
    lines = []
    for ran in state.loop.ran:
        task = parsed.by_id[ran][0] if ran in parsed.by_id else None
        said = f"{task.status}: {cut(task.objective)}" if task else "no longer in the queue"
        note = f" (note: {project.note(ran)})" if os.path.exists(project.note(ran)) else ""
        failed = state.record(ran).failed
        why = "" if failed is None else f" ({cut(failed)})"
        lines.append(f"- {ran} {said}{why}{note}")
    loop = state.loop
    commits = sum(bool(state.record(ran).committed) for ran in loop.ran)
    shown = f"`git show {loop.commit}`" if loop.commit else "`git diff` (this loop made no commit)"
    shown = f"`git log -p -{commits} claudestrator/{state.run}`" if state.worktrees and commits else shown
    return [
        f"# Your task: {id_}",
        f"**Loop:** {loop.number} of {loop.total}",
        f"**Diff:** {shown}",
        "**Tasks:**\n" + "\n".join(lines),
        *learned(project, None),
    ]


def verify(project: Project, id_: str, state: State, parsed: Queue) -> list[str]:
    """The tasks to check, each cut to its share of TASKS_LIMIT, and how their verdicts are given.

    Raises ClaudestratorError if there is nothing to verify.

    """
    agent = state.agents.get(id_)
    found = [parsed.by_id[each][0] for each in state.verification.checking[:MOST] if each in parsed.by_id]
    if agent is None or not found:
        raise ClaudestratorError(f"{id_} has nothing to verify now: `claudestrator-helper status` shows the run")
    share = TASKS_LIMIT // len(found)
    tasks = [_to_verify(task, state, share, os.path.basename(project.queue)) for task in found]
    intro = f"The section of each in {project.queue}, word for word; all that it asks for has to hold."
    gate = _gate(project, id_, state)
    return [f"# Your task: {id_}", _VERDICTS.format(attempt=agent.attempt), *gate, f"# Tasks\n\n{intro}", *tasks]


def _gate(project: Project, id_: str, state: State) -> list[str]:
    """How the gate ended that ran just before."""
    found = gate_process.read(project, id_)
    if found is None or not found.outcomes or found.key.split()[0] != state.run:
        return []
    share = GATE_LIMIT // len(found.outcomes)
    parts = []
    for each in found.outcomes:
        text, fence = "\n".join(each.tail), "`````"
        shown = text if len(text) <= share else f"…{text[-share:]}"
        parts.append(f"`{cut(each.command, 200)}` ended with exit code {each.code}:\n\n{fence}\n{shown}\n{fence}")
    said = "The project's own gate ran just before you began. A red command is reason to look, and not yet a verdict."
    return ["\n\n".join(["# Gate", said, *parts])]


def _to_verify(task: Task, state: State, share: int, place: str) -> str:
    parts = [f"## {task.id} (line {task.line})"]
    record = state.record(task.id)
    parts += [f"**Returned by the last verification:** {cut(record.returned, 300)}"] if record.returned else []
    parts += ["Its agent has changed nothing in the working tree."] if record.unchanged else []
    left = max(0, share - sum(map(len, parts[1:])))
    return "\n\n".join([*parts, quoted(task.section, task.line, place, left)])


def learned(project: Project, paths: list[str] | None) -> list[str]:
    """The last loop's summary and the last few entries that concern *paths*, or anything for None."""
    parts, entries = [], []
    # An agent can work without the memory; `check` reports what is wrong with it.
    with suppress(ClaudestratorError):
        summary = memory.summary(project)
        if summary:
            parts.append(f"# What the last loop did\n\n{summary}")
        entries = [f"- {entry.text}{_about(entry)}" for entry in memory.concerning(project, paths)]
    if entries:
        parts.append("# What was learned before\n\n" + "\n".join(entries))
    return parts


def _about(entry: memory.Entry) -> str:
    return f" ({', '.join(list(entry.files)[:5])})" if entry.files else ""
