"""A person's unfinished work, recorded when loops begin and when a run without an owner is continued.

git may be slow, so none of this happens under the project's lock.
"""

import os

from ..engine import begin_run, state
from ..store import state_file, typed_command
from ..store.paths import Project
from . import ownership


def noted(project: Project, session: str, process: str, asked: begin_run.Asked, now: int) -> list[str]:
    """Records what no commit may touch, for a session that begins or continues loops. Returns a line on what is new."""
    current = state_file.read(project) if os.path.exists(project.session) else state.State()
    if begin_run.goes_on_with_loops(current):
        seen = typed_command.read(project, session)
        caller = ownership.caller(current, session, process or seen.process, hooked=bool(seen.mode))
        return _renewed(project, current, caller, now, taken=asked.takeover)
    if asked.loops:
        # Importing what runs git takes longer than most verbs.
        from . import close_loop

        close_loop.begin(project)
    return []


def renewed(project: Project, session: str, process: str, now: int) -> list[str]:
    """Does the same for a `wait` that continues a run whose owner is gone."""
    current = state_file.read(project)
    if not (current.unfinished and begin_run.goes_on_with_loops(current)):
        return []
    return _renewed(project, current, ownership.caller(current, session or current.owner.session, process), now)


def _renewed(
    project: Project, current: state.State, caller: begin_run.Caller, now: int, *, taken: bool = False
) -> list[str]:
    if not taken and begin_run.whose(current, caller, now) != begin_run.FREE:
        return []
    from . import close_loop

    return close_loop.renew(project, current)
