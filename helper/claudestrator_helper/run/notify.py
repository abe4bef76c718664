"""Tells the person of what has happened, by a program of theirs: detached, limited in time, and without a shell."""

import os
import sys
import time
from contextlib import suppress

from ..engine.state import State
from ..engine.step import Step
from ..errors import ClaudestratorError
from ..store import run_log, user_file
from ..store.paths import Project
from ..texts import schedule
from ..texts.directives import STOP
from ..texts.fields import LINE, cut, named
from ..texts.queue import Queue
from ..texts.statuses import FAILED

#: The event, and the kind of a notice, that the run waits for a person.
QUESTION = "question"
#: What runs the person's program: it outlives the helper, and ends it after ten seconds.
_RUN = """\
import subprocess, sys
try:
    subprocess.run(sys.argv[1:], timeout=10, stdin=subprocess.DEVNULL)
except (OSError, ValueError, subprocess.SubprocessError):
    pass
"""


def of_step(project: Project, step: Step, parsed: Queue) -> None:
    """Tells what a step has settled; *parsed* is the queue after it."""
    if not os.path.exists(user_file.path()):
        return
    for event in step.events:
        id_, kind = str(event.get("id", "")), str(event.get("event"))
        if kind == "done" and id_:
            send(project, kind, f"{id_} is done", _objective(parsed, id_))
        elif kind == "failed" and step.settled.get(id_) == FAILED:
            send(project, kind, f"{id_} failed", str(event.get("reason", "")))
            held = [task for task, cause in schedule.causes(parsed).items() if cause.culprit == id_]
            if held:
                send(project, "blocked", f"{id_} blocks {named(held, len(held))}", _objective(parsed, held[0]))
    for directive in step.directives:
        if directive.kind == STOP:
            kind = step.state.status
            send(project, kind if kind in user_file.KINDS else "finished", "The run is over", directive.sentence)


def question(project: Project, current: State, text: str, *, once: bool = False) -> None:
    """Logs that the run waits for a person, and tells them, of a lasting question *once* a run. The caller holds the
    lock."""
    if once and _was_asked(project, current.run, text):
        return
    run_log.append(project, current, [{"event": QUESTION, "reason": text}], time.time())
    send(project, QUESTION, "The run waits for you", text)


def _was_asked(project: Project, run: str, text: str) -> bool:
    asked = [
        each.get("reason") for each in run_log.read(project) if each.get("run") == run and each["event"] == QUESTION
    ]
    return text in asked


def send(project: Project, kind: str, title: str, text: str) -> None:
    """Calls the person's program, if there is one for this kind of event. Whatever is wrong with it, the run goes on:
    `check` names it."""
    with suppress(ClaudestratorError, OSError):
        command, events = user_file.notify(project)
        if command and kind in events:
            values = {"title": f"Claudestrator: {cut(title)}", "text": cut(text, LINE) or cut(title), "event": kind}
            values["project"] = cut(os.path.basename(project.root))
            _start([_filled(word, values) for word in command])


def _filled(word: str, values: dict[str, str]) -> str:
    """*word* with its places filled in, each once: what an agent wrote may look like a place."""
    import re

    return re.sub(r"\{(title|text|event|project)\}", lambda match: values[match[1]], word)


def _start(words: list[str]) -> None:
    import subprocess

    # Not in the project: a relative name there would be a program of the project's.
    home, null = os.path.expanduser("~"), subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _RUN, *words],
        cwd=home if os.path.isdir(home) else "/",
        stdin=null,
        stdout=null,
        stderr=null,
        start_new_session=True,
    )
    process.returncode = 0  # no one waits for it


def _objective(parsed: Queue, id_: str) -> str:
    return parsed.by_id[id_][0].objective if id_ in parsed.by_id else ""
