"""The verbs by which a person steers a run: `stop`, `pause`, `resume`, `retry`, `skip`."""

import click

from ..errors import ClaudestratorError
from ..output import echo
from ..store import paths
from ..texts.fields import cut
from . import arguments


@click.command("stop")
@click.option("--now", is_flag=True, help="End it at once; what agents at work report counts when it is continued.")
@click.pass_obj
def stop_verb(project: paths.Project, now: bool) -> None:
    """Ask the run to end at its next step; agents at work finish."""
    from ..run import steering

    echo([steering.stop(project, now=now)])


@click.command("pause")
@click.pass_obj
def pause_verb(project: paths.Project) -> None:
    """Let the run start no agent until `resume`; agents at work finish."""
    from ..run import steering

    echo([steering.pause(project)])


@click.command("resume")
@click.pass_obj
def resume_verb(project: paths.Project) -> None:
    """Let a paused run start agents again."""
    from ..run import steering

    echo([steering.resume(project)])


@click.command("retry")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--hint", default="", metavar="TEXT", help="What the next agent is told (- reads standard input).")
@click.option("--words", is_flag=True, help="Standard input, which - stands for, holds the ids and then the hint.")
@click.pass_obj
def retry_verb(project: paths.Project, ids: tuple[str, ...], hint: str, *, words: bool) -> None:
    """Make tasks pending again, with all their attempts."""
    from ..run import steering

    named, text = _words(project) if words else (list(ids), arguments.text_of(hint))
    echo(steering.retry(project, named, text))


@click.command("skip")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--unblock", is_flag=True, help="Let the tasks that depend on them run all the same.")
@click.option("--words", is_flag=True, help='Standard input, which - stands for, holds the ids and then "unblock".')
@click.pass_obj
def skip_verb(project: paths.Project, ids: tuple[str, ...], *, unblock: bool, words: bool) -> None:
    """Leave tasks out of the run; `retry` takes them up again."""
    from ..run import steering

    named, rest = _words(project) if words else (list(ids), "")
    if rest not in ("", "unblock", "--unblock"):
        raise ClaudestratorError(f"{cut(rest, 40)!r} means nothing here: only ids, and after them `unblock`")
    echo(steering.skip(project, named, unblock=unblock or bool(rest)))


def _words(project: paths.Project) -> tuple[list[str], str]:
    from ..store import queue_file
    from ..texts import plain_words

    return plain_words.ids(arguments.stdin(), queue_file.parsed(project).by_id)
