"""The verb `status`: a run's progress. Without click, because people call it again and again."""

import json
import os
import time
from collections import Counter

from .. import output
from ..accounts import estimate, progress
from ..engine import sentences, state
from ..engine.config import TASK
from ..errors import ClaudestratorError
from ..store import files, issue_file, paths, project_files
from ..store.paths import Project
from ..system import processes
from ..texts import issues, queue_problems, schedule
from ..texts.fields import LINE, LINES, cut, few, many, named, one_line
from . import arguments, proofs


def main(folder: str | None, words: list[str]) -> int:
    """Runs the verb and returns its exit code. Raises ClaudestratorError for unknown words and as `status` does."""
    arguments.refuse_others("status", words, "--json", "--watch")
    project = paths.project(folder)
    if "--watch" in words:
        from .watch import watch

        watch(project)
    elif "--json" in words:
        output.echo([output.as_json_line(as_object(project))])
    else:
        output.echo(status(project))
    return 0


def status(project: Project, now: float | None = None) -> list[str]:
    """A run's progress as lines: bar and counts, phase, times, agents at work, failures and what is blocked.

    Raises ClaudestratorError if the state, the queue or the log can't be read.

    """
    at = int(time.time() if now is None else now)
    found = proofs.read(project, at)
    current = found.state
    lines = [found.bar, f"run: {_run(found, at)}", *_times(found)]
    lines += few([f"{_at_work(found)}: {_agent(each)}" for each in found.at_work])
    lines += [*few([f"gate: {proofs.gate(each)}" for each in found.gates]), *_proofs(found)]
    lines += [*_commits(project, current), *_verification(current)]
    lines += [*_loops(project, current), *_issues(project)]
    lines += few([f"failed: {id_}  {cut(reason)}" for id_, reason in current.failed.items()])
    lines += few([f"blocked: {id_}  {_by(cause)}" for id_, cause in found.blocked.items()])
    lines += [] if current.unfinished or not current.run else _context(project)
    wrong = len(queue_problems.problems(found.queue))
    if wrong:
        lines.append(
            f"queue: {many(wrong, 'problem')}, `claudestrator-helper check` names {'it' if wrong == 1 else 'them'}"
        )
    return lines


def as_object(project: Project, now: float | None = None) -> dict[str, object]:
    """A run's progress as JSON values, described in docs/watching.md. Raises as `status` does."""
    at = time.time() if now is None else now
    found = proofs.read(project, at)
    current = found.state
    blocked = [{"id": id_, "kind": why.kind, "by": why.culprit, "why": why.why} for id_, why in found.blocked.items()]
    return {
        "version": 1,
        "run": current.run or None,
        "status": current.status or None,
        "phase": current.phase or None,
        "loop": current.loop.number,
        "loops": current.loop.total,
        "engine": current.engine,
        "parallel": current.parallel,
        "heard": current.owner.heartbeat,
        "alive": processes.alive(current.owner.process) if current.owner.process and current.unfinished else None,
        "seconds": found.seconds,
        "left": found.left._asdict() if found.left else None,
        "tasks": {"total": len(found.queue.tasks), **found.counts},
        "agents": [agent._asdict() for agent in found.at_work],
        "branch": sentences.branch(current) if _count(current) else None,
        "commits": _count(current),
        "gates": [each._asdict() for each in found.gates],
        "proofs": found.proofs or None,
        "failed": [{"id": id_, "reason": reason} for id_, reason in current.failed.items()],
        "blocked": blocked,
        "problems": len(queue_problems.problems(found.queue)),
    }


def _count(current: state.State) -> int:
    """How many tasks have a commit on the run's branch."""
    return sum(bool(record.committed) for record in current.tasks.values())


def _commits(project: Project, current: state.State) -> list[str]:
    count = _count(current)
    if not count:
        return []
    # Most runs have none, and what runs git takes longer to import than the rest.
    from ..run import task_commits

    # The state may have come with someone's repository.
    return [one_line(f"committed: {many(count, 'task')}, {task_commits.place(project, current)}")]


def _proofs(found: progress.Progress) -> list[str]:
    # Of a verification there is a line of its own.
    said = proofs.counted(found) if sentences.is_gated(found.queue, found.state) else ""
    return [f"proved: {said}"] if said else []


def _times(found: progress.Progress) -> list[str]:
    if found.seconds is None:
        return []
    left = f" so far, {found.left} left" if found.left else " so far" if found.state.unfinished else ""
    return [f"time: {estimate.exact(found.seconds)}{left}"]


def _at_work(found: progress.Progress) -> str:
    if found.gone:
        return "at work when its session ended"
    # No one waits for the agents of a run that was stopped, and so no one knows when they end.
    return "running" if found.state.unfinished else "at work when it was stopped"


def _agent(agent: progress.AtWork) -> str:
    usual = f", usually {estimate.rounded(agent.usual)}" if agent.usual else ""
    waits = "" if agent.started else ", not started yet"
    waits += f", in {cut(agent.worktree, 120)}" if agent.worktree else ""
    what = f": {cut(agent.objective, 80)}" if agent.objective else ""
    return f"{agent.id}  {agent.model}, attempt {agent.attempt}, {estimate.exact(agent.seconds)}{usual}{waits}{what}"


def _by(cause: schedule.Cause) -> str:
    return f"in the {cause}" if cause.kind == schedule.CYCLE else f"by {cut(cause.culprit)} ({cut(cause.why)})"


def _run(found: progress.Progress, at: int) -> str:
    current = found.state
    if not current.run:
        return "none yet, `/orchestrate` in Claude Code starts one"
    where = [f"{current.status} ({current.run})"]
    if current.loop.total:
        where.append(f"loop {current.loop.number} of {current.loop.total}")
    where += [current.phase] if current.phase else []
    if current.unfinished:
        where += [f"{current.engine} engine"] if current.engine != TASK else []
        where += [f"up to {current.parallel} tasks at a time"] if current.parallel > 1 else []
        where += ["stops once those at work have reported"] if current.halted else []
    heard = max(0, at - current.owner.heartbeat)
    if found.gone:
        where.append("its session has ended: `/orchestrate` continues it")
    elif current.unfinished and heard > 60 and not processes.alive(current.owner.process):
        where.append(f"its session was last heard of {estimate.exact(heard)} ago: `/orchestrate` continues it")
    why = f"; {cut(current.halted, LINE)}" if current.halted else ""
    # The state may have come with someone's repository.
    return one_line(", ".join(where) + why)


def _verification(current: state.State) -> list[str]:
    if not current.verification.asked:
        return []
    passed = sum(map(current.is_verified, current.completed))
    checking, records = current.verification.checking, current.tasks.items()
    under = f", under check: {named(checking, len(checking))}" if checking else ""
    back = [
        f"returned: {id_}  {cut(record.returned)}"
        for id_, record in records
        if record.returned is not None and record.failed is None
    ]
    left = [
        f"not verified: {id_}  {cut(record.unverified)}" for id_, record in records if record.unverified is not None
    ]
    return [
        f"verification: {passed} of {len(current.completed)} tasks of this run verified{under}",
        *few(back),
        *few(left),
    ]


def _loops(project: Project, current: state.State) -> list[str]:
    """One line for each loop of this run that has been closed."""
    numbers = (name[5:-5] for name in files.names(project.snapshots) if len(name) < 20 and name.isascii())
    closed = sorted(number for number in map(int, filter(str.isdigit, numbers)) if number <= current.loop.number)
    # Of a long run, the last loops say enough.
    more = [f"loops before: {len(closed) - LINES:,}, in {project.snapshots}"] if len(closed) > LINES else []
    return more + list(filter(None, (_loop(project, number, current.run) for number in closed[-LINES:])))


def _loop(project: Project, number: int, run: str) -> str:
    """One line from a loop's snapshot; "" without a snapshot that the helper wrote for *run*."""
    try:
        path = os.path.join(project.snapshots, f"loop-{number}.json")
        snapshot = json.loads(project_files.text(project, path) or "{}")
        count = Counter(str(task["status"]) for task in snapshot["tasks"])
        did = ", ".join(f"{number} {word}" for word, number in count.items()) or "no tasks"
        why = f" ({cut(str(snapshot['no_commit_because']), 60)})" if snapshot.get("no_commit_because") else ""
        commit = str(snapshot["commit"])[:9] if snapshot["commit"] else f"no commit{why}"
        found, closed = (len(snapshot["issues"][kind]) for kind in ("found", "closed"))
        line = f"loop {number}: {commit}, tasks: {did}; issues: {found} found, {closed} closed"
        return cut(line, 200) if snapshot["run"] == run else ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""


def _context(project: Project) -> list[str]:
    """What the run cost the orchestrator's context; empty if its transcripts are gone."""
    from ..accounts import report, run_cost

    try:
        return [report.in_short(run_cost.of_project(project, with_agents=False))]
    except ClaudestratorError:
        return []


def _issues(project: Project) -> list[str]:
    filed = issue_file.parsed(project)
    count = Counter(issues.status(issue) for issue in filed.tasks)
    words = (f"{number} {cut(word, 20)}" for word, number in count.most_common())
    return [f"issues: {named(words, len(count))}"] if count else []
