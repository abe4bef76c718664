"""The run as a state machine: state, queue, markers and clock in; new state, edits and directives out.

Nothing here touches the disk. run/steps.py applies a Step, and gives the reasons for the order.
"""

from ..texts import directives, ids, queue_problems, schedule
from ..texts.fields import cut
from ..texts.queue import Queue
from . import loop_phases, outage, sentences, settle_reports, verification
from .config import BY_TASK, MOST_PARALLEL
from .gates import BASELINE
from .state import FINISHED, PAUSED, RUNNING, STOPPED, STOPPING, State
from .step import Inputs, Step
from .step_builder import StepBuilder

#: How many tasks in a row have to fail for the same reason to end the run.
SAME_FAILURES = 3


def next_step(inputs: Inputs) -> Step:
    """Settles every report that has come, and takes the run's next step, if there is one to take.

    A step with neither directives nor a loop to close, a commit to make or a gate to run means: an agent is at work,
    wait on.

    """
    run = StepBuilder(inputs)
    settle_reports.settle_all(run)
    loop_phases.advance(run)
    run.out.commits = _to_commit(run)
    if run.out.commits and not run.out.directives:
        # Before the next agent changes the working tree.
        run.out.state = run.state.after(run.out.lines)
        return run.out
    if not run.out.directives and not run.state.agents:
        _dispatch(run)
    while _may_add(run) and loop_phases.take_task(run):
        pass
    run.out.state = run.state.after(run.out.lines)
    return run.out


def roles(inputs: Inputs) -> list[str]:
    """The roles, other than a task's, that a step may spawn an agent for."""
    state = inputs.state
    begun = ids.DECOMPOSITION in (*state.agents, *state.failed) or _is_cut_off(state, inputs)
    found = [ids.DECOMPOSITION] if begun or not inputs.queue.tasks else []
    found += [verification.VERIFY] if state.verification.asked else []
    found += [loop_phases.RESEARCH, loop_phases.DECOMP] if state.loop.total else []
    found += [loop_phases.MEMORY] if state.loop.total and inputs.config.memory else []
    return found if state.unfinished else []


def _to_commit(run: StepBuilder) -> list[str]:
    """The tasks that were completed and are to have a commit each."""
    if not (run.config.commit == BY_TASK or run.state.worktrees) or not run.state.unfinished or run.state.halted:
        return []
    return [id_ for id_ in run.state.completed if run.state.record(id_).committed is None and id_ in run.statuses]


def _dispatch(run: StepBuilder) -> None:
    if not run.state.unfinished:
        _nothing_runs(run)
    elif run.state.halted:
        run.finish(STOPPED, sentences.not_committed(run.counted(), run.state))
    elif _is_complete(run):
        _end(run)
    elif run.state.status == STOPPING and _may_go_on(run):
        said = f"The run has stopped, as asked: {run.counted()}. `/orchestrate` continues it."
        run.finish(STOPPED, said + sentences.commits(run.state))
    elif run.state.status == STOPPING:
        _end(run)
    elif run.state.status == PAUSED:
        return
    elif outage.is_over(run.state):
        outage.stop(run)
    elif run.inputs.setup_problem:
        run.finish(STOPPED, sentences.not_set_up(run.inputs.setup_problem, run.counted(), run.state))
    elif len(run.state.streak) >= SAME_FAILURES:
        run.finish(FINISHED, sentences.streak(run.state, run.counted()))
    else:
        _go_on(run)


def _go_on(run: StepBuilder) -> None:
    if BASELINE in run.inputs.gates_due:
        if not run.lacks_tree():
            run.out.gate = BASELINE
    elif ids.DECOMPOSITION in run.state.failed or _is_undecomposed(run):
        _decompose(run)
    elif run.improving():
        loop_phases.dispatch(run)
    elif not (loop_phases.take_task(run) or verification.begin(run)):
        _end(run)


def _is_complete(run: StepBuilder) -> bool:
    """Whether nothing is left that the run could do, whatever else would end it."""
    state = run.state
    unverified = state.verification.asked and verification.due(run)
    rest = state.loop.total or unverified or ids.DECOMPOSITION in state.failed or _is_cut_off(state, run.inputs)
    return not rest and _is_all_completed(run.current())


def _may_go_on(run: StepBuilder) -> bool:
    """Whether anything would be begun if the run were to go on."""
    left = run.state.loop.total or (run.state.verification.asked and verification.due(run))
    undone = ids.DECOMPOSITION in run.state.failed or _is_undecomposed(run)
    return bool(left) or undone or schedule.select(run.current()).reason in (schedule.READY, schedule.WAITING)


def _is_all_completed(parsed: Queue) -> bool:
    # Only now it matters whether there are sections that can't be read.
    found = schedule.select(parsed).reason == schedule.COMPLETE
    return found and not queue_problems.unreadable(parsed)


def _may_add(run: StepBuilder) -> bool:
    """Whether a task may be begun beside those at work."""
    state = run.state
    halted = state.status != RUNNING or outage.is_over(state) or len(state.streak) >= SAME_FAILURES
    halted = halted or bool(run.inputs.setup_problem or state.halted)
    begun = len(state.agents) + len(run.out.trees)
    return 0 < begun < min(state.parallel, MOST_PARALLEL) and not halted and _only_tasks(run)


def _only_tasks(run: StepBuilder) -> bool:
    return all(id_ in run.statuses for id_ in (*run.state.agents, *run.out.trees))


def _is_undecomposed(run: StepBuilder) -> bool:
    is_empty = not (run.queue.tasks or queue_problems.unreadable(run.queue))
    return not run.improving() and (is_empty or _is_cut_off(run.state, run.inputs))


def _is_cut_off(state: State, inputs: Inputs) -> bool:
    """Whether the agent that decomposes PRD.md was lost, perhaps with only a part of the tasks in the queue."""
    return state.record(ids.DECOMPOSITION).lost is not None and not inputs.prd_problem


def _nothing_runs(run: StepBuilder) -> None:
    parsed = run.current()
    told = sentences.idle(parsed, run.state, queue_problems.unreadable(parsed))
    run.out.directives.append(directives.stop(told))


def _decompose(run: StepBuilder) -> None:
    reason = run.state.record(ids.DECOMPOSITION).failed
    if reason:
        why = f"The decomposition of PRD.md failed: {cut(reason)}."
        run.finish(FINISHED, f"{why} Fix that, or PRD.md, and type `/orchestrate` again.")
    elif run.inputs.prd_problem:
        run.finish(FINISHED, run.inputs.prd_problem)
    else:
        run.claim_role(ids.DECOMPOSITION)


def _end(run: StepBuilder) -> None:
    parsed = run.current()
    complete = _is_all_completed(parsed)
    if complete:
        run.state = run.state._replace(initial_prd_tasks_complete=True)
    if complete and run.state.loop.total:
        run.enter("")
        loop_phases.dispatch(run)
    else:
        run.finish(FINISHED, sentences.ending(parsed, run.state, queue_problems.unreadable(parsed)))
