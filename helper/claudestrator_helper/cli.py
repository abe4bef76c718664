"""The command line: the group of verbs, and the boundary that says refusals."""

import sys

import click

from . import __version__
from .commands.verbs import LazyVerbs
from .errors import ClaudestratorError, UsageError
from .output import say_refusal
from .store import paths
from .texts.fields import one_line


class Verbs(LazyVerbs):
    """The verbs, of which `start` never refuses by its exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ClaudestratorError, click.ClickException) as error:
            if ctx.invoked_subcommand != "start":
                raise
            # The command of a slash command that exits otherwise takes the whole slash command with it.
            click.echo(f"STOP {_as_usage(error) if isinstance(error, click.ClickException) else error}")
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
