"""The verb `status`: a run's progress, for people."""

import json
import os
import time
from collections import Counter

import click

from .. import output
from ..engine import sentences, state
from ..engine.config import TASK
from ..errors import ClaudestratorError
from ..store import files, marker_files, paths, queue_file, state_file
from ..store.paths import Project
from ..system import processes
from ..texts import issues, queue, queue_problems
from ..texts.fields import LINES, cut, few, named, one_line


def status(project: Project, now: float | None = None) -> list[str]:
    """A run's progress as lines: bar and counts, phase, agents at work with their time, failures with reasons.

    Raises ClaudestratorError if the state or the queue can't be read.

    """
    current, parsed = state_file.read(project), queue_file.parsed(project)
    at = int(time.time() if now is None else now)
    lines = [sentences.bar(task.status for task in parsed.tasks), f"run: {_run(current, at)}"]
    running = []
    for id_, agent in current.agents.items():
        text = f"{id_}  {agent.model}, attempt {agent.attempt}, {_elapsed(at - agent.claimed)}"
        running.append(f"running: {text}{'' if _started(project, id_, agent) else ', not started yet'}")
    lines += [*few(running), *_verification(current), *_loops(project, current), *_issues(project)]
    lines += few([f"failed: {id_}  {cut(reason)}" for id_, reason in current.failed.items()])
    lines += [] if current.unfinished or not current.run else _context(project)
    wrong = len(queue_problems.problems(parsed))
    if wrong:
        lines.append(f"queue: {wrong} problems, `claudestrator-helper check` names them")
    return lines


def _run(current: state.State, at: int) -> str:
    if not current.run:
        return "none yet, `/orchestrate` in Claude Code starts one"
    where = [f"{current.status} ({current.run})"]
    if current.loops:
        where.append(f"loop {current.loop} of {current.loops}")
    where += [current.phase] if current.phase else []
    if current.unfinished:
        where += [f"{current.engine} engine"] if current.engine != TASK else []
        where += [f"up to {current.parallel} tasks at a time"] if current.parallel > 1 else []
    heard = max(0, at - current.heartbeat)
    if current.unfinished and heard > 60 and not processes.alive(current.process):
        where.append(f"its session was last heard of {_elapsed(heard)} ago: `/orchestrate` continues it")
    # The state may have come with someone's repository.
    return one_line(", ".join(where))


def _verification(current: state.State) -> list[str]:
    if not current.verify:
        return []
    passed = sum(map(current.is_verified, current.completed))
    checking = current.verifying
    under = f", under check: {named(checking, len(checking))}" if checking else ""
    back = [f"returned: {id_}  {cut(why)}" for id_, why in current.returned.items() if id_ not in current.failed]
    left = [f"not verified: {id_}  {cut(why)}" for id_, why in current.unverified.items()]
    return [
        f"verification: {passed} of {len(current.completed)} tasks of this run verified{under}",
        *few(back),
        *few(left),
    ]


def _loops(project: Project, current: state.State) -> list[str]:
    """One line for each loop of this run that has been closed."""
    try:
        numbers = (name[5:-5] for name in os.listdir(project.snapshots) if len(name) < 20 and name.isascii())
    except OSError:
        return []
    closed = sorted(number for number in map(int, filter(str.isdigit, numbers)) if number <= current.loop)
    # Of a long run, the last loops say enough.
    more = [f"loops before: {len(closed) - LINES:,}, in {project.snapshots}"] if len(closed) > LINES else []
    return more + list(filter(None, (_loop(project, number, current.run) for number in closed[-LINES:])))


def _loop(project: Project, number: int, run: str) -> str:
    """One line from a loop's snapshot; "" without a snapshot that the helper wrote for *run*."""
    try:
        path = os.path.join(project.snapshots, f"loop-{number}.json")
        snapshot = json.loads(files.read(path, project.bounds) or "{}")
        count = Counter(str(task["status"]) for task in snapshot["tasks"])
        did = ", ".join(f"{number} {word}" for word, number in count.items()) or "no tasks"
        commit = str(snapshot["commit"] or "no commit")[:9]
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
    filed = queue.parse(files.read(project.issues, project.bounds) or "")
    count = Counter(issues.status(issue) for issue in filed.tasks)
    words = (f"{number} {cut(word, 20)}" for word, number in count.most_common())
    return [f"issues: {named(words, len(count))}"] if count else []


def _started(project: Project, id_: str, agent: state.Agent) -> bool:
    return marker_files.read(project, {id_: agent.attempt}).started.get(id_, -1) in (None, agent.attempt)


def _elapsed(seconds: int) -> str:
    minutes, seconds = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@click.command("status")
@click.pass_obj
def status_verb(project: paths.Project) -> None:
    """Show the run's progress."""
    output.echo(status(project))
