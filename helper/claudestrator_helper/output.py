"""What is printed: lines as bytes, values as JSON, refusals. Without click, because hooks start fast."""

import sys

from .errors import ClaudestratorError, UsageError


def echo(lines: list[str]) -> None:
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    # Bytes that are not UTF-8 come out as they went in.
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def say(line: str) -> None:
    """Prints a line; bytes that are not UTF-8 come out as they went in, whatever the terminal's encoding."""
    sys.stdout.buffer.write(f"{line}\n".encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def as_json_line(value: object) -> str:
    """*value* as JSON; bytes that are not UTF-8, which JSON can't hold, as U+FFFD."""
    import json
    import re

    return re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(value, ensure_ascii=False))


def say_refusal(error: ClaudestratorError) -> int:
    """Says a refusal; its exit code."""
    text = str(error).encode("utf-8", "replace").decode()
    print(f"claudestrator-helper: {text}", file=sys.stderr)
    return 2 if isinstance(error, UsageError) else 1
