"""What a run cost the orchestrator's context: on recorded transcripts of Claude Code 2.1.329, and on any others.

The recorded ones are shortened and freed of a machine's paths; `forked.jsonl` has the names of its skill and command
changed. That the counts are those of the requests that the API saw is shown in e2e/test_context_accounting.py.
"""

import json
import os
import random
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from claudestrator_helper.accounts import prices, report, run_cost, session_files
from claudestrator_helper.accounts.conversation import segments
from claudestrator_helper.accounts.tally import SOURCES, Segment, together
from claudestrator_helper.commands import status
from claudestrator_helper.engine import state
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import paths, run_log, state_file
from hypothesis import given
from hypothesis import strategies as st
from states import changed, state_of

RECORDED = Path(__file__).parent / "recorded"
NAMES = sorted(path.stem for path in RECORDED.glob("*.jsonl"))


def recorded(name: str) -> list[bytes]:
    return (RECORDED / f"{name}.jsonl").read_bytes().splitlines(keepends=True)


def parts(lines: Iterable[bytes]) -> list[Segment]:
    return segments(lines)[0]


def figures(segment: Segment) -> dict[str, object]:
    rows = {id_: vars(row) for id_, row in segment.rows.items()}
    return {**vars(segment), "rows": rows}


def line(kind: str, content: object = None, **rest: object) -> bytes:
    message = {"message": {"role": kind, "content": content}} if content is not None else {}
    return json.dumps({"type": kind, "uuid": f"{random.random()}", **message, **rest}).encode() + b"\n"


def said(name: str, *blocks: object, tokens: int = 100, model: str = "claude-opus-5-5") -> bytes:
    message = {"id": name, "model": model, "content": blocks, "usage": {"input_tokens": tokens, "output_tokens": 10}}
    return line("assistant", message=message)


def call(tool: str, key: str, **given: object) -> dict[str, object]:
    return {"type": "tool_use", "name": tool, "id": key, "input": given}


def result(key: str, text: str) -> bytes:
    return line("user", [{"type": "tool_result", "tool_use_id": key, "content": text}])


def words(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


TYPED = line("user", "<command-message>orchestrate</command-message>\n<command-name>/orchestrate</command-name>")
LAUNCH = [said("m1", call("Task", "t1", description="TASK-1")), result("t1", "launched")]
WAIT = call("Bash", "t2", command="claudestrator-helper wait")
END = [said("m2", WAIT), result("t2", "done TASK-1 (1/1)\nSTOP Ready."), said("m3", words("Ready."))]
RUN = [TYPED, *LAUNCH, *END]


@pytest.mark.parametrize(
    ("name", "entered", "turns", "reread", "sources"),
    [
        ("plain", 7_997, 7, 56_765, (3_759, 3_504, 1_706, 507, 227)),
        ("compacted", 21_780, 9, 69_958, (3_759, 4_878, 6_450, 470, 7_929)),
        ("resumed", 12_610, 10, 115_775, (5_012, 4_836, 3_412, 747, 309)),
        ("typed", 2_793, 4, 63_160, (1_255, 1_205, 1_706, 197, 136)),
        ("forked", 553, 3, 9_271, (376, 0, 127, 157, 20)),
    ],
)
def test_the_last_run_of_a_recorded_session_is_counted(
    name: str, entered: int, turns: int, reread: int, sources: tuple[int, ...], tmp_path: Path
) -> None:
    whole = run_cost.of_transcript(paths.project(str(tmp_path)), str(RECORDED / f"{name}.jsonl")).whole

    assert (whole.entered, whole.turns, whole.reread) == (entered, turns, reread)
    assert tuple(whole.sources[source] for source in SOURCES) == sources


@pytest.mark.parametrize("name", NAMES)
def test_the_sources_and_the_rows_add_up(name: str) -> None:
    for part in parts(recorded(name)):
        assert sum(part.sources.values()) == part.opening + part.entered
        assert sum(row.characters for row in part.rows.values()) == part.entered
        assert sum(row.turns for row in part.rows.values()) == part.turns == len(part.usage)
        assert sum(row.tokens for row in part.rows.values()) == part.tokens


def test_what_was_said_before_a_run_and_between_two_is_no_runs() -> None:
    first, second = parts(recorded("typed"))

    assert set(first.rows) == {"decomposition", "TASK-001", "TASK-002"}
    assert set(second.rows) == {"TASK-009"}
    assert not second.continues
    assert second.reread > second.turns * first.entered


def test_a_run_that_was_resumed_in_its_session_is_one() -> None:
    before, after = parts(recorded("resumed"))

    assert after.continues
    assert together([before, after]).entered == before.entered + after.opening + after.entered
    assert together([before, after]).opening == before.opening


def test_a_compacted_conversation_is_smaller_and_what_came_in_with_it_is_no_tasks() -> None:
    (part,) = parts(recorded("compacted"))

    assert part.compactions == 2
    assert part.rows[""].characters > 10_000
    assert max(row.characters for id_, row in part.rows.items() if id_) < 3_000
    assert part.reread < part.turns * (part.opening + part.entered)


def test_a_forked_skill_is_a_launch_and_what_its_hook_hands_over_is_a_directive() -> None:
    (part,) = parts(recorded("forked"))

    assert part.turns == 3
    assert list(part.agents.values()) == ["TASK-001", "TASK-002"]
    assert part.sources["directives"] > 100
    assert part.sources["notices"] == 0


def test_an_agents_tokens_are_those_of_its_own_transcript(tmp_path: Path) -> None:
    account = run_cost.of_transcript(paths.project(str(tmp_path)), str(RECORDED / "plain.jsonl"))

    assert {id_: prices.total(used).total for id_, used in account.agents.items()} == {
        "TASK-001": 23_997,
        "TASK-002": 24_029,
        "TASK-003": 24_029,
    }
    assert account.lost == 0
    # What Claude Code itself said that the session had cost.
    assert account.dollars == pytest.approx((0.39836, 0.14603), abs=0.002)


@pytest.mark.parametrize("name", NAMES)
def test_lines_that_come_twice_count_once(name: str) -> None:
    lines = recorded(name)

    assert [figures(part)["entered"] for part in parts([*lines, *lines])] == [part.entered for part in parts(lines)]
    doubled = [each for each in lines for _ in range(2)]
    assert [part.reread for part in parts(doubled)] == [part.reread for part in parts(lines)]


def test_an_answer_of_several_lines_is_one_turn_and_its_usage_counts_once() -> None:
    early = json.loads(said("m1", words("I launch.")))
    early["message"]["usage"]["output_tokens"] = 1
    (part,) = parts([TYPED, json.dumps(early).encode(), *RUN[1:]])

    assert part.turns == 3
    assert prices.total(part.usage.values()) == prices.Usage("", 300, 0, 0, 0, 30)


def test_a_last_line_that_a_kill_cut_short_is_said_and_costs_nothing_else() -> None:
    lines = recorded("plain")
    answer = max(number for number, each in enumerate(lines) if b'"role": "assistant"' in each)
    found, unreadable = segments([*lines[:answer], lines[answer][:40]])

    assert unreadable == 1
    assert found[0].turns == parts(lines)[0].turns - 1


def test_what_no_request_has_sent_has_not_come_in() -> None:
    (part,) = parts([*RUN, line("user", [{"type": "tool_result", "tool_use_id": "t9", "content": "x" * 5_000}])])

    assert part.entered < 1_000


def test_a_notice_after_the_stop_is_the_runs_and_what_a_person_types_is_not() -> None:
    notice = line("user", "<task-notification>\n<tool-use-id>t1</tool-use-id>\n</task-notification>")
    (part,) = parts([*RUN, notice, said("m4", words("Ready.")), line("user", "x" * 9_000), said("m5", words("Yes."))])

    assert part.turns == 4
    assert part.sources["notices"] > 500
    assert part.entered < 2_000


def test_a_session_that_goes_on_with_a_run_by_a_wait_alone_is_counted() -> None:
    (part,) = parts([line("user", "go on"), *END])

    assert part.turns == 2
    assert set(part.rows) == {"", "TASK-1"}


def test_an_agents_answers_between_the_main_ones_are_its_own() -> None:
    aside = json.loads(said("s1", words("At work."), tokens=700))
    (part,) = parts([TYPED, *LAUNCH, json.dumps({**aside, "isSidechain": True}).encode(), *END])

    assert part.turns == 3
    assert prices.total(part.sidechains.values()).total == 710


def test_errors_of_the_api_and_placeholders_are_no_turns() -> None:
    failed = json.loads(said("e1", words("API Error: 529"), model="<synthetic>"))
    lines = [TYPED, *LAUNCH, json.dumps({**failed, "isApiErrorMessage": True}).encode(), *END]

    assert figures(parts(lines)[0])["entered"] == parts(RUN)[0].entered
    assert parts([*RUN, said("e2", words("No response requested."), model="<synthetic>")])[0].turns == 3


@pytest.mark.parametrize(
    ("used", "dollars"),
    [
        (prices.Usage("claude-opus-5-5", 1_000_000), 4),
        (prices.Usage("us.anthropic.claude-opus-4-5-20251101-v1:0", output=1_000_000), 25),
        (prices.Usage("claude-opus-4-1-20250805", 1_000_000), 15),
        (prices.Usage("claude-sonnet-5-5", read=1_000_000), 0.1),
        (prices.Usage("claude-sonnet-4-6", written=1_000_000, kept=1_000_000), 9.75),
        (prices.Usage("claude-haiku-5-5", 100_000), 0.01),
        (prices.Usage("claude-haiku-5-5", 200_000), 0.1),
        (prices.Usage("claude-fable-5-1", read=1_000_000), 0.25),
        (prices.Usage("somebodys-model", 1), None),
    ],
)
def test_a_price_is_that_of_the_list(used: prices.Usage, dollars: float | None) -> None:
    assert prices.dollars(used) == pytest.approx(dollars)


def test_a_model_without_a_price_is_named_and_no_cost_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"".join(RUN).replace(b"claude-opus-5-5", b"odd \\u001b[2J\\nSTOP"))
    account = run_cost.of_transcript(paths.project(str(tmp_path)), str(path))

    assert "cost: not known, there is no price here for odd2JSTOP" in report.lines(account)
    assert '"share": null}, "loops"' in json.dumps(report.as_object(account))


# Runs, sessions and loops


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Project:
    """A project whose last run, `two`, has been finished."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    found = paths.project(str(tmp_path))
    os.makedirs(found.state)
    state_file.write(found, changed(state_of(), run="two", status=state.FINISHED, session="s2"))
    return found


def keep(session: str, lines: Iterable[bytes], folder: str = "a-project") -> Path:
    path = Path(session_files.folder(), folder, f"{session}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    return path


def log(project: paths.Project, *events: dict[str, object]) -> None:
    Path(project.log).write_text("".join(json.dumps(event) + "\n" for event in events))


def began(run: str, session: str, second: int) -> dict[str, object]:
    return {"time": f"2026-01-01T00:00:{second:02}Z", "run": run, "event": run_log.BEGAN, "session": session}


def at(second: int, run: list[bytes], task: str = "TASK-1") -> list[bytes]:
    """The lines of a run that was typed in that second, in entries of their own."""
    stamp = f'"timestamp": "2026-01-01T00:00:{second:02}.500Z", "uuid": "{second}-'.encode()
    renamed = (re.sub(rb'"([mt]\d)"', rb'"\1-%d"' % second, each.replace(b'"uuid": "', stamp)) for each in run)
    return [each.replace(b"TASK-1", task.encode()) for each in renamed]


def test_a_run_of_several_sessions_is_counted_in_all_of_them_and_by_the_log(project: paths.Project) -> None:
    keep("s1", [*at(1, RUN, "TASK-1"), *at(10, [TYPED, *LAUNCH], "TASK-2")])
    # A copied history, as of a session that was forked, is told by when it began.
    keep("s2", [*at(1, RUN, "TASK-1"), *at(20, RUN, "TASK-3")], "elsewhere")
    log(project, began("one", "s1", 1), began("two", "s1", 10), began("two", "s2", 20))

    account = run_cost.of_project(project)

    assert (account.run, account.sessions, account.gone) == ("two", 2, 0)
    assert set(account.whole.rows) - {""} == {"TASK-2", "TASK-3"}
    assert account.whole.turns == 4


def test_without_hooks_a_run_begins_with_its_first_wait(project: paths.Project) -> None:
    # Which is recorded after the command was typed.
    keep("s2", [*at(1, [TYPED]), *at(4, RUN[1:]), *at(20, [TYPED]), *at(23, RUN[1:], "TASK-2")])
    log(project, began("one", "s2", 3), began("two", "s2", 22))

    assert set(run_cost.of_project(project).whole.rows) - {""} == {"TASK-2"}
    state_file.write(project, changed(state_of(), run="one", status=state.FINISHED, session="s2"))
    assert set(run_cost.of_project(project).whole.rows) - {""} == {"TASK-1"}


def test_a_session_whose_transcript_is_gone_is_said(project: paths.Project) -> None:
    keep("s2", at(20, RUN))
    log(project, began("two", "s1", 10), began("two", "s2", 20))

    told = report.lines(run_cost.of_project(project))

    assert "not counted: 1 session, without a transcript that can be read" in told


def test_without_the_logs_word_the_last_run_of_the_last_session_counts(project: paths.Project) -> None:
    keep("s2", [*at(1, RUN, "TASK-1"), *at(20, RUN, "TASK-3")])

    assert set(run_cost.of_project(project).whole.rows) == {"TASK-3"}


def test_a_loop_has_what_its_tasks_have(project: paths.Project) -> None:
    keep("s2", [*at(1, RUN[:3], "TASK-1"), *at(2, [*LAUNCH, *END], "TASK-2")])
    spawned: dict[str, object] = {"event": "spawned", "run": "two"}
    one, two = ({**spawned, "id": f"TASK-{number}", "loop": number} for number in (1, 2))
    log(project, began("two", "s2", 1), one, two, {**spawned, "id": "TASK-9", "loop": "x"})

    account = run_cost.of_project(project)

    assert list(account.loops) == [1, 2]
    assert sum(row.characters for row in account.loops.values()) == account.whole.entered


@pytest.mark.parametrize("engine", ["mod", "lean"])
def test_what_a_mods_agents_used_is_counted_also_after_another_engine_has_continued(
    project: paths.Project, engine: str
) -> None:
    state_file.write(project, changed(state_file.read(project), engine=engine))
    prompt = b'{"type": "user", "message": {"role": "user", "content": "End with\\nREPORT TASK-1 attempt 1: done"}}\n'
    main = keep("s2", at(1, RUN, "TASK-2") if engine == "lean" else [b"{}\n"])
    agent = Path(main.parent, "s2", "subagents", "agent-a1.jsonl")
    agent.parent.mkdir(parents=True)
    agent.write_bytes(prompt + said("e9", words("made"), tokens=1_000_000))
    spawned = {"event": "spawned", "run": "two", "attempt": 1}
    log(project, began("two", "s2", 1), {**spawned, "id": "TASK-1"}, {**spawned, "id": "TASK-2"})

    told = report.lines(run_cost.of_project(project))

    assert [each for each in told if each.startswith("TASK-1: 0 characters, 0 turns; its agents 1,000,010 tokens")]
    assert [each for each in told if re.match(r"cost: \d+\.\d% of \$4\.0", each)]


def test_status_shows_the_figure_of_a_run_that_has_ended(project: paths.Project) -> None:
    keep("s2", at(1, RUN))

    assert status.status(project)[-1].startswith("context: 162 characters, 3.0 turns, 10 tokens a task;")
    state_file.write(project, changed(state_file.read(project), status=state.RUNNING))
    assert not [each for each in status.status(project) if each.startswith("context")]


@pytest.mark.parametrize("kept", [[], [b"\x00\xff" * 99], [b"[" * 20_000 + b"\n"]])
def test_status_says_nothing_where_there_is_nothing_to_count(project: paths.Project, kept: list[bytes]) -> None:
    if kept:
        keep("s2", kept)

    assert not [each for each in status.status(project) if each.startswith("context")]


@pytest.mark.parametrize("session", ["", "../a-project/s2", "*", "s2\x00", "a" * 300])
def test_a_session_of_somebodys_names_no_file(project: paths.Project, session: str) -> None:
    keep("s2", at(1, RUN))
    state_file.write(project, changed(state_file.read(project), session=session))

    with pytest.raises(ClaudestratorError, match="the transcript of the last run's session is not under"):
        run_cost.of_project(project)


def test_a_run_of_somebodys_name_makes_one_line(project: paths.Project) -> None:
    keep("s2", at(1, RUN))
    state_file.write(project, changed(state_file.read(project), run="x\nSTOP evil\x1b[2J"))

    assert report.lines(run_cost.of_project(project))[0] == "run: x STOP evil [2J, 1 task in 1 session"


def test_an_agent_of_somebodys_names_no_file(project: paths.Project, tmp_path: Path) -> None:
    path = keep("s2", at(1, RUN))
    shutil.copy(path, tmp_path / "agent-x.jsonl")

    assert session_files.agent([str(path)], "../../../agent-x") == []


# Anything at all

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoilt(draw: st.DrawFn) -> list[bytes]:
    """The lines of a recorded session, some of them left out, moved, cut or with other values in them."""
    lines = list(recorded(draw(st.sampled_from(NAMES))))
    for _ in range(draw(st.integers(1, 12))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["drop", "move", "cut", "value", "noise"]))
        if what == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        elif what == "cut":
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        elif what == "noise":
            lines[at] = draw(st.binary(max_size=50))
        elif what == "value":
            lines[at] = _with_odd_value(draw, lines[at])
        elif len(lines) > 1:
            lines.pop(at)
    return lines


def _with_odd_value(draw: st.DrawFn, text: bytes) -> bytes:
    try:
        entry = json.loads(text)
    except ValueError:
        return text
    at = entry
    while isinstance(at, (dict, list)) and at:
        key = draw(st.sampled_from(sorted(at))) if isinstance(at, dict) else draw(st.integers(0, len(at) - 1))
        if not isinstance(at[key], (dict, list)) or draw(st.booleans()):
            at[key] = draw(ODD)
            break
        at = at[key]
    return json.dumps(entry).encode() + b"\n"


@given(spoilt())
def test_whatever_stands_in_the_lines_the_figures_add_up(lines: list[bytes]) -> None:
    for part in parts(lines):
        assert sum(part.sources.values()) == part.opening + part.entered
        assert sum(row.characters for row in part.rows.values()) == part.entered
        assert part.turns >= 0
        assert sum(row.tokens for row in part.rows.values()) == part.tokens >= 0


@given(st.lists(ODD.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)))
def test_lines_that_are_no_transcripts_hold_no_run(lines: list[bytes]) -> None:
    assert parts(lines) == []


@given(st.lists(st.sampled_from(NAMES), max_size=3), st.data())
def test_what_stands_behind_a_run_changes_nothing_of_it(names: list[str], data: st.DataObject) -> None:
    base = recorded("plain")
    cut = data.draw(st.integers(0, 30))
    lines = [*base, *(each for name in names for each in recorded(name)[:cut])]

    assert parts(lines)[0].opening == parts(base)[0].opening
    assert parts(lines)[0].sources["prompts"] == parts(base)[0].sources["prompts"]


@pytest.mark.parametrize(
    "hostile",
    [
        b'{"type": "assistant", "message": ' + b'{"a": ' * 10_000 + b"1" + b"}" * 10_001,
        b'{"type": "user", "message": {"content": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}",
        b'{"type": "assistant", "message": {"id": "m1", "usage": {"input_tokens": ' + b"9" * 5_000 + b"}}}",
    ],
    ids=["objects", "lists", "digits"],
)
def test_a_hostile_transcript_makes_one_clear_line(tmp_path: Path, hostile: bytes) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(hostile)

    with pytest.raises(ClaudestratorError, match="holds no run: name the transcript of a session") as refusal:
        run_cost.of_transcript(paths.project(str(tmp_path)), str(path))
    assert "\n" not in str(refusal.value)
    path.write_bytes(hostile + b"\n" + b"".join(RUN))
    assert run_cost.of_transcript(paths.project(str(tmp_path)), str(path)).whole.turns == 3


def test_numbers_that_no_session_has_are_no_counts() -> None:
    odd = {"input_tokens": 10**30, "output_tokens": "7", "cache_read_input_tokens": -1, "cache_creation": 3}

    assert prices.parse({"model": 7, "usage": odd}) == prices.Usage()
