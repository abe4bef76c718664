"""The phases of one improvement loop: research, decomposition of issues, tasks, commit, memory.

The state names the phase that is under way, so a run that died in a phase continues there.
"""

from ..texts import ids, issues
from ..texts.fields import cut
from ..texts.queue import Task
from ..texts.statuses import PENDING
from . import sentences, verification
from .state import FINISHED, State
from .step_builder import StepBuilder

RESEARCH, DECOMP, TASKS, COMMIT, MEMORY = "research", "decomp", "tasks", "commit", "memory"
_NEXT = {RESEARCH: DECOMP, DECOMP: TASKS, MEMORY: ""}


def dispatch(run: StepBuilder) -> None:
    """Takes the loop as far as an agent to spawn, a gate to run, a commit to make, or the end."""
    phases = {"": _begin, RESEARCH: _research, DECOMP: _decomp, TASKS: _tasks, COMMIT: _commit, MEMORY: _memory}
    while not (run.out.directives or run.out.close or run.out.gate or run.out.trees):
        phases.get(run.state.phase, _begin)(run)


def advance(run: StepBuilder) -> None:
    """Enters the phase after each whose agent has ended in this step, however it ended."""
    for id_ in run.ended:
        role = id_.split("-", maxsplit=1)[0]
        if role == verification.VERIFY:
            verification.over(run, id_)
        if role in _NEXT and id_ == f"{role}-{run.state.loop.number}" and run.state.phase == role:
            run.enter(_NEXT[role])


def committed(state: State, commit: str) -> State:
    """*state* after the loop's commit, "" if there was none: the memory phase is next."""
    return state._replace(phase=MEMORY, loop=state.loop._replace(commit=commit))


def why_not_done(run: StepBuilder, id_: str) -> str:
    """Why a role's report can't be taken for one; "" where it can."""
    if ids.role(id_) == verification.VERIFY:
        return verification.why_not_done(run)
    if not id_.startswith(DECOMP) or run.ready() or not issues.open_issues(run.inputs.issues):
        return ""
    return "it reported done but the queue has no task that can run"


def _begin(run: StepBuilder) -> None:
    loop = run.state.loop
    if loop.number >= loop.total:
        return run.finish(FINISHED, sentences.loops(run.state, run.current(), run.inputs.issues))
    run.state = run.state._replace(loop=loop._replace(number=loop.number + 1, ran=[], begun=run.now))
    run.enter(RESEARCH)
    run.out.lines.append(f"loop {loop.number + 1} of {loop.total}")
    return None


def _research(run: StepBuilder) -> None:
    run.claim_role(f"{RESEARCH}-{run.state.loop.number}")


def _decomp(run: StepBuilder) -> None:
    if issues.open_issues(run.inputs.issues):
        run.claim_role(f"{DECOMP}-{run.state.loop.number}")
    elif run.ready():
        run.enter(TASKS)
    else:
        why = run.state.record(f"{RESEARCH}-{run.state.loop.number}").failed
        found = f"research failed ({cut(why)})" if why else "research filed nothing new"
        done = run.state.loop._replace(number=run.state.loop.number - 1)
        what = "nothing that is pending can run" if PENDING in run.statuses.values() else "nothing is pending"
        sentence = f"The run has ended in loop {run.state.loop.number} of {done.total}: {found} and {what}. "
        before = run.state._replace(loop=done)
        run.finish(FINISHED, sentence + sentences.loops(before, run.current(), run.inputs.issues))


def _tasks(run: StepBuilder) -> None:
    if not (take_task(run) or verification.begin(run)):
        run.enter(COMMIT)


def take_task(run: StepBuilder) -> bool:
    """Claims the next task that can run now, or asks for its worktree; whether there is one."""
    task = _next_task(run) if run.improving() else run.ready()
    if task and not run.lacks_tree(task.id):
        _count(run, task)
        model, why = verification.again(run.state, task) or (task.model, "")
        run.claim(task.id, model, why)
    return task is not None


def _next_task(run: StepBuilder) -> Task | None:
    """The next task of the loop."""
    # What verification returned runs before the commit, and is not counted again.
    loop = run.state.loop
    returned = [id_ for id_, record in run.state.tasks.items() if record.returned is not None]
    counted = {*loop.ran, *run.out.trees}
    return run.ready(returned) or (None if len(counted) >= run.config.tasks_per_loop else run.ready())


def _count(run: StepBuilder, task: Task) -> None:
    """Counts the task as one of the loop that is under way, if there is one."""
    if run.improving():
        loop = run.state.loop
        run.state = run.state._replace(loop=loop._replace(ran=list(dict.fromkeys([*loop.ran, task.id]))))


def _commit(run: StepBuilder) -> None:
    run.out.close = True


def _memory(run: StepBuilder) -> None:
    if run.config.memory and run.state.loop.ran:
        run.claim_role(f"{MEMORY}-{run.state.loop.number}")
    else:
        run.enter("")
