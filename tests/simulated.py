"""Runs in memory, driven without a disk or a clock."""

from claudestrator_helper.engine import begin_run, heartbeat, markers, next_step, outage, simulation, verification
from claudestrator_helper.engine.config import Config
from claudestrator_helper.engine.state import State
from claudestrator_helper.engine.step import Inputs
from claudestrator_helper.texts import queue as q
from queues import queue


class Simulation:
    """A run in memory: the queue's text, the agents' markers and the clock, as the disk would hold them."""

    def __init__(self, text: str = "", prd: str = "") -> None:
        self.text, self.prd, self.now = text, prd, 1_000_000
        self.state = State()
        self.reports: dict[str, markers.Marker] = {}
        self.started: dict[str, int | None] = {}
        self.launched: frozenset[str] = frozenset()
        self.reporting: frozenset[str] = frozenset()
        self.said: list[str] = []

    def inputs(self) -> Inputs:
        found = markers.Markers(dict(self.reports), dict(self.started), self.launched)
        return Inputs(self.state, q.parse(self.text), found, self.prd, self.now, reporting=self.reporting)

    def start(self, session: str = "s1") -> list[str]:
        return self.apply(begin_run.begin(self.inputs(), begin_run.Caller(session), f"run-{self.now}"))

    def wait(self, seconds: int = 1) -> list[str]:
        """A step after *seconds* in which `wait` was there all the time."""
        while seconds > heartbeat.HEARTBEAT:
            self.now += heartbeat.HEARTBEAT
            seconds -= heartbeat.HEARTBEAT
            directives = self.apply(self.inputs())
            if directives:
                return directives
        self.now += seconds
        return self.apply(self.inputs())

    def apply(self, inputs: Inputs) -> list[str]:
        step = next_step.next_step(inputs)
        after = simulation.after(inputs, step)
        self.state, self.text = after.state, after.queue.text
        self.reports, self.started, self.launched = after.markers
        self.said += step.lines
        return [directive.line() for directive in step.directives]

    def live(self, id_: str) -> None:
        self.started[id_] = self.state.agents[id_].attempt

    def done(self, id_: str) -> None:
        self.reports[id_] = markers.Marker(markers.DONE, self.state.record(id_).attempts or None)

    def fail(self, id_: str, reason: str = "tests do not pass") -> None:
        self.reports[id_] = markers.Marker(markers.FAILED, self.state.record(id_).attempts or None, reason)

    def ended_by_the_api(self, id_: str, error: str) -> None:
        reason = outage.reason(error)
        self.reports[id_] = markers.Marker(
            markers.FAILED, self.state.record(id_).attempts or None, reason, cause=markers.API
        )

    def statuses(self) -> dict[str, str]:
        return {found.id: found.status for found in q.parse(self.text).tasks}


def started(*tasks: str) -> Simulation:
    run = Simulation(queue(*tasks))
    run.start()
    return run


ASKED = begin_run.Asked(verify=True)

NAILED = "it is nailed shut"


class Checked(Simulation):
    """A run that is to be verified, with the verdicts as the disk would hold them."""

    def __init__(self, *tasks: str, asked: begin_run.Asked = ASKED, config: Config | None = None) -> None:
        super().__init__(queue(*tasks))
        self.asked, self.config = asked, config or Config()
        self.verdicts: dict[str, str] = {}

    def inputs(self) -> Inputs:
        return super().inputs()._replace(verdicts=dict(self.verdicts), config=self.config)

    def start(self, session: str = "s1", asked: begin_run.Asked | None = None) -> list[str]:
        return self.apply(
            begin_run.begin(self.inputs(), begin_run.Caller(session), f"run-{self.now}", asked or self.asked)
        )

    def apply(self, inputs: Inputs) -> list[str]:
        before = inputs.state.record(verification.id_of(inputs.state)).attempts
        directives = super().apply(inputs)
        if self.state.record(verification.id_of(self.state)).attempts != before:
            self.verdicts.clear()  # those of another attempt count for nothing, and of a new batch none are left
        return directives

    def judge(self, verdict: str = "", *ids: str) -> list[str]:
        """The verifying agent gives that verdict on these tasks, a pass on the others, and reports."""
        for id_ in self.state.verification.checking:
            self.verdicts[id_] = verdict if id_ in ids else ""
        self.done(verification.id_of(self.state))
        return self.wait()
