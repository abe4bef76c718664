"""The verb `state`."""

import click

from .. import output
from ..output import as_json_line
from ..store import paths
from ..texts import fields


@click.command("state")
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.pass_obj
def state_verb(project: paths.Project, key: str | None, value: str | None) -> None:
    """Show the session state, one value of it, or set one (VALUE as JSON, or a word)."""
    from ..store import files, state_file

    if key is None:
        output.echo([fields.visible(state_file.render(state_file.read(project)))])
    elif value is None:
        output.echo([as_json_line(state_file.get(state_file.read(project), key))])
    else:
        with files.locked(project.lock, within=project.bounds):
            state_file.write(project, state_file.put(state_file.read(project), key, _value(value)))


def _value(given: str) -> object:
    import json

    try:
        return json.loads(given)
    except ValueError:
        return given
