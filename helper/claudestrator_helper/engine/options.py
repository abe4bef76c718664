"""What is typed after `/orchestrate`: the one table of its options, and what the words ask for."""

import re

from ..errors import ClaudestratorError
from ..texts.named_tuples import NamedTuple
from .config import ENGINES, MOST_LOOPS, MOST_PARALLEL

STATUS, STOP, HELP = "status", "stop", "help"
#: What a command of its own does.
COMMANDS = ("issue", "pause", "prd", "resume", "retry", "skip")


class Option(NamedTuple):
    """*value* says what follows it, "" for a flag."""

    name: str
    value: str
    does: str

    def __str__(self) -> str:
        return f"{self.name} {self.value}".rstrip()


OPTIONS = (
    Option("--verify", "", "Have the run's tasks checked against their acceptance criteria."),
    Option("--engine", "|".join(ENGINES), "How agents are run."),
    Option("--parallel", "K", f"Tasks that run at the same time, 1 to {MOST_PARALLEL}."),
    Option("--takeover", "", "Take the run from another session, or its tasks from agents that you have killed."),
    Option("--dry-run", "", "Print what would run, and change nothing."),
)
NAMES = {option.name: option for option in OPTIONS} | {f"--{HELP}": Option(f"--{HELP}", "", "Print this list.")}
_DASH = "[-\u2010-\u2015\u2212]"
#: A dash before a letter, or several before anything, whatever dash a keyboard or its autocorrect makes.
_OPTION = re.compile(f"{_DASH}(?:[^\\W\\d_]|{_DASH}+\\w)")
_LIST = ", ".join(map(str, NAMES.values()))
_USAGE = f"type /orchestrate to build what PRD.md asks for, or /orchestrate N [focus] for N loops, 1 to {MOST_LOOPS:,}"


class Asked(NamedTuple):
    """What the words ask for: the number of loops, 0 for none, their focus, and the options; *engine* is "" and
    *parallel* 0 where nothing was said of them. *instead* is STATUS, STOP or HELP where no run is asked for."""

    loops: int = 0
    focus: str = ""
    takeover: bool = False
    verify: bool = False
    engine: str = ""
    parallel: int = 0
    dry_run: bool = False
    instead: str = ""


NOTHING = Asked()


def understood(words: list[str]) -> Asked:
    """What these words ask for.

    Raises ClaudestratorError for words that mean nothing.

    """
    given, words = _split(words)
    asked = _with_options(given)
    if f"--{HELP}" in given:
        return Asked(instead=HELP)
    if not words:
        return asked
    if words[0] in (STATUS, STOP, HELP) and len(words) == 1 and not given:
        return Asked(instead=words[0])
    if words[0] in COMMANDS:
        meant = f"/claudestrator:{' '.join(words)}"
        raise ClaudestratorError(f"{words[0]!r} is a command of its own: type {meant[:80]}")
    number, focus = words[0], " ".join(words[1:])
    if not re.fullmatch(r"[+-]?\d+", number):
        raise ClaudestratorError(f"{' '.join(words)[:60]!r} means nothing here: {_USAGE}")
    if len(number) > 6 or not 1 <= int(number) <= MOST_LOOPS:
        raise ClaudestratorError(f"{number[:20]} loops can't be: {_USAGE}")
    if re.fullmatch(r"[+-]?\d+", focus):
        raise ClaudestratorError(f"{number} or {focus[:20]} loops? {_USAGE}")
    return asked._replace(loops=int(number), focus=focus)


def usage() -> list[str]:
    """What `/orchestrate --help` prints."""
    return [
        "/orchestrate: build what PRD.md asks for, or continue the last run",
        f"/orchestrate N [focus words]: then N improvement loops, 1 to {MOST_LOOPS:,}",
        *(f"{option}: {option.does}" for option in NAMES.values()),
        "--: what follows is focus, even where it begins with a dash",
        "/orchestrate status, stop, help: show the run, end it, print this list",
    ]


def unknown(words: list[str]) -> str:
    """The first of these words that is meant for an option and is none; "" where there is none."""
    return next((word for word in words if _OPTION.match(word) and word.partition("=")[0] not in NAMES), "")


def _split(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options among these words, each with its value, and the other words."""
    at = words.index("--") if "--" in words else len(words)
    left, prose = iter(words[:at]), words[at + 1 :]
    if wrong := unknown(words[:at]) or next((f"-- {word}" for word in prose[:1] if f"--{word}" in NAMES), ""):
        raise _no_option(wrong)
    given: dict[str, str] = {}
    others: list[str] = []
    for word in left:
        name, sign, value = word.partition("=")
        if name not in NAMES:
            others.append(word)
        elif NAMES[name].value:
            given[name] = value if sign else next(left, "")
        elif sign:
            raise ClaudestratorError(f"{name} takes no value: type {name} alone")
        else:
            given[name] = name
    return given, others + prose


def _with_options(given: dict[str, str]) -> Asked:
    engine = given.get("--engine")
    if engine is not None and engine not in ENGINES:
        raise ClaudestratorError(f"--engine {engine[:40]!r} can't be: type --engine and one of {', '.join(ENGINES)}")
    parallel = _parallel(given["--parallel"]) if "--parallel" in given else 0
    takeover, verify, dry_run = (name in given for name in ("--takeover", "--verify", "--dry-run"))
    return Asked(0, "", takeover, verify, engine or "", parallel, dry_run)


def _parallel(word: str) -> int:
    if not (re.fullmatch(r"[0-9]{1,3}", word) and 1 <= int(word) <= MOST_PARALLEL):
        raise ClaudestratorError(f"--parallel {word[:40]!r} can't be: type --parallel and a number to {MOST_PARALLEL}")
    return int(word)


def _no_option(word: str) -> ClaudestratorError:
    from difflib import get_close_matches

    bare = re.sub(r"^\W+", "", word.partition("=")[0]).lower()
    near = get_close_matches(f"--{bare}", NAMES, 1, 0.7)
    meant = f", did you mean {near[0]}?" if near else ":"
    return ClaudestratorError(
        f"{word[:40]!r} is no option{meant} there are {_LIST}; focus that begins with a dash goes after a lone --"
    )
