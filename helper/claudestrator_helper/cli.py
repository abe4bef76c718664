"""The verbs. Each function takes its words, calls one other, and prints what that says.

Each imports what it needs when it runs: all of them together cost as much as click.
"""

import sys
from collections.abc import Callable

import click

from . import __version__, paths
from .errors import ClaudestratorError, UsageError
from .fields import LINE, cut, one_line
from .next_task import as_json_line
from .next_task import report as say_refusal
from .words import OPTIONS

pass_project = click.make_pass_decorator(paths.Project)


class Verbs(click.Group):
    """The verbs, of which `start` never refuses by its exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ClaudestratorError, click.ClickException) as error:
            if ctx.invoked_subcommand != "start":
                raise
            # The command of a slash command that exits otherwise takes the whole slash command with it.
            said = _as_usage(error) if isinstance(error, click.ClickException) else error
            click.echo(f"STOP {cut(str(said), LINE)}")
            return None


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--project",
    "folder",
    metavar="DIR",
    help="The project's root; by default the nearest folder upwards with .claude or .git.",
)
@click.version_option(
    __version__, prog_name="claudestrator-helper", message="%(prog)s %(version)s", help="Show the version and exit."
)
@click.pass_context
def cli(context: click.Context, folder: str | None) -> None:
    """The deterministic half of Claudestrator. `/orchestrate` in Claude Code drives it; people may too."""
    context.obj = paths.project(folder)


def run_cli() -> int:
    """The boundary: a refusal is one line on stderr and 1, a wrong call 2, a bug a traceback."""
    try:
        cli.main(prog_name="claudestrator-helper", standalone_mode=False)
    except ClaudestratorError as error:
        return say_refusal(error)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        if len(sys.argv) == 1:
            error.show()  # without any words, click's error is the whole help
            return error.exit_code
        return say_refusal(_as_usage(error))
    except click.Abort:
        return 130
    return 0


def _as_usage(error: click.ClickException) -> UsageError:
    """One line like every refusal, where click would print four."""
    context = getattr(error, "ctx", None)
    message = one_line(error.format_message()).split(". ")[0].rstrip(".")
    command = context.command_path if context else "claudestrator-helper"
    return UsageError(f"{message}; `{command} --help` shows what it takes")


def _typed_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        name, value = option.name, option.value or None
        command = click.option(name, is_flag=value is None, metavar=value, help=option.does)(command)
    return command


@cli.command(context_settings={"ignore_unknown_options": True})
@click.option("--session", default="", metavar="ID", help="The Claude Code session that will own the run.")
@_typed_options
@click.option("--commands", default="", metavar="VERSION", help="The version of the command that calls this.")
@click.argument("words", nargs=-1)
@pass_project
def start(
    project: paths.Project, /, session: str, commands: str, words: tuple[str, ...], **options: str | bool | None
) -> None:
    """Begin or resume a run and print its directives, after one line on what will go wrong, if anything will.

    WORDS are what was typed after /orchestrate; a single - reads them from standard input. Without any, they are those
    that the person typed in the session. Always exits 0: a refusal is a STOP line.
    """
    from . import files, typed

    given = files.stdin().split() if words == ("-",) else list(words)
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        given += [option if value is True else f"{option}={value}"] * bool(value)
    echo(typed.start(project, session, given if given or "-" in words else None, commands))


@cli.command("wait")
@click.option(
    "--session",
    default="",
    envvar="CLAUDE_CODE_SESSION_ID",
    metavar="ID",
    help="The session that waits [default: what Claude Code's environment says].",
)
@click.option(
    "--max",
    "limit",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="End by then with WAIT [default: 15 s before Claude Code's cap on a Bash call].",
)
@pass_project
def wait_(project: paths.Project, session: str, limit: float | None) -> None:
    """Block until an agent has reported, take the run's next step and print its directives."""
    from . import run, typed, wait

    lines = typed.go_on(project, session)
    echo(lines or run.wait_for_step(project, session, wait.limit() if limit is None else limit))


@cli.command("wait-command")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@pass_project
def wait_command(project: paths.Project, ids: tuple[str, ...]) -> None:
    """Print one bash command that waits for the reports of these agents without the helper."""
    from . import wait

    echo([wait.command(project.markers, ids, int(wait.limit()))])


@cli.command()
@click.argument("id_", metavar="[ID]", required=False)
@pass_project
def prompt(project: paths.Project, id_: str | None) -> None:
    """Print the whole prompt of the agent ID, or of the one at work; it shows that the agent has started."""
    from . import report

    echo([report.begin(project, id_ or report.awaited(project))])


@cli.command()
@click.argument("id_", metavar="ID")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="The attempt that the prompt named.")
@click.argument("note", required=False)
@pass_project
def done(project: paths.Project, id_: str, attempt: int | None, note: str | None) -> None:
    """Report that the agent ID has finished; NOTE (- reads standard input) is for the agents of dependent tasks."""
    from . import report

    echo([report.done(project, id_, attempt, text_of(note))])


@cli.command()
@click.argument("id_", metavar="ID")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="The attempt that the prompt named.")
@click.argument("reason")
@pass_project
def fail(project: paths.Project, id_: str, attempt: int | None, reason: str) -> None:
    """Report that the agent ID could not finish, and why (- reads standard input)."""
    from . import report

    echo([report.fail(project, id_, attempt, text_of(reason))])


@cli.command()
@click.argument("id_", metavar="ID")
@click.argument("word", metavar="pass|fail", type=click.Choice(["pass", "fail"]))
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="The attempt that the prompt named.")
@click.argument("reason", required=False)
@pass_project
def verdict(project: paths.Project, id_: str, word: str, attempt: int | None, reason: str | None) -> None:
    """Give the verifying agent's verdict on the task ID; a fail needs its REASON (- reads standard input)."""
    from . import verdicts

    echo([verdicts.give(project, id_, word, attempt, text_of(reason))])


@cli.command("state")
@click.argument("key", required=False)
@click.argument("value", required=False)
@pass_project
def state_(project: paths.Project, key: str | None, value: str | None) -> None:
    """Show the session state, one value of it, or set one (VALUE as JSON, or a word)."""
    from . import files, state

    if key is None:
        echo([state.render(state.read(project))])
    elif value is None:
        echo([as_json_line(state.get(state.read(project), key))])
    else:
        with files.locked(project.lock):
            state.write(project, state.put(state.read(project), key, _value(value)))


@cli.command()
@pass_project
def status(project: paths.Project) -> None:
    """Show where the run stands."""
    from . import overview

    echo(overview.status(project))


@cli.command()
@click.argument("transcript", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_project
def context(project: paths.Project, transcript: str | None, as_json: bool) -> None:
    """Show what the last run, or the last in TRANSCRIPT, cost the orchestrator's context."""
    from . import context as accounts
    from . import context_text

    account = accounts.of_transcript(project, transcript) if transcript else accounts.of_project(project)
    echo([as_json_line(context_text.as_object(account))] if as_json else context_text.lines(account))


@cli.command()
@pass_project
def stop(project: paths.Project) -> None:
    """Ask the run to end at its next step; agents at work finish."""
    from . import run

    echo([run.stop(project)])


@cli.command()
def hook() -> None:
    """Answer one hook event of Claude Code, JSON on standard input."""
    from .hooks import main

    main()


def text_of(given: str | None) -> str:
    from . import files

    return files.stdin() if given == "-" else given or ""


def _value(given: str) -> object:
    import json

    try:
        return json.loads(given)
    except ValueError:
        return given


def echo(lines: list[str]) -> None:
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    # Bytes that are not UTF-8 come out as they went in.
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


# The verbs of the queues register themselves with the group.
from . import cli_queues  # noqa: E402, F401
