"""What an agent reads: its role's text, its task, and how to report."""

import os

from .. import host
from ..engine import gates, state
from ..engine.config import MOD
from ..store import config_file, issue_file, project_files, role_texts
from ..store.paths import Project
from ..system import consent
from ..texts import fields, ids, quoting
from ..texts.queue import Queue, Task

#: A prompt is the output of one Bash call, which Claude Code cuts at host.OUTPUT_LIMIT, and its Report section comes
#: last. Characters for the role, the task, all notes together, the last reason, and the reason before that.
ROLE_LIMIT, TASK_LIMIT, NOTES_LIMIT, REASON_LIMIT, BACK_LIMIT = 4_000, 12_000, 7_000, 1_000, 500
#: How many dependencies' notes are shown, the last ones: with more, too little of each would fit.
NOTED = 35

_REPORT = """\
# Report

When it is done, and you have seen that it works, run this.{done}

If it can't be done, run this instead, with the reason in one sentence:

```
claudestrator-helper fail {id} --attempt {attempt} - <<'REASON'
the reason
REASON
```

Either command prints one line. End with that line as your whole final message: what else you write there fills the
conversation of the run that waits for you.
"""

_REPORT_BY_MESSAGE = """\
# Report

Your last message is your report. When it is done, and you have seen that it works, end with a message that begins with
exactly this line:

REPORT {id} attempt {attempt}: done
{note}
If it can't be done, begin your last message with this line instead, and give the reason in one sentence below it:

REPORT {id} attempt {attempt}: failed
"""

_NOTE_BELOW = """
Below that line goes a note for the agents that build on your work: what there is now, where, how it is used, what you
left open. At most 300 words.
"""

_DONE = """

```
claudestrator-helper done {id} --attempt {attempt}
```"""

_DONE_WITH_NOTE = """ The note is for the agents that build on your work: what
there is now, where, how it is used, what you left open. At most 300 words.

```
claudestrator-helper done {id} --attempt {attempt} - <<'NOTE'
your note
NOTE
```"""

_GATE = """\
# Gate

The report that it is done runs {commands} first, and is refused while one is red. Give that call a timeout of
{timeout}. If it says that the gate is still running, make the same call again; the note is kept."""

_WORKTREE = """\
# Where you work

In a worktree of your own: {path}

All paths of the project are below that folder for you. Read, change and run things only there, and nothing in {root}
itself, where others are at work. Leave commits to the report that it is done: that merges your work with what others
have finished, and is refused if the two conflict, or if the gate is red after the merge."""

#: Measured with 2.1.332 in acceptEdits: a subagent's `cd` does not last, and there git and `mkdir` after it, and
#: `git -C`, ask. The agents of the engine "mod" begin in their worktree.
_FROM_ELSEWHERE = """

Bash calls begin in {root}, each of them: put `cd {path} && ` in front, but of none of claudestrator-helper. Do without
git, and make folders by writing files into them: either may ask for permission, and a person may be away."""

_CHECKOUT = """\
# Where you work

In a checkout of what the run has finished: {path}

Read and run things there, where all paths of the project are below that folder for you. {root} itself is the person's,
who may be at work on it. What you change in either is not kept."""

_CONFLICT = """

An earlier attempt's work there conflicts with what others have finished, in {paths}: solve that first. In each, what is
above ======= is that attempt's, and what is below is there now."""

#: Of an attempt that was cut off, or by hand.
_THERE = "**In the queue already:** {count} (`claudestrator-helper tasks`): add only what they don't cover."

_SECTION = "The section of {place} from line {line} on, word for word; all that it says belongs to the task:"

_FAILED = """\
# The last attempt failed

Its reason: {reason}

What it left in the working tree is still there. Look at it first."""

_HINT = """\
# A hint from the person who runs this

{hint}"""


def prompt(project: Project, id_: str, current: state.State, parsed: Queue) -> str:
    """The whole prompt of the agent *id_*; "" if the worktree that it is to work in is gone.

    Raises ClaudestratorError for an id that is neither a task's nor a running agent's, and for a role's text that
    can't be read.

    """
    record = current.record(id_)
    agent = record.agent
    attempt = agent.attempt if agent else record.attempts + 1
    body, path = role_texts.text(project, ids.role(id_))
    parts = _brief(project, id_, current, parsed)
    if agent and agent.reason:
        parts.append(_FAILED.format(reason=_reasons(agent.reason, record.returned or "")))
    if record.hint:
        parts.append(_HINT.format(hint=fields.cut(record.hint, REASON_LIMIT)))
    is_task = ids.role(id_) == "task"
    if current.worktrees and agent:
        place = _worktree(project, id_, current)
        if not place:
            return ""
        parts.append(place)
    allowed = consent.read(project) if is_task else None
    is_gated = allowed is not None and allowed.proves
    parts += _gate(project, parsed.task(id_)) if is_gated else []
    by_message = current.engine == MOD and not is_gated and not (is_task and current.worktrees)
    report = reporting(project, id_, attempt, by_message=by_message)
    return "\n\n".join([_bounded(body, ROLE_LIMIT, path), *parts, report])


def _worktree(project: Project, id_: str, current: state.State) -> str:
    """Where an agent works, and what is to be done there first; "" if that worktree is gone."""
    # Hooks import this module, and what runs git takes longer than they do.
    from ..system import worktrees

    is_task = ids.role(id_) == "task"
    tree = worktrees.of(project, id_ if is_task else current.run)
    if tree is None:
        return ""
    elsewhere = "" if current.engine == MOD else _FROM_ELSEWHERE.format(path=tree.root, root=project.root)
    if not is_task:
        return _CHECKOUT.format(path=tree.root, root=project.root) + elsewhere
    conflicts = [f"`{fields.cut(path, 200)}`" for path in tree.note.conflicts]
    said = _CONFLICT.format(paths=fields.named(conflicts, len(conflicts))) if conflicts else ""
    return _WORKTREE.format(path=tree.root, root=project.root) + elsewhere + said


def _gate(project: Project, task: Task) -> list[str]:
    """What will run before the task is done."""
    allowed = consent.read(project)
    if allowed is None:
        return []
    asked = gates.Gates(config_file.read(project).gate_commands, {task.id: own} if (own := task.gate) else {})
    commands = [f"`{fields.cut(command, 200)}`" for command in gates.runnable(asked, allowed, task.id)]
    said = fields.named(commands, len(commands))
    return [_GATE.format(commands=said, timeout=1000 * host.BASH_CAP)] if commands else []


def _reasons(last: str, returned: str) -> str:
    """Why the last attempt failed, and why verification returned the one before it, unless the reasons are the same."""
    before = f" Before that, verification returned it: {fields.cut(returned, BACK_LIMIT)}" if returned else ""
    return fields.cut(last, REASON_LIMIT) + ("" if last.endswith(returned) else before)


def reporting(project: Project, id_: str, attempt: int, *, by_message: bool = False) -> str:
    """How the agent reports: by a command, or *by_message*, which final_message.py reads. It is asked for a note only
    if another agent will read it."""
    noted = ids.role(id_) == "task" and config_file.read(project).journal
    if by_message:
        return _REPORT_BY_MESSAGE.format(id=id_, attempt=attempt, note=_NOTE_BELOW if noted else "")
    done = (_DONE_WITH_NOTE if noted else _DONE).format(id=id_, attempt=attempt)
    return _REPORT.format(id=id_, attempt=attempt, done=done)


def _brief(project: Project, id_: str, current: state.State, parsed: Queue) -> list[str]:
    role = ids.role(id_)
    if role == "task":
        return _task(project, parsed.task(id_), learning=current.loop.total > 0)
    if role == ids.DECOMPOSITION:
        there = [_THERE.format(count=len(parsed.tasks))] if parsed.tasks else []
        return [f"# Your task: {id_}", f"**Requirements:** {project.prd}", *there]
    from . import role_briefs

    if role == "memory":
        return role_briefs.remember(project, id_, current, parsed)
    if role == "verify":
        return role_briefs.verify(project, id_, current, parsed)
    filed = issue_file.parsed(project)
    if role == "decomp":
        return role_briefs.decomp(project, id_, filed)
    return role_briefs.research(project, id_, current, filed)


def _task(project: Project, task: Task, *, learning: bool) -> list[str]:
    section = quoting.quoted(task.section, task.line, project.queue, TASK_LIMIT)
    text = f"# Your task: {task.id}\n\n{_SECTION.format(place=project.queue, line=task.line)}\n\n{section}"
    return [text, *_notes(project, task.dependencies), *(_learned(project, task) if learning else [])]


def _learned(project: Project, task: Task) -> list[str]:
    from . import role_briefs

    return role_briefs.learned(project, task.files)


def _notes(project: Project, dependencies: list[str]) -> list[str]:
    found = [(id_, project_files.read(project, project.note(id_))) for id_ in dependencies if ids.is_id(id_)]
    notes = [(id_, note.strip()) for id_, note in found if note and note.strip()]
    if not notes:
        return []
    shown = notes[-NOTED:]
    share = NOTES_LIMIT // len(shown)
    parts = [f"## {id_}\n\n{_cut(note, share)}" for id_, note in shown]
    if len(notes) > len(shown) or any(len(note) > share for _, note in shown):
        parts.append(f"Notes that were left out or cut are whole in {os.path.dirname(project.note(shown[0][0]))}.")
    return ["\n\n".join(["# Notes from the tasks it builds on", *parts])]


def _bounded(text: str, limit: int, place: str) -> str:
    return text if len(text) <= limit else f"{_cut(text, limit)}\n\nThe rest is in {place}: read it there."


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()}…"
