"""The verbs of agents without click, which takes longer to import than they take: an agent's start and its end wait for
them. They read the calls that prompts name; any other is left to click, as are all errors in a call.
"""

from .. import output
from ..store import paths
from . import arguments


def prompt(folder: str | None, words: list[str]) -> int | None:
    """Runs `prompt [ID] [--skill NAME]` and returns its exit code; None for any other call.

    Raises ClaudestratorError as reports.begin does.

    """
    found = _read(words, "--skill")
    if found is None or len(found[0]) > 1:
        return None
    from ..agents import starting
    from ..store import state_file

    (ids, skill), project = found, paths.project(folder)
    current = state_file.read(project)
    id_ = ids[0] if ids else starting.awaited(project, current, skill)
    text = starting.begin(project, current, id_)
    if text is None:
        from ..agents import reports

        text = reports.begin(project, id_)
    output.echo([text])
    return 0


def done(folder: str | None, words: list[str]) -> int | None:
    """Runs `done ID [--attempt N] [NOTE]` in the same way."""
    found = _read(words, "--attempt")
    if found is None or len(found[0]) not in (1, 2) or not _is_number(found[1]):
        return None
    from ..store import state_file
    from ..system import consent

    project, (id_, *note) = paths.project(folder), found[0]
    attempt, text = int(found[1]) if found[1] else None, arguments.text_of(note[0] if note else None)
    if consent.read(project) is None and not state_file.read(project).worktrees:
        from ..agents import reports

        output.echo([reports.done(project, id_, attempt, text)])
        return 0
    from ..run import gates, merging

    try:
        output.echo([merging.done(project, id_, attempt, text)])
    except gates.RedError as error:
        output.echo(error.output)
        raise
    return 0


def fail(folder: str | None, words: list[str]) -> int | None:
    """Runs `fail ID [--attempt N] REASON` in the same way."""
    found = _read(words, "--attempt")
    if found is None or len(found[0]) != 2 or not _is_number(found[1]):
        return None
    from ..agents import reports

    (id_, reason), attempt = found
    text = arguments.text_of(reason)
    output.echo([reports.fail(paths.project(folder), id_, int(attempt) if attempt else None, text)])
    return 0


def _read(words: list[str], option: str) -> tuple[list[str], str] | None:
    """The plain words, and the value of the one *option*; None for a call that has others."""
    plain, value = list(words), ""
    if option in plain[:-1]:
        at = plain.index(option)
        value = plain[at + 1]
        del plain[at : at + 2]
    return None if any(word.startswith("-") and word != "-" for word in plain) else (plain, value)


def _is_number(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0)
