"""Verdicts on disk, what the verifying agent is told, and a run that is killed while it is verified."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports, verdicts
from claudestrator_helper.engine.state import RUNNING, Agent, State
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import files, marker_files, paths, state_file
from claudestrator_helper.texts import issues
from claudestrator_helper.texts import queue as q
from kills import Killed, kill_before
from queues import queue, task
from reporting import LONGEST_PATH, OUTPUT, is_whole
from running import fork, joined
from simulated import NAILED, Checked
from states import changed, state_of

__all__ = ["kill_before"]  # a fixture

# Kills


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.slow
def test_a_verified_run_that_is_killed_before_any_one_of_its_writes_returns_nothing_twice(
    tmp_path: Path, kill_before: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    (tmp_path / ".claude").mkdir()
    at = 0
    while _killed_at(at, paths.project(str(tmp_path)), kill_before, monkeypatch, times):
        at += 1
    assert at > 25


def _killed_at(
    at: int, project: paths.Project, kill_before: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, times: int
) -> bool:
    """Whether the kill happened. TASK-1 fails verification so many times."""
    for path in Path(project.state).rglob("*"):
        if path.is_file():
            path.unlink()
    issue = "### ISSUE-20260101-001\n\n| Status | accepted |\n\n**Summary:** x\n\n**Task Ref:** TASK-1\n"
    Path(project.issues).write_text(issue, encoding="utf-8")
    sections = task("TASK-1", extra="**Issue:** ISSUE-20260101-001\n\n"), task("TASK-2", dependencies="TASK-1")
    Path(project.queue).write_text(queue(*sections), encoding="utf-8")
    kill_before(at)
    killed, clock = False, [int(time.time())]
    worked: list[tuple[str, int]] = []
    judged: list[tuple[str, bool]] = []
    begin = partial(running.start, project, "s1", ["--verify"], now=lambda: clock[0])
    step: Callable[[], list[str]] = begin
    for _ in range(60):
        try:
            lines = step()
        except Killed:
            killed = True
            monkeypatch.undo()
            step = begin
            continue
        step = partial(running.wait_for_step, project, limit=0, now=lambda: clock[0])
        if lines[-1].startswith("STOP"):
            break
        for id_, agent in state_file.read(project).agents.items():
            if (id_, agent.attempt) not in worked:
                worked.append((id_, agent.attempt))
                judged += _worked(project, id_, agent.attempt, times)
        clock[0] += 1
    where = f"killed before change {at}"
    ended = "completed" if times == 1 else "failed"
    found = {each.id: each.status for each in q.parse(files.read(project.queue) or "").tasks}
    assert found == {"TASK-1": ended, "TASK-2": "completed"}, where
    (followed,) = q.parse(files.read(project.issues) or "").tasks
    assert issues.status(followed) == ("completed" if times == 1 else "pending"), where
    assert sorted(worked) == [("TASK-1", 1), ("TASK-1", 2), ("TASK-2", 1), ("verify-0", 1), ("verify-0", 2)], where
    assert judged == [("TASK-1", False), ("TASK-2", True), ("TASK-1", times == 1)], where
    return killed


def _worked(project: paths.Project, id_: str, attempt: int, times: int) -> list[tuple[str, bool]]:
    """As an agent would, in a process that nobody kills; its verdicts."""
    under = state_file.read(project).verification.checking if id_ == "verify-0" else []
    given = [(each, each == "TASK-2" or attempt > times) for each in under]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_replace", _put)
        for each, passed in given:
            verdicts.give(project, each, "pass" if passed else "fail", attempt, NAILED)
        reports.done(project, id_, attempt, "")
    return given


def _put(path: str, text: str, *_: object) -> bool:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return True


# Verdicts, as the verifying agent gives them


def under_check(tmp_path: Path, *ids: str, attempt: int = 1, loop: int = 0) -> paths.Project:
    """Completed tasks with a verifying agent at work."""
    (tmp_path / ".claude").mkdir(parents=True, exist_ok=True)
    found = paths.project(str(tmp_path))
    Path(found.queue).write_text(queue(*(task(id_, status="completed") for id_ in ids)), encoding="utf-8")
    verifier = f"verify-{loop}"
    state_file.write(
        found,
        state_of(
            run="r", status=RUNNING, loop=loop, loops=loop, verify=True, verifying=list(ids),
            agents={verifier: Agent(attempt, "opus", 1, 1)}, attempts={verifier: attempt},
            completed=dict.fromkeys(ids, 1),
        ),
    )  # fmt: skip
    return found


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ClaudestratorError) as refused:
        call()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_verdict_is_one_file_that_names_its_agent_and_attempt(tmp_path: Path) -> None:
    project = under_check(tmp_path, "TASK-1", "TASK-2", attempt=3, loop=2)
    assert verdicts.give(project, "TASK-1", "fail", 3, "it\x1b[1m is\nnailed shut") == "fail TASK-1, 1 to go"
    assert (
        Path(marker_files.path(project, "TASK-1", "verdict")).read_text()
        == "fail it [1m is nailed shut\nattempt: 3\nverify-2\n"
    )
    assert verdicts.read(project, state_file.read(project)) == {"TASK-1": "it [1m is nailed shut"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "pass",
        "pass\nattempt: 1\nverify-0\n",
        "pass\nattempt: 2\nverify-1\n",
        "pass\nattempt: 2\n",
        "PASS\nattempt: 2\nverify-0\n",
        "\nattempt: 2\nverify-0\n",
    ],
)
def test_what_is_no_verdict_of_this_attempt_counts_for_nothing(tmp_path: Path, content: str) -> None:
    project = under_check(tmp_path, "TASK-1", attempt=2)
    Path(project.markers).mkdir()
    Path(marker_files.path(project, "TASK-1", "verdict")).write_text(content)
    assert verdicts.read(project, state_file.read(project)) == {}
    assert "no verdict yet on TASK-1" in refusal(lambda: reports.done(project, "verify-0", 2, ""))
    assert verdicts.give(project, "TASK-1", "pass", 2, "") == "pass TASK-1, the last one"
    assert reports.done(project, "verify-0", 2, "") == "done verify-0"


def test_a_new_agent_finds_no_verdict_of_an_older_one(tmp_path: Path) -> None:
    project = under_check(tmp_path, "TASK-1")
    verdicts.give(project, "TASK-1", "pass", 1, "")
    # Somebody mended a damaged state by deleting it, so attempts are counted from 1 again.
    state_file.write(project, State())
    Path(project.queue).write_text(queue(task("TASK-1")), encoding="utf-8")
    running.start(project, "s", ["--verify"])
    reports.done(project, "TASK-1", 1, "")
    assert running.wait_for_step(project)[-1] == "SPAWN verify-0 opus"
    assert verdicts.read(project, state_file.read(project)) == {}


def test_many_verdicts_at_once_are_all_kept(tmp_path: Path) -> None:
    names = [f"TASK-{n}" for n in range(20)]
    project = under_check(tmp_path, *names)
    pids = [fork(partial(_nail, project, id_)) for id_ in names]
    assert joined(pids) == [0] * len(names)
    assert verdicts.read(project, state_file.read(project)) == {id_: id_ for id_ in names}


def _nail(project: paths.Project, id_: str) -> None:
    verdicts.give(project, id_, "fail", 1, id_)


def test_a_link_leads_no_verdict_out_of_the_project(tmp_path: Path) -> None:
    project = under_check(tmp_path / "project", "TASK-1")
    victim = tmp_path / "precious"
    victim.write_text("mine")
    Path(project.markers).mkdir()
    Path(marker_files.path(project, "TASK-1", "verdict")).symlink_to(victim)
    assert "leads out of" in refusal(lambda: verdicts.give(project, "TASK-1", "pass", 1, ""))
    assert victim.read_text() == "mine"


# What the verifying agent is told


def test_the_prompt_holds_each_task_with_its_criteria_and_how_verdicts_are_given(tmp_path: Path) -> None:
    project = under_check(tmp_path, "TASK-1", "TASK-2", attempt=2)
    Path(project.queue).write_text(
        queue(
            task("TASK-1", status="completed", objective="A door", criteria=("It opens", "It shuts"), extra="**Files:** door.py\n\n"),
            task("TASK-2", status="completed", objective="A wall"),
            task("TASK-3", status="completed", objective="A roof"),
        ),
        encoding="utf-8",
    )  # fmt: skip
    state_file.write(project, changed(state_file.read(project), returned={"TASK-2": NAILED}, unchanged=["TASK-1"]))
    text = reports.begin(project, "verify-0")
    assert is_whole(text, "verify-0", 2)
    assert "claudestrator-helper verdict ID pass --attempt 2" in text
    section = q.parse(Path(project.queue).read_text()).task("TASK-1").section
    assert "**Files:** door.py" in section
    assert (
        f"## TASK-1 (line 3)\n\nIts agent has changed nothing in the working tree.\n\n````markdown\n{section}\n````\n"
        in text
    )
    assert "Its agent has changed nothing in the working tree." in text.split("## TASK-2")[0]
    assert f"**Returned by the last verification:** {NAILED}" in text.split("## TASK-2")[1]
    assert "A roof" not in text
    assert Path(marker_files.path(project, "verify-0", "started")).exists()


def test_without_anything_under_verification_there_is_no_prompt(tmp_path: Path) -> None:
    project = under_check(tmp_path, "TASK-1")
    state_file.write(project, State())
    assert "verify-0 has nothing to verify now" in refusal(lambda: reports.begin(project, "verify-0"))


def test_of_three_hundred_long_tasks_each_has_its_place_in_a_prompt_that_arrives_whole(tmp_path: Path) -> None:
    names = [f"TASK-{n:03d}{'x' * 50}" for n in range(300)]
    sections = [task(id_, objective="x " * 2_000, criteria=("criterion " * 100,) * 9) for id_ in names]
    checked = Checked(*sections)
    checked.text = q.edited(q.parse(checked.text), dict.fromkeys(names, "completed")).text
    checked.state = state_of(
        run="r", status=RUNNING, verify=True, completed=dict.fromkeys(names, 1), returned=dict.fromkeys(names, "why " * 250),
        unchanged=names, attempts=dict.fromkeys(names, 1),
    )  # fmt: skip
    root = tmp_path / LONGEST_PATH / LONGEST_PATH
    (root / ".claude").mkdir(parents=True)
    project = paths.Project(str(root), str(root / ".claude"))
    own = root / ".claudestrator" / "skills" / "orchestrator" / "verify_agent.md"
    own.parent.mkdir(parents=True)
    own.write_text("role " * 5_000)
    Path(project.queue).write_text(checked.text, encoding="utf-8")
    prompted: list[str] = []
    checked.wait()
    while checked.state.agents:
        state_file.write(
            project,
            changed(
                checked.state, agents={"verify-0": checked.state.agents["verify-0"]._replace(reason="why " * 5_000)}
            ),
        )
        text = reports.begin(project, "verify-0")
        assert len(text) < OUTPUT
        assert is_whole(text, "verify-0", checked.state.agents["verify-0"].attempt)
        prompted += [line.split()[1] for line in text.splitlines() if line.startswith("## TASK-")]
        checked.judge()
    assert prompted == names
    assert checked.said[-1] == "done verify-0 (300/300)"


def test_a_returned_task_that_failed_again_is_told_both_reasons(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    project = paths.project(str(tmp_path))
    Path(project.queue).write_text(queue(task("TASK-1", status="in_progress")), encoding="utf-8")
    agent = Agent(3, "opus", 1, 1, 1, "the tests hang")
    state_file.write(
        project,
        state_of(
            run="r", status=RUNNING, agents={"TASK-1": agent}, attempts={"TASK-1": 3}, returned={"TASK-1": NAILED}
        ),
    )
    text = reports.begin(project, "TASK-1")
    assert f"Its reason: the tests hang Before that, verification returned it: {NAILED}\n" in text
