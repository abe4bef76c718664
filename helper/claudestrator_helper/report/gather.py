"""Gathers the report of a run from its files: state, queue, log, notes, snapshots, transcripts and commits."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..accounts import prices, run_cost
from ..accounts.run_cost import Account
from ..engine import sentences
from ..engine.state import STOPPED, State
from ..errors import ClaudestratorError
from ..store import config_file, files, issue_file, memory, queue_file, run_log, state_file
from ..store.paths import Project
from ..system import processes, worktrees
from ..texts import fields, ids, issues, queue, queue_problems, schedule
from ..texts.queue import Queue, Task
from ..texts.statuses import COMPLETED, FAILED, IN_PROGRESS
from . import costs, loops
from .history import Entry, History
from .model import ELSEWHERE, GATE, REPORTED, VERIFIED, VERSION, Issue, Orchestration, Report, Run, Work

#: Characters of a title, and of the texts on what was asked and built.
TITLE, _TEXT = 500, 1500
#: What a task that the queue no longer has is called.
_GONE = "no longer in the queue"
_SESSION_ENDED = "Its session has ended in the middle of it: `/orchestrate` continues it."


@dataclass(frozen=True)
class _Facts:
    """What only the state knows of its run, and what is as it is now for any run."""

    queue: Queue
    run: Run
    status: str = ""
    session: str = ""
    at_work: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    unverified: Mapping[str, str] = field(default_factory=dict)
    proved: tuple[str, ...] = ()
    commits: Mapping[str, str] = field(default_factory=dict)
    trees: Mapping[str, str] = field(default_factory=dict)


def gather(project: Project, run: str = "", clock: Callable[[], float] = time.time) -> Report:
    """The report of a run that the log has, by default of the last. Raises ClaudestratorError if there is none, and if
    a file can't be read."""
    begun, now = time.perf_counter(), int(clock())
    log = run_log.read(project)
    facts = _facts(project, run)
    history = History(facts.run.id, log)
    if history.began is None:
        raise ClaudestratorError(_no_run(run))
    history.settled(facts.at_work)
    account, unknown = _account(log, facts, history)
    spent = costs.Spent(project, account)
    known = _Known(project, history, facts, spent)
    works = [*map(known.task, _once(facts.queue)), *known.gone(), *known.others()]
    report = Report(
        version=VERSION,
        written=now,
        took=0.0,
        run=_run(project, facts, history),
        works=works,
        loops=loops.closed(project, facts.run.id),
        issues=_issues(project, history, facts.queue),
        models=spent.models(),
        orchestration=_orchestration(account),
        prices=prices.PRICES if account else "",
        missing=[*unknown, *spent.missing()],
    )
    return replace(report, took=round(time.perf_counter() - begun, 3))


def _no_run(run: str) -> str:
    if run:
        return f"the log has no run {run[:60]!r}: `claudestrator-helper report --list` names those that it has"
    return "no run here yet: `/orchestrate` in Claude Code starts one"


def _facts(project: Project, run: str) -> _Facts:
    """Everything that is read of the state. Of an earlier run, only the log and what it left behind tells."""
    current = state_file.read(project)
    name = fields.one_line(os.path.basename(project.root))
    models = config_file.read(project).models
    if run not in ("", current.run):
        parsed = queue.parse(queue_file.text(project), models, current.archive)
        return _Facts(parsed, Run(run, name, "", 0, None))
    parsed = queue_file.read(project, current, models)
    gone = current.unfinished and processes.gone(current.owner.process)
    about = Run(
        *(current.run, name, STOPPED if gone else current.status, 0, None),
        engine=current.engine,
        parallel=current.parallel,
        verify=current.verification.asked,
        loops=current.loop.total,
        loop=current.loop.number,
        focus=fields.cut(current.loop.focus, TITLE),
        ending=_SESSION_ENDED if gone else _ending(project, current, parsed),
    )
    return _Facts(
        parsed,
        about,
        current.status if current.unfinished and not gone else "",
        current.owner.session,
        () if gone else tuple(current.agents),
        tuple(id_ for id_, record in current.tasks.items() if record.unchanged),
        {id_: record.unverified for id_, record in current.tasks.items() if record.unverified is not None},
        tuple(id_ for id_, record in current.tasks.items() if record.is_proved),
        {id_: record.committed for id_, record in current.tasks.items() if record.committed},
        _trees(project, current),
    )


def _trees(project: Project, current: State) -> dict[str, str]:
    """The worktrees of the run's tasks that are there."""
    found = [tree for tree in worktrees.listed(project) if tree.note.run == current.run] if current.worktrees else []
    open_ = [tree for tree in found if not current.record(tree.note.id).committed]
    return {tree.note.id: os.path.relpath(tree.path, project.root) for tree in open_}


def _ending(project: Project, current: State, parsed: Queue) -> str:
    if not current.run or current.unfinished:
        return ""
    if current.loop.total and current.initial_prd_tasks_complete:
        return sentences.loops(current, parsed, issue_file.parsed(project))
    return sentences.ending(parsed, current, queue_problems.unreadable(parsed))


def _run(project: Project, facts: _Facts, history: History) -> Run:
    about = facts.run
    ended = None if facts.status else history.ended or history.last
    return replace(
        about,
        status=about.status or history.status or "ended without a last step",
        began=history.began or 0,
        ended=ended,
        loops=about.loops or max(history.loops, default=0),
        loop=about.loop or max(history.loops, default=0),
        sessions=len(set(history.sessions)),
        asked=_text(project.prd, "", _TEXT),
        # The log's comes first: what a person asks for after the end makes another sentence of the files.
        ending="" if facts.status else history.ending or about.ending,
        built=_cut(memory.summary(project), _TEXT) if about.loops else "",
    )


def _text(path: str, within: str, length: int) -> str:
    """The beginning of a file; "" if it can't be read."""
    try:
        return _cut(files.read(path, within, most=4 * length) or "", length)
    except ClaudestratorError:
        return ""


def _account(log: list[Entry], facts: _Facts, history: History) -> tuple[Account | None, list[str]]:
    attempts = {(id_, each.attempt) for id_, known in history.attempts.items() for each in known}
    try:
        return run_cost.of_run(log, facts.run.id, facts.session, attempts), []
    except ClaudestratorError:
        return None, ["Tokens, cost and files: Claude Code's transcripts of this run are gone (it keeps them 30 days)."]


def _orchestration(account: Account | None) -> Orchestration | None:
    if account is None:
        return None
    whole = account.whole
    cost = costs.total(account.main)
    return Orchestration(whole.opening + whole.entered, whole.turns, whole.reread, whole.compactions, cost)


def _issues(project: Project, history: History, tasks: Queue) -> list[Issue]:
    """The issues that the run filed, and those that its tasks name."""
    of: dict[str, list[str]] = {}
    for task in tasks.tasks:
        if task.id in history.attempts or issues.issue_of(task) in history.found:
            of.setdefault(issues.issue_of(task), []).append(task.id)
    filed = issue_file.parsed(project)
    return [
        Issue(
            issue.id,
            fields.cut(issues.summary(issue), TITLE),
            fields.cut(issues.status(issue), 40),
            issues.priority(issue),
            history.found.get(issue.id, 0),
            of.get(issue.id, []),
        )
        for issue in filed.tasks
        if issue.id in history.found or (issue.id and issue.id in of)
    ]


def _once(parsed: Queue) -> Iterable[Task]:
    """The tasks of the queue; of those with the same id, the first."""
    return (tasks[0] for tasks in parsed.by_id.values())


def _cut(text: str, length: int) -> str:
    return fields.shortened(text.replace("\r\n", "\n").strip("\ufeff \n"), length)


class _Known:
    """What is known of each task and agent."""

    def __init__(self, project: Project, history: History, facts: _Facts, spent: costs.Spent) -> None:
        self.project, self.history, self.facts, self.spent = project, history, facts, spent
        self.causes = schedule.causes(facts.queue)

    def task(self, task: Task) -> Work:
        history, id_ = self.history, task.id
        cause = self.causes.get(id_)
        stuck = cause is not None and cause.kind != schedule.WAITING
        needs = list(task.dependencies)
        found = self._work(id_, fields.cut(task.objective, TITLE), fields.cut(task.status, 40), needs)
        return replace(
            found,
            complexity=fields.cut(task.complexity, 40),
            proof=self._proof(id_, task.status),
            remark=self._remark(id_),
            blocked_by=fields.cut(str(cause), TITLE) if stuck else "",
            issue=issues.issue_of(task),
            ready=history.ready(id_, needs),
            note=self._note(id_),
            commit=fields.one_line(self.facts.commits.get(id_, "")),
            worktree=fields.one_line(self.facts.trees.get(id_, "")),
        )

    def gone(self) -> Iterable[Work]:
        """The tasks that had an agent and that the queue no longer has."""
        for id_ in self.history.attempts:
            if ids.role(id_) == "task" and id_ not in self.facts.queue.by_id:
                done = id_ in self.history.completed()
                work = self._work(id_, _GONE, self._status(id_), [])
                yield replace(work, proof=REPORTED if done else "", note=self._note(id_))

    def others(self) -> Iterable[Work]:
        for id_ in self.history.attempts:
            if ids.role(id_) != "task":
                yield self._work(id_, "", self._status(id_), [])

    def _work(self, id_: str, title: str, status: str, needs: list[str]) -> Work:
        return Work(
            id=id_,
            role=ids.role(id_),
            title=title,
            status=status,
            dependencies=needs,
            loop=self.history.loop_of.get(id_, 0),
            attempts=self.spent.by_attempt(id_, self.history.attempts.get(id_, [])),
            files=self.spent.files(id_) if id_ in self.history.attempts else None,
        )

    def _status(self, id_: str) -> str:
        known = self.history.attempts[id_]
        if known and known[-1].ended is None:
            return IN_PROGRESS
        return COMPLETED if id_ in self.history.completed() else FAILED

    def _proof(self, id_: str, status: str) -> str:
        if status != COMPLETED:
            return ""
        known = self.history.attempts.get(id_)
        if not known or id_ not in self.history.completed():
            return ELSEWHERE
        if known[-1].verdict == "pass":
            return VERIFIED
        return GATE if id_ in self.facts.proved else REPORTED

    def _remark(self, id_: str) -> str:
        said = ["its agent changed nothing"] if id_ in self.facts.unchanged else []
        if id_ in self.facts.unverified:
            why = fields.cut(self.facts.unverified[id_], 200) or "no verdict"
            said.append(f"not verified: {why}")
        return "; ".join(said)

    def _note(self, id_: str) -> str:
        if id_ not in self.history.attempts:
            return ""
        return _text(self.project.note(id_), self.project.bounds, 2000)
