"""Who has a run, and how `/orchestrate` begins or goes on with one."""

import re
from dataclasses import replace

from . import heartbeat, loop, queue
from .errors import ClaudestratorError
from .state import RUNNING, STOPPED, State
from .statuses import IN_PROGRESS, PENDING

#: Loops of one run at most.
MOST_LOOPS = 1000
_USAGE = f"type /orchestrate to build what PRD.md asks for, or /orchestrate N [focus] for N loops, 1 to {MOST_LOOPS:,}"


def understood(words: list[str]) -> tuple[int, str]:
    """The number of loops (0 for none) and the focus that were typed after `/orchestrate`.

    Raises ClaudestratorError for words that mean nothing.

    """
    if not words:
        return 0, ""
    number, focus = words[0], " ".join(words[1:])
    if not re.fullmatch(r"[+-]?\d+", number):
        raise ClaudestratorError(f"{' '.join(words)[:60]!r} means nothing here: {_USAGE}")
    if len(number) > 6 or not 1 <= int(number) <= MOST_LOOPS:
        raise ClaudestratorError(f"{number[:20]} loops can't be: {_USAGE}")
    if re.fullmatch(r"[+-]?\d+", focus):
        raise ClaudestratorError(f"{number} or {focus[:20]} loops? {_USAGE}")
    return int(number), focus


def goes_on_with_loops(state: State) -> bool:
    """Whether there are loops to go on with, whose work so far is not somebody's unfinished work."""
    return state.loops > 0 and (state.unfinished or state.status == STOPPED)


def begin(inputs: loop.Inputs, session: str, run: str, loops: int = 0, focus: str = "") -> loop.Inputs:
    """The inputs of the first step after `/orchestrate`: the same run where it is this session's, an orphan of
    another's, or was stopped, else a new one. Tasks in progress whose agent is unknown, or died with its session, are
    pending again."""
    state, now = heartbeat.attended(inputs.state, inputs.now), inputs.now
    same = state.unfinished and state.session == session
    agents = state.agents if same else {id_: a for id_, a in state.agents.items() if id_ in inputs.markers.reports}
    # In its own session an agent may still be at work; but a SPAWN that it hasn't answered is printed again now.
    overdue = now - inputs.config.start_timeout
    agents = {id_: replace(agent, spawned=min(agent.spawned, overdue)) for id_, agent in agents.items()}
    released = {id_: agent.attempt for id_, agent in state.agents.items() if id_ not in agents}
    begun = replace(
        state,
        status=RUNNING,
        session=session,
        heartbeat=now,
        agents=agents,
        released={**state.released, **released},
    )
    if state.unfinished or state.status == STOPPED:
        begun = replace(begun, loops=max(loops or state.loops, state.loop), focus=focus or state.focus)
    else:
        begun = replace(
            begun, run=run, failed={}, streak=[], loops=loops, loop=0, phase="", focus=focus, ran=[], commit=""
        )
    orphans = [task.id for task in inputs.queue.tasks if task.status == IN_PROGRESS and task.id not in agents]
    return inputs._replace(state=begun, queue=queue.edited(inputs.queue, dict.fromkeys(orphans, PENDING)))
