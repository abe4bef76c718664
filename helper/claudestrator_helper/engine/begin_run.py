"""Who has a run, and how `/orchestrate` begins or continues one."""

from ..errors import ClaudestratorError
from ..texts import ids, queue
from ..texts.named_tuples import NamedTuple
from ..texts.statuses import IN_PROGRESS, PENDING
from . import heartbeat
from .choice import Able, choose, refuse_impossible
from .config import TASK, Config
from .options import NOTHING, Asked, understood
from .state import RUNNING, STOPPED, Agent, Loop, Owner, State, TaskRecord
from .step import Inputs

__all__ = ["NOTHING", "Asked", "understood"]

OURS, TAKEN, FREE = "ours", "taken", "free"


def goes_on_with_loops(state: State) -> bool:
    """Whether there are loops to continue; their work so far is not a person's unfinished work."""
    return state.loop.total > 0 and (state.unfinished or state.status == STOPPED)


class Caller(NamedTuple):
    """Who typed `/orchestrate`: the session's id, its process, whether our hooks have seen it, whether the process that
    has the run *lives*, None where that can't be told, the digest of the key of the *mod* that calls, "" for any other
    caller, what the session is *able* to do, and whether the agents of a new run are to have
    *worktrees*."""

    session: str
    process: str = ""
    hooked: bool = False
    lives: bool | None = None
    mod: str = ""
    able: Able = Able()
    worktrees: bool = False


def wish_of(state: State, config: Config, asked: Asked) -> str:
    """The engine that is asked for: by what was typed, by the run that continues, or by the configuration."""
    goes_on = state.unfinished or state.status == STOPPED
    return asked.engine or (state.wish or state.engine if goes_on else config.engine)


def whose(state: State, caller: Caller, now: int) -> str:
    """Whose the run is, to that caller.

    OURS: the caller's own; TAKEN: another session's that is at work; FREE: no session's, or its session is gone.

    """
    if not state.unfinished:
        return FREE
    if state.owner.process and state.owner.process == caller.process:
        return OURS
    known = bool(state.owner.process and caller.process)
    # While an agent is at work in the foreground, nothing renews the heartbeat.
    lives = caller.lives if known or state.in_foreground else None
    # A session's id outlives its process, as in a container that was started again; where hooks have named both, the
    # two are told apart. A sandbox hides from all others which process calls.
    if lives is None and state.owner.session == caller.session and not (known and state.owner.hooked and caller.hooked):
        return OURS
    if lives is False:
        return FREE
    return TAKEN if lives or heartbeat.fresh(state, now) else FREE


def begin(inputs: Inputs, caller: Caller, run: str, asked: Asked = NOTHING) -> Inputs:
    """The inputs of the first step after `/orchestrate`: the same run where it is unfinished or was stopped, else a
    new one. Tasks in progress whose agent is unknown, or died with its session, are pending again."""
    state = heartbeat.attended(inputs.state, inputs.now)
    agents = _still_at_work(inputs, state, caller, asked)
    tasks = {id_: _released(record, agents.get(id_)) for id_, record in state.tasks.items()}
    owner = Owner(caller.session, caller.process, caller.hooked, state.owner.origin, inputs.now, caller.mod)
    state = state._replace(owner=owner, tasks=tasks, outages=0, halted="")
    begun = _begun(state, inputs.config, run, asked, caller)
    at_work = ", ".join(id_ for id_ in agents if id_ not in inputs.markers.reports)
    if begun.in_foreground and at_work:
        if asked.engine:
            raise ClaudestratorError(f"{at_work} is at work in the background: type this again when that has ended")
        # Nobody has typed the engine now, and an agent at work in the background is waited for by this one.
        begun = begun._replace(engine=TASK)
    orphans = [task.id for task in inputs.queue.tasks if task.status == IN_PROGRESS and task.id not in agents]
    return inputs._replace(state=begun, queue=queue.edited(inputs.queue, dict.fromkeys(orphans, PENDING)))


def _begun(state: State, config: Config, run: str, asked: Asked, caller: Caller) -> State:
    """The state of the run that goes on, or of a new one."""
    loop, wish = state.loop, wish_of(state, config, asked)
    if state.unfinished or state.status == STOPPED:
        loop = loop._replace(total=max(asked.loops or loop.total, loop.number), focus=asked.focus or loop.focus)
        state = state._replace(loop=loop)
    else:
        loop, before = Loop(total=asked.loops, focus=asked.focus), state.record(ids.DECOMPOSITION)
        state = state.fresh(run, loop)._replace(parallel=config.parallel, worktrees=caller.worktrees)
        if before.failed is not None:
            # It may have put some of its tasks into the queue.
            state = state.recorded(ids.DECOMPOSITION, lost=Agent(before.attempts, before.model, 0, 0))
    parallel = asked.parallel or state.parallel
    refuse_impossible(asked.engine, parallel, caller.able)
    engine, background, _ = choose(wish, parallel, caller.able)
    begun = state._replace(status=RUNNING, wish=wish, engine=engine, background=background, parallel=parallel)
    verify = begun.verification.asked or asked.verify or config.verify == "loop"
    gated = begun.gated or bool(config.gate_commands)
    return begun._replace(verification=begun.verification._replace(asked=verify), gated=gated)


def _still_at_work(inputs: Inputs, state: State, caller: Caller, asked: Asked) -> dict[str, Agent]:
    """The agents that are not lost with a session: in its own, one may still be at work; but a SPAWN that it hasn't
    answered is printed again now."""
    # Who types in a session ends what was at work in its foreground.
    same = not asked.takeover and not state.in_foreground and whose(state, caller, inputs.now) == OURS
    overdue = inputs.now - inputs.config.start_timeout
    return {
        id_: agent
        if id_ in inputs.markers.launched
        else agent._replace(spawned=min(agent.spawned, overdue, agent.claimed - 1))
        for id_, agent in state.agents.items()
        if same or id_ in inputs.markers.reports
    }


def _released(record: TaskRecord, agent: Agent | None) -> TaskRecord:
    """The record where *agent* is all that is left at work on it."""
    if agent or not record.agent:
        return record._replace(agent=agent, refused=False)
    return record._replace(agent=None, refused=False, released=record.agent.attempt, lost=record.agent)
