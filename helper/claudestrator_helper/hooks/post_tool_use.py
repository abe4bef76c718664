"""A call that starts an agent, or waits for one, has returned."""

from .. import host
from ..engine.state import State
from ..store.paths import Project
from .payload import Answer, specific


def answer(project: Project, current: State, event: dict[str, object]) -> Answer | None:
    """Records the name of an agent that was launched in the background, because a later API error names only that.
    After an agent that ran in the foreground, takes the run's next step. Shows the person what a `wait` has printed,
    because Claude Code folds it away, and notifies them of the run's end."""
    given, got = event.get(host.INPUT), event.get(host.RESPONSE)
    if not isinstance(given, dict) or not isinstance(got, dict) or event.get(host.AGENT):
        # An agent's own calls are not the run's.
        return None
    if event.get(host.TOOL) == host.BASH:
        from . import progress

        return progress.of_wait(project, given, got) or None
    return _of_launch(project, current, event, given, got) if current.unfinished else None


def _of_launch(
    project: Project, current: State, event: dict[str, object], given: dict[str, object], got: dict[str, object]
) -> Answer | None:
    from ..engine import markers
    from ..store import marker_files

    if event.get(host.TOOL) == host.SKILL:
        from . import forked_skill

        return forked_skill.returned(project, current, given, got)
    id_, name = given.get(host.DESCRIPTION), got.get(host.AGENT_NAME)
    if event.get(host.TOOL) not in host.LAUNCHERS or not isinstance(name, str) or id_ not in current.agents:
        return None
    attempt = current.agents[id_].attempt
    # One that has begun already has the attempt, although no hook saw its launch.
    if not (marker_files.name(project, id_, attempt) and marker_files.begun(project, id_, attempt) is not None):
        marker_files.leave(project, id_, markers.AGENT, attempt, name)
    if current.engine == "mod":
        _note_mode(project, event)
    if got.get(host.STATUS) != host.LAUNCHED:
        return None
    # Most of the text about a launch explains how to read the agent's output and how to continue the agent.
    output = {key: got.get(key) for key in host.LAUNCH_FIELDS} | host.LAUNCH_EMPTIED
    return specific(host.POST_TOOL_USE, **{host.OUTPUT: output | dict.fromkeys(host.LAUNCH_ADVICE, False)})


def _note_mode(project: Project, event: dict[str, object]) -> None:
    """Notes the permission mode for the next `wait`: no one has told it to the `start` of a mod."""
    from ..store import typed_command

    session = str(event.get(host.SESSION) or "")
    seen = typed_command.read(project, session)
    if seen.mode == typed_command.UNKNOWN and event.get(host.MODE):
        typed_command.note(project, session, f"{typed_command.NEW}{event[host.MODE]}", seen.process, words=None)
