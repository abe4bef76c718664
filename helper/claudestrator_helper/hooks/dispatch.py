"""Claude Code's hook events. Standard library only, because hooks run on every matching event of every session.

A bug here must never fail or delay anyone's session, so `main` swallows every exception. In a session without a run of
its own a hook does nothing, so that a repository's files can't make a hook act in another person's session.
"""

import os
import sys

from .. import host
from ..store import paths
from ..store.paths import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine.state import State
    from .payload import Answer


def main() -> None:
    """Answers the event on standard input, as JSON on standard output."""
    try:
        given = sys.stdin.buffer.read(10_000_000)
        # Every prompt of every session comes through here, and reading it as JSON takes longer than all of this.
        if host.PROMPT_EVENT in given and host.NOTICE.encode() not in given:
            return
        from ..texts import plain_json

        answer = answer_to(plain_json.loads(given.decode("utf-8", "surrogatepass")))
        if answer:
            print(plain_json.dumps(answer))
    except Exception:  # noqa: BLE001, S110
        pass


def answer_to(event: dict[str, object]) -> "Answer | None":
    """The answer to a hook's input; None for no answer. Raises ClaudestratorError for an unusable project or state."""
    name = str(event.get(host.EVENT))
    if name not in _MODULES:
        return None
    if name == host.USER_PROMPT_SUBMIT and not str(event.get(host.PROMPT)).startswith(host.NOTICE):
        return None
    folder = os.environ.get(host.PROJECT_FOLDER) or str(event.get(host.CWD) or os.getcwd())
    project = paths.project(paths.root_around(folder))
    if name in _WITHOUT_RUN:
        return _answer(name, project, None, event)
    if not os.path.exists(project.session):
        return None
    # Imported only where there has been a run. The whole state is read only for the session that owns it.
    from ..store import files

    text = files.read(project.session, project.bounds, files.HEAD) or ""
    if not _is_ours(text, event):
        return None
    from ..store import state_file

    current = state_file.own(project, text, whole=True)
    is_due = current is not None and (current.unfinished or name in _AFTER_END)
    return _answer(name, project, current, event) if is_due else None


def _answer(name: str, project: Project, current: "State | None", event: dict[str, object]) -> "Answer | None":
    # What importlib holds takes longer to import.
    module = __import__(f"{__package__}.{_MODULES[name]}", fromlist=["answer"])
    answer: Answer | None = module.answer(project, current, event)
    return answer


def _is_ours(text: str, event: dict[str, object]) -> bool:
    """Whether the session has the run whose state begins with *text*: by its id, or, after /clear has changed the id,
    by its process. Only the session's own run can name either, because no one else knows them in advance."""
    session = event.get(host.SESSION)
    if isinstance(session, str) and session and f'\nsession: "{session}"\n' in text:
        return True
    if f"/{os.environ.get(host.PID)}/" not in text:
        return False
    from ..system import processes

    process = processes.current()
    return bool(process) and f'\nprocess: "{process}"\n' in text


#: The module of each event; only the one in hand is imported.
_MODULES = {
    host.SUBAGENT_STOP: "subagent_stop",
    host.STOP_FAILURE: "stop_failure",
    host.POST_TOOL_USE: "post_tool_use",
    host.STOP: "stop",
    host.NOTIFICATION: "notification",
    host.PRE_TOOL_USE: "pre_tool_use",
    host.USER_PROMPT_EXPANSION: "user_prompt_expansion",
    host.USER_PROMPT_SUBMIT: "user_prompt_submit",
}
#: All other events matter only to the session that owns an unfinished run.
_WITHOUT_RUN = (host.USER_PROMPT_EXPANSION,)
#: What comes after the step that has ended a run: the return of the call that took it, and the last agent's notice.
_AFTER_END = (host.POST_TOOL_USE, host.USER_PROMPT_SUBMIT)
