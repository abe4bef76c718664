"""What a loop has learned: a summary for the next loop, and a graph of patterns and gotchas with their files."""

import functools
import json
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace

from ..errors import ClaudestratorError
from ..texts import fields, markdown
from ..texts.fields import cut, one_line
from . import project_files
from .paths import Project

#: A summary keeps about 500 tokens, at four characters each; an entry is a sentence or two.
SUMMARY_LENGTH, ENTRY_LENGTH = 2000, 300
#: The most entries that are kept, and that are given to one agent.
KEPT, GIVEN = 200, 8
#: The most files that are remembered of an entry, and lines of each; an entry is retired once fewer than half of the
#: lines are still there.
NAMED, SAMPLE = 10, 24
#: Bytes of a file that are compared.
_READ = 2_000_000
KINDS = {"patterns": "pattern", "gotchas": "gotcha"}
_SUMMARY = "summary"
_NOTHING = re.compile(
    r"[-—–.()*_\s]*(?:(?:none|nothing|n/?a)(?: new| yet| this loop| in this loop)?[-—–.()*_\s]*)?", re.IGNORECASE
)


@dataclass(frozen=True)
class Entry:
    """Something learned; *kind* is pattern or gotcha, *files* holds checksums of sampled lines by path."""

    kind: str
    text: str
    loop: int
    run: str
    files: dict[str, list[int]] = field(default_factory=dict)


#: A summary, entries as kind, text and files, and remarks on what was left out.
Report = tuple[str, list[tuple[str, str, list[str]]], list[str]]


def parse(report: str) -> Report:
    """The parts of a report; the remarks are for the agent that wrote it. Raises ClaudestratorError for a report
    without a summary."""
    sections, said = _sections(report)
    summary = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", sections[_SUMMARY]).strip()
    if not summary:
        raise ClaudestratorError("the report has no `# Summary`: send the summary, then `# Patterns` and `# Gotchas`")
    if len(summary) > SUMMARY_LENGTH:
        said.append(f"the summary was cut at {SUMMARY_LENGTH:,} of its {len(summary):,} characters")
        summary = fields.shortened(summary, SUMMARY_LENGTH)
    entries = []
    for title, kind in KINDS.items():
        items = fields.items(sections[title])
        if len(items) > KEPT:
            said.append(f"of the {title}, the last {KEPT} of {len(items):,} were read")
        for item in items[-KEPT:]:
            text, paths = _named(item)
            if not _NOTHING.fullmatch(text[:ENTRY_LENGTH]):
                entries.append((kind, cut(text, ENTRY_LENGTH), paths[:NAMED]))
    return summary, entries, said


def _named(item: str) -> tuple[str, list[str]]:
    """An item's text, and the paths of the `(files: …)` at its end."""
    # All openings are found first, because a search for the last one would take quadratic time.
    starts = [found.start() for found in re.finditer(r"\(files?:", item, re.IGNORECASE)]
    named = re.fullmatch(r"\(\w+:(.*)\)[^\w)]*", item[starts[-1] :]) if starts else None
    if named is None:
        return item, []
    paths = (re.sub(r":\d+(?:-\d+)?\Z", "", path.strip("` ")) for path in named[1].split(","))
    return item[: starts[-1]].rstrip(), [path for path in paths if path]


def _sections(report: str) -> tuple[dict[str, str], list[str]]:
    """The texts of the three sections, with deeper headings as part of their section, and remarks on all others."""
    found, said = dict.fromkeys((_SUMMARY, *KINDS), ""), []
    opened: list[tuple[str, markdown.Heading]] = []
    for heading in markdown.headings(markdown.mask(report, markdown.hidden(report))):
        title = heading.title.strip(" :*_`").lower()
        name = next((known for known in found if title in (known, known.removesuffix("s"))), "")
        if name or not opened or heading.level <= opened[-1][1].level:
            opened.append((name, heading))
    ends = [heading.start for _, heading in opened[1:]] + [len(report)]
    for (name, heading), end in zip(opened, ends, strict=False):
        text = report[heading.end : end]
        if name:
            found[name] += f"{text}\n"
        elif text.strip():
            said.append(f"`{cut(heading.title, 40)}` is not Summary, Patterns or Gotchas, and was left out")
    return found, said


def remember(project: Project, report: Report, *, loop: int, run: str) -> list[str]:
    """Writes the summary and merges the graph; returns remarks for the reporting agent. The caller holds the lock.
    Raises ClaudestratorError if the graph can't be read or a file can't be written."""
    summary, reported, said = report
    old = read(project)
    _lines.cache_clear()
    live = {_key(entry): entry for entry in old if not _retired(project, entry)}
    known = len(live)
    for kind, text, paths in reported:
        inside = dict.fromkeys(path for path in (_relative(project, path) for path in paths) if path)
        if paths and not inside:
            said.append(f"left out, because it names no file of the project: {cut(text)}")
            continue
        entry = Entry(kind, text, loop, run, {path: sample(project, path) for path in inside})
        live[_key(entry)] = _merged(project, entry, live.pop(_key(entry), None))
    kept = list(live.values())[-KEPT:]
    document = {"version": 1, "entries": [asdict(entry) for entry in kept]}
    project_files.write(project, summary_path(project), f"# Loop {loop}\n\n{summary}\n")
    project_files.write(project, project.knowledge, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    retired = len(old) - known + len(live) - len(kept)
    said.append(f"kept the summary of loop {loop}, {len(live) - known} new entries; {retired} retired")
    return said


def _merged(project: Project, entry: Entry, twin: Entry | None) -> Entry:
    """*entry* with the files of *twin*, the same entry learned before, that are not rewritten since."""
    older = twin.files.items() if twin else ()
    still = {path: lines for path, lines in older if path not in entry.files and not _rewritten(project, path, lines)}
    return replace(entry, files=dict(list((entry.files | still).items())[:NAMED]))


def read(project: Project) -> list[Entry]:
    """The entries of the graph, the oldest first. Raises ClaudestratorError if the file holds no such graph."""
    path = project.knowledge
    text = project_files.read(project, path)
    if text is None:
        return []
    try:
        return [_entry(each) for each in json.loads(text)["entries"][-KEPT:]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ClaudestratorError(f"{path} is not what the helper wrote; fix or delete it") from error


def _entry(each: dict[str, object]) -> Entry:
    """One entry of the graph, which may come with a repository and hold anything. Raises KeyError, TypeError or
    ValueError for anything but an entry."""
    kind, text, loop, run, paths = (each[name] for name in ("kind", "text", "loop", "run", "files"))
    if kind not in KINDS.values() or not isinstance(text, str) or not isinstance(run, str) or type(loop) is not int:
        raise TypeError(kind)
    if not isinstance(paths, dict) or not all(isinstance(lines, list) for lines in paths.values()):
        raise TypeError(paths)
    if any(type(line) is not int for lines in paths.values() for line in lines):
        raise TypeError(paths)
    # Half of a surrogate pair could not be written again.
    one_line(f"{text}{run}{''.join(paths)}").encode("utf-8", "surrogateescape")
    few = {path: lines[:SAMPLE] for path, lines in list(paths.items())[:NAMED]}
    return Entry(str(kind), cut(text, ENTRY_LENGTH), loop, cut(run), few)


def summary(project: Project) -> str:
    """The last loop's summary, cut to its length; "" if there is none."""
    text = project_files.text(project, summary_path(project)).strip()
    # The heading of the loop is not counted. A person may have made the text longer.
    return fields.shortened(text, SUMMARY_LENGTH + 20)


def concerning(project: Project, paths: Iterable[str] | None = None) -> list[Entry]:
    """The last GIVEN entries about one of *paths* or about no file; the last of all for None. Raises as `read` does."""
    _lines.cache_clear()
    wanted = None if paths is None else {_relative(project, path) for path in paths} - {""}
    chosen: list[Entry] = []
    for entry in reversed(read(project)):
        about = wanted is None or not entry.files or not wanted.isdisjoint(map(os.path.normpath, entry.files))
        if len(chosen) < GIVEN and about and not _retired(project, entry):
            chosen.insert(0, entry)
    return chosen


def sample(project: Project, path: str) -> list[int]:
    """Checksums of up to SAMPLE lines, spread over a file; empty if there is no such file."""
    lines = list(_lines(project, path))
    count = min(len(lines), SAMPLE)
    return [lines[number * len(lines) // count] for number in range(count)]


def summary_path(project: Project) -> str:
    return os.path.join(project.state, "loop_summary.md")


def _retired(project: Project, entry: Entry) -> bool:
    """Whether all of its files are rewritten: gone, or with fewer than half of the remembered lines."""
    return bool(entry.files) and all(_rewritten(project, path, lines) for path, lines in entry.files.items())


def _rewritten(project: Project, path: str, lines: list[int]) -> bool:
    if not _relative(project, path):
        return True
    if not lines:
        return not os.path.exists(os.path.join(project.root, path))
    now = _lines(project, path)
    return 2 * sum(line in now for line in lines) < len(lines)


@functools.lru_cache(maxsize=8)
def _lines(project: Project, path: str) -> dict[int, None]:
    """Checksums of a file's distinct lines, in order, without uninformative lines such as a lone bracket."""
    full = os.path.join(project.root, path)
    try:
        # Reading a pipe or a device might never end.
        if not _relative(project, path) or not stat.S_ISREG(os.stat(full).st_mode):
            return {}
        with open(full, "rb") as file:
            stripped = [line.strip() for line in file.read(_READ).split(b"\n")]
    except OSError:
        return {}
    return {zlib.crc32(line): None for line in _telling(stripped)}


def _telling(lines: list[bytes]) -> Iterator[bytes]:
    longest = max(map(len, lines), default=0)
    return (line for line in lines if line and (len(line) > 3 or longest <= 3))


def _relative(project: Project, path: str) -> str:
    """*path* relative to the project's root; "" if it is missing or leads out of the project, also through a link."""
    try:
        root = os.path.realpath(project.root)
        full = os.path.join(project.root, path)
        if os.path.commonpath([os.path.realpath(full), root]) != root or not os.path.lexists(full):
            return ""
        relative = os.path.relpath(full, project.root)
        return relative if relative.split(os.sep)[0] != ".." else os.path.relpath(os.path.realpath(full), root)
    except (OSError, ValueError):
        return ""


def _key(entry: Entry) -> str:
    return " ".join(re.findall(r"\w+", entry.text.lower())) or entry.text
