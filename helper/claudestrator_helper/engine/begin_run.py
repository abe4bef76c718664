"""Who has a run, and how `/orchestrate` begins or continues one."""

from dataclasses import replace
from typing import NamedTuple

from ..errors import ClaudestratorError
from ..texts import queue
from ..texts.statuses import IN_PROGRESS, PENDING
from . import heartbeat
from .choice import Able, choose, refuse_impossible
from .config import LEAN
from .options import NOTHING, Asked, understood
from .state import RUNNING, STOPPED, State
from .step import Inputs

__all__ = ["NOTHING", "Asked", "understood"]

OURS, TAKEN, FREE = "ours", "taken", "free"


def goes_on_with_loops(state: State) -> bool:
    """Whether there are loops to continue; their work so far is not a person's unfinished work."""
    return state.loops > 0 and (state.unfinished or state.status == STOPPED)


class Caller(NamedTuple):
    """Who typed `/orchestrate`: the session's id, its process, whether our hooks have seen it, and whether the process
    that has the run *lives*, None where that can't be told, and what the session is *able* to do."""

    session: str
    process: str = ""
    hooked: bool = False
    lives: bool | None = None
    able: Able = Able()


def whose(state: State, caller: Caller, now: int) -> str:
    """Whose the run is, to that caller.

    OURS: the caller's own; TAKEN: another session's that is at work; FREE: no session's, or its session is gone.

    """
    if not state.unfinished:
        return FREE
    if state.process and state.process == caller.process:
        return OURS
    known = bool(state.process and caller.process)
    # While an agent is at work in the foreground, nothing renews the heartbeat.
    lives = caller.lives if known or state.in_foreground else None
    # A session's id outlives its process, as in a container that was started again; where hooks have named both, the
    # two are told apart. A sandbox hides from all others which process calls.
    if lives is None and state.session == caller.session and not (known and state.hooked and caller.hooked):
        return OURS
    if lives is False:
        return FREE
    return TAKEN if lives or heartbeat.fresh(state, now) else FREE


def begin(inputs: Inputs, caller: Caller, run: str, asked: Asked = NOTHING) -> Inputs:
    """The inputs of the first step after `/orchestrate`: the same run where it is unfinished or was stopped, else a
    new one. Tasks in progress whose agent is unknown, or died with its session, are pending again."""
    session, process, hooked, _, able = caller
    state, now = heartbeat.attended(inputs.state, inputs.now), inputs.now
    # Who types in a session ends what was at work in its foreground.
    same = not asked.takeover and not state.in_foreground and whose(state, caller, now) == OURS
    agents = state.agents if same else {id_: a for id_, a in state.agents.items() if id_ in inputs.markers.reports}
    # In its own session an agent may still be at work; but a SPAWN that it hasn't answered is printed again now.
    overdue = now - inputs.config.start_timeout
    agents = {
        id_: agent
        if id_ in inputs.markers.launched
        else replace(agent, spawned=min(agent.spawned, overdue, agent.claimed - 1))
        for id_, agent in agents.items()
    }
    released = {id_: agent.attempt for id_, agent in state.agents.items() if id_ not in agents}
    lost = {id_: agent for id_, agent in state.agents.items() if id_ in released and agent.failures}
    begun = replace(
        state,
        lost={**state.lost, **lost},
        status=RUNNING,
        session=session,
        process=process,
        hooked=hooked,
        heartbeat=now,
        agents=agents,
        outages=0,
        refused=[],
        released={**state.released, **released},
    )
    if state.unfinished or state.status == STOPPED:
        begun = replace(begun, loops=max(asked.loops or state.loops, state.loop), focus=asked.focus or state.focus)
        wish, parallel = state.wish or state.engine, state.parallel
    else:
        begun = replace(
            begun,
            run=run,
            failed={},
            lost={},
            streak=[],
            loops=asked.loops,
            loop=0,
            phase="",
            focus=asked.focus,
            ran=[],
            commit="",
            completed={},
            earlier={**state.earlier, **state.completed},
            unchanged=[],
            verify=False,
            returned={},
            unverified={},
        )
        wish, parallel = inputs.config.engine, inputs.config.parallel
    wish, parallel = asked.engine or wish, asked.parallel or parallel
    refuse_impossible(asked.engine, parallel, able)
    engine, background, _ = choose(wish, parallel, able)
    begun = replace(begun, wish=wish, engine=engine, background=background, parallel=parallel)
    at_work = ", ".join(id_ for id_ in agents if id_ not in inputs.markers.reports)
    if begun.in_foreground and at_work:
        raise ClaudestratorError(f"{at_work} is at work in the background: type this again when that has ended")
    if asked.verify or inputs.config.verify == "loop":
        begun = replace(begun, verify=True)
    orphans = [task.id for task in inputs.queue.tasks if task.status == IN_PROGRESS and task.id not in agents]
    return inputs._replace(state=begun, queue=queue.edited(inputs.queue, dict.fromkeys(orphans, PENDING)))
