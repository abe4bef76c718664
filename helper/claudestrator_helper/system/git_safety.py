"""How git is called safely in a folder whose content someone else may have made.

A clone can contain a bare repository with a configuration that names programs, and git would use it as the folder's
own. A clone can't contain a `.git`, so this module looks for that and starts git beside it, which is safe with every
version of git. From 2.38 on, `safe.bareRepository` has the same effect
(https://git-scm.com/docs/git-config#Documentation/git-config.txt-safebareRepository). Agents wait for some of these
calls, so the imports are light.
"""

import os

_OPTIONS = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false")
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
#: Variables that lead git to another repository or change how it reads our paths.
_LEADING = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
)  # fmt: skip


def command(*words: str, hooks: bool = False) -> list[str]:
    """The command line of git with these words. Only the commit itself runs the repository's *hooks*."""
    return ["git", *_OPTIONS, *(() if hooks else _NO_HOOKS), *words]


def environment() -> dict[str, str]:
    """This process's environment without variables that would lead git to another repository, and without prompts."""
    # Those variables are set when a git hook calls the helper.
    inherited = {name: value for name, value in os.environ.items() if name not in _LEADING}
    return {**inherited, "LANGUAGE": "en", "GIT_TERMINAL_PROMPT": "0"}


def top(folder: str) -> tuple[str, str]:
    """The nearest folder upwards that holds a `.git`, and the path from there to *folder*; both "" if there is none."""
    here = at = os.path.realpath(folder)
    while not os.path.exists(os.path.join(at, ".git")):
        if at == os.path.dirname(at):
            return "", ""
        at = os.path.dirname(at)
    return at, os.path.relpath(here, at)
