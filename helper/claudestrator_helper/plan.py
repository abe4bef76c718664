"""What a run would do, for `start --dry-run`."""

import time

from . import fields, ids, improve, loop, markers, queue, resume, run
from .paths import Project
from .step import Inputs

#: Characters of queues that are gone through for a plan, once for each of its lines.
_MOST = 2_000_000


def plan(project: Project, words: list[str]) -> list[str]:
    """What `start` would run, in order, if every task succeeded; nothing is changed."""
    asked = resume.understood(words)
    inputs = resume.begin(run.read(project, int(time.time())), resume.Caller(""), "plan", asked._replace(loops=0))
    lines: list[str] = []
    left = _MOST
    while left > 0:
        left -= len(inputs.queue.text)
        step = loop.next_step(inputs)
        spawned = [line.partition(" ")[2] for line in step.directives if not line.startswith("STOP ")]
        spawned = [", ".join(spawned)] if spawned else []
        if ids.DECOMPOSITION in step.state.agents:
            lines += [*spawned, "then the tasks that the decomposition finds", *_planned_verification(inputs)]
        if ids.DECOMPOSITION in step.state.agents or not spawned:
            return [*lines, *_planned_loops(inputs, asked.loops), "STOP Dry run: nothing was changed."]
        lines += spawned
        reports = {id_: markers.Marker(markers.DONE, agent.attempt) for id_, agent in step.state.agents.items()}
        parsed = queue.edited(queue.edited(inputs.queue, step.settled), step.claimed)
        passed = dict.fromkeys(step.state.verifying, "")
        found = markers.Markers(reports, {})
        inputs = inputs._replace(state=step.state, queue=parsed, markers=found, verdicts=passed)
    return [*lines, "… and more", *_planned_loops(inputs, asked.loops), "STOP Dry run: nothing was changed."]


def _planned_verification(inputs: Inputs) -> list[str]:
    return [f"verify {inputs.model('verify')}"] if inputs.state.verify else []


def _planned_loops(inputs: Inputs, loops: int) -> list[str]:
    config, model = inputs.config, inputs.model
    phases = [
        f"research {model(improve.RESEARCH)}",
        f"decomp {model(improve.DECOMP)}",
        f"up to {config.tasks_per_loop} tasks",
        *_planned_verification(inputs),
        "commit" if config.commit == "loop" else "no commit",
        f"memory {model(improve.MEMORY)}" if config.memory else "no memory",
    ]
    return fields.few([f"loop {number} of {loops}: {', '.join(phases)}" for number in range(1, loops + 1)])
