"""How a package that the helper can do without is added to the environment that it runs in."""

import shlex
import sys


def way(requirement: str) -> str:
    """The command that installs it, for people."""
    # Without -I, Python would take a `pip` in the folder where the person types this, which may be a stranger's clone.
    return f"`{shlex.quote(sys.executable)} -I -m pip install {shlex.quote(requirement)}`"
