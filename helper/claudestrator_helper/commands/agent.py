"""The verbs of agents: `prompt`, `done`, `fail`, `verdict`."""

import click

from .. import output
from ..store import paths
from . import arguments

_attempt = click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="The attempt that the prompt named.")


@click.command("prompt")
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--skill", default="", metavar="NAME", help="The skill that asks for the prompt of its agent.")
@click.pass_obj
def prompt_verb(project: paths.Project, id_: str | None, skill: str) -> None:
    """Print the whole prompt of the agent ID, or of the only one at work; this shows that it has started."""
    from ..agents import reports, starting
    from ..store import state_file

    output.echo([reports.begin(project, id_ or starting.awaited(project, state_file.read(project), skill))])


@click.command("done")
@click.argument("id_", metavar="ID")
@_attempt
@click.option(
    "--max",
    "limit",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait so long for the gate [default: 15 s less than Claude Code's cap on a Bash call].",
)
@click.argument("note", required=False)
@click.pass_obj
def done_verb(project: paths.Project, id_: str, attempt: int | None, limit: float | None, note: str | None) -> None:
    """Report that the agent ID has finished; NOTE (- reads standard input) is for the agents of dependent tasks.

    If the project has a gate that a person has allowed, it runs first, and while one of its commands is red the report
    is refused.
    """
    from ..run import gates, merging

    try:
        output.echo([merging.done(project, id_, attempt, arguments.text_of(note), limit)])
    except gates.RedError as error:
        output.echo(error.output)
        raise


@click.command("fail")
@click.argument("id_", metavar="ID")
@_attempt
@click.argument("reason")
@click.pass_obj
def fail_verb(project: paths.Project, id_: str, attempt: int | None, reason: str) -> None:
    """Report that the agent ID could not finish, and why (- reads standard input)."""
    from ..agents import reports

    output.echo([reports.fail(project, id_, attempt, arguments.text_of(reason))])


@click.command("verdict")
@click.argument("id_", metavar="ID")
@click.argument("word", metavar="pass|fail", type=click.Choice(["pass", "fail"]))
@_attempt
@click.argument("reason", required=False)
@click.pass_obj
def verdict_verb(project: paths.Project, id_: str, word: str, attempt: int | None, reason: str | None) -> None:
    """Give the verifying agent's verdict on the task ID; a fail needs its REASON (- reads standard input)."""
    from ..agents import verdicts

    output.echo([verdicts.give(project, id_, word, attempt, arguments.text_of(reason))])
