"""A repository that comes with links, pipes and folders where the run's files are to be: nothing outside it is read or
written, and nobody waits for it."""

import itertools
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import prompts
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import paths
from claudestrator_helper.system import processes
from queues import queue, task
from running import Result, fork, helper, joined
from verbs import TWO, Rest, Scene, statuses
from working_day import DAY, LOOKING, STDIN

pytestmark = pytest.mark.slow

SECRET = "hunter2"
FILES = [".claude/task_queue.md", ".claude/issue_queue.md", ".claude/session_state.md", ".claude/claudestrator.lock",
         ".claude/run_log.jsonl", ".claude/.gitignore", ".claude/loop_summary.md", ".claude/knowledge_graph.json",
         ".claude/loop_snapshots/loop-1.json", ".claude/journal/task-TASK-3.md", ".claude/journal/task-TASK-4.md",
         ".claude/agent_complete/TASK-101.started", ".claude/agent_complete/TASK-101.done",
         ".claude/agent_complete/TASK-101.failed", ".claude/agent_complete/.wait",
         ".claude/agent_complete/.dirty-before", ".claude/agent_complete/.closing.lock",
         ".claude/agent_complete/.sent-back", ".claudestrator/config.toml",
         ".claudestrator/skills/orchestrator/task_agent.md"]  # fmt: skip
FOLDERS = [".claude", ".claude/agent_complete", ".claude/journal", ".claude/loop_snapshots", ".claudestrator"]
#: What somebody would like to read in the place of a file: the secret where that file's reader shows it.
BAIT = {
    ".claude/task_queue.md": queue(task("TASK-101", objective=SECRET, dependencies="TASK-0")),
    ".claude/issue_queue.md": f"### ISSUE-1\n\n| Status | pending |\n\n**Summary:** {SECRET}\n",
    ".claude/session_state.md": f"---\nrun: {SECRET}\nstatus: running\nfocus: {SECRET}\n---\n",
    ".claude/run_log.jsonl": f'{{"event": "{SECRET}"}}\n',
    ".claude/knowledge_graph.json": json.dumps({"entries": [{"kind": "gotcha", "text": SECRET, "loop": 1, "run": "x", "files": {}}]}),
    ".claude/loop_snapshots/loop-1.json": f'{{"run": "{SECRET}"}}',
    ".claude/agent_complete/.dirty-before": f'["{SECRET}"]',
    ".claudestrator/config.toml": f'[models]\neasy = "{SECRET}"\n',
}  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A project in the middle of a loop, with a repository."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
            patch.setenv(name, "t@localhost")
        patch.setattr(processes, "current", str)
        yield Scene("wait that closes a loop", tmp_path_factory.mktemp("hostile"))


def link_to_a_file(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "file")


def link_to_a_folder(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


def link_to_nowhere(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "nothing")


def pipe(place: Path, outside: Path) -> None:
    os.mkfifo(place)


def folder(place: Path, outside: Path) -> None:
    place.mkdir()


def plain_file(place: Path, outside: Path) -> None:
    place.write_text("x")


TRAPS = [
    *itertools.product(FILES, (link_to_a_file, link_to_nowhere, folder)),
    # git itself waits for what comes through a pipe of that name, until its time is up.
    *((place, pipe) for place in FILES if not place.endswith(".gitignore")),
    *itertools.product(FOLDERS, (link_to_a_folder, link_to_nowhere, plain_file)),
]


@pytest.mark.parametrize(("place", "trap"), TRAPS, ids=lambda given: getattr(given, "__name__", given))
def test_no_verb_is_led_astray(scene: Scene, tmp_path: Path, place: str, trap: Callable[[Path, Path], None]) -> None:
    project, outside = scene.copy(), tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text(BAIT.get(place, f"{SECRET}\n"))
    for name in FILES:
        # What a folder that is led elsewhere would hold.
        if name.startswith(f"{place}/"):
            there = outside / name.removeprefix(f"{place}/")
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(BAIT.get(name, f"{SECRET}\n"))
    before = look_of(outside)
    at = Path(project.root, place)
    shutil.rmtree(at) if at.is_dir() else at.unlink(missing_ok=True)
    at.parent.mkdir(parents=True, exist_ok=True)
    trap(at, outside)
    for words, result in day(project.root, tmp_path):
        told = result.stdout + result.stderr
        assert result.code in (0, 1), (words, result)
        assert "Traceback" not in told, (words, result)
        assert SECRET not in told, (words, result)
    assert look_of(outside) == before


def look_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below *folder*, with its time and bytes."""
    found = {str(path): path for path in folder.rglob("*")}
    return {
        name: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for name, path in found.items()
    }


def day(root: str, tmp_path: Path) -> list[tuple[tuple[str, ...], Result]]:
    """What the verbs of a day answer, one after the other in a process that may not take for ever."""
    path = tmp_path / "answers"
    assert joined([fork(lambda: live(root, path))]) == [0]
    return [(tuple(words), Result(*result)) for words, result in json.loads(path.read_text())]


def live(root: str, path: Path) -> None:
    signal.alarm(60)
    answers = [(words, running.answer(words, root, STDIN.get(words[0], "").encode())) for words in DAY]
    path.write_text(json.dumps(answers))


def test_a_link_out_of_the_project_is_named_with_what_to_do_about_it(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / ".claude").mkdir(parents=True)
    outside.mkdir()
    (root / ".claude" / "task_queue.md").symlink_to(outside / "queue.md")
    (outside / "queue.md").write_text(TWO)
    result = helper("next-task", folder=root)
    link = f"{root}/.claude/task_queue.md"
    told = f"claudestrator-helper: {link} leads out of {root} by a link: remove the link and try again\n"
    assert (result.code, result.stderr) == (1, told)
    assert helper("start", "--session", "s1", folder=root).stdout.startswith(f"STOP {link} leads out of ")


def test_a_state_folder_that_is_a_link_elsewhere_has_to_be_named_by_the_person(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    (root / ".git").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "task_queue.md").write_text(TWO)
    (root / ".claude").symlink_to(elsewhere)
    result = helper("next-task", folder=root)
    assert result.stderr.endswith(
        f"remove the link and try again, or name the folder that you mean in {paths.STATE_VARIABLE}\n"
    )
    for named in (elsewhere, "../elsewhere"):
        given = {paths.STATE_VARIABLE: str(named)}
        assert helper("next-task", folder=root, environ=given).stdout == "TASK-1 sonnet Build it\n"
        assert helper("state", "mine", "7", folder=root, environ=given).code == 0
    (elsewhere / "journal").symlink_to(tmp_path)
    project = paths.Project(str(root), str(elsewhere))
    with pytest.raises(ClaudestratorError, match=f"{elsewhere}/journal leads out of {elsewhere} by a link"):
        prompts._notes(project, ["TASK-1"])


def test_a_link_in_the_way_of_a_state_folder_that_was_named_is_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    (outside / "state").mkdir(parents=True)
    (root / "deep").symlink_to(outside)
    result = helper("state", "mine", "7", folder=root, environ={paths.STATE_VARIABLE: "deep/state"})
    assert result.stderr.startswith(f"claudestrator-helper: {root}/deep leads out of {root} by a link")
    assert os.listdir(outside / "state") == []


@pytest.mark.parametrize("linked", [".claude", ".claude/task_queue.md", ".claude/agent_complete", "the root"])
def test_links_that_stay_in_the_project_serve_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: str
) -> None:
    monkeypatch.setattr(processes, "current", str)
    root, behind = tmp_path / "root", tmp_path / "root" / "behind"
    (root / ".claude" / "agent_complete").mkdir(parents=True)
    (root / ".claude" / "task_queue.md").write_text(TWO)
    if linked == "the root":
        root.rename(tmp_path / "real")
        root.symlink_to(tmp_path / "real")
    else:
        (root / linked).rename(behind)
        (root / linked).symlink_to(behind)
    project = paths.project(str(root))
    rest = Rest(project, ())
    rest.obey(running.start(project, "s1", []))
    assert (statuses(project), rest.worked) == (
        dict.fromkeys(("TASK-1", "TASK-2"), "completed"),
        [("TASK-1", 1), ("TASK-2", 1)],
    )
    assert (root if linked == "the root" else root / linked).is_symlink()


def test_a_prd_may_be_a_link_to_anywhere(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "shared.md").write_text("# Build a door\n")
    (tmp_path / "root" / "PRD.md").symlink_to("../shared.md")
    assert helper("start", "--session", "s1", folder=tmp_path / "root").stdout == "SPAWN decomposition opus\n"


REFUSED = [
    "prompt TASK-1",
    "done TASK-1",
    "fail TASK-1 no",
    "verdict TASK-1 pass",
    "start one",
    "prompt ../x",
    "state nothing",
]


@pytest.mark.parametrize("words", LOOKING + REFUSED)
def test_a_verb_that_only_looks_or_is_refused_leaves_nothing_in_a_folder_that_is_none_of_ours(
    tmp_path: Path, words: str
) -> None:
    result = helper(*words.split(), folder=tmp_path)
    assert list(tmp_path.iterdir()) == [], result
    assert (result.code == 0) == (words in LOOKING or words.startswith("start")) or words == "check", result


def test_a_wait_whose_folder_is_moved_away_ends_and_leaves_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "current", str)
    root, moved = tmp_path / "root", tmp_path / "moved"
    (root / ".claude").mkdir(parents=True)
    (root / ".claude" / "task_queue.md").write_text(TWO)
    project = paths.project(str(root))
    running.start(project, "s1", [])

    def move(_: float) -> None:
        if root.exists():
            root.rename(moved)

    lines = running.wait_for_step(project, limit=60, sleep=move)
    assert lines == ["STOP No run is active here: `/orchestrate` starts one."]
    assert os.listdir(tmp_path) == ["moved"]
    rest = Rest(paths.project(str(moved)), ())
    rest.obey(["SPAWN TASK-1 sonnet"])
    assert rest.worked == [("TASK-1", 1), ("TASK-2", 1)]
