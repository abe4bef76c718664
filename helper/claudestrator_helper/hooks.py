"""Claude Code's hook events. Stdlib only, because hooks run on every matching event of every session.

A bug here must never fail or hold a session of somebody's: `main` swallows everything. Nothing is done in a session
that isn't the run's own, so that no repository's files can make a hook do anything in anybody else's.
"""

import os
import sys

from . import paths
from .paths import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State

#: So many times a session is sent back to a run in which nothing happens. Claude Code's own cap is 8.
MOST_RETURNS = 3
_REPORT = (
    "If {id} is done and you saw it work, run `claudestrator-helper done {id} --attempt {attempt}`; if not, run "
    "`claudestrator-helper fail {id} --attempt {attempt} 'the reason'`. Then end with the line that it prints."
)
_REMIND = "You are ending without a report, and the run is waiting for one. "
_BUSY = (
    "You are ending your turn while {jobs} is still running, and the run is waiting for your report. If you need its "
    "result, wait for it in this turn, by a call that returns when it has ended; if you don't, stop it. Then report. "
)
_GO_ON = (
    "The run is not finished. Call Bash: command `claudestrator-helper wait`, timeout `3600000`, and obey what it "
    "prints, until STOP."
)
#: What an event of that kind has, and nothing else: in a text, the quotes would be escaped.
_PROMPT = b'"hook_event_name":"UserPromptSubmit"'
#: With these an agent would take the next directive for itself, and in the foreground end its own attempt.
_ORCHESTRATORS = r"(?:^|[;&|(])\s*claudestrator-helper (wait|start)(?![\w-])|^claudestrator:work-"
_NOTICE = "<task-notification>"
Answer = dict[str, object]


def main() -> None:
    try:
        given = sys.stdin.buffer.read(10_000_000)
        # Every prompt of every session comes by here, and to import json takes as long as to start Python.
        if _PROMPT in given and _NOTICE.encode() not in given:
            return
        import json

        answer = answer_to(json.loads(given))
        if answer:
            print(json.dumps(answer))
    except Exception:  # noqa: BLE001, S110
        pass


def answer_to(event: dict[str, object]) -> Answer | None:
    """What Claude Code is to do about an event; None for nothing."""
    answer = _ANSWERS.get(str(event.get("hook_event_name")))
    if answer is None or (answer is _user_prompt_submit and not str(event.get("prompt")).startswith(_NOTICE)):
        return None
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or str(event.get("cwd") or os.getcwd())
    project = paths.project(paths.root_around(folder))
    if answer is _expansion:
        return _expansion(project, None, event)
    if not os.path.exists(project.session):
        return None
    # Imported only where a run has been, and what reads all of its state only where that is this session's.
    from . import files

    text = files.read(project.session, project.bounds, files.HEAD) or ""
    if not _is_ours(text, event):
        return None
    from . import state

    current = state.own(project, text, whole=True)
    return answer(project, current, event) if current and current.unfinished else None


def _is_ours(text: str, event: dict[str, object]) -> bool:
    """Whether the session has the run whose state begins so: by its id, or because it was cleared since and is still
    the same process. Either is a line that only a run of this session can have, as no one else knows them before."""
    session = event.get("session_id")
    if isinstance(session, str) and session and f'\nsession: "{session}"\n' in text:
        return True
    if f"/{os.environ.get('CLAUDE_PID')}/" not in text:
        return False
    from . import owner

    process = owner.current()
    return bool(process) and f'\nprocess: "{process}"\n' in text


def _expansion(project: Project, _: "State | None", event: dict[str, object]) -> Answer | None:
    """A person has typed `/orchestrate`: what its own `start` isn't told is noted for it, the words above all."""
    from . import asking, owner

    if str(event.get("command_name")) in ("orchestrate", "claudestrator:orchestrate"):
        session, mode = str(event.get("session_id") or ""), str(event.get("permission_mode") or "unknown")
        asking.note(project, session, mode, owner.current(), str(event.get("command_args") or ""))
        # A sandbox lets `start` write nothing outside of the project.
        owner.key()
    return None


def _subagent_stop(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours that ends without a report is asked once for it; then its failure is on record, and the wait
    returns. In auto mode Claude Code lets no hook hold an agent, so there the failure is recorded at once."""
    from . import markers, subagents

    id_ = subagents.task_of(project, current, event)
    agent = current.agents.get(id_)
    if agent is None or markers.report_of(project, id_, agent.attempt):
        return None
    again, is_free = bool(event.get("stop_hook_active")), event.get("permission_mode") == "auto"
    text = _REPORT.format(id=id_, attempt=agent.attempt)
    running = subagents.jobs(current, event, id_)
    if running:
        # What it has started will bring it back, so it has not ended, and was not asked for its report yet.
        if is_free or (again and subagents.will_be_woken(current)):
            return None
        if again:
            subagents.wait_for_end(event, running)
        markers.leave(project, id_, markers.HELD, agent.attempt, markers.HELD)
        return {"decision": "block", "reason": _BUSY.format(jobs=subagents.names(running)) + text}
    if is_free or (again and not markers.is_held(project, id_, agent.attempt)):
        markers.fail(project, id_, agent.attempt, markers.ENDED, markers.SILENCE)
        return None
    markers.remove(project, id_, markers.HELD)
    return {"decision": "block", "reason": _REMIND + text}


def _stop_failure(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours that an error of the API has ended can't be asked for anything."""
    from . import lean, markers, outage

    name = event.get("agent_id")
    if name and current.engine == "lean":
        lean.died(project, str(name), event.get("error"))
    for id_, agent in current.agents.items():
        is_it = name and markers.name(project, id_, agent.attempt) == name
        if is_it and not markers.report_of(project, id_, agent.attempt):
            markers.fail(project, id_, agent.attempt, outage.reason(event.get("error")), markers.API)
    return None


def _post_tool_use(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """An agent of ours was launched in the background: what ends by an error is known by its name only. Or it has ended
    in the foreground, and the run goes on."""
    given, got = event.get("tool_input"), event.get("tool_response")
    if not isinstance(given, dict) or not isinstance(got, dict) or event.get("agent_id"):
        # What an agent calls is its own.
        return None
    from . import lean, markers

    if event.get("tool_name") == "Skill":
        return lean.ended(project, current, given, got)
    id_, name = given.get("description"), got.get("agentId")
    if event.get("tool_name") not in ("Agent", "Task") or not isinstance(name, str) or id_ not in current.agents:
        return None
    markers.leave(project, id_, markers.AGENT, current.agents[id_].attempt, name)
    if got.get("status") != "async_launched":
        return None
    # What Claude Code says of a launch is mostly on how to read the agent's output and to go on with it.
    output = {key: got.get(key) for key in ("status", "isAsync", "agentId", "description", "prompt", "outputFile")}
    output |= {"prompt": "", "outputFile": "", "canReadOutputFile": False, "canContinueAgent": False}
    return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "updatedToolOutput": output}}


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
    from . import subagents

    return any(task.get("description") in current.agents for task in subagents.background(event))


def _pre_tool_use(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """The helper's own calls ask nobody: a later turn has lost what the command allowed, and so has a resumed one."""
    from . import approval, lean

    given, tool = event.get("tool_input"), event.get("tool_name")
    if not isinstance(given, dict):
        return None
    import re

    called = str(given.get("command" if tool == "Bash" else "skill"))
    # What stands below the first line is mostly a text for the helper.
    its_own = re.search(_ORCHESTRATORS, called.split("\n", 1)[0])
    from . import asking

    asking.guard(project, permit=bool(its_own and its_own[1] == "wait" and not event.get("agent_id")))
    if its_own and event.get("agent_id"):
        why = "only the orchestrator runs that: do what your prompt says, and end with your report"
        return _decided("deny", why)
    if not (lean.is_call(current, given) if tool == "Skill" else tool == "Bash" and approval.is_plain(given)):
        return None
    what = "an agent of the run" if tool == "Skill" else "a plain call of claudestrator-helper"
    return _decided("allow", what)


def _decided(decision: str, why: str) -> Answer:
    decided = {"permissionDecision": decision, "permissionDecisionReason": why}
    return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decided}}


def _user_prompt_submit(project: Project, current: "State", event: dict[str, object]) -> Answer | None:
    """The notice of an agent's end, which is as long as the launch was, stays out of the conversation where the run has
    settled that agent already, because then nothing waits for the notice any more."""
    import re

    from . import markers

    found = re.search(r"<task-id>([\w-]+)</task-id>.*?<summary>Agent \"([\w.-]+)\" ", str(event["prompt"]), re.DOTALL)
    if not found or found[2] not in current.attempts:
        return None
    name, id_ = found[1], found[2]
    agent = current.agents.get(id_)
    if agent and markers.name(project, id_, agent.attempt) in ("", name):
        return None
    said = f"the notice that {id_} has ended, which the run knows"
    quiet = {"hookEventName": "UserPromptSubmit", "suppressOriginalPrompt": True}
    return {"decision": "block", "reason": said, "hookSpecificOutput": quiet}


_ANSWERS = {
    "SubagentStop": _subagent_stop,
    "StopFailure": _stop_failure,
    "PostToolUse": _post_tool_use,
    "Stop": _stop,
    "PreToolUse": _pre_tool_use,
    "UserPromptExpansion": _expansion,
    "UserPromptSubmit": _user_prompt_submit,
}
