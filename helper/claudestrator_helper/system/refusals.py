"""Whether a commit was refused for something that no change to its files helps against: its message, or git itself.

Git does not say which hook has refused, but its trace names each hook that it runs
(https://git-scm.com/docs/api-trace2, from 2.22 on).
"""

import json
import re

from ..errors import ClaudestratorError
from ..store import files
from ..texts import fields
from .git_process import Done

_OF_MESSAGES = ("prepare-commit-msg", "commit-msg")
#: What git exits with if it fails itself, as where it can't sign.
_FATAL = 128
#: Lines by which hooks tell what is wrong, the surest first; the message itself may be among the others.
_TELLING = ("✖|✗|❌", r"\berrors?\b", "")
_SHOWN, _LENGTH = 3, 240


def final(done: Done, trace: str) -> str:
    """Why no commit can be made, whatever becomes of the files; "" if that is not known. *trace* is the file of git's
    events."""
    if done.code == _FATAL and not re.search(r"\.lock\b", done.why):
        return f"git can't make a commit ({fields.cut(done.why, _LENGTH)})"
    hook = _last_hook(trace) if done.code == 1 else ""
    if hook not in _OF_MESSAGES:
        return ""
    found = ([line for line in done.said if re.search(each, line, re.IGNORECASE)] for each in _TELLING)
    said = fields.cut("; ".join(next(filter(None, found), [])[:_SHOWN]), _LENGTH)
    return f"the hook {hook} refuses the message ({said}): `commit_subject` in .claudestrator/config.toml sets its form"


def _last_hook(trace: str) -> str:
    """The hook that git has run last, and not one of a git that a hook has run."""
    found = ""
    try:
        lines = (files.read(trace) or "").split("\n")
    except ClaudestratorError:
        return ""
    for line in lines:
        try:
            event = json.loads(line or "{}")
        except ValueError:
            continue
        if (
            event.get("event") == "child_start"
            and event.get("child_class") == "hook"
            and "/" not in str(event.get("sid"))
        ):
            found = str(event.get("hook_name", ""))
    return found
