"""What Claudestrator needs in Claude Code's settings.json: how it is added and removed, text in, text out."""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from .. import host
from ..errors import ClaudestratorError
from . import json_splice
from .claude_settings import GUARD, HOOKS

BOM = "\ufeff"
#: The command of our hooks, in this version or an older one.
_CALL = rf"(?:{re.escape(GUARD)})?claudestrator-helper (?:hook|next-task --hook)"


class Addition(NamedTuple):
    """One added value: *value* under the last word of *path*, or as an item of the list at *path*."""

    path: tuple[str, ...]
    value: Any
    item: bool = False


_ALLOW = (host.PERMISSIONS, host.ALLOW)
#: Containers come before what they hold. A single wait may block for an hour.
WANTED = (
    Addition((host.PERMISSIONS,), {}),
    Addition(_ALLOW, []),
    Addition(_ALLOW, f"{host.BASH}(claudestrator-helper *)", item=True),
    Addition((host.ENV,), {}),
    Addition((host.ENV, host.MAX_TIMEOUT), "3600000"),
    Addition((host.HOOKS,), {}),
    *(
        addition
        for event, hooks in HOOKS.items()
        for addition in (
            Addition((host.HOOKS, event), []),
            *(Addition((host.HOOKS, event), hook, item=True) for hook in hooks),
        )
    ),
)
_LINE = {"type": "command", "command": f"{GUARD}claudestrator-helper status-line"}
#: Added if it is asked for, and if there is no other. A run goes on while nothing enters the conversation.
STATUS_LINE = Addition((host.STATUS_LINE,), {**_LINE, host.REFRESH: 5})
_FORMER_LINE = Addition((host.STATUS_LINE,), _LINE)
#: What any version has added and may therefore remove. Additions that are no longer wanted stay in this list.
_KNOWN = (*WANTED, STATUS_LINE, _FORMER_LINE)


def check(text: str) -> None:
    """Raises ClaudestratorError if *text* can't be added to without changing something else."""
    _parsed(text)
    text = _split_bom(text)[1]
    for path, value, item in WANTED:
        if item or isinstance(value, str) or json_splice.find(text, path) is None:
            continue
        if not isinstance(json_splice.value_at(text, path), type(value)):
            kind = "an object" if isinstance(value, dict) else "a list"
            raise ClaudestratorError(f"has {'.'.join(path)} that is not {kind}: correct it")


def merge(text: str, before: Iterable[Addition], more: Iterable[Addition] = ()) -> tuple[str, list[Addition]]:
    """*text* with everything in WANTED and in *more*, and our values in it: those added now, and those listed in
    *before*. Raises ClaudestratorError as check does."""
    check(text)
    before = list(before)
    text = withdraw(text, former(before))[0]
    bom, text = _split_bom(text)
    ours = []
    kept = [STATUS_LINE] if {STATUS_LINE.path} & {each.path for each in before} else []
    for addition in (*WANTED, *more, *kept):
        missing = not _present(text, addition)
        if missing:
            text = _added(text, addition)
        if (missing or addition in before) and addition not in ours:
            ours.append(addition)
    return bom + text, ours


def former(before: Iterable[Addition]) -> list[Addition]:
    """What an older version has added and this version does not want."""
    return [addition for addition in before if addition not in (*WANTED, STATUS_LINE)]


def is_known(addition: Addition) -> bool:
    """Whether any version adds this: nothing else is ever removed, whatever a manifest lists."""
    path, value, item = addition
    if len(path) == 2 and re.fullmatch("hooks [A-Za-z]+", " ".join(path)):
        calls = _calls(value)
        return bool(calls) and all(re.fullmatch(_CALL, call) for call in calls) if item else value == []
    return addition in _KNOWN


def _calls(group: Any) -> list[str]:
    hooks = group.get("hooks") if isinstance(group, dict) else None
    return [str(hook.get("command")) for hook in hooks if isinstance(hook, dict)] if isinstance(hooks, list) else []


def withdraw(text: str, ours: Iterable[Addition]) -> tuple[str, list[str], list[str]]:
    """*text* without our additions, the removed values for people, and the names of those that a person has changed.
    Raises ClaudestratorError if *text* isn't a JSON object."""
    _parsed(text)
    bom, text = _split_bom(text)
    taken, changed = [], []
    for addition in reversed(list(ours)):
        path, value, item = addition
        now = json_splice.value_at(text, path)
        if item and isinstance(now, list) and value in now:
            text = json_splice.remove(text, (*path, now.index(value)))
            taken.append(addition)
        elif not item and now == value:
            text = json_splice.remove(text, path)
            taken.append(addition)
        elif not item and now is not None and value not in ({}, []):
            changed.append(".".join(path))
    return bom + text, _told(reversed(taken)), changed


def news(ours: Iterable[Addition], before: Iterable[Addition]) -> list[str]:
    """The values added since *before*, for people, one a line, without the empty containers around them."""
    before = list(before)
    return _told(addition for addition in ours if addition not in before)


def _told(additions: Iterable[Addition]) -> list[str]:
    return [f"{'.'.join(path)}: {json.dumps(value)}" for path, value, _ in additions if value not in ({}, [])]


def _parsed(text: str) -> None:
    try:
        values = json.loads(_split_bom(text)[1])
    except (ValueError, RecursionError) as error:
        raise ClaudestratorError(f"is not plain JSON ({error}): correct it, without comments") from error
    if not isinstance(values, dict):
        raise ClaudestratorError("holds no JSON object: put its settings into { }")


def _split_bom(text: str) -> tuple[str, str]:
    return (BOM, text[1:]) if text.startswith(BOM) else ("", text)


def _added(text: str, addition: Addition) -> str:
    path, value, item = addition
    return json_splice.add(text, path, value) if item else json_splice.add(text, path[:-1], value, path[-1])


def _present(text: str, addition: Addition) -> bool:
    path, value, item = addition
    if not item:
        return json_splice.find(text, path) is not None
    now = json_splice.value_at(text, path)
    return value in now or (isinstance(value, dict) and _command(value) in map(_command, now))


def _command(group: Any) -> Any:
    """The calls and the command of a hook's entry, so that one to which a person has added a timeout is present."""
    try:
        return group.get(host.MATCHER), group["hooks"][0]["command"].removeprefix(GUARD)
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
