"""Which Claude model runs what."""

from .. import host

#: A retry climbs from one to the next, up to the third.
NAMES = host.MODELS

BY_COMPLEXITY = {"easy": "haiku", "normal": "sonnet", "complex": "opus"}


def stronger(model: str) -> str:
    """The next model up, as far as opus; any other model stays."""
    ladder = NAMES[:3]
    if model not in ladder:
        return model
    return ladder[min(ladder.index(model) + 1, len(ladder) - 1)]
