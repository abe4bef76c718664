"""Prints docs/cli.md, made from what the helper says about itself.

python tests/generate_cli_docs.py > docs/cli.md
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "helper"))

import click
from claudestrator_helper.cli import cli

HEAD = """\
# The verbs of claudestrator-helper

`/orchestrate` calls these for you, and the agents of a run call some; they are all there for people too.
Without `--project DIR` they are about the project around the current folder: the nearest one upwards with `.claude` or `.git`.
What goes wrong is one line on standard error that ends in what to do.

| exit code | means |
|---|---|
| 0 | done |
| 1 | refused, or something is wrong (`check`) |
| 2 | the call's words are off |

This file is generated: `python tests/generate_cli_docs.py > docs/cli.md`.
"""


def document() -> str:
    parts = [HEAD, _options(cli)]
    for name, command in verbs().items():
        parts.append(_verb(name, command))
    return "\n".join(part for part in parts if part)


def verbs() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command}


def _verb(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name, parent=click.Context(cli, info_name="claudestrator-helper"))
    pieces = command.collect_usage_pieces(context)
    usage = " ".join(["claudestrator-helper", name, *(pieces if _options(command) else pieces[1:])])
    said = [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]
    return (
        "\n".join(
            [
                f"## {name}\n",
                f"`{usage}`\n",
                *(f"{paragraph}\n" for paragraph in said),
                f"Example: `{(command.epilog or '').removeprefix('Example: ')}`\n",
                _options(command),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _options(command: click.Command) -> str:
    rows = [
        f"| `{'`, `'.join(option.opts)}{'' if option.is_flag else f' {option.metavar}'}` | {option.help} |\n"
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    return f"| option | does |\n|---|---|\n{''.join(rows)}" if rows else ""


if __name__ == "__main__":
    sys.stdout.write(document())
