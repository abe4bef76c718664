"""The hidden files beside the markers: short notes from one process of a run to the next."""

import os

from . import project_files
from .paths import Project


class HiddenFile:
    """A file by its *name*. Only a *lasting* one is safe from a power cut."""

    def __init__(self, name: str, *, lasting: bool = False) -> None:
        self.name, self.lasting = name, lasting

    def path(self, project: Project) -> str:
        return os.path.join(project.markers, self.name)

    def exists(self, project: Project) -> bool:
        return os.path.exists(self.path(project))

    def read(self, project: Project) -> str:
        """Its text, "" if there is none. Raises as `files.read`."""
        return project_files.text(project, self.path(project))

    def write(self, project: Project, text: str) -> None:
        """Replaces its text. Raises as `files.write`."""
        project_files.write(project, self.path(project), text, lasting=self.lasting)

    def remove(self, project: Project) -> None:
        project_files.remove(project, self.path(project))


#: The token of the one wait that takes steps.
TURN = HiddenFile(".wait")
#: The files that were dirty before the run, as JSON: no commit may include them.
DIRTY_BEFORE = HiddenFile(".dirty-before", lasting=True)
#: What was checked out before the run, as JSON: the commit and the branch.
START = HiddenFile(".start", lasting=True)
#: The files that a person has taken back out of the working tree while the run was at work, as JSON.
TAKEN_BACK = HiddenFile(".taken-back", lasting=True)
#: Held while something is committed.
CLOSING_LOCK = HiddenFile(".closing.lock")
#: Held while worktrees are made, and then before the lock above where both are needed.
MAKING_LOCK = HiddenFile(".making.lock")
#: Held while the work of a task is merged, from its gate on.
MERGE_LOCK = HiddenFile(".merge.lock")
#: An agent's name in the foreground, and the API error that ended it.
DIED = HiddenFile(".died", lasting=True)
#: The prompt of the agent whose call is on its way; see agents/starting.py.
AHEAD = HiddenFile(".ahead")
#: Where the run was after its last step, as a notice says it; see hooks/user_prompt_submit.py.
PROGRESS = HiddenFile(".progress")
#: The last call of each forked skill.
SKILL_CALLS = HiddenFile(".skills")
#: When a session was last sent back to its run, and how often.
SENT_BACK = HiddenFile(".sent-back", lasting=True)
#: Whether a hook sees the run's calls, and whether it lets the orchestrator's next `wait` pass.
GUARDED, PERMIT = HiddenFile(".guarded"), HiddenFile(".permit")
