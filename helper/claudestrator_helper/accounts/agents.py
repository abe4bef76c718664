"""The transcripts of a run's agents: what each used, and which files it edited."""

import itertools
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from .. import host
from . import prices, session_files, transcript
from .conversation import later
from .prices import Usage
from .tally import Segment
from .transcript import Entry, entries, obj

#: Entries of a transcript among which the agent's prompt is.
_HEAD = 20
_REPORT = re.compile(r"claudestrator-helper done (\S{1,64}) --attempt (\d{1,9})\b")


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


#: The id of a task or a role, and the number of an attempt.
Attempt = tuple[str, int]


def unnamed(paths: list[str], known: Container[str], attempts: Container[Attempt]) -> dict[str, str]:
    """The ids by the names of those agents in the sessions with these transcripts that are not *known*, and whose
    prompt is that of one of *attempts*."""
    found = {}
    for name, path in session_files.agents(paths):
        if name not in known and not session_files.is_nested(path):
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
    for entry in entries(lines):
        if entry is None:
            continue
        _note(agent.answers, entry)
        done = obj(entry.get(host.TOOL_RESULT))
        name = done.get(host.AGENT_NAME)
        if isinstance(name, str):
            launched.append(name)
        path = done.get(host.EDITED)
        if isinstance(path, str) and isinstance(done.get(host.PATCH), list):
            before = agent.edits.get(path, (0, 0))
            added, removed = _lines(done)
            agent.edits[path] = before[0] + added, before[1] + removed
        if not agent.attempt:
            id_, attempt = _told(entry) or ("", 0)
            agent.attempt = attempt if id_ == agent.id else 0
    return launched


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


def _lines(done: Entry) -> tuple[int, int]:
    """The lines that an edit added and removed."""
    added = removed = 0
    hunks = done.get(host.PATCH)
    for hunk in hunks if isinstance(hunks, list) else []:
        lines = obj(hunk).get("lines")
        signs = [line[:1] for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
        added += signs.count("+")
        removed += signs.count("-")
    content = done.get("content")
    if not (added or removed) and done.get("type") == host.CREATED and isinstance(content, str):
        added = content.count("\n") + (not content.endswith("\n")) if content else 0
    return added, removed
