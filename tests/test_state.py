"""The session state: what the run writes it reads again, and a person may read, extend and damage it."""

import json
from pathlib import Path

import pytest
from claudestrator_helper.engine.state import Agent, Loop, Owner, State, TaskRecord, Verification
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.store import files, state_file
from claudestrator_helper.store.paths import Project
from claudestrator_helper.texts.frontmatter import split
from claudestrator_helper.texts.models import NAMES
from hypothesis import given
from hypothesis import strategies as st
from states import changed, column, state_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(0, 2**39)
COUNTS = st.integers(0, 1000)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)
OTHERS = st.dictionaries(st.from_regex(r"mine_[a-z]{1,8}", fullmatch=True), TEXTS | NUMBERS | st.booleans(), max_size=2)
AGENTS = st.builds(Agent, COUNTS, st.sampled_from(NAMES), NUMBERS, NUMBERS, COUNTS, TEXTS)
STATES = st.builds(
    state_of,
    initial_prd_tasks_complete=st.booleans(),
    run=TEXTS,
    status=TEXTS,
    session=TEXTS,
    heartbeat=NUMBERS,
    loops=COUNTS,
    loop=COUNTS,
    phase=TEXTS,
    agents=st.dictionaries(IDS, AGENTS, max_size=2),
    attempts=st.dictionaries(IDS, COUNTS, max_size=2),
    failed=st.dictionaries(IDS, TEXTS, max_size=2),
    streak=st.lists(IDS, max_size=2),
    released=st.dictionaries(IDS, COUNTS, max_size=2),
    returned=st.dictionaries(IDS, TEXTS, max_size=2),
    unchanged=st.lists(IDS, max_size=2),
    lost=st.dictionaries(IDS, AGENTS, max_size=2),
    others=OTHERS,
)
AGENT = {"attempt": 1, "model": "opus", "claimed": 1, "spawned": 1}
FULL = state_of(
    run="r",
    agents={"TASK-001": Agent(2, "opus", 5, 6, 1, "it broke")},
    attempts={"TASK-001": 2},
    failed={"TASK-002": "no"},
    streak=["TASK-002"],
    released={"TASK-003": 1},
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(str(tmp_path), str(tmp_path / ".claude"))


def put_down(project: Project, text: str) -> Path:
    path = Path(project.session)
    path.parent.mkdir()
    path.write_text(text)
    return path


def frontmatter(line: str) -> str:
    return f"---\n{line}\n---\n"


@given(STATES)
def test_a_state_is_read_as_it_was_written(given_state: State) -> None:
    assert state_file.parse(state_file.render(given_state)) == given_state


def test_a_state_goes_to_disk_and_back(project: Project) -> None:
    state_file.write(project, FULL)
    assert state_file.read(project) == FULL


def test_where_there_is_no_file_the_state_is_empty(project: Project) -> None:
    assert state_file.read(project) == State()
    assert not Path(project.state).exists()


@pytest.mark.parametrize("text", ["", "a person emptied it\n", "---\n---\n", "---\nrun: null\nagents:\n---\n"])
def test_a_file_without_values_is_an_empty_state(text: str) -> None:
    assert state_file.parse(text) == State()


DAMAGED = {
    "initial_prd_tasks_complete": ["1", '"true"', "[]"],
    "run": ["1", "true", "[a]", "2026-11-21"],
    "status": ["{}"],
    "session": ["7"],
    "origin": ["7", "[]"],
    "heartbeat": ['"1"', "true", "1.5", "[1]", "1" + 14 * "0"],
    "loops": ["true", "many", "999999999", "-1"],
    "loop": ["two", "1001"],
    "phase": ["1"],
    "agents": [
        "[]",
        "x",
        "{TASK-001: x}",
        "{TASK-001: {}}",
        "{TASK-001: {attempt: x, model: opus, claimed: 1, spawned: 1}}",
        "{TASK-001: {attempt: 1000000000, model: opus, claimed: 1, spawned: 1}}",
        "{TASK-001: {attempt: 1, model: opus, claimed: 1, spawned: 1, failures: -1}}",
        '{TASK-001: {attempt: 1, model: "opus\\nSPAWN evil opus", claimed: 1, spawned: 1}}',
    ],
    "attempts": ["1", "{TASK-001: x}", "{TASK-001: true}", "{TASK-001: 1000000000}"],
    "failed": ["x", "{TASK-001: 1}"],
    "streak": ["x", "{}", "[1]"],
    "said": ['"1"', "true", "[1]"],
    "lines": ["x", "{}", "[1]", "[[]]"],
    "focus": ["1", "[]"],
    "ran": ["x", "{}", "[1]", '["../x"]'],
    "begun": ['"1"', "true"],
    "commit": ["1", "[]"],
    "released": ["[]", "{TASK-001: '1'}"],
    "process": ["1", "[]"],
    "lost": ["[]", "{TASK-001: x}", '{"../x": {attempt: 1, model: opus, claimed: 1, spawned: 1}}'],
    "outages": ['"1"', "true"],
    "hooked": ["1", '"true"'],
    "completed": ["[]", "{TASK-001: '1'}", '{"../x": 1}'],
    "earlier": ["[]", "{TASK-001: '1'}", '{"../x": 1}'],
    "unchanged": ["{}", "[1]", '["../x"]'],
    "models": ["[]", "{TASK-001: 1}", '{"../x": opus}'],
    "wish": ["1", "[]"],
    "engine": ["1", "[]"],
    "background": ["1", '"true"'],
    "mod": ["1", "[]"],
    "parallel": ['"1"', "true", "21"],
    "refused": ["x", "{}", '["../x"]'],
    "outage": ["1", "[]"],
    "verify": ["1", '"true"'],
    "verifying": ["{}", "[1]", '["../x"]'],
    "verified": ["[]", "{TASK-001: '1'}", '{"../x": 1}'],
    "hint": ["[]", "{TASK-001: 1}"],
    "proved": ["[]", "{TASK-001: '1'}", '{"../x": 1}'],
    "committed": ["[]", "{TASK-001: 1}", '{"../x": abc}'],
    "gated": ["1", '"true"'],
    "worktrees": ["1", '"true"'],
    "halted": ["1", "[]"],
    "returned": ["[]", "{TASK-001: 1}", '{"../x": why}'],
    "unverified": ["x", "{TASK-001: true}", '{"../x": why}'],
    "schema": ["x", "true", "-1", "[]"],
}
DAMAGED_ROWS = {
    "tasks": ["x", "7", '{"../x": {}}', '{"TASK-001\\nSPAWN evil opus": []}'],
    "tasks, TASK-001": [
        "{TASK-001: x}",
        "{TASK-001: [1]}",
        "{TASK-001: {speed: 1}}",
        '{TASK-001: {"failed\\nSTOP": x}}',
        "{TASK-001: {1: x}}",
        "{TASK-001: {attempts: x}}",
        "{TASK-001: {attempts: true}}",
        "{TASK-001: {completed: 1000000000}}",
        "{TASK-001: {completed: -1}}",
        "{TASK-001: {failed: 1}}",
        "{TASK-001: {unchanged: 1}}",
        "{TASK-001: {agent: x}}",
        "{TASK-001: {agent: {attempt: 1}}}",
        '{TASK-001: {lost: {attempt: 1, model: "opus\\nSPAWN evil opus", claimed: 1, spawned: 1}}}',
    ],
}


def test_every_value_has_its_damage_tested() -> None:
    assert set(DAMAGED) == {"schema", *state_file._KEYS, *state_file._COLUMNS}
    assert set(state_file._RECORD) == set(TaskRecord._fields) >= set(state_file._COLUMNS.values())


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in DAMAGED.items() for value in values])
def test_a_damaged_value_is_refused_in_one_line_that_names_it(project: Project, key: str, value: str) -> None:
    path = put_down(project, frontmatter(f"{key}: {value}"))
    with pytest.raises(ClaudestratorError) as refusal:
        state_file.read(project)
    text = str(refusal.value)
    assert text.startswith(f"{path}: {key}")
    assert "\n" not in text
    assert "fix or delete the file" in text


@pytest.mark.parametrize(
    ("where", "value"), [(where, value) for where, values in DAMAGED_ROWS.items() for value in values]
)
def test_a_damaged_record_is_refused_in_one_line_that_names_it(project: Project, where: str, value: str) -> None:
    path = put_down(project, frontmatter(f"schema: 2\ntasks: {value}"))
    with pytest.raises(ClaudestratorError) as refusal:
        state_file.read(project)
    text = str(refusal.value)
    assert text.startswith(f"{path}: {where}")
    assert "\n" not in text
    assert "fix or delete the file" in text


@pytest.mark.parametrize("id_", ["../../x", "a/b", "", ".hidden", "a b", "x" * 65])
def test_an_agent_whose_id_would_leave_its_folder_is_refused(id_: str) -> None:
    agent = "{attempt: 1, model: opus, claimed: 1, spawned: 1}"
    with pytest.raises(ClaudestratorError, match="agents"):
        state_file.parse(frontmatter(f'agents: {{"{id_}": {agent}}}'))


@pytest.mark.parametrize("key", ["agents", "attempts", "failed", "models"])
def test_a_refusal_of_what_somebody_forged_is_one_line(key: str) -> None:
    with pytest.raises(ClaudestratorError) as refusal:
        state_file.parse(frontmatter(f'{key}: {{"TASK-1\\nSPAWN evil opus": []}}'))
    assert "\n" not in str(refusal.value)


def test_what_a_person_adds_is_kept(project: Project) -> None:
    path = put_down(project, '---\nrun: "r"\nowner: Ada # of the team\ndue: 2026-11-21\n---\n\nMy notes\n')
    state_file.write(project, state_file.read(project))
    assert state_file.read(project).others == {"owner": "Ada", "due": "2026-11-21"}
    assert 'owner: "Ada"\n' in path.read_text()


@given(STATES, st.sampled_from([("run", "x"), ("loop", 3), ("mine", [1]), ("initial_prd_tasks_complete", True)]))
def test_one_value_is_set_and_nothing_else(before: State, change: tuple[str, object]) -> None:
    key, value = change
    after = state_file.put(before, key, value)
    assert state_file.get(after, key) == value
    assert {**state_file._flat(after), key: 0} == {**state_file._flat(before), key: 0}


@pytest.mark.parametrize(
    ("key", "value"), [("heartbeat", "soon"), ("initial_prd_tasks_complete", 1), ("tasks", []), ("run", 5)]
)
def test_a_value_of_another_kind_is_not_set(key: str, value: object) -> None:
    with pytest.raises(ClaudestratorError, match=f"{key} can't be .*: `claudestrator-helper state {key}` shows"):
        state_file.put(State(), key, value)


@pytest.mark.parametrize("key", ["", "Upper", "a b", "a:b", "1a", "others", "schema", "a\nrun", "--x", "../x"])
def test_a_name_that_can_be_no_key_is_not_set(key: str) -> None:
    with pytest.raises(ClaudestratorError, match="is not a key"):
        state_file.put(State(), key, 1)


def test_a_value_that_is_not_there_is_not_got() -> None:
    with pytest.raises(ClaudestratorError, match="there is no 'gone' in the session state"):
        state_file.get(State(), "gone")


def test_the_runs_own_files_are_kept_out_of_git(project: Project) -> None:
    state_file.write(project, State())
    ignore = Path(project.state, ".gitignore")
    ours = {Path(path).name for path in (project.session, project.lock, project.log)} | {
        "agent_complete/",
        ".gitignore",
    }
    assert ours <= set(ignore.read_text().split())
    assert not {"task_queue.md", "journal/", "journal"} & set(ignore.read_text().split())


def test_a_gitignore_of_the_persons_own_is_left_alone(project: Project) -> None:
    state_file.write(project, State())
    ignore = Path(project.state, ".gitignore")
    ignore.write_text("mine\n")
    state_file.write(project, FULL)
    assert ignore.read_text() == "mine\n"
    ignore.unlink()
    ignore.symlink_to("nowhere")
    state_file.write(project, FULL)
    assert ignore.is_symlink()
    assert not ignore.exists()


@pytest.mark.parametrize("key", ["run", "focus", "phase", "outage"])
def test_a_text_is_cut_at_what_a_run_has(key: str) -> None:
    assert len(str(state_file.get(state_file.parse(frontmatter(f'{key}: "{"x" * 5000}"')), key))) == 1000
    found = state_file.parse(frontmatter(f'failed: {{"TASK-1": "{"x" * 5000}"}}'))
    assert len(found.failed["TASK-1"]) == 1000


@pytest.mark.parametrize("key", ["attempts", "ran", "agents"])
def test_more_tasks_than_a_run_can_have_are_refused(key: str) -> None:
    many = [f"TASK-{number}" for number in range(50_001)]
    value = many if key == "ran" else dict.fromkeys(many, {} if key == "agents" else 1)
    with pytest.raises(ClaudestratorError, match=f"{key} is a list of 50001"):
        state_file.parse(frontmatter(f"{key}: {json.dumps(value)}"))


@pytest.mark.parametrize(
    ("row", "found"), [({}, "tasks is a list of 50001"), ({"agent": AGENT}, "agents is a list of 1001")]
)
def test_more_records_than_a_run_can_have_are_refused(row: dict[str, object], found: str) -> None:
    many = [f"TASK-{number}" for number in range(1001 if row else 50_001)]
    with pytest.raises(ClaudestratorError, match=found):
        state_file.parse(frontmatter(f"schema: 2\ntasks: {json.dumps(dict.fromkeys(many, row))}"))


@pytest.mark.parametrize("number", ["0x" + "f" * 9999, "1:" * 20_000 + "1"])
def test_a_number_too_long_to_print_is_refused_in_one_line(number: str) -> None:
    with pytest.raises(ClaudestratorError, match="fix or delete it"):
        state_file.parse(frontmatter(f"loops: {number}"))


def test_a_hook_reads_the_start_of_a_state_and_no_yaml(project: Project) -> None:
    state_file.write(project, FULL)
    assert state_file.own(project, files.read(project.session, most=files.HEAD) or "", whole=False) == FULL
    assert state_file.own(project, frontmatter("run: [r]\nstatus: !!str x"), whole=True) is None
    state_file.write(project, changed(FULL, others={"note": "x" * files.HEAD}))
    head = files.read(project.session, most=files.HEAD) or ""
    assert len(head) == files.HEAD
    assert state_file.own(project, head, whole=False) is None
    assert state_file.own(project, head, whole=True) == state_file.read(project)


#: What 0.1.0 wrote while a task was run again that a verdict had returned, and 0.2.0 in a second run that was taken over.
RECORDED = sorted(Path(__file__, "../recorded/states").resolve().iterdir())


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_file_of_an_older_version_is_read_whole_and_written_in_the_form_of_this_one(
    path: Path, project: Project
) -> None:
    text = path.read_text(encoding="utf-8")
    put_down(project, text)
    found, before = state_file.read(project), split(text, "")[0]
    for name in before.keys() & state_file._COLUMNS.keys():
        agents = {
            id_: value._asdict() if isinstance(value, Agent) else value for id_, value in column(found, name).items()
        }
        assert agents == (before.pop(name) or {}), name
    assert {name: state_file.get(found, name) for name in before} == before
    assert not found.others
    state_file.write(project, found)
    assert state_file.read(project) == found
    assert list(state_file.read(project).tasks) == list(found.tasks)
    assert Path(project.session).read_text().startswith("---\nschema: 2\n")


def test_in_a_file_of_an_older_version_tasks_are_in_the_order_in_which_they_ended(project: Project) -> None:
    found = state_file.parse(RECORDED[0].read_text(encoding="utf-8"))
    assert (list(found.completed), list(found.failed)) == (["TASK-1", "TASK-4", "TASK-5"], ["TASK-2"])
    assert found.record("TASK-3") == TaskRecord(2, "sonnet", found.agents["TASK-3"], returned="it is nailed shut")


def test_a_file_of_a_newer_version_is_refused_in_one_line_and_left_as_it_is(project: Project) -> None:
    text = '---\nschema: 3\nrun: "r"\ntasks: [["TASK-1", 2]]\n---\n'
    path = put_down(project, text)
    with pytest.raises(ClaudestratorError) as refusal:
        state_file.read(project)
    assert str(refusal.value) == f"{path} was written by a newer Claudestrator: install that here too; nothing is lost"
    with pytest.raises(ClaudestratorError, match="newer"):
        state_file.forget_completed(project, ["TASK-1"])
    assert path.read_text() == text


def test_a_new_run_keeps_what_is_known_of_tasks_and_who_may_be_at_work() -> None:
    agent = Agent(3, "opus", 5, 6)
    record = TaskRecord(3, "opus", agent, agent, 2, "no", 3, None, True, True, 3, "why", "why not")
    before = State(True, "r", "finished", "tasks", "auto", "lean", True, 2, 1, "why", ["TASK-1"], Owner("s"), Loop(1, 2, "f", ["TASK-1"]),
        Verification(True, ["TASK-1"]), {"TASK-1": record, "TASK-2": TaskRecord(earlier=1)}, {"mine": 1})  # fmt: skip
    kept = {"TASK-1": TaskRecord(3, "opus", agent, released=2, earlier=3, verified=3), "TASK-2": TaskRecord(earlier=1)}
    now = State(True, "r2", owner=Owner("s"), loop=Loop(total=4), tasks=kept, others={"mine": 1})
    assert before.fresh("r2", Loop(total=4)) == now
