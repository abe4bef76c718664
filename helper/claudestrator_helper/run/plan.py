"""What a run would do, for `start --dry-run`."""

import time
from heapq import heappop, heappush

from ..engine import begin_run, choice, loop_phases, markers, next_step, sentences, simulation, verification
from ..engine.config import BY_TASK
from ..engine.state import Loop
from ..engine.step import Inputs
from ..store.paths import Project
from ..texts import fields, ids, queue, queue_problems, schedule
from ..texts.directives import DRY_RUN, STOP, Reply
from ..texts.statuses import PENDING
from . import gates, slow_work, steps, tree_setup

#: How many tasks and loops are shown: with all that may be said besides, a plan has at most 40 lines.
_SHOWN, _LOOPS = 24, 5
#: How many characters of queues a plan reads: each of its lines reads the whole queue.
_MOST = 2_000_000


def plan(project: Project, words: list[str]) -> Reply:
    """What `start` would run, in order, if every task succeeded, with a STOP directive. Changes nothing.

    Raises ClaudestratorError for words that mean nothing, if files can't be read, and if `start` would refuse the gate.

    """
    asked = begin_run.understood(words)
    inputs = begin_run.begin(
        # What runs, and in which order, is the same with each engine.
        steps.read(project, int(time.time())),
        begin_run.Caller("", able=choice.Able(mod=True, background=True, name=True)),
        "plan",
        asked._replace(loops=0),
    )
    looping = inputs._replace(state=inputs.state._replace(loop=Loop(total=asked.loops)))
    inputs = inputs._replace(role_models=steps.role_models(project, looping))
    proofs = _planned_proofs(project, inputs, asked)
    held = sentences.held(inputs.queue, queue_problems.unreadable(inputs.queue))
    inputs, more = _shortened(inputs)
    more += [f"will not run: {held}"] if held else []
    lines: list[str] = []
    left = _MOST
    while left > 0:
        left -= len(inputs.queue.text)
        step = next_step.next_step(inputs)
        spawned = [f"{each.id} {each.model}" for each in step.directives if each.id]
        spawned = [", ".join(spawned)] if spawned else []
        if ids.DECOMPOSITION in step.state.agents:
            lines += [*spawned, "then the tasks that the decomposition finds", *_planned_verification(inputs)]
        if not (lines or spawned or held or asked.loops):
            lines = [each.sentence for each in slow_work.begun(step, inputs.queue) if each.kind == STOP]
        if ids.DECOMPOSITION in step.state.agents or not spawned:
            return Reply([*lines, *more, *_planned_loops(inputs, asked.loops), *proofs], [DRY_RUN])
        lines += spawned
        reports = {id_: markers.Marker(markers.DONE, agent.attempt) for id_, agent in step.state.agents.items()}
        passed = dict.fromkeys(step.state.verification.checking, "")
        inputs = simulation.after(inputs, step)._replace(markers=markers.Markers(reports, {}), verdicts=passed)
    return Reply([*lines, *(more or ["… and more"]), *_planned_loops(inputs, asked.loops), *proofs], [DRY_RUN])


def _planned_proofs(project: Project, inputs: Inputs, asked: begin_run.Asked) -> list[str]:
    """What each task has to pass, and where it is made and committed. Raises ClaudestratorError as `start` does if a
    gate is no longer what was allowed."""
    gates.refuse_changed(project, inputs.config, inputs.queue)
    commands = [f"`{fields.cut(each, 80)}`" for each in gates.for_all(project, inputs.config)]
    lines = [f"before each task is done: {fields.named(commands, len(commands))}"] if commands else []
    lines += gates.note(project, inputs.config, inputs.queue)
    apart, why = slow_work.worktrees(project, asked)
    if apart:
        setup = [f"`{fields.cut(each, 80)}`" for each in tree_setup.allowed(project, inputs.config)]
        said = f", which {fields.named(setup, len(setup))} sets up" if setup else ""
        lines.append(f"each task's agent has a worktree{said}")
    if apart or inputs.config.commit == BY_TASK:
        lines.append("each task is a commit on a branch of the run, claudestrator/<run>")
    return lines + why


def _shortened(inputs: Inputs) -> tuple[Inputs, list[str]]:
    """The inputs cut to the first tasks that would run and their dependencies, and a line about the rest: each step
    reads the whole queue, and every line enters a conversation."""
    parsed = inputs.queue
    order = _order(parsed)
    if len(order) <= _SHOWN:
        return inputs, []
    kept = {id_ for task in order[:_SHOWN] for id_ in (task.id, *task.dependencies)} | set(inputs.state.agents)
    sections = [parsed.text[task.block.start : task.block.end] for task in parsed.tasks if task.id in kept]
    short = queue.parse("".join(sections), parsed.models)
    return inputs._replace(queue=short), [f"and {len(order) - _SHOWN} more tasks"]


def _order(parsed: queue.Queue) -> list[queue.Task]:
    """The pending tasks that can run, now or after others, in the order in which they would."""
    held = {id_ for id_, cause in schedule.causes(parsed).items() if cause.kind != schedule.WAITING}
    places = {task.id: at for at, task in enumerate(parsed.tasks) if task.status == PENDING and task.id not in held}
    left = {id_: {need for need in parsed.tasks[at].dependencies if need in places} for id_, at in places.items()}
    needed_by: dict[str, list[str]] = {}
    for id_, needs in left.items():
        for need in needs:
            needed_by.setdefault(need, []).append(id_)
    ready, order = [at for id_, at in places.items() if not left[id_]], list[queue.Task]()
    while ready:
        order.append(parsed.tasks[heappop(ready)])
        for id_ in needed_by.get(order[-1].id, ()):
            left[id_].discard(order[-1].id)
            if not left[id_]:
                heappush(ready, places[id_])
    return order


def _planned_verification(inputs: Inputs) -> list[str]:
    return [f"verify {inputs.role_models[verification.VERIFY]}"] if inputs.state.verification.asked else []


def _planned_loops(inputs: Inputs, loops: int) -> list[str]:
    config, models = inputs.config, inputs.role_models
    if not loops:
        return []
    phases = [
        f"research {models[loop_phases.RESEARCH]}",
        f"decomp {models[loop_phases.DECOMP]}",
        f"up to {config.tasks_per_loop} tasks",
        *_planned_verification(inputs),
        "commit" if config.commit != "none" else "no commit",
        f"memory {models[loop_phases.MEMORY]}" if config.memory else "no memory",
    ]
    lines = [f"loop {number} of {loops}: {', '.join(phases)}" for number in range(1, min(loops, _LOOPS) + 1)]
    return [*lines, f"and {loops - _LOOPS} more loops like these"] if loops > _LOOPS else lines
