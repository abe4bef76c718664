"""The fuzz of tests/fuzz.py, a short one, and that it finds what is broken on purpose."""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import fuzz
import mutated_files
import mutations
import pytest
from claudestrator_helper import output
from claudestrator_helper.texts import (
    additions,
    fields,
    frontmatter,
    markdown,
    plain_dependencies,
    queue_problems,
    schedule,
    statuses,
)
from claudestrator_helper.texts import queue as q
from invariants import Project

#: So many texts show each of the mistakes below.
FEW = 400


def first_finding(folder: Path, step: int = 1) -> str:
    """What the first text is wrong about that breaks anything; "" where none does."""
    project, report = Project(folder), fuzz.Report()
    for seed in range(0, FEW * step, step):
        broken = fuzz.wrong(mutations.text(seed), seed, project, report.counted)
        if broken:
            return broken.kind
    return ""


@pytest.mark.slow
def test_nothing_is_found_in_mutated_queues() -> None:
    report = fuzz.run(seed=0, count=300)
    assert report.found == []
    counted = report.counted
    assert counted["texts"] == 300
    # Little of this would mean that the texts had become too wild to show anything.
    assert counted["tasks"] > 450
    assert counted["status changes"] > 900
    assert counted["tasks added"] > 30
    assert min(counted[f"next: {reason}"] for reason in ("ready", "waiting", "blocked", "complete", "empty")) > 3


@pytest.mark.parametrize(("of", "count"), [("issues", 400), ("projects", 60)])
def test_nothing_is_found_in_mutated_files(of: str, count: int) -> None:
    report = fuzz.run(seed=0, count=count, of=of)
    assert report.found == []
    assert report.counted["texts"] == count


def test_a_verb_that_can_not_stand_a_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def thorough(block: str, name: str) -> dict[str, object]:
        raise KeyError(name)

    monkeypatch.setattr(frontmatter, "_thorough", thorough)
    project = Project(tmp_path)
    cases = ((mutated_files.project_text(seed), seed) for seed in range(60))
    broken = [fuzz.wrong(text, seed, project, Counter(), "projects") for text, seed in cases]
    assert "status with .claude/session_state.md raises KeyError" in [each.kind for each in broken if each]


@pytest.mark.slow
def test_no_text_takes_much_longer_than_its_length() -> None:
    monsters = fuzz.measured(30_000)
    assert fuzz.too_long(monsters) == []
    assert len(monsters) > 50


def test_a_seed_makes_the_same_text_each_time() -> None:
    assert [mutations.text(seed) for seed in range(50)] == [mutations.text(seed) for seed in range(50)]
    assert len({mutations.text(seed) for seed in range(50)}) == 50


Edited = Callable[[q.Queue, Mapping[str, str]], q.Queue]


def edited_by(change: Callable[[str, str, str], str]) -> Edited:
    def edited(parsed: q.Queue, changes: Mapping[str, str]) -> q.Queue:
        text = parsed.text
        for id_, status in changes.items():
            if len(parsed.by_id[id_]) == 1 and parsed.by_id[id_][0].status != status:
                text = change(text, id_, status)
        return q.parse(text)

    return edited


def first_row(text: str, id_: str, status: str) -> str:
    return re.sub(r"(\| *Status *\|) *\w+", rf"\1 {status}", text, count=1)


def every_id_that_begins_so(text: str, id_: str, status: str) -> str:
    parsed = q.parse(text)
    for task in reversed([task for task in parsed.tasks if task.id.startswith(id_)]):
        span = task.status_span or (0, 0)
        text = text[: span[0]] + status + text[span[1] :]
    return text


def with_its_own_line_ends(text: str, id_: str, status: str) -> str:
    span = q.parse(text).task(id_).status_span or (0, 0)
    return (text[: span[0]] + status + text[span[1] :]).replace("\r\n", "\n")


@pytest.mark.parametrize("change", [first_row, every_id_that_begins_so, with_its_own_line_ends])
def test_a_status_change_of_the_wrong_bytes_is_found(
    change: Callable[[str, str, str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(q, "edited", edited_by(change))
    assert first_finding(tmp_path) == "set-status changed other bytes"


def test_a_status_change_that_does_nothing_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(q, "edited", lambda parsed, _: parsed)
    assert first_finding(tmp_path) == "set-status changed other bytes"


def test_a_traceback_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(statuses, "normalise", lambda text: statuses._BY_WORD[text.strip().lower()])
    assert first_finding(tmp_path) == "parse raises KeyError"


def test_a_section_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = markdown.headings
    monkeypatch.setattr(markdown, "headings", lambda masked: [each for each in real(masked) if "T1" not in each.title])
    monkeypatch.setattr(queue_problems, "_lost", lambda _: [])
    assert first_finding(tmp_path, step=fuzz.THOROUGH) == "a heading is silently dropped"


def test_a_refused_task_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(additions, "_joined", lambda text, addition: f"{text}x{addition}")
    assert first_finding(tmp_path) == "add-tasks refuses a sound task"


def test_an_addition_that_tidies_up_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(additions, "_joined", lambda text, addition: f"{text.rstrip()}\n\n{addition}")
    assert first_finding(tmp_path) == "add-tasks changed what stood there"


def test_a_wrong_line_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = q.Queue.line_at
    monkeypatch.setattr(q.Queue, "line_at", lambda parsed, offset: real(parsed, offset) - 1)
    assert first_finding(tmp_path) == "a task's line is another one"


def test_a_selection_that_forgets_the_dependencies_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def ready(parsed: q.Queue) -> Iterable[q.Task]:
        return (task for task in parsed.tasks if task.status == "pending" and len(parsed.by_id[task.id]) == 1)

    monkeypatch.setattr(schedule, "ready", ready)
    assert first_finding(tmp_path) == "next-task is not ready"


def test_a_completion_over_what_can_not_be_read_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = schedule.select
    monkeypatch.setattr(schedule, "select", lambda parsed, problems=(): real(parsed))
    assert first_finding(tmp_path) in ("empty over what can't be read", "complete over what can't be read")


def test_a_control_character_in_an_answer_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fields, "one_line", lambda text: " ".join(text.split("\n")))
    assert first_finding(tmp_path).endswith("is not one line")


def test_json_that_is_not_utf_8_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(output, "as_json_line", lambda value: json.dumps(value, ensure_ascii=False))
    assert first_finding(tmp_path) == "next-task's JSON is not JSON in UTF-8"


def test_what_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "LIMIT", 0.5)
    monkeypatch.setattr(
        plain_dependencies, "_PLAIN", re.compile(r"(?:[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)+,? *)+")
    )
    assert "longer parts of an id" in fuzz.too_long(fuzz.measured(2000))


def test_the_command_says_what_it_found_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--texts", "60", "--seed", "7", "--monsters", "0"])
    assert fuzz.main() == 0
    said = capsys.readouterr().out
    assert re.search(r"^texts +60$", said, re.MULTILINE)
    assert re.search(r"^findings +0$", said, re.MULTILINE)
    monkeypatch.setattr(q, "edited", edited_by(first_row))
    assert fuzz.main() == 1
    said = capsys.readouterr().out
    assert "times: set-status changed other bytes" in said
    seed = re.search(r"--seed (\d+) --texts 1$", said, re.MULTILINE)
    assert seed is not None
    monkeypatch.setattr(sys, "argv", ["fuzz.py", *seed[0].split()])
    assert fuzz.main() == 1
    assert seed[0] in capsys.readouterr().out
