"""The run on disk: one step at a time, taken under the project's lock."""

import os
import time
from collections.abc import Callable

from ..engine import begin_run, markers, next_step, sentences, settle_reports, state
from ..engine.carry_out import carry_out
from ..engine.config import MOD
from ..engine.step import NO_GATES, Inputs, Step
from ..errors import ClaudestratorError
from ..store import config_file, files, issue_file, marker_files, prd_file, queue_file, state_file, typed_command
from ..store.hidden_files import TURN
from ..store.paths import Project
from ..system import processes
from ..texts import fields
from ..texts.directives import WAIT, Directive, Reply
from ..texts.named_tuples import NamedTuple
from ..texts.statuses import FAILED
from . import ownership, polling, sightings, slow_work, unfinished_work
from .disk import Disk

_WAIT = (Directive(WAIT),)
#: What a wait says that stands back for a later one.
OVERTAKEN = "another wait has taken over"
#: The place of the queue in _watched.
_QUEUE = 1


class Turn(NamedTuple):
    """Who waits: the session, its processes.current(), and the token of the one wait that takes steps."""

    session: str
    process: str
    token: str


def start(
    project: Project, session: str, words: list[str], now: Callable[[], float] = time.time, mod: str = ""
) -> Reply:
    """Begins or resumes a run from the words after `/orchestrate`. *mod* is the digest of a calling mod's key.

    Raises ClaudestratorError for words that mean nothing, and if another session has the run.

    """
    asked, process = begin_run.understood(words), processes.current()
    worktrees, note = slow_work.begin(project, asked)
    kept_out = unfinished_work.noted(project, session, process, asked, int(now()), worktrees=worktrees)
    with files.locked(project.lock, within=project.bounds):
        inputs = read(project, int(now()))
        seen = typed_command.read(project, session)
        caller = ownership.caller(inputs.state, session, process or seen.process, hooked=bool(seen.mode), mod=mod)
        caller = caller._replace(worktrees=worktrees)
        if not asked.takeover:
            _refuse_taken(inputs, caller)
            ownership.refuse_foreign(inputs.state, session, caller.process)
        from . import gates

        gates.refuse_changed(project, inputs.config, inputs.queue)
        step = _begin(project, sightings.taken_in(project, inputs), caller, asked)
        if step.state.unfinished:
            gates.ask(project, step.state, inputs.queue)
        if inputs.state.unfinished:
            # An earlier wait must take no step: who called it no longer obeys.
            TURN.write(project, os.urandom(8).hex())
    from ..store import leftovers

    leftovers.sweep(project.folders, now(), project.bounds)
    reply = Reply(step.lines, slow_work.begun(step, inputs.queue))
    if step.trees and not step.directives:
        reply = _begun_in_trees(project, step, now)
    return Reply(fields.few(note + kept_out + reply.lines), reply.directives or _WAIT)


def _begun_in_trees(project: Project, step: Step, now: Callable[[], float]) -> Reply:
    """The reply once there are worktrees, if they can be made soon: a WAIT would cost the conversation a turn."""
    made = slow_work.carried_out(project, step, settle_reports.LAUNCH, set())
    lines = step.lines + (made.lines if made else [])
    if made and not made.directives:
        with files.locked(project.lock, within=project.bounds):
            inputs = read(project, int(now()))
            step = _apply(project, inputs, inputs.state)
        return Reply(lines + step.lines, _directives(project, step, now()))
    return Reply(lines, [])


def _refuse_taken(inputs: Inputs, caller: begin_run.Caller) -> None:
    if begin_run.whose(inputs.state, caller, inputs.now) == begin_run.TAKEN:
        ago = max(0, inputs.now - inputs.state.owner.heartbeat)
        raise ClaudestratorError(
            f"another session is at work on this queue (heard of {ago} s ago): continue there, or end it and type "
            f"/orchestrate again; `/orchestrate --takeover` takes its run away from it"
        )


def _begin(project: Project, inputs: Inputs, caller: begin_run.Caller, asked: begin_run.Asked) -> Step:
    """The first step after `/orchestrate`, or of a `wait` that continues the run of a session that is gone."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
    begun = begin_run.begin(inputs, caller, name, asked)
    owner = begun.state.owner._replace(origin=processes.origin(begun.state.run))
    begun = begun._replace(state=begun.state._replace(owner=owner))
    both = zip(inputs.queue.tasks, begun.queue.tasks, strict=True)
    changes = {new.id: new.status for old, new in both if new.status != old.status}
    begun = begun._replace(queue=queue_file.set_statuses(project, inputs.queue, changes))
    return _apply(project, begun, inputs.state)


def wait_for_step(
    project: Project,
    session: str = "",
    limit: float = 0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> Reply:
    """Blocks for at most *limit* seconds until the run has a step to take, and takes it. A mod draws the
    run, so it is answered as soon as there are lines for the person, and when the status or the queue has changed.

    Raises ClaudestratorError if files can't be read or written, if another session has the run, and if the calling
    session has died: a heartbeat without a session would keep others out.

    """
    return wait_in_turn(project, take_turn(project, session, int(now())), limit, sleep, clock, now)


def wait_in_turn(
    project: Project,
    turn: Turn,
    limit: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> Reply:
    """Does the same for the one who has the *turn*, and may wait again and again."""
    deadline, above, process = clock() + limit, processes.above(), turn.process
    seen = unfinished_work.renewed(project, turn.session, process, int(now()))
    drawn, tidy = tuple[object, ...](), set[str]()
    while True:
        if not os.path.exists(project.session):
            # There is no run to wait for, or no longer, if the folder was moved; and nothing is written there.
            return Reply(seen, next_step.next_step(read(project, int(now()))).directives)
        if (process and not processes.alive(process)) or processes.above() != above:
            raise ClaudestratorError("the session that waited here is gone: `/orchestrate` in a new one continues")
        looked, step = _look(project, turn, int(now()))
        if step is None:
            return Reply([*seen, OVERTAKEN], _WAIT)
        seen += fields.few(step.lines)
        left = deadline - clock()
        if step.directives:
            return Reply(seen, _directives(project, step, now()))
        if (more := slow_work.carried_out(project, step, left, tidy)) is not None:
            seen += more.lines
            if more.directives:
                return Reply(seen, more.directives)
            continue
        drawn = drawn or (step.state.status, looked[_QUEUE])
        if step.state.engine == MOD and (seen or left <= 0 or drawn != (step.state.status, looked[_QUEUE])):
            return Reply(seen, _WAIT)
        if left <= 0:
            return Reply([*seen, sentences.waiting(step.state, int(now()))], _WAIT)
        paths, most = [*_watched(project), *_reports(project, step.state)], min(left, slow_work.rest(step.state))
        # The next step has to read what tasks depend on. Here there is time to import that.
        from ..texts import fenced_dependencies, groups, overlap  # noqa: F401

        polling.wait_until(lambda: polling.fingerprint(paths) != looked, most, sleep, clock)  # noqa: B023


def hand_over(project: Project, now: Callable[[], float] = time.time) -> Reply:
    """Takes the step that is due after an agent has ended in the foreground. Slow work such as a commit is left to a
    `wait`."""
    with files.locked(project.lock, within=project.bounds):
        # An earlier wait may have been moved to the background, where no one reads its directives.
        TURN.write(project, os.urandom(8).hex())
        inputs = read(project, int(now()))._replace(alone=True)
        step = _apply(project, inputs, inputs.state)
    return Reply(fields.few(step.lines), _directives(project, step, now()) or _WAIT)


def _directives(project: Project, step: Step, now: float) -> list[Directive]:
    """The step's directives; the end of a run has an account of the whole."""
    # Again with each STOP, because the step that ended the run may be killed.
    found, said = slow_work.wound_up(project, step.state, step.directives)
    if not any(event["event"] in (state.FINISHED, state.STOPPED) for event in step.events):
        return found
    # It reads transcripts and asks git, so it is made without the lock, and imported for it.
    from . import ending

    return ending.told(project, found, now, said)


def take_turn(project: Project, session: str, now: int) -> Turn:
    """Makes the caller the one wait that takes steps. An earlier wait may have been moved to the background, where no
    one reads its directives. Raises ClaudestratorError as `wait_for_step`."""
    turn = Turn(session, processes.current(), os.urandom(8).hex())
    if os.path.exists(project.session):
        with files.locked(project.lock, within=project.bounds):
            ownership.admitted(state_file.read(project), session, turn.process, now)
            TURN.write(project, turn.token)
    return turn


def has_turn(project: Project, turn: Turn) -> bool:
    """Whether no other wait has taken over."""
    return TURN.read(project) in ("", turn.token)


def _look(project: Project, turn: Turn, now: int) -> tuple[polling.Print, Step | None]:
    """The fingerprint of the watched files, and a step that read them afterwards: a later change is for the next step.

    The step is None for a wait that another has taken over from.

    """
    session, process, _ = turn
    with files.locked(project.lock, within=project.bounds):
        looked = polling.fingerprint(_watched(project))
        current = state_file.read(project)
        looked += polling.fingerprint(_reports(project, current))
        inputs = read(project, now, current)
        owner = inputs.state.owner
        if ownership.admitted(inputs.state, session, process, now) == begin_run.FREE and inputs.state.unfinished:
            caller = ownership.caller(inputs.state, session or owner.session, process, hooked=owner.hooked)
            return looked, _begin(project, inputs, caller, begin_run.NOTHING)
        if not has_turn(project, turn):
            return looked, None
        # A sandbox hides the calling process.
        alone = process == owner.process if process else bool(session) and session == owner.session
        inputs = sightings.taken_in(project, inputs)._replace(alone=alone)
        return looked, _apply(project, inputs, inputs.state)


def _watched(project: Project) -> list[str]:
    return [project.session, project.queue, TURN.path(project)]


def _reports(project: Project, current: state.State) -> list[str]:
    return [marker_files.path(project, id_, kind) for id_ in current.agents for kind in (markers.DONE, markers.FAILED)]


def read(project: Project, now: int, known: state.State | None = None) -> Inputs:
    """Everything that a step looks at; *known* is the state if the caller has read it already.

    Raises ClaudestratorError for a file that can't be read.

    """
    current = state_file.read(project) if known is None else known
    settings = config_file.read(project)
    parsed = queue_file.read(project, current, settings.models)
    late = [task.id for task in parsed.tasks if task.status == FAILED or current.record(task.id).released is not None]
    attempts = {id_: current.record(id_).attempts for id_ in [*current.agents, *late]}
    found, making = marker_files.read(project, attempts), marker_files.reporting(project, current.agents, now)
    filed, problem, judged = issue_file.parsed(project), prd_file.why_not(project), _verdicts(project, current)
    inputs = Inputs(current, parsed, found, problem, now, settings, filed, verdicts=judged, reporting=making)
    return _with_trees(project, inputs) if current.worktrees and current.unfinished else inputs


def role_models(project: Project, inputs: Inputs) -> dict[str, str]:
    """The models of the agents without a task that a step may spawn, by their roles.

    Raises ClaudestratorError for a role's text that can't be read.

    """
    roles = next_step.roles(inputs)
    if not roles:
        return {}
    from ..store import role_texts

    return {role: role_texts.model(project, role, inputs.config) for role in roles}


def _gates_due(project: Project, inputs: Inputs) -> frozenset[str]:
    if not (inputs.config.gate_commands and inputs.state.unfinished):
        return NO_GATES
    # Importing what runs gates takes longer than most steps.
    from . import gates

    return gates.due(project, inputs)


def _with_trees(project: Project, inputs: Inputs) -> Inputs:
    from . import tree_setup, trees

    ready, wrong = trees.ready(project, inputs.state), tree_setup.problem(project, inputs.state)
    return inputs._replace(trees=ready, setup_problem=wrong)


def _verdicts(project: Project, current: state.State) -> dict[str, str]:
    if not current.verification.checking:
        return {}
    from ..agents import verdicts

    return verdicts.read(project, current)


def _apply(project: Project, inputs: Inputs, on_disk: state.State) -> Step:
    models, due = role_models(project, inputs), _gates_due(project, inputs)
    step = next_step.next_step(inputs._replace(role_models=models, gates_due=due))
    carry_out(step, inputs, Disk(project, on_disk, inputs.now))
    return step
