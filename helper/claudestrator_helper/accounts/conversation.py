"""A session's conversation, replayed line by line to count what its runs brought into it.

Characters are counted as the requests send them, so that their sum is what the API was sent. Nothing here raises,
whatever the lines hold.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from .. import host
from ..texts import ids
from . import prices, transcript
from .prices import Usage
from .tally import DIRECTIVES, LAUNCHES, NONE, NOTICES, OTHER, PROMPTS, Segment
from .transcript import Entry, obj

_COMMAND = re.compile(host.COMMAND_NAMED.format("(?:claudestrator:)?orchestrate"))
_ENDED = re.compile(r"^(?:done|failed) (\S+)", re.MULTILINE)
#: Behind what earlier releases put before the result of a skill.
_DIRECTIVE = re.compile(r"(?:Launching skill: \n)?(?:WORK|WAIT|STOP)\b")
_CALL_OF_NOTICE = re.compile(host.NOTICE_CALL)


class _Piece(NamedTuple):
    """A text in the conversation that no request has sent yet; *said* if the model wrote it."""

    uuid: str
    characters: int
    source: str
    id: str
    segment: Segment
    said: bool


def segments(lines: Iterable[bytes]) -> tuple[list[Segment], int]:
    """The segments of a session's runs, in order, and how many of its lines could not be read."""
    replay = Replay()
    unreadable = sum(not replay.takes(entry) for entry in transcript.entries(lines))
    replay.close()
    return replay.segments, unreadable


class Replay:
    """The conversation after each line. *size* is its characters, *sizes* the characters by entry, *context* the tokens
    of the last request, *message* the id of the answer to it, *current* the id of the task that was launched last."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.segment: Segment | None = None
        self.stopped = self.expanding = self.compacted = self.after_system = False
        self.size = self.context = 0
        self.sizes: Counter[str] = Counter()
        self.pending: list[_Piece] = []
        self.current, self.message = NONE, ""
        self.calls: dict[str, tuple[str, str]] = {}
        self.answered: set[str] = set()

    def takes(self, entry: Entry | None) -> bool:
        """Takes in one line. Returns whether it could be read."""
        try:
            if entry is not None:
                self._take(entry)
        except (RecursionError, ValueError):
            return False
        return entry is not None

    def _take(self, entry: Entry) -> None:
        kind = entry.get(host.KIND)
        if kind == host.ASSISTANT:
            self._answer(entry)
        elif kind == host.USER and entry.get(host.SIDECHAIN) is not True:
            self._input(entry)
        elif kind == host.ATTACHMENT:
            self._attachment(entry)
        elif kind == host.SYSTEM and entry.get(host.SUBTYPE) == host.COMPACTION:
            self._compaction(entry)
        elif kind == host.SYSTEM and entry.get(host.SUBTYPE) == host.LOCAL_COMMAND:
            self._add(entry, transcript.characters(entry.get("content")), OTHER)
        time = entry.get(host.TIME)
        if self.segment and isinstance(time, str):
            self.segment.ended = time

    def close(self) -> None:
        """Ends the segment. No request has sent its last words, but they did come in."""
        segment = self.segment
        if segment is None:
            return
        last = [piece for piece in self.pending if piece.said]
        self.pending = [piece for piece in self.pending if not piece.said]
        for piece in last:
            piece.segment.count(piece.characters, piece.source, piece.id)
        self._end_turn(segment)
        if self.message in segment.usage:
            segment.grow(segment.usage[self.message].output, self.current)
        self.segment = None

    def _open(self, entry: Entry) -> None:
        continues = self.segment is not None and not self.stopped
        self.close()
        began = entry.get(host.TIME)
        self.segment = Segment(began if isinstance(began, str) else "", continues)
        self.segments.append(self.segment)
        self.stopped = False
        self.current = self.current if continues else NONE

    def _answer(self, entry: Entry) -> None:
        message = obj(entry.get("message"))
        name, used = message.get("id"), prices.parse(message)
        if not isinstance(name, str) or entry.get(host.API_ERROR) is True:
            return
        if entry.get(host.SIDECHAIN) is True:
            if self.segment:
                later(self.segment.sidechains, name, used)
            return
        blocks = transcript.blocks(message.get("content"))
        if self.segment is None and any("claudestrator-helper wait" in _helpers(block) for block in blocks):
            self._open(entry)
        if used.model != host.NO_MODEL:
            self._request(name, used)
        for block in blocks:
            source = self._call(block)
            self._add(entry, transcript.size(block), source, self.current, said=True)

    def _request(self, name: str, used: Usage) -> None:
        """An answer's first line means that a request has sent everything pending; its other lines repeat its usage."""
        segment = self.segment
        if name not in self.answered:
            self.answered.add(name)
            for piece in self.pending:
                piece.segment.count(piece.characters, piece.source, piece.id)
            self.pending.clear()
            if segment:
                self._end_turn(segment)
                if self.context and used.context:
                    segment.grow(max(0, used.context - self.context), self.current)
                segment.turns += 1
                segment.reread += self.size
                segment.usage[name] = used
            self.message, self.context, self.compacted = name, used.context or self.context, False
        elif segment and name in segment.usage:
            later(segment.usage, name, used)

    def _end_turn(self, segment: Segment) -> None:
        # Only now is it known what the turn launched.
        if self.message in segment.usage:
            segment.row(self.current).turns += 1

    def _call(self, block: Entry) -> str:
        """The source that a block of an answer counts for. A call is kept until its result comes."""
        named = block.get("name") if block.get("type") == "tool_use" else None
        source = DIRECTIVES if _helpers(block) else OTHER
        if named in (*host.LAUNCHERS, host.SKILL):
            source = LAUNCHES
            field = host.SKILL_ARGS if named == host.SKILL else host.DESCRIPTION
            word = transcript.text(obj(block.get("input")).get(field))
            words = word.split(None, 1)
            self.current = words[0] if words and ids.is_id(words[0]) else self.current
        key = block.get("id")
        if named is not None and isinstance(key, str):
            self.calls[key] = source, self.current
        return source

    def _add(self, entry: Entry, length: int, source: str, id_: str | None = None, *, said: bool = False) -> None:
        """Takes in a text for the task *id_*, or for the current task if that is None."""
        uuid = str(entry.get(host.UUID) or "")
        self.size += length
        self.sizes[uuid] += length
        if self.segment:
            belongs = NONE if self.compacted else self.current if id_ is None else id_
            self.pending.append(_Piece(uuid, length, source, belongs, self.segment, said))
        self.after_system = False

    def _input(self, entry: Entry) -> None:
        summary, meta = entry.get(host.SUMMARY) is True, entry.get(host.META) is True
        if entry.get(host.ONLY_SHOWN) is True and not summary:
            return
        content = obj(entry.get("message")).get("content")
        expanding, self.expanding = self.expanding, False
        results = [block for block in transcript.blocks(content) if block.get("type") == "tool_result"]
        said, length = transcript.text(content), transcript.characters(content)
        for block in results:
            self._result(entry, block)
        if results:
            return
        if obj(entry.get(host.ORIGIN[0])).get(host.ORIGIN[1]) == host.NOTICE_KIND or said.startswith(host.NOTICE):
            self._add(entry, length + host.NOTICE_FRAME, NOTICES, self._noticed(said))
        elif said.startswith(host.COMMAND) and _COMMAND.search(said[:1000]):
            self._open(entry)
            self.expanding = True
            self._add(entry, length, PROMPTS)
        elif expanding and meta:
            self._directive(said)
            self._add(entry, length, PROMPTS)
        else:
            if self.stopped and not (meta or summary):
                self.close()
            self._add(entry, length, OTHER)

    def _result(self, entry: Entry, block: Entry) -> None:
        source, id_ = self.calls.get(str(block.get("tool_use_id")), (OTHER, self.current))
        agent = obj(entry.get(host.TOOL_RESULT)).get(host.AGENT_NAME)
        if self.segment and source == LAUNCHES and isinstance(agent, str):
            self.segment.agents[agent] = id_
        printed = transcript.text(block.get("content"))
        if source == LAUNCHES and _DIRECTIVE.match(printed):
            # It replaces what the forked skill said.
            self._directive(printed)
            source = DIRECTIVES
        elif source == DIRECTIVES:
            id_ = self._directive(printed) or id_
        self._add(entry, transcript.size(block), source, id_)

    def _directive(self, printed: str) -> str:
        """Notes what the helper printed. Returns the id that it says has ended, or ""."""
        self.stopped = printed.rstrip().rpartition("\n")[2].startswith("STOP ")
        ended = _ENDED.search(printed)
        return ended[1] if ended and ids.is_id(ended[1]) else ""

    def _noticed(self, notice: str) -> str:
        call = _CALL_OF_NOTICE.search(notice)
        return self.calls.get(call[1] if call else "", ("", self.current))[1]

    def _attachment(self, entry: Entry) -> None:
        given, sent = obj(entry.get(host.ATTACHMENT)), transcript.attached(entry)
        kind, call = given.get(host.KIND), str(given.get(host.ATTACHED_CALL))
        told = transcript.text(given.get("prompt") or given.get("content"))
        if sent is None:
            # Earlier clients do not record what they send.
            sent = [told] if kind in (host.QUEUED, host.HOOK_CONTEXT) else []
        if not sent:
            return
        is_system = entry.get(host.ROLE) == host.SYSTEM
        length = sum(map(len, sent)) + (host.BETWEEN_REMINDERS if is_system and self.after_system else 0)
        if kind == host.TASK_STATUS or (kind == host.QUEUED and told.startswith(host.NOTICE)):
            self._add(entry, length, NOTICES, self._noticed(told))
        elif kind == host.HOOK_CONTEXT and call in self.calls:
            self._directive(told)
            self._add(entry, length, DIRECTIVES, self.calls[call][1])
        else:
            self._add(entry, length, PROMPTS if kind == host.SKILLS else OTHER)
            if not self.answered and self.pending:
                # What every session begins with does not count for the run.
                self.pending.pop()
        self.after_system = is_system

    def _compaction(self, entry: Entry) -> None:
        """Keeps of the conversation only what the compaction names; what only its own request has read is gone."""
        told = obj(entry.get(host.COMPACTED_TO))
        kept = obj(told.get(host.KEPT[0])).get(host.KEPT[1])
        names = {name for name in kept if isinstance(name, str)} if isinstance(kept, list) else set()
        self.sizes = Counter({name: self.sizes[name] for name in names})
        self.size = self.sizes.total()
        self.pending = [piece for piece in self.pending if piece.uuid in names]
        self.context, self.compacted = 0, True
        if self.segment:
            self.segment.compactions += 1
            self.segment.grow(prices.count(told.get(host.TOKENS_LEFT)), NONE)


def later(known: dict[str, Usage], name: str, used: Usage) -> None:
    """Records an answer's usage once. Each of its lines has it, but an early line may not have the whole count."""
    before = known.get(name)
    if before is None or used.total > before.total:
        known[name] = used


def _helpers(block: Entry) -> str:
    """The command of a call of the helper, or "" for any other block."""
    command = obj(block.get("input")).get(host.BASH_COMMAND) if block.get("name") == host.BASH else None
    return command if isinstance(command, str) and command.startswith("claudestrator-helper") else ""
