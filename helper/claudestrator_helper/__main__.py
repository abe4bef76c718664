"""The entry of `claudestrator-helper`: the verbs of hooks at once, everything else through click."""

import atexit
import gc
import sys


def main() -> None:
    # A verb needs nearly all that it makes until it ends; to look for garbage, at exit too, takes a fifth of its time.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    sys.argv[1:] = words = _project_first(sys.argv[1:])
    folder = None
    if words[:1] == ["--project"] and len(words) > 2:
        folder, words = words[1], words[2:]
    if words[:1] == ["hook"] and len(words) == 1:
        from .hooks.dispatch import main as hook

        hook()
        return
    if words[:1] == ["next-task"] and "--help" not in words:
        sys.exit(_next_task(folder, words[1:]))
    from .cli import run_cli

    sys.exit(run_cli())


def _project_first(words: list[str]) -> list[str]:
    """`--project DIR` before the verb, where it belongs, wherever it was typed."""
    for at, word in enumerate(words):
        if word == "--":
            break
        if word.partition("=")[0] == "--project" and at:
            width = 1 if "=" in word else 2
            return [*words[at : at + width], *words[:at], *words[at + width :]]
    return words


def _next_task(folder: str | None, words: list[str]) -> int:
    from . import output
    from .commands import next_task
    from .errors import ClaudestratorError

    try:
        return next_task.main(folder, words)
    except ClaudestratorError as error:
        return output.say_refusal(error)


if __name__ == "__main__":
    main()
