"""Every verb that writes, each in a project in which it has something to do, and the rest of the run after it."""

import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import faults
import running
from claudestrator_helper.agents import reports, verdicts
from claudestrator_helper.commands import add_tasks
from claudestrator_helper.commands import issues as issue_verbs
from claudestrator_helper.engine import markers, state
from claudestrator_helper.engine.gates import Gates
from claudestrator_helper.run import steering
from claudestrator_helper.store import files, leftovers, marker_files, paths, run_log, state_file
from claudestrator_helper.system import consent, gate_process, processes, working_tree
from claudestrator_helper.texts import ids, issues
from claudestrator_helper.texts import queue as q
from queues import queue, task
from running import Result, helper
from states import state_of

SUMMARY = "the door does not shut"
ISSUE = f"### New issue\n\n**Summary:** {SUMMARY}\n\n**Acceptance Criteria:**\n- it shuts\n\n---\n\n"
NOTE = "There is a door in src/door.py."
MEMORY = "# Summary\nA door was built.\n\n# Gotchas\n- it opens inwards\n"
ONE, TWO = queue(task("TASK-1")), queue(task("TASK-1"), task("TASK-2", dependencies="TASK-1"))
MORE = task("TASK-3") + task("TASK-4", dependencies="TASK-3")
#: What Claude Code tells the hook of an agent that ends without a report, having been asked for one.
SILENT = {
    "hook_event_name": "SubagentStop", "session_id": "s1", "stop_hook_active": True, "agent_id": "a1",
    "background_tasks": [{"id": "a1", "description": "TASK-1"}],
}  # fmt: skip


# How a project comes to be


def fresh(project: paths.Project, text: str = TWO) -> None:
    files.write(project.queue, text)


def asked_for(project: paths.Project) -> None:
    files.write(project.prd, "# Build a door\n")


def claimed(project: paths.Project, text: str = TWO) -> None:
    fresh(project, text)
    running.start(project, "s1", [])


def at_work(project: paths.Project, text: str = TWO) -> None:
    claimed(project, text)
    reports.begin(project, "TASK-1")


def paused(project: paths.Project) -> None:
    at_work(project)
    steering.pause(project)


def done(project: paths.Project, text: str = TWO) -> None:
    at_work(project, text)
    reports.done(project, "TASK-1", 1, NOTE)


def failed(project: paths.Project, attempts: int) -> None:
    at_work(project)
    reports.fail(project, "TASK-1", 1, "reason 1")
    for attempt in range(2, attempts + 1):
        running.wait_for_step(project)
        reports.begin(project, "TASK-1")
        reports.fail(project, "TASK-1", attempt, f"reason {attempt}")


def late(project: paths.Project) -> None:
    """A task that ran out of time, whose agent has reported all the same, while another one is under way."""
    at_work(project, queue(task("TASK-1"), task("TASK-2")))
    hours = time.time() + 7200
    for now in range(int(time.time()), int(hours), 45):
        lines = running.wait_for_step(project, now=lambda: now)  # noqa: B023
        if lines[-1].startswith("SPAWN TASK-2"):
            break
    reports.done(project, "TASK-1", 1, "")
    reports.begin(project, "TASK-2")


def in_repository(project: paths.Project) -> None:
    fresh(project, queue(task("TASK-0", status="completed")))
    state_file.write(project, state_of(initial_prd_tasks_complete=True))
    command(project, "init", "-q", "--template=")
    Path(project.root, "mine.txt").write_text("mine\n", encoding="utf-8")
    command(project, "add", "-A")
    command(project, "commit", "-qm", "Begin")
    Path(project.root, "mine.txt").write_text("mine, unfinished\n", encoding="utf-8")


def in_loop(project: paths.Project, until: str, *, begun: bool = False) -> None:
    """A loop in which *until* is the agent that reported last, or that has *begun*."""
    in_repository(project)
    lines = running.start(project, "s1", ["1"])
    while lines[-1].split()[1] != until:
        work(project, lines[-1].split()[1])
        lines = running.wait_for_step(project)
    if begun:
        reports.begin(project, until)
    else:
        work(project, until)


def proven(project: paths.Project) -> None:
    """A task whose gate has just been green, and whose agent has not asked for its result yet."""
    Path(project.root, ".claudestrator").mkdir()
    Path(project.config).write_text('[gate]\ncommands = ["true"]\n', encoding="utf-8")
    consent.write(project, Gates(["true"], {}))
    fresh(project)
    running.start(project, "s1", [])
    running.wait_for_step(project, "s1", 20)
    reports.begin(project, "TASK-1")
    green = [gate_process.Outcome("true", 0, 0, [])]
    key = f"{state_file.read(project).run} 1"
    tree = working_tree.print_of_files(project)
    gate_process.write(project, "TASK-1", gate_process.Record(key, ["true"], over=True, tree=tree, outcomes=green))


def verifying(project: paths.Project, verdict: str = "") -> None:
    fresh(project, ONE)
    running.start(project, "s1", ["--verify"])
    work(project, "TASK-1")
    running.wait_for_step(project)
    reports.begin(project, "verify-0")
    if verdict:
        verdicts.give(project, "TASK-1", verdict, 1, "there is no door" if verdict == "fail" else "")
        reports.done(project, "verify-0", 1, "")


def command(project: paths.Project, *words: str) -> str:
    git_ = ["git", "-c", "init.defaultBranch=main", *words]
    return subprocess.run(git_, cwd=project.root, check=True, capture_output=True, text=True).stdout


# The verbs


class Verb(NamedTuple):
    """Its project, its words, who calls it, what the tasks come to that don't end as completed, and who is asked for
    again although they have finished."""

    prepare: Callable[[paths.Project], None]
    words: tuple[str, ...]
    stdin: str = ""
    caller: str = "orchestrator"
    ends: Mapping[str, str] = {}
    again: Collection[str] = ()


WAIT = ("wait", "--max", "0")
AGENT, PERSON = "agent", "person"
VERBS = {
    "start": Verb(fresh, ("start", "--session", "s1")),
    "start from a PRD": Verb(asked_for, ("start", "--session", "s1")),
    "start of loops": Verb(in_repository, ("start", "--session", "s1", "1")),
    "start that takes a run over": Verb(at_work, ("start", "--session", "s2", "--takeover")),
    "start that finds a report": Verb(done, ("start", "--session", "s2", "--takeover")),
    "wait that spawns the next": Verb(done, WAIT),
    "wait that tries again": Verb(partial(failed, attempts=1), WAIT),
    "wait that gives up": Verb(partial(failed, attempts=2), WAIT, ends={"TASK-1": "failed", "TASK-2": "pending"}),
    "wait that ends the run": Verb(partial(done, text=ONE), WAIT),
    "wait that takes a late report": Verb(late, WAIT),
    "wait that ends research": Verb(partial(in_loop, until="research-1"), WAIT),
    "wait that ends a decomposition": Verb(partial(in_loop, until="decomp-1"), WAIT),
    "wait that closes a loop": Verb(partial(in_loop, until="TASK-101"), WAIT),
    "wait that ends the loops": Verb(partial(in_loop, until="memory-1"), WAIT),
    "wait that takes a verdict": Verb(partial(verifying, verdict="pass"), WAIT),
    "wait that returns a task": Verb(partial(verifying, verdict="fail"), WAIT, again=("TASK-1", "verify-0")),
    "verdict": Verb(verifying, ("verdict", "TASK-1", "pass", "--attempt", "1"), "", AGENT),
    "prompt": Verb(claimed, ("prompt", "TASK-1"), "", AGENT),
    "done": Verb(at_work, ("done", "TASK-1", "--attempt", "1", "-"), NOTE, AGENT),
    "done after its gate": Verb(proven, ("done", "TASK-1", "--attempt", "1", "-"), NOTE, AGENT),
    "fail": Verb(at_work, ("fail", "TASK-1", "--attempt", "1", "it broke"), "", AGENT),
    "hook": Verb(at_work, ("hook",), json.dumps(SILENT), AGENT),
    "remember": Verb(partial(in_loop, until="memory-1", begun=True), ("remember", "-"), MEMORY, AGENT),
    "add-tasks": Verb(at_work, ("add-tasks", "-"), MORE, PERSON),
    "add-issue": Verb(at_work, ("add-issue", "-"), ISSUE, PERSON),
    "set-status": Verb(at_work, ("set-status", "TASK-2", "completed"), "", PERSON),
    "set-status of a finished task": Verb(done, ("set-status", "TASK-2", "failed"), "", PERSON, {"TASK-2": "failed"}),
    "state": Verb(at_work, ("state", "mine", "7"), "", PERSON),
    "resume": Verb(paused, ("resume",), "", PERSON),
    "stop": Verb(at_work, ("stop",), "", PERSON),
}


class Scene:
    """A verb, its project as it is before, and a folder for copies of that."""

    def __init__(self, name: str, folder: Path) -> None:
        self.verb, self.folder = VERBS[name], folder
        self.copies = itertools.count()
        (folder / "before" / ".claude").mkdir(parents=True)
        self.before = paths.project(str(folder / "before"))
        self.verb.prepare(self.before)

    def copy(self) -> paths.Project:
        """The project at another place, as if it had been moved there."""
        place = self.folder / f"{next(self.copies)}"
        shutil.copytree(self.before.root, place, symlinks=True)
        if allowed := consent.read(self.before):
            consent.write(paths.project(str(place)), allowed)
        return paths.project(str(place))

    def call(self, project: paths.Project, first: Callable[[], object] | None = None) -> Result:
        return helper(*self.verb.words, folder=project.root, stdin=self.verb.stdin.encode(), first=first)

    def calls(self, names: tuple[str, ...]) -> list[str]:
        """The names of the calls that the verb makes, in their order."""
        path = self.folder / "calls"
        path.unlink(missing_ok=True)
        # Made once for all projects of a person, so by the first call only.
        processes.key()
        result = self.call(self.copy(), partial(faults.record, names, path))
        assert result.code == 0, result
        return path.read_text().split()


# The rest of the run


def work(project: paths.Project, id_: str) -> None:
    """All that the agent of that id does."""
    reports.begin(project, id_)
    attempt = state_file.read(project).agents[id_].attempt
    role = ids.role(id_)
    if role == "task":
        Path(project.root, f"{id_}.txt").write_text(f"{id_}\n", encoding="utf-8")
    elif role == "verify":
        for each in state_file.read(project).verification.checking:
            verdicts.give(project, each, "pass", attempt, "")
    elif role == "research":
        issue_verbs.add_issues(project, ISSUE, "")
    elif role == "memory":
        issue_verbs.remember(project, MEMORY)
    elif role == "decomp":
        pending = issues.open_issues(q.parse(text_of(project.issues)))
        if "TASK-101" not in statuses(project):
            add_tasks.add_tasks(
                project, "".join(task("TASK-101", extra=f"**Issue:** {each.id}\n\n") for each in pending)
            )
    elif not statuses(project):
        add_tasks.add_tasks(project, TWO)
    reports.done(project, id_, attempt, "")


class Rest:
    """The rest of a run, in which everybody does what they are told, and which tells what was asked for twice."""

    def __init__(self, project: paths.Project, again: Collection[str]) -> None:
        self.project, self.clock = project, int(time.time())
        self.worked: list[tuple[str, int]] = []
        # What nobody may be asked for again.
        self.finished = {id_ for id_, status in statuses(project).items() if status == "completed"}
        self.finished |= {id_ for id_, agent in self.agents().items() if self.reported(id_, agent) == markers.DONE}
        self.finished -= set(again)

    def agents(self) -> dict[str, state.Agent]:
        return state_file.read(self.project).agents

    def reported(self, id_: str, agent: state.Agent) -> str:
        found = marker_files.report_of(self.project, id_, agent.attempt)
        return found.kind if found else ""

    def obey(self, lines: list[str]) -> None:
        for _ in range(60):
            for line in lines:
                if line.startswith("SPAWN "):
                    self.spawned(line.split()[1])
            if not lines[-1].startswith("STOP"):
                lines = self.wait()
            elif "as asked" in lines[-1]:
                lines = running.start(self.project, "s1", [], lambda: self.clock)
            else:
                return
        raise AssertionError(lines)

    def wait(self) -> list[str]:
        for id_, agent in self.agents().items():
            if marker_files.begun(self.project, id_, agent.attempt) is not None and not self.reported(id_, agent):
                # It was at work all the time, and knows nothing of what the helper went through.
                self.spawned(id_)
        self.clock += 50
        return running.wait_for_step(self.project, now=lambda: self.clock)

    def spawned(self, id_: str) -> None:
        attempt = self.agents()[id_].attempt
        assert id_ not in self.finished, f"{id_} was finished, and is asked for again"
        assert (id_, attempt) not in self.worked, f"attempt {attempt} of {id_} is asked for twice"
        self.worked.append((id_, attempt))
        work(self.project, id_)


def carry_on(scene: Scene, project: paths.Project, *, dead: bool) -> None:
    """Takes the run to its end: in its own session, or in another one where that is *dead*, and its agents with it."""
    verb, lines = scene.verb, ["WAIT"]
    rest = Rest(project, verb.again)
    if not dead or verb.caller == PERSON:
        # Whoever called, calls again.
        again = scene.call(project)
        landed = again.code == 1 and "used more than once" in again.stderr
        assert again.code == 0 or landed, again
        if verb.caller == "orchestrator":
            lines = again.stdout.splitlines()
    if dead:
        words = ["1"] if "1" in verb.words and not os.path.exists(project.session) else []
        lines = running.start(project, "s3", [*words, "--takeover"], lambda: rest.clock)
    rest.obey(lines)
    whole(scene, project)
    if verb.caller != AGENT or not dead:
        happened(verb, project)


def whole(scene: Scene, project: paths.Project) -> None:
    """Raises AssertionError where something is lost, half there, or there twice."""
    found = statuses(project)
    assert found == {**dict.fromkeys(found, "completed"), **scene.verb.ends}
    added = q.parse(MORE if scene.verb.words[0] == "add-tasks" else "").ids
    sections = bare(text_of(project.queue))
    assert sections.startswith(bare(text_of(scene.before.queue)))
    assert set(added) <= set(found)
    assert len(found) == sections.count("\n### ")
    for kind in ("spawned", "done"):
        named = Counter((entry.get("id"), entry.get("attempt")) for entry in log(project) if entry["event"] == kind)
        assert not named or max(named.values()) == 1, named
    assert text_of(project.issues).count(SUMMARY) <= 1
    filed = q.parse(text_of(project.issues)).tasks
    if "TASK-101" in found:
        assert [issues.status(each) for each in filed] == ["completed"]
        committed(project)
    leftovers.sweep(project.folders, time.time() + 2 * leftovers.AGE, project.bounds)
    assert not list(Path(project.state).rglob(".*.tmp"))


def committed(project: paths.Project) -> None:
    """The one loop has its one commit, with what it made and nothing of the person's, and its snapshot and memory."""
    assert command(project, "log", "--format=%s").split("\n") == ["Loop 1", "Begin", ""]
    assert "TASK-101.txt" in command(project, "show", "--name-only", "--format=").split()
    assert command(project, "status", "--short", "mine.txt") == " M mine.txt\n"
    snapshot = json.loads(text_of(os.path.join(project.snapshots, "loop-1.json")))
    assert [each["id"] for each in snapshot["tasks"]] == ["TASK-101"]
    assert snapshot["commit"] == command(project, "rev-parse", "HEAD").strip()
    assert "A door was built." in text_of(os.path.join(project.state, "loop_summary.md"))
    assert text_of(project.knowledge).count("it opens inwards") == 1


def happened(verb: Verb, project: paths.Project) -> None:
    """What the verb was called for is there in the end."""
    if verb.words[0] == "done":
        assert text_of(project.note("TASK-1")) == f"{NOTE}\n"
    if verb.words[0] == "state":
        assert state_file.get(state_file.read(project), "mine") == 7
    if verb.words[0] == "add-issue":
        assert text_of(project.issues).count(SUMMARY) == 1
    if verb.words[0] == "add-tasks":
        assert {"TASK-3", "TASK-4"} <= set(statuses(project))


def text_of(path: str) -> str:
    return files.read(path) or ""


def statuses(project: paths.Project) -> dict[str, str]:
    return {found.id: found.status for found in q.parse(text_of(project.queue)).tasks}


def bare(text: str) -> str:
    """A queue's text without its statuses."""
    return re.sub(r"(?<=\| Status \|) \w+", "", text)


def log(project: paths.Project) -> list[dict[str, object]]:
    return run_log.read(project)
