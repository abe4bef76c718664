"""Claude Code's hook events. Stdlib only, because hooks run on every matching event of every session.

A bug here must never fail or hold a session of somebody's: `main` swallows everything.
"""

import json
import os
import re
import sys

from . import paths
from .paths import Project

ENDED = "ended without reporting"
#: The prompt is the answer to an agent's first call, so it is in the first bytes of its transcript.
_PROMPT_WITHIN = 1_000_000
_REMIND = (
    "You are ending without a report, and the run is waiting for one. If {id} is done and you saw it work, run "
    "`claudestrator-helper done {id} --attempt {attempt}`; if not, run `claudestrator-helper fail {id} --attempt "
    "{attempt} 'the reason'`. Then end with the line that it prints."
)


def main() -> None:
    try:
        event = json.loads(sys.stdin.buffer.read(10_000_000))
        answer = answer_to(event)
        if answer:
            print(json.dumps(answer))
    except Exception:  # noqa: BLE001, S110
        pass


def answer_to(event: dict[str, object]) -> dict[str, object] | None:
    """What Claude Code is to do about an event; None for nothing."""
    if event.get("hook_event_name") != "SubagentStop":
        return None
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or str(event.get("cwd") or os.getcwd())
    project = paths.project(paths.root_around(folder))
    if not os.path.exists(project.session):
        return None
    return _subagent_stop(project, event)


def _subagent_stop(project: Project, event: dict[str, object]) -> dict[str, object] | None:
    """An agent of ours that ends without a report is asked once for it; then its failure is on record, and the wait
    returns. In auto mode Claude Code lets no hook hold an agent, so there the failure is recorded at once."""
    # Imported only in a session of ours: every other one's agents end here too.
    from . import markers, state

    current = state.read(project)
    id_ = _description(event)
    agent = current.agents.get(id_)
    ours = not current.session or event.get("session_id") == current.session
    if agent is None or not ours or _attempt(event, id_) not in (None, agent.attempt):
        return None
    if markers.report_of(project, id_, agent.attempt):
        return None
    if event.get("stop_hook_active") or event.get("permission_mode") == "auto":
        markers.leave(project, id_, markers.FAILED, agent.attempt, ENDED)
        return None
    return {"decision": "block", "reason": _REMIND.format(id=id_, attempt=agent.attempt)}


def _attempt(event: dict[str, object], id_: str) -> int | None:
    """The attempt that the ending agent was given, as its own prompt says; None for one that never asked for it.

    An agent takes seconds to end after its report, and the run may have given its task to the next one by then.
    """
    path = event.get("agent_transcript_path")
    if not isinstance(path, str) or not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        head = file.read(_PROMPT_WITHIN).decode(errors="replace")
    told = re.search(rf"claudestrator-helper done {re.escape(id_)} --attempt (\d{{1,9}})\b", head)
    return int(told[1]) if told else None


def _description(event: dict[str, object]) -> str:
    """The description of the Task call that launched the agent that the event is about."""
    tasks = event.get("background_tasks")
    for task in tasks if isinstance(tasks, list) else []:
        if isinstance(task, dict) and task.get("id") and task.get("id") == event.get("agent_id"):
            return str(task.get("description", ""))
    return ""
