"""A person's unfinished work, which is noted when loops begin and when a run that had no owner is continued.

git may take its time, so none of this is done under the project's lock.
"""

import os

from . import asking, resume, state
from .paths import Project


def noted(project: Project, session: str, process: str, asked: resume.Asked, now: int) -> list[str]:
    """Notes what no commit may touch, for a session that begins or continues loops; a line where that is news."""
    current = state.read(project) if os.path.exists(project.session) else state.State()
    if resume.goes_on_with_loops(current):
        seen = asking.read(project, session)
        caller = resume.Caller(session, process or seen.process, bool(seen.mode))
        return _renewed(project, current, caller, now, taken=asked.takeover)
    if asked.loops:
        # Importing what starts git takes longer than most verbs.
        from . import closing

        closing.begin(project)
    return []


def renewed(project: Project, session: str, process: str, now: int) -> list[str]:
    """The same for a `wait`, which continues a run whose owner is gone."""
    current = state.read(project)
    if not (current.unfinished and resume.goes_on_with_loops(current)):
        return []
    return _renewed(project, current, resume.Caller(session or current.session, process), now)


def _renewed(
    project: Project, current: state.State, caller: resume.Caller, now: int, *, taken: bool = False
) -> list[str]:
    if not taken and resume.whose(current, caller, now) != resume.FREE:
        return []
    from . import closing

    return closing.renew(project, current)
