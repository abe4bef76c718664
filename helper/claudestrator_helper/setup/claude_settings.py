"""What a run needs of Claude Code's settings: rules, permission mode and hooks, with one line for each fault.

No line holds text from a settings file, which may have come with someone else's repository.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from .. import host
from ..errors import ClaudestratorError
from ..run import polling
from ..store import files
from ..store.paths import PLUGIN, Project, users_folder

#: What a run can't do without each tool, by the tool's name in a permission rule.
_NEEDS = {
    host.EDIT: "agents can't change files",
    host.WRITE: "agents can't make files",
    host.READ: "agents can't change files",
    host.BASH: "nothing can run",
    **dict.fromkeys(host.LAUNCHERS, "no agent can start"),
}
#: Rules with a specifier that nevertheless cover everything a run needs of the tool.
_WHOLE = {
    *(f"{tool}({path})" for tool in (host.EDIT, host.READ) for path in ("**", "./**", "/**", "//**")),
    *(f"{tool}(general-purpose)" for tool in host.LAUNCHERS),
    *(f"{host.BASH}(claudestrator-helper{rest})" for rest in ("", " *", ":*", "*")),
}
_ACCEPT = "press shift+tab until Claude Code says that it accepts edits"
#: Why agents can't write files, by the permission mode; in all other modes they can.
_MODES = {
    host.PLAN: f"in plan mode agents can't write files: {_ACCEPT}, and type /orchestrate again",
    host.DONT_ASK: (
        "in don't-ask mode agents can't write files that no rule allows: allow Edit and Write, or accept edits"
    ),
    host.DEFAULT: f"in default mode each edit of an agent asks you, and with -p it is denied: {_ACCEPT}",
}
_COST = "so an agent that ends silently costs an hour"

#: Begins the installed hooks, so that they do nothing where there is no helper, for example on the machine of a
#: colleague who shares the project's settings. `exec` saves a process.
GUARD = "! command -v claudestrator-helper >/dev/null || exec "


def _hook(verb: str, matcher: str = "", *conditions: str, timeout: int = 0) -> dict[str, Any]:
    chosen = [{host.CONDITION: condition} for condition in conditions] or [{}]
    more = {"timeout": timeout} if timeout else {}
    command = f"{GUARD}claudestrator-helper {verb}"
    hook = {"hooks": [{"type": "command", **each, "command": command, **more} for each in chosen]}
    return {host.MATCHER: matcher, **hook} if matcher else hook


#: The installed hooks of each event; a test keeps the plugin's hooks.json equal to this.
HOOKS = {
    host.USER_PROMPT_EXPANSION: (_hook("hook", "orchestrate|claudestrator:orchestrate"),),
    host.USER_PROMPT_SUBMIT: (_hook("hook"),),
    host.PRE_TOOL_USE: (
        _hook("hook", f"{host.BASH}|{host.SKILL}", f"{host.BASH}(claudestrator-helper *)", host.SKILL),
    ),
    host.POST_TOOL_USE: (
        _hook("hook", "|".join(host.LAUNCHERS)),
        # It waits for the agent that the skill has launched, as long as a wait may: run/polling.py.
        _hook("hook", host.SKILL, timeout=polling.LONGEST_WAIT),
        _hook("hook", host.BASH, f"{host.BASH}(claudestrator-helper wait)"),
    ),
    host.SUBAGENT_STOP: (_hook("hook"),),
    host.STOP_FAILURE: (_hook("hook"),),
    host.STOP: (_hook("hook"),),
    host.NOTIFICATION: (_hook("hook", "|".join((*host.ASKING, host.IDLE))),),
    host.SESSION_START: (_hook("next-task --hook"),),
}

Settings = dict[str, dict[str, Any]]


def read(project: Project) -> Settings:
    """The settings by the names of their files for people, in order of precedence, without unreadable files."""
    own = os.path.join(project.root, ".claude")
    paths = {
        "the managed settings": host.MANAGED_SETTINGS,
        ".claude/settings.local.json": os.path.join(own, host.LOCAL_SETTINGS),
        ".claude/settings.json": os.path.join(own, host.SETTINGS),
        "~/.claude/settings.json": os.path.join(users_folder(), host.SETTINGS),
    }
    return {name: found for name, path in paths.items() if (found := json_object(path))}


def json_object(path: str) -> dict[str, Any]:
    """The JSON object in a file; an empty one if the file has no JSON object or can't be read."""
    try:
        found = json.loads((files.read(path) or "{}").removeprefix("\ufeff"))
    except (ClaudestratorError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def at(values: Any, *path: str) -> Any:
    """The value at *path* in nested objects; None if there is none."""
    for word in path:
        values = values.get(word) if isinstance(values, dict) else None
    return values


def first(known: Settings, *path: str) -> Any:
    """The effective value at *path*; None if no file has one."""
    return next((found for values in known.values() if (found := at(values, *path)) is not None), None)


def barred(known: Settings) -> list[str]:
    """One line for each rule that denies what a run needs, or asks a person for it each time."""
    found = []
    for name, values in known.items():
        denied, asked = (dict(filter(None, map(_barring, _rules(values, kind)))) for kind in (host.DENY, host.ASK))
        found += [f"{name} denies {rule}, so {why}: take it out of permissions.deny" for rule, why in denied.items()]
        found += [
            f"{name} asks for each {rule}, which with -p is denied: take it out of permissions.ask" for rule in asked
        ]
    return found


def unwriting(known: Settings, mode: str) -> list[str]:
    """Why agents can't write files, or only with a person's consent, in a session of the permission mode *mode*."""
    rules = [rule for values in known.values() for rule in _rules(values, host.ALLOW)]
    # A bare `Edit` covers only that tool; with a path it covers every tool that writes there.
    whole, narrow = host.EDIT, f"{host.EDIT}("
    allowed = {whole, host.WRITE} <= set(map(_tool, rules)) or any(
        rule.startswith(narrow) and rule != f"{narrow}*)" for rule in rules
    )
    return [_MODES[mode]] if mode in _MODES and (mode == host.PLAN or not allowed) else []


def isolated(known: Settings, environ: Mapping[str, str]) -> list[str]:
    """Why agents can't write to a checkout in a background session: its guard wants them in a worktree."""
    job = environ.get(host.JOB, "")
    own = json_object(os.path.join(job, host.JOB_STATE)).get(host.ISOLATION[1])
    if not job or host.ISOLATION_OFF in (own, first(known, *host.ISOLATION)):
        return []
    setting = f'"{host.ISOLATION[0]}": {{"{host.ISOLATION[1]}": "{host.ISOLATION_OFF}"}}'
    return [f"in a background session agents can't write to this checkout: put {setting} into .claude/settings.json"]


def unhooked(known: Settings, ran: bool | None) -> list[str]:
    """Why some or all of our hooks don't work. *ran* says whether they ran in a session; None if that is unknown."""
    off = next((name for name, values in known.items() if values.get(host.NO_HOOKS) is True), "")
    if off and not ran:
        return [f"{off} has {host.NO_HOOKS}, {_COST}: take it out"]
    plugins = [found for values in known.values() if isinstance(found := values.get(host.PLUGINS), dict)]
    wins = {key: on for each in reversed(plugins) for key, on in each.items()}
    missing: list[str] = []
    older = False
    if PLUGIN not in os.environ and not any(key.startswith("claudestrator@") and on for key, on in wins.items()):
        missing, older = _missing(known)
    if missing and (older or not ran):
        how = f"are of an older version (no {missing[0]})" if older else "are not installed"
        step = "run its install.sh again" if older else "run its install.sh, or install the plugin"
        return [f"Claudestrator's hooks {how}, {_COST}: {step}"]
    if ran is False:
        return [f"Claudestrator's hooks did not run here, {_COST}: trust this folder, or end claude and start it again"]
    return []


def _missing(known: Settings) -> tuple[list[str], bool]:
    """The events without a hook of ours in any file, and whether other events have one."""
    hooks = [at(values, host.HOOKS) for values in known.values()]
    missing = [
        event for event in HOOKS if not any("claudestrator-helper" in json.dumps(at(each, event)) for each in hooks)
    ]
    return missing, len(missing) < len(HOOKS)


def _rules(values: dict[str, Any], kind: str) -> list[str]:
    found = at(values, host.PERMISSIONS, kind)
    return [rule for rule in found if isinstance(rule, str)] if isinstance(found, list) else []


def _barring(rule: str) -> tuple[str, str] | None:
    """The name of a rule that covers all a run needs of a tool, and its effect on the run; None for other rules."""
    tool = _tool(rule)
    return (rule if "claudestrator-helper" in rule else tool, _NEEDS[tool]) if tool else None


def _tool(rule: str) -> str:
    """The tool of _NEEDS that a rule covers as a whole; "" for other rules."""
    name = rule.partition("(")[0]
    return name if name in _NEEDS and (rule in (name, f"{name}(*)") or rule in _WHOLE) else ""
