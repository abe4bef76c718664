"""A person's unfinished work, which is noted when loops begin and when a run that had no owner is continued.

git may take its time, so none of this is done under the project's lock.
"""

from . import resume, state
from .paths import Project


def noted(project: Project, caller: resume.Caller, asked: resume.Asked, now: int) -> list[str]:
    """Notes what no commit may touch, for a session that begins or continues a run; a line where that is news."""
    current = state.read(project)
    continues = resume.goes_on_with_loops(current)
    if not continues and not asked.loops:
        return []
    if continues and not asked.takeover and resume.whose(current, caller, now) != resume.FREE:
        return []
    # Importing what starts git takes longer than most verbs.
    from . import closing

    if continues:
        return closing.renew(project, current)
    closing.begin(project)
    return []


def renewed(project: Project, session: str, process: str, now: int) -> list[str]:
    """The same for a `wait`, which continues a run whose owner is gone."""
    current = state.read(project)
    if not current.unfinished:
        return []
    return noted(project, resume.Caller(session or current.session, process), resume.NOTHING, now)
