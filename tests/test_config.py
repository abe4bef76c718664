"""The configuration: what the shipped file says is what holds, and every mistake is one line."""

import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from claudestrator_helper.engine import state
from claudestrator_helper.engine.config import Config
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import config_file, files, paths, state_file
from claudestrator_helper.texts import frontmatter
from hypothesis import given
from hypothesis import strategies as st
from queues import queue, task
from running import helper

needs_tomllib = pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on")
SHIPPED = Path(paths.shipped("config.toml")).read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> paths.Project:
    (tmp_path / ".claudestrator").mkdir()
    return paths.project(str(tmp_path))


def write(project: paths.Project, text: str | bytes) -> None:
    Path(project.config).write_bytes(text if isinstance(text, bytes) else text.encode())


def wrong(text: str) -> list[str]:
    return config_file.parse(text, "config.toml")[1]


def default_of(key: str) -> object:
    """What holds where no configuration says anything."""
    table, name = key.split(".")
    if table == "models" and name in config_file.ROLES:
        role = Path(paths.shipped(f"skills/orchestrator/{name}_agent.md")).read_text(encoding="utf-8")
        return frontmatter.split(role, name)[0]["model"]
    if table == "models":
        return Config().models[name]
    return getattr(Config(), {"run": name, "gate": f"gate_{name}", "worktree": f"worktree_{name}"}.get(table, table))


@needs_tomllib
def test_the_shipped_file_names_every_key_with_its_default() -> None:
    assert config_file.parse(SHIPPED, "config.toml") == ({key: default_of(key) for key in config_file.KEYS}, [])


def test_every_key_of_the_shipped_file_is_explained_above_it() -> None:
    lines = SHIPPED.splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    assert len(keys) == len(config_file.KEYS)
    for number in keys:
        above = next(n for n in range(number - 1, -1, -1) if n not in keys)
        assert lines[above].startswith("# "), lines[number]


def test_without_a_file_the_defaults_hold(project: paths.Project) -> None:
    assert (config_file.read(project), config_file.problems(project)) == (Config(), [])
    os.rmdir(os.path.dirname(project.config))
    assert config_file.read(project) == Config()


@needs_tomllib
@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff[run]\r\nattempts = 2\r\n", "[models]\n[run]\n"])
def test_files_that_change_nothing(project: paths.Project, text: str) -> None:
    write(project, text)
    assert (config_file.read(project), config_file.problems(project)) == (Config(), [])


@needs_tomllib
@pytest.mark.parametrize(
    ("text", "changed"),
    [("[run]\nattempts = 5", {"attempts": 5}), ("run.tasks_per_loop = 100", {"tasks_per_loop": 100}), ("[run]\nstart_timeout = 30", {"start_timeout": 30}),
     ("[run]\ntask_timeout = 1_440", {"task_timeout": 1440}), ("[run]\ncommit = 'none'", {"commit": "none"}), ("journal = {enabled = false}", {"journal": False}),
     ("[memory]\nenabled = false", {"memory": False})],
)  # fmt: skip
def test_a_key_changes_what_it_names_and_nothing_else(
    project: paths.Project, text: str, changed: dict[str, object]
) -> None:
    write(project, text)
    assert config_file.read(project) == Config()._replace(**changed)  # type: ignore[arg-type]


@needs_tomllib
def test_models_by_complexity_and_by_role_and_tasks_shows_them_and_what_a_retry_gets(project: paths.Project) -> None:
    write(project, '[models]\neasy = "sonnet"\nresearch = "fable"\n')
    models = {"easy": "sonnet", "normal": "sonnet", "complex": "opus", "research": "fable"}
    assert config_file.read(project).models == models
    files.write(project.queue, queue(task("TASK-1"), task("TASK-2", complexity="easy"), task("TASK-3")))
    agent = state.Agent(2, "opus", 0, 0)
    state_file.write(project, state.State().recorded("TASK-1", attempts=1, lost=agent._replace(failures=1)))
    listed = json.loads(helper("tasks", "--json", folder=project.root).stdout)
    assert [each["model"] for each in listed] == ["opus", "sonnet", "sonnet"]
    assert Config().models == {"easy": "haiku", "normal": "sonnet", "complex": "opus"}


VALUES = [
    "0",
    "-1",
    "1.5",
    "'x'",
    '"a\\nb"',
    "true",
    "[]",
    "['haiku']",
    "{a = 1}",
    "1979-05-27",
    "nan",
    "99999999",
    f"'{'long ' * 50}'",
]


@needs_tomllib
@pytest.mark.parametrize("key", config_file.KEYS)
def test_a_bad_value_is_one_line_with_the_key_the_value_and_what_is_allowed(key: str) -> None:
    for value in VALUES:
        if value == "true" and isinstance(default_of(key), bool):
            continue
        if value in ("[]", "['haiku']") and isinstance(default_of(key), list):
            continue
        (line,) = wrong(f"{key} = {value}")
        assert re.fullmatch(r"config\.toml: " + re.escape(key) + " is .{1,60}; it has to be .+", line)
        assert config_file.KEYS[key][1] in line


@needs_tomllib
@pytest.mark.parametrize(
    ("text", "said"),
    [("[run]\nattempts = 9", "config.toml: run.attempts is 9; it has to be a whole number from 1 to 5"),
     ("[models]\neasy = 'gpt'", "config.toml: models.easy is 'gpt'; it has to be one of haiku, sonnet, opus, fable"),
     ("[run.attempts]\nmost = 3", "config.toml: run.attempts is {'most': 3}; it has to be a whole number from 1 to 5"),
     ("models = 'opus'", "config.toml: models is 'opus'; it has to be a table: [models], and its keys below"),
     ("[[run]]\nattempts = 3", "config.toml: run is [{'attempts': 3}]; it has to be a table: [run], and its keys below"),
     ("[run]\ntasks = 3", "config.toml: there is no key 'run.tasks'; the keys are run.attempts, run.tasks_per_loop, "),
     ("attempts = 3", "config.toml: there is no key 'attempts in no table'; the tables are models, run, "),
     ("'run.attempts' = 3", "config.toml: there is no key 'run.attempts in no table'; the keys are run.attempts, "),
     ("[git]", "config.toml: there is no key '[git]'; the tables are models, run, "), ("[git]\nname = 1", "config.toml: there is no key '[git]'; the tables are models, run, "),
     ("[run]\n'a\\nb' = 1", "config.toml: there is no key 'run.a\\\\nb'; the keys are run.attempts, ")],
)  # fmt: skip
def test_mistakes_and_what_is_said(text: str, said: str) -> None:
    (line,) = wrong(text)
    assert line.startswith(said)


@needs_tomllib
@pytest.mark.parametrize(
    ("text", "at"),
    [("[run]\nattempts = \n", "line 2"), ("[run]\n\nattempts 3", "line 3"), ("[run]\n[run]\n", "line 2"), ("[run]\na = 1\na = 2\n", "line 3"),
     ("a = '''never ends", "end of document"), ("a = 2024-13-45", "line 1"), ("a\0 = 1", "line 1"), (f"a = {'[' * 20_000}", "recursion"),
     (f"a = {'9' * 5_000}", "digits")],
)  # fmt: skip
def test_what_is_no_toml_is_one_line_that_says_where(text: str, at: str) -> None:
    (line,) = wrong(text)
    assert at in line
    assert re.fullmatch(r"config\.toml: .*; fix its TOML", line)


@needs_tomllib
def test_every_mistake_is_listed_and_the_first_stops_a_run(project: paths.Project) -> None:
    write(project, "[run]\nattempts = 0\ncommit = 'all'\ntask_timeout = 90\n")
    found = config_file.problems(project)
    assert [line.split(" is ")[0].split()[-1] for line in found] == ["run.attempts", "run.commit"]
    with pytest.raises(ClaudestratorError) as refusal:
        config_file.read(project)
    assert str(refusal.value) == found[0]
    assert project.config in found[0]


def test_a_file_that_can_not_be_read(project: paths.Project) -> None:
    os.mkdir(project.config)
    (line,) = config_file.problems(project)
    assert line == f"cannot read {project.config}: Is a directory; fix that and try again"


@needs_tomllib
def test_bytes_that_are_not_utf_8_are_shown_as_what_they_are(project: paths.Project) -> None:
    write(project, b"[run]\ncommit = 'l\xffop'\n")
    (line,) = config_file.problems(project)
    assert "run.commit is 'l\\udcffop'; it has to be one of loop, task, none" in line


def test_an_older_python_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_file, "sys", SimpleNamespace(version_info=(3, 10, 14)))
    assert config_file.parse("[run]\nattempts = 3", "config.toml") == (
        {}, ["config.toml: reading it needs Python 3.11; install that, and then Claudestrator again"],
    )  # fmt: skip


@needs_tomllib
@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(["[run]", "[models]", "attempts", " = ", "\n", "1", "'opus'", "easy", "{", "[", "."])
        ).map("".join),
    )
)
def test_any_text_gives_values_that_hold_or_lines_that_say_why(text: str) -> None:
    values, lines = config_file.parse(text, "config.toml")
    assert all(config_file.KEYS[key][0](value) for key, value in values.items())
    assert all("\n" not in line and line.startswith("config.toml: ") for line in lines)


@needs_tomllib
@pytest.mark.parametrize("text", [f"{'a.' * 500_000}a = 1\n", f"x = {{{'a.' * 40_000}a = 1}}\n", "# x\n" * 50_000])
def test_a_configuration_that_would_take_for_ever_to_read_is_refused(text: str) -> None:
    values, (wrong,) = config_file.parse(text, "config.toml")
    assert (values, wrong[:27]) == ({}, "config.toml: it is too long")
