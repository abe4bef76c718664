"""The plugin's helper in a terminal."""

import os
from pathlib import Path

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.hooks import user_prompt_expansion
from claudestrator_helper.setup import plugin_link


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, with the plugin that is in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / '.local' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    use(tmp_path, monkeypatch, "1")
    return tmp_path


def use(home: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Path:
    root = home / "plugins" / version
    for name in ("bin/claudestrator-helper", ".claude-plugin/plugin.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("#!/bin/sh\necho it runs\n")
        (root / name).chmod(0o755)
    monkeypatch.setenv("CLAUDESTRATOR_PLUGIN", f"{root}/bin/..")
    return root / "bin" / "claudestrator-helper"


def link(home: Path) -> Path:
    return home / ".local" / "bin" / "claudestrator-helper"


def test_the_launcher_is_linked_and_after_an_update_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = plugin_link.install()
    assert said[0] == f"{link(home)} leads to {home}/plugins/1/bin/claudestrator-helper"
    assert plugin_link.install() == said
    (home / "plugins" / "1").rename(home / "gone")
    launcher = use(home, monkeypatch, "2")
    plugin_link.install()
    assert link(home).resolve() == launcher.resolve()
    assert plugin_link.remove() == [f"removed {link(home)}"]
    assert plugin_link.remove() == [f"there is no {link(home)}"]


def test_a_folder_that_is_not_on_path_is_named_with_the_line_to_add(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert f'export PATH="{home}/.local/bin:$PATH"' in "".join(plugin_link.install())


@pytest.mark.parametrize("theirs", ["file", "link"])
def test_what_is_not_the_plugins_stays(home: Path, theirs: str) -> None:
    link(home).parent.mkdir(parents=True)
    (home / "theirs").write_text("mine")
    if theirs == "file":
        link(home).write_text("mine")
    else:
        link(home).symlink_to(home / "theirs")
    for call in (plugin_link.install, plugin_link.remove):
        with pytest.raises(ClaudestratorError, match="is not the plugin's"):
            call()
    assert link(home).read_text() == "mine"


def test_another_helper_does_not_link_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLAUDESTRATOR_PLUGIN")
    with pytest.raises(ClaudestratorError, match=r"install\.sh of a clone"):
        plugin_link.install()


def test_a_person_who_has_only_the_plugin_is_told_a_command_that_works_in_a_terminal(home: Path) -> None:
    told = user_prompt_expansion._once()
    assert told == f" (once: `'{home}/plugins/1/bin/claudestrator-helper' install-cli`)"
    plugin_link.install()
    assert user_prompt_expansion._once() == ""


def test_the_icon_is_the_one_that_its_script_writes() -> None:
    import make_icon

    written = (Path(__file__).parents[1] / ".claude-plugin" / "icon.png").read_bytes()
    assert written[:24] == make_icon.icon()[:24]
    assert len(written) < 10_000
