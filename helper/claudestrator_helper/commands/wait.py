"""The verbs `wait` and `wait-command`."""

import click

from .. import host, output
from ..store import paths


@click.command("wait")
@click.option(
    "--session",
    default="",
    envvar=host.SESSION_ID,
    metavar="ID",
    help="The session that waits [default: what Claude Code's environment says].",
)
@click.option(
    "--max",
    "limit",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="End with WAIT by then [default: 15 s before Claude Code's cap on a Bash call].",
)
@click.option("--mod", is_flag=True, help="Claude Code's mod calls, with JSON on standard input.")
@click.option("--follow", is_flag=True, help="With --mod, answer again and again, a line for each step, until STOP.")
@click.pass_obj
def wait_verb(project: paths.Project, session: str, limit: float | None, *, mod: bool, follow: bool) -> None:
    """Block until an agent has reported, take the run's next step and print its directives."""
    from ..run import polling, steps
    from ..run.live_report import LiveReport
    from . import orchestrate

    if mod:
        from . import mod as mods
        from . import mod_calls

        if follow:
            mods.follow(project, session)
        else:
            mod_calls.answer(lambda given: mods.wait(project, session, given, limit))
        return
    lines, seconds = orchestrate.after_start(project, session), polling.limit() if limit is None else limit
    if not lines:
        page = LiveReport(project)
        lines = page.ended(steps.wait_for_step(project, session, seconds, page.sleep)).printed()
    output.echo(lines)


@click.command("wait-command")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_obj
def wait_command_verb(project: paths.Project, ids: tuple[str, ...]) -> None:
    """Print one bash command that waits for the reports of these agents without the helper."""
    from ..run import polling

    output.echo([polling.command(project.markers, ids, int(polling.limit()))])
