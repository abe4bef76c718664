"""Who has a run, and how `/orchestrate` begins or goes on with one."""

from dataclasses import replace

from . import loop, queue
from .state import RUNNING, State
from .statuses import IN_PROGRESS, PENDING


def owned(state: State, session: str, now: int) -> bool:
    """Whether another session has the run, and was heard of within the last minute."""
    return state.unfinished and state.session != session and -loop.ABSENCE <= now - state.heartbeat < loop.ABSENCE


def begin(inputs: loop.Inputs, session: str, run: str) -> loop.Inputs:
    """The inputs of the first step after `/orchestrate`: the same run where it is this session's or an orphan of
    another's, else a new one. Tasks in progress whose agent is unknown, or died with its session, are pending again."""
    state, now = loop.attended(inputs.state, inputs.now), inputs.now
    same = state.unfinished and state.session == session
    agents = state.agents if same else {id_: a for id_, a in state.agents.items() if id_ in inputs.markers.reports}
    # In its own session an agent may still be at work; but a SPAWN that it hasn't answered is printed again now.
    agents = {
        id_: replace(agent, spawned=min(agent.spawned, now - loop.START_TIMEOUT)) for id_, agent in agents.items()
    }
    released = {id_: agent.attempt for id_, agent in state.agents.items() if id_ not in agents}
    begun = replace(
        state,
        status=RUNNING,
        session=session,
        heartbeat=now,
        agents=agents,
        released={**state.released, **released},
    )
    if not state.unfinished:
        begun = replace(begun, run=run, failed={}, streak=[])
    orphans = [task.id for task in inputs.queue.tasks if task.status == IN_PROGRESS and task.id not in agents]
    return inputs._replace(state=begun, queue=queue.edited(inputs.queue, dict.fromkeys(orphans, PENDING)))
