"""Commands of gates, as people write them: one line each, split into words as a shell would, and run by none."""

from collections.abc import Iterable

#: Commands of one gate, and characters of one command.
MOST, LONGEST = 20, 500
#: What a shell would act on, and a program gets as a plain word.
_OPERATORS = ("&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1")


def problem(commands: Iterable[object]) -> str:
    """Why these can't be a gate's commands; "" if they can."""
    found = list(commands)
    if len(found) > MOST:
        return f"there are {len(found)} commands, and {MOST} is the most"
    return next(filter(None, map(_problem, found)), "")


def _problem(command: object) -> str:
    if not isinstance(command, str) or not command.isprintable() or len(command) > LONGEST:
        return f"a command is one line of at most {LONGEST} printable characters"
    # Most configurations have no command.
    import shlex

    try:
        words = shlex.split(command)
    except ValueError as error:
        return f"{command!r:.60}: {error}"
    if not words:
        return "a command is empty"
    operator = next((word for word in words if word in _OPERATORS), "")
    advice = "no shell reads it: write a script, or one command a line"
    return f"{command!r:.60} holds {operator}, and {advice}" if operator else ""
