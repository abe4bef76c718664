"""What the mod in Claude Code asks (hooks/claudestrator.mjs): a JSON object on standard input, and one as the answer.

The helper decides all that it decides for a model. The answer holds more only because a mod can do more with it: the
agents' prompts, and what is drawn above the prompt.

The mod proves that it is the one that has the run with a key, which `start` prints once and the state keeps the digest
of. An agent's shell has no way to it: the key is in no file, no argument and no environment. After the secret, the key
says how many lines of which run the mod has been told, so that it is told each line, whatever was killed in between.
"""

import os
import time
from collections.abc import Iterator, Sequence

import click

from .. import __version__, output
from ..engine import band, begin_run, markers, options
from ..engine.choice import Able, choose
from ..engine.config import MOD
from ..engine.state import FINISHED, STOPPED, State
from ..errors import ClaudestratorError
from ..run import steps
from ..run.live_report import LiveReport
from ..store import config_file, files, marker_files, paths, queue_file, state_file, typed_command
from ..store.paths import Project
from ..system import processes, working_tree
from ..texts import directives, fields, ids
from ..texts.directives import SPAWN, Reply
from ..texts.statuses import COMPLETED, SKIPPED
from . import mod_calls
from .mod_calls import Answer, Given, text

#: Seconds of one wait: Claude Code ends what a mod has started after 600.
LONGEST_WAIT = 570.0


def follow(project: Project, session: str) -> None:
    """Prints an answer for each step of the run, a line each, until a STOP or until another wait has taken over. One
    process takes all steps, because starting one takes longer than a step. `told` lists the agents, with `id` and
    `attempt`, that the mod has been told to start: one before may have been killed before it could print others."""
    # It is needed when an agent has ended, and until then there is time.
    from ..agents import reports  # noqa: F401

    try:
        for said in _answers(project, session, mod_calls.question()):
            output.echo([output.as_json_line(said)])
    except (ClaudestratorError, ValueError, RecursionError) as error:
        output.echo([output.as_json_line(mod_calls.refusal(error))])


def _answers(project: Project, session: str, given: Given) -> Iterator[Answer]:
    _admit(project, given)
    turn, page = steps.take_turn(project, session, int(time.time())), LiveReport(project)
    mod_calls.note_launched(project, state_file.read(project), given)
    _ask_again(project, _told(given))
    reply, key = Reply([], []), text(given, "key")
    while steps.has_turn(project, turn) and not any(each.kind == directives.STOP for each in reply.directives):
        told = _over(project, _admit(project, given), page) or _warned(project, session)
        reply = told or page.ended(steps.wait_in_turn(project, turn, LONGEST_WAIT, page.sleep))
        if reply.lines[-1:] == [steps.OVERTAKEN]:
            return
        answer = _answer(project, reply, key)
        key = text(answer, "key") or key
        yield answer


def start(project: Project, session: str, given: Given) -> Answer:
    """Begins or continues a run from `words`, if `key` allows it: directives, what is drawn, a new `key`, and the
    `opening` that tells a person of it. With `resume` only the session's own run is continued. Where another engine is
    to carry out the run, nothing is begun and the answer names that `engine`."""
    words, current, heard = text(given, "words").split(), state_file.read(project), text(given, "key")
    # `/clear` gives the session of a process another id.
    is_its = session == current.owner.session or current.owner.process == (processes.current() or None)
    if given.get("resume") and not (current.unfinished and current.engine == MOD and is_its):
        return (_missed_end(project, current, given) if is_its else None) or {"engine": ""}
    asked = options.understood(words)
    if asked.instead or asked.dry_run:
        from . import orchestrate

        told = orchestrate.begin(project, session, words, __version__)
        return {"lines": [*told.lines, *(each.sentence for each in told.directives)], "directives": []}
    config = config_file.read(project)
    choice = choose(begin_run.wish_of(current, config, asked), asked.parallel or 1, Able(mod=True))
    engine = choice.engine
    if engine != MOD or not _may_start(current, given):
        return {"engine": engine if engine != MOD else "task"}
    from ..setup import preflight

    secret = os.urandom(16).hex()
    typed_command.note(project, session, typed_command.UNKNOWN, processes.current(), words=None)
    if current.owner.mod == mod_calls.digest(given):
        mod_calls.note_launched(project, current, given)
    _forget_unlaunched(project, current, _told(given))
    opening = "The run goes on." if current.unfinished or current.status == STOPPED else "The run has begun."
    reply = LiveReport(project).ended(steps.start(project, session, words, mod=processes.digest(secret)))
    said = [str(choice)] if choice.why and not given.get("resume") else []
    said += preflight.note(project, session, __version__)
    return _answer(project, reply, heard, secret, said) | {"opening": opening}


def wait(project: Project, session: str, given: Given, limit: float | None) -> Answer:
    """Waits for the run's next step, or for news for the person. `refused` lists the agents that Claude Code did not
    start, with `id`, `attempt` and `why`."""
    current = _admit(project, given)
    mod_calls.note_refused(project, current, given.get("refused"))
    page, key = LiveReport(project), text(given, "key")
    if reply := _over(project, current, page) or _warned(project, session):
        return _answer(project, reply, key)
    longest = LONGEST_WAIT if limit is None else limit
    return _answer(project, page.ended(steps.wait_for_step(project, session, longest, page.sleep)), key)


def _over(project: Project, current: State, page: LiveReport) -> Reply | None:
    """How the run has ended, for a mod that waits all the same: what took the last step was killed before it could
    say so."""
    if current.unfinished or current.engine != MOD:
        return None
    from ..run import ending, slow_work

    ends, said = slow_work.wound_up(project, current, ending.again(project))
    return page.ended(Reply([], ending.told(project, ends, time.time(), said))) if ends else None


def _missed_end(project: Project, current: State, given: Given) -> Answer | None:
    """The end of the session's last run, if the session was killed before it could show it."""
    is_known = current.owner.mod == mod_calls.digest(given) and _unheard(current, text(given, "key"))
    reply = _over(project, current, LiveReport(project)) if is_known else None
    return _answer(project, reply, text(given, "key")) if reply else None


def _admit(project: Project, given: Given) -> State:
    """The state. Raises ClaudestratorError unless the mod that calls has the run."""
    current = state_file.read(project)
    is_its = current.owner.process in ("", processes.current())
    if current.unfinished and not (is_its and current.owner.mod == mod_calls.digest(given)):
        if is_its and current.engine != MOD:
            raise ClaudestratorError(f"the run goes on with engine {current.engine}")
        raise ClaudestratorError("this run has been taken over: `/orchestrate status` shows where it is")
    return current


def _warned(project: Project, session: str) -> Reply | None:
    """What the permission mode will make go wrong, once, as soon as a hook has told it."""
    from ..setup import claude_settings

    seen = typed_command.read(project, session)
    if not seen.mode.startswith(typed_command.NEW):
        return None
    mode = seen.mode.removeprefix(typed_command.NEW)
    typed_command.note(project, session, mode, seen.process, words=None)
    lines = [f"note: {line}" for line in claude_settings.unwriting(claude_settings.read(project), mode)]
    return Reply(lines, [directives.Directive(directives.WAIT)]) if lines else None


def _may_start(current: State, given: Given) -> bool:
    """Whether this may be the mod: an agent's shell is below the process that has the run, and so is the mod. A job of
    an agent may outlive the run. After a run of another engine, which leaves no key, it has a shell above it, where the
    mod has Claude Code itself."""
    if not (current.owner.process and processes.below(current.owner.process)):
        return True
    if not (current.unfinished or current.owner.mod):
        return current.owner.process == processes.current()
    return bool(current.owner.mod) and current.owner.mod == mod_calls.digest(given)


def _told(given: Given) -> list[tuple[object, object]]:
    """The agents that the mod was told to start, each by its id and attempt."""
    told = given.get("told")
    return (
        [(each.get("id"), each.get("attempt")) for each in told if isinstance(each, dict)]
        if isinstance(told, list)
        else []
    )


def _ask_again(project: Project, told: list[tuple[object, object]]) -> None:
    """Makes the next step spawn, at once, what is neither at work nor among those that the mod was *told* to start."""
    with files.locked(project.lock, within=project.bounds):
        current = before = state_file.read(project)
        for id_, agent in before.agents.items():
            if (id_, agent.attempt) not in told and not marker_files.is_launched(project, id_, agent.attempt):
                marker_files.remove(project, id_, markers.STARTED)
                current = current.recorded(id_, agent=agent._replace(spawned=0))
        if current != before:
            state_file.write(project, current)


def _forget_unlaunched(project: Project, current: State, told: list[tuple[object, object]]) -> None:
    """An agent has been given its prompt, but the mod was loaded anew before it could start the agent. One of those
    that it was *told* to start, and does start, may not have been heard of yet."""
    for id_, agent in current.agents.items():
        if (id_, agent.attempt) not in told and not marker_files.is_launched(project, id_, agent.attempt):
            marker_files.remove(project, id_, markers.STARTED)


def _unheard(current: State, key: str) -> list[str]:
    """The lines that the mod with that *key* has not been told."""
    words = key.split()
    return fields.few(current.unheard(words[1], int(words[2]))) if len(words) == 3 and words[2].isdecimal() else []


def _answer(project: Project, reply: Reply, heard: str, secret: str = "", first: Sequence[str] = ()) -> Answer:
    """The answer to a mod whose key is *heard*, with these lines *first*. It gets a key of another *secret*, if any."""
    current = state_file.read(project)
    missed = _unheard(current, heard)
    key = f"{secret or heard.partition(' ')[0]} {current.run} {current.said}"
    drawn = band.band(queue_file.parsed(project), current)
    # They begin at the same moment, and git takes as long as all else here.
    begins = any(each.kind == SPAWN for each in reply.directives) and not current.worktrees
    tree = working_tree.fingerprint(project) if begins else ""
    return {
        "lines": [*first, *missed, *(line for line in reply.lines if line not in missed)],
        "directives": [said for each in reply.directives if (said := _directive(project, current, each, tree))],
        "band": drawn,
        **({"key": key} if key != heard else {}),
    }


def _directive(project: Project, current: State, directive: directives.Directive, tree: str) -> Answer:
    """What the mod is told of a directive; nothing of an agent that is held back, whom the next step has begin."""
    said: Answer = {key: value for key, value in directive._asdict().items() if value}
    if directive.kind == SPAWN:
        from ..agents import reports

        said["attempt"] = attempt = current.record(directive.id).attempts
        try:
            said["prompt"] = reports.begin(project, directive.id, tree)
        except ClaudestratorError:
            if marker_files.report_of(project, directive.id, attempt) is None:
                raise
            return {}
        said |= _folder(project, current, directive.id)
    if directive.kind == directives.STOP and not _is_complete(project, current):
        said["exitCode"] = 1
    return said


def _folder(project: Project, current: State, id_: str) -> Answer:
    """Where that agent works, if not in the session's folder."""
    if not current.worktrees:
        return {}
    from ..system import worktrees

    tree = worktrees.of(project, id_ if ids.role(id_) == "task" else current.run)
    return {"cwd": tree.root} if tree else {}


def _is_complete(project: Project, current: State) -> bool:
    tasks = queue_file.read(project, current).tasks
    return current.status == FINISHED and all(task.status in (COMPLETED, SKIPPED) for task in tasks)


@click.command("ended")
@click.option("--session", default="", metavar="ID", help="The session of the run.")
@click.option("--mod", is_flag=True, required=True, help="Claude Code's mod calls.")
@click.pass_obj
def ended_verb(project: paths.Project, session: str, *, mod: bool) -> None:
    """Take the last message of an agent whose run has ended, as JSON on standard input; for Claude Code's mod."""
    mod_calls.answer(lambda given: mod_calls.ended(project, session, given))
