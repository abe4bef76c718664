"""Which agent each forked skill was called for last: ``.skills`` beside the markers, the least recent call first.

Only a hook on the call writes it. One agent of a skill is at work in the background at a time, so a model has several
skills, and the skill that is called decides which prompt its agent begins with.
"""

from ..texts import ids
from ..texts.named_tuples import NamedTuple
from .hidden_files import SKILL_CALLS
from .paths import Project

#: The skills' names, without the model at the end.
SKILL = "claudestrator:work-"


class SkillCall(NamedTuple):
    """A call of *skill* for that attempt at *id*; *agent* is Claude Code's name of the agent, once it is launched."""

    skill: str
    id: str
    attempt: int
    agent: str = ""


def read(project: Project) -> list[SkillCall]:
    """The last call of each skill, the least recent first."""
    rows = [line.split(" ") for line in SKILL_CALLS.read(project).split("\n")[:100]]
    return [SkillCall(row[0], row[1], int(row[2]), row[3]) for row in rows if len(row) == 4 and _is_valid(row)]


def note(project: Project, call: SkillCall) -> None:
    """Records the call in place of the skill's last one. Raises ClaudestratorError if it can't be written."""
    calls = [*(each for each in read(project) if each.skill != call.skill), call]
    text = "".join(f"{each.skill} {each.id} {each.attempt} {each.agent}\n" for each in calls)
    SKILL_CALLS.write(project, text)


def _is_valid(row: list[str]) -> bool:
    return ids.is_id(row[1]) and row[2].isdecimal() and row[2].isascii() and len(row[2]) < 10
