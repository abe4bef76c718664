"""install.sh and what it runs, with a home of its own for each test, and a stand-in for `claude` on PATH."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pytest
import running
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.setup import claude_settings, helper_link, install, install_steps, settings_edit
from claudestrator_helper.store import files
from patience import busy

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parent.parent
COMMANDS = sorted(path.name for path in (REPOSITORY / "commands").glob("*.md"))
RULE = "Bash(claudestrator-helper *)"


class Person(NamedTuple):
    """Somebody with a home, a project and a venv that has the helper already."""

    home: Path
    project: Path
    environment: dict[str, str]

    def runs(
        self, *words: str | Path, clone: str = str(REPOSITORY), **changes: str
    ) -> subprocess.CompletedProcess[str]:
        """install.sh itself."""
        command = ["bash", f"{clone}/install.sh", *map(str, words)]
        environment = self.environment | changes
        return subprocess.run(
            command,
            cwd=self.project,
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            stdin=subprocess.DEVNULL,
        )

    def steps(self, *words: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        """What install.sh runs once it has found a Python, in a fork of this process, which starts sooner."""
        if "PATH" in changes:
            return self.runs(*words, **changes)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            pid = running.fork(lambda: self._install(list(map(str, words)), changes, out, err))
            (code,) = running.joined([pid])
            said = [(file.seek(0), file.read())[1] for file in (out, err)]
        return subprocess.CompletedProcess(words, code, *said)

    def _install(self, words: list[str], changes: dict[str, str], out: TextIO, err: TextIO) -> None:
        os.chdir(self.project)
        os.environ.clear()
        os.environ.update(self.environment | changes)
        sys.argv, sys.stdout, sys.stderr = ["install", *words], out, err
        try:
            install.main()
        except SystemExit as refusal:
            print(refusal.code, file=err)
            raise
        finally:
            out.flush()
            err.flush()

    def gets(self, *words: str | Path, **changes: str) -> str:
        done = self.steps(*words, **changes)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def is_refused(self, *words: str | Path, **changes: str) -> str:
        """The one line of a refusal."""
        done = self.steps(*words, **changes)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        return line

    @property
    def link(self) -> Path:
        return self.home / ".local" / "bin" / "claudestrator-helper"

    @property
    def settings(self) -> Path:
        return self.project / ".claude" / "settings.json"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    programs = tmp_path / "programs"
    script(programs / "claude", "exit 9")
    script(tmp_path / "ready" / "bin" / "claudestrator-helper", "echo ready-made")
    home, project = tmp_path / "home", tmp_path / "a project"
    home.mkdir()
    project.mkdir()
    path = os.pathsep.join([str(home / ".local" / "bin"), str(programs), os.environ["PATH"]])
    own = {"HOME": str(home), "PATH": path, "CLAUDESTRATOR_VENV": str(tmp_path / "ready")}
    downloads = ("XDG_CACHE_HOME", "PIP_CONFIG_FILE", "PIP_CACHE_DIR")
    return Person(home, project, {name: os.environ[name] for name in downloads if name in os.environ} | own)


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """All that is in a folder: files with their bytes, links with where they lead, folders."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in sorted(folder.rglob("*"))
    }


def test_a_project_gets_the_commands_the_settings_and_the_helper(person: Person) -> None:
    done = person.runs()
    assert (done.returncode, done.stderr) == (0, "")
    commands = person.project / ".claude" / "commands"
    assert sorted(path.name for path in (commands / "claudestrator").iterdir()) == COMMANDS
    assert (commands / "orchestrate.md").read_bytes() == (REPOSITORY / "commands" / "orchestrate.md").read_bytes()
    settings = json.loads(person.settings.read_text())
    assert settings["permissions"]["allow"] == [RULE]
    assert settings["env"] == {"BASH_MAX_TIMEOUT_MS": "3600000"}
    assert settings["hooks"] == plugins_hooks()
    assert subprocess.run([person.link], check=True, capture_output=True, text=True).stdout == "ready-made\n"


@pytest.mark.parametrize("way", ["folder", "link", "dot", "nothing", "slash"])
def test_a_project_can_be_named_in_any_way(person: Person, tmp_path: Path, way: str) -> None:
    (tmp_path / "linked").symlink_to(person.project)
    words: dict[str, list[str | Path]] = {
        "folder": [person.project],
        "link": [tmp_path / "linked"],
        "dot": ["."],
        "nothing": [],
        "slash": [f"{person.project}/"],
    }
    done = person.runs(*words[way])
    assert (done.returncode, done.stderr) == (0, "")
    assert person.settings.exists()
    assert (tmp_path / "linked").is_symlink()


def test_for_everywhere_it_goes_into_the_home_folder(person: Person) -> None:
    person.gets("--global")
    assert (person.home / ".claude" / "commands" / "orchestrate.md").exists()
    assert tree(person.project) == {}


def test_for_everywhere_it_goes_where_claude_code_was_told_to_look(person: Person, tmp_path: Path) -> None:
    person.gets("--global", CLAUDE_CONFIG_DIR=str(tmp_path / "config"))
    assert (tmp_path / "config" / "settings.json").exists()
    assert not (person.home / ".claude").exists()


@pytest.mark.parametrize("where", [[], ["--global"]])
def test_a_second_run_changes_no_byte(person: Person, where: list[str]) -> None:
    person.gets(*where)
    before = tree(person.project), tree(person.home)
    assert [line.split(": ")[0] for line in person.gets(*where).splitlines()] == ["note", "ready"]
    assert (tree(person.project), tree(person.home)) == before


def test_a_dry_run_tells_every_change_and_makes_none(person: Person) -> None:
    told = person.gets("--dry-run")
    assert (tree(person.project), tree(person.home)) == ({}, {})
    for name in (
        "commands/orchestrate.md",
        "commands/claudestrator/stop.md",
        RULE,
        "BASH_MAX_TIMEOUT_MS",
        str(person.link),
    ):
        assert name in told
    done = person.gets()
    assert done.startswith(told)
    assert person.gets("--dry-run") == "nothing would change\n"


def test_a_dry_run_makes_no_venv_either(person: Person) -> None:
    environment = {name: value for name, value in person.environment.items() if name != "CLAUDESTRATOR_VENV"}
    assert "share/claudestrator/venv" in person._replace(environment=environment).gets("--dry-run")
    assert tree(person.home) == {}


SETTINGS = [
    "{}\n",
    '{"permissions": {"allow": ["Read"], "deny": []}, "model": "opus"}',
    '{\n    "model": "opus",\n    "big": 12345678901234567890, "n": 1e5,\n    "hooks": {"Stop": []}\n}\n',
    '{\r\n\t"env": {\r\n\t\t"A": "\\u00e9"\r\n\t}\r\n}',
    '\ufeff{"permissions": {}}\n',
]


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_are_added_to_and_uninstalling_gives_their_bytes_back(person: Person, text: str) -> None:
    person.settings.parent.mkdir()
    person.settings.write_bytes(text.encode())
    before = tree(person.project)
    person.gets()
    new, old = json.loads(person.settings.read_text("utf-8-sig")), json.loads(text.removeprefix("\ufeff"))
    assert new["permissions"]["allow"][-1] == RULE
    assert all(new[key] == value for key, value in old.items() if key not in {"permissions", "env", "hooks"})
    person.gets("--uninstall")
    assert tree(person.project) == before


def test_an_empty_settings_file_counts_as_one_without_settings(person: Person) -> None:
    person.settings.parent.mkdir()
    person.settings.touch()
    person.gets()
    person.gets("--uninstall")
    assert person.settings.read_text() == "{}\n"


def test_settings_that_were_there_before_stay_as_they_are(person: Person) -> None:
    person.settings.parent.mkdir()
    mine = {"permissions": {"allow": [RULE]}, "env": {"BASH_MAX_TIMEOUT_MS": "720000"}}
    person.settings.write_text(json.dumps(mine))
    person.gets()
    assert {key: json.loads(person.settings.read_text())[key] for key in mine} == mine
    person.gets("--uninstall")
    assert json.loads(person.settings.read_text()) == mine


def test_a_hook_that_the_person_has_given_a_timeout_is_not_added_again(person: Person) -> None:
    person.gets()
    settings = json.loads(person.settings.read_text())
    settings["hooks"]["SubagentStop"][0]["hooks"][0]["timeout"] = 5
    person.settings.write_text(json.dumps(settings))
    person.gets()
    assert json.loads(person.settings.read_text()) == settings


@pytest.mark.parametrize("where", ["the project", "home"])
def test_a_settings_file_that_is_a_link_stays_one(person: Person, where: str) -> None:
    folder, words = (person.project, []) if where == "the project" else (person.home, ["--global"])
    settings, shared = folder / ".claude" / "settings.json", folder / "shared.json"
    settings.parent.mkdir()
    shared.write_text("{}\n")
    settings.symlink_to(shared)
    person.gets(*words)
    assert RULE in shared.read_text()
    person.gets("--uninstall", *words)
    assert settings.is_symlink()
    assert shared.read_text() == "{}\n"


LINKS = [
    "",
    "settings.json",
    "commands",
    "commands/claudestrator",
    "commands/orchestrate.md",
    "claudestrator-install.json",
]


@pytest.mark.parametrize("name", LINKS)
def test_a_clones_link_to_somewhere_else_is_refused(person: Person, tmp_path: Path, name: str) -> None:
    person.gets()
    inside, outside = person.project / ".claude" / name, tmp_path / "outside"
    inside.rename(outside)
    inside.symlink_to(outside)
    before = tree(tmp_path)
    for words in ([], ["--dry-run"], ["--uninstall"], ["--uninstall", "--dry-run"]):
        line = person.is_refused(*words)
        assert f"{inside} leads out of {person.project} by a link" in line
    assert tree(tmp_path) == before


def test_a_clones_link_to_the_persons_own_settings_is_refused(person: Person) -> None:
    """With a manifest by which a rule of the person's was to be taken out."""
    mine = person.home / ".claude" / "settings.json"
    mine.parent.mkdir()
    mine.write_text('{"permissions": {"deny": ["Bash(rm *)"]}}')
    hostile(person, [["permissions", "deny"]], "Bash(rm *)")
    person.settings.unlink()
    person.settings.symlink_to(mine)
    for words in ([], ["--uninstall"]):
        assert "by a link" in person.is_refused(*words)
    assert mine.read_text() == '{"permissions": {"deny": ["Bash(rm *)"]}}'


THEIRS: dict[str, Any] = {
    "permissions": {"deny": ["Bash(rm *)"], "allow": ["Read"]},
    "env": {"TOKEN": "x", "BASH_MAX_TIMEOUT_MS": "5"},
    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "claudestrator-helper hook; mine"}]}]},
    "model": "opus",
}


def hostile(person: Person, paths: list[list[str]], value: Any) -> None:
    """An installation whose manifest lists, as added by us, that value at those paths too."""
    person.gets()
    path = person.project / ".claude" / "claudestrator-install.json"
    manifest = json.loads(path.read_text())
    manifest["settings"] += [{"path": each, "value": value, "item": item} for each in paths for item in (True, False)]
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["permissions", "deny"], "Bash(rm *)"),
        (["permissions", "deny"], ["Bash(rm *)"]),
        (["permissions", "allow"], "Read"),
        (["env", "TOKEN"], "x"),
        (["env", "BASH_MAX_TIMEOUT_MS"], "5"),
        (["hooks", "Stop"], THEIRS["hooks"]["Stop"][0]),
        (["hooks"], THEIRS["hooks"]),
        (["model"], "opus"),
    ],
)
def test_only_what_claudestrator_adds_is_taken_out_whatever_a_manifest_lists(
    person: Person, path: list[str], value: Any
) -> None:
    person.settings.parent.mkdir()
    person.settings.write_text(json.dumps(THEIRS))
    hostile(person, [path], value)
    told = person.gets("--uninstall")
    assert json.loads(person.settings.read_text()) == THEIRS
    assert f'keep "{".".join(path)}", which' in told


def test_what_is_taken_out_is_named(person: Person) -> None:
    person.gets()
    told = [line for line in person.gets("--uninstall").splitlines() if "take out" in line]
    assert f"{person.settings}: take out permissions.allow: {json.dumps(RULE)}" in told
    assert len(told) == 2 + sum(map(len, claude_settings.HOOKS.values()))


@pytest.mark.parametrize("name", ["settings.json", "settings.local.json", "task_queue.md", "commands/mine/x.md"])
def test_a_manifest_makes_no_file_ours(person: Person, name: str) -> None:
    person.gets()
    manifest = person.project / ".claude" / "claudestrator-install.json"
    listed = json.loads(manifest.read_text())
    listed["files"][name] = ["x"]
    manifest.write_text(json.dumps(listed))
    assert "is not as Claudestrator wrote it" in person.is_refused("--uninstall")


@pytest.mark.parametrize("what", ["upgrade", "uninstall"])
@pytest.mark.parametrize("name", ["settings.json", "commands/claudestrator/old.md", "claudestrator-install.json"])
def test_a_file_that_is_read_only_is_not_replaced(
    ships: "Commands", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    place = install_steps.Place(str(tmp_path / ".claude"))
    ships({"orchestrate.md": "one", "old.md": "one"})
    install.install(place, [], dry_run=False)
    ships({"orchestrate.md": "two"})
    monkeypatch.setattr(settings_edit, "WANTED", settings_edit.WANTED[:-1])
    (tmp_path / ".claude" / name).chmod(0o444)
    before = tree(tmp_path)
    with pytest.raises(ClaudestratorError, match=f"{name} can't be written: make it writable"):
        install.install(place, [], dry_run=False) if what == "upgrade" else install.uninstall(place, dry_run=False)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("local", [[], ["--local"]])
@pytest.mark.parametrize("upgrade", [False, True])
def test_a_failure_of_any_step_leaves_everything_as_it_was(
    ships: "Commands", person: Person, monkeypatch: pytest.MonkeyPatch, local: list[str], *, upgrade: bool
) -> None:
    for name, value in person.environment.items():
        monkeypatch.setenv(name, value)
    arguments = install._arguments([str(person.project), *local])
    person.settings.parent.mkdir()
    (person.settings.parent / f"settings{'.local' if local else ''}.json").write_text('{"model": "opus"}')
    ships({"orchestrate.md": "one", "old.md": "one"})
    if upgrade:
        install.run(arguments)
        person.link.unlink()
        person.link.symlink_to(person.home / "gone")
    ships({"orchestrate.md": "two", "new.md": "two"})
    before = tree(person.project), files_of(person.home)
    failed = 0
    while fails(lambda: install.run(arguments), monkeypatch, failed):
        failed += 1
        assert (tree(person.project), files_of(person.home)) == before
    assert failed >= 6


def files_of(folder: Path) -> dict[str, Any]:
    return {name: content for name, content in tree(folder).items() if content is not None}


def fails(action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, step: int) -> bool:
    """Whether *action* fails when the disk refuses its step of that number, and no other."""
    count = iter(range(1000))

    def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            if next(count) == step:
                raise ClaudestratorError("the disk is full")
            return real(*words, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("write", "edit", "remove"):
            patch.setattr(files, name, refusing(getattr(files, name)))
        patch.setattr(helper_link, "make_link", refusing(helper_link.make_link))
        try:
            action()
        except ClaudestratorError:
            return True
    return False


@pytest.mark.parametrize("fails_after", [False, True])
def test_a_rule_that_is_saved_at_the_same_moment_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails_after: bool
) -> None:
    place, settings = install_steps.Place(str(tmp_path)), tmp_path / "settings.json"
    settings.write_text('{"permissions": {"allow": ["Read"]}}')
    real = files.edit

    def edit(path: str, change: Callable[[str], str], within: str = "") -> str:
        """A person answers a question of Claude Code's with "always" between our reading and our writing."""

        def late(text: str) -> str:
            changed = change(text)
            settings.write_text(settings.read_text().replace('"Read"]', '"Read", "Write"]'))
            return changed

        real(path, late, within)
        if fails_after:
            raise ClaudestratorError("the disk is full")
        return ""

    with monkeypatch.context() as patch, suppress(ClaudestratorError), install_steps.all_or_nothing() as undo:
        patch.setattr(files, "edit", edit)
        install.install(place, undo, dry_run=False)
    allowed = json.loads(settings.read_text())["permissions"]["allow"]
    assert allowed == (["Read", "Write"] if fails_after else ["Read", "Write", RULE])


def test_for_one_person_alone_it_goes_into_the_local_settings_and_changes_no_shared_file(person: Person) -> None:
    person.settings.parent.mkdir()
    person.settings.write_text('{"model": "opus"}')
    local = person.project / ".claude" / "settings.local.json"
    before = tree(person.project)
    git("init", folder=person.project)
    told = person.gets("--local")
    assert json.loads(local.read_text())["hooks"] == plugins_hooks()
    assert person.settings.read_text() == '{"model": "opus"}'
    (note,) = [line for line in told.splitlines() if ".git/info/exclude" in line]
    new = git("status", "--porcelain", "--untracked-files=all", folder=person.project).splitlines()
    (person.project / ".git" / "info" / "exclude").write_text(note.split(": ", 1)[1].replace(", ", "\n"))
    assert len(new) > 4
    assert git("status", "--porcelain", "--untracked-files=all", folder=person.project).splitlines() == [
        "?? .claude/settings.json"
    ]
    assert person.gets("--local").startswith("git lists ")
    shutil.rmtree(person.project / ".git")
    person.gets("--uninstall")
    assert tree(person.project) == before


@pytest.mark.parametrize(("first", "second"), [([], ["--local"]), (["--local"], [])])
def test_one_project_gets_one_of_the_two(person: Person, first: list[str], second: list[str]) -> None:
    person.gets(*first)
    before = tree(person.project)
    assert f"run install.sh --uninstall{''.join(f' {word}' for word in first)} first" in person.is_refused(*second)
    assert tree(person.project) == before


def git(*words: str, folder: Path) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1', "is not plain JSON"),
        ('{\n  // mine\n  "a": 1\n}', "is not plain JSON"),
        ("[]", "holds no JSON object"),
        ('{"permissions": []}', "permissions that is not an object"),
        ('{"permissions": null}', "permissions that is not an object"),
        ('{"permissions": {"allow": "Read"}}', "permissions.allow that is not a list"),
        ('{"hooks": {"SubagentStop": {}}}', "hooks.SubagentStop that is not a list"),
    ],
)
def test_settings_that_cannot_be_added_to_are_refused_and_nothing_is_written(
    person: Person, text: str, reason: str
) -> None:
    person.settings.parent.mkdir()
    person.settings.write_text(text)
    before = tree(person.project)
    line = person.is_refused()
    assert reason in line
    assert str(person.settings) in line
    assert (tree(person.project), tree(person.home)) == (before, {})


@pytest.mark.parametrize("name", ["commands/orchestrate.md", "commands/claudestrator/status.md"])
def test_a_file_of_the_persons_in_the_way_is_named_and_nothing_is_written(person: Person, name: str) -> None:
    path = person.project / ".claude" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    before = tree(person.project)
    line = person.is_refused()
    assert name in line
    assert "move it away" in line
    assert (tree(person.project), tree(person.home)) == (before, {})


def test_a_link_to_nowhere_in_the_way_is_not_written_through(person: Person, tmp_path: Path) -> None:
    path = person.project / ".claude" / "commands" / "orchestrate.md"
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "nowhere")
    assert str(path) in person.is_refused()
    assert not (tmp_path / "nowhere").exists()


def test_a_helper_of_the_persons_on_path_is_not_replaced(person: Person) -> None:
    script(person.link, "echo mine")
    line = person.is_refused()
    assert str(person.link) in line
    assert tree(person.project) == {}
    assert "mine" in person.link.read_text()
    person.gets("--uninstall", "--global")
    assert "mine" in person.link.read_text()


def test_a_link_that_leads_nowhere_any_more_is_replaced(person: Person, tmp_path: Path) -> None:
    person.link.parent.mkdir(parents=True)
    person.link.symlink_to(tmp_path / "gone")
    person.gets()
    assert person.link.exists()


def test_a_status_line_is_added_on_request_and_taken_out_again(person: Person) -> None:
    assert "statusLine" not in person.gets("--dry-run")
    person.gets("--status-line")
    ours = json.loads(person.settings.read_text())["statusLine"]
    assert ours["command"].endswith("claudestrator-helper status-line")
    person.gets()
    assert json.loads(person.settings.read_text())["statusLine"] == ours
    person.gets("--uninstall")
    assert not person.settings.exists()


def test_a_status_line_of_an_older_version_gets_what_this_one_has() -> None:
    older = settings_edit._FORMER_LINE
    text, ours = settings_edit.merge("{}", [], [older])
    text, ours = settings_edit.merge(text, ours)
    assert json.loads(text)["statusLine"] == {**older.value, "refreshInterval": 5}
    assert json.loads(settings_edit.withdraw(text, ours)[0]) == {}
    assert settings_edit.is_known(older)


@pytest.mark.parametrize("where", ["settings.json", "settings.local.json", "home"])
def test_a_status_line_of_the_persons_stays_and_a_command_for_both_is_named(person: Person, where: str) -> None:
    folder, name = (person.home, "settings.json") if where == "home" else (person.project, where)
    path = folder / ".claude" / name
    path.parent.mkdir(exist_ok=True)
    theirs = {"statusLine": {"type": "command", "command": "cat >/dev/null; echo 'it is mine'"}}
    path.write_text(json.dumps(theirs))
    told = person.gets("--status-line")
    assert json.loads(path.read_text())["statusLine"] == theirs["statusLine"]
    assert where == "settings.json" or "statusLine" not in person.settings.read_text()
    (line,) = [line for line in told.splitlines() if "status line" in line]
    both = json.loads(line.partition("make its command ")[2])
    person.link.unlink()
    script(person.link, 'test "$1" = status-line && cat')
    done = subprocess.run(
        ["sh", "-c", both], check=True, capture_output=True, text=True, input="the run", env=person.environment
    )
    assert done.stdout == "it is mine\n\nthe run"


@pytest.mark.parametrize("where", [[], ["--global"]])
def test_uninstalling_leaves_nothing_behind(person: Person, where: list[str]) -> None:
    person.gets(*where)
    person.gets("--uninstall", *where)
    assert tree(person.project) == {}
    assert not (person.home / ".claude").exists()
    assert person.link.exists() == (not where)


def test_uninstalling_keeps_what_the_person_has_changed_or_added_and_names_it(person: Person) -> None:
    person.gets()
    commands = person.project / ".claude" / "commands"
    (commands / "orchestrate.md").write_text("changed")
    (commands / "claudestrator" / "mine.md").write_text("added")
    settings = json.loads(person.settings.read_text())
    settings["env"]["BASH_MAX_TIMEOUT_MS"] = "60000"
    settings["permissions"]["allow"].append("Read")
    person.settings.write_text(json.dumps(settings))
    told = person.gets("--uninstall")
    assert f"keep {commands / 'orchestrate.md'}" in told
    assert "keep env.BASH_MAX_TIMEOUT_MS" in told
    left = {"env": {"BASH_MAX_TIMEOUT_MS": "60000"}, "permissions": {"allow": ["Read"]}}
    assert json.loads(person.settings.read_text()) == left
    names = [name for name, content in tree(person.project).items() if content is not None]
    assert names == [
        ".claude/commands/claudestrator/mine.md",
        ".claude/commands/orchestrate.md",
        ".claude/settings.json",
    ]


def test_a_dry_uninstall_removes_nothing(person: Person) -> None:
    person.gets()
    before = tree(person.project), tree(person.home)
    assert "remove " in person.gets("--uninstall", "--dry-run")
    assert "remove " in person.gets("--uninstall", "--global", "--dry-run")
    assert (tree(person.project), tree(person.home)) == before


def test_uninstalling_what_is_not_there_says_so(person: Person) -> None:
    assert "Claudestrator is not installed in" in person.gets("--uninstall")


@pytest.mark.parametrize("name", ["../../victim", "/victim", "commands/../../../victim"])
def test_a_manifest_that_came_with_a_repository_removes_nothing_outside(
    person: Person, tmp_path: Path, name: str
) -> None:
    person.gets()
    path = person.project / ".claude" / "claudestrator-install.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name] = ["x"]
    path.write_text(json.dumps(manifest))
    assert str(path) in person.is_refused("--uninstall")


@pytest.mark.parametrize(("missing", "needed"), [("claude", "Claude Code"), ("git", "git"), ("python3", "Python 3.10")])
def test_each_missing_program_gives_one_line_that_says_what_to_do(
    person: Person, tmp_path: Path, missing: str, needed: str
) -> None:
    programs = tmp_path / "few"
    programs.mkdir()
    # Not what PATH names python3, which may be a version manager's script that needs all of PATH.
    found = {"bash": shutil.which("bash"), "git": shutil.which("git"), "python3": os.path.realpath(sys.executable)}
    for name in found.keys() - {missing}:
        (programs / name).symlink_to(str(found[name]))
    if missing != "claude":
        script(programs / "claude", "exit 9")
    line = person.is_refused(PATH=str(programs))
    assert f"{missing} is missing: " in line
    assert needed in line
    assert tree(person.project) == {}


def test_a_python_that_is_too_old_is_named_with_its_version(person: Person, tmp_path: Path) -> None:
    script(tmp_path / "few" / "python3", "case $3 in *exit*) exit 1 ;; *) echo 3.9 ;; esac")
    for name in ("bash", "git"):
        (tmp_path / "few" / name).symlink_to(str(shutil.which(name)))
    script(tmp_path / "few" / "claude", "exit 9")
    line = person.is_refused(PATH=str(tmp_path / "few"))
    assert "Python 3.10 or newer is needed and python3 is 3.9" in line


def test_a_bin_folder_that_is_not_on_path_gets_the_line_to_add(person: Person) -> None:
    folder = str(person.link.parent)
    path = person.environment["PATH"].replace(folder + os.pathsep, "")
    assert f'export PATH="{folder}:$PATH"' in person.gets(PATH=path)


def test_another_helper_earlier_on_path_is_named(person: Person, tmp_path: Path) -> None:
    script(tmp_path / "early" / "claudestrator-helper", "echo other")
    told = person.gets(PATH=os.pathsep.join([str(tmp_path / "early"), person.environment["PATH"]]))
    assert f"{tmp_path / 'early' / 'claudestrator-helper'} comes before {person.link}" in told


def test_a_folder_that_is_not_there_is_refused(person: Person, tmp_path: Path) -> None:
    assert "there is no folder" in person.is_refused(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_written_gives_one_line(person: Person) -> None:
    # For root every mode can be written, but not the kernel's own folder.
    folder = Path("/proc") if os.geteuid() == 0 else person.project
    if folder == person.project:
        folder.chmod(0o555)
    assert str(folder) in person.is_refused(folder)


def test_a_project_that_is_the_clone_itself_works_as_any_other(person: Person, tmp_path: Path) -> None:
    clone = clone_into(tmp_path / "clone")
    sources = tree(clone)
    here = person._replace(project=clone)
    for words in ([], [], ["--uninstall"]):
        done = here.runs(*words, clone=str(clone))
        assert (done.returncode, done.stderr) == (0, "")
    assert tree(clone) == sources


@pytest.mark.parametrize(
    "words",
    [
        ["--nonsense"],
        ["--demo", "--global"],
        ["--live"],
        ["one", "two"],
        ["--local", "--global"],
        ["--plugin", "--global"],
    ],
)
def test_options_that_make_no_sense_are_a_usage_error(person: Person, words: list[str]) -> None:
    done = person.runs(*words)
    assert done.returncode == 2
    assert done.stderr
    assert (tree(person.project), tree(person.home)) == ({}, {})


CLAUDE = """#!/bin/sh
echo "$@" >>"$HOME/asked"
! [ "$2" = "$FAILS" ]
"""


@pytest.mark.parametrize(
    ("words", "fails", "asked"),
    [
        ([], "", ["plugin marketplace add {clone}", "plugin install claudestrator@claudestrator"]),
        ([], "marketplace", ["plugin marketplace add {clone}"]),
        (
            ["--uninstall"],
            "",
            ["plugin uninstall claudestrator@claudestrator", "plugin marketplace remove claudestrator"],
        ),
        (["--dry-run"], "", []),
    ],
)
def test_claude_code_is_asked_for_the_plugin_and_nothing_else_is_written(
    person: Person, tmp_path: Path, words: list[str], fails: str, asked: list[str]
) -> None:
    claude = tmp_path / "claude code"
    claude.write_text(CLAUDE)
    claude.chmod(0o755)
    done = person.runs("--plugin", *words, CLAUDE_BIN=str(claude), FAILS=fails)
    assert (done.returncode, "this failed: claude plugin" in done.stderr) == (1 if fails else 0, bool(fails))
    assert ("\nready: start claude in a project, " in f"\n{done.stdout}") == (not words and not fails)
    kept = person.home / "asked"
    assert (kept.read_text().splitlines() if kept.exists() else []) == [each.format(clone=REPOSITORY) for each in asked]
    assert (tree(person.project), [path.name for path in person.home.iterdir()]) == ({}, ["asked"] if asked else [])


def test_help_names_every_option() -> None:
    told = subprocess.run(
        ["bash", REPOSITORY / "install.sh", "--help"], check=True, capture_output=True, text=True
    ).stdout
    options = set(re.findall(r"--[a-z-]+", (REPOSITORY / "install.sh").read_text().split("for word in", 1)[1]))
    assert options - {"--help"} <= set(re.findall(r"--[a-z-]+", told))


def test_the_helper_works_when_the_clone_is_gone_and_goes_with_the_last_uninstall(
    person: Person, tmp_path: Path
) -> None:
    clone = clone_into(tmp_path / "a clone")
    environment = {name: value for name, value in person.environment.items() if name != "CLAUDESTRATOR_VENV"}
    alone = person._replace(environment=environment)
    assert alone.runs(clone=str(clone)).returncode == 0
    before = tree(person.home)
    assert "make " not in alone.runs(clone=str(clone)).stdout
    assert tree(person.home) == before
    shutil.rmtree(clone)
    (person.project / "json.py").write_text("raise SystemExit('the project got in')")
    (person.project / "PRD.md").write_text("Build it.\n")
    assert answers(alone, "start", "--session", "s") == "SPAWN decomposition opus\n"
    assert answers(alone, "prompt", "decomposition").startswith(role("decomposition"))
    alone.gets("--uninstall", "--global")
    assert set(tree(person.home / ".local").values()) == {None}


def answers(person: Person, *words: str) -> str:
    command = [str(person.link), *words]
    environment = person.environment | {"PYTHONPATH": str(person.project)}
    done = subprocess.run(command, cwd=person.project, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def role(name: str) -> str:
    text = (REPOSITORY / ".claudestrator" / "skills" / "orchestrator" / f"{name}_agent.md").read_text()
    return text.split("---\n", 2)[2].lstrip().splitlines()[0]


def clone_into(folder: Path) -> Path:
    away = shutil.ignore_patterns("__pycache__", ".*_cache", ".git", ".claude", ".hypothesis", "tests")
    shutil.copytree(REPOSITORY, folder, symlinks=True, ignore=away)
    return folder


class Stopped(BaseException):
    """What stands in for a kill."""


Commands = Callable[[dict[str, str]], None]


@pytest.fixture
def ships(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Sets the command texts of the release that is installed next."""

    def set_commands(commands: dict[str, str]) -> None:
        monkeypatch.setattr(install, "_commands", lambda: dict(commands))

    return set_commands


def test_an_upgrade_replaces_what_is_unchanged_and_keeps_what_the_person_changed(
    ships: Commands, tmp_path: Path
) -> None:
    ships({"orchestrate.md": "one", "status.md": "one", "old.md": "one", "older.md": "one"})
    install.install(install_steps.Place(str(tmp_path / ".claude")), [], dry_run=False)
    folder = tmp_path / ".claude" / "commands" / "claudestrator"
    (folder / "status.md").write_text("mine")
    (folder / "older.md").write_text("mine")
    ships({"orchestrate.md": "two", "status.md": "two", "new.md": "two"})
    told = install.install(install_steps.Place(str(tmp_path / ".claude")), [], dry_run=False)
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert texts == {"orchestrate.md": "two", "status.md": "mine", "new.md": "two", "older.md": "mine"}
    assert [line for line in told if line.startswith("keep")] == [
        f"keep {folder / name}, which you have changed" for name in ("status.md", "older.md")
    ]


def test_a_release_that_wants_fewer_settings_takes_its_own_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install.install(install_steps.Place(str(tmp_path)), [], dry_run=False)
    kept = [addition for addition in settings_edit.WANTED if addition.path[0] != "env"]
    monkeypatch.setattr(settings_edit, "WANTED", tuple(kept))
    install.install(install_steps.Place(str(tmp_path)), [], dry_run=False)
    assert set(json.loads((tmp_path / "settings.json").read_text())) == {"permissions", "hooks"}


@pytest.mark.parametrize("upgrade", [False, True])
@pytest.mark.parametrize("writes", range(6))
def test_a_kill_before_any_write_leaves_what_a_second_run_and_uninstalling_can_handle(
    ships: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int, *, upgrade: bool
) -> None:
    folder = tmp_path / ".claude"
    ships({"orchestrate.md": "one", "status.md": "one"})
    if upgrade:
        install.install(install_steps.Place(str(folder)), [], dry_run=False)
    ships({"orchestrate.md": "two", "status.md": "two"})
    interrupted(lambda: install.install(install_steps.Place(str(folder)), [], dry_run=False), monkeypatch, writes)
    left = tmp_path / "copy"
    if folder.exists():
        shutil.copytree(folder, left)
    assert "keep" not in " ".join(install.install(install_steps.Place(str(folder)), [], dry_run=False))
    assert {path.read_text() for path in folder.glob("commands/**/*.md")} == {"two"}
    assert json.loads((folder / "settings.json").read_text())["permissions"]["allow"] == [RULE]
    for each in (folder, left):
        install.uninstall(install_steps.Place(str(each)), dry_run=False)
        assert not each.exists() or not list(each.rglob("*.*"))


def interrupted(action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Runs *action* as if it were killed after so many files were written."""
    real, count = files.write, iter(range(writes))

    def write(path: str, text: str, within: str = "") -> None:
        if next(count, None) is None:
            raise Stopped
        real(path, text, within)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", write)
        with suppress(Stopped):
            action()


def plugins_hooks() -> Any:
    """As install.sh writes them: the helper is not the plugin's own, so it may be missing."""
    text = (REPOSITORY / "hooks" / "hooks.json").read_text()
    return json.loads(text.replace('\\"${CLAUDE_PLUGIN_ROOT}\\"/bin/', claude_settings.GUARD))["hooks"]


def test_the_plugins_hooks_are_the_installed_ones() -> None:
    merged, _ = settings_edit.merge("{}", [])
    assert plugins_hooks() == json.loads(merged)["hooks"]


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("left", ["nothing", "a link to nowhere"])
def test_an_installed_hook_is_silent_and_quick_where_the_helper_is_missing(
    tmp_path: Path, shell: str, left: str
) -> None:
    (tmp_path / shell).symlink_to(str(shutil.which(shell)))
    if left != "nothing":
        (tmp_path / "claudestrator-helper").symlink_to(tmp_path / "gone")
    took = []
    for command in {hook["command"] for groups in plugins_hooks().values() for hook in groups[0]["hooks"]}:
        began = busy()
        done = subprocess.run(
            [shell, "-c", command], env={"PATH": str(tmp_path)}, input="{}", check=False, capture_output=True, text=True
        )
        took.append(busy() - began)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert min(took) < 0.05


def test_an_installed_hook_is_the_helpers_own_process(tmp_path: Path) -> None:
    script(tmp_path / "claudestrator-helper", 'echo "$1 $PPID"; exit 7')
    command = plugins_hooks()["Stop"][0]["hooks"][0]["command"]
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(["sh", "-c", command], env={"PATH": path}, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, f"hook {os.getpid()}\n")


def test_a_hook_of_an_older_version_is_replaced_unless_the_person_has_changed_it() -> None:
    old = {"hooks": [{"type": "command", "command": "claudestrator-helper hook"}]}
    mine = {"hooks": [{"type": "command", "command": "claudestrator-helper hook", "timeout": 5}]}
    before = [settings_edit.Addition(("hooks", event), old, item=True) for event in ("Stop", "StopFailure")]
    merged, _ = settings_edit.merge(json.dumps({"hooks": {"Stop": [old], "StopFailure": [mine]}}), before)
    hooks = json.loads(merged)["hooks"]
    assert hooks["Stop"] == plugins_hooks()["Stop"]
    assert hooks["StopFailure"] == [mine]


def test_the_installed_helper_is_laid_out_as_a_wheel_is() -> None:
    wheel = (REPOSITORY / "pyproject.toml").read_text().split("wheel.force-include]\n", 1)[1].split("\n\n")[0]
    package = "claudestrator_helper"
    assert wheel.splitlines() == [f'"{a}" = "{package}/{b}"' for a, b in helper_link.SHIPPED.items()]


def test_a_helper_without_a_clone_says_where_to_install_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        helper_link, "__file__", str(tmp_path / "site-packages" / "package" / "setup" / "helper_link.py")
    )
    with pytest.raises(ClaudestratorError, match="of a clone of Claudestrator"):
        helper_link.repository()
