"""The launcher of plugin installs, run for real with a home of its own for each test."""

import hashlib
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.setup import venv
from packaging.requirements import Requirement
from patience import until

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parent.parent


class Plugin(NamedTuple):
    """A plugin's folder and the home of who uses it."""

    launcher: Path
    home: Path

    def runs(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.launcher, *words],
            cwd=self.home,
            check=False,
            capture_output=True,
            text=True,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
        )

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_DATA", "CLAUDE"))}
        return own | {"HOME": str(self.home)}

    @property
    def venvs(self) -> list[Path]:
        folder = self.home / ".local" / "share" / "claudestrator" / "plugin"
        return [path for path in folder.glob("*") if path.is_dir()]


def plugin_in(folder: Path, *pins: str) -> Plugin:
    """A plugin with the repository's code, whose launcher is reached through a link; *pins* in the place of its own."""
    root, home = folder / "the plugin", folder / "home"
    away = shutil.ignore_patterns("__pycache__")
    for name in ("bin", "helper", "commands", ".claudestrator"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=away)
    if pins:
        (root / "helper" / "requirements.txt").write_text("".join(pins))
    home.mkdir()
    (folder / "a link").symlink_to(root / "bin" / "claudestrator-helper")
    return Plugin(folder / "a link", home)


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return plugin_in(tmp_path)


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    """A plugin whose first use is over, and which nobody changes."""
    made = plugin_in(tmp_path_factory.mktemp("launcher"))
    done = made.runs("--version")
    assert (done.returncode, done.stderr) == (0, "")
    return made


class Index(NamedTuple):
    """A folder of packages that pip is configured to look into, and nowhere else."""

    folder: Path

    def pin(self, version: str, name: str = "thing") -> str:
        """The pin of a new package, which is ready to install."""
        wheel = self.folder / f"{name}-{version}-py3-none-any.whl"
        about = {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "RECORD": ""}
        about["WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        with zipfile.ZipFile(wheel, "w") as made:
            for file, text in about.items():
                made.writestr(f"{name}-{version}.dist-info/{file}", text)
        return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def index(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    (tmp_path / "index").mkdir()
    (tmp_path / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {tmp_path / 'index'}\n")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    return Index(tmp_path / "index")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package is found anywhere."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_the_first_use_makes_a_venv_and_runs_the_plugins_own_code(ready: Plugin) -> None:
    (made,) = ready.venvs
    assert not list(made.glob("lib/*/site-packages/claudestrator*"))
    assert ready.runs("--version").stdout.startswith("claudestrator-helper ")
    assert "PRD.md" in ready.runs("start", "--session", "s").stdout


def test_what_comes_with_the_plugin_is_not_looked_for_elsewhere(ready: Plugin) -> None:
    told = ready.runs("check", PATH=os.defpath)
    assert "PRD.md" in told.stdout
    assert "hooks" not in told.stdout
    assert "PATH: run" not in told.stdout


def test_once_the_venv_is_there_no_other_process_is_started_before_python(ready: Plugin, tmp_path: Path) -> None:
    """PATH holds bash alone."""
    (tmp_path / "bash").symlink_to(str(shutil.which("bash")))
    root = ready.launcher.resolve()
    done = Plugin(root, ready.home).runs("--version", PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_words_arrive_as_they_were_given(ready: Plugin) -> None:
    done = ready.runs("next-task", "--x $(y);  *")
    assert done.returncode == 2
    assert "'--x $(y);  *'" in done.stderr


def test_a_module_of_the_project_does_not_take_the_place_of_pythons(ready: Plugin, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the project got in')")
    command = ["bash", "-c", 'cd "$1" && "$2" --version', "-", str(tmp_path), str(ready.launcher)]
    environment = ready.environment | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["hook"], ["next-task", "--hook"]])
def test_a_hook_before_the_first_use_makes_nothing_and_says_nothing(plugin: Plugin, words: list[str]) -> None:
    done = plugin.runs(*words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(plugin.home.iterdir())


def test_for_an_orchestrator_the_line_is_a_directive(plugin: Plugin, tmp_path: Path) -> None:
    done = plugin.runs("start", "--session", "s", "-", XDG_DATA_HOME=os.devnull)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("STOP claudestrator-helper: cannot make /dev/null")


@pytest.mark.parametrize(
    ("python", "line"),
    [
        (None, "python3 is missing: install Python 3.10"),
        ("case $3 in *exit*) exit 1 ;; *) echo 3.9 ;; esac", "Python 3.10 or newer is needed and python3 is 3.9"),
    ],
)
def test_a_python_that_is_not_good_enough_gives_one_line(
    plugin: Plugin, tmp_path: Path, python: str | None, line: str
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "readlink"):
        (programs / name).symlink_to(str(shutil.which(name)))
    if python:
        script(programs / "python3", python)
    done = plugin.runs("status", PATH=str(programs))
    assert (done.returncode, done.stdout) == (1, "")
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_home_that_cannot_be_written_gives_one_line(plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = plugin.runs("status", XDG_DATA_HOME=str(tmp_path / "file"))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert f"cannot make {tmp_path / 'file'}" in line


def test_a_venv_that_was_named_is_used_and_none_is_made(plugin: Plugin, ready: Plugin, tmp_path: Path) -> None:
    assert plugin.runs("--version", CLAUDESTRATOR_VENV=str(ready.venvs[0])).returncode == 0
    assert plugin.venvs == []
    done = plugin.runs("--version", CLAUDESTRATOR_VENV=str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path}/bin/python can't be run" in done.stderr


def test_changed_pins_and_a_vanished_python_make_one_new_venv_whoever_is_killed_and_however_many_want_it(
    index: Index, tmp_path: Path
) -> None:
    plugin = plugin_in(tmp_path, index.pin("1"))
    folder = plugin.home / ".local/share/claudestrator/plugin"
    script(folder / "thing-1" / "bin" / "python", "echo the old one")
    assert plugin.runs("next-task").stdout == "the old one\n"
    pins = plugin.launcher.resolve().parent.parent / "helper" / "requirements.txt"
    pins.write_text(index.pin("2"))
    python = folder / "thing-2" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "gone")
    process = subprocess.Popen(
        [str(plugin.launcher), "next-task"], cwd=plugin.home, env=plugin.environment, start_new_session=True
    )
    until(lambda: list(folder.glob("thing-2.new-*/bin/python")))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert python.is_symlink()
    started = [
        subprocess.Popen(
            [str(plugin.launcher), "next-task"],
            cwd=plugin.home,
            env=plugin.environment,
            text=True,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    assert [each.communicate()[0][:6] for each in started] == ["none: "] * 3
    assert sorted(path.name for path in plugin.venvs) == ["thing-1", "thing-2"]
    assert list(folder.glob("thing-2/lib/*/site-packages/thing-2.dist-info"))


@pytest.fixture
def copied(ready: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A venv is a copy of the one that is there, with its pip, which takes a tenth of the time of a new one."""
    real = venv._run

    def run(command: Sequence[str]) -> list[str]:
        if "venv" not in command:
            return real(command)
        shutil.copytree(ready.venvs[0], command[-1], symlinks=True, dirs_exist_ok=True)
        return []

    monkeypatch.setattr(venv, "_run", run)


def refusal(folder: Path, pins: str) -> str:
    """The line with which no venv is made of the pins."""
    (folder / "pins").write_text(pins)
    with pytest.raises(ClaudestratorError) as refused:
        venv.ensure(str(folder / "venvs" / "one"), "key", [*venv.PINNED[:-1], str(folder / "pins")])
    assert [path.name for path in (folder / "venvs").iterdir()] == ["one.lock"]
    return str(refused.value)


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize("place", ["one", "two"])
def test_what_a_person_has_added_is_kept_in_its_version(index: Index, tmp_path: Path, place: str) -> None:
    index.pin("13.1", "rich")
    index.pin("14", "rich")
    old, made = tmp_path / "venvs" / "one", tmp_path / "venvs" / place
    venv.ensure(str(old), "key", ["rich==13.1"])
    index.pin("1")
    venv.ensure(str(made), "another", ["thing==1"])
    assert {each.name for each in made.glob("lib/*/site-packages/*.dist-info")} >= {
        "rich-13.1.dist-info",
        "thing-1.dist-info",
    }


@pytest.mark.usefixtures("copied", "offline")
def test_an_extra_that_can_not_be_had_again_does_not_keep_a_venv_from_being_made(tmp_path: Path) -> None:
    (tmp_path / "old" / "lib" / "python3.11" / "site-packages" / "rich-13.1.dist-info").mkdir(parents=True)
    assert venv.ensure(str(tmp_path / "new"), "key", ["pip"])


@pytest.mark.usefixtures("copied", "offline")
def test_without_a_network_one_line_says_so(tmp_path: Path) -> None:
    line = refusal(tmp_path, f"thing==1 --hash=sha256:{'0' * 64}\n")
    assert "check the network" in line
    assert "\n" not in line


@pytest.mark.usefixtures("copied")
def test_a_file_that_is_not_the_pinned_one_is_not_installed(index: Index, tmp_path: Path) -> None:
    pin = index.pin("1")
    with zipfile.ZipFile(index.folder / "thing-1-py3-none-any.whl", "a") as altered:
        altered.writestr("thing.py", "print('altered')")
    assert "differs from the pinned one" in refusal(tmp_path, pin)


@pytest.mark.usefixtures("copied")
def test_no_package_is_built_because_that_runs_its_code(index: Index, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    # A build that needs nothing from an index.
    own = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    (tmp_path / "source" / "pyproject.toml").write_text(own)
    (tmp_path / "source" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    archive = shutil.make_archive(str(index.folder / "thing-1"), "gztar", tmp_path, "source")
    digest = hashlib.sha256(Path(archive).read_bytes()).hexdigest()
    assert "pip could not install" in refusal(tmp_path, f"thing==1 --hash=sha256:{digest}\n")
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("copied")
def test_a_package_without_a_hash_is_not_installed(index: Index, tmp_path: Path) -> None:
    index.pin("1")
    assert "pip could not install" in refusal(tmp_path, "thing==1\n")


def test_the_pins_are_what_the_helper_needs_and_nothing_else() -> None:
    """Renewing them is a command that the file's first lines name."""
    pinned = dict(
        re.findall(r"^([\w.-]+)==([\w.]+)", (REPOSITORY / "helper" / "requirements.txt").read_text(), re.MULTILINE)
    )
    project_file = (REPOSITORY / "pyproject.toml").read_text()
    listed = re.findall(r'"([^"]+)"', re.findall(r"^dependencies = \[(.*)\]", project_file, re.MULTILINE)[0])
    needed, seen = [Requirement(line) for line in listed], set[str]()
    while needed:
        one = needed.pop()
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            name = re.sub(r"[-_.]+", "-", one.name).lower()
            assert one.specifier.contains(pinned[name]), f"{one}: renew helper/requirements.txt"
            if name not in seen:
                needed += map(Requirement, importlib.metadata.requires(name) or ())
            seen.add(name)
    assert seen == set(pinned)


def test_every_pin_has_hashes_and_no_line_names_a_place() -> None:
    text = (REPOSITORY / "helper" / "requirements.txt").read_text()
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ;[^#@/]*)?( +--hash=sha256:[0-9a-f]{64})+ *", line) for line in lines)


def test_a_venv_is_known_by_its_key_and_by_a_python_that_is_there(ready: Plugin, tmp_path: Path) -> None:
    (place,) = ready.venvs
    assert venv.ready(str(place), place.name)
    assert not venv.ensure(str(place), place.name, ["nothing of this name"])
    assert not venv.ready(str(place), "another")
    (tmp_path / venv.KEY).write_text("key")
    assert not venv.ready(str(tmp_path), "key")


def test_the_scripts_of_a_venv_know_where_it_is(ready: Plugin) -> None:
    pip = ready.venvs[0] / "bin" / "pip"
    done = subprocess.run([pip, "--version"], check=True, capture_output=True, text=True)
    assert str(ready.venvs[0]) in done.stdout


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("The virtual environment was not created: ensurepip is not available.", "apt install python3-venv"),
        ("No module named venv", "apt install python3-venv"),
        ("No space left on device", "cannot make a venv: No space left on device"),
    ],
)
def test_a_python_that_cannot_make_venvs_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, line: str
) -> None:
    script(tmp_path / "python3", f"echo '{said}' >&2; exit 1")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    with pytest.raises(ClaudestratorError, match=line):
        venv.ensure(str(tmp_path / "venv"), "key", ["pip"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["python3", "venv.lock"]


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
