"""A megabyte of anything is read in seconds: what is looked at, compared and copied grows with the input, not its square.

`WHOLE=yes pytest tests/test_bounds.py` takes whole megabytes, and without it a quarter of each.
"""

import re
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from claudestrator_helper.engine import markers
from claudestrator_helper.store import files, marker_files, memory
from claudestrator_helper.store.paths import Project
from claudestrator_helper.texts import dependencies, fields, issues, overlap
from claudestrator_helper.texts import queue as q
from hostile_inputs import INPUTS, LOOKING, PART, Hostile
from queues import queue, task
from running import helper

pytestmark = pytest.mark.slow

#: Seconds of processor time for what takes a second, and what took minutes, if it is a whole megabyte.
SECONDS, BYTES = 20 // PART, 2 << 30
#: Of the verbs that only look, those that do the most.
HARDEST = {"check", "start --session s"}


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def counted(real: Callable[..., object], calls: list[object]) -> Callable[..., object]:
    """*real*, each call of which is noted in *calls*."""

    def call(*given: object) -> object:
        calls.append(given)
        return real(*given)

    return call


@pytest.mark.parametrize("name", INPUTS)
def test_every_verb_comes_to_its_end(tmp_path: Path, name: str) -> None:
    hostile: Hostile = INPUTS[name]
    for path, text in hostile.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    for words, given in hostile.calls:
        if (words, given) not in LOOKING or words in HARDEST:
            result = helper(*words.split(), folder=tmp_path, stdin=given.encode(), first=limit)
            assert result.code in (0, 1), (words, result.stderr[-500:])
            assert "Traceback" not in result.stderr, (words, result.stderr[-500:])
            assert words.endswith(("--json", " -")) or len(result.stdout) < 200_000, words


def test_each_file_is_compared_with_the_folders_it_is_in_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    real = overlap._upwards
    monkeypatch.setattr(overlap, "_upwards", counted(real, looks))
    ones, others = ([f"{folder}/{n}/x.py" for n in range(20_000)] for folder in ("src", "lib"))
    assert not overlap.collide(ones, others)
    assert len(looks) == 40_000
    assert overlap.collide(ones, [*others, "src/19999"])
    assert overlap.collide(["a" * 10_000], ["a" * 10_001]), "of what no disk can have, the worst is assumed"


def test_a_new_issue_is_compared_with_those_that_share_its_rarest_words(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    real = issues._alike
    monkeypatch.setattr(issues, "_alike", counted(real, seen))
    known = issues.Known((f"ISSUE-{n}", f"the parser crashes on an empty file v{n}") for n in range(10_000))
    assert known.twin("on an empty file the parser crashes w1") is None
    assert known.twin("on an empty file the parser crashed v77") == "ISSUE-77"
    assert len(seen) < 500


@pytest.mark.parametrize(("count", "spelled_out"), [(700, True), (3000, False)])
def test_all_previous_is_spelled_out_as_long_as_that_is_no_square_of_many(count: int, spelled_out: bool) -> None:
    parsed = q.parse(queue(*(task(f"TASK-{n}", dependencies="All previous tasks") for n in range(count))))
    found = [each.dependencies for each in parsed.tasks]
    assert sum(map(len, found)) < 1_000_000
    assert (found[-1] == parsed.ids[:-1]) == spelled_out
    assert found[-1] == parsed.ids[:-1] or found[-1] == ["All previous tasks"]


def test_the_last_of_many_tasks_may_depend_on_all_of_them() -> None:
    parsed = q.parse(queue(*(task(f"TASK-{n}") for n in range(5000)), task("LAST-1", dependencies="All previous")))
    assert len(parsed.tasks[-1].dependencies) == 5000


def test_what_a_group_of_many_tasks_depends_on_is_all_of_another() -> None:
    first, second = ("".join(task(f"TASK-{n}") for n in range(start, start + 150)) for start in (0, 150))
    parsed = q.parse(f"# Queue\n\n## Phase 1\n\n{first}## Phase 2\n\nDepends on Phase 1.\n\n{second}")
    assert parsed.tasks[-1].dependencies == parsed.ids[:150]


def test_sentences_of_one_form_are_understood_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[object] = []
    real = dependencies._Reader._lists
    monkeypatch.setattr(dependencies._Reader, "_lists", counted(real, judged))
    parsed = q.parse(queue(*(task(f"TASK-{n}", extra=f"Needs TASK-{n - 1} first.\n\n") for n in range(1, 500))))
    assert [each.dependencies for each in parsed.tasks[1:]] == [[id_] for id_ in parsed.ids[:-1]]
    assert len(judged) < 10


@pytest.mark.parametrize(
    "form",
    ["{} first", "not {}", "[{}]", "or {}", "none, {}", "all but {}", "{}.", "- {}: x", "{} to\n- x", "after {}, y"],
)
def test_what_is_recalled_of_a_form_is_what_each_text_says(form: str) -> None:
    names = q.parse(queue(*(task(id_) for id_ in ("TASK-1", "TASK-2", "T1", "A-B-3")))).names
    for part in ("TASK-1", "T1", "A-B-3", "TASK-9", "T1-3", "x0", "X-17", "2", "5", "TASK-2"):
        found = dependencies.read(form.format(part), names, 1)
        names.readings.clear()
        assert dependencies.read(form.format(part), names, 1) == found, part
        dependencies.read(form.format("TASK-2"), names, 0)
        dependencies.read(form.format("y7"), names, 0)


def test_many_edits_are_one_copy() -> None:
    spans = [((at, at + 1), "bc") for at in range(0, 1000, 2)]
    assert fields.spliced("a-" * 500, spans) == "bc-" * 500
    assert fields.spliced("text", []) == "text"


def test_a_file_that_many_entries_name_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("one line\nanother line\n")
    project = Project(str(tmp_path), str(tmp_path / ".claude"))
    reads: list[object] = []
    real = memory._telling
    monkeypatch.setattr(memory, "_telling", counted(real, reads))
    report = "# Summary\n\nfine\n\n# Patterns\n\n" + "".join(f"- x{n} (files: a.py)\n" for n in range(500))
    said = memory.remember(project, memory.parse(report), loop=1, run="r")
    assert len(reads) == 1
    assert "of the patterns, the last 200 of 500 were read" in said
    assert re.search("200 new entries", said[-1])


def test_of_many_tasks_only_the_markers_that_are_there_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(str(tmp_path), str(tmp_path / ".claude"))
    for id_ in ("TASK-7.b", "TASK-900"):
        marker_files.leave(project, id_, markers.DONE, 1, markers.DONE)
    reads: list[object] = []
    monkeypatch.setattr(files, "read", counted(files.read, reads))
    found = marker_files.read(project, dict.fromkeys(["TASK-7.b", *(f"TASK-{n}" for n in range(10_000))], 1))
    assert list(found.reports) == ["TASK-7.b", "TASK-900"]
    assert len(reads) < 20
