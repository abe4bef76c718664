"""How git is called where somebody else may have made the folder's content.

A clone can bring a bare repository along, whose configuration names programs, and git would take it for the folder's
own. It can't bring a `.git` along, so the repository is found by that, here, and git is started beside it: this holds
for every version of git, and `safe.bareRepository` says the same to those from 2.38 on. Agents wait for some calls, so
nothing heavy is imported.
"""

import os

_OPTIONS = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false")
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
#: What leads git to another repository than the folder's, or makes it read our paths as something else.
_LEADING = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
)  # fmt: skip


def command(*words: str, hooks: bool = False) -> list[str]:
    """The call of git with these words; only the commit itself wants the repository's *hooks*."""
    return ["git", *_OPTIONS, *(() if hooks else _NO_HOOKS), *words]


def environment() -> dict[str, str]:
    # The project's folder says which repository it is, whatever git has called the one who calls this.
    inherited = {name: value for name, value in os.environ.items() if name not in _LEADING}
    return {**inherited, "LANGUAGE": "en", "GIT_TERMINAL_PROMPT": "0"}


def top(folder: str) -> tuple[str, str]:
    """The nearest folder upwards that holds a `.git`, and the way from there to *folder*; both "" where none does."""
    here = at = os.path.realpath(folder)
    while not os.path.exists(os.path.join(at, ".git")):
        if at == os.path.dirname(at):
            return "", ""
        at = os.path.dirname(at)
    return at, os.path.relpath(here, at)
