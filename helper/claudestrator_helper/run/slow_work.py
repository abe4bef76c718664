"""What a step leaves to be done without the project's lock: commits, gates, worktrees.

Git and gates run in processes of their own, and importing what starts them takes longer than most steps.
"""

import os
import time

from .. import host
from ..engine import begin_run, sentences, settle_reports, state
from ..engine.config import MOD
from ..engine.step import Step
from ..errors import HeldError
from ..store import config_file, state_file
from ..store.paths import Project
from ..texts import queue_problems
from ..texts.directives import STOP, WAIT, Directive, Reply
from ..texts.queue import Queue

_WAIT = (Directive(WAIT),)
#: Seconds that an agent's start takes, with all of the processor that it can get.
_CALM = 2
_GATE, _TREE = "still waiting for the gate", "still waiting for a worktree"


def begin(project: Project, asked: begin_run.Asked) -> tuple[bool, list[str]]:
    """The same as `worktrees`, for a run that a person begins or continues: they may have corrected what was wrong."""
    found = worktrees(project, asked)
    if found[0]:
        from . import merging, tree_setup

        tree_setup.forget(project)
        merging.catch_up(project)
    return found


def worktrees(project: Project, asked: begin_run.Asked) -> tuple[bool, list[str]]:
    """Whether the agents of a run that begins now have worktrees, and a line if they should, and can't."""
    config = config_file.read(project)
    if not ((asked.parallel or config.parallel) > 1 or os.path.exists(os.path.join(project.root, host.WORKTREES))):
        return False, []
    from . import trees

    found, why = trees.wanted(project, state_file.read(project), config, asked)
    return found, [f"note: {why}"] if why else []


def begun(step: Step, before: Queue) -> list[Directive]:
    """The directives of the step that began a run on that queue; where it had nothing to do, with why."""
    if step.state.status != state.FINISHED or step.state.loop.total or step.lines:
        return step.directives
    more = sentences.nothing_left(before, queue_problems.unreadable(before))
    return [each._replace(sentence=each.sentence + more) for each in step.directives]


def wound_up(project: Project, current: state.State, ends: list[Directive]) -> tuple[list[Directive], str]:
    """Makes the commits of a run that has ended ready for `git merge`, and removes its worktrees. Returns the
    directives, which say how to merge, and what else a person has to know of both."""
    home, said = "", list[str]()
    if not any(each.kind == STOP for each in ends):
        return ends, ""
    if any(each.committed for each in current.tasks.values()):
        from . import task_commits

        home, said = task_commits.bring_home(project), [task_commits.for_claude(project, current)]
    if current.worktrees:
        from . import trees

        said.append(trees.ended(project))
    found = [each._replace(sentence=sentences.brought_home(each.sentence, current, home)) for each in ends]
    return found, " ".join(filter(None, said))


def carried_out(project: Project, step: Step, left: float, seen: set[str]) -> Reply | None:
    """Does the slow work that a step asks for; with a WAIT if it takes longer than *left* seconds. Or else makes a
    worktree for what comes next, or removes one that is done with and not among those *seen*. None if there is nothing
    to do."""
    if not (step.close or step.commits or step.gate or step.trees or step.state.worktrees):
        return None
    from . import close_loop, gates, merging, task_commits

    patience = max(1.0, left)
    try:
        if step.gate:
            # In between, another step renews the heartbeat.
            most = min(left, settle_reports.LAUNCH)
            return Reply(gates.run(project, step.gate, most), []) if left > 0 else Reply([_GATE], _WAIT)
        if step.trees:
            return _prepared(project, step, left)
        if step.commits:
            if step.state.worktrees:
                lines = merging.settle(project, step.commits, patience)
            else:
                lines = task_commits.commit(project, step.commits, patience, task_commits.in_place)
        elif step.close:
            lines = close_loop.close(project, config_file.read(project), patience)
        else:
            return _at_leisure(project, step.state, seen)
    except HeldError:
        # A commit's hooks may run a test suite, in a wait that was moved to the background.
        return Reply(["still waiting for another process that commits"], _WAIT)
    return Reply(lines, [])


def rest(current: state.State) -> float:
    """Seconds for which a wait need not look for anything to do, unless something is reported."""
    begun = max((agent.spawned for agent in current.agents.values()), default=0)
    left = begun + _CALM - time.time()
    return left if current.worktrees and 0 < left <= _CALM else settle_reports.LAUNCH


def _at_leisure(project: Project, current: state.State, seen: set[str]) -> Reply | None:
    """Makes a worktree ahead, or removes one; None if there is none, or agents have just begun."""
    from . import trees

    if rest(current) < settle_reports.LAUNCH:
        return None
    if trees.ahead(project, current):
        return Reply([], [])
    tidied = trees.tidy(project, current, seen)
    return None if tidied is None else Reply(tidied, [])


def _prepared(project: Project, step: Step, left: float) -> Reply:
    from . import trees

    lines, is_over = trees.prepare(project, step.trees, left)
    if not is_over and step.state.engine == MOD:
        # It shows at once what else has ended.
        return Reply(lines, _WAIT)
    return Reply(lines, []) if is_over or left > 0 else Reply([*lines, _TREE], _WAIT)
