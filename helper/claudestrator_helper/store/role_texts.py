"""The texts of the roles, the project's own before the shipped ones."""

import os

from ..engine.config import ROLE_MODEL, Config
from ..errors import ClaudestratorError
from ..texts import frontmatter
from ..texts.fields import one_line
from ..texts.models import NAMES
from . import files, paths
from .paths import Project


def text(project: Project, role: str) -> tuple[str, str]:
    """The body of a role's text, and where it stands.

    Raises ClaudestratorError where there is none.

    """
    path, document = _document(project, role)
    body = frontmatter.split(document, path)[1].strip()
    if not body:
        raise ClaudestratorError(f"{path} holds no text: write the role's text, or delete the file")
    return body, path


def model(project: Project, role: str, config: Config) -> str:
    """The model of a role: what the configuration says, else what the role's own text does."""
    if role in config.models:
        return config.models[role]
    path, document = _document(project, role)
    named = one_line(str(frontmatter.split(document, path)[0].get("model", "")))
    return named if named in NAMES else ROLE_MODEL


def _document(project: Project, role: str) -> tuple[str, str]:
    name = os.path.join("skills", "orchestrator", f"{role}_agent.md")
    shipped = paths.shipped(name)
    for path, within in ((os.path.join(project.root, ".claudestrator", name), project.root), (shipped, "")):
        document = files.read(path, within)
        if document is not None:
            return path, document
    raise ClaudestratorError(f"the text of the role is missing ({shipped}): install Claudestrator again")
