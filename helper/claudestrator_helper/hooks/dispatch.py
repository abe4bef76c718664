"""Claude Code's hook events. Stdlib only, because hooks run on every matching event of every session.

A bug here must never fail or hold a session of somebody's: `main` swallows everything. Nothing is done in a session
that isn't the run's own, so that no repository's files can make a hook do anything in anybody else's.
"""

import os
import sys

from ..store import paths
from ..store.paths import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State


#: What an event of that kind has, and nothing else: in a text, the quotes would be escaped.
_PROMPT = b'"hook_event_name":"UserPromptSubmit"'
_NOTICE = "<task-notification>"


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


def answer_to(event: dict[str, object]) -> dict[str, object] | None:
    """What Claude Code is to do about an event; None for nothing."""
    name = str(event.get("hook_event_name"))
    if name not in _ANSWERS or (name == "UserPromptSubmit" and not str(event.get("prompt")).startswith(_NOTICE)):
        return None
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or str(event.get("cwd") or os.getcwd())
    project = paths.project(paths.root_around(folder))
    if name in _WITHOUT_RUN:
        return _answer(name, project, None, event)
    if not os.path.exists(project.session):
        return None
    # Imported only where a run has been, and what reads all of its state only where that is this session's.
    from ..store import files

    text = files.read(project.session, project.bounds, files.HEAD) or ""
    if not _is_ours(text, event):
        return None
    from ..store import state_file

    current = state_file.own(project, text, whole=True)
    return _answer(name, project, current, event) if current and current.unfinished else None


def _answer(name: str, project: Project, current: "State | None", event: dict[str, object]) -> dict[str, object] | None:
    from importlib import import_module

    module = import_module(f".{_ANSWERS[name]}", __package__)
    answer: dict[str, object] | None = module.answer(project, current, event)
    return answer


def _is_ours(text: str, event: dict[str, object]) -> bool:
    """Whether the session has the run whose state begins so: by its id, or because it was cleared since and is still
    the same process. Either is a line that only a run of this session can have, as no one else knows them before."""
    session = event.get("session_id")
    if isinstance(session, str) and session and f'\nsession: "{session}"\n' in text:
        return True
    if f"/{os.environ.get('CLAUDE_PID')}/" not in text:
        return False
    from ..system import processes

    process = processes.current()
    return bool(process) and f'\nprocess: "{process}"\n' in text


#: Each event's module. Only the one of the event at hand is imported.
_ANSWERS = {
    "SubagentStop": "subagent_stop",
    "StopFailure": "stop_failure",
    "PostToolUse": "post_tool_use",
    "Stop": "stop",
    "PreToolUse": "pre_tool_use",
    "UserPromptExpansion": "user_prompt_expansion",
    "UserPromptSubmit": "user_prompt_submit",
}
#: All other events are about a run that is unfinished and is the session's own.
_WITHOUT_RUN = ("UserPromptExpansion",)
