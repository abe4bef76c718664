"""The module of each verb, imported when the verb is called: all modules together take as long as click."""

from importlib import import_module

import click

#: A verb's command is `<verb>_verb` in its module. `__main__` runs `hook` and `next-task` without click.
VERBS = {
    "add-issue": "issues",
    "add-tasks": "add_tasks",
    "check": "check",
    "context": "context",
    "done": "agent",
    "fail": "agent",
    "hook": "hot_verbs",
    "issues": "issues",
    "next-task": "hot_verbs",
    "prompt": "agent",
    "remember": "issues",
    "report": "report",
    "set-status": "tasks",
    "start": "start",
    "state": "state",
    "status": "status",
    "stop": "wait",
    "tasks": "tasks",
    "verdict": "agent",
    "wait": "wait",
    "wait-command": "wait",
}


class LazyVerbs(click.Group):
    """A group that imports a verb when it is called, or when the help lists it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = import_module(f".{VERBS[cmd_name]}", __package__)
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_verb")
        return command
