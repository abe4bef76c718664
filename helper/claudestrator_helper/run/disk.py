"""A step carried out on disk."""

from collections.abc import Iterable, Mapping

from ..engine import state
from ..engine.step import Step
from ..store import issue_file, marker_files, queue_file, run_log, state_file
from ..store.paths import Project
from ..texts import ids, issues, queue
from . import notify

#: The roles whose agents write tasks, with gates of their own perhaps.
_WRITING = ("decomposition", "decomp")


class Disk:
    """A carry_out.Place: a project, whose lock the caller holds, with the state that it holds *before* the step."""

    def __init__(self, project: Project, before: state.State, now: int) -> None:
        self.project, self.before, self.now = project, before, now
        self.parsed = queue.parse("")

    def clear_markers(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            marker_files.clear(self.project, id_)

    def clear_verdicts(self, ids: Iterable[str]) -> None:
        if ids:
            from ..agents import verdicts

            verdicts.clear(self.project, ids)

    def edit_queue(self, parsed: queue.Queue, changes: Mapping[str, str]) -> queue.Queue:
        self.parsed = queue_file.set_statuses(self.project, parsed, changes)
        return self.parsed

    def follow_issues(self, filed: queue.Queue, parsed: queue.Queue, returned: list[str]) -> None:
        def change(text: str) -> str:
            return issues.follow(filed if text == filed.text else queue.parse(text), parsed, returned)

        issue_file.edit(self.project, change, filed.text)

    def keep(self, state: state.State) -> None:
        if state != self.before:
            state_file.write(self.project, state)

    def log(self, step: Step) -> None:
        before, now = self.before, step.state
        if (now.run, now.owner.session) != (before.run, before.owner.session):
            # `context` finds what a run cost in the transcripts of its sessions.
            step.events.insert(0, {"event": run_log.BEGAN, "session": now.owner.session})
        run_log.append(self.project, now, step.events, self.now)
        notify.of_step(self.project, step, self.parsed)
        if any(event.get("event") == "done" and ids.role(str(event.get("id"))) in _WRITING for event in step.events):
            # What runs gates takes longer to import than most steps take.
            from . import gates

            gates.ask(self.project, now, self.parsed)
