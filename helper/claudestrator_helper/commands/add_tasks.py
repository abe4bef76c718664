"""The verb `add-tasks`: adds tasks without errors, and none with an id that a task has had before."""

import os

import click

from ..errors import ClaudestratorError
from ..output import echo
from ..store import files, paths, queue_file, state_file
from ..store.paths import Project
from ..texts import additions, fields, plain_words
from . import arguments


def add_tasks(project: Project, addition: str) -> str:
    """Adds the sections to the queue, all or none. Returns one line that names their ids.

    Raises ClaudestratorError as additions.add does, and for an id that a task has had before.

    """
    added: list[str] = []

    def change(text: str) -> str:
        joined, added[:] = additions.add(text, addition, lambda: state_file.archive(project))
        _refuse_used(project, added)
        return joined

    with files.locked(project.lock, within=project.bounds):
        queue_file.edit(project, change)
    return f"added {len(added)}: {', '.join(fields.few(added))}"


def _refuse_used(project: Project, added: list[str]) -> None:
    """Raises ClaudestratorError if a task has had one of these ids before: a report would be taken for that task's."""
    current = state_file.read(project)
    used = [id_ for id_ in added if current.record(id_).attempts or os.path.exists(project.note(id_))]
    if used:
        were = "was a task" if len(used) == 1 else "were tasks"
        raise ClaudestratorError(f"nothing was added; {fields.named(used, len(used))} {were} before: use new ids")


def _from_words(project: Project, words: str) -> str:
    used = {*queue_file.parsed(project).ids, *state_file.read(project).tasks}
    return plain_words.as_task(words, used)


@click.command("add-tasks")
@click.option("--words", is_flag=True, help="Standard input is one task in plain words, which become its objective.")
@click.argument("source", metavar="-", type=click.Choice(["-"]))
@click.pass_obj
def add_tasks_verb(project: paths.Project, source: str, *, words: bool) -> None:
    """Add the task sections on standard input, all or none; errors are reported with their lines."""
    given = arguments.stdin()
    added = add_tasks(project, _from_words(project, given) if words else given)
    # In Claude Code, the words that a person has typed are on the screen no more.
    echo([f"{added}: {fields.cut(given)}" if words else added])
