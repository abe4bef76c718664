"""An agent's start, which waits for its prompt: whose prompt that is, and the prompt where it was made ahead.

The hook that has an agent called makes its prompt: it has imported nearly all that this takes. The prompt counts only
while it is new, and the state and the queue are the files that it was made of; otherwise reports.begin makes another.
"""

import os
import time
from contextlib import suppress

from ..engine import markers
from ..engine.state import State
from ..errors import ClaudestratorError
from ..store import marker_files, skill_calls, state_file
from ..store.hidden_files import AHEAD
from ..store.paths import Project

#: Seconds for which a prompt that was made ahead counts.
_FRESH = 10


def awaited(project: Project, current: State, skill: str = "") -> str:
    """The id of the agent that was launched as *skill*, or else of the one agent that the run waits for: no words of
    the model name it to a shell.

    Raises ClaudestratorError unless there is exactly one.

    """
    agents = current.agents.items()
    calls = skill_calls.read(project) if current.background else []
    called = {(each.id, each.attempt): each.agent for each in calls if each.skill == f"claudestrator:{skill}"}
    for id_, agent in agents:
        name = called.get((id_, agent.attempt))
        if name:
            # The hook that gives each call a skill of its own was killed, and whose prompt this is is not known.
            raise ClaudestratorError(f"the prompt of {id_} was given to another agent: end here, and do nothing")
        if name is not None:
            return id_
    waiting = [id_ for id_, agent in agents if not marker_files.report_of(project, id_, agent.attempt)]
    if len(waiting) != 1:
        raise ClaudestratorError(f"{len(waiting)} agents are at work instead of one: end here, without doing anything")
    return waiting[0]


def make(project: Project, id_: str) -> None:
    """Makes the prompt of a task's agent ahead. One in a worktree is not: that may go until the agent begins. What is
    wrong with a prompt is for the agent to be told, when it asks for it."""
    from ..system import working_tree
    from ..texts import ids
    from . import prompts, reports

    with suppress(ClaudestratorError, OSError):
        sealed, current = seal(project), state_file.read(project)
        if id_ in current.agents and not current.worktrees and ids.role(id_) == "task":
            text = prompts.prompt(project, id_, current, reports.queue_of(project, current))
            tree = working_tree.fingerprint(project)
            AHEAD.write(project, f"{sealed}\n{int(time.time())}\n{id_}\n{tree}\n{text}")


def begin(project: Project, current: State, id_: str) -> str | None:
    """What reports.begin returns, if it was made ahead and nothing is wrong; *current* was read before this."""
    from ..system import processes

    sealed, made, for_whom, tree, text = [*AHEAD.read(project).split("\n", 4), *[""] * 4][:5]
    agent = current.agents.get(id_)
    if agent is None or for_whom != id_ or sealed != seal(project) or not current.unfinished:
        return None
    if not 0 <= time.time() - int(made) < _FRESH:
        return None
    process = processes.current()
    if process and current.owner.process not in ("", process):
        return None
    if marker_files.begun(project, id_, agent.attempt) is None:
        marker_files.leave(project, id_, markers.STARTED, agent.attempt, markers.STARTED, tree)
    return text


def seal(project: Project) -> str:
    """What differs once the state or the queue was written."""
    found = [os.stat(path) for path in (project.session, project.queue)]
    return " ".join(f"{each.st_mtime_ns} {each.st_ino} {each.st_size}" for each in found)
