"""The helper's refusals, one family of exceptions."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class ClaudestratorError(Exception):
    """A refusal: one line that names the thing and ends with the next step. Exit code 1."""


class TransientError(ClaudestratorError):
    """What may have passed in a moment, such as a full disk."""


class HeldError(TransientError):
    """Another process has held a lock for longer than the caller waits."""


class UsageError(ClaudestratorError):
    """The words of the call are wrong. Exit code 2."""


def refusals(action: "Callable[[], object]") -> list[str]:
    """The refusal that *action* raises, as a line; empty if it raises none."""
    try:
        action()
    except ClaudestratorError as error:
        return [str(error)]
    return []
