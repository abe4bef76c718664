"""What a request to the API used, as Claude Code records it with each answer, and its cost by list prices."""

from collections.abc import Iterable
from typing import NamedTuple

from .transcript import obj

#: A larger number is not a count of tokens.
_MOST = 10**12
#: The source of the prices, for people.
PRICES = "Claude Code 2.1.329's list prices, November 2026"
#: By the beginning of a model's name, the longest first: dollars for a million tokens of input, and the share of that
#: price for tokens read from the cache. For all models, output costs 5 times the input, a write to the cache 1.25
#: times, and a write for an hour twice.
_BY_MODEL = (
    ("claude-opus-4-0", 15, 0.1),
    ("claude-opus-4-1", 15, 0.1),
    ("claude-opus-4-2", 15, 0.1),
    ("claude-opus-5-5", 4, 0.05),
    ("claude-opus-4", 5, 0.1),
    ("claude-opus-5", 5, 0.1),
    ("claude-sonnet-5-5", 2, 0.05),
    ("claude-sonnet-4", 3, 0.1),
    ("claude-sonnet-5", 2, 0.1),
    ("claude-haiku-4-5", 1, 0.1),
    ("claude-haiku-5-5", 0.1, 0.1),
    ("claude-fable-5-1", 10, 0.025),
    ("claude-fable-5-2", 8, 0.025),
    ("claude-fable-5", 10, 0.1),
)
_OUTPUT, _WRITE, _WRITE_HOUR = 5, 1.25, 2
#: A request to this model above this many tokens costs this many times as much.
_LONG = ("claude-haiku-5-5", 100_000, 5)


class Usage(NamedTuple):
    """Tokens of one request: *written* to the cache for minutes, *kept* in it for an hour, *read* from it."""

    model: str = ""
    input: int = 0
    written: int = 0
    kept: int = 0
    read: int = 0
    output: int = 0

    @property
    def context(self) -> int:
        """All that the request sent."""
        return self.input + self.written + self.kept + self.read

    @property
    def total(self) -> int:
        return self.context + self.output


def parse(message: dict[str, object]) -> Usage:
    """The usage of an answer, given the `message` of a transcript; anything but a count is 0."""
    used, model = obj(message.get("usage")), message.get("model")
    written = count(used.get("cache_creation_input_tokens"))
    kept = min(written, count(obj(used.get("cache_creation")).get("ephemeral_1h_input_tokens")))
    return Usage(
        model if isinstance(model, str) else "",
        count(used.get("input_tokens")),
        written - kept,
        kept,
        count(used.get("cache_read_input_tokens")),
        count(used.get("output_tokens")),
    )


def count(value: object) -> int:
    """*value* if it can be a count of tokens, otherwise 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST else 0


def total(used: Iterable[Usage]) -> Usage:
    """The sum of all columns, without a model."""
    columns = list(zip(*(each[1:] for each in used), strict=True))
    return Usage("", *(sum(column) for column in columns))


def dollars(used: Usage) -> float | None:
    """What the request cost; None for a model without a known price."""
    # Other clouds put a prefix before the name.
    name = used.model[max(0, used.model.find("claude-")) :]
    for beginning, price, read in _BY_MODEL:
        if name.startswith(beginning):
            model, above, times = _LONG
            long = times if beginning == model and used.context > above else 1
            writes = _WRITE * used.written + _WRITE_HOUR * used.kept
            return long * price * (used.input + writes + read * used.read + _OUTPUT * used.output) / 1_000_000
    return 0.0 if used.total == 0 else None
