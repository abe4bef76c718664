"""The helper's refusals, one family of exceptions."""


class ClaudestratorError(Exception):
    """A refusal: one line that names the thing and ends with the next step. Exit code 1."""


class HeldError(ClaudestratorError):
    """Another process has held a lock for longer than the caller waits."""


class UsageError(ClaudestratorError):
    """The words of the call are wrong. Exit code 2."""
