"""Mutated queue texts through parse, check, next-task, set-status and add-tasks (tests/invariants.py says what holds).

usage: python tests/fuzz.py [--of queues|issues|projects] [--texts N] [--seed S] [--seconds T] [--monsters BYTES]

Each text comes from a seed of its own, counted up from S; `--seed X --texts 1` repeats the finding of seed X.
`--of issues` and `--of projects` mutate the other files and put them through the verbs (tests/mutated_files.py).
Monsters are texts of one kind of line, long enough to show whatever takes the square of a text's length.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helper"))

import mutated_files
import mutations
from claudestrator_helper.texts import queue as q
from claudestrator_helper.texts import queue_problems, schedule
from invariants import Broken, Project, examine, raise_hang

#: Texts that one process takes at a time.
_CHUNK = 250
#: Seconds of a processor that a text may take; more than this often what others take, and it is worth a look.
LIMIT, FACTOR = 20.0, 50
#: What is shorter than this is noise.
_SHORTEST = 0.2
#: Each so manieth text is held against an independent Markdown parser, which is slow.
THOROUGH = 20
#: Where a file costs least, if there is such a place.
_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
#: So many findings of one kind are shown.
_SHOWN = 3

Examine = Callable[..., Counter[str]]
#: How the text of a seed is made, and what it is held against.
KINDS: dict[str, tuple[Callable[[int], str], Examine]] = {
    "queues": (mutations.text, examine),
    "issues": (mutated_files.issue_text, mutated_files.examine_issues),
    "projects": (mutated_files.project_text, mutated_files.examine_project),
}


@dataclass
class Report:
    """What was tried, how long each text took (seconds for a thousand characters, seconds, seed), what was found."""

    counted: Counter[str] = field(default_factory=Counter)
    times: list[tuple[float, float, int]] = field(default_factory=list)
    found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        self.counted += other.counted
        self.times += other.times
        self.found += other.found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many seconds")
    parser.add_argument("--monsters", type=int, default=1_000_000, metavar="BYTES", help="0 for none")
    parser.add_argument("--of", choices=KINDS, default="queues", help="what is mutated")
    words = parser.parse_args()
    before = time.monotonic()
    report = run(words.seed, words.texts, words.seconds, words.of)
    seconds = time.monotonic() - before
    report.found += slow(report.times, words.of)
    monsters = measured(words.monsters) if words.monsters and words.texts > 1 and words.of == "queues" else {}
    report.found += [(f"the monster {name} takes too long", 0, "") for name in too_long(monsters)]
    print("\n".join(table(report, seconds, monsters)))
    return 1 if report.found else 0


def run(seed: int, count: int, seconds: float = float("inf"), of: str = "queues") -> Report:
    """What *count* texts from *seed* on show, in as many processes as there are processors."""
    end = time.monotonic() + seconds
    report = Report()
    chunks = ((at, min(_CHUNK, seed + count - at), end, of) for at in range(seed, seed + count, _CHUNK))
    with get_context("fork").Pool(min(os.cpu_count() or 1, -(-count // _CHUNK))) as pool:
        for part in pool.imap_unordered(_chunk, chunks):
            report.add(part)
    return report


def _chunk(words: tuple[int, int, float, str]) -> Report:
    seed, count, end, of = words
    report = Report()
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        project = Project(Path(folder))
        for each in range(seed, seed + count):
            if time.monotonic() > end:
                break
            one(each, project, report, of)
    return report


def one(seed: int, project: Project, report: Report, of: str) -> None:
    """Puts into *report* what the text of that seed shows."""
    text = KINDS[of][0](seed)
    before = time.process_time()
    broken = wrong(text, seed, project, report.counted, of)
    seconds = time.process_time() - before
    report.times.append((1000 * seconds / (len(text) + 1000), seconds, seed))
    report.counted["texts"] += 1
    report.counted["characters"] += len(text)
    if broken:
        known = sum(kind == broken.kind for kind, _, _ in report.found)
        small = shrunk(text, broken.kind, seed, project, of) if known < _SHOWN else ""
        report.found.append((broken.kind, seed, f"{broken}\n    {small!r}" if known < _SHOWN else ""))


def wrong(text: str, seed: int, project: Project, counted: Counter[str], of: str = "queues") -> Broken | None:
    """What does not hold for *text*, and into *counted* what was tried."""
    try:
        with _limited(LIMIT):
            counted += KINDS[of][1](text, random.Random(seed), project, thorough=seed % THOROUGH == 0)
    except Broken as broken:
        return broken
    return None


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    old = signal.signal(signal.SIGPROF, raise_hang)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)


def shrunk(text: str, kind: str, seed: int, project: Project, of: str) -> str:
    """A shorter text that is wrong in the same way, as far as 20 seconds go."""
    end = time.monotonic() + 20
    lines = text.splitlines(keepends=True)
    for parts in (lines, None):
        pieces = parts if parts is not None else list(text)
        size = max(1, len(pieces) // 2)
        while size:
            at = 0
            while at < len(pieces) and time.monotonic() < end:
                shorter = pieces[:at] + pieces[at + size :]
                broken = wrong("".join(shorter), seed, project, Counter(), of)
                pieces, at = (shorter, at) if broken and broken.kind == kind else (pieces, at + size)
            size //= 2
        text = "".join(pieces)
    return text


def slow(times: list[tuple[float, float, int]], of: str) -> list[tuple[str, int, str]]:
    """The texts that take far longer than others of their length, when they are tried again, too."""
    if not times:
        return []
    most = FACTOR * statistics.fmean(rate for rate, _, _ in times)
    found = []
    for seed in [seed for rate, seconds, seed in times if rate > most and seconds > _SHORTEST]:
        with tempfile.TemporaryDirectory() as folder:
            again = Report()
            project = Project(Path(folder))
            for _ in range(3):
                one(seed, project, again, of)
        rate, seconds, _ = min(again.times)
        if rate > most:
            found.append(("it takes long", seed, f"{seconds:.2f} s for {len(KINDS[of][0](seed)):,} characters"))
    return found


def measured(size: int) -> dict[str, float]:
    """The seconds that each monster takes to be read, checked, selected from and changed."""
    return dict(map(_measured, mutations.monsters(size)))


def _measured(named: tuple[str, str]) -> tuple[str, float]:
    name, text = named
    before = time.process_time()
    try:
        with _limited(LIMIT):
            parsed = q.parse(text)
            schedule.select(parsed, queue_problems.unreadable(parsed))
            queue_problems.problems(parsed)
            for task in parsed.tasks[:1] + parsed.tasks[-1:]:
                task.as_json()
                q.edited(parsed, {task.id: "failed"})
    except Broken:
        return name, float("inf")
    return name, time.process_time() - before


def too_long(monsters: dict[str, float]) -> list[str]:
    most = FACTOR * statistics.median(monsters.values()) if monsters else 0
    return [name for name, seconds in monsters.items() if seconds > max(most, _SHORTEST)]


def table(report: Report, seconds: float, monsters: dict[str, float]) -> Iterable[str]:
    counted = report.counted
    texts = counted.pop("texts", 0)
    yield f"{'texts':<48} {texts:>13,}"
    yield f"{'texts a second':<48} {texts / max(seconds, 1e-9):>13,.0f}"
    for name, count in sorted(counted.items()):
        yield f"{name:<48} {count:>13,}"
    rates = [each for each, _, _ in report.times]
    if rates:
        yield f"{'µs of a processor for 1,000 characters, mean':<48} {1e6 * statistics.fmean(rates):>13,.0f}"
        yield f"{'the same, most':<48} {1e6 * max(rates):>13,.0f}"
    if monsters:
        worst = max(monsters, key=lambda name: monsters[name])
        yield f"{'monsters':<48} {len(monsters):>13,}"
        yield f"{'seconds for a monster, median':<48} {statistics.median(monsters.values()):>13.2f}"
        yield f"{f'the same, most ({worst})':<48} {monsters[worst]:>13.2f}"
    yield f"{'findings':<48} {len(report.found):>13,}"
    for kind, count in Counter(kind for kind, _, _ in report.found).items():
        shown = sorted((each for each in report.found if each[0] == kind), key=lambda each: not each[2])[:_SHOWN]
        yield f"\n{count:,} times: {kind}"
        for _, seed, seen in shown:
            yield f"  --seed {seed} --texts 1" + (f"\n    {seen}" if seen else "")


if __name__ == "__main__":
    sys.exit(main())
