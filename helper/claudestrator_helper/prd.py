"""The requirements document, of which the helper knows only whether it is there."""

from . import files
from .errors import ClaudestratorError
from .paths import Project


def why_not(project: Project) -> str:
    """Why PRD.md can't be decomposed, with the next step; "" where it can."""
    try:
        text = files.read(project.prd)
    except ClaudestratorError as error:
        return f"{error}."
    if text is None:
        hint = "write one (/claudestrator:prd helps), then type `/orchestrate` again."
        return f"There is no PRD.md in {project.root}: {hint}"
    return "" if text.strip() else f"{project.prd} is empty: write down what to build, then type `/orchestrate` again."
