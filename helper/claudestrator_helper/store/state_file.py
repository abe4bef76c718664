"""``session_state.md``: the state of the run, in frontmatter that a person can read and edit.

Times are whole seconds since the epoch.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ..engine.config import MOST_LOOPS, MOST_PARALLEL
from ..engine.state import NO_RECORD, Agent, Loop, Owner, State, TaskRecord, Verification
from ..errors import ClaudestratorError
from ..texts import frontmatter, ids
from ..texts.models import NAMES
from . import files, project_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from typing import Any

    from .paths import Project

_BODY = """\
# Session state

Written by `claudestrator-helper`; `claudestrator-helper status` shows it for people. `/orchestrate` resumes the run.
"""

#: The files kept out of git, because only the run on this machine can use them.
IGNORED = ".gitignore\nagent_complete/\nclaudestrator.lock\nrun_log.jsonl\nsession_state.md\n.*.tmp\n"


#: The version of the file's form. 1 is that of 0.1.0 and 0.2.0, which name none: a mapping or a list of ids for each
#: value of a task.
SCHEMA = 2
_EMPTY = State()
_PARTS: dict[str, Any] = {"owner": Owner, "loop": Loop, "verification": Verification}
#: Values of the state's parts that the file names otherwise.
_RENAMED = {"number": "loop", "total": "loops", "asked": "verify", "checking": "verifying"}
#: The part of the state, or "" for the state itself, and the name there of each value in the file.
_KEYS = {name: ("", name) for name in State._fields if name not in (*_PARTS, "tasks", "others")} | {
    _RENAMED.get(field, field): (part, field) for part, of in _PARTS.items() for field in of._fields
}
#: What no run exceeds: values by their name, other numbers, characters of a text, and entries of a list or a mapping.
#: A file that came with someone else's repository may hold anything.
_MOST = {"loops": MOST_LOOPS, "loop": MOST_LOOPS, "parallel": MOST_PARALLEL, "outages": 1000}
_NUMBER, _COUNT, _LENGTH, _ENTRIES, _AGENTS = 10**12, 10**9 - 1, 1000, 50_000, 1000
_AGENT = {name: str if name in ("model", "reason") else int for name in Agent._fields}
_RECORD: dict[str, type] = {
    **dict.fromkeys(("attempts", "released", "completed", "earlier", "verified", "proved"), int),
    **dict.fromkeys(("model", "failed", "returned", "unverified", "hint", "committed"), str),
    **dict.fromkeys(("agent", "lost"), Agent),
    **dict.fromkeys(("unchanged", "refused"), bool),
}
#: The values of a record under their names in a file of version 1, those that decide the order first.
_COLUMNS = {"completed": "completed", "failed": "failed", "agents": "agent", "attempts": "attempts", "models": "model"}
_COLUMNS |= {name: name for name in _RECORD if name not in _COLUMNS.values()}


def read(project: Project) -> State:
    """The state on disk, an empty one without a file. Raises ClaudestratorError for an unreadable or invalid file."""
    text = project_files.read(project, project.session)
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
        metadata = frontmatter.own(project_files.read(project, project.session) or "")
    return None if metadata is None else _of(metadata, project.session)


def _of(metadata: dict[str, object], name: str) -> State:
    schema = _checked(name, "schema", metadata.pop("schema", 1), int, _COUNT)
    if schema > SCHEMA:
        raise ClaudestratorError(f"{name} was written by a newer Claudestrator: install that here too; nothing is lost")
    tasks = _rows(metadata, name) if schema == SCHEMA else _of_columns(metadata, name)
    parts: dict[str, dict[str, Any]] = {part: {} for part in ("", *_PARTS)}
    for key, (part, field) in _KEYS.items():
        value = metadata.pop(key, None)
        if value is not None:
            parts[part][field] = _top(name, key, value)
    made: dict[str, Any] = {part: of(**parts[part]) for part, of in _PARTS.items()}
    state = State(**parts[""], **made, tasks=tasks, others=metadata)
    _checked(name, "agents", state.agents, dict, _AGENTS)
    return state


def _top(name: str, key: str, value: object) -> object:
    part, field = _KEYS[key]
    default = getattr(getattr(_EMPTY, part) if part else _EMPTY, field)
    found = _checked(name, key, value, type(default), _MOST.get(key, _NUMBER))
    if key == "lines":
        return [_checked(name, key, line, str, _LENGTH) for line in found]
    for id_ in found if isinstance(found, list) else ():
        _checked_id(name, key, id_)
    return found


def _rows(metadata: dict[str, object], name: str) -> dict[str, TaskRecord]:
    found = metadata.pop("tasks", None)
    found = {} if found is None else _checked(name, "tasks", found, dict, _ENTRIES)
    rows = {}
    for id_, values in found.items():
        _checked_id(name, "tasks", id_)
        where = f"tasks, {id_}"
        known = _checked(name, where, values, dict, _ENTRIES)
        if not known.keys() <= _RECORD.keys():
            raise _wrong(name, f"{where} holds {min(map(repr, known.keys() - _RECORD)):.60}")
        for key, value in known.items():
            # There may be ten thousand tasks, and a hook waits for this.
            if type(value) is not _RECORD[key] or not _is_within(value):
                known[key] = _value(name, f"{where}, {key}", key, value)
        rows[id_] = TaskRecord(**known)
    return rows


def _is_within(value: object) -> bool:
    return 0 <= value <= _COUNT if isinstance(value, int) else isinstance(value, str) and len(value) <= _LENGTH


def _of_columns(metadata: dict[str, object], name: str) -> dict[str, TaskRecord]:
    """The records of a file of version 1."""
    rows: dict[str, dict[str, Any]] = {}
    for column, field in _COLUMNS.items():
        kind = list if _RECORD[field] is bool else dict
        found = metadata.pop(column, None)
        most = _AGENTS if column in ("agents", "lost", "refused") else _ENTRIES
        found = kind() if found is None else _checked(name, column, found, kind, most)
        for id_ in found:
            _checked_id(name, column, id_)
            each = found[id_] if kind is dict else True
            rows.setdefault(id_, {})[field] = _value(name, f"{column}, {id_}", field, each)
    return {id_: TaskRecord(**values) for id_, values in rows.items()}


def _value(name: str, where: str, field: str, value: object) -> Any:
    """One value of a record."""
    kind = _RECORD[field]
    return _agent(name, where, value) if kind is Agent else _checked(name, where, value, kind, _COUNT)


def _agent(name: str, where: str, value: object) -> Agent:
    values = _checked(name, where, value, dict, _ENTRIES)
    known = {}
    for key in _AGENT.keys() & values.keys():
        most = _COUNT if key in ("attempt", "failures") else _NUMBER
        known[key] = _checked(name, f"{where}, {key}", values[key], _AGENT[key], most)
    if known.get("model", NAMES[0]) not in NAMES:
        # A directive holds it, and this file may have come with someone else's repository.
        raise _wrong(name, f"{where} has the model {known['model']!r:.60}")
    try:
        return Agent(**known)
    except TypeError as error:
        raise _wrong(name, f"{where} lacks a value") from error


def _checked(name: str, key: str, value: Any, kind: type, most: int) -> Any:
    """*value*, with a text cut to its limit, because agents write some. Raises ClaudestratorError for one of another
    *kind*, and for other excess."""
    is_kind = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if not is_kind:
        raise _wrong(name, f"{key} is {value!r:.60} and not {_NAMES[kind]}")
    if isinstance(value, str):
        return value[:_LENGTH]
    if isinstance(value, int):
        # Times may be before the epoch if a clock is wrong.
        fits = (-most if most == _NUMBER else 0) <= value <= most
    else:
        most = _AGENTS if key == "verifying" else min(most, _ENTRIES)
        fits = len(value) <= most
    if not fits:
        what = f"{value!r:.60}" if isinstance(value, int) else f"a list of {len(value)}"
        raise _wrong(name, f"{key} is {what}, and {most} is the most")
    return value


def _checked_id(name: str, key: str, id_: object) -> None:
    # It becomes part of file names, and this file may have come with someone else's repository.
    if not isinstance(id_, str) or not ids.is_id(id_):
        raise _wrong(name, f"{key} holds {id_!r:.60}, which is not an id")


def _wrong(name: str, what: str) -> ClaudestratorError:
    return ClaudestratorError(f"{name}: {what}; fix or delete the file")


_NAMES = {bool: "true or false", str: "a text", int: "a whole number", dict: "a mapping", list: "a list"}


def render(state: State) -> str:
    return frontmatter.join(_flat(state), _BODY)


def write(project: Project, state: State) -> None:
    """Writes *state* to disk; the caller holds the lock. Raises ClaudestratorError if it can't be written."""
    ignore = os.path.join(project.state, ".gitignore")
    if not os.path.lexists(ignore):
        project_files.write(project, ignore, IGNORED)
    project_files.write(project, project.session, render(state))


def forget_completed(project: Project, ids: Iterable[str]) -> None:
    """Lets runs take up completed tasks again; the caller holds the lock."""
    current = before = read(project)
    for id_ in {*ids} & {*current.archive()}:
        current = current.recorded(id_, completed=None, earlier=None)
    if current != before:
        write(project, current)


def get(state: State, key: str) -> object:
    """One value by its name. Raises ClaudestratorError for an unknown name."""
    values = _flat(state)
    if key not in values:
        raise ClaudestratorError(f"there is no {key!r} in the session state: `claudestrator-helper state` shows all")
    return values[key]


def put(state: State, key: str, value: object) -> State:
    """*state* with one value replaced. A person may add names of their own. Raises ClaudestratorError for a value of
    the wrong type, and for a name that can't be a key."""
    if key not in (*_KEYS, "tasks"):
        if not key.isidentifier() or key != key.lower() or key in ("others", "schema"):
            raise ClaudestratorError(f"{key[:60]!r} is not a key: use lower-case letters, digits and '_'")
        return state._replace(others=state.others | {key: value})
    try:
        return parse(frontmatter.join({**_flat(state), key: value}, ""))
    except ClaudestratorError as error:
        now = f"`claudestrator-helper state {key}` shows what it is now"
        raise ClaudestratorError(f"{key} can't be {value!r:.60}: {now}") from error


def _flat(state: State) -> dict[str, object]:
    values: dict[str, object] = {"schema": SCHEMA}
    for key, (part, field) in _KEYS.items():
        values[key] = getattr(getattr(state, part) if part else state, field)
    values["tasks"] = {id_: _row(record) for id_, record in state.tasks.items()}
    return values | {key: value for key, value in state.others.items() if key not in values}


def _row(record: TaskRecord) -> dict[str, object]:
    found = zip(TaskRecord._fields, record, NO_RECORD, strict=True)
    return {key: each._asdict() if isinstance(each, Agent) else each for key, each, default in found if each != default}
