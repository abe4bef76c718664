"""The verb `completion`."""

import click

from .. import output


@click.command("completion")
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_verb(context: click.Context, shell: str) -> None:
    """Print what completes the verbs and options in a shell, for its start-up file."""
    from click.shell_completion import get_completion_class

    group = context.find_root().command
    kind = get_completion_class(shell)
    assert kind  # noqa: S101 (click knows these three)
    name = "claudestrator-helper"
    output.echo([kind(group, {}, name, f"_{name.replace('-', '_').upper()}_COMPLETE").source()])
