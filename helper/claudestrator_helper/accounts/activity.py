"""What an agent is doing, by its transcript."""

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from .. import host
from ..engine.state import State
from ..store import event_lines, marker_files, run_log
from ..store.paths import Project
from ..texts.fields import cut
from . import session_files, transcript
from .transcript import Entry, blocks, obj, text

#: Of an unnamed agent's transcript so many bytes are searched for its task, and so many of the newest transcripts.
_HEAD, _NEWEST = 200_000, 100
#: Characters of a line.
_LONGEST = 160


def path(project: Project, current: State, id_: str) -> str | None:
    """The transcript of the last agent of *id_*; None if there is none, or none any more."""
    attempt = current.record(id_).attempts
    names = dict.fromkeys([current.owner.session, *run_log.sessions(project)])
    known = [found for found in map(session_files.transcript, names) if found]
    name = marker_files.name(project, id_, attempt)
    if name:
        return next(iter(session_files.agent(known, name)), None)
    # No hook saw the launch, as with forked skills: the prompt, which ends with how to report, is in the transcript.
    report = re.compile(rf"claudestrator-helper done {re.escape(id_)} --attempt {attempt}\b".encode())
    return next((found for found in _newest(known) if report.search(_head(found))), None)


def lines(entries: Iterable[Entry | None]) -> Iterator[str]:
    """What the agent said and called, a line each, with its local time; and what went wrong."""
    for entry in entries:
        if entry is None or entry.get(host.KIND) not in (host.ASSISTANT, host.USER):
            continue
        at = _clock(str(entry.get(host.TIME)))
        for block in blocks(obj(entry.get("message")).get("content")):
            said = _said(block, str(entry[host.KIND]))
            if said:
                yield f"{at} {cut(said, _LONGEST)}"


def entries(found: str, offset: int = 0) -> tuple[list[Entry | None], int]:
    """The entries of a transcript after *offset*, in bytes, and where the last whole one ends."""
    with suppress(OSError), open(found, "rb") as file:
        file.seek(offset)
        whole = file.read().rpartition(b"\n")[0]
        return list(transcript.entries(whole.split(b"\n"))), offset + len(whole) + bool(whole)
    return [], offset


def _said(block: Entry, kind: str) -> str:
    if block.get("type") == "tool_use":
        given = [value for value in obj(block.get("input")).values() if isinstance(value, str) and value.strip()]
        return f"{block.get('name')}: {given[0] if given else ''}".rstrip(": ")
    if block.get("type") == "tool_result":
        return f"  failed: {text(block.get('content'))}" if block.get("is_error") is True else ""
    return f"says: {block.get('text')}" if kind == host.ASSISTANT and block.get("text") else ""


def _clock(at: str) -> str:
    # The log's times are without fractions of a second.
    found = event_lines.seconds(f"{at[:19]}Z")
    return time.strftime("%H:%M:%S", time.localtime(found)) if found else "--:--:--"


def _newest(transcripts: list[str]) -> list[str]:
    found = [path for _, path in session_files.agents(transcripts) if os.path.isfile(path)]
    return sorted(found, key=os.path.getmtime, reverse=True)[:_NEWEST]


def _head(found: str) -> bytes:
    with suppress(OSError), open(found, "rb") as file:
        return file.read(_HEAD)
    return b""
