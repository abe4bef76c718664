"""How `--help` lists the verbs: by who calls them, each with an example."""

#: The verbs by what they are for, in the order of the help. The last group is what a run calls itself.
GROUPS = {
    "Watch a run": ("status", "watch", "tasks", "show", "log", "tail", "issues", "next-task", "context", "status-line"),
    "Steer a run": ("pause", "resume", "stop", "retry", "skip", "set-status", "add-tasks", "add-issue"),
    "Set up": ("check", "completion", "state"),
    "Called by /orchestrate, hooks and agents": (
        "start", "wait", "wait-command", "hook", "ended", "prompt", "done", "fail", "verdict", "remember",
    ),
}  # fmt: skip
EXAMPLES = {
    "add-issue": "add-issue --source user - <issue.md",
    "add-tasks": "add-tasks - <tasks.md",
    "check": "check",
    "completion": "completion bash >>~/.bashrc",
    "context": "context --json",
    "done": "done TASK-003 --attempt 1",
    "ended": "ended --session ID --mod <message.json",
    "fail": "fail TASK-003 --attempt 1 'the tests need a database'",
    "hook": "hook <event.json",
    "issues": "issues --json",
    "log": "log -f",
    "next-task": "next-task --json",
    "pause": "pause",
    "prompt": "prompt TASK-003",
    "remember": "remember - <summary.md",
    "resume": "resume",
    "retry": "retry TASK-003 --hint 'use the mock server'",
    "set-status": "set-status TASK-003 TASK-004 completed",
    "show": "show TASK-003",
    "skip": "skip TASK-004 --unblock",
    "start": "start --dry-run 3 error handling",
    "state": "state phase",
    "status": "status --json",
    "status-line": "status-line <session.json",
    "stop": "stop",
    "tail": "tail TASK-003 -f",
    "tasks": "tasks",
    "verdict": "verdict TASK-003 fail --attempt 1 'it does not open'",
    "wait": "wait --max 60",
    "wait-command": "wait-command TASK-003 TASK-004",
    "watch": "watch",
}
