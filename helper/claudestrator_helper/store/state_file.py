"""``session_state.md``: the state of the run, in frontmatter that a person can read and edit.

Times are whole seconds since the epoch.
"""

import os
from collections.abc import Container
from contextlib import suppress
from dataclasses import asdict, fields, replace
from typing import Any

from ..engine.config import MOST_LOOPS, MOST_PARALLEL
from ..engine.state import Agent, State
from ..errors import ClaudestratorError
from ..texts import frontmatter, ids
from ..texts.models import NAMES
from . import files
from .paths import Project

_BODY = """\
# Session state

Written by `claudestrator-helper`; `claudestrator-helper status` shows it for people. `/orchestrate` resumes the run.
"""

#: The files kept out of git, because only the run on this machine can use them.
IGNORED = ".gitignore\nagent_complete/\nclaudestrator.lock\nrun_log.jsonl\nsession_state.md\n.*.tmp\n"


_TYPES = {name: type(value) for name, value in vars(State()).items() if name != "others"}
_VALUES = {
    **dict.fromkeys(("attempts", "released", "completed", "earlier", "verified"), int),
    **dict.fromkeys(("failed", "models", "returned", "unverified", "hints"), str),
}
#: What no run exceeds: values by their name, other numbers, characters of a text, and entries of a list or a mapping.
#: A file that came with someone else's repository may hold anything.
_MOST = {"loops": MOST_LOOPS, "loop": MOST_LOOPS, "parallel": MOST_PARALLEL, "outages": 1000}
_NUMBER, _COUNT, _LENGTH, _ENTRIES, _AGENTS = 10**12, 10**9 - 1, 1000, 50_000, 1000
_AGENT_TYPES = {f.name: str if f.name in ("model", "reason") else int for f in fields(Agent)}


def read(project: Project) -> State:
    """The state on disk, an empty one without a file. Raises ClaudestratorError for an unreadable or invalid file."""
    text = files.read(project.session, project.bounds)
    return State() if text is None else parse(text, project.session)


def archive(project: Project) -> Container[str]:
    """State.archive of the state on disk; empty if that can't be read."""
    with suppress(ClaudestratorError):
        return read(project).archive()
    return ()


def parse(text: str, name: str = "session_state.md") -> State:
    """The state in a file's *text*; *name* is for messages. Raises ClaudestratorError for an invalid text."""
    return _of(frontmatter.split(text, name)[0], name)


def own(project: Project, head: str, *, whole: bool) -> State | None:
    """The state whose file begins with *head*; None for a file that the helper has not written in this form, and for a
    longer file that is not to be read as a *whole*. Raises ClaudestratorError for a value that no run has."""
    metadata = frontmatter.own(head)
    if metadata is None and whole and os.path.getsize(project.session) > files.HEAD:
        metadata = frontmatter.own(files.read(project.session, project.bounds) or "")
    return None if metadata is None else _of(metadata, project.session)


def _of(metadata: dict[str, object], name: str) -> State:
    known: dict[str, Any] = {}
    for key, kind in _TYPES.items():
        value = metadata.pop(key, None)
        if value is not None:
            known[key] = _bounded(name, key, _checked(name, key, value, kind), _MOST.get(key, _NUMBER))
    for key, kind in _TYPES.items():
        for id_ in known.get(key, ()) if kind in (dict, list) else ():
            _checked_id(name, key, id_)
    # A refusal may quote only valid ids.
    known["agents"] = {id_: _agent(name, f"agents, {id_}", value) for id_, value in known.get("agents", {}).items()}
    known["lost"] = {id_: _agent(name, f"lost, {id_}", value) for id_, value in known.get("lost", {}).items()}
    for key, kind in _VALUES.items():
        for id_, value in known.get(key, {}).items():
            where = f"{key}, {id_}"
            known[key][id_] = _bounded(name, where, _checked(name, where, value, kind), _COUNT)
    return State(**known, others=metadata)


def _agent(name: str, where: str, value: object) -> Agent:
    values = _checked(name, where, value, dict)
    known = {}
    for key in _AGENT_TYPES.keys() & values.keys():
        found = _checked(name, f"{where}, {key}", values[key], _AGENT_TYPES[key])
        known[key] = _bounded(name, f"{where}, {key}", found, _COUNT if key in ("attempt", "failures") else _NUMBER)
    if known.get("model", NAMES[0]) not in NAMES:
        # A directive holds it, and this file may have come with someone else's repository.
        raise ClaudestratorError(f"{name}: {where} has the model {known['model']!r:.60}; fix or delete the file")
    try:
        return Agent(**known)
    except TypeError as error:
        raise ClaudestratorError(f"{name}: {where} lacks a value; fix or delete the file") from error


def _checked(name: str, key: str, value: object, kind: type) -> Any:
    if isinstance(value, kind) and (kind is not int or not isinstance(value, bool)):
        return value
    raise ClaudestratorError(f"{name}: {key} is {value!r:.60} and not {_NAMES[kind]}; fix or delete the file")


def _bounded(name: str, key: str, value: Any, most: int) -> Any:
    """*value*, with a text cut to its limit, because agents write some. Raises ClaudestratorError for other excess."""
    if isinstance(value, str):
        return value[:_LENGTH]
    if isinstance(value, int):
        # Times may be before the epoch if a clock is wrong.
        fits = (-most if most == _NUMBER else 0) <= value <= most
    else:
        most = _AGENTS if key in ("agents", "lost", "verifying", "refused") else _ENTRIES
        fits = len(value) <= most
    if not fits:
        what = f"{value!r:.60}" if isinstance(value, int) else f"a list of {len(value)}"
        raise ClaudestratorError(f"{name}: {key} is {what}, and {most} is the most; fix or delete the file")
    return value


def _checked_id(name: str, key: str, id_: object) -> None:
    # It becomes part of file names, and this file may have come with someone else's repository.
    if not isinstance(id_, str) or not ids.is_id(id_):
        raise ClaudestratorError(f"{name}: {key} holds {id_!r:.60}, which is not an id; fix or delete the file")


_NAMES = {bool: "true or false", str: "a text", int: "a whole number", dict: "a mapping", list: "a list"}


def render(state: State) -> str:
    return frontmatter.join(_flat(state), _BODY)


def write(project: Project, state: State) -> None:
    """Writes *state* to disk; the caller holds the lock. Raises ClaudestratorError if it can't be written."""
    ignore = os.path.join(project.state, ".gitignore")
    if not os.path.lexists(ignore):
        files.write(ignore, IGNORED, within=project.bounds)
    files.write(project.session, render(state), within=project.bounds)


def forget_completed(project: Project, id_: str) -> None:
    """Lets the run take up a completed task again; the caller holds the lock."""
    current = read(project)
    completed = {key: attempt for key, attempt in current.completed.items() if key != id_}
    earlier = {key: attempt for key, attempt in current.earlier.items() if key != id_}
    if (completed, earlier) != (current.completed, current.earlier):
        write(project, replace(current, completed=completed, earlier=earlier))


def get(state: State, key: str) -> object:
    """One value by its name. Raises ClaudestratorError for an unknown name."""
    values = _flat(state)
    if key not in values:
        raise ClaudestratorError(f"there is no {key!r} in the session state: `claudestrator-helper state` shows all")
    return values[key]


def put(state: State, key: str, value: object) -> State:
    """*state* with one value replaced. A person may add names of their own. Raises ClaudestratorError for a value of
    the wrong type, and for a name that can't be a key."""
    if key not in _TYPES:
        if not key.isidentifier() or key != key.lower() or key == "others":
            raise ClaudestratorError(f"{key[:60]!r} is not a key: use lower-case letters, digits and '_'")
        return replace(state, others=state.others | {key: value})
    try:
        return parse(frontmatter.join({**_flat(state), key: value}, ""))
    except ClaudestratorError as error:
        now = f"`claudestrator-helper state {key}` shows what it is now"
        raise ClaudestratorError(f"{key} can't be {value!r:.60}: {now}") from error


def _flat(state: State) -> dict[str, object]:
    values: dict[str, object] = asdict(state)
    values.pop("others")
    return values | state.others
