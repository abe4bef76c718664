"""The verbs as a person meets them: transcripts, played again by the helper's real entry."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import console
import generate_cli_docs
import pytest
from claudestrator_helper.__main__ import main
from claudestrator_helper.commands.verbs import GROUPS, VERBS, LazyVerbs
from claudestrator_helper.store import paths
from queues import queue, task
from running import HELPER, helper

FOLDER = Path(__file__).parent / "transcripts"
#: From which on TOML is read, and the report of a run has its picture.
NEWER = pytest.mark.skipif(sys.version_info < (3, 11), reason="what is played needs Python 3.11")


def needs_newer(section: console.Section) -> bool:
    return any("config.toml" in info or "helper report\n" in body for info, body in section.blocks)


SECTIONS = [
    pytest.param(section, id=f"{path.stem}: {section.title}", marks=[NEWER] if needs_newer(section) else [])
    for path in sorted(FOLDER.glob("*.md"))
    for section in console.sections(path.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return console.tools_in(tmp_path_factory.mktemp("path") / "tools")


@pytest.mark.parametrize("section", SECTIONS)
def test_the_helper_answers_as_the_transcript_says(section: console.Section, tmp_path: Path, tools: Path) -> None:
    count = 0
    for command, answer in console.played(section, tmp_path.resolve() / "project", tools):
        count += 1
        assert console.matches(command.answer, answer), f"$ {command.text}\n{answer}\n--- and not\n{command.answer}"
    assert count, "a section plays at least one command"


def played_verbs() -> set[str]:
    found = set()
    for path in FOLDER.glob("*.md"):
        for section in console.sections(path.read_text(encoding="utf-8")):
            for info, body in section.blocks:
                words = [command.text.split() for command in console.commands(body) if info == "console"]
                found |= {
                    word[word.index("claudestrator-helper") + 1] for word in words if "claudestrator-helper" in word
                }
    return found


def test_every_verb_is_in_a_transcript() -> None:
    assert set(VERBS) - played_verbs() == set()


def test_a_refusal_is_one_line_on_standard_error_and_nothing_on_standard_output(tmp_path: Path) -> None:
    for words in (
        ["prompt", "TASK-404"],
        ["done", "../x"],
        ["state", "gone"],
        ["--project", "gone", "tasks"],
        ["next-task", "--project"],
    ):
        done = helper(*words, folder=tmp_path)
        assert (done.stdout, done.stderr.count("\n")) == ("", 1)
        assert done.stderr.startswith("claudestrator-helper: ")
        assert done.code in (1, 2)


def test_next_task_answers_alike_with_and_without_click(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "task_queue.md").write_text(queue(task("TASK-001", objective="Build a ‘door’")))
    for words in (["next-task"], ["next-task", "--json"]):
        quick = helper(*words, folder=tmp_path)
        # Behind --project=DIR the quick way is not taken.
        slow = helper(f"--project={tmp_path}", *words, folder=tmp_path)
        assert quick == slow
        assert "TASK-001" in quick.stdout


def test_bytes_that_are_not_utf_8_come_out_as_they_went_in(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "task_queue.md").write_bytes(
        queue(task("TASK-001", objective="Build \u2028")).encode() + b"\xff\n"
    )
    for words in (["next-task"], ["tasks"], ["tasks", "--json"], ["check"], ["status"], ["prompt", "TASK-001"]):
        done = helper(*words, folder=tmp_path)
        assert "Traceback" not in done.stderr, done.stderr
    (tmp_path / ".claude" / "task_queue.md").write_bytes(
        queue(task("TASK-001", objective="Build XX")).encode().replace(b"XX", b"\xff\xe4")
    )
    for words in (["next-task"], ["tasks"], ["prompt", "TASK-001"], ["tasks", "--json"], ["next-task", "--json"]):
        done = helper(*words, folder=tmp_path)
        assert (done.code, done.stderr) == (0, "")
        # JSON can't hold them.
        assert f"Build {chr(0xFFFD) * 2 if '--json' in words else chr(0xDCFF) + chr(0xDCE4)}" in done.stdout


@pytest.mark.parametrize("words", [["next-task"], ["tasks"], ["tasks", "--json"], ["next-task", "--json"]])
def test_a_terminal_that_knows_ascii_only_is_no_reason_to_fail(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "task_queue.md").write_text(queue(task("TASK-001", objective="日本 😀")), encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": HELPER, "PYTHONIOENCODING": "ascii", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "claudestrator_helper", *words],
        cwd=tmp_path,
        env=environ,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "日本 😀" in done.stdout.decode() or "\\u65e5" in done.stdout.decode()


def test_more_than_a_megabyte_of_input_is_refused(tmp_path: Path) -> None:
    done = helper("add-tasks", "-", folder=tmp_path, stdin=b"x" * 1_000_001)
    assert done.code == 1
    assert (
        done.stderr
        == "claudestrator-helper: standard input holds more than 1,000,000 bytes: send it in several calls\n"
    )


@pytest.mark.parametrize(
    "typed",
    [
        "it's",
        '"',
        "`id`",
        "$(id)",
        "$HOME",
        "; touch owned",
        "&& touch owned",
        "| cat",
        "\\",
        "--version",
        "-",
        "3 'a",
        "\x1b[2J",
        "\ud83d",
        "é\u2028",
    ],
)
def test_whatever_is_typed_behind_the_command_is_a_line_and_reaches_no_shell(tmp_path: Path, typed: str) -> None:
    done = helper("start", "--session", "s", "-", folder=tmp_path, stdin=typed.encode("utf-8", "surrogatepass") + b"\n")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith("STOP ")
    assert done.stdout.count("\n") == 1
    assert not any(ord(character) < 32 for character in done.stdout.rstrip("\n"))
    assert "owned" not in os.listdir(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ["--project", "nowhere", "start"],
        ["start", "--loud"],
        ["start", "-1"],
        ["start", "x"],
        ["--project", ".", "start", "--parallel", "99"],
    ],
)
def test_a_start_that_is_refused_is_a_stop_line_and_exits_0(tmp_path: Path, words: list[str]) -> None:
    result = helper(*words, folder=tmp_path)
    assert (result.code, result.stdout.count("\n"), result.stderr) == (0, 1, "")
    assert result.stdout.startswith("STOP ")


@pytest.mark.parametrize("words", [["done", "start"], ["fail", "start", "x"], ["--project", ".", "done", "start"]])
def test_only_a_verb_is_a_start_and_no_other_word(tmp_path: Path, words: list[str]) -> None:
    result = helper(*words, folder=tmp_path)
    assert (result.code, result.stdout) == (1, "")
    assert "start is not a task of" in result.stderr
    assert helper("set-status", "start", folder=tmp_path).code == 2


def test_a_bug_is_a_traceback_and_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: str | None) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["claudestrator-helper", "tasks"])
    monkeypatch.setattr(paths, "project", broken)
    with pytest.raises(ZeroDivisionError):
        main()


def test_the_helper_runs_as_a_module(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": HELPER, "HOME": str(tmp_path)}
    words = [sys.executable, "-m", "claudestrator_helper", "set-status", "TASK-404", "completed"]
    done = subprocess.run(words, cwd=tmp_path, env=environ, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("claudestrator-helper: no task TASK-404 in the queue")


@pytest.mark.parametrize(
    "words",
    [
        ["tasks", "--project", "DIR"],
        ["tasks", "--project=DIR"],
        ["tasks", "--json", "--project", "DIR", "--json"],
        ["next-task", "--project", "DIR"],
        ["next-task", "--json", "--project=DIR"],
        ["set-status", "TASK-001", "--project", "DIR", "failed"],
        ["--project", "DIR", "tasks"],
    ],
)
def test_the_project_may_be_named_after_the_verb(tmp_path: Path, words: list[str]) -> None:
    folder = tmp_path / "else where"
    (folder / ".claude").mkdir(parents=True)
    (folder / ".claude" / "task_queue.md").write_text(queue(task("TASK-001")))
    done = helper(*(word.replace("DIR", str(folder)) for word in words), folder=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert "TASK-001" in done.stdout


@pytest.fixture
def statuses(tmp_path: Path) -> Path:
    """The queue of two pending tasks."""
    (tmp_path / ".claude").mkdir()
    path = tmp_path / ".claude" / "task_queue.md"
    path.write_text(queue(task("TASK-001"), task("TASK-002")))
    return path


@pytest.mark.parametrize(
    ("word", "status"), [("done", "completed"), ("✅", "completed"), ("WIP", "in_progress"), ("not started", "pending")]
)
def test_a_status_is_set_for_several_tasks_in_the_words_of_a_queue(
    tmp_path: Path, statuses: Path, word: str, status: str
) -> None:
    done = helper("set-status", "TASK-001", "TASK-002", word, folder=tmp_path)
    assert done == (0, f"TASK-001 {status}\nTASK-002 {status}\n", "")
    assert statuses.read_text().count(f"| Status | {status} |") == 2


def test_a_status_is_set_for_all_of_the_tasks_or_none(tmp_path: Path, statuses: Path) -> None:
    before = statuses.read_text()
    done = helper("set-status", "TASK-001", "TASK-404", "done", folder=tmp_path)
    assert (done.code, done.stdout) == (1, "")
    assert statuses.read_text() == before


def test_every_verb_is_in_one_group_of_the_help_and_has_an_example() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(VERBS)
    group = LazyVerbs()
    commands = {name: group.get_command(click.Context(group), name) for name in VERBS}
    assert [name for name, each in commands.items() if f"helper {name}" not in str(each and each.epilog)] == []


def test_the_help_lists_what_people_call_before_what_a_run_calls(tmp_path: Path) -> None:
    said = helper("--help", folder=tmp_path).stdout
    assert [said.index(f"{title}:") for title in GROUPS] == sorted(said.index(f"{title}:") for title in GROUPS)
    assert said.index("  watch ") < said.index("  pause ") < said.index("  prompt ")
    assert "Example: claudestrator-helper skip TASK-004 --unblock" in helper("skip", "--help", folder=tmp_path).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs(tmp_path: Path, shell: str) -> None:
    script = helper("completion", shell, folder=tmp_path).stdout
    assert "_CLAUDESTRATOR_HELPER_COMPLETE" in script
    if shell == "bash":
        command = f"{script}\nCOMP_WORDS=(claudestrator-helper pau) COMP_CWORD=1; _claudestrator_helper_completion claudestrator-helper; echo ${{COMPREPLY[@]}}"
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=False, env=environ, cwd=tmp_path
        )
        assert done.stdout.split() == ["pause"], done.stderr


def test_the_manual_page_says_of_each_verb_what_its_help_says(tmp_path: Path) -> None:
    page = helper("help", "--man", folder=tmp_path).stdout
    shown = page.replace("\\-", "-").replace("\\(dq", '"').replace("\\e", "\\").replace("\\&", "")
    for name, command in generate_cli_docs.verbs().items():
        assert f'\n.SS "{name}' in shown
        assert " ".join((command.help or "").split("\n\n")[0].split()) in shown
        assert str(command.epilog) in shown
    if shutil.which("groff"):
        words = ["groff", "-man", "-ww", "-Tascii"]
        done = subprocess.run(words, input=page, check=True, capture_output=True, text=True)
        assert done.stderr == ""
    assert helper("help", folder=tmp_path) == helper("--help", folder=tmp_path)
