"""The screens in docs/mod.md, which tests/screens.py records: they are those of the present words."""

import re

import pytest
import screens
from claudestrator_helper.engine.choice import Able, choose
from claudestrator_helper.engine.config import AUTO
from claudestrator_helper.hooks import user_prompt_submit

SHOWN = (
    (160, "mod", "at work"),
    (160, "mod", "ended"),
    (44, "mod", "at work"),
    (160, "skills", "ended"),
    (44, "skills", "ended"),
)
#: What a person takes for something that went wrong.
ALARMING = re.compile(r"error|exception|blocked|not load|undefined|unfinished|Traceback", re.IGNORECASE)


def screen(name: str, columns: int, moment: str) -> str:
    found = screens.block(name, columns, moment).search(screens.DOCUMENT.read_text(encoding="utf-8"))
    assert found
    return found[2]


@pytest.mark.parametrize(("columns", "name", "moment"), SHOWN)
def test_a_screen_is_as_wide_as_it_says(columns: int, name: str, moment: str) -> None:
    lines = screen(name, columns, moment).split("\n")
    assert len(lines) > 10
    assert columns - 10 < max(map(len, lines)) <= columns


@pytest.mark.parametrize(("columns", "name", "moment"), SHOWN)
def test_nothing_on_a_screen_looks_like_an_error_but_the_notice_that_is_kept_out(
    columns: int, name: str, moment: str
) -> None:
    shown = " ".join(screen(name, columns, moment).split())
    kept_out = user_prompt_submit.REASON.partition("{id}")[0]
    shown = shown.replace(f"UserPromptSubmit operation blocked by hook: {kept_out}", "")
    assert not ALARMING.search(shown)


@pytest.mark.parametrize(("columns", "moment"), [(160, "at work"), (160, "ended"), (44, "at work")])
def test_the_mods_screens_begin_with_the_present_words(columns: int, moment: str) -> None:
    shown = " ".join(screen("mod", columns, moment).split())
    assert f"claudestrator: {choose(AUTO, 1, Able(mod=True))} The run has begun." in shown


@pytest.mark.parametrize("columns", screens.WIDTHS)
def test_the_skills_screens_have_the_present_words(columns: int) -> None:
    shown = " ".join(screen("skills", columns, "ended").split())
    assert user_prompt_submit.REASON.format(id="TASK-003", progress="done 3/3") in shown
    assert shown.count("done TASK-003 (3/3)") == 1
