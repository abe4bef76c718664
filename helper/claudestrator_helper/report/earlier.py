"""The report of any run: gathered anew for the last one, and as it was kept for earlier ones, and where Claude Code has
deleted its transcripts since."""

from ..store import state_file
from ..store.paths import Project
from . import gather, keep
from .model import Report


def report(project: Project, run: str = "") -> Report:
    """The report of a run, by default of the last. What was kept of an earlier run is as its files were then; without
    it, the log and what is left of the files tell. Raises ClaudestratorError if neither knows the run."""
    if run and run != state_file.read(project).run:
        kept = keep.read(project, run)
        if kept is not None:
            return kept
    found = gather.gather(project, run)
    if found.orchestration or found.is_live:
        return found
    kept = keep.read(project, found.run.id)
    # What a person changes after the end, such as by `skip`, is not worth the tokens, cost and files of all tasks.
    return kept if kept and kept.orchestration and kept.run.ended == found.run.ended else found
