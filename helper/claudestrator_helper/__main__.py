"""The entry point of `claudestrator-helper`: the verbs of hooks run at once, all others through click."""

import atexit
import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Runs the verb on the command line and exits."""
    # A verb needs nearly all its objects until it ends. Collecting garbage, also at exit, takes a fifth of its time.
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
    if words and words[0] in _QUICK and not {"--help", "-h"} & set(words):
        code = _quick(folder, words)
        if code is not None:
            sys.exit(code)
    from .texts import packages

    packages.find()
    from .cli import run_cli

    sys.exit(run_cli())


def _project_first(words: list[str]) -> list[str]:
    """*words* with `--project DIR`, wherever it was typed, moved before the verb, where click expects it."""
    for at, word in enumerate(words):
        if word == "--":
            break
        if word.partition("=")[0] == "--project" and at:
            width = 1 if "=" in word else 2
            return [*words[at : at + width], *words[:at], *words[at + width :]]
    return words


#: The verbs without click, by their modules and functions.
_QUICK = {
    "next-task": ("next_task", "main"),
    "status": ("status", "main"),
    "status-line": ("status_line", "main"),
    "prompt": ("agent_calls", "prompt"),
    "done": ("agent_calls", "done"),
    "fail": ("agent_calls", "fail"),
    "ended": ("mod_calls", "main"),
}


def _quick(folder: str | None, words: list[str]) -> int | None:
    """The exit code; None for a call that is left to click."""
    from . import output
    from .errors import ClaudestratorError

    module, name = _QUICK[words[0]]
    verb: Callable[[str | None, list[str]], int | None]
    verb = getattr(__import__(f"{__package__}.commands.{module}", fromlist=[name]), name)
    try:
        return verb(folder, words[1:])
    except ClaudestratorError as error:
        return output.say_refusal(error)
    except BrokenPipeError:
        return output.unread()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    main()
