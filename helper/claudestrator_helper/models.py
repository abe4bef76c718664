"""Which Claude model runs what."""

#: The names that Claude Code's Task tool takes, from the cheapest to the strongest that a retry climbs to.
LADDER = ("haiku", "sonnet", "opus")

BY_COMPLEXITY = {"easy": "haiku", "normal": "sonnet", "complex": "opus"}


def stronger(model: str) -> str:
    """The next model up the ladder; the last one, or one that is not on it, stays."""
    if model not in LADDER:
        return model
    return LADDER[min(LADDER.index(model) + 1, len(LADDER) - 1)]
