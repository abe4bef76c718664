"""Where Claude Code keeps the transcripts of sessions and of their agents, and how they are read."""

import os
from collections.abc import Iterator
from contextlib import suppress

from .. import host
from ..errors import ClaudestratorError
from ..store import files, paths
from ..texts import ids


def folder() -> str:
    """The folder that holds a folder of transcripts for each project."""
    return os.path.join(paths.users_folder(), host.TRANSCRIPTS)


def transcript(session: str) -> str | None:
    """The path of a session's transcript, whatever folder the session began in; None if there is none."""
    # The id may have come with someone's repository.
    if not ids.is_id(session):
        return None
    with suppress(OSError):
        for name in sorted(os.listdir(folder())):
            path = os.path.join(folder(), name, session + host.LINES)
            if os.path.isfile(path):
                return path
    return None


def agent(transcripts: list[str], name: str) -> list[str]:
    """The paths of an agent's transcripts; several if its session was cleared while it was at work."""
    if not ids.is_id(name):
        return []
    return [path for path in (of_agent(each, name) for each in transcripts) if os.path.isfile(path)]


def of_agent(transcript: str, name: str) -> str:
    """Where the session with that transcript keeps the transcript of the agent *name*."""
    inside = os.path.join(host.AGENTS_FOLDER, f"{host.AGENT_PREFIX}{name}{host.LINES}")
    return os.path.join(transcript.removesuffix(host.LINES), inside)


def facts(path: str) -> str:
    """Where Claude Code keeps what it knows of the agent with this transcript."""
    return path.removesuffix(host.LINES) + host.AGENT_FACTS


def agents(transcripts: list[str]) -> Iterator[tuple[str, str]]:
    """The names and paths of all agents' transcripts of these sessions."""
    for session in transcripts:
        inside = os.path.join(session.removesuffix(host.LINES), host.AGENTS_FOLDER)
        with suppress(OSError):
            for name in sorted(os.listdir(inside)):
                if name.startswith(host.AGENT_PREFIX) and name.endswith(host.LINES):
                    known = name.removeprefix(host.AGENT_PREFIX).removesuffix(host.LINES)
                    yield known, os.path.join(inside, name)


def is_nested(path: str) -> bool:
    """Whether another agent launched the agent with this transcript, by Claude Code's facts beside it."""
    return host.PARENT in head(facts(path))


def head(path: str) -> bytes:
    """The first megabyte of a file; empty if it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read(1_000_000)
    except OSError:
        return b""


def lines(path: str) -> Iterator[bytes]:
    """The lines of a transcript, one at a time.

    Raises ClaudestratorError if it can't be read.

    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise ClaudestratorError(f"{path} is not a file: name a session's transcript, as under {folder()}")
    try:
        with open(path, "rb") as file:
            yield from file
    except OSError as error:
        raise files.refused("read", path, error) from error
