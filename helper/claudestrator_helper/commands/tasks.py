"""The verbs `tasks` and `set-status`."""

import click

from ..engine.state import State
from ..output import echo
from ..store import paths
from ..texts import fields, queue
from ..texts.fields import cut, few

_NONE = "no tasks yet: `/orchestrate` in Claude Code makes them from PRD.md, `claudestrator-helper add-tasks` adds some"


@click.command("set-status")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.argument("status")
@click.pass_obj
def set_status_verb(project: paths.Project, ids: tuple[str, ...], status: str) -> None:
    """Set the status of tasks to pending, in_progress, completed, failed or skipped.

    Other words that a queue may have for one are understood. Changes those cells and nothing else, all or none.
    """
    from ..store import files, project_files, queue_file, state_file
    from ..texts import statuses

    meant = statuses.normalise(status)

    def change(text: str) -> str:
        for id_ in ids:
            text = queue.set_status(text, id_, meant)
        return text

    with files.locked(project.lock, within=project.bounds):
        before = project_files.present(project, project.queue)
        after = change(before)
        # Before the queue, because a task that the state has as completed would be set back to that.
        if meant != statuses.COMPLETED:
            state_file.forget_completed(project, ids)
        queue_file.edit(project, lambda text: after if text == before else change(text), before)
    echo([f"{id_} {meant}" for id_ in ids])


@click.command("tasks")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_obj
def tasks_verb(project: paths.Project, as_json: bool) -> None:
    """List the queue: status, id, model, objective. The model is the one of the last attempt, or of the next one.

    In the objects, proof says why a task counts as completed: "gate", "verified", or "word", its agent's or a person's.
    """
    from ..output import as_json_line
    from ..store import config_file, queue_file, state_file

    current = state_file.read(project)
    parsed = queue_file.read(project, current, config_file.models(project))
    echo([as_json_line(_as_json(parsed, current))] if as_json else table(parsed, current) or [_NONE])


def _as_json(parsed: queue.Queue, current: State) -> list[dict[str, object]]:
    from ..engine import sentences

    return [
        task.as_json() | {"model": sentences.model(task, current), "proof": sentences.proof(task, current)}
        for task in parsed.tasks
    ]


def table(parsed: queue.Queue, current: State) -> list[str]:
    """One line a task: status, id, model, objective; a pending task that can't run is blocked, by what is said last."""
    from ..engine import sentences
    from ..texts import schedule

    width = max((len(task.id) for task in parsed.tasks), default=0)
    blocked = {id_: f"{cause}" for id_, cause in schedule.causes(parsed).items() if cause.kind != schedule.WAITING}
    models = [cut(sentences.model(task, current), 20) for task in parsed.tasks]
    return few(
        [
            f"{'blocked' if task.id in blocked else cut(task.status, 11):<11}  {task.id:<{width}}  {model:<6}  "
            f"{cut(task.objective, 80)}{f' ({cut(blocked[task.id])})' if task.id in blocked else ''}"
            for task, model in zip(parsed.tasks, models, strict=True)
        ],
        fields.TABLE,
    )
