"""What the helper refuses, as one family of exceptions."""


class ClaudestratorError(Exception):
    """A refusal: one line that names the thing and ends in the next step."""


class UsageError(ClaudestratorError):
    """The call's words are off (exit code 2, where other refusals exit with 1)."""
