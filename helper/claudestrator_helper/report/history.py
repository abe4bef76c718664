"""What the log says of a run: who worked when, and how that ended. Nothing here raises, whatever the entries hold."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from ..accounts import prices
from ..store import event_lines, run_log
from ..texts import ids
from .model import DONE, DROPPED, FAILED, LOST, REFUSED, Attempt

_ENDS = {"done": DONE, "failed": FAILED, "lost": LOST, "dropped": DROPPED, "refused": REFUSED}
#: The events that end a run; a stopped one may continue.
_OVER = ("finished", "stopped")
#: Characters of a reason that are kept.
_REASON = 1000
_NO_SPAWN = "no spawn was logged"

Entry = dict[str, object]


class History:
    """A run by its log. *attempts* is by id, in the order of the first starts; *began* and *ended* are None where the
    log doesn't say, and *ending* is the sentence that the run ended with; *sessions* are those that had it, *found* the
    issues that it filed, *loop_of* each id's last loop, and *loops* when each loop began."""

    def __init__(self, run: str, entries: Iterable[Entry]) -> None:
        self.run = run
        self.attempts: dict[str, list[Attempt]] = {}
        self.began: int | None = None
        self.ended: int | None = None
        self.last = 0
        self.status = ""
        self.ending = ""
        self.sessions: list[str] = []
        self.found: dict[str, int] = {}
        self.loop_of: dict[str, int] = {}
        self.loops: dict[int, int] = {}
        for entry in entries:
            at = event_lines.seconds(entry.get("time")) if entry.get("run") == run else 0
            if at:
                self._take(entry, str(entry.get("event")), at)

    def _take(self, entry: Entry, event: str, at: int) -> None:
        self.began = at if self.began is None else self.began
        id_ = entry.get("id")
        loop = prices.count(entry.get("loop"))
        if event == "issue" and isinstance(id_, str):
            self.found[id_] = loop
            return
        if event not in (run_log.BEGAN, "spawned", "spawned again", "verdict", *_ENDS, *_OVER):
            # What a person asks for may come after the end.
            return
        self.last, self.ended = at, None
        if event == run_log.BEGAN:
            self.sessions.append(str(entry.get("session")))
        elif event in _OVER:
            self.status, self.ended, self.ending = event, at, _reason(entry)
        elif isinstance(id_, str) and ids.is_id(id_):
            self._agent(entry, event, at, id_)
            if event == "spawned":
                self.loop_of[id_] = loop
                self.loops.setdefault(loop, at)

    def _agent(self, entry: Entry, event: str, at: int, id_: str) -> None:
        known = self.attempts.setdefault(id_, [])
        if event == "spawned":
            if known and known[-1].ended is None:
                # Its session died, and nothing says when.
                known[-1] = replace(known[-1], ended=at, outcome=LOST, reason="its session ended")
            known.append(Attempt(prices.count(entry.get("attempt")), str(entry.get("model"))[:40], at))
        elif event == "verdict" and known:
            verdict = "pass" if entry.get("verdict") == "pass" else "fail"
            known[-1] = replace(known[-1], verdict=verdict, reason=_reason(entry) or known[-1].reason)
        elif event in _ENDS:
            self._end(entry, event, at, known)

    def _end(self, entry: Entry, event: str, at: int, known: list[Attempt]) -> None:
        attempt = entry.get("attempt")
        if not known and attempt is not None:
            known.append(Attempt(prices.count(attempt), str(entry.get("model"))[:40], at, reason=_NO_SPAWN))
        if not known or (attempt is None and event == "failed"):
            # A verdict that fails a task for good is followed by the failure of no attempt.
            return
        cause = str(entry.get("cause") or "")[:40]
        known[-1] = replace(known[-1], ended=at, outcome=_ENDS[event], reason=_reason(entry), cause=cause)

    def settled(self, at_work: Collection[str]) -> None:
        """Ends the attempts of agents that are not *at_work* any more: their session is gone."""
        for id_, known in self.attempts.items():
            if known and known[-1].ended is None and id_ not in at_work:
                until = max(self.last, known[-1].began)
                known[-1] = replace(known[-1], ended=until, outcome=LOST, reason="its session ended")

    def completed(self) -> dict[str, int]:
        """When each id's last attempt ended well, by id."""
        last = {id_: known[-1] for id_, known in self.attempts.items() if known}
        return {id_: each.ended for id_, each in last.items() if each.outcome == DONE and each.ended is not None}

    def ready(self, id_: str, dependencies: Iterable[str]) -> int | None:
        """When nothing but a place was missing for the first attempt of a task: its dependencies were completed, and
        the agent that made the tasks had ended. None if it has had no attempt."""
        if not self.attempts.get(id_):
            return None
        first, ends = self.attempts[id_][0].began, self.completed()
        made = [at for role, at in ends.items() if ids.role(role) in ("decomposition", "decomp") and at <= first]
        loop = self.loops.get(self.loop_of.get(id_, 0), 0)
        met = [ends[other] for other in dependencies if other in ends]
        return min(first, max([self.began or first, loop, *made, *met]))


def runs(entries: Iterable[Entry]) -> list[str]:
    """The runs in the log, in the order of their last beginnings."""
    began = (entry.get("run") for entry in entries if entry.get("event") == run_log.BEGAN)
    named = [run for run in began if isinstance(run, str) and ids.is_id(run)]
    return list(reversed(dict.fromkeys(reversed(named))))


def _reason(entry: Entry) -> str:
    found = entry.get("reason")
    return found[:_REASON] if isinstance(found, str) else ""
