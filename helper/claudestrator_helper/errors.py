"""What the helper refuses, as one family of exceptions."""


class ClaudestratorError(Exception):
    """A refusal: one line that names the thing and ends in the next step."""


class HeldError(ClaudestratorError):
    """Another process holds a lock for longer than the caller has time."""


class UsageError(ClaudestratorError):
    """The call's words are off (exit code 2, where other refusals exit with 1)."""
