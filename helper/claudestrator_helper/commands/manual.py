"""The verb `help`: what `--help` says of a verb, and the same of all verbs as a manual page."""

from collections.abc import Iterator

import click

from .. import __version__, output
from ..errors import ClaudestratorError
from ..texts.fields import cut

_NAME = "claudestrator-helper"


@click.command("help")
@click.argument("verb", metavar="[VERB]", required=False)
@click.option("--man", is_flag=True, help="Print a manual page of all verbs, for `man -l -` or a folder on MANPATH.")
@click.pass_context
def help_verb(context: click.Context, verb: str | None, *, man: bool) -> None:
    """Show what a VERB does, or which verbs there are."""
    from .verbs import LazyVerbs

    group = context.find_root().command
    assert isinstance(group, LazyVerbs)  # noqa: S101 (it is the only group)
    if man:
        output.echo(list(page(group)))
        return
    top = click.Context(group, info_name=_NAME)
    if verb is None:
        output.echo([group.get_help(top)])
        return
    command = group.get_command(top, verb)
    if command is None:
        raise ClaudestratorError(f"there is no verb {cut(verb, 40)!r}: `{_NAME} help` lists them")
    output.echo([command.get_help(click.Context(command, info_name=verb, parent=top))])


def page(group: click.Group) -> Iterator[str]:
    """The manual page, in the macros of man(7)."""
    from .verbs import GROUPS

    top = click.Context(group, info_name=_NAME)
    yield f'.TH CLAUDESTRATOR\\-HELPER 1 "" "{_NAME} {__version__}"'
    yield from (".SH NAME", f"{_roff(_NAME)} \\- drive, watch and steer a run of Claudestrator")
    yield from (".SH SYNOPSIS", f".B {_roff(_NAME)}", "[\\-\\-project DIR] VERB [OPTIONS] [ARGUMENTS]")
    yield from (".SH DESCRIPTION", *_text(group.help), ".SH OPTIONS", *_options(group, top))
    for title, names in GROUPS.items():
        yield f'.SH "{title.upper()}"'
        for name in names:
            command = group.get_command(top, name)
            if command:
                yield from _verb(name, command, top)
    yield ".SH EXIT STATUS"
    yield from (".TP", "0", "done", ".TP", "1", "refused, or something is wrong", ".TP", "2", "the words are off")


def _verb(name: str, command: click.Command, top: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=top)
    yield from (f'.SS "{_roff(" ".join([name, *command.collect_usage_pieces(context)]))}"', *_text(command.help))
    yield from _options(command, context)
    yield from (".PP", _roff(command.epilog or ""))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    found = (each.get_help_record(context) for each in command.params if isinstance(each, click.Option))
    for record in filter(None, found):
        yield from (".TP", f".B {_roff(record[0])}", _roff(record[1]))


def _text(text: str | None) -> Iterator[str]:
    for paragraph in (text or "").split("\n\n"):
        yield from (".PP", _roff(" ".join(paragraph.split())))


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
