"""Links in a repository: no link may lead the run to files outside the project."""

import os

from ..errors import ClaudestratorError


def stays(path: str, within: str) -> bool:
    """Whether there is no link on the way from the folder *within* to *path*; False if *within* is "". Raises
    ClaudestratorError if a link leads out of *within*."""
    if not within:
        return False
    links, at = [], path
    if path.startswith(within) and os.pardir not in path[len(within) :].split(os.sep):
        # Looking for links is much cheaper than resolving the path, and usually there is none.
        while len(at) > len(within):
            links += [at] if os.path.islink(at) else []
            at = os.path.dirname(at)
    if at != within:
        links = [path]
    for link in reversed(links):
        folder = os.path.realpath(within)
        if os.path.commonpath([os.path.realpath(link), folder]) != folder:
            raise ClaudestratorError(f"{link} leads out of {within} by a link: remove the link and try again")
    return not links
