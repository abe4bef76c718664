"""What will go wrong in a run is told before it does, by `start` in one line and by `check` in full."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from claudestrator_helper import __version__, host
from claudestrator_helper.commands import check
from claudestrator_helper.engine import state
from claudestrator_helper.setup import claude_settings, preflight, settings_edit
from claudestrator_helper.store import paths, state_file, typed_command
from queues import queue, task
from running import helper
from states import state_of

INSTALLED: dict[str, Any] = json.loads(settings_edit.merge("{}", [])[0])
SESSION = {"CLAUDE_CODE_SESSION_ID": "s", "BASH_MAX_TIMEOUT_MS": "3600000"}
START = ("start", "--commands", __version__, "--session", "s")
DIRECTIVES = ("SPAWN", "WAIT", "STOP")
NEWER, OLDER = "99.0.0", "0.0.9"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Project:
    """A repository with a task, a person's home with install.sh's settings, and `/orchestrate` typed in session s."""
    root, home, tools = (tmp_path.resolve() / name for name in ("project", "home", "tools"))
    for folder in (root / ".git", root / ".claude", home, tools):
        folder.mkdir(parents=True)
    for name in ("claudestrator-helper", "git"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(host, "MANAGED_SETTINGS", str(home / "managed-settings.json"))
    (root / ".claude" / "task_queue.md").write_text(queue(task("TASK-001")))
    (root / ".claudestrator").mkdir()
    (root / ".claudestrator" / "config.toml").write_text('[run]\nengine = "task"\n')
    found = paths.project(str(root))
    settings(found, INSTALLED, home / "settings.json")
    typed_command.note(found, "s", "acceptEdits")
    return found


def settings(project: paths.Project, values: object, path: Path | None = None) -> None:
    (path or Path(project.root, ".claude", "settings.json")).write_text(json.dumps(values))


def rules(**kinds: list[str]) -> dict[str, Any]:
    return {"permissions": kinds}


def started(project: paths.Project, *words: str, **environ: str) -> list[str]:
    """The lines that `start` prints in front of its SPAWN, or of the WAIT in which it will look for the words."""
    done = helper(*(words or START), folder=project.root, environ=SESSION | environ)
    assert (done.code, done.stderr) == (0, "")
    *before, last = done.stdout.splitlines()
    assert last.startswith("SPAWN ") or last == "WAIT"
    return before


def checked(project: paths.Project, code: int = 1, **environ: str) -> list[str]:
    done = helper("check", folder=project.root, environ=environ)
    assert (done.code, done.stderr) == (code, "")
    return done.stdout.splitlines()


def test_the_engine_that_was_chosen_for_the_person_is_said_first(project: paths.Project) -> None:
    Path(project.config).unlink()
    assert started(project, BASH_MAX_TIMEOUT_MS="20000")[0].startswith(
        "note: engine task (no terminal); a Bash call may"
    )


def test_in_a_terminal_skills_in_the_background_are_chosen(project: paths.Project) -> None:
    Path(project.config).unlink()
    done = helper(*START, folder=project.root, environ=SESSION | {"CLAUDE_CODE_ENTRYPOINT": "cli"})
    assert done.stdout.splitlines() == ["note: engine lean (skills in the background)", "WORK TASK-001 sonnet"]


def test_where_nothing_will_go_wrong_nothing_is_said(project: paths.Project) -> None:
    assert started(project) == []
    assert checked(project, 0) == ["nothing is wrong"]


@pytest.mark.parametrize("mode", ["acceptEdits", "bypassPermissions", "auto", "unknown"])
def test_modes_in_which_agents_write_are_no_news(project: paths.Project, mode: str) -> None:
    typed_command.note(project, "s", mode)
    assert started(project) == []


@pytest.mark.parametrize(
    ("mode", "allowed", "said"),
    [("plan", [], "in plan mode agents can't write files"), ("plan", ["Edit", "Write"], "in plan mode agents can't write files"),
     ("dontAsk", [], "in don't-ask mode"), ("dontAsk", ["Edit(src/**)"], ""), ("dontAsk", ["Edit"], "in don't-ask mode"),
     ("default", [], "with -p it is denied"), ("default", ["Edit", "Write"], ""), ("default", ["Edit(*)", "Write(*)"], ""), ("default", ["Edit(*)"], "in default mode"),
     ("default", ["Write(**)"], "in default mode"), ("default", ["*", "MultiEdit", "Bash(npm test *)"], "in default mode"), ("default", ["Edit(**)"], "")],
)  # fmt: skip
def test_a_mode_in_which_agents_can_not_write_is_named_unless_a_rule_lets_them(
    project: paths.Project, mode: str, allowed: list[str], said: str
) -> None:
    typed_command.note(project, "s", mode)
    settings(project, rules(allow=allowed))
    told = started(project)
    assert [said in line for line in told] == [True] * bool(said)
    assert [line.removeprefix("note: ") for line in told] == checked(project, int(bool(said)))[: len(told)]


def test_the_mode_in_which_sessions_begin_is_good_to_know(project: paths.Project) -> None:
    os.remove(typed_command._path(project, "s"))
    settings(project, {"permissions": {"defaultMode": "plan"}})
    assert checked(project, 0) == ["nothing is wrong", f"note: {claude_settings._MODES['plan']}"]


def test_the_mode_of_the_session_that_has_the_run_counts_and_not_the_one_in_which_others_begin(
    project: paths.Project,
) -> None:
    settings(project, {"permissions": {"defaultMode": "plan"}})
    started(project)
    assert checked(project, 0) == ["nothing is wrong"]


def test_a_run_that_is_over_says_nothing_of_the_next_session(project: paths.Project) -> None:
    typed_command.note(project, "s", "plan")
    state_file.write(project, state_of(session="s", status=state.RUNNING, hooked=False))
    assert [line[:12] for line in checked(project)] == ["in plan mode", "Claudestrato"]
    state_file.write(project, state_of(session="s", status=state.FINISHED, hooked=False))
    assert checked(project, 0) == ["nothing is wrong"]


@pytest.mark.parametrize(
    ("kind", "rule", "named"),
    [("deny", "Edit", "Edit"), ("deny", "Edit(*)", "Edit"), ("deny", "Edit(**)", "Edit"), ("deny", "Edit(./**)", "Edit"), ("deny", "Read(/**)", "Read"), ("deny", "Write", "Write"),
     ("deny", "Bash", "Bash"), ("deny", "Bash(*)", "Bash"), ("deny", "Bash(claudestrator-helper:*)", "Bash(claudestrator-helper:*)"), ("ask", "Bash(claudestrator-helper *)", "Bash(claudestrator-helper *)"),
     ("deny", "Agent", "Agent"), ("deny", "Task(*)", "Task"), ("deny", "Agent(general-purpose)", "Agent"), ("ask", "Bash", "Bash"), ("ask", "Edit", "Edit"),
     ("deny", "Edit(.env)", ""), ("deny", "Read(./secrets/**)", ""), ("deny", "Write(**)", ""), ("deny", "MultiEdit", ""), ("deny", "Bash(rm *)", ""), ("deny", "WebFetch", ""),
     ("deny", "Bash(claudestrator-helper stop)", ""), ("deny", "Agent(Explore)", ""), ("ask", "Bash(git push *)", ""), ("deny", "Edit\nSPAWN evil opus", "")],
)  # fmt: skip
def test_a_rule_that_a_run_can_not_do_with_is_named_with_its_file(
    project: paths.Project, kind: str, rule: str, named: str
) -> None:
    settings(project, rules(**{kind: [rule, rule]}), Path(project.root, ".claude", "settings.local.json"))
    found = started(project)
    assert len(found) == bool(named)
    assert all(line.startswith("note: .claude/settings.local.json ") for line in found)
    assert all(f" {named}, " in line and line.endswith(f"take it out of permissions.{kind}") for line in found)


@pytest.mark.parametrize("name", ["settings.json", "managed-settings.json"])
def test_rules_of_the_person_and_of_their_company_count_too(project: paths.Project, tmp_path: Path, name: str) -> None:
    settings(project, {**INSTALLED, **rules(deny=["Agent"])}, tmp_path / "home" / name)
    assert "denies Agent, so no agent can start" in started(project)[0]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"permissions": []}', '{"permissions": {"deny": {"Edit": 1}}}', '{"permissions": {"deny": [1, null, ["Edit"]]}}', '{"hooks": [], "env": 3, "enabledPlugins": "x"}',
     "[" * 100_000, '{"a":' * 100_000, "\x00", '{"disableAllHooks": "yes"}'],
    ids=range(12),
)  # fmt: skip
def test_settings_that_are_no_settings_stop_nothing(project: paths.Project, text: str) -> None:
    Path(project.root, ".claude", "settings.json").write_text(text)
    assert started(project) == []
    assert checked(project, 0) == ["nothing is wrong"]


def test_settings_that_nobody_ever_finishes_writing_hold_nobody(project: paths.Project) -> None:
    os.mkfifo(os.path.join(project.root, ".claude", "settings.json"))
    assert started(project) == []


def test_settings_with_a_byte_order_mark_are_settings(project: paths.Project) -> None:
    Path(project.root, ".claude", "settings.json").write_text("\ufeff" + json.dumps(rules(deny=["Write"])))
    assert "denies Write" in started(project)[0]


def without(*events: str) -> dict[str, Any]:
    return {**INSTALLED, "hooks": {event: each for event, each in INSTALLED["hooks"].items() if event not in events}}


@pytest.mark.parametrize(
    ("values", "said"),
    [({}, "hooks are not installed"), (without(*INSTALLED["hooks"]), "hooks are not installed"), (without("StopFailure"), "of an older version (no StopFailure)"),
     ({**INSTALLED, "disableAllHooks": True}, "~/.claude/settings.json has disableAllHooks"), (INSTALLED, "hooks did not run here"), ({**INSTALLED, "disableAllHooks": False}, "hooks did not run here"),
     ({"enabledPlugins": {"claudestrator@somewhere": True}}, "hooks did not run here"), ({"enabledPlugins": {"claudestrator@somewhere": False}}, "hooks are not installed"),
     ({"enabledPlugins": {"claudestrator-like@somewhere": True}}, "hooks are not installed")],
)  # fmt: skip
def test_hooks_that_did_not_see_the_command_are_named_with_the_reason(
    project: paths.Project, tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    settings(project, values, tmp_path / "home" / "settings.json")
    os.remove(typed_command._path(project, "s"))
    [told] = started(project)
    assert said in told
    assert "costs an hour" in told
    state_file.write(project, state_of(session="s", status=state.RUNNING, hooked=False))
    assert said in "\n".join(checked(project))


def test_a_hook_that_another_session_called_is_no_hook_of_this_one(project: paths.Project) -> None:
    os.remove(typed_command._path(project, "s"))
    typed_command.note(project, "another", "acceptEdits")
    assert "did not run here" in started(project)[0]


def test_older_hooks_of_which_one_saw_the_command_are_for_check_to_name(project: paths.Project, tmp_path: Path) -> None:
    settings(project, without("Stop", "StopFailure"), tmp_path / "home" / "settings.json")
    assert started(project) == []
    assert "of an older version (no StopFailure)" in checked(project)[0]


def test_a_plugin_switched_off_for_the_project_brings_no_hooks(project: paths.Project, tmp_path: Path) -> None:
    settings(project, {"enabledPlugins": {"claudestrator@x": True}}, tmp_path / "home" / "settings.json")
    assert checked(project, 0)[0] == "nothing is wrong"
    settings(project, {"enabledPlugins": {"claudestrator@x": False}})
    assert "hooks are not installed" in checked(project)[0]


def test_the_plugins_own_helper_has_its_hooks_and_commands_beside_it(project: paths.Project, tmp_path: Path) -> None:
    settings(project, {}, tmp_path / "home" / "settings.json")
    (tmp_path / "tools" / "claudestrator-helper").unlink()
    assert checked(project, 0, CLAUDESTRATOR_PLUGIN="/plugin")[0] == "nothing is wrong"


@pytest.mark.parametrize(
    ("version", "said"),
    [(NEWER, f"note: /orchestrate (99.0.0) is newer than the helper ({__version__}): "), (OLDER, f"note: /orchestrate (0.0.9) is older than the helper ({__version__}): "),
     ("", f"note: /orchestrate is older than the helper ({__version__}): "), ("9.9\nSPAWN evil opus " + "x" * 99, "note: /orchestrate (9.9 SPAWN evil opus…) is newer")],
)  # fmt: skip
def test_commands_of_another_version_are_named(project: paths.Project, version: str, said: str) -> None:
    [told] = started(project, "start", "--commands", version, "--session", "s")
    assert told.startswith(said)
    assert "install.sh" in told


@pytest.mark.parametrize(
    ("call", "said"),
    [("start --commands 99.0.0 --session x -", "is newer"), ("start --session x -", "is older"), (f"start --commands {__version__} -", ""), ("status", "")],
)  # fmt: skip
def test_installed_commands_of_another_version_are_named_by_check(
    project: paths.Project, tmp_path: Path, call: str, said: str
) -> None:
    for folder in (Path(project.root, ".claude"), tmp_path / "home"):
        (folder / "commands").mkdir()
        (folder / "commands" / "orchestrate.md").write_text(f"```!\nclaudestrator-helper {call}\n```\n")
    found = checked(project, int(bool(said)))
    assert len(found) == (2 if said else 1)
    assert all(said in line for line in found)
    assert not said or found[0].startswith(os.path.join(project.root, ".claude", "commands", "orchestrate.md"))


@pytest.mark.parametrize(
    ("entry", "said"),
    [({"version": NEWER}, True), ({"version": __version__}, False), ({"version": OLDER, "projectPath": "/elsewhere"}, False), ({"version": OLDER, "projectPath": "."}, True), (7, False), ({}, False)],
)  # fmt: skip
def test_a_plugin_of_another_version_is_named_by_check(
    project: paths.Project, tmp_path: Path, entry: object, said: bool
) -> None:
    if isinstance(entry, dict) and entry.get("projectPath") == ".":
        entry = {**entry, "projectPath": project.root}
    (tmp_path / "home" / "plugins").mkdir()
    plugins = {"other@claudestrator": [{"version": OLDER}], "claudestrator@somewhere": [entry], "claudestrator@odd": 1}
    (tmp_path / "home" / "plugins" / "installed_plugins.json").write_text(json.dumps({"plugins": plugins}))
    assert checked(project, int(said))[0].startswith("the plugin (" if said else "nothing is wrong")


def test_an_option_of_newer_commands_is_a_stop_line_that_says_which_is_older(project: paths.Project) -> None:
    words = ("start", "--commands", NEWER, "--depth", "3", "--session", "s", "-")
    done = helper(*words, folder=project.root, stdin=b"\n", environ=SESSION)
    assert (done.code, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert done.stdout.startswith(f"STOP /orchestrate (99.0.0) is newer than the helper ({__version__}): ")
    assert "(it has no --depth)" in done.stdout


def test_an_option_of_no_newer_commands_is_no_option(project: paths.Project) -> None:
    done = helper("start", "--commands", __version__, "--depth", "3", folder=project.root, environ=SESSION)
    assert done.stdout.startswith("STOP '--depth' is no option: there are --verify, ")


def test_an_option_without_its_value_is_a_stop_line_too(project: paths.Project) -> None:
    done = helper("start", "--session", folder=project.root)
    assert (done.code, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert done.stdout.startswith("STOP ")


@pytest.mark.parametrize(
    ("cap", "start", "check"),
    [("30000", "a Bash call may take only 30 s", "a Bash call may take only 30 s"), ("59999", "only 59 s", "only 59 s"), ("60000", "", "note: a Bash call may take 60 s, "), ("120000", "", "note: a Bash call may take 120 s, "),
     ("", "", "note: a Bash call may take 600 s, "), ("none", "", "note: a Bash call may take 600 s, "), ("600001", "", "note: a Bash call may take 600 s, "), ("1200000", "", ""), ("9999999999", "", "")],
)  # fmt: skip
def test_a_cap_on_bash_calls_that_makes_waits_chatty_is_named(
    project: paths.Project, tmp_path: Path, cap: str, start: str, check: str
) -> None:
    settings(project, {"hooks": INSTALLED["hooks"], "env": {}}, tmp_path / "home" / "settings.json")
    told = started(project, BASH_MAX_TIMEOUT_MS=cap)
    assert [start in line for line in told] == [True] * bool(start)
    found = [line for line in checked(project, int(bool(start)), BASH_MAX_TIMEOUT_MS=cap) if line != "nothing is wrong"]
    assert [check in line for line in found] == [True] * bool(check)
    # The settings' own value is what sessions get, whatever the terminal has.
    settings(project, {"env": {"BASH_MAX_TIMEOUT_MS": 3600000}})
    assert checked(project, 0, BASH_MAX_TIMEOUT_MS=cap) == ["nothing is wrong"]


def test_what_check_names_in_a_queue_is_counted_at_the_start(project: paths.Project) -> None:
    many = [task("TASK-001"), task("TASK-002"), task("TASK-002"), task("TASK-003", status="whatever")]
    Path(project.queue).write_text(queue(*many))
    [told] = started(project)
    assert told == (
        "note: tasks in the queue occur more than once (1), and never run: `claudestrator-helper check` names them"
        "; `claudestrator-helper check` names 1 more"
    )


def test_a_project_without_a_repository_is_named_at_the_start(project: paths.Project) -> None:
    os.rmdir(os.path.join(project.root, ".git"))
    assert f"{project.root} has no git repository" in started(project)[0]


def test_a_claude_that_was_started_in_a_subfolder_loads_no_hooks(project: paths.Project) -> None:
    below = os.path.join(project.root, "src")
    os.mkdir(below)
    assert "note:" not in helper(*START, folder=below, environ=SESSION).stdout
    os.remove(project.session)
    os.remove(typed_command._path(project, "s"))
    told = helper(*START, folder=below, environ=SESSION).stdout
    assert told.startswith("note: hooks load only where claude was started, and this is a folder below: start it in /")


OLD, SUPPORTED, NEW = (f"claude-code_2-1-{minor}_agent" for minor in (144, 145, 332))


def test_a_release_that_is_not_supported_is_wrong_in_one_line(project: paths.Project) -> None:
    [told] = started(project, AI_AGENT=OLD)
    assert told.startswith("note: Claude Code 2.1.144 is older than 2.1.145, the oldest that Claudestrator supports: ")
    assert checked(project, AI_AGENT=OLD) == [told.removeprefix("note: ")]


def test_what_an_older_release_lacks_of_what_the_engine_uses_is_named(project: paths.Project) -> None:
    [told] = started(project, AI_AGENT=SUPPORTED)
    assert told.startswith("note: Claude Code 2.1.145 lacks blocked notices (from 2.1.260): ")
    assert "`context`" not in told
    assert "`context` (from 2.1.310)" in checked(project, 0, AI_AGENT=SUPPORTED)[1]


@pytest.mark.parametrize(("engine", "lacks"), [("task", ["blocked notices"]), ("lean", [])])
def test_what_the_engine_does_not_use_may_be_lacking(project: paths.Project, engine: str, lacks: list[str]) -> None:
    Path(project.config).write_text(f'[run]\nengine = "{engine}"\n')
    told = helper(*START, folder=project.root, environ=SESSION | {"AI_AGENT": "claude-code_2-1-213_agent"}).stdout
    assert [each for each in ("blocked notices",) if each in told] == lacks


def test_mods_may_be_lacking_where_the_plugin_would_use_them(project: paths.Project) -> None:
    before = {"AI_AGENT": "claude-code_2-1-285_agent"}
    assert started(project, **before) == []
    Path(project.config).unlink()
    typed_command.note(project, "s", "acceptEdits")
    [told] = started(project, CLAUDESTRATOR_PLUGIN="/plugin", **before)
    assert told == "note: Claude Code 2.1.285 lacks mods (from 2.1.286): run `claude update`"
    found = "\n".join(checked(project, 0, CLAUDESTRATOR_PLUGIN="/plugin", **before))
    assert found.count("mods (from 2.1.286)") == 1


def test_where_a_mod_waits_nothing_is_said_of_what_waiting_costs_a_model(project: paths.Project) -> None:
    Path(project.config).unlink()
    settings(project, {"env": {"BASH_MAX_TIMEOUT_MS": "600000"}})

    def is_said(release: str) -> bool:
        found = checked(project, 0, AI_AGENT=release, CLAUDESTRATOR_PLUGIN="/plugin")
        return "waiting costs a turn" in "\n".join(found)

    assert [is_said(release) for release in (NEW, "claude-code_2-1-285_agent", "")] == [False, True, True]
    Path(project.config).write_text('[run]\nengine = "task"\n', encoding="utf-8")
    assert is_said(NEW)


@pytest.mark.parametrize("said", [NEW, "", "another"])
def test_nothing_is_said_of_the_newest_release_and_of_an_unknown_one(project: paths.Project, said: str) -> None:
    assert started(project, AI_AGENT=said) == []
    assert checked(project, 0, AI_AGENT=said) == ["nothing is wrong"]


def background(project: paths.Project, tmp_path: Path) -> list[str]:
    return started(project, CLAUDE_JOB_DIR=str(tmp_path / "home"))


def test_the_guard_of_a_background_session_is_named_with_its_setting(project: paths.Project, tmp_path: Path) -> None:
    [told] = background(project, tmp_path)
    assert told == (
        "note: in a background session agents can't write to this checkout: "
        'put "worktree": {"bgIsolation": "none"} into .claude/settings.json'
    )
    assert checked(project, CLAUDE_JOB_DIR=str(tmp_path)) == [told.removeprefix("note: ")]


def test_a_background_session_without_the_guard_is_no_news(project: paths.Project, tmp_path: Path) -> None:
    settings(project, {"worktree": {"bgIsolation": "none"}})
    assert background(project, tmp_path) == []


def test_a_session_that_was_sent_to_the_background_has_no_guard(project: paths.Project, tmp_path: Path) -> None:
    (tmp_path / "home" / "state.json").write_text('{"bgIsolation": "none"}')
    assert background(project, tmp_path) == []


def test_a_background_session_in_a_worktree_has_no_guard(project: paths.Project, tmp_path: Path) -> None:
    os.rmdir(os.path.join(project.root, ".git"))
    Path(project.root, ".git").write_text("gitdir: elsewhere\n")
    assert background(project, tmp_path) == []


def disk(
    monkeypatch: pytest.MonkeyPatch, megabytes: int = 100_000, read_only: Callable[[str], bool] = lambda _: False
) -> None:
    def statvfs(path: str) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=megabytes * 1000, f_frsize=1000, f_flag=os.ST_RDONLY if read_only(path) else 0)

    monkeypatch.setattr(os, "statvfs", statvfs)


@pytest.mark.parametrize(("megabytes", "place"), [(0, 0), (9, 0), (10, 1), (99, 1), (100, None)])
def test_little_room_is_named_and_next_to_none_before_all_else(
    project: paths.Project, monkeypatch: pytest.MonkeyPatch, megabytes: int, place: int | None
) -> None:
    disk(monkeypatch, megabytes)
    settings(project, rules(deny=["Edit"]))
    wrong = check.findings(project)[0]
    said = [line for line in wrong if f"has {megabytes} MB left" in line]
    assert [wrong.index(line) for line in said] == ([] if place is None else [place])
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s")
    monkeypatch.setenv("BASH_MAX_TIMEOUT_MS", "3600000")
    [told] = preflight.note(project, "s", __version__)
    assert (f"has {megabytes} MB left" in told) == (place == 0)
    assert ("names 1 more" in told) == (place is not None)


def test_a_disk_that_is_mounted_read_only_is_named(project: paths.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, read_only=lambda path: path == project.root)
    assert check.findings(project)[0] == [f"{project.root} can't be written: make it writable, or start elsewhere"]


@pytest.fixture
def outside(project: paths.Project) -> Iterator[Path]:
    """The project where an ordinary user gets to it, and that one's own: pytest's folders are for who started it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "project"
        shutil.move(project.root, root)
        (root / ".claude" / "claudestrator.lock").touch()
        if os.geteuid() == 0:
            for path in (root.parent, root, *root.rglob("*")):
                os.chown(path, 65534, -1)
        yield root


def ordinary_user() -> None:
    """What access() says is about the real user, and nothing else is."""
    if os.geteuid() == 0:
        os.setreuid(65534, -1)


@pytest.mark.parametrize("name", ["", ".claude", ".claude/agent_complete", ".claude/claudestrator.lock"])
def test_what_may_not_be_written_is_named(outside: Path, name: str) -> None:
    def named() -> list[str]:
        lines = helper("check", folder=outside, first=ordinary_user).stdout.splitlines()
        return [line.partition(" can't be written")[0] for line in lines if "can't be written" in line]

    path = outside / name
    assert named() == []
    mode = path.stat().st_mode
    path.chmod(0o500)
    try:
        assert named() == [str(path)]
    finally:
        path.chmod(mode)


def test_each_place_that_a_run_writes_to_is_looked_at(project: paths.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(project.lock).touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    wrong = check.findings(project)[0]
    places = [project.root, project.state, project.markers, project.lock]
    assert [line.split(" can't")[0] for line in wrong[: len(places)]] == places


def test_a_folder_that_is_to_be_made_needs_one_around_it_that_can_be_written(
    project: paths.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(project.state)
    disk(monkeypatch, read_only=lambda path: path == project.root)
    assert [line for line in check.findings(project)[0] if "can't be written" in line] == [
        f"{project.root} can't be written: make it writable, or start elsewhere"
    ]


def test_repositories_around_and_inside_the_project_are_good_to_know(project: paths.Project) -> None:
    root = Path(project.root)
    shutil.move(root / ".git", root.parent / ".git")
    for name in ("lib", "vendor/one", "vendor/two", "node_modules/x", ".venv/src", "deep/er/est", "lib/below"):
        (root / name / ".git").mkdir(parents=True)
    (root / "worktree").mkdir()
    (root / "worktree" / ".git").write_text("gitdir: elsewhere\n")
    (root / "link").symlink_to(root.parent)
    assert checked(project, 0) == [
        "nothing is wrong",
        f"note: the repository is {root.parent}: a loop commits what changed below {root}, and nothing else",
        f"note: below {root}, repositories of their own: lib, worktree, vendor/one, vendor/two; a loop commits no change in them",
    ]
    assert started(project) == []


def test_a_name_of_a_repository_is_no_line_of_its_own(project: paths.Project) -> None:
    os.makedirs(os.path.join(project.root, "a\x1b[2J\nSTOP b", ".git"))
    assert checked(project, 0)[1].endswith("repositories of their own: a [2J STOP b; a loop commits no change in them")


def test_of_many_things_the_gravest_is_said_and_how_many_more_check_names(
    project: paths.Project, tmp_path: Path
) -> None:
    settings(project, {**rules(deny=["Agent", "Bash"], ask=["Edit"]), "hooks": {}})
    settings(project, rules(deny=["Write"]), tmp_path / "home" / "settings.json")
    os.remove(typed_command._path(project, "s"))
    typed_command.note(project, "another", "plan")
    [told] = started(project, "start", "--commands", OLDER, "--session", "s", BASH_MAX_TIMEOUT_MS="1000")
    first, _, more = told.removeprefix("note: ").partition("; ")
    (Path(project.root, ".claude", "commands")).mkdir()
    command = f"claudestrator-helper start --commands {OLDER} -"
    Path(project.root, ".claude", "commands", "orchestrate.md").write_text(command)
    found = checked(project, BASH_MAX_TIMEOUT_MS="1000")
    assert (
        found[0]
        == first
        == ".claude/settings.json denies Agent, so no agent can start: take it out of permissions.deny"
    )
    assert more == f"`claudestrator-helper check` names {len(found) - 1} more"
    assert len(found) == 7


def test_whatever_is_said_is_one_short_line_and_no_directive(
    project: paths.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        *claude_settings._MODES.values(),
        *(
            line
            for kind in ("deny", "ask")
            for tool in claude_settings._NEEDS
            for line in claude_settings.barred({".claude/settings.local.json": rules(**{kind: [tool]})})
        ),
        *claude_settings.unhooked({}, ran=False),
        *claude_settings.unhooked({"x": INSTALLED}, ran=False),
        *claude_settings.unhooked({"x": without("UserPromptExpansion")}, ran=False),
        *claude_settings.unhooked({"the managed settings": {"disableAllHooks": True}}, ran=False),
        preflight._skew("/orchestrate", "99.99.99"),
        *preflight.dangers(project, {}, "", [], [], "1000"),
    ]
    disk(monkeypatch, 9)
    found += preflight.dangers(project, {}, "", [], [], "3600000")
    longest = len("note: " + "; `claudestrator-helper check` names 12 more")
    assert len(found) == 3 + 12 + 4 + 3
    assert {line: len(line) for line in found if len(line) + longest >= 200} == {}
    for line in found:
        assert re.fullmatch(r"[^\x00-\x1f]+", line)
        assert not line.startswith(DIRECTIVES)
        assert ": " in line, "the thing, and the next step"


def test_a_long_path_is_cut(tmp_path: Path, project: paths.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path.joinpath(*["long" * 20] * 4)
    (root / ".git").mkdir(parents=True)
    disk(monkeypatch, read_only=lambda _: True)
    [told] = preflight.note(paths.project(str(root)), "s", __version__)
    assert len(told) <= 196
    assert told.startswith("note: /")


def test_it_is_said_at_each_start_of_a_run_and_by_no_wait(project: paths.Project) -> None:
    typed_command.note(project, "s", "plan")
    assert len(started(project)) == 1
    typed_command.note(project, "s", "plan")
    assert len(started(project)) == 1
    typed_command.guard(project, permit=True)
    done = helper("wait", "--max", "0", folder=project.root, environ=SESSION)
    assert done.stdout.startswith("still waiting")


@pytest.mark.parametrize("words", ["", "--dry-run", "nonsense"])
def test_a_start_that_starts_nothing_needs_no_note(project: paths.Project, words: str) -> None:
    typed_command.note(project, "s", "plan")
    Path(project.queue).write_text(queue(task("TASK-001", status="completed" if not words else "pending")))
    done = helper(*START, "-", folder=project.root, stdin=words.encode(), environ=SESSION)
    assert "note:" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("STOP ")


@pytest.mark.parametrize("session", ["", "another"])
def test_a_start_by_hand_is_in_no_session_of_which_anything_is_known(project: paths.Project, session: str) -> None:
    typed_command.note(project, "s", "plan")
    assert started(project, *START, CLAUDE_CODE_SESSION_ID=session) == []
    assert started(project, "start", "--takeover", "--session", "by-hand") == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML is read from Python 3.11 on")
def test_a_gate_that_no_one_has_allowed_is_told_when_a_run_begins(project: paths.Project) -> None:
    Path(project.config).write_text('[run]\nengine = "task"\n[gate]\ncommands = ["true"]\n')
    (line,) = started(project)
    assert line.startswith("note: a gate waits for you: `claudestrator-helper allow` in a terminal shows it and asks")
