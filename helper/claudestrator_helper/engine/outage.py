"""Agents that the API has ended, through no fault of their tasks: a limit that is reached, a server that is down.

Such an attempt is no failure of the task. It is made again, and where that doesn't help the run stops, with nothing
lost, until a person has `/orchestrate` continue it.
"""

from __future__ import annotations

from .. import host
from ..texts.fields import cut
from . import markers
from .state import STOPPED

# Hooks and prompts need but a constant or two of this module, and not what builds a step.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import Agent, State
    from .step_builder import StepBuilder

#: Failed agents in a row that stop the run; Claude Code has made ten requests for each of them.
MOST = 5
_REASON = "ended by an error of the API: "
#: What the person at the session does to an agent in its foreground.
INTERRUPTED = "ended by an interruption"
_UNSTARTED = "not started, as when a rule or a hook refuses the call"


def reason(error: object) -> str:
    return f"{_REASON}{error or 'unknown'}"


def is_one(why: str, cause: str) -> bool:
    """Whether an attempt that failed so is no failure of its task. The cause decides: an agent may write any reason."""
    return cause == markers.INTERRUPTION or (cause == markers.API and why.removeprefix(_REASON) in host.SERVICE_ERRORS)


def settle(run: StepBuilder, id_: str, agent: Agent, why: str, cause: str) -> None:
    """Makes the attempt again, until there were too many."""
    run.log("lost", id_, agent, why, cause)
    run.out.lines.append(f"lost {id_}: {why}")
    if _counted(run, id_, why):
        run.respawn(id_, agent._replace(attempt=run.next_attempt(id_), claimed=run.now, spawned=run.now), "spawned")


def unstarted(run: StepBuilder, id_: str, agent: Agent) -> None:
    """Has the orchestrator called again for an agent that it brought no news of, until it was asked too often."""
    if _counted(run, id_, _UNSTARTED):
        run.respawn(id_, agent._replace(spawned=run.now), "spawned again")


def _counted(run: StepBuilder, id_: str, why: str) -> bool:
    """Whether there is to be another, after one more that came to nothing."""
    run.state = run.state._replace(outages=run.state.outages + 1, outage=why)
    if is_over(run.state):
        run.release(id_)
    return not is_over(run.state)


def is_over(state: State) -> bool:
    """Whether the run stops once the agents that are still at work have ended, unless one of them gets through."""
    return state.outages >= MOST


def stop(run: StepBuilder) -> None:
    from . import sentences

    why = f"{MOST} agents in a row were {cut(run.state.outage)}"
    run.state = run.state._replace(outages=0)
    sentence = f"The run has stopped, {run.counted()}: {why}. Nothing is lost: `/orchestrate`"
    run.finish(STOPPED, f"{sentence} continues it once that is fixed.{sentences.commits(run.state)}")
