"""The verbs `add-issue`, `issues` and `remember`."""

import time

import click

from ..output import echo
from ..store import files, issue_file, paths, queue_file, run_log, state_file
from ..store.paths import Project
from ..texts import issues
from ..texts.fields import TABLE, cut, few
from ..texts.statuses import PENDING
from .arguments import text_of


def add_issues(project: Project, addition: str, source: str) -> list[str]:
    """Adds issues to the issue queue and to the log. Returns one line on what was added, and one for each issue that
    repeats another.

    Raises ClaudestratorError as issues.add does.

    """
    added: list[str] = []
    repeated: list[str] = []

    def change(text: str) -> str:
        day, taken = time.strftime("%Y%m%d"), queue_file.text(project)
        joined, added[:], repeated[:] = issues.add(text, addition, source=who, loop=loop, day=day, taken=taken)
        return joined

    with files.locked(project.lock, within=project.bounds):
        current = state_file.read(project)
        loop = current.loop.number if current.unfinished else 0
        who = cut(source, 20) or ("research" if current.phase == "research" else "user")
        issue_file.edit(project, change)
        run_log.append(project, current, [{"event": "issue", "id": id_} for id_ in added], time.time(), loop)
    return [
        f"added {len(added)}: {', '.join(few(added))}" if added else "added none",
        *few([f"left out: {line}" for line in repeated]),
    ]


def table(project: Project) -> list[str]:
    """One line an issue: status, id, priority, summary."""
    lines = [
        f"{cut(issues.status(each), 11):<11}  {each.id}  {issues.priority(each):<8}  {cut(issues.summary(each), 80)}"
        for each in issue_file.parsed(project).tasks
    ]
    return few(lines, TABLE)


def as_objects(project: Project) -> list[str]:
    """All issues as one line of JSON."""
    from ..output import as_json_line

    found = [
        {
            "id": issue.id,
            "status": issues.status(issue),
            "priority": issues.priority(issue),
            "summary": issues.summary(issue),
            "criteria": issue.criteria,
            "files": issue.files,
            "tasks": issue.text(issues.TASK_REF).split(", ") if issues.status(issue) != PENDING else [],
            "line": issue.line,
        }
        for issue in issue_file.parsed(project).tasks
    ]
    return [as_json_line(found)]


def remember(project: Project, report: str) -> list[str]:
    """Keeps a memory agent's report. Returns what to tell it. Raises ClaudestratorError as memory.remember does."""
    from ..store import memory

    reported = memory.parse(report)
    with files.locked(project.lock, within=project.bounds):
        current = state_file.read(project)
        return memory.remember(project, reported, loop=current.loop.number, run=current.run)


@click.command("add-issue")
@click.option("--source", default="", metavar="WHO", help="Who found it [default: the run's research, else user].")
@click.option("--words", is_flag=True, help="Standard input is one issue in plain words, which become its summary.")
@click.argument("input_", metavar="-", type=click.Choice(["-"]))
@click.pass_obj
def add_issue_verb(project: paths.Project, source: str, input_: str, *, words: bool) -> None:
    """Add the issue sections on standard input and number them; a duplicate is named and left out."""
    from ..texts import plain_words

    given = text_of(input_)
    first, *more = add_issues(project, plain_words.as_issue(given) if words else given, source)
    # In Claude Code, the words that a person has typed are on the screen no more.
    echo([f"{first}: {cut(given)}" if words and not more else first, *more])


@click.command("issues")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_obj
def issues_verb(project: paths.Project, as_json: bool) -> None:
    """List the issue queue: status, id, priority, summary."""
    echo(as_objects(project) if as_json else table(project))


@click.command("remember")
@click.argument("input_", metavar="-", type=click.Choice(["-"]))
@click.pass_obj
def remember_verb(project: paths.Project, input_: str) -> None:
    """Keep the memory agent's report on standard input: summary, patterns, gotchas."""
    echo(remember(project, text_of(input_)))
