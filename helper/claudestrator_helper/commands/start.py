"""The verb `start`, which `/orchestrate` calls."""

from collections.abc import Callable

import click

from .. import output
from ..engine.options import OPTIONS
from ..store import paths


def _typed_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        name, value = option.name, option.value or None
        command = click.option(name, is_flag=value is None, metavar=value, help=option.does)(command)
    return command


@click.command("start", context_settings={"ignore_unknown_options": True})
@click.option("--session", default="", metavar="ID", help="The Claude Code session that will own the run.")
@_typed_options
@click.option("--commands", default="", metavar="VERSION", help="The version of the command that calls this.")
@click.option("--mod", is_flag=True, help="Claude Code's mod calls, with JSON on standard input.")
@click.argument("words", nargs=-1)
@click.pass_obj
def start_verb(
    project: paths.Project,
    /,
    session: str,
    commands: str,
    mod: bool,
    words: tuple[str, ...],
    **options: str | bool | None,
) -> None:
    """Begin or resume a run and print its directives, after one line on what will go wrong, if anything will.

    WORDS are what was typed after /orchestrate; a single - reads them from standard input. Without WORDS, what the
    person typed in the session counts. Always exits 0: a refusal is a STOP line.
    """
    from . import arguments, orchestrate

    if mod:
        from . import mod as mods
        from . import mod_calls

        mod_calls.answer(lambda given: mods.start(project, session, given))
        return
    given = arguments.stdin().split() if words == ("-",) else list(words)
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        given += [option if value is True else f"{option}={value}"] * bool(value)
    output.echo(orchestrate.start(project, session, given if given or "-" in words else None, commands))
