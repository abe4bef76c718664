"""The module of each verb, imported when the verb is called: all modules together take as long as click."""

from importlib import import_module

import click

#: A verb's command is `<verb>_verb` in its module. `__main__` runs those of hot_verbs without click.
VERBS = {
    "add-issue": "issues",
    "add-tasks": "add_tasks",
    "check": "check",
    "context": "context",
    "done": "agent",
    "ended": "mod",
    "fail": "agent",
    "hook": "hot_verbs",
    "issues": "issues",
    "log": "look",
    "next-task": "hot_verbs",
    "pause": "steering",
    "prompt": "agent",
    "remember": "issues",
    "resume": "steering",
    "retry": "steering",
    "set-status": "tasks",
    "show": "look",
    "skip": "steering",
    "start": "start",
    "state": "state",
    "status": "hot_verbs",
    "stop": "steering",
    "tail": "look",
    "tasks": "tasks",
    "verdict": "agent",
    "wait": "wait",
    "wait-command": "wait",
    "watch": "watch",
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
