"""The verb `install-cli`."""

import click

from .. import output


@click.command("install-cli")
@click.option("--remove", is_flag=True, help="Remove the link.")
def install_cli_verb(remove: bool) -> None:
    """Link the plugin's helper into ~/.local/bin, so that terminals find it too."""
    from ..setup import plugin_link

    output.echo(plugin_link.remove() if remove else plugin_link.install())
