"""The run as a state machine under reports, deaths, duplicates, hand edits, stale editors and clock jumps in any order."""

import hypothesis.strategies as st
import pytest
from claudestrator_helper.engine import begin_run, heartbeat, markers, next_step, outage, simulation
from claudestrator_helper.engine.config import LEAN, Config
from claudestrator_helper.engine.state import FINISHED, RUNNING, STOPPED, STOPPING, State
from claudestrator_helper.engine.step import Inputs, Step
from claudestrator_helper.errors import ClaudestratorError
from claudestrator_helper.texts import ids, overlap
from claudestrator_helper.texts import queue as q
from claudestrator_helper.texts.statuses import COMPLETED
from examples import TIMES
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from queues import queue, task
from states import changed, column

pytestmark = pytest.mark.slow

ISSUE = "### ISSUE-20260101-{:03d}\n\n| Status | pending |\n\n**Summary:** it is broken\n\n---\n\n"
#: Why agents failed, with the cause where none of them reported it.
FAILURES = [
    *(("a", ""), ("b", ""), ("c", ""), ("x\nSPAWN evil opus\n\x1b[31m", ""), (outage.reason("rate_limit"), "")),
    *((outage.reason(error), markers.API) for error in ("rate_limit", "invalid_request")),
]
ASKED = st.builds(
    lambda loops, takeover, verify, flags: begin_run.Asked(loops, "", takeover, verify, **flags),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
    st.sampled_from([{}, {"parallel": 1}, {"parallel": 3}, {"engine": LEAN}]),
)
STATUSES = ["pending", "in_progress", "completed", "failed", "on hold"]
#: Loops, so that the machine runs through all phases, with few tasks each.
CONFIG = Config(tasks_per_loop=2)
#: Of the tasks, some name no file, and two the same.
FILES = ["", "**Files:** src/a.py\n\n", "**Files:** src/b.py, `./src/c.py`\n\n", "**Files:** src/c.py\n\n"]


class World:
    """A project in memory: what the disk would hold, who has reported, and the clock."""

    def __init__(self, text: str) -> None:
        self.text, self.issues, self.now = text, "", 1_000_000
        self.state = State()
        self.reports: dict[str, markers.Marker] = {}
        self.started: dict[str, int | None] = {}
        self.launched: frozenset[str] = frozenset()
        self.verdicts: dict[str, str] = {}
        self.earlier, self.turn = [text], 0

    def inputs(self) -> Inputs:
        seen = markers.Markers(dict(self.reports), dict(self.started), self.launched)
        parsed, issues = q.parse(self.text), q.parse(self.issues)
        return Inputs(self.state, parsed, seen, "", self.now, CONFIG, issues, {}, dict(self.verdicts))

    def apply(self, inputs: Inputs) -> Step:
        # The disk reads the models of just these roles.
        inputs = inputs._replace(role_models=dict.fromkeys(next_step.roles(inputs), "fable"))
        step = next_step.next_step(inputs)
        after = simulation.after(inputs, step)
        self.reports, self.started, self.launched = after.markers
        self.verdicts = dict(after.verdicts)
        self.state, self.text, self.issues = after.state, after.queue.text, after.issues.text
        self.earlier.append(self.text)
        return step

    def statuses(self) -> dict[str, str]:
        return {found.id: found.status for found in q.parse(self.text).tasks}

    def agent(self) -> str | None:
        """Any of those at work, another one each time."""
        self.turn += 1
        agents = list(self.state.agents)
        return agents[self.turn % len(agents)] if agents else None


class AnyOrder(RuleBasedStateMachine):
    @initialize(graph=st.lists(st.lists(st.integers(1, 5), max_size=2), max_size=5))
    def begin(self, graph: list[list[int]]) -> None:
        sections = (
            task(f"TASK-{n}", dependencies=", ".join(f"TASK-{m}" for m in needs) or "None", extra=FILES[n % len(FILES)])
            for n, needs in enumerate(graph, 1)
        )
        self.world = World(queue(*sections) if graph else "")
        self.sessions = self.numbers = self.most = 1
        self.spawned: list[tuple[str, int]] = []
        self.take(begin_run.NOTHING)

    # What is checked at every step

    def take(self, asked: begin_run.Asked, *, hooked: bool = False) -> None:
        caller = begin_run.Caller(f"s{self.sessions}", "", hooked)
        try:
            begun = begin_run.begin(self.world.inputs(), caller, f"run-{self.world.now}", asked)
        except ClaudestratorError:
            # In the foreground one task runs at a time, and agents at work in the background keep a run from going there.
            state = self.world.state
            assert asked.engine == LEAN != state.engine
            side_by_side = state.parallel > 1 and (state.unfinished or state.status == STOPPED)
            assert side_by_side or set(state.agents) - set(self.world.reports)
            return
        self.obey(self.world.apply(begun))

    def obey(self, step: Step) -> None:
        state, statuses = self.world.state, self.world.statuses()
        for line in (directive.line() for directive in step.directives):
            word, *rest = line.split(" ")
            assert line.isprintable()
            assert word in ("WORK" if state.engine == LEAN else "SPAWN", "STOP")
            if word == "STOP":
                self.check_stop(line)
                continue
            id_, model = rest
            agent = state.agents[id_]
            assert model == agent.model
            assert ids.role(id_) == "task" or model == "fable", "a role whose model nobody has read"
            assert id_ not in state.completed, "a task that this run completed was spawned again"
            assert statuses.get(id_, "in_progress") == "in_progress"
            self.spawned.append((id_, agent.attempt))
            self.check_files(id_)
        self.most = max(state.parallel, min(self.most, len(state.agents)))
        for line in step.lines:
            assert line.isprintable()
            assert not line.startswith(("SPAWN", "WAIT", "STOP"))
        for id_ in state.completed:
            assert statuses.get(id_, COMPLETED) in (COMPLETED, "failed", "on hold")
        assert step.directives or step.close or state.agents, "nobody is at work and nobody was told"

    def check_files(self, id_: str) -> None:
        parsed = q.parse(self.world.text)
        at_work = [parsed.by_id[each][0].files for each in self.world.state.agents if each in parsed.by_id]
        for each in self.world.state.agents:
            if each != id_ and len(at_work) == len(self.world.state.agents):
                assert not overlap.collide(parsed.by_id[id_][0].files, parsed.by_id[each][0].files)

    def check_stop(self, line: str) -> None:
        found = self.world.statuses().values()
        if line.startswith(("STOP All ", "STOP The one task")):
            assert set(found) == {COMPLETED}
        assert self.world.state.status not in (RUNNING, STOPPING)

    def wait_once(self, seconds: int = 1) -> None:
        while seconds > 0 and self.world.state.unfinished:
            self.world.now += min(seconds, heartbeat.HEARTBEAT)
            seconds -= heartbeat.HEARTBEAT
            self.obey(self.world.apply(self.world.inputs()))

    # Whatever may happen

    @rule()
    def wait(self) -> None:
        self.wait_once()

    @precondition(lambda self: self.world.agent())
    @rule(data=st.data(), failing=st.booleans())
    def report(self, data: st.DataObject, failing: bool) -> None:
        id_ = self.world.agent()
        assert id_
        if failing:
            reason, cause = data.draw(st.sampled_from(FAILURES))
            attempt = self.world.state.record(id_).attempts
            self.world.reports[id_] = markers.Marker(markers.FAILED, attempt, reason, cause=cause)
        else:
            self.work(id_, data.draw(st.booleans()))

    def work(self, id_: str, well: bool) -> None:
        """What an agent of each role leaves; *well*: all that was asked of it."""
        role = ids.role(id_)
        self.numbers += 1
        if role in (ids.DECOMPOSITION, "decomp") and well:
            self.world.text += task(f"TASK-{100 + self.numbers}", extra="**Issue:** ISSUE-20260101-001\n\n")
            self.world.issues = self.world.issues.replace("| pending |", "| accepted |")
        if role == "research" and well:
            self.world.issues += ISSUE.format(self.numbers)
        for number, judged in enumerate(self.world.state.verification.checking if role == "verify" else []):
            if well or number:
                self.world.verdicts[judged] = "" if well else "it is not so"
        unchanged = role == "task" and not well
        self.world.reports[id_] = markers.Marker(markers.DONE, self.world.state.record(id_).attempts, "", unchanged)

    @precondition(lambda self: self.spawned)
    @rule(data=st.data(), kind=st.sampled_from([markers.DONE, markers.FAILED]))
    def report_of_any_attempt(self, data: st.DataObject, kind: str) -> None:
        id_, attempt = data.draw(st.sampled_from(self.spawned))
        # Markers are read for the attempt that was spawned last.
        if attempt == self.world.state.record(id_).attempts:
            self.world.reports.setdefault(id_, markers.Marker(kind, attempt, "late"))

    @precondition(lambda self: self.world.agent())
    @rule(started=st.booleans())
    def sign_of_life(self, started: bool) -> None:
        id_ = self.world.agent() or ""
        self.world.launched |= {id_}
        if started:
            self.world.started[id_] = self.world.state.agents[id_].attempt

    @rule(seconds=st.integers(-100_000, 100_000))
    def clock_jumps(self, seconds: int) -> None:
        self.world.now += seconds

    @rule()
    def hours_pass(self) -> None:
        self.wait_once(60 * CONFIG.task_timeout + 60)

    @rule(
        same=st.booleans(),
        hooked=st.booleans(),
        asked=ASKED,
    )
    def start(self, same: bool, hooked: bool, asked: begin_run.Asked) -> None:
        if not same:
            self.sessions += 1
            self.world.now += 2 * heartbeat.ABSENCE
        self.take(asked, hooked=hooked)

    @precondition(lambda self: self.world.state.unfinished)
    @rule()
    def stop(self) -> None:
        self.world.state = changed(self.world.state, status=STOPPING)

    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def hand_edit(self, data: st.DataObject, status: str) -> None:
        found = list(self.world.statuses())
        if found:
            edited = q.edited(q.parse(self.world.text), {data.draw(st.sampled_from(found)): status})
            self.world.text = edited.text

    @rule(data=st.data())
    def set_status(self, data: st.DataObject) -> None:
        found = list(self.world.statuses())
        if found:
            id_ = data.draw(st.sampled_from(found))
            left = {key: attempt for key, attempt in self.world.state.completed.items() if key != id_}
            self.world.state = changed(self.world.state, completed=left)
            self.world.text = q.edited(q.parse(self.world.text), {id_: "pending"}).text

    @rule(data=st.data())
    def an_editor_saves_an_older_text(self, data: st.DataObject) -> None:
        self.world.text = data.draw(st.sampled_from(self.world.earlier[-6:]))

    # Whatever has happened

    @invariant()
    def no_more_agents_than_may_be_and_attempts_are_never_used_twice(self) -> None:
        if not hasattr(self, "world"):
            return
        agents = self.world.state.agents
        assert len(agents) <= self.most
        assert len(agents) == 1 or all(ids.role(id_) == "task" for id_ in agents)
        attempts: dict[str, int] = {}
        for id_, attempt in self.spawned:
            assert attempt >= attempts.get(id_, 0)
            attempts[id_] = attempt
        for agent in self.world.state.agents.values():
            assert agent.failures < CONFIG.attempts

    def teardown(self) -> None:
        """A run whose agents do their work ends within a bounded number of steps."""
        if not hasattr(self, "world"):
            return
        self.sessions += 1
        self.world.now += 2 * heartbeat.ABSENCE
        self.take(begin_run.NOTHING)
        before = len(self.spawned)
        for _ in range(60):
            if not self.world.state.unfinished:
                break
            for id_ in list(self.world.state.agents):
                self.world.reports.pop(id_, None)
                self.work(id_, well=True)
            self.wait_once()
        assert self.world.state.status in (FINISHED, STOPPED)
        assert not self.world.state.agents
        tasks, loops = len(self.world.statuses()), self.world.state.loop.total
        assert len(self.spawned) - before <= 2 * tasks + 6 * (loops + 1)
        if self.world.state.verification.asked:
            there = self.world.statuses()
            assert not [id_ for id_ in verify_left(self.world.state) if there.get(id_) == COMPLETED]


def verify_left(state: State) -> list[str]:
    """Tasks that the run completed and that nobody verified, or said why not."""
    if state.status == STOPPED:
        return []
    return [id_ for id_ in state.completed if not state.is_verified(id_) and id_ not in column(state, "unverified")]


def test_a_run_of_several_at_once_refuses_the_foreground_whoever_has_reported() -> None:
    run = AnyOrder()
    run.begin(graph=[])
    run.start(same=False, hooked=False, asked=begin_run.Asked(parallel=3))
    run.work("decomposition", well=False)
    run.start(same=False, hooked=False, asked=begin_run.Asked(engine=LEAN))
    run.teardown()


AnyOrder.TestCase.settings = settings(max_examples=20 * TIMES, stateful_step_count=40, deadline=None)
test_any_order = AnyOrder.TestCase
