"""States of runs, made and changed by the flat names that the state's file has, and of version 1 for tasks' values."""

from collections.abc import Mapping
from typing import Any

from claudestrator_helper.engine.state import NO_RECORD, State
from claudestrator_helper.store import state_file


def state_of(**values: Any) -> State:
    return changed(State(), **values)


def changed(state: State, **values: Any) -> State:
    for name, value in values.items():
        if name in state_file._COLUMNS:
            state = _with_column(state, state_file._COLUMNS[name], value)
        else:
            part, field = state_file._KEYS.get(name, ("", name))
            inner = getattr(state, part)._replace(**{field: value}) if part else value
            state = state._replace(**{part or field: inner})
    return state


def _with_column(state: State, field: str, given: Any) -> State:
    values: dict[str, Any] = dict(given) if isinstance(given, Mapping) else dict.fromkeys(given, True)
    default: Any = NO_RECORD._asdict()[field]
    tasks = {id_: record._replace(**{field: default}) for id_, record in state.tasks.items()}
    for id_, value in values.items():
        tasks[id_] = tasks.pop(id_, NO_RECORD)._replace(**{field: value})
    return state._replace(tasks=tasks)


def column(state: State, name: str) -> dict[str, Any]:
    """One value of all tasks that have it, by id."""
    field = state_file._COLUMNS[name]
    found = {id_: record._asdict()[field] for id_, record in state.tasks.items()}
    return {id_: value for id_, value in found.items() if value not in (None, False, NO_RECORD._asdict()[field])}
