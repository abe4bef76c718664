"""The scripted model proves something only as long as it does what the texts say, and nothing that they don't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from claudestrator_helper.hooks import stop
from rig import orchestrator
from rig.agents import COMMAND_LIMIT, add_tasks_calls
from rig.conversation import say, use
from rig.messages_api import Request
from rig.plays import Act, Play, task_section
from rig.project import REPOSITORY
from rig.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.messages_api import JSON

SCHEMA = {"properties": {"run_in_background": {"type": "boolean"}, "timeout": {"type": "number"}}}
WAIT: JSON = use("Bash", command="claudestrator-helper wait", timeout=3_600_000)
PROMPT = """# Your task: TASK-001

# Report

    claudestrator-helper done TASK-001 --attempt 2 - <<'NOTE'
    NOTE

    claudestrator-helper fail TASK-001 --attempt 2 - <<'REASON'
    REASON
"""


def command(printed: str) -> str:
    """The command as Claude Code expands it: its text, with what the helper printed in place of the block."""
    text = (REPOSITORY / "commands" / "orchestrate.md").read_text(encoding="utf-8")
    return f"{text.split('---', 2)[2].split('```!')[0]}{printed}\n"


def conversation(text: str, *turns: tuple[JSON, Any]) -> Request:
    """The command, then calls and what they returned: a text, or an exception for an error's text."""
    messages: list[JSON] = [{"role": "user", "content": text}]
    for number, (call, result) in enumerate(turns):
        identity = f"call-{number}"
        messages.append({"role": "assistant", "content": [{**call, "id": identity}]})
        answer = {"type": "tool_result", "tool_use_id": identity, "content": str(result)}
        is_error = isinstance(result, Exception)
        messages.append({"role": "user", "content": [{**answer, "is_error": is_error}]})
    tools = [{"name": name, "input_schema": SCHEMA} for name in ("Agent", "Bash")]
    return Request(1, None, {"messages": messages, "tools": tools})


def spawn(task_id: str, model: str) -> JSON:
    return use(
        "Task",
        description=task_id,
        subagent_type="general-purpose",
        model=model,
        run_in_background=True,
        prompt=f"Run `claudestrator-helper prompt {task_id}` and follow it.",
    )


def test_it_spawns_what_the_directives_name_all_in_one_message() -> None:
    found = orchestrator.next_blocks(conversation(command("done X (1/3)\nSPAWN TASK-002 haiku\nSPAWN TASK-003 opus")))

    assert found == [spawn("TASK-002", "haiku"), spawn("TASK-003", "opus"), WAIT]


def work(task_id: str, model: str) -> JSON:
    return use("Skill", skill=f"claudestrator:work-{model}", args=task_id)


def test_it_calls_the_skill_that_a_directive_names_and_obeys_what_takes_its_results_place() -> None:
    text = command("done X (1/3)\nWORK TASK-002 haiku")

    assert orchestrator.next_blocks(conversation(text)) == [work("TASK-002", "haiku")]
    after = conversation(text, (work("TASK-002", "haiku"), "WORK TASK-003 opus"))
    assert orchestrator.next_blocks(after) == [work("TASK-003", "opus")]


def test_it_waits_where_a_skill_brings_no_directive() -> None:
    raw = 'Skill "claudestrator:work-haiku" completed (forked execution).\n\nResult:\ndone TASK-002'
    request = conversation(command("WORK TASK-002 haiku"), (work("TASK-002", "haiku"), raw))

    assert orchestrator.next_blocks(request) == [WAIT]


def test_it_says_the_stop_and_takes_no_directive_from_the_middle_of_what_was_printed() -> None:
    printed = "SPAWN TASK-009 opus\nfailed TASK-001: STOP it\nSTOP All is done."

    assert orchestrator.next_blocks(conversation(command("WAIT"), (WAIT, printed))) == [say("All is done.")]


@pytest.mark.parametrize(
    "result",
    [
        "Command did not complete within its 600s timeout and was moved to the background with ID: b1",
        "Command timed out after 10m",
        "[Request interrupted by user for tool use]",
    ],
)
def test_it_waits_again_when_a_wait_told_nothing(result: str) -> None:
    assert orchestrator.next_blocks(conversation(command("WAIT"), (WAIT, result))) == [WAIT]


def test_it_obeys_a_directive_whatever_the_lines_before_it_speak_of() -> None:
    printed = "failed TASK-001: it timed out, was interrupted and moved to the background\nSTOP All is done."

    assert orchestrator.next_blocks(conversation(command("WAIT"), (WAIT, printed))) == [say("All is done.")]


def test_it_waits_when_a_spawn_was_refused() -> None:
    refused = RuntimeError("too many agents")
    request = conversation(command("SPAWN TASK-002 haiku"), (spawn("TASK-002", "haiku"), refused))

    assert orchestrator.next_blocks(request) == [WAIT]


def test_a_notification_after_the_end_moves_it_to_nothing_but_the_last_sentence() -> None:
    request = conversation(command("WAIT"), (WAIT, "STOP All is done."))
    request.body["messages"].append({"role": "assistant", "content": "All is done."})
    note = "<task-notification><result>SPAWN TASK-001 opus</result></task-notification>"
    request.body["messages"].append({"role": "system", "content": note})

    assert orchestrator.next_blocks(request) == [{"type": "text", "text": "All is done."}]


@pytest.mark.parametrize(
    ("gap", "turns"),
    [
        ("moved to the background", [(WAIT, "it was moved to the background")]),
        ("; if none, do as for WAIT", [(work("TASK-002", "haiku"), "completed (forked execution)")]),
        ("refused", [(spawn("TASK-002", "haiku"), RuntimeError("refused"))]),
    ],
)
def test_where_the_text_has_a_gap_the_run_ends_there(gap: str, turns: list[tuple[JSON, Any]]) -> None:
    whole = command("SPAWN TASK-002 haiku")
    assert gap in whole

    assert orchestrator.next_blocks(conversation(whole, *turns)) == [WAIT]
    assert orchestrator.next_blocks(conversation(whole.replace(gap, ""), *turns)) != [WAIT]


@pytest.mark.parametrize("bullet", [True, False])
def test_after_a_compaction_it_takes_old_directives_for_news_unless_the_text_says_what_they_are(bullet: bool) -> None:
    text = command("SPAWN TASK-002 haiku")
    kept = text if bullet else text.replace("After a compaction", "Now and then")
    request = conversation("This session is being continued from a previous conversation that ran out of context.")
    request.body["messages"].append({"role": "system", "content": f"Invoked earlier:\n\n{kept}"})

    assert "After a compaction" in text
    assert orchestrator.next_blocks(request) == ([] if bullet else [spawn("TASK-002", "haiku")]) + [WAIT]


def test_it_does_what_the_hook_says_that_holds_the_end_of_its_turn() -> None:
    request = conversation(command("SPAWN TASK-002 haiku"), (spawn("TASK-002", "haiku"), "launched"))
    request.body["messages"].append({"role": "assistant", "content": "The agents are at work."})
    request.body["messages"].append({"role": "user", "content": f"Stop hook feedback:\n{stop._GO_ON}"})

    assert orchestrator.next_blocks(request) == [WAIT]


def test_a_call_holds_only_the_arguments_that_the_table_names() -> None:
    gap = command("SPAWN TASK-002 haiku").replace("run_in_background `true`, ", "")

    block, wait = orchestrator.next_blocks(conversation(gap))
    assert "run_in_background" not in block["input"]
    assert wait == WAIT


def test_without_a_word_on_it_it_does_not_wait_behind_its_spawns() -> None:
    gap = command("SPAWN TASK-002 haiku").replace(", and after them the call for WAIT", "")

    assert orchestrator.next_blocks(conversation(gap)) == [spawn("TASK-002", "haiku")]
    launched = conversation(gap, (spawn("TASK-002", "haiku"), "launched"))
    assert orchestrator.next_blocks(launched) == [say("The agents were started.")]


def agent_says(play: Play, *turns: tuple[JSON, Any]) -> list[JSON]:
    """What the agent of TASK-001 does next, in its second attempt."""
    request = conversation("Run `claudestrator-helper prompt TASK-001` and follow it.", *turns)
    return ScriptedModel(play).answer(Request(1, "agent", request.body))


def test_an_agent_runs_the_command_of_its_prompt_first() -> None:
    assert agent_says(Play()) == [use("Bash", command="claudestrator-helper prompt TASK-001")]


@pytest.mark.parametrize("failing", ["Write", "Bash"])
def test_an_agent_whose_work_did_not_succeed_reports_the_failure(failing: str) -> None:
    play = Play((), {"TASK-001": (Act(files={"a": "b"}, checks=("make test",)),)})
    asked = use("Bash", command="claudestrator-helper prompt TASK-001")
    read, write = use("Read", file_path="a"), use("Write", file_path="a", content="b")
    results: dict[str, Callable[[str], object]] = {"Write": RuntimeError, "Bash": str}
    turns = [(asked, PROMPT), (read, RuntimeError("no such file")), (write, results[failing]("Permission denied"))]
    if failing == "Bash":
        turns.append((use("Bash", command="make test"), RuntimeError("1 failed")))

    [block] = agent_says(play, *turns)
    assert block["input"]["command"].startswith("claudestrator-helper fail TASK-001 --attempt 2 - <<'REASON'\n")


def test_an_agent_ends_with_the_line_that_its_report_printed() -> None:
    report = use("Bash", command="claudestrator-helper done TASK-001 --attempt 2 - <<'NOTE'\nmade\nNOTE")
    asked = use("Bash", command="claudestrator-helper prompt TASK-001")

    assert agent_says(Play(), (asked, PROMPT), (report, "done TASK-001")) == [say("done TASK-001")]


def test_long_queues_are_added_in_commands_that_claude_code_accepts() -> None:
    sections = tuple(task_section(f"TASK-{number:03}", "x" * 2_000) for number in range(1, 21))

    commands = [call["input"]["command"] for call in add_tasks_calls(sections)]
    assert all(len(text) <= COMMAND_LIMIT for text in commands)
    assert [text.count("### TASK-") for text in commands] == [4, 4, 4, 4, 4]
