"""Agents that start agents and jobs of their own, and end their turn while a job still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rig import agents, project
from rig.conversation import calls, say, since_last_answer, texts, use
from rig.interactive import Terminal
from rig.plays import Play, task_section
from rig.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from pathlib import Path

    from rig.messages_api import JSON, Request
    from rig.scene import Stage

#: It ends once its agent was told that it still runs, however long that takes on a busy machine; or with the project.
JOB = "while [ -d .claude ] && ! [ -f told ]; do sleep 0.2; done; sleep 1; echo finished >result"


class Delegating(ScriptedModel):
    """The agent of TASK-001 shows its prompt to an agent of its own, then starts a job and ends its turn, again when it
    is told that the job still runs. It reports when it hears that the job has ended, or is asked for its report."""

    def __init__(self, play: Play, folder: Path) -> None:
        super().__init__(play)
        self.told = folder / "told"

    def answer(self, request: Request) -> list[JSON]:
        if not request.agent or agents.task_of(request) != "TASK-001":
            return super().answer(request)
        prompt, done = agents.prompt_of(request), calls(request.messages)
        step = sum(call.tool == "Agent" or bool(call.input.get("run_in_background")) for call in done)
        if not prompt or (done and "helper done" in str(done[-1].input.get("command"))):
            return super().answer(request)
        if step == 0:
            quoted = prompt.replace("\n", "\n> ")
            told = {
                "description": "TASK-001",
                "subagent_type": "general-purpose",
                "prompt": f"Look at this:\n> {quoted}",
            }
            return [use("Agent", **told, run_in_background=False)]
        if step == 1:
            return [use("Bash", command=JOB, description="the tests", run_in_background=True)]
        heard = "".join(texts(since_last_answer(request.messages), "user", "system"))
        if "is still running" in heard:
            self.told.touch()
        if "<task-notification>" in heard or "ending without a report" in heard:
            return [agents.Assignment.parse(prompt).report("done", "made")]
        return [say("The tests still run; I report when they have ended.")]


def test_an_agent_that_waits_for_its_own_job_is_waited_for(both: Stage) -> None:
    scene = both.by_script("job", {}).with_queue(task_section("TASK-001", "one"), task_section("TASK-002", "two"))

    outcome = scene.run(Delegating(Play(), scene.project), mode="bypassPermissions")

    assert outcome.agents_saw("the tests is still running")
    assert (scene.project / "result").exists()
    assert outcome.logged("spawned") == outcome.logged("done") == ["TASK-001", "TASK-002"]
    assert outcome.statuses == {"TASK-001": "completed", "TASK-002": "completed"}


@pytest.mark.usefixtures("tmux")
def test_in_a_terminal_its_job_wakes_it(both: Stage) -> None:
    scene = both.by_script("job-terminal", {}).with_queue(task_section("TASK-001", "one"))

    with Terminal(scene.setting, Delegating(Play(), scene.project), "bypassPermissions") as terminal:
        terminal.wait_for(lambda: "❯" in terminal.screen(), "prompt")
        terminal.type("/orchestrate")
        terminal.wait_for(lambda: "The one task is completed" in terminal.screen(), "closing sentence")
        assert not terminal.api.errors

    log = project.run_log(scene.project)
    assert [entry["attempt"] for entry in log if entry["event"] in ("spawned", "done", "failed")] == [1, 1]
    assert project.statuses(scene.project) == {"TASK-001": "completed"}
