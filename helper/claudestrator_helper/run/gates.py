"""Gates at work: before a task is reported done, before a run's first task, and before a verification.

A gate runs in a process of its own (system/gate_process.py), and whoever needs it looks for its record.
"""

import time

from ..agents import reports
from ..engine import gates, verification
from ..engine.config import Config
from ..engine.gates import BASELINE, Gates
from ..engine.state import State
from ..engine.step import Inputs
from ..errors import ClaudestratorError
from ..store import config_file, files, state_file
from ..store.paths import Project
from ..system import consent, gate_process, working_tree, worktrees
from ..system.gate_process import Record
from ..texts import fields, ids
from ..texts.queue import Queue
from . import notify, polling

#: Characters of a command in a message.
_SHORT = 80
#: Seconds within which a gate runs again where nothing tells whether the files have changed.
_MOMENT = 60
#: How often a gate before a step may end without a result.
_LOST = 3


class RedError(ClaudestratorError):
    """A gate is red; *output* holds the last lines of the command that is."""

    def __init__(self, message: str, output: list[str]) -> None:
        super().__init__(message)
        self.output = output


class RunningError(ClaudestratorError):
    """A gate is still running, or was ended before it was over."""


def asked(config: Config, parsed: Queue) -> Gates:
    """The gates that the configuration and the queue ask for."""
    # Most queues have none, and to look for a field takes a while in a long one.
    tasks = {task.id: own for task in parsed.tasks if (own := task.gate)} if "gate" in parsed.text.lower() else {}
    return Gates(config.gate_commands, tasks, config.worktree_setup)


def done(project: Project, id_: str, attempt: int | None, note: str, limit: float | None = None) -> str:
    """Reports *id_* as done if its gate is green, as `reports.done`; waits for that for at most *limit* seconds, None
    for as long as one Bash call may take.

    Raises RedError if it is red, and ClaudestratorError if it is still running, if it was changed since a person
    allowed it, and as `reports.done` does.

    """
    if ids.role(id_) != "task" or not (latest := reports.open_attempt(project, id_, attempt)):
        return reports.done(project, id_, attempt, note)
    reports.being_made(project, id_, latest, note)
    passed = proved(project, id_, latest, patience() if limit is None else limit, project)
    return passed if isinstance(passed, str) else reports.done(project, id_, latest, "", proved=passed)


def proved(project: Project, id_: str, attempt: int, patience: float, place: Project) -> bool | str:
    """Whether the gate proves that attempt, in the working tree of *place*; or the line that the agent ends with if it
    has been red too often, and is reported as failed. Raises as `done`."""
    current, config = state_file.read(project), config_file.read(project)
    parsed = reports.queue_of(project, current)
    commands = _commands(project, config, parsed, id_)
    if not commands:
        return False
    before, wanted = gate_process.read(project, id_), Record(f"{current.run} {attempt}", commands)
    if before and before.key == wanted.key and before.refused > config.gate_refusals:
        return reports.fail(project, id_, attempt, "its gate was ended again and again before it was over")
    excused = {*_excused(project, current, config)} - {*asked(config, parsed).tasks.get(id_, [])}
    binding = [command for command in commands if command not in excused]
    was_ended = _was_ended(project, id_, wanted)
    record = _record(place, id_, wanted, binding, config.gate_timeout, patience)
    if record is None:
        again = f"call `claudestrator-helper done {id_} --attempt {attempt}` again"
        how = "is still running" + (", after something had ended it" if was_ended else "")
        how = _ENDED if _was_ended(project, id_, wanted) else how
        raise RunningError(f"{id_} is not reported yet, as its gate {how}: {again}")
    if any(each.code and each.command in binding for each in record.outcomes):
        return _refused(project, id_, attempt, record, binding, config.gate_refusals)
    _seen_green(project, current, record)
    return set(asked(config, parsed).of(id_)) <= set(commands) and bool(record.green)


def patience() -> float:
    """Seconds that a report may wait in one Bash call."""
    return min(polling.limit(), polling.BASH_CAP - polling.MARGIN)


def refuse_changed(project: Project, config: Config, parsed: Queue) -> None:
    """Raises ClaudestratorError if a gate is no longer what a person has allowed."""
    allowed = consent.read(project)
    if allowed is None:
        return
    if changed := gates.changed(asked(config, parsed), allowed, parsed.by_id):
        what = fields.named(changed, len(changed))
        way = "put it back, or a person allows it by `claudestrator-helper allow` in a terminal"
        name = "the set-up of worktrees" if changed == ["[worktree] setup"] else "the gate"
        raise ClaudestratorError(f"{name} was changed since it was allowed ({what}): {way}")


def note(project: Project, config: Config, parsed: Queue) -> list[str]:
    """What a person is told of gates that no one has allowed."""
    left = gates.waiting(asked(config, parsed), consent.read(project))
    if left.proves:
        what, then = "a gate", "tasks are taken at their word"
    else:
        what, then = "a set-up of worktrees", "they go without"
    step = f"`claudestrator-helper allow` in a terminal shows it and asks; until then {then}"
    return [f"{what} waits for you: {step}"] if left else []


def ask(project: Project, current: State, parsed: Queue) -> None:
    """Asks the person, once a run, for their consent to gates that no one has allowed. The caller holds the lock."""
    for text in note(project, config_file.read(project), parsed):
        notify.question(project, current, text, once=True)


def due(project: Project, inputs: Inputs) -> frozenset[str]:
    """The gates that have to run before the step that they are named for."""
    state, commands = inputs.state, for_all(project, inputs.config)
    if not (commands and state.unfinished):
        return frozenset()
    names = [BASELINE, *([verification.id_of(state)] if state.verification.asked else [])]
    return frozenset(name for name in names if not _is_over(project, _wanted(state, name, commands), name))


def run(project: Project, name: str, patience: float) -> list[str]:
    """Runs the gate *name* of the step that is due, or waits for it, for at most *patience* seconds; lines for the
    person once it is over."""
    current, config = state_file.read(project), config_file.read(project)
    wanted = _wanted(current, name, for_all(project, config))
    if not wanted.commands:
        return []
    before = gate_process.read(project, name)
    if before and before.key == wanted.key and before.refused > _LOST:
        # A sandbox may end it with each call: then no one knows, and nothing waits for it.
        gate_process.write(project, name, wanted._replace(over=True))
        return [f"the gate before {name} was ended {before.refused} times before it was over"]
    tree = worktrees.of(project, current.run) if current.worktrees else None
    place = tree.project(project) if tree else project
    record = _record(place, name, wanted, [], config.gate_timeout, patience)
    if record is None:
        return [f"the gate before {name} {_ENDED}; it runs again"] if _was_ended(project, name, wanted) else []
    red = [f"`{fields.cut(each.command, _SHORT)}` (exit {each.code})" for each in record.outcomes if each.code]
    if name != BASELINE:
        return [f"gate before {name}: {'red: ' + ', '.join(red) if red else 'green'}"]
    # A person may have allowed it while the run was at work.
    is_late = any(each.agent or each.completed or each.failed for each in current.tasks.values())
    when = "when the gate first ran" if is_late else "before the run"
    return [f"red {when}: {', '.join(red)}; no task is blamed for it until it was green once"] if red else []


def at_work(project: Project, now: float) -> list[tuple[str, int, int]]:
    """The gates that are running: name, for how many seconds, and how often each has refused its report before."""
    running = [(name, record) for name, record in _records(project) if gate_process.is_running(record)]
    return [(name, max(0, int(now) - record.begun), record.refused) for name, record in running]


def _records(project: Project) -> list[tuple[str, Record]]:
    names = [name.removesuffix(".json") for name in files.names(project.gates) if name.endswith(".json")]
    return [(name, record) for name in names if (record := gate_process.read(project, name))]


def _commands(project: Project, config: Config, parsed: Queue, id_: str) -> list[str]:
    """What runs before that task is done. Raises ClaudestratorError if its gate is not what was allowed."""
    allowed = consent.read(project)
    if allowed is None:
        before = gate_process.read(project, BASELINE) if config.gate_commands else None
        if before and before.key == state_file.read(project).run:
            way = "report with HOME as it was, or a person allows it by `claudestrator-helper allow` in a terminal"
            raise ClaudestratorError(
                f"the gate was allowed when it ran before the run, and no consent is found now: {way}"
            )
        return []
    try:
        refuse_changed(project, config, parsed)
    except ClaudestratorError as error:
        # No report is taken until a person has done something.
        with files.locked(project.lock, within=project.bounds):
            notify.question(project, state_file.read(project), str(error), once=True)
        raise
    return gates.runnable(asked(config, parsed), allowed, id_)


def for_all(project: Project, config: Config) -> list[str]:
    """The commands for all tasks that a person has allowed."""
    allowed = consent.read(project) if config.gate_commands else None
    return gates.runnable(Gates(config.gate_commands, {}), allowed, "")


def _wanted(state: State, name: str, commands: list[str]) -> Record:
    # A verification that is tried again gets the gate of its first attempt, because nothing has changed since.
    tried = "" if name == BASELINE else f" {state.record(name).attempts}"
    return Record(f"{state.run}{tried}", commands)


def _is_over(project: Project, wanted: Record, name: str) -> bool:
    record = gate_process.read(project, name)
    return record is not None and (record.key, record.commands, record.over) == (wanted.key, wanted.commands, True)


def _excused(project: Project, current: State, config: Config) -> list[str]:
    """The commands for all tasks that were not green yet, since the run began."""
    known = [gate_process.read(project, name) for name in (BASELINE, _GREEN)]
    green = {command for record in known if record and record.key == current.run for command in record.green}
    if green.issuperset(config.gate_commands):
        return []
    # An agent may have died before it could look at the result of its gate.
    green |= {command for _, record in _records(project) if _is_of(record, current) for command in record.green}
    return [command for command in config.gate_commands if command not in green]


def _is_of(record: Record, current: State) -> bool:
    """Whether that gate ran in the run that is under way."""
    return record.over and record.key.split(" ")[0] == current.run


#: The record, under the run's name, of the commands that were red before the run and have been green since.
_GREEN = "green"


def _seen_green(project: Project, current: State, record: Record) -> None:
    before = gate_process.read(project, _GREEN)
    if before is None or before.key != current.run:
        before = Record(current.run, [])
    new = [each for each in record.outcomes if not each.code and each.command not in before.green]
    if new:
        seen = [each._replace(tail=[]) for each in (*before.outcomes, *new)]
        gate_process.write(project, _GREEN, before._replace(over=True, outcomes=seen))


def _record(
    project: Project, name: str, wanted: Record, binding: list[str], minutes: int, patience: float
) -> Record | None:
    """The record of that gate once it is over; None if that takes longer than *patience* seconds."""
    deadline, found = time.monotonic() + patience, gate_process.read(project, name)
    current = state_file.read(project)
    if found and _is_of(found, current):
        # It may be replaced before anyone has looked at it, also where a gate is changed and allowed again: what was
        # green has to stay green.
        _seen_green(project, current, found)
    if found and (found.key, found.commands) != (wanted.key, wanted.commands):
        found = None
    if found and found.over and _is_stale(project, found):
        found = Record(found.key, [], found.refused)
        gate_process.write(project, name, found)
    if not (found and (found.over or gate_process.is_running(found))):
        gate_process.start(project, name, wanted, binding, minutes)
    left = max(0.0, deadline - time.monotonic())
    polling.wait_until(lambda: not _is_running(project, name), left, time.sleep, time.monotonic)
    return gate_process.read(project, name) if _is_over(project, wanted, name) else None


_ENDED = "was ended by something else before it was over"


def _was_ended(project: Project, name: str, wanted: Record) -> bool:
    found = gate_process.read(project, name)
    begun = found is not None and found.key == wanted.key and bool(found.process) and not found.over
    return begun and not _is_running(project, name)


def _is_running(project: Project, name: str) -> bool:
    found = gate_process.read(project, name)
    return found is not None and gate_process.is_running(found)


def _is_stale(project: Project, found: Record) -> bool:
    """Whether the tree was changed after that gate was over; others, if there are any, change it all the time."""
    current = state_file.read(project)
    if not current.worktrees and len(current.agents) > 1:
        return False
    tree = working_tree.print_of_files(project)
    # Where that can't be told, the gate runs again if that takes a moment.
    again = not tree and not current.worktrees and sum(each.seconds for each in found.outcomes) < _MOMENT
    return tree != found.tree or again


def _refused(project: Project, id_: str, attempt: int, record: Record, binding: list[str], most: int) -> str:
    red = next(each for each in record.outcomes if each.code and each.command in binding)
    said = f"`{fields.cut(red.command, _SHORT)}` is red (exit {red.code})"
    if record.refused >= most:
        last = next((line for line in reversed(red.tail) if line.strip()), "")
        return reports.fail(project, id_, attempt, f"its gate {said}: {last}")
    gate_process.write(project, id_, Record(record.key, [], record.refused + 1))
    way = f"fix what it shows above, and report again ({most - record.refused} more until the attempt has failed)"
    raise RedError(f"{id_} is not done, as {said}: {way}", red.tail)
