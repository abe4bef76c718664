"""The report of any run: gathered anew for the last one, and as it was kept for earlier ones."""

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
    return gather.gather(project, run)
