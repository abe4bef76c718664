"""The transcripts of a run's agents: what each used, and which files it edited."""

import difflib
import itertools
import os
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from .. import host
from . import prices, session_files, transcript
from .conversation import later
from .prices import Usage
from .tally import Segment
from .transcript import Entry, entries, obj

#: Lines of an edit that are compared; of a longer one, all count.
_COMPARED = 2000
#: Entries of a transcript among which the agent's prompt is.
_HEAD = 20
#: How an agent is told to report: by a command, or by its last message where a mod reads it.
_REPORT = re.compile(r"(?:claudestrator-helper done|^REPORT) (\S{1,64}) (?:--)?attempt (\d{1,9})\b", re.MULTILINE)


@dataclass(eq=False, repr=False, match_args=False)
class Agent:
    """An agent, or one that it launched in turn, with the id of its task. *attempt* is 0 if its prompt is not in the
    transcript; *answers* is by the ids of answers, *edits* the added and removed lines by path."""

    id: str
    attempt: int = 0
    path: str = ""
    answers: dict[str, Usage] = field(default_factory=dict)
    edits: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def usage(self) -> list[Usage]:
        return list(self.answers.values())


#: A path, and the lines added and removed.
Edit = tuple[str, int, int]
#: The id of a task or a role, and the number of an attempt.
Attempt = tuple[str, int]


def unnamed(paths: list[str], known: Container[str], attempts: Container[Attempt], since: float = 0) -> dict[str, str]:
    """The ids by the names of those agents in the sessions with these transcripts that are not *known*, that were heard
    of after *since*, in seconds since the epoch, and whose prompt is that of one of *attempts*."""
    found = {}
    for name, path in session_files.agents(paths):
        if name not in known and os.path.getmtime(path) >= since and not session_files.is_nested(path):
            heads = itertools.islice(entries(session_files.lines(path)), _HEAD)
            told = (_told(entry) for entry in heads if entry)
            id_, attempt = next((each for each in told if each), ("", 0))
            if (id_, attempt) in attempts:
                found[name] = id_
    return found


def of(whole: Segment, paths: list[str]) -> tuple[list[Agent], int]:
    """The agents of a run, those that they launched included; and how many left no transcript."""
    found = [Agent("", answers=dict(whole.sidechains))] if whole.sidechains else []
    waiting: list[tuple[str, str, Agent | None]] = [(name, id_, None) for name, id_ in whole.agents.items()]
    seen, lost = set(whole.agents), 0
    while waiting:
        name, id_, parent = waiting.pop(0)
        places = session_files.agent(paths, name)
        lost += not places
        agent = Agent(id_, parent.attempt if parent else 0, places[0] if places else "")
        for path in places:
            for launched in _read(agent, session_files.lines(path)):
                if launched not in seen:
                    seen.add(launched)
                    waiting.append((launched, id_, agent))
        found.append(agent)
    return found, 0 if whole.sidechains else lost


def _read(agent: Agent, lines: Iterable[bytes]) -> list[str]:
    """Takes in a transcript. Returns the names of the agents that were launched in it."""
    launched = []
    calls: dict[object, Edit] = {}
    for entry in entries(lines):
        if entry is None:
            continue
        _note(agent.answers, entry)
        name = obj(entry.get(host.TOOL_RESULT)).get(host.AGENT_NAME)
        if isinstance(name, str):
            launched.append(name)
        for block in transcript.blocks(obj(entry.get("message")).get("content")):
            _edit(agent, calls, block)
        if not agent.attempt:
            id_, attempt = _told(entry) or ("", 0)
            agent.attempt = attempt if id_ == agent.id else 0
    return launched


def _edit(agent: Agent, calls: dict[object, Edit], block: Entry) -> None:
    """Keeps a call that edits a file until its result comes, and counts it if that is no error."""
    key = block.get("id") or block.get("tool_use_id")
    if block.get("type") == "tool_use" and isinstance(key, str):
        edit = _of_call(block.get("name"), obj(block.get("input")))
        if edit:
            calls[key] = edit
    elif block.get("type") == "tool_result" and isinstance(key, str) and key in calls:
        path, added, removed = calls.pop(key)
        if block.get("is_error") is not True:
            before = agent.edits.get(path, (0, 0))
            agent.edits[path] = before[0] + added, before[1] + removed


def _note(answers: dict[str, Usage], entry: Entry) -> None:
    message = obj(entry.get("message"))
    name = message.get("id")
    if entry.get(host.KIND) == host.ASSISTANT and isinstance(name, str):
        later(answers, name, prices.parse(message))


def _told(entry: Entry) -> Attempt | None:
    """The task and the attempt that this entry names as the agent's own, as the agent's prompt does."""
    if entry.get(host.KIND) != host.USER:
        return None
    content = obj(entry.get("message")).get("content")
    said = [transcript.text(content), *(transcript.text(block.get("content")) for block in transcript.blocks(content))]
    found = (_REPORT.search(text) for text in said)
    return next(((each[1], int(each[2])) for each in found if each), None)


def _of_call(tool: object, given: Entry) -> Edit | None:
    """The lines that a call adds to a file and removes from it; what a file held that is written anew is not known."""
    path, content, old, new = (given.get(key) for key in (host.FILE_PATH, host.CONTENT, host.OLD, host.NEW))
    if not isinstance(path, str):
        return None
    if tool == host.WRITE and isinstance(content, str):
        return path, len(content.splitlines()), 0
    if tool == host.EDIT and isinstance(old, str) and isinstance(new, str):
        return path, *_changed(old.splitlines(), new.splitlines())
    return None


def _changed(old: list[str], new: list[str]) -> tuple[int, int]:
    if len(old) + len(new) > _COMPARED:
        return len(new), len(old)
    same = sum(block.size for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())
    return len(new) - same, len(old) - same
