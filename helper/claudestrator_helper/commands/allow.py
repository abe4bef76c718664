"""The verb `allow`: a person's consent to the commands of the project's gates."""

import os
import sys

import click

from .. import host, output
from ..engine.gates import Gates
from ..errors import ClaudestratorError
from ..run import gates
from ..store import config_file, files, paths, queue_file, state_file
from ..store.paths import Project
from ..system import consent, processes
from ..texts import fields, gate_commands, ids

#: Files that tell how a project is tested, with what they hold if they do, and the command.
_DETECTED = (
    ("pyproject.toml", "[tool.pytest", "python -m pytest -q"),
    ("pytest.ini", "", "python -m pytest -q"),
    ("tox.ini", "[pytest]", "python -m pytest -q"),
    ("package.json", '"test":', "npm test"),
    ("Cargo.toml", "", "cargo test"),
    ("go.mod", "", "go test ./..."),
    ("Makefile", "\ntest:", "make test"),
)
_WARNING = (
    "They run without asking you, outside Claude Code's permissions, whatever agents have written into the project.\n"
    "Allow exactly these commands in {root}?"
)


@click.command("allow")
@click.option("--detect", is_flag=True, help="Propose a gate from what is in the project, and change nothing.")
@click.pass_obj
def allow_verb(project: Project, detect: bool) -> None:
    """Show the commands of the project's gates, and ask at a terminal whether they may run.

    Any change of the commands, or of the project's place, asks again.
    """
    if detect:
        output.echo(detected(project))
        return
    asked = gates.asked(config_file.read(project), queue_file.parsed(project))
    before = consent.read(project)
    if not asked and before is None:
        raise ClaudestratorError(f"no gate is configured: see [gate] in {paths.shipped('config.toml')}, or --detect")
    if wrong := next(filter(None, map(gate_commands.problem, asked.tasks.values())), ""):
        raise ClaudestratorError(f"{wrong}: correct the task's Gate, and call this again")
    _only_a_person(project)
    if asked == before:
        output.echo(["nothing has changed since you allowed this gate:", *shown(asked)])
    elif click.confirm("\n".join([*shown(asked), _WARNING.format(root=project.root)]), default=False):
        if asked:
            consent.write(project, asked)
        else:
            consent.forget(project)
        output.echo(["allowed", *_at_work(project, asked, before)])
    else:
        raise ClaudestratorError("not allowed: no gate runs until it is")


def shown(asked: Gates) -> list[str]:
    """The commands, a line each, with the tasks that they are for."""
    lines = [f"  {command}" for command in asked.commands] or ["  (no command for all tasks)"]
    lines += [f"  {id_}: {command}" for id_, commands in asked.tasks.items() for command in commands]
    shown = ["Before a task is done, these have to pass:", *lines] if asked.proves or not asked.setup else []
    setup = [f"  {command}" for command in asked.setup]
    shown += ["In each new worktree, before its agent begins, these run:", *setup] if setup else []
    # A person has to see all that they allow.
    return list(map(fields.visible, shown))


def _at_work(project: Project, asked: Gates, before: Gates | None) -> list[str]:
    """What is said of the tasks at work, for which commands that are new to the run count for nothing if red."""
    current = state_file.read(project)
    tasks = [id_ for id_ in current.agents if current.unfinished and ids.role(id_) == "task"]
    if not tasks or set(asked.commands) <= set(before.commands if before else ()):
        return []
    names, alone = fields.named(tasks, len(tasks)), len(tasks) == 1
    who, how = ("is", "it reports is not held against it") if alone else ("are", "they report is not held against them")
    why = "no one knows whether it was red before"
    return [f"{names} {who} at work: what is red for all tasks when {how}, as {why}"]


def _only_a_person(project: Project) -> None:
    """Raises ClaudestratorError unless a person at a terminal calls, as far as that can be told."""
    way = f"type `claudestrator-helper --project {project.root} allow` in a terminal of your own"
    if any(os.environ.get(name) for name in host.IN_BASH) or processes.under_claude_code():
        raise ClaudestratorError(f"this was called in Claude Code, and agents can't allow a gate: {way}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ClaudestratorError(f"only a person at a terminal can allow a gate: {way}")


def detected(project: Project) -> list[str]:
    """The configuration of a gate for what is in the project, as lines of TOML."""
    found = dict.fromkeys(command for name, text, command in _DETECTED if _holds(project, name, text))
    if not found and os.path.isdir(os.path.join(project.root, "tests")) and _has_python(project):
        found = dict.fromkeys(["python -m pytest -q"])
    if not found:
        raise ClaudestratorError(f"nothing here says how it is tested: write [gate] commands in {project.config}")
    listed = ", ".join(f'"{command}"' for command in found)
    return [f"# in {project.config}, then `claudestrator-helper allow`", "[gate]", f"commands = [{listed}]"]


def _holds(project: Project, name: str, text: str) -> bool:
    found = files.read(os.path.join(project.root, name), project.root, files.HEAD)
    return found is not None and text in f"\n{found}"


def _has_python(project: Project) -> bool:
    folder = os.path.join(project.root, "tests")
    return any(name.endswith(".py") for name in os.listdir(folder))
