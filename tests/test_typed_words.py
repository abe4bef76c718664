"""What is typed after /orchestrate: which words are options, which are focus, and what starts nothing."""

from collections.abc import Callable
from pathlib import Path

import generate_cli_docs
import pytest
from claudestrator_helper.engine import options
from claudestrator_helper.engine.options import Asked, understood
from claudestrator_helper.errors import ClaudestratorError

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("3 --verfy", "'--verfy' is no option, did you mean --verify? "),
        ("3 --dryrun", "'--dryrun' is no option, did you mean --dry-run? "),
        ("3 --dry_run", "'--dry_run' is no option, did you mean --dry-run? "),
        ("--engne lean", "'--engne' is no option, did you mean --engine? "),
        ("--engne=lean", "'--engne=lean' is no option, did you mean --engine? "),
        ("--Verify", "'--Verify' is no option, did you mean --verify? "),
        ("—verify", "'—verify' is no option, did you mean --verify? "),
        ("3 speed –verify", "'–verify' is no option, did you mean --verify? "),
        ("3 −−verify", "'−−verify' is no option, did you mean --verify? "),
        ("-verify", "'-verify' is no option, did you mean --verify? "),
        ("3 -- verify", "'-- verify' is no option, did you mean --verify? "),
        ("3 --parallel4", "'--parallel4' is no option, did you mean --parallel? "),
        ("3 speed --strict", "'--strict' is no option: "),
        ("3 --4", "'--4' is no option: "),
        ("3 -O2", "'-O2' is no option: "),
        ("--verify=yes", "--verify takes no value: "),
        ("status please", "'status please' means nothing here: "),
        ("status --verify", "'status' means nothing here: "),
    ],
)
def test_a_mistyped_option_is_refused_with_the_nearest_and_the_list(typed: str, said: str) -> None:
    with pytest.raises(ClaudestratorError) as refusal:
        understood(typed.split())
    assert str(refusal.value).startswith(said)
    if " is no option" in said:
        assert all(name in str(refusal.value) for name in options.NAMES)


def test_the_name_of_another_command_is_refused_with_that_command() -> None:
    with pytest.raises(ClaudestratorError) as refusal:
        understood(["retry", "TASK-003", "use", "red"])
    assert str(refusal.value) == "'retry' is a command of its own: type /claudestrator:retry TASK-003 use red"
    others = {path.stem for path in (ROOT / "commands").glob("*.md") if not path.stem.startswith("work-")}
    assert {*options.COMMANDS, options.STATUS, options.STOP} == others - {"orchestrate"}


@pytest.mark.parametrize(
    "focus",
    ["speed - not size", "size – or speed", "a —", "-5% memory", "--> first", "x--y", "error-handling", "a-", "…"],
)
def test_a_dash_in_prose_is_prose(focus: str) -> None:
    assert understood(["3", *focus.split()]) == Asked(3, focus)


def test_whatever_follows_a_lone_double_dash_is_focus() -> None:
    assert understood(["3", "--verify", "the", "--", "--strict", "-O2", "mode"]) == Asked(
        3, "the --strict -O2 mode", verify=True
    )


@pytest.mark.parametrize(
    ("typed", "instead"),
    [("help", "help"), ("--help", "help"), ("3 --help", "help"), ("status", "status"), ("stop", "stop")],
)
def test_some_words_ask_for_no_run(typed: str, instead: str) -> None:
    assert understood(typed.split()) == Asked(instead=instead)


def test_a_word_of_a_focus_may_be_one_of_them() -> None:
    assert understood(["2", "status"]) == Asked(2, "status")


def options_of_start() -> str:
    return " ".join(option for parameter in generate_cli_docs.verbs()["start"].params for option in parameter.opts)


@pytest.mark.parametrize(
    "place",
    [
        lambda: (
            (ROOT / "commands" / "orchestrate.md")
            .read_text(encoding="utf-8")
            .split("argument-hint: ")[1]
            .split("\n")[0]
        ),
        lambda: (ROOT / "README.md").read_text(encoding="utf-8"),
        lambda: "\n".join(options.usage()),
        options_of_start,
    ],
    ids=["argument-hint", "README", "--help", "start"],
)
def test_every_option_is_named(place: Callable[[], str]) -> None:
    assert [option.name for option in options.OPTIONS if option.name not in place()] == []
