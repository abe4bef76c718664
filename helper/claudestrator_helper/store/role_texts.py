"""The texts of the roles; a project's own takes precedence over the shipped one."""

import os

from ..engine.config import ROLE_MODEL, Config
from ..errors import ClaudestratorError
from ..texts import frontmatter
from ..texts.fields import one_line
from ..texts.models import NAMES
from . import files, paths
from .paths import Project


def text(project: Project, role: str) -> tuple[str, str]:
    """The body of a role's text and its path. Raises ClaudestratorError if there is none."""
    path, document = _document(project, role)
    body = frontmatter.split(document, path)[1].strip()
    if not body:
        raise ClaudestratorError(f"{path} holds no text: write the role's text, or delete the file")
    return body, path


def model(project: Project, role: str, config: Config) -> str:
    """The model of a role, from the configuration or otherwise from the role's own text. Raises ClaudestratorError if
    the text is needed and missing."""
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
