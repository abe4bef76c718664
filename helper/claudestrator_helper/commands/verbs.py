"""The module of each verb, imported when the verb is called: all modules together take as long as click."""

from importlib import import_module

import click

#: By what they are for, in the order of the help: each verb with its module and what follows it in its example. Its
#: command is `<verb>_verb` in the module. `__main__` runs those of hot_verbs without click. The last group is what a
#: run calls itself.
GROUPS = {
    "Watch a run": {
        "status": ("hot_verbs", "--json"),
        "watch": ("watch", ""),
        "tasks": ("tasks", ""),
        "show": ("look", "TASK-003"),
        "log": ("look", "-f"),
        "tail": ("look", "TASK-003 -f"),
        "issues": ("issues", "--json"),
        "next-task": ("hot_verbs", "--json"),
        "context": ("context", "--json"),
        "report": ("report", "--open"),
        "status-line": ("hot_verbs", "<session.json"),
    },
    "Steer a run": {
        "pause": ("steering", ""),
        "resume": ("steering", ""),
        "stop": ("steering", ""),
        "retry": ("steering", "TASK-003 --hint 'use the mock server'"),
        "skip": ("steering", "TASK-004 --unblock"),
        "undo": ("undo", "TASK-003"),
        "set-status": ("tasks", "TASK-003 TASK-004 completed"),
        "add-tasks": ("add_tasks", "- <tasks.md"),
        "add-issue": ("issues", "--source user - <issue.md"),
    },
    "Set up": {
        "allow": ("allow", "--detect"),
        "check": ("check", ""),
        "clean": ("clean", "--dry-run"),
        "install-cli": ("install_cli", ""),
        "completion": ("completion", "bash >>~/.bashrc"),
        "help": ("manual", "retry"),
        "state": ("state", "phase"),
    },
    "Called by /orchestrate, hooks and agents": {
        "start": ("start", "--dry-run 3 error handling"),
        "wait": ("wait", "--max 60"),
        "wait-command": ("wait", "TASK-003 TASK-004"),
        "hook": ("hot_verbs", "<event.json"),
        "ended": ("mod", "--session ID --mod <message.json"),
        "prompt": ("agent", "TASK-003"),
        "done": ("agent", "TASK-003 --attempt 1"),
        "fail": ("agent", "TASK-003 --attempt 1 'the tests need a database'"),
        "verdict": ("agent", "TASK-003 fail --attempt 1 'it does not open'"),
        "remember": ("issues", "- <summary.md"),
    },
}
VERBS = {verb: about for verbs in GROUPS.values() for verb, about in verbs.items()}


class LazyVerbs(click.Group):
    """A group that imports a verb when it is called, or when the help lists it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, rest = VERBS[cmd_name]
        command: click.Command = getattr(import_module(f".{module}", __package__), f"{cmd_name.replace('-', '_')}_verb")
        command.epilog = f"Example: claudestrator-helper {cmd_name} {rest}".rstrip()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the verbs in their groups, those that people call first."""
        for title, names in GROUPS.items():
            found = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(name, command.get_short_help_str(90)) for name, command in found if command])
