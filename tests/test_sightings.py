"""Agents that no hook has told of, by what Claude Code writes beside their transcripts."""

import json
import os
import time
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import reports
from claudestrator_helper.engine import markers, outage, settle_reports
from claudestrator_helper.engine.config import LEAN, MOD, TASK
from claudestrator_helper.engine.state import Agent
from claudestrator_helper.run import sightings, steps
from claudestrator_helper.store import marker_files, paths, run_log, skill_calls, state_file
from claudestrator_helper.system import processes
from queues import queue, task
from states import changed, state_of

ID, NEXT, SESSION, BEFORE, AGENT = "TASK-001", "TASK-002", "5f0c-session", "4e1b-session", "a1b2c3"
SKILL = "claudestrator:work-opus"
FACTS = {"agentType": "general-purpose", "description": f"/{SKILL} {ID}"}
SILENT = (markers.ENDED, markers.SILENCE)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Project:
    """A run in the background, begun a minute ago, whose call for ID was interrupted once its prompt was made."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    made = paths.Project(str(tmp_path), str(tmp_path / ".claude"))
    Path(made.state).mkdir()
    Path(made.queue).write_text(queue(task(ID, status="in_progress"), task(NEXT, dependencies=ID)))
    at = int(time.time()) - 60
    begun = state_of(
        run="r",
        origin=processes.origin("r"),
        status="running",
        session=SESSION,
        hooked=True,
        engine=LEAN,
        wish=LEAN,
        background=True,
        agents={ID: Agent(1, "opus", at, at)},
        attempts={ID: 1},
        heartbeat=at + 60,
    )
    state_file.write(made, begun)
    run_log.append(made, begun, [{"event": run_log.BEGAN, "session": each} for each in (BEFORE, SESSION)], at)
    skill_calls.note(made, skill_calls.SkillCall(SKILL, ID, 1))
    for session in (BEFORE, SESSION):
        said(tmp_path, session)
    begins(made)
    return made


def said(folder: Path, session: str, name: str = "", text: str = "") -> Path:
    """The transcript of a session, or of an agent in it, that begins with *text*."""
    place = (
        folder
        / "config"
        / "projects"
        / "p"
        / (f"{session}/subagents/agent-{name}.jsonl" if name else f"{session}.jsonl")
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"type": "user", "message": {"content": text}}) + "\n")
    return place


def begins(project: paths.Project, seconds_ago: float = 60) -> str:
    """The prompt, made so long ago."""
    prompt = reports.begin(project, ID)
    was(Path(marker_files.path(project, ID, markers.STARTED)), seconds_ago)
    return prompt


def was(path: Path, seconds_ago: float) -> None:
    os.utime(path, (time.time() - seconds_ago,) * 2)


def knows(path: Path, seconds_ago: float = 60, **facts: object) -> None:
    """What Claude Code has noted, so long ago, of the agent with that transcript."""
    noted = path.with_suffix(".meta.json")
    noted.write_text(json.dumps({**FACTS, **facts}, separators=(",", ":")))
    was(noted, seconds_ago)


def launched(project: paths.Project) -> Path:
    """The transcript of ID's agent, whose launch a hook has seen."""
    marker_files.leave(project, ID, markers.AGENT, 1, AGENT)
    return said(Path(project.root), SESSION, AGENT, reports.begin(project, ID))


def wait(project: paths.Project) -> list[str]:
    return running.wait_for_step(project)


def test_an_agent_that_was_never_launched_is_called_for_again(project: paths.Project) -> None:
    assert wait(project) == [f"WORK {ID} opus"]
    assert state_file.read(project).agents[ID].attempt == 1


def test_typed_again_too(project: paths.Project) -> None:
    # Skills stay in the foreground outside a terminal, so another engine calls.
    assert [each.line() for each in steps.start(project, SESSION, []).directives] == [f"SPAWN {ID} opus"]


def test_a_call_that_may_still_come_to_a_launch_is_waited_for(project: paths.Project) -> None:
    was(Path(marker_files.path(project, ID, markers.STARTED)), settle_reports.LAUNCH / 2)
    assert wait(project)[-1] == "WAIT"


@pytest.mark.parametrize("session", [SESSION, BEFORE])
def test_an_agent_whose_launch_no_hook_has_seen_is_waited_for(project: paths.Project, session: str) -> None:
    knows(said(Path(project.root), session, AGENT, reports.begin(project, ID)))
    assert wait(project)[-1] == "WAIT"
    assert marker_files.name(project, ID, 1) == AGENT
    assert skill_calls.read(project) == [skill_calls.SkillCall(SKILL, ID, 1, AGENT)]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("claudestrator-helper done TASK-001 --attempt 2", {}),
        ("claudestrator-helper done TASK-003 --attempt 1", {}),
        ("claudestrator-helper done TASK-001 --attempt 1", {"parentAgentId": "a9"}),
    ],
    ids=["another attempt", "another task", "an agent's own agent"],
)
def test_anothers_agent_is_not_taken_for_it(project: paths.Project, text: str, facts: dict[str, object]) -> None:
    knows(said(Path(project.root), SESSION, AGENT, text), 60, **facts)
    assert wait(project) == [f"WORK {ID} opus"]


def test_without_transcripts_the_prompt_is_believed(project: paths.Project) -> None:
    os.unlink(Path(project.root, "config", "projects", "p", f"{SESSION}.jsonl"))
    assert wait(project)[-1] == "WAIT"


@pytest.mark.parametrize("engine", [LEAN, TASK])
def test_an_agent_that_a_person_has_stopped_is_replaced_at_once_and_has_not_failed(
    project: paths.Project, engine: str
) -> None:
    state_file.write(project, changed(state_file.read(project), engine=engine))
    knows(launched(project), seconds_ago=0, stoppedByUser=True)
    assert wait(project) == [f"lost {ID}: {outage.INTERRUPTED}", f"{'WORK' if engine == LEAN else 'SPAWN'} {ID} opus"]
    found = state_file.read(project).agents[ID]
    assert (found.attempt, found.failures) == (2, 0)


def test_an_agent_whose_end_no_hook_has_recorded_has_failed(project: paths.Project) -> None:
    path = launched(project)
    knows(path, finished=True)
    assert wait(project) == [f"failed {ID}: {markers.ENDED}; retrying with opus", f"WORK {ID} opus"]


@pytest.mark.parametrize("ago", [0, sightings.PATIENCE / 2])
def test_a_hook_has_its_time_to_record_it(project: paths.Project, ago: float) -> None:
    knows(launched(project), ago, finished=True)
    assert wait(project)[-1] == "WAIT"


@pytest.mark.parametrize("facts", [{}, {"name": '"stoppedByUser":true'}, {"description": '"finished":true'}])
def test_an_agent_that_works_is_left_alone(project: paths.Project, facts: dict[str, object]) -> None:
    knows(launched(project), 3600, **facts)
    assert wait(project)[-1] == "WAIT"


def test_an_agent_that_its_own_job_wakes_has_not_ended(project: paths.Project) -> None:
    knows(launched(project), 3600, finished=True)
    marker_files.leave(project, ID, markers.HELD, 1, markers.HELD)
    assert wait(project)[-1] == "WAIT"


def test_a_report_counts_whatever_became_of_its_agent(project: paths.Project) -> None:
    knows(launched(project), stoppedByUser=True, finished=True)
    reports.done(project, ID, 1, "")
    assert wait(project)[0].startswith(f"done {ID} (1/2)")


def test_a_mod_sees_its_agents_itself(project: paths.Project) -> None:
    state_file.write(project, changed(state_file.read(project), engine=MOD))
    knows(launched(project), stoppedByUser=True)
    assert wait(project)[-1] == "WAIT"
    assert marker_files.report_of(project, ID, 1) is None


def test_what_can_not_be_read_says_nothing(project: paths.Project) -> None:
    launched(project).with_suffix(".meta.json").mkdir()
    assert wait(project)[-1] == "WAIT"
