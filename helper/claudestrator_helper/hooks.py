"""Claude Code's hook events. Stdlib only, because hooks run on every matching event of every session.

A bug here must never fail or hold a session of somebody's: `main` swallows everything. Nothing is done in a session
that isn't the run's own, so that no repository's files can make a hook do anything in anybody else's.
"""

import json
import os
import re
import sys

from . import paths
from .paths import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State

ENDED = "ended without reporting"
#: So many times a session is sent back to a run in which nothing happens. Claude Code's own cap is 8.
MOST_RETURNS = 3
#: The prompt is the answer to an agent's first call, so it is in the first bytes of its transcript.
_PROMPT_WITHIN = 1_000_000
_REMIND = (
    "You are ending without a report, and the run is waiting for one. If {id} is done and you saw it work, run "
    "`claudestrator-helper done {id} --attempt {attempt}`; if not, run `claudestrator-helper fail {id} --attempt "
    "{attempt} 'the reason'`. Then end with the line that it prints."
)
_GO_ON = (
    "The run is not finished. Call Bash: command `claudestrator-helper wait`, timeout `3600000`, and obey what it "
    "prints, until STOP."
)
Answer = dict[str, object]


def main() -> None:
    try:
        event = json.loads(sys.stdin.buffer.read(10_000_000))
        answer = answer_to(event)
        if answer:
            print(json.dumps(answer))
    except Exception:  # noqa: BLE001, S110
        pass


def answer_to(event: dict[str, object]) -> Answer | None:
    """What Claude Code is to do about an event; None for nothing."""
    answer = _ANSWERS.get(str(event.get("hook_event_name")))
    if answer is None:
        return None
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or str(event.get("cwd") or os.getcwd())
    project = paths.project(paths.root_around(folder))
    if answer is _expansion:
        return _expansion(project, None, event)
    if not os.path.exists(project.session):
        return None
    # Imported only where a run has been: hooks see every other session, too.
    from . import state

    current = state.read(project)
    return answer(project, current, event) if current.unfinished and _is_ours(current, event) else None


def _is_ours(current: "State", event: dict[str, object]) -> bool:
    """Whether the session has the run: by its id, or because it was cleared since and is still the same process."""
    if current.session and event.get("session_id") == current.session:
        return True
    from . import owner

    return bool(current.process) and current.process == owner.current()


def _expansion(project: Project, _: "State | None", event: dict[str, object]) -> Answer | None:
    """A person has typed `/orchestrate`: what its own `start` isn't told is noted for it."""
    from . import asking, owner

    if str(event.get("command_name")) in ("orchestrate", "claudestrator:orchestrate"):
        session, mode = str(event.get("session_id") or ""), str(event.get("permission_mode") or "unknown")
        asking.note(project, session, mode, owner.current())
    return None


def _subagent_stop(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours that ends without a report is asked once for it; then its failure is on record, and the wait
    returns. In auto mode Claude Code lets no hook hold an agent, so there the failure is recorded at once."""
    from . import markers

    id_ = _description(event)
    agent = current.agents.get(id_)
    if agent is None or _attempt(event, id_) not in (None, agent.attempt):
        return None
    if markers.report_of(project, id_, agent.attempt):
        return None
    if event.get("stop_hook_active") or event.get("permission_mode") == "auto":
        markers.leave(project, id_, markers.FAILED, agent.attempt, ENDED)
        return None
    return {"decision": "block", "reason": _REMIND.format(id=id_, attempt=agent.attempt)}


def _stop_failure(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours that an error of the API has ended can't be asked for anything."""
    from . import markers, outage

    name = event.get("agent_id")
    for id_, agent in current.agents.items():
        is_it = name and markers.name(project, id_, agent.attempt) == name
        if is_it and not markers.report_of(project, id_, agent.attempt):
            markers.leave(project, id_, markers.FAILED, agent.attempt, outage.reason(event.get("error")))
    return None


def _post_tool_use(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours was launched: what ends by an error is known by its name only."""
    from . import markers

    given, got = event.get("tool_input"), event.get("tool_response")
    if event.get("tool_name") not in ("Agent", "Task") or not isinstance(given, dict) or not isinstance(got, dict):
        return None
    id_, name = given.get("description"), got.get("agentId")
    if isinstance(name, str) and isinstance(id_, str) and id_ in current.agents:
        markers.leave(project, id_, markers.AGENT, current.agents[id_].attempt, name)
    return None


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
    running = [task for task in _background(event) if task.get("id") and task.get("id") == event.get("agent_id")]
    return str(running[0].get("description", "")) if running else ""


def _background(event: dict[str, object]) -> list[dict[str, object]]:
    tasks = event.get("background_tasks")
    return [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []


def _stop(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """The session that has the run is sent back to it, unless an agent's end will wake it, or somebody asked the run
    to stop. It is let go where its waits change nothing, as when they are refused."""
    from . import files, state

    if current.status != state.RUNNING or event.get("session_id") != current.session or _will_wake(current, event):
        return None
    path = os.path.join(project.markers, ".sent-back")
    seen = os.stat(project.session)
    since, _, count = (files.read(path, within=project.bounds) or "").strip().partition(" ")
    now = f"{seen.st_mtime_ns}-{seen.st_ino}"
    returns = int(count) + 1 if since == now and count.isdigit() else 1
    if returns > MOST_RETURNS:
        return None
    files.write(path, f"{now} {returns}\n", within=project.bounds)
    return {"decision": "block", "reason": _GO_ON}


def _will_wake(current: "State", event: dict[str, object]) -> bool:
    """Whether the end of an agent of the run will wake the session. Nobody wakes a headless one: Claude Code ends the
    agents of a session without a terminal ten minutes after its last turn, and itself with them."""
    if os.environ.get("CLAUDE_CODE_SESSION_ATTENDED") == "0":
        return False
    return any(task.get("description") in current.agents for task in _background(event))


def _pre_tool_use(_: Project, __: "State", event: dict[str, object]) -> Answer | None:
    """The helper's own calls ask nobody: a later turn has lost what the command allowed, and so has a resumed one."""
    from . import approval

    given = event.get("tool_input")
    if event.get("tool_name") != "Bash" or not isinstance(given, dict) or not approval.is_plain(given):
        return None
    allowed = {"permissionDecision": "allow", "permissionDecisionReason": "a plain call of claudestrator-helper"}
    return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **allowed}}


_ANSWERS = {
    "SubagentStop": _subagent_stop,
    "StopFailure": _stop_failure,
    "PostToolUse": _post_tool_use,
    "Stop": _stop,
    "PreToolUse": _pre_tool_use,
    "UserPromptExpansion": _expansion,
}
