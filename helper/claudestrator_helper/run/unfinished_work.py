"""A person's unfinished work, recorded when loops begin and when a run without an owner is continued.

git may be slow, so none of this happens under the project's lock.
"""

import os

from ..engine import begin_run, state
from ..engine.config import BY_TASK
from ..store import config_file, state_file, typed_command
from ..store.hidden_files import START
from ..store.paths import Project
from . import ownership


def noted(
    project: Project, session: str, process: str, asked: begin_run.Asked, now: int, *, worktrees: bool = False
) -> list[str]:
    """Records what no commit may touch, for a session that begins or continues loops, and where the branch of a run
    begins whose agents have *worktrees*. Returns a line on what is new."""
    current = state_file.read(project) if os.path.exists(project.session) else state.State()
    if _goes_on(project, current):
        seen = typed_command.read(project, session)
        caller = ownership.caller(current, session, process or seen.process, hooked=bool(seen.mode))
        return _renewed(project, current, caller, now, taken=asked.takeover)
    by_task = worktrees or config_file.read(project).commit == BY_TASK
    if asked.loops or by_task:
        # Importing what runs git takes longer than most verbs.
        from . import close_loop, task_commits

        (task_commits if by_task else close_loop).begin(project)
    return []


def renewed(project: Project, session: str, process: str, now: int) -> list[str]:
    """Does the same for a `wait` that continues a run whose owner is gone."""
    current = state_file.read(project)
    if not (current.unfinished and _goes_on(project, current)):
        return []
    return _renewed(project, current, ownership.caller(current, session or current.owner.session, process), now)


def _goes_on(project: Project, current: state.State) -> bool:
    """Whether a run that makes commits is to be continued; its work so far is not a person's unfinished work."""
    by_task = START.exists(project) and (current.unfinished or current.status == state.STOPPED)
    return begin_run.goes_on_with_loops(current) or by_task


def _renewed(
    project: Project, current: state.State, caller: begin_run.Caller, now: int, *, taken: bool = False
) -> list[str]:
    if current.worktrees or (not taken and begin_run.whose(current, caller, now) != begin_run.FREE):
        # A person's changes are in a working tree of their own then.
        return []
    from . import close_loop

    return close_loop.renew(project, current)
