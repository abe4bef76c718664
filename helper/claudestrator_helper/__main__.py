"""The entry of `claudestrator-helper`: the verbs of hooks at once, everything else through click."""

import atexit
import gc
import sys


def main() -> None:
    # A verb needs nearly all that it makes until it ends; to look for garbage, at exit too, takes a fifth of its time.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    words = sys.argv[1:]
    folder = None
    if words[:1] == ["--project"] and len(words) > 2:
        folder, words = words[1], words[2:]
    if words[:1] == ["hook"] and len(words) == 1:
        from .hooks import main as hook

        hook()
        return
    if words[:1] == ["next-task"] and "--help" not in words:
        sys.exit(_next_task(folder, words[1:]))
    from .cli import run_cli

    sys.exit(run_cli())


def _next_task(folder: str | None, words: list[str]) -> int:
    from . import next_task
    from .errors import ClaudestratorError

    try:
        return next_task.main(folder, words)
    except ClaudestratorError as error:
        return next_task.report(error)


if __name__ == "__main__":
    main()
