"""What a run's gates are doing, where its agents work, whether its session is gone and how many tasks are proved, for
`status` and `watch`."""

import os

from ..accounts import estimate, progress
from ..engine import sentences
from ..engine.gates import BASELINE, SETUP
from ..store.paths import Project
from ..system import processes
from ..texts import ids
from ..texts.fields import cut


def read(project: Project, now: float, known: progress.Progress | None = None) -> progress.Progress:
    """The progress of the project's run, with its session, gates and worktrees; *known* is one of the same files.
    Raises ClaudestratorError if a file can't be read."""
    found = progress.of(project, known.state, known.queue, known.log, now) if known else progress.read(project, now)
    if found.state.unfinished and processes.gone(found.state.owner.process):
        # As in its report, no time passes until it is continued.
        seconds = estimate.elapsed(found.events, found.state.run, None)
        found = found._replace(gone=True, seconds=seconds, left=None)
    if found.state.worktrees and found.at_work:
        found = found._replace(at_work=[_placed(project, found.state.run, each) for each in found.at_work])
    if not os.path.isdir(project.gates):
        return found
    # Most projects have none.
    from ..run import gates

    return found._replace(gates=[progress.Gate(*each) for each in gates.at_work(project, now)])


def _placed(project: Project, run: str, agent: progress.AtWork) -> progress.AtWork:
    # Only runs with worktrees need git's folder.
    from ..system import worktrees

    tree = worktrees.of(project, agent.id if ids.role(agent.id) == "task" else run)
    return agent._replace(worktree=os.path.relpath(tree.path, project.root)) if tree else agent


def gate(found: progress.Gate) -> str:
    """A gate that is running, in a few words."""
    before = "before the first task" if found.name == BASELINE else cut(found.name, 80)
    whose = found.name.removeprefix(SETUP.format(""))
    before = f"the set-up of {cut(whose, 64)}'s worktree" if whose != found.name else before
    again = f", refused {found.refused} times before" if found.refused > 1 else ", refused once before" * found.refused
    return f"{before}, running for {estimate.exact(found.seconds)}{again}"


def counted(found: progress.Progress) -> str:
    """How many tasks were proved how; "" for none."""
    words = {sentences.GATE: "by gate", sentences.VERIFIED: "verified", sentences.WORD: "taken at their word"}
    return ", ".join(f"{count} {words[each]}" for each, count in found.proofs.items() if count)
