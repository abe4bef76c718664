"""What an agent is told: its role, its task, the notes it builds on, and how to report, which always arrives whole."""

import os
import re
import shlex
from pathlib import Path

import pytest
from claudestrator_helper.agents import prompts, reports
from claudestrator_helper.store import paths
from claudestrator_helper.store.paths import Project
from queues import task
from reporting import ID, LONGEST_PATH, at_work, fill, is_whole, left, refusal_of, spawned
from running import helper


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    (root / ".claude").mkdir(parents=True)
    return Project(str(root), str(root / ".claude"))


def sections(text: str) -> dict[str, str]:
    """The parts of a prompt by their headings of the first level."""
    parts = re.split(r"^# (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def told(text: str, id_: str) -> str:
    """The section that a prompt quotes."""
    found = re.search(rf"^# Your task: {id_}\n\n.*\n\n(`{{4,}})markdown\n(.*?)\n\1$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[2]


def commands(text: str) -> list[list[str]]:
    """The first lines of the fenced commands of the Report, as words."""
    return [
        shlex.split(found.split("<<")[0])
        for found in re.findall(r"^```\n(.*?)\n```$", sections(text)["Report"], re.DOTALL | re.MULTILINE)
    ]


def role(name: str) -> str:
    return Path(paths.shipped(f"skills/orchestrator/{name}_agent.md")).read_text().split("---\n", 2)[2].strip()


def test_a_prompt_is_the_role_the_task_and_how_to_report(project: Project) -> None:
    fill(
        project,
        task(
            ID,
            objective="Build a door",
            criteria=("It opens", "It shuts"),
            extra="**Files:** a.py, b.py\n\n**Notes:** in oak\n\n",
        ),
    )
    spawned(project)
    text = reports.begin(project, ID)
    assert text.startswith(role("task") + "\n\n# ")
    assert list(sections(text)) == [f"Your task: {ID}", "Report"]
    written = Path(project.queue).read_text().removeprefix("# Task Queue\n\n").strip()
    assert told(text, ID) == written
    assert f"The section of {project.queue} from line 3 on, word for word" in sections(text)[f"Your task: {ID}"]
    assert is_whole(text)


BEGINNING = f"### {ID}: Cart page\n\n**Status:** pending\n"
#: What people write into a task besides the fields that the helper reads.
SECTIONS = {
    "15 criteria that begin with a bold label": "**Acceptance Criteria:**\n- a\n- **Money:** two decimals\n- **Empty:** it exits with 3\n- the tests pass",
    "18 criteria in two blocks": "**Acceptance Criteria:**\n- one page\n\n**Dependencies:** None\n\n**Acceptance Criteria:**\n- a second page",
    "criteria under a sub-heading": "#### Acceptance Criteria\n\n- [ ] it opens\n  - **In oak:** yes\n- [x] it shuts",
    "19 notes that begin with a bold label": "**Notes:**\n- the old API is gone\n- **Money:** never use float\n- docs/schema.md",
    "20 fields of any name": "**Description:** Prices are in cents.\n\n**Steps:**\n1. Read them\n2. Show euros\n\n#### Constraints\n\nNever log a card.\n\n**Technical Notes:** use Decimal.",
    "21 an objective of two paragraphs": "**Objective:** Show the cart.\n\nIt must not call the old API",
    "a table": "| Case | Result |\n|---|---|\n| empty | 0 |\n| one | `a \\| b` |",
    "fences of several lengths": "```python\nx\n```\n\n````md\n```\n# Report\n```\n````\n\nMore.",
    "headings of the task's own level": "### Description:\n\nPrices are in cents.\n\n### Acceptance Criteria\n\n- [ ] it opens",
    "rules, quotes and comments": "---\n\n> quoted\n\n<!-- kept -->\n\n***\n\nAfter the rule.",
    "deeper headings that hold something like an id": "#### UTF-8 input\n\nBytes.\n\n#### TASK-001.1 Model\n\nFirst.\n\n##### Step-2\n\nMore.",
    "any script": "Построить дверь: 門が開く \u200b\ufeff\u2028 é",
}  # fmt: skip


@pytest.mark.parametrize("name", SECTIONS)
def test_an_agent_gets_the_whole_of_its_section_and_nothing_of_another(project: Project, name: str) -> None:
    section = f"{BEGINNING}\n{SECTIONS[name]}"
    fill(project, "## Phase-1\n\nAbout the group.\n\n", f"{section}\n\n", task("TASK-002"), "## Phase-2\n\nMore.\n")
    text = reports.begin(project, ID)
    assert told(text, ID) == section
    assert "About the group" not in text
    assert told(reports.begin(project, "TASK-002"), "TASK-002") == task("TASK-002").strip()


def test_line_ends_and_control_characters_of_a_section_reach_no_terminal(project: Project) -> None:
    Path(project.queue).write_bytes(f"{BEGINNING}\n\x1b[31mred\x07\x00 \x9b2J".replace("\n", "\r\n").encode())
    assert told(reports.begin(project, ID), ID) == f"{BEGINNING}\n\ufffd[31mred\ufffd\ufffd \ufffd2J"


def test_of_118_sections_with_descriptions_each_agent_gets_its_own(project: Project) -> None:
    names = [f"TASK-{n:03d}" for n in range(1, 119)]
    described = {
        id_: f"The page of {id_} shows {at * 7} rows.\n\nIt is **not** cached.\n- **Limit:** {at} seconds\n"
        for at, id_ in enumerate(names)
    }
    fill(project, *(task(id_, extra=f"**Description:** {said}\n\n") for id_, said in described.items()))
    for id_, said in described.items():
        text = reports.begin(project, id_)
        assert said in told(text, id_)
        assert is_whole(text, id_)
        assert sum(other in text for other in described.values()) == 1


def test_the_commands_of_a_prompt_are_those_that_the_helper_takes(project: Project) -> None:
    at_work(project, attempt=2, reason="x")
    words = commands(reports.begin(project, ID))
    assert [word[1] for word in words] == ["done", "fail"]
    for number, word in enumerate(words):
        assert word[0] == "claudestrator-helper"
        done = helper(*word[1:], folder=project.root, stdin=b"a note\n")
        assert (done.code, done.stdout) == ((0, f"done {ID}\n") if number == 0 else (1, ""))


def test_a_prompt_is_the_agents_sign_of_life(project: Project) -> None:
    at_work(project, attempt=2)
    reports.begin(project, ID)
    assert left(project) == {f"{ID}.started": "started\nattempt: 2\n"}


def test_a_prompt_of_a_task_that_nobody_was_given_leaves_nothing(project: Project) -> None:
    fill(project, task(ID))
    assert is_whole(reports.begin(project, ID))
    assert left(project) == {}


def test_an_unknown_id_has_no_prompt(project: Project) -> None:
    at_work(project)
    assert refusal_of(reports.begin, project, "TASK-404").startswith("no task TASK-404 in the queue: ")


def test_a_retry_is_told_why_the_last_attempt_failed(project: Project) -> None:
    at_work(project, attempt=2, reason="the tests of door.py fail")
    text = reports.begin(project, ID)
    assert list(sections(text)) == [f"Your task: {ID}", "The last attempt failed", "Report"]
    assert "the tests of door.py fail" in sections(text)["The last attempt failed"]
    assert is_whole(text, attempt=2)


def test_a_decomposition_is_told_where_the_requirements_are(project: Project) -> None:
    spawned(project, "decomposition", attempt=2, reason="no tasks")
    text = reports.begin(project, "decomposition")
    assert text.startswith(role("decomposition"))
    assert list(sections(text)) == ["Your task: decomposition", "The last attempt failed", "Report"]
    assert sections(text)["Your task: decomposition"].strip() == f"**Requirements:** {project.prd}"
    assert is_whole(text, "decomposition", 2)
    fill(project, task("TASK-1"))
    assert "**In the queue already:** 1 (`claudestrator-helper tasks`)" in reports.begin(project, "decomposition")


@pytest.mark.parametrize("name", ["task", "decomposition"])
def test_a_role_of_the_projects_own_wins(project: Project, name: str) -> None:
    fill(project, task(ID))
    own = Path(project.root, ".claudestrator", "skills", "orchestrator", f"{name}_agent.md")
    own.parent.mkdir(parents=True)
    own.write_text("---\nmodel: opus\n---\n\nDo it our way.\n")
    text = reports.begin(project, ID if name == "task" else "decomposition")
    assert text.startswith("Do it our way.\n\n# Your task: ")
    other = "decomposition" if name == "task" else ID
    assert "Do it our way" not in reports.begin(project, other)


@pytest.mark.parametrize("content", ["", "\n \n", "---\nmodel: opus\n---\n"])
def test_a_role_without_a_text_is_refused(project: Project, content: str) -> None:
    fill(project, task(ID))
    own = Path(project.root, ".claudestrator", "skills", "orchestrator", "task_agent.md")
    own.parent.mkdir(parents=True)
    own.write_text(content)
    assert refusal_of(reports.begin, project, ID).startswith(f"{own} holds no text: ")


def test_a_look_into_the_documentation_is_a_step_of_its_own_before_the_proof() -> None:
    steps = re.findall(r"^(\d+)\. (.*)$", role("task"), re.MULTILINE)
    assert [number for number, _ in steps] == [str(number + 1) for number in range(len(steps))]
    about = [number for number, step in steps if "documentation" in step.lower()]
    assert len(about) == 1
    assert int(about[0]) < len(steps) / 2 + 1


def noted(project: Project, id_: str, note: str) -> None:
    Path(project.note(id_)).parent.mkdir(exist_ok=True)
    Path(project.note(id_)).write_text(note)


def test_the_notes_of_the_tasks_that_it_builds_on_are_in_the_prompt(project: Project) -> None:
    fill(
        project,
        *(task(f"TASK-00{n}", status="completed") for n in (1, 2, 3)),
        task("TASK-004", dependencies="TASK-002, TASK-001"),
    )
    noted(project, "TASK-001", "There is a door.\n")
    noted(project, "TASK-002", "There is a wall.\n")
    noted(project, "TASK-003", "Nobody builds on this.\n")
    text = reports.begin(project, "TASK-004")
    notes = sections(text)["Notes from the tasks it builds on"].strip()
    assert notes == "## TASK-002\n\nThere is a wall.\n\n## TASK-001\n\nThere is a door."
    assert list(sections(text)) == ["Your task: TASK-004", "Notes from the tasks it builds on", "Report"]


def test_a_task_whose_dependencies_left_no_notes_has_no_such_section(project: Project) -> None:
    fill(project, task(ID, status="completed"), task("TASK-002", dependencies=ID))
    noted(project, ID, " \n")
    assert list(sections(reports.begin(project, "TASK-002"))) == ["Your task: TASK-002", "Report"]


@pytest.mark.parametrize("count", [1, 31, 300])
def test_however_many_notes_there_are_the_report_arrives_whole(project: Project, count: int) -> None:
    before = [f"TASK-{n:03d}" for n in range(1, count + 1)]
    fill(
        project, *(task(id_, status="completed") for id_ in before), task("TASK-999", dependencies="All previous tasks")
    )
    for id_ in before:
        noted(project, id_, "word " * 400)
    text = reports.begin(project, "TASK-999")
    assert is_whole(text, "TASK-999")
    shown = re.findall(r"^## (TASK-\d+)$", text, re.MULTILINE)
    assert shown == before[-len(shown) :]
    assert len(shown) >= min(count, 31)
    assert count == 1 or os.path.dirname(project.note(ID)) in text


def test_a_task_of_any_length_is_cut_with_a_pointer_and_the_report_arrives_whole(project: Project) -> None:
    fill(project, task(ID), task("TASK-002", objective="x" * 100_000, criteria=("criterion " * 10_000,)))
    text = reports.begin(project, "TASK-002")
    assert is_whole(text, "TASK-002")
    lines = Path(project.queue).read_text().splitlines()
    first = next(at for at, line in enumerate(lines, 1) if "xxx" in line)
    last = max(at for at, line in enumerate(lines, 1) if line == "---")
    assert f"\n\nThe rest is in lines {first} to {last} of {project.queue}: read it there.\n\n" in text


def test_a_section_of_one_endless_line_is_cut_in_it(project: Project) -> None:
    fill(project, f"### {ID} {'long ' * 9_000}\n| Status | pending |\n")
    text = reports.begin(project, ID)
    assert is_whole(text)
    assert len(told(text, ID)) > 10_000
    assert f"The rest is in lines 3 to 4 of {project.queue}" in text


def test_everything_long_at_once_still_fits(tmp_path: Path) -> None:
    root = tmp_path / LONGEST_PATH / LONGEST_PATH
    (root / ".claude").mkdir(parents=True)
    project = Project(str(root), str(root / ".claude"))
    before = [f"TASK-{n:03d}{'x' * 50}" for n in range(1, 200)]
    fill(
        project,
        *(task(id_, status="completed") for id_ in before),
        task(ID + "y", dependencies="All previous tasks", objective="x" * 100_000),
    )
    for id_ in before:
        noted(project, id_, "word " * 400)
    spawned(project, ID + "y", attempt=2, reason="why " * 5_000)
    own = root / ".claudestrator" / "skills" / "orchestrator" / "task_agent.md"
    own.parent.mkdir(parents=True)
    own.write_text("role " * 5_000)
    text = reports.begin(project, ID + "y")
    assert is_whole(text, ID + "y", 2)
    assert str(own) in text


@pytest.mark.parametrize("id_", ["decomposition", "research-1", "decomp-2", "memory-3"])
def test_an_agent_whose_note_nobody_reads_is_not_asked_for_one(project: Project, id_: str) -> None:
    assert "note" not in prompts.reporting(project, id_, 1)
    assert f"\nclaudestrator-helper done {id_} --attempt 1\n" in prompts.reporting(project, id_, 1)


def test_without_a_journal_no_task_is_asked_for_a_note(project: Project) -> None:
    assert "<<'NOTE'" in prompts.reporting(project, ID, 1)
    Path(project.config).parent.mkdir()
    Path(project.config).write_text("[journal]\nenabled = false\n")
    assert "note" not in prompts.reporting(project, ID, 1)
