"""What each attempt used and edited, by the transcripts of its agents."""

import os
from collections.abc import Iterable
from dataclasses import replace

from .. import host
from ..accounts import agents as launched
from ..accounts import prices
from ..accounts.prices import Usage
from ..accounts.run_cost import Account
from ..store.paths import Project
from ..system import git_safety
from ..texts import fields
from .model import LOST, Attempt, Change, Cost, Model

#: Files that are named of one task, and characters of a path.
_FILES, _PATH = 200, 300


def total(used: Iterable[Usage]) -> Cost:
    return sum(map(_cost, used), Cost())


def _until_its_last_word(attempt: Attempt) -> Attempt:
    """A lost attempt, of whose end the log knows only that the next one began later, with the time at which its agent
    was last heard of; others as they are."""
    if attempt.outcome != LOST or attempt.ended is None or not attempt.transcript:
        return attempt
    try:
        heard = int(os.stat(attempt.transcript).st_mtime)
    except OSError:
        return attempt
    return replace(attempt, ended=max(attempt.began, min(attempt.ended, heard)))


def _cost(used: Usage) -> Cost:
    written = used.written + used.kept
    return Cost(1, used.input, written, used.read, used.output, prices.dollars(used))


class Spent:
    """The transcripts of a run, by task. Without an *account*, nothing is known."""

    def __init__(self, project: Project, account: Account | None) -> None:
        self.project, self.account = project, account
        self.agents: dict[str, list[launched.Agent]] = {}
        for agent in account.launched if account else ():
            self.agents.setdefault(agent.id, []).append(agent)

    def by_attempt(self, id_: str, attempts: list[Attempt]) -> list[Attempt]:
        """The attempts with their transcripts and what these cost. An agent that names no attempt belongs to the only
        one, or to the last."""
        found = list(attempts)
        for agent in self.agents.get(id_, []):
            of = [at for at, each in enumerate(found) if each.attempt == agent.attempt] or list(range(len(found)))
            if of and agent.answers:
                at = of[-1]
                cost = total(agent.usage) + (found[at].cost or Cost())
                found[at] = replace(found[at], cost=cost, transcript=found[at].transcript or agent.path)
        return [_until_its_last_word(each) for each in found]

    def files(self, id_: str) -> list[Change] | None:
        """The files that the agents of a task edited; None without a transcript."""
        edits: dict[str, tuple[int, int]] = {}
        agents = [agent for agent in self.agents.get(id_, []) if agent.path]
        for agent in agents:
            for path, (added, removed) in agent.edits.items():
                name = self._relative(path)
                before = edits.get(name, (0, 0))
                edits[name] = before[0] + added, before[1] + removed
        known = [Change(path, *counts) for path, counts in sorted(edits.items())]
        return known[:_FILES] if agents else None

    def models(self) -> list[Model]:
        """The totals by model, the most expensive first."""
        costs: dict[str, Cost] = {}
        agents: dict[str, int] = {}
        for agent in self.account.launched if self.account else ():
            for model in {used.model for used in agent.usage if used.total}:
                agents[model] = agents.get(model, 0) + 1
        used = [*self.account.main, *self.account.others] if self.account else []
        for each in used:
            if each.total:
                costs[each.model] = costs.get(each.model, Cost()) + _cost(each)
        found = [Model(name, agents.get(name, 0), cost) for name, cost in costs.items()]
        return sorted(found, key=lambda model: (-(model.cost.dollars or 0), -model.cost.tokens, model.model))

    def missing(self) -> list[str]:
        account = self.account
        counts = {"session": account.gone, "agent": account.lost, "line": account.unreadable} if account else {}
        said = [fields.many(number, name) for name, number in counts.items() if number]
        found = [f"Not counted, because no transcript of it can be read: {', '.join(said)}."] if said else []
        if account and account.whole.compactions:
            found.append(
                "What the requests for summaries cost, when the conversation was compacted, is recorded nowhere."
            )
        return found

    def _relative(self, path: str) -> str:
        root = os.path.realpath(self.project.root)
        path = os.path.normpath(path)
        for base in (self.project.root, root):
            if os.path.isabs(path) and os.path.commonpath([base, path]) == base:
                path = os.path.relpath(path, base)
        return self._in_checkout(path)[:_PATH]

    def _in_checkout(self, path: str) -> str:
        """The path in the project of one in an agent's worktree, which is one of the whole repository; others as they
        are."""
        inside = path.removeprefix(f"{host.WORKTREES}/")
        below = inside.partition("/")[2]
        if inside == path or not below:
            return path
        within = git_safety.top(self.project.root)[1]
        return below.removeprefix(f"{within}/") if within != "." else below
