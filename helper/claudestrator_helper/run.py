"""The run on disk: one step at a time, taken under the project's lock."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace

from . import config, files, heartbeat, ids, improve, issues, loop, markers, prd, queue, resume, state, wait
from .errors import ClaudestratorError
from .paths import Project
from .statuses import FAILED


def start(project: Project, session: str, words: list[str], now: Callable[[], float] = time.time) -> list[str]:
    """Begins or resumes a run from the words after `/orchestrate`; the lines to print, directives last.

    Raises ClaudestratorError for words that mean nothing, and where another session has the run.

    """
    loops, focus = resume.understood(words)
    if loops and not resume.goes_on_with_loops(state.read(project)):
        from . import closing

        closing.begin(project)
    with files.locked(project.lock):
        inputs = read(project, int(now()))
        if heartbeat.owned(inputs.state, session, inputs.now):
            ago = max(0, inputs.now - inputs.state.heartbeat)
            raise ClaudestratorError(
                f"another session is at work on this queue (heard of {ago} s ago): go on there, or end it and type "
                f"/orchestrate again in a minute"
            )
        begun = resume.begin(inputs, session, f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}", loops, focus)
        if begun.queue is not inputs.queue:
            files.write(project.queue, begun.queue.text)
        step = _apply(project, begun, inputs.state)
    return step.lines + (step.directives or ["WAIT"])


def plan(project: Project, words: list[str]) -> list[str]:
    """What `start` would run, in order, if every task succeeded; nothing is changed."""
    loops, focus = resume.understood(words)
    inputs = resume.begin(read(project, int(time.time())), "", "plan", 0, focus)
    lines: list[str] = []
    while True:
        step = loop.next_step(inputs)
        spawned = [line.removeprefix("SPAWN ") for line in step.directives if line.startswith("SPAWN ")]
        if ids.DECOMPOSITION in step.state.agents:
            lines += [*spawned, "then the tasks that the decomposition finds"]
        if ids.DECOMPOSITION in step.state.agents or not spawned:
            return [*lines, *_planned_loops(inputs, loops), "STOP Dry run: nothing was changed."]
        lines += spawned
        reports = {id_: markers.Marker(markers.DONE, agent.attempt) for id_, agent in step.state.agents.items()}
        parsed = queue.edited(queue.edited(inputs.queue, step.settled), step.claimed)
        inputs = inputs._replace(state=step.state, queue=parsed, markers=markers.Markers(reports, {}))


def _planned_loops(inputs: loop.Inputs, loops: int) -> list[str]:
    config, model = inputs.config, inputs.model
    phases = [
        f"research {model(improve.RESEARCH)}",
        f"decomp {model(improve.DECOMP)}",
        f"up to {config.tasks_per_loop} tasks",
        "commit" if config.commit == "loop" else "no commit",
        f"memory {model(improve.MEMORY)}" if config.memory else "no memory",
    ]
    return [f"loop {number} of {loops}: {', '.join(phases)}" for number in range(1, loops + 1)]


def wait_for_step(
    project: Project,
    session: str = "",
    limit: float = 0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> list[str]:
    """Blocks until the run has a step to take, at most *limit* seconds, and takes it; the lines to print.

    Raises ClaudestratorError where the files can't be read or written, *session* isn't the run's, or the session that
    called has died: a heartbeat without a session would keep others out.

    """
    deadline, family, turn = clock() + limit, wait.parents(), _take_turn(project)
    seen: list[str] = []
    while True:
        if wait.parents() != family:
            raise ClaudestratorError("the session that waited here is gone: `/orchestrate` in a new one goes on")
        looked, step = _look(project, session, turn, int(now()))
        if step is None:
            return [*seen, "another wait has taken over", "WAIT"]
        seen += step.lines
        if step.directives:
            return seen + step.directives
        if step.close:
            seen += _close(project)
            continue
        left = deadline - clock()
        paths = _watched(project, step.state)
        if left <= 0:
            return [*seen, _waiting(step.state, int(now())), "WAIT"]
        wait.wait_until(lambda: wait.fingerprint(paths) != looked, min(left, heartbeat.HEARTBEAT), sleep, clock)  # noqa: B023


def _close(project: Project) -> list[str]:
    # git runs in processes of its own, and importing what starts them takes longer than most steps.
    from . import closing

    return closing.close(project, config.read(project))


def _take_turn(project: Project) -> str:
    """Makes the caller the one wait that takes steps. An earlier one may have been moved to the background, where
    nobody reads the directives that it would print."""
    turn = os.urandom(8).hex()
    if os.path.exists(project.session):
        with files.locked(project.lock):
            files.write(_turn(project), turn, within=project.state)
    return turn


def _turn(project: Project) -> str:
    return os.path.join(project.markers, ".wait")


def _look(project: Project, session: str, turn: str, now: int) -> tuple[wait.Print, loop.Step | None]:
    """A step, and how the files were before it looked at them: what changes after that is for the next.

    No step for a wait whose turn has passed.

    """
    with files.locked(project.lock):
        looked = wait.fingerprint(_watched(project, state.read(project)))
        inputs = read(project, now)
        if session and inputs.state.unfinished and inputs.state.session != session:
            raise ClaudestratorError("another session has taken over this run: go on there")
        if (files.read(_turn(project), within=project.state) or turn) != turn:
            return looked, None
        return looked, _apply(project, inputs, inputs.state)


def _watched(project: Project, current: state.State) -> list[str]:
    kinds = (markers.DONE, markers.FAILED)
    reports = [markers.path(project, id_, kind) for id_ in current.agents for kind in kinds]
    return [project.session, project.queue, _turn(project), *reports]


def _waiting(current: state.State, now: int) -> str:
    names = [f"{id_} ({max(0, now - agent.claimed) // 60} min)" for id_, agent in current.agents.items()]
    return f"still waiting for {', '.join(names)}"


def stop(project: Project) -> str:
    """Asks the run to end at its next step; what to tell the person."""
    with files.locked(project.lock):
        current = state.read(project)
        if not current.unfinished:
            return "Nothing is running here."
        state.write(project, replace(current, status=state.STOPPING))
    names = ", ".join(current.agents)
    return f"The run will stop once {names} has reported." if names else "The run will stop at its next step."


def read(project: Project, now: int) -> loop.Inputs:
    """All that a step looks at.

    Raises ClaudestratorError for a file that can't be read.

    """
    current = state.read(project)
    settings = config.read(project)
    parsed = queue.parse(files.read(project.queue) or "", settings.models)
    late = [task.id for task in parsed.tasks if task.status == FAILED or task.id in current.released]
    attempts = {id_: current.attempts.get(id_, 0) for id_ in [*current.agents, *late]}
    found = markers.read(project, attempts)
    filed = queue.parse(files.read(project.issues) or "")

    def model(role: str) -> str:
        from . import roles

        return roles.model(project, role, settings)

    return loop.Inputs(current, parsed, found, prd.why_not(project), now, settings, filed, model)


def _apply(project: Project, inputs: loop.Inputs, on_disk: state.State) -> loop.Step:
    """Takes a step and writes it, in an order in which a kill between any two writes loses and repeats nothing.

    A settled status goes first, because its marker is still there and the agent still in the state: the next step
    settles it again, to the same end. A claim's status goes last, because the agent in the state restores it.
    """
    step = loop.next_step(inputs)
    for id_ in step.fresh:
        markers.clear(project, id_)
    parsed = _edit(project, inputs.queue, step.settled)
    if step.state != on_disk:
        state.write(project, step.state)
    parsed = _edit(project, parsed, step.claimed)
    _follow(project, inputs, parsed)
    for id_ in step.retried:
        markers.clear(project, id_)
    _log(project, step, inputs.now)
    return step


def _follow(project: Project, inputs: loop.Inputs, parsed: queue.Queue) -> None:
    """Brings the issues up to what the tasks that name them have become."""
    followed = issues.follow(inputs.issues, parsed)
    if followed != inputs.issues.text:
        files.write(project.issues, followed)


def _edit(project: Project, parsed: queue.Queue, changes: dict[str, str]) -> queue.Queue:
    edited = queue.edited(parsed, changes)
    if edited is not parsed:
        files.write(project.queue, edited.text)
    return edited


def _log(project: Project, step: loop.Step, now: int) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    for event in step.events:
        entry = {"time": at, "run": step.state.run, "loop": step.state.loop, **event}
        files.append_line(project.log, json.dumps(entry, ensure_ascii=False), within=project.state)
