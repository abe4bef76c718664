"""The heartbeat of a run's session: who has the run, and which time counts against its agents."""

from .state import State

#: Seconds without a `wait` after which the time isn't counted against agents: the machine slept, or no one was there.
ABSENCE = 60
#: Seconds between two renewals of the heartbeat.
HEARTBEAT = 15


def attended(state: State, now: int) -> State:
    """*state* with a fresh heartbeat, where one is due; time without a `wait` isn't counted against agents."""
    gap = now - state.owner.heartbeat
    if 0 <= gap < HEARTBEAT:
        return state
    shift = gap if gap < 0 or gap > ABSENCE else 0
    for id_, agent in state.agents.items() if shift else ():
        later = agent._replace(claimed=agent.claimed + shift, spawned=agent.spawned + shift)
        state = state.recorded(id_, agent=later)
    return state._replace(owner=state.owner._replace(heartbeat=now))


def fresh(state: State, now: int) -> bool:
    """Whether the run was heard of within the last minute."""
    return -ABSENCE <= now - state.owner.heartbeat < ABSENCE
