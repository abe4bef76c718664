"""Commits of single tasks, on the run's own branch.

A kill may repeat a commit: one that exists already is recognised by its last line.
"""

import json
import os
import re
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator

from ..engine import markers, sentences, state
from ..store import config_file, files, marker_files, queue_file, run_log, state_file
from ..store.hidden_files import CLOSING_LOCK, DIRTY_BEFORE, START, TAKEN_BACK
from ..store.paths import Project
from ..system import claude_files, gate_process, git, run_branch, run_end, taken_back
from ..system.commit_witness import Repository
from ..system.run_branch import Start
from ..texts import overlap, queue
from ..texts.fields import cut, named

_TITLE, _CRITERIA = 60, 30
#: The events of a completed task that has a commit, and of one that has none.
COMMITTED, UNCOMMITTED = "committed", "uncommitted"
#: Makes the commit of a completed task.
Maker = Callable[[Project, state.State, str], git.Result]
#: The commit of a completed task, if it is made already; "" otherwise.
Finder = Callable[[Project, state.State, str], str]


def begin(project: Project) -> None:
    """Records where the run's branch begins, and which files are dirty there: no commit of the run may include them."""
    start, dirty = run_branch.begun(project) or (None, None)
    START.write(project, json.dumps(start))
    DIRTY_BEFORE.write(project, json.dumps(dirty))
    TAKEN_BACK.remove(project)


def recorded(project: Project, ids: list[str], find: Finder) -> tuple[list[str], list[str]]:
    """Records the commits of these tasks that *find* finds, without waiting for others that commit. Returns lines for
    the person, and the tasks that have none."""
    lines, left = list[str](), list[str]()
    for id_ in ids:
        current = state_file.read(project)
        if found := find(project, current, id_):
            lines += _recorded(project, current, id_, git.Result(commit=found))
        else:
            left.append(id_)
    return lines, left


def commit(project: Project, ids: list[str], patience: float, make: Maker) -> list[str]:
    """Commits these tasks by *make*, one after the other, and records that in the state. Returns lines for the person.

    Raises HeldError if another process has been committing for *patience* seconds.

    """
    lines: list[str] = []
    with files.locked(CLOSING_LOCK.path(project), patience, project.bounds):
        for id_ in ids:
            current = state_file.read(project)
            record = current.record(id_)
            if record.completed is not None and record.committed is None:
                result = make(project, current, id_)
                lines += _recorded(project, current, id_, result)
                if result.final:
                    break
    return lines


def _recorded(project: Project, current: state.State, id_: str, result: git.Result) -> list[str]:
    with files.locked(project.lock, within=project.bounds):
        now = state_file.read(project)
        if (now.run, now.record(id_).completed) == (current.run, current.record(id_).completed):
            if not result.final:
                # The line for the person may be lost with this process, and no other says it again.
                made, why = {"event": COMMITTED, "commit": result.commit}, {"event": UNCOMMITTED, "reason": result.why}
                event: dict[str, object] = {**(made if result.commit else why), "id": id_}
                run_log.append(project, now, [event], time.time())
            # What is final is committed once a person has corrected it.
            after = now._replace(halted=result.why) if result.final else now.recorded(id_, committed=result.commit)
            state_file.write(project, after)
    return _lines(id_, result)


def place(project: Project, current: state.State) -> str:
    """Where the commits of the run are now, in words."""
    branch = f"on {sentences.branch(current)}"
    person = "" if current.unfinished else git.repository_of(project)
    if isinstance(person, str):
        return branch
    made = [record.committed for record in current.tasks.values() if record.committed]
    wanted = [each for each in made if re.fullmatch("[0-9a-f]{40,64}", each)]
    missing = person.call("rev-list", "--count", "--stdin", text="\n".join([*wanted, "^HEAD"]) + "\n")
    if wanted == made and missing.text.strip() == "0":
        return "in what is checked out"
    return branch if run_branch.tip(person, current.run) else f"{branch}, which is gone"


def bring_home(project: Project) -> str:
    """Makes the run's branch and the person's index ready for `git merge --ff-only`; see run_end.stage."""
    start = start_of(project)
    return run_end.stage(project, start.branch if start else "")


def for_claude(project: Project, current: state.State) -> str:
    """What a person has to know of the run's commits before they take them over: files that Claude Code obeys."""
    person, start = git.repository_of(project), start_of(project)
    if isinstance(person, str) or not (start and start.commit):
        return ""
    folder = os.path.relpath(os.path.realpath(project.state), person.root)
    words = [
        "diff",
        "-z",
        "--name-only",
        "--no-ext-diff",
        "--no-textconv",
        f"{start.commit}...{sentences.branch(current)}",
    ]
    found = [each for each in person.call(*words, "--", f":(literal){folder}").text.split("\0") if each]
    names = named([cut(each, 60) for each in found], len(found))
    return f"Claude Code will obey {names}, so look at {'that' if len(found) == 1 else 'those'} first." if found else ""


def repository(project: Project, run: str) -> Repository | str:
    """The repository in which the run's branch is checked out, or why there is none."""
    start, person = start_of(project), git.repository_of(project)
    if start is None or isinstance(person, str):
        return person if isinstance(person, str) else "what was checked out before the run is not known"
    return run_branch.opened(project, run, known(person, state_file.read(project), start))


def known(person: Repository, current: state.State, start: Start, more: Iterable[str] = ()) -> Start:
    """*start*; for a branch that was deleted while its run is at work, at the last commit that the run is known to have
    made, of those that are recorded and of *more*."""
    last = start.commit
    if run_branch.tip(person, current.run):
        return start
    for each in filter(None, (*(record.committed for record in current.tasks.values()), *more)):
        if not last or not person.call("merge-base", "--is-ancestor", last, each).code:
            last = each
    return start._replace(commit=last)


def left_out(project: Project, ours: Repository, id_: str = "") -> dict[str, str] | None:
    """The paths that a commit of that task, or of any, must not hold, and why; None if it is not known what was dirty
    before."""
    before = noted(project)
    if before is None:
        return None
    known = _listed(TAKEN_BACK.read(project)) or []
    back = taken_back.paths(project, ours, marker_files.left_at(project, id_, markers.STARTED), known)
    if back != known:
        TAKEN_BACK.write(project, json.dumps(back))
    own = [*before, *run_branch.committed_elsewhere(ours)]
    return dict.fromkeys(back, taken_back.WHY) | dict.fromkeys(own, git.BEFORE)


def noted(project: Project) -> list[str] | None:
    """What was dirty before the run; None if that is not known."""
    return _listed(DIRTY_BEFORE.read(project))


def _listed(text: str) -> list[str] | None:
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    return [str(path) for path in found] if isinstance(found, list) else None


def is_own(project: Project, place: Repository, path: str) -> bool:
    """Whether that changed path is one of the run's own files."""
    return f"{os.path.join(place.root, path)}/".startswith(f"{os.path.realpath(project.state)}/")


def _others(
    project: Project, ours: Repository, current: state.State, id_: str, changed: Iterable[str]
) -> Iterator[str]:
    """Those of the *changed* paths that are of other tasks that are at work or have no commit yet."""
    parsed = queue.parse(queue_file.text(project))
    waiting = [each for each in current.completed if each != id_ and current.record(each).committed is None]
    others = [*current.agents, *waiting]
    at_work = [overlap.places(parsed.by_id[each][0].files) for each in others if each in parsed.by_id]
    for path in changed:
        inside = os.path.relpath(os.path.join(ours.root, path), project.root)
        if any(overlap.meet(overlap.places([inside]), places) for places in at_work if places):
            yield path


def in_place(project: Project, current: state.State, id_: str) -> git.Result:
    """A Maker: commits what has changed in the working tree since the last commit."""
    ours = repository(project, current.run)
    if isinstance(ours, str):
        return git.Result(why=ours)
    if found := _last(project, current, id_, ours):
        return git.Result(commit=found)
    left = left_out(project, ours, id_)
    if left is None:
        return git.Result(why="what was dirty before the run is not known")
    attempt = current.record(id_).completed or 0
    changes = git.changes_in(ours)
    if isinstance(changes, str):
        return git.Result(why=changes)
    left |= dict.fromkeys(_others(project, ours, current, id_, changes), git.BEFORE)
    folder = os.path.relpath(os.path.realpath(project.state), ours.root)
    left = claude_files.left_out(ours.root, folder, changes, git.BEFORE) | left
    # What is written from now on, as by an agent that reports, was not looked at.
    result = git.commit(project, left, message(project, current, id_, attempt), ours, changes)
    if not result.commit and (found := _last(project, current, id_, ours)):
        # The git of a killed helper has finished in the meantime.
        result = result._replace(commit=found, why="", final=False)
    elif result.why == git.NOTHING and not run_branch.committed_elsewhere(ours).isdisjoint(changes):
        # An agent may have done that.
        result = result._replace(why="what has changed was committed on your own branch")
    return result


def _last(project: Project, current: state.State, id_: str, ours: Repository) -> str:
    """The last commit's id if it is that of this attempt, otherwise ""; a hook may have added lines to its message."""
    commit_id, said = git.last_message(project, ours)
    return commit_id if mark(current, id_, current.record(id_).completed or 0) in said.split("\n") else ""


def message(project: Project, current: state.State, id_: str, attempt: int) -> str:
    parsed = queue.parse(queue_file.text(project))
    task = parsed.by_id[id_][0] if id_ in parsed.by_id else None
    objective = task.objective if task else "no longer in the queue"
    criteria = [_wrapped(cut(each, 200)) for each in task.criteria[:_CRITERIA]] if task else []
    record = gate_process.read(project, id_)
    outcomes = record.outcomes if record and record.key.split()[:1] == [current.run] else []
    gate = [f"Gate: `{cut(each.command, 80)}`: {f'exit {each.code}' if each.code else 'green'}" for each in outcomes]
    body = "\n\n".join("\n".join(part) for part in (criteria, gate) if part)
    trailers = f"Claudestrator-Task: {id_}\n{mark(current, id_, attempt)}"
    subject = filled(config_file.read(project).commit_subject, id_, objective)
    return "\n\n".join(part for part in (subject, body, trailers) if part)


def filled(form: str, id_: str, objective: str) -> str:
    """The subject of a commit in the *form* of the configuration."""
    title = cut(objective, _TITLE).removesuffix(".")
    # The first word may be one that is always written so, such as JSON.
    small = title[:1].lower() + title[1:] if title[1:2].islower() or title[1:2] == " " else title
    values = {"id": id_, "objective": title, "uncapitalized": small}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], form)


def _wrapped(text: str) -> str:
    # Rules for messages allow lines of 100 characters, and git's own advice is 72.
    return textwrap.fill(f"- {text}", 72, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def mark(current: state.State, id_: str, attempt: int) -> str:
    return f"Claudestrator-Run: {current.run}/{id_}/{attempt}"


def _lines(id_: str, result: git.Result) -> list[str]:
    lines = [f"commit {result.commit[:7]} {id_}" if result.commit else f"no commit of {id_}: {cut(result.why)}"]
    left = [f"{cut(path, 60)} ({why})" for path, why in result.left.items() if why != git.BEFORE]
    lines += [f"left out of the commit: {named(left, len(left))}"] if left else []
    return lines + ([result.missing] if result.missing else [])


def start_of(project: Project) -> Start | None:
    try:
        commit_id, branch = json.loads(START.read(project) or "null")
    except (ValueError, TypeError):
        return None
    # git gets it as a word, and the file may have come with someone else's repository.
    return Start(commit_id, str(branch)) if re.fullmatch("(?:[0-9a-f]{40,64})?", str(commit_id)) else None
