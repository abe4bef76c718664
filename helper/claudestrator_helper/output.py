"""Printing: lines as bytes, values as JSON, refusals. It doesn't import click, because hooks have to start fast."""

import sys
import time

from .errors import ClaudestratorError, UsageError


def echo(lines: list[str]) -> None:
    """Prints lines, in UTF-8 whatever the terminal's encoding; other bytes are printed as they were read."""
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def unread() -> int:
    """Drops what no one reads any more, at which Python would fail once more as it ends; returns the exit code."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def pause(seconds: float) -> None:
    """Sleeps between two looks at what is followed. Ends this process, with 0, if no one reads its output any more, as
    after `| head -1`; otherwise only the next line would show it."""
    import select

    time.sleep(seconds)
    poll = select.poll()
    poll.register(1, 0)  # errors and a hang-up are told without being asked for
    if poll.poll(0) and not sys.stdout.isatty():
        sys.exit(0)


def as_json_line(value: object) -> str:
    """*value* as one line of JSON, with U+FFFD for bytes that are not UTF-8, which JSON can't hold, and what is
    invisible as escapes, which mean the same."""
    import json
    import re

    from .texts.fields import INVISIBLE

    text = re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(value, ensure_ascii=False))
    return text if text.isascii() else re.sub(INVISIBLE, lambda found: json.dumps(found[0])[1:-1], text)


def say_refusal(error: ClaudestratorError) -> int:
    """Prints a refusal, which may quote any text, on standard error; returns its exit code."""
    from .texts.fields import LINE, cut

    lines = str(error).encode("utf-8", "replace").decode().split("\n")
    # Short lines of printable ASCII are quoted exactly as they came.
    text = "\n".join(line if len(line) <= LINE and _is_plain(line) else cut(line, LINE) for line in lines)
    print(f"claudestrator-helper: {text}", file=sys.stderr)
    return 2 if isinstance(error, UsageError) else 1


def _is_plain(line: str) -> bool:
    return line.isascii() and line.isprintable()
