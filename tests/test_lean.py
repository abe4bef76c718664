"""The lean engine: agents in the foreground, and the hook on their call in which the run goes on."""

import json
import time
from pathlib import Path

import pytest
import running
from claudestrator_helper.agents import prompts, starting
from claudestrator_helper.engine import begin_run, markers, outage
from claudestrator_helper.engine.config import LEAN
from claudestrator_helper.engine.state import Agent
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.hooks import forked_skill
from claudestrator_helper.store import marker_files, queue_file, run_log, skill_calls, state_file
from claudestrator_helper.store.hidden_files import AHEAD, PROGRESS
from claudestrator_helper.store.paths import Project
from claudestrator_helper.system import processes
from claudestrator_helper.texts.queue import Queue
from queues import queue, task
from running import Result, helper
from simulated import Simulation
from states import changed, state_of

ID, NEXT, SESSION, AGENT = "TASK-001", "TASK-002", "5f0c-session", "a1b2c3"
SKILL = "claudestrator:work-opus"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A lean run of SESSION in which an agent works on the second attempt at ID."""
    made = Project(str(tmp_path), str(tmp_path / ".claude"))
    Path(made.state).mkdir()
    Path(made.queue).write_text(queue(task(ID, status="in_progress"), task(NEXT)))
    agents = {ID: Agent(2, "opus", 100, 100, 1, "it broke")}
    begun = state_of(
        run="r",
        origin=processes.origin("r"),
        status="running",
        session=SESSION,
        engine=LEAN,
        agents=agents,
        attempts={ID: 2},
        heartbeat=100,
    )
    state_file.write(made, begun)
    marker_files.leave(made, ID, markers.STARTED, 2, markers.STARTED)
    return made


def hooked(project: Project, told: dict[str, object], **environ: str) -> Result:
    return helper("hook", folder=project.root, stdin=json.dumps(told).encode(), environ=environ)


def event(project: Project, name: str, **more: object) -> dict[str, object]:
    return {"hook_event_name": name, "session_id": SESSION, "cwd": project.root, **more}


def came_back(project: Project, **changes: object) -> dict[str, object]:
    response = {"success": True, "commandName": SKILL, "status": "forked", "agentId": AGENT, "result": "done"}
    given = {"skill": SKILL, "args": ID}
    told = event(project, "PostToolUse", tool_name="Skill", tool_input=given, tool_response=response)
    return {**told, **changes}


def handed_over(project: Project) -> tuple[str, str]:
    """What the conversation is given in place of the call's result, and what the person sees."""
    answer = json.loads(hooked(project, came_back(project)).stdout)
    output = answer["hookSpecificOutput"]["updatedToolOutput"]
    assert set(output) == {"success", "commandName", "status", "agentId", "result"}
    return output["result"], answer.get("systemMessage", "")


def test_the_next_directive_takes_the_place_of_the_result(project: Project) -> None:
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    assert handed_over(project) == (f"WORK {NEXT} sonnet", f"done {ID} (1/2)\nnext {NEXT}: Build it")
    assert state_file.read(project).completed == {ID: 2}


def test_the_prompt_of_the_next_agent_is_there_when_it_asks(project: Project) -> None:
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    handed_over(project)
    made = AHEAD.read(project).split("\n", 4)
    assert made[2] == NEXT
    AHEAD.write(project, "\n".join([*made[:3], "f1f2", f"{made[4]}!"]))
    given = helper("prompt", "--skill", "work-sonnet", folder=project.root).stdout
    assert given == f"{prompt_made_now(project)}!\n"
    assert marker_files.begun(project, NEXT, 1) == "f1f2"


def prompt_made_now(project: Project) -> str:
    current = state_file.read(project)
    return prompts.prompt(project, NEXT, current, queue_file.read(project, current))


@pytest.mark.parametrize("change", ["queue", "state", "time", "task", "cut"])
def test_a_prompt_that_may_be_old_is_made_again(project: Project, change: str) -> None:
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    handed_over(project)
    seal, when, id_, tree, text = AHEAD.read(project).split("\n", 4)
    if change == "queue":
        Path(project.queue).write_text(Path(project.queue).read_text() + "\n")
    elif change == "state":
        state_file.write(project, state_file.read(project))
    when, id_ = str(int(when) - 11 * (change == "time")), ID if change == "task" else id_
    made = "\n".join([seal, when, id_, tree, f"{text}!"])
    AHEAD.write(project, seal if change == "cut" else made)
    assert helper("prompt", "--skill", "work-sonnet", folder=project.root).stdout == prompt_made_now(project)


def test_another_session_gets_no_prompt_that_was_made_ahead(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    handed_over(project)
    current = state_file.read(project)
    assert starting.begin(project, current, NEXT) == prompt_made_now(project)
    monkeypatch.setattr(processes, "current", lambda: "another")
    assert starting.begin(project, current._replace(owner=current.owner._replace(process="one")), NEXT) is None


def test_a_prompt_that_can_not_be_made_keeps_no_directive_back(project: Project) -> None:
    role = Path(project.root, ".claudestrator/skills/orchestrator/task_agent.md")
    role.mkdir(parents=True)
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    assert handed_over(project)[0] == f"WORK {NEXT} sonnet"
    assert not AHEAD.exists(project)


def test_the_last_result_is_how_the_run_ended(project: Project) -> None:
    Path(project.queue).write_text(queue(task(ID, status="in_progress")))
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    run_log.append(project, state_file.read(project), [{"event": "spawned", "id": ID}], time.time())
    named = "Report: .claude/claudestrator/reports/r.html"
    assert handed_over(project)[0] == f"STOP The one task is completed. {named}"
    assert state_file.read(project).status == "finished"


@pytest.mark.parametrize(("release", "notifies"), [("2-1-332", True), ("2-1-331", False), ("", False)])
def test_the_end_of_the_run_notifies_through_the_terminal(
    project: Project, monkeypatch: pytest.MonkeyPatch, release: str, *, notifies: bool
) -> None:
    monkeypatch.setenv("AI_AGENT", f"claude-code_{release}_harness")
    assert "terminalSequence" not in json.loads(hooked(project, came_back(project)).stdout)
    Path(project.queue).write_text(queue(task(NEXT, status="in_progress", objective="x;\x1b]0;y")))
    marker_files.leave(project, NEXT, markers.DONE, 1, markers.DONE)
    answer = json.loads(hooked(project, came_back(project, tool_input={"skill": SKILL, "args": NEXT})).stdout)
    assert answer["hookSpecificOutput"]["updatedToolOutput"]["result"].startswith("STOP The one task")
    said = "\x1b]777;notify;Claudestrator;The one task is completed."
    assert answer.get("terminalSequence", "").startswith(said) == notifies
    assert answer.get("terminalSequence", said + "\x07").count("\x1b") == 1


def test_an_agent_that_left_no_report_has_failed(project: Project) -> None:
    result, said = handed_over(project)
    assert result == f"WORK {NEXT} sonnet"
    assert said.splitlines()[0] == f"failed {ID} (0/2): ended without reporting"


def test_an_agent_that_the_api_has_ended_gets_another_attempt_and_no_stronger_model(project: Project) -> None:
    hooked(project, event(project, "StopFailure", agent_id=AGENT, error="rate_limit"))
    result, said = handed_over(project)
    assert result == f"WORK {ID} opus"
    assert said.splitlines()[0] == f"lost {ID}: {outage.reason('rate_limit')}"


def test_the_end_of_an_agents_own_helper_is_not_the_agents(project: Project) -> None:
    hooked(project, event(project, "StopFailure", agent_id="nested", error="rate_limit"))
    assert handed_over(project)[1].startswith(f"failed {ID} (0/2): ended without reporting\n")


def test_what_may_take_long_is_left_to_a_wait(project: Project) -> None:
    run = changed(state_file.read(project), loops=1, loop=1, phase="tasks", ran=[ID], initial_prd_tasks_complete=True)
    state_file.write(project, run)
    Path(project.queue).write_text(queue(task(ID, status="in_progress")))
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    assert handed_over(project)[0] == "WAIT"
    assert state_file.read(project).phase == "commit"


@pytest.mark.parametrize(
    "changes",
    [
        {"tool_input": {"skill": "pdf", "args": ID}},
        {"tool_input": {"args": ID}},
        {"tool_input": "work"},
        {"tool_response": {"status": "inline"}},
        {"tool_response": "refused"},
        {"session_id": "another"},
        {"agent_id": AGENT},
    ],
)
def test_other_skills_and_sessions_are_let_alone(project: Project, changes: dict[str, object]) -> None:
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    assert hooked(project, came_back(project, **changes)) == (0, "", "")
    assert ID in state_file.read(project).agents


def test_a_run_that_is_over_is_let_alone(project: Project) -> None:
    state_file.write(project, changed(state_file.read(project), status="finished"))
    assert hooked(project, came_back(project)).stdout == ""


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"skill": SKILL, "args": ID}, True),
        ({"skill": SKILL, "args": f" {ID}\n"}, True),
        ({"skill": SKILL, "args": NEXT}, False),
        ({"skill": SKILL, "args": f"{ID}; touch evil"}, False),
        ({"skill": SKILL}, False),
        ({"skill": "pdf", "args": ID}, False),
        ({"skill": None, "args": ID}, False),
    ],
)
def test_only_the_call_that_the_run_waits_for_asks_nobody(
    project: Project, given: dict[str, object], allowed: bool
) -> None:
    said = hooked(project, event(project, "PreToolUse", tool_name="Skill", tool_input=given)).stdout
    assert ('"permissionDecision": "allow"' in said) == allowed


def test_an_agent_does_not_call_the_agents_of_the_run(project: Project) -> None:
    told = event(project, "PreToolUse", tool_name="Skill", tool_input={"skill": SKILL, "args": ID}, agent_id=AGENT)
    assert '"permissionDecision": "deny"' in hooked(project, told).stdout


def stopping(project: Project, **more: object) -> dict[str, object]:
    """The input of a SubagentStop hook for the fork that works on ID: nothing in it names the task."""
    path = Path(project.root, "agent.jsonl")
    text = f"{prompts.prompt(project, ID, state_file.read(project), overview_of(project))}\n\nARGUMENTS: {ID}"
    path.write_text(json.dumps({"type": "user", "message": {"role": "user", "content": text}}) + "\n")
    return event(project, "SubagentStop", agent_id=AGENT, agent_transcript_path=str(path), background_tasks=[], **more)


def overview_of(project: Project) -> Queue:
    from claudestrator_helper.store import queue_file

    return queue_file.parsed(project)


def test_a_fork_that_ends_without_a_report_is_asked_for_it_once(project: Project) -> None:
    answer = json.loads(hooked(project, stopping(project)).stdout)
    assert answer["decision"] == "block"
    assert f"done {ID} --attempt 2" in answer["reason"]
    assert hooked(project, stopping(project, stop_hook_active=True)).stdout == ""
    found = marker_files.report_of(project, ID, 2)
    assert found is not None
    assert found.reason == markers.ENDED


@pytest.mark.parametrize("framed", ["Help with this:\n{}", "{}\n\nTell me what you think.", "{}"])
def test_an_agent_that_the_fork_has_shown_its_prompt_decides_nothing(project: Project, framed: str) -> None:
    told = stopping(project, stop_hook_active=True)
    path = Path(str(told["agent_transcript_path"]))
    line = json.loads(path.read_text())
    line["message"]["content"] = framed.format(line["message"]["content"])
    path.write_text(json.dumps(line) + "\n")
    path.with_suffix(".meta.json").write_text(json.dumps({"spawnDepth": 2, "parentAgentId": AGENT}))
    if framed != "{}":
        path.with_suffix(".meta.json").unlink()
    assert hooked(project, {**told, "agent_id": "nested"}).stdout == ""
    assert marker_files.report_of(project, ID, 2) is None


# Without the hooks, and after an interruption


def lean_run(*tasks: str) -> Simulation:
    run = Simulation(queue(*tasks))
    run.apply(begin_run.begin(run.inputs(), begin_run.Caller("s1"), "run-1", begin_run.Asked(engine=LEAN)))
    return run


def asked_again(run: Simulation) -> list[str]:
    """The directives of a `wait` by the orchestrator itself."""
    run.now += 1
    return run.apply(run.inputs()._replace(alone=True))


def test_the_directive_is_a_word_of_its_own() -> None:
    run = Simulation(queue(task("TASK-1")))
    begun = begin_run.begin(run.inputs(), begin_run.Caller("s1"), "run-1", begin_run.Asked(engine=LEAN))
    assert run.apply(begun) == ["WORK TASK-1 sonnet"]


def test_a_wait_hands_over_the_next_directive_where_no_hook_did() -> None:
    run = lean_run(task("TASK-1"), task("TASK-2"))
    run.done("TASK-1")
    assert asked_again(run) == ["WORK TASK-2 sonnet"]


def test_a_directive_that_was_lost_is_printed_again_at_once() -> None:
    run = lean_run(task("TASK-1"))
    assert asked_again(run) == ["WORK TASK-1 sonnet"]
    assert run.state.agents["TASK-1"].attempt == 1


def test_calls_that_are_refused_again_and_again_end_the_run_in_a_few_turns() -> None:
    run = lean_run(*(task(f"TASK-{n}") for n in range(1, 6)))
    turns = 1
    while not (said := asked_again(run)[0]).startswith("STOP"):
        turns += 1
    assert turns < 15
    assert "not started, as when a rule or a hook refuses the call" in said


def test_who_waits_has_no_agent_at_work_any_more() -> None:
    run = lean_run(task("TASK-1"))
    run.live("TASK-1")
    assert asked_again(run) == ["WORK TASK-1 opus"]
    assert run.state.agents["TASK-1"].reason == markers.ENDED


def test_where_hooks_are_at_work_what_they_saw_no_end_of_was_interrupted_and_is_no_failure() -> None:
    run = lean_run(task("TASK-1"))
    run.state = changed(run.state, hooked=True)
    run.live("TASK-1")
    assert asked_again(run) == ["WORK TASK-1 sonnet"]
    agent = run.state.agents["TASK-1"]
    assert (agent.attempt, agent.failures) == (2, 0)


def test_a_run_that_is_only_interrupted_stops() -> None:
    run = lean_run(task("TASK-1"))
    run.state = changed(run.state, hooked=True)
    for _ in range(outage.MOST - 1):
        run.live("TASK-1")
        assert asked_again(run) == ["WORK TASK-1 sonnet"]
    run.live("TASK-1")
    (stop,) = asked_again(run)
    assert "5 agents in a row were ended by an interruption" in stop
    assert run.statuses() == {"TASK-1": "pending"}


def test_a_run_whose_calls_are_refused_stops() -> None:
    run = lean_run(task("TASK-1"))
    assert [asked_again(run) for _ in range(outage.MOST - 1)] == [["WORK TASK-1 sonnet"]] * (outage.MOST - 1)
    (stop,) = asked_again(run)
    assert "0 of 1 tasks completed: 5 agents in a row were not started" in stop
    assert run.statuses() == {"TASK-1": "pending"}
    assert run.start("s1") == ["WORK TASK-1 sonnet"]


def test_a_wait_by_anybody_else_leaves_the_agent_at_work() -> None:
    run = lean_run(task("TASK-1"))
    run.live("TASK-1")
    assert run.wait(30) == []
    assert list(run.state.agents) == ["TASK-1"]


@pytest.mark.parametrize(("session", "settled"), [(SESSION, True), ("", False)])
def test_in_a_sandbox_the_orchestrators_wait_is_known_by_its_session(
    project: Project, monkeypatch: pytest.MonkeyPatch, session: str, settled: bool
) -> None:
    monkeypatch.setattr(processes, "current", str)
    last = running.wait_for_step(project, session, now=lambda: 100)[-1]
    assert last == (f"WORK {NEXT} sonnet" if settled else "WAIT")


def test_typed_again_after_an_interruption_it_is_a_new_attempt_and_no_failure() -> None:
    run = lean_run(task("TASK-1"))
    run.live("TASK-1")
    assert run.start("s1") == ["WORK TASK-1 sonnet"]
    agent = run.state.agents["TASK-1"]
    assert (agent.attempt, agent.failures) == (2, 0)


def test_the_time_in_the_foreground_counts() -> None:
    run = lean_run(task("TASK-1"))
    run.live("TASK-1")
    run.now += 3000
    run.fail("TASK-1")
    step_inputs = run.inputs()._replace(alone=True)
    run.apply(step_inputs)
    assert run.state.owner.heartbeat == run.now
    assert step_inputs.state.agents["TASK-1"].claimed == run.now - 3000


def test_an_agent_of_an_hour_is_no_other_sessions_prey() -> None:
    run = lean_run(task("TASK-1"))
    run.state = changed(run.state, process="here/1/1/1/1")
    assert begin_run.whose(run.state, begin_run.Caller("s2", lives=True), run.now + 3600) == begin_run.TAKEN


def test_the_engine_does_not_change_under_an_agent_in_the_background() -> None:
    run = Simulation(queue(task("TASK-1")))
    run.start()
    with pytest.raises(ClaudestratorError, match="TASK-1 is at work in the background"):
        begin_run.begin(run.inputs(), begin_run.Caller("s1"), "r", begin_run.Asked(engine=LEAN))


def test_the_engine_changes_where_the_agents_in_the_background_have_reported() -> None:
    run = Simulation(queue(task("TASK-1"), task("TASK-2")))
    run.start()
    run.done("TASK-1")
    begun = begin_run.begin(run.inputs(), begin_run.Caller("s1"), "r", begin_run.Asked(engine=LEAN))
    assert run.apply(begun) == ["WORK TASK-2 sonnet"]
    assert run.statuses()["TASK-1"] == "completed"


def test_skills_are_there_for_every_model() -> None:
    from claudestrator_helper.texts.models import NAMES

    folder = Path(__file__).parents[1] / "commands"
    first = (folder / "work-opus.md").read_text()
    wanted = {}
    for model in NAMES:
        for other in ("", *forked_skill.OTHERS):
            text = first.replace("model: opus", f"model: {model}").replace("work-opus", f"work-{model}{other}")
            # Without a description, a skill is in no session's list; the model calls only the first.
            wanted[f"work-{model}{other}"] = text.replace("internal", '""') if other else text
    assert {path.stem: path.read_text() for path in folder.glob("work-*.md")} == wanted
    assert skill_calls.SKILL == "claudestrator:work-"


# In the background


@pytest.fixture
def forked(project: Project) -> Project:
    """The same run with its skills in the background, and with the agent of ID launched."""
    state_file.write(project, changed(state_file.read(project), background=True, parallel=4))
    marker_files.leave(project, ID, markers.AGENT, 2, AGENT)
    return project


def called(project: Project, id_: str = ID, skill: str = SKILL) -> str:
    """The skill that is called instead."""
    told = event(project, "PreToolUse", tool_name="Skill", tool_input={"skill": skill, "args": id_})
    answer = json.loads(hooked(project, told).stdout)["hookSpecificOutput"]
    assert answer["permissionDecision"] == "allow"
    changed = answer.get("updatedInput", {"skill": skill, "args": id_})
    assert changed["args"] == id_
    return str(changed["skill"])


def launched(project: Project, id_: str = ID, **changes: object) -> Result:
    told = came_back(project, tool_input={"skill": SKILL, "args": id_}, **changes)
    response = {**dict(told["tool_response"]), "background": True}  # type: ignore[call-overload]
    return hooked(project, {**told, "tool_response": response})


def claim(project: Project, *ids: str) -> None:
    agents = {id_: Agent(1, "opus", 100, 100) for id_ in ids}
    current = state_file.read(project)
    state_file.write(project, changed(current, agents={**current.agents, **agents}, attempts=dict.fromkeys(ids, 1)))


def test_each_agent_at_work_has_a_skill_of_its_own_and_the_last_one_is_left_alone_for_longest(forked: Project) -> None:
    assert called(forked) == SKILL
    claim(forked, NEXT)
    assert called(forked, NEXT) == f"{SKILL}-2"
    state_file.write(forked, changed(state_file.read(forked), agents={}))
    others = [f"TASK-00{number}" for number in (3, 4, 5, 6)]
    claim(forked, *others)
    assert [called(forked, id_) for id_ in others] == [f"{SKILL}-3", f"{SKILL}-4", f"{SKILL}-5", SKILL]


def test_the_skill_says_whose_prompt_its_agent_begins_with(forked: Project) -> None:
    called(forked)
    claim(forked, NEXT)
    called(forked, NEXT)
    for skill, id_ in (("work-opus", ID), ("work-opus-2", NEXT)):
        assert f"# Your task: {id_}" in helper("prompt", "--skill", skill, folder=forked.root).stdout
    assert "2 agents are at work" in helper("prompt", "--skill", "work-opus-3", folder=forked.root).stderr
    # As where the hook on the next call was killed, before it could name another skill.
    launched(forked)
    again = helper("prompt", "--skill", "work-opus", folder=forked.root)
    assert (again.stdout, again.code) == ("", 1)
    assert f"the prompt of {ID} was given to another agent" in again.stderr


def test_the_hook_on_a_launch_waits_for_the_report(forked: Project) -> None:
    marker_files.leave(forked, ID, markers.DONE, 2, markers.DONE)
    answer = json.loads(launched(forked).stdout)
    output = answer["hookSpecificOutput"]["updatedToolOutput"]
    assert (output["result"], output["background"]) == (f"WORK {NEXT} sonnet", True)
    assert answer["systemMessage"] == f"done {ID} (1/2)\nnext {NEXT}: Build it"
    assert marker_files.name(forked, ID, 2) == AGENT
    notice = f"<task-notification>\n<task-id>{AGENT}</task-id>\n"
    told = event(forked, "UserPromptSubmit", prompt=notice)
    said = json.loads(hooked(forked, told).stdout)["reason"]
    assert said.endswith(f"{ID} has ended, and the run knows that already; done 1/2, at work: {NEXT}")
    PROGRESS.write(forked, PROGRESS.read(forked) + "!")
    assert json.loads(hooked(forked, told).stdout)["reason"] == said + "!"
    state_file.write(forked, state_file.read(forked))
    assert json.loads(hooked(forked, told).stdout)["reason"] == said


def test_it_does_not_wait_while_another_call_of_the_message_is_still_to_be_made(forked: Project) -> None:
    claim(forked, NEXT)
    marker_files.leave(forked, ID, markers.DONE, 2, markers.DONE)
    assert json.loads(launched(forked).stdout)["hookSpecificOutput"]["updatedToolOutput"]["result"] == "WAIT"


def test_a_launch_in_the_background_is_noticed_where_the_environment_has_not_told(project: Project) -> None:
    marker_files.leave(project, ID, markers.DONE, 2, markers.DONE)
    launched(project)
    assert state_file.read(project).background


def test_a_second_call_that_ran_in_the_foreground_ends_only_its_own_agent(forked: Project) -> None:
    claim(forked, NEXT)
    told = came_back(forked, tool_input={"skill": SKILL, "args": NEXT})
    assert json.loads(hooked(forked, told).stdout)["systemMessage"].startswith(f"failed {NEXT}")
    assert ID in state_file.read(forked).agents


def test_earlier_releases_add_least_to_a_result_of_this_shape(forked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_AGENT", "claude-code_2-1-280_harness")
    marker_files.leave(forked, ID, markers.DONE, 2, markers.DONE)
    output = json.loads(launched(forked).stdout)["hookSpecificOutput"]["updatedToolOutput"]
    assert output == {"success": True, "commandName": f"\nWORK {NEXT} sonnet", "agentId": AGENT}


@pytest.mark.parametrize("id_", [ID, "A-NAME-THAT-IS-SO-LONG-THAT-IT-IS-CUT"])
def test_the_notice_of_a_skill_is_known_by_its_agent(forked: Project, id_: str) -> None:
    skill_calls.note(forked, skill_calls.SkillCall(SKILL, id_, 1, "gone"))
    ended = changed(state_file.read(forked), status="finished", agents={}, attempts={id_: 2})
    state_file.write(forked, ended)
    description = f"/{SKILL} {id_}"
    cut = description if len(description) <= 50 else f"{description[:49]}…"
    text = f'<task-notification>\n<task-id>gone</task-id>\n<summary>Agent "{cut}" finished</summary>\n'
    answer = json.loads(hooked(forked, event(forked, "UserPromptSubmit", prompt=text)).stdout)
    reason = f"nothing is wrong: {id_} has ended, and the run knows that already; done 0/2"
    assert (answer["decision"], answer["reason"]) == ("block", reason)


def test_what_a_wait_prints_is_shown_to_the_person(forked: Project) -> None:
    told = event(forked, "PostToolUse", tool_name="Bash", tool_input={"command": "claudestrator-helper wait"})
    told["tool_response"] = {"stdout": f"done {ID} (1/2)\nWORK {NEXT} sonnet", "stderr": ""}
    assert json.loads(hooked(forked, told).stdout) == {"systemMessage": f"done {ID} (1/2)\nnext {NEXT}: Build it"}
    # Earlier releases show what a command prints.
    said = hooked(forked, told, AI_AGENT="claude-code_2-1-232_harness").stdout
    assert json.loads(said) == {"systemMessage": f"next {NEXT}: Build it"}
    told["tool_input"] = {"command": "claudestrator-helper status"}
    assert hooked(forked, told).stdout == ""


def test_a_run_in_the_background_is_not_over_for_who_waits() -> None:
    run = lean_run(task("TASK-1"))
    run.state = changed(run.state, background=True)
    run.live("TASK-1")
    assert asked_again(run) == []
    run.now += 3600
    assert run.apply(run.inputs()) == []
    assert run.wait(3600)[0].startswith("STOP")
