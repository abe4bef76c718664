"""Every verb, as a working day calls it, and the verbs that only look."""

import json

from verbs import ISSUE, MEMORY, MORE, SILENT

#: Verbs in the order of a working day: the end of a loop, then two tasks one after the other, then another loop.
DAY = [words.split() for words in (
    "status", "tasks", "tasks --json", "issues --json", "next-task", "check", "state", "next-task --hook", "hook",
    "prompt TASK-101", "done TASK-101 note", "wait --max 0", "wait --max 0", "prompt memory-1", "remember -",
    "done memory-1", "wait --max 0", "wait --max 0", "add-tasks -", "add-issue -", "set-status TASK-0 completed",
    "start --session s2 --takeover", "prompt TASK-3", "hook", "done TASK-3 note", "done TASK-3", "wait --max 0",
    "prompt TASK-4", "fail TASK-4 no", "wait --max 0", "state mine 7", "stop", "wait --max 0", "status",
    "set-status TASK-4 completed", "start --session s2 --takeover", "start --session s3 --takeover 2",
    "prompt research-1", "check",
)]  # fmt: skip

STDIN = {"add-tasks": MORE, "add-issue": ISSUE, "remember": MEMORY, "hook": json.dumps(SILENT)}

LOOKING = ["status", "tasks", "tasks --json", "issues", "issues --json", "next-task", "next-task --hook", "check", "state",
           "state run", "wait-command TASK-1", "hook", "stop", "wait --max 0", "start --dry-run"]  # fmt: skip
