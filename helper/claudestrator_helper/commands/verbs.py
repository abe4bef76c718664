"""The module of each verb, imported when the verb is called: all modules together take as long as click."""

from importlib import import_module

import click

from .examples import EXAMPLES, GROUPS

#: A verb's command is `<verb>_verb` in its module. `__main__` runs those of hot_verbs without click.
VERBS = {
    "add-issue": "issues",
    "add-tasks": "add_tasks",
    "allow": "allow",
    "check": "check",
    "completion": "completion",
    "context": "context",
    "done": "agent",
    "ended": "mod",
    "fail": "agent",
    "hook": "hot_verbs",
    "install-cli": "install_cli",
    "issues": "issues",
    "log": "look",
    "next-task": "hot_verbs",
    "pause": "steering",
    "prompt": "agent",
    "remember": "issues",
    "report": "report",
    "resume": "steering",
    "retry": "steering",
    "set-status": "tasks",
    "show": "look",
    "skip": "steering",
    "start": "start",
    "state": "state",
    "status": "hot_verbs",
    "status-line": "hot_verbs",
    "stop": "steering",
    "tail": "look",
    "tasks": "tasks",
    "undo": "undo",
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
        command.epilog = f"Example: claudestrator-helper {EXAMPLES.get(cmd_name, cmd_name)}"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the verbs in their groups, those that people call first."""
        for title, names in GROUPS.items():
            found = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(name, command.get_short_help_str(90)) for name, command in found if command])
