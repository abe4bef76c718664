"""Claude Code's settings, as far as a run needs them to be right: rules, modes and hooks, one line for each fault.

No line holds text from a settings file, which may have come with somebody's repository.
"""

import json
import os
from typing import Any

from ..errors import ClaudestratorError
from ..store import files
from ..store.paths import Project

#: Set by the plugin's launcher, which comes with the plugin's hooks.
PLUGIN = "CLAUDESTRATOR_PLUGIN"
#: What a run needs, by the name of the tool in a permission rule.
_NEEDS = {
    "Edit": "agents can't change files",
    "Write": "agents can't make files",
    "Read": "agents can't change files",
    "Bash": "nothing can run",
    "Agent": "no agent can start",
    "Task": "no agent can start",
}
#: Rules that are about no whole tool, and yet leave nothing of it to a run.
_WHOLE = {
    *(f"{tool}({path})" for tool in ("Edit", "Read") for path in ("**", "./**", "/**", "//**")),
    *(f"{tool}(general-purpose)" for tool in ("Agent", "Task")),
    *(f"Bash(claudestrator-helper{rest})" for rest in ("", " *", ":*", "*")),
}
_ACCEPT = "press shift+tab until Claude Code says that it accepts edits"
#: By the permission mode; in the others agents can write files.
_MODES = {
    "plan": f"in plan mode agents can't write files: {_ACCEPT}, and type /orchestrate again",
    "dontAsk": "in don't-ask mode agents can't write files that no rule allows: allow Edit and Write, or accept edits",
    "default": f"in default mode each edit of an agent asks you, and with -p it is denied: {_ACCEPT}",
}
_COST = "so an agent that ends silently costs an hour"
_MANAGED = "/etc/claude-code/managed-settings.json"


#: Begins the installed hooks: where there is no helper, as at a colleague's who shares the project's settings, they do
#: nothing and say nothing. `exec`, so that it costs no process.
GUARD = "! command -v claudestrator-helper >/dev/null || exec "


def _hook(verb: str, matcher: str = "", *conditions: str) -> dict[str, Any]:
    chosen = [{"if": condition} for condition in conditions] or [{}]
    hook = {"hooks": [{"type": "command", **each, "command": f"{GUARD}claudestrator-helper {verb}"} for each in chosen]}
    return {"matcher": matcher, **hook} if matcher else hook


#: By event. `if` is a permission rule: for any other command Claude Code starts no process at all.
HOOKS = {
    "UserPromptExpansion": _hook("hook", "orchestrate|claudestrator:orchestrate"),
    "UserPromptSubmit": _hook("hook"),
    "PreToolUse": _hook("hook", "Bash|Skill", "Bash(claudestrator-helper *)", "Skill"),
    "PostToolUse": _hook("hook", "Agent|Task|Skill"),
    "SubagentStop": _hook("hook"),
    "StopFailure": _hook("hook"),
    "Stop": _hook("hook"),
    "SessionStart": _hook("next-task --hook"),
}

Settings = dict[str, dict[str, Any]]


def read(project: Project) -> Settings:
    """The settings by what people call their files, those that win first; what can't be read is left out."""
    own = os.path.join(project.root, ".claude")
    paths = {
        "the managed settings": _MANAGED,
        ".claude/settings.local.json": os.path.join(own, "settings.local.json"),
        ".claude/settings.json": os.path.join(own, "settings.json"),
        "~/.claude/settings.json": os.path.join(users_folder(), "settings.json"),
    }
    return {name: found for name, path in paths.items() if (found := json_object(path))}


def json_object(path: str) -> dict[str, Any]:
    """The JSON object that a file holds; an empty one where it holds none, or can't be read."""
    try:
        found = json.loads((files.read(path) or "{}").removeprefix("\ufeff"))
    except (ClaudestratorError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def at(values: Any, *path: str) -> Any:
    for word in path:
        values = values.get(word) if isinstance(values, dict) else None
    return values


def users_folder() -> str:
    return os.environ.get("CLAUDE_CONFIG_DIR") or os.path.expanduser("~/.claude")


def first(known: Settings, *path: str) -> Any:
    """The value that counts; None where no file has one."""
    return next((found for values in known.values() if (found := at(values, *path)) is not None), None)


def barred(known: Settings) -> list[str]:
    """The rules that deny a run what it needs, or ask for it each time."""
    found = []
    for name, values in known.items():
        denied, asked = (dict(filter(None, map(_barring, _rules(values, kind)))) for kind in ("deny", "ask"))
        found += [f"{name} denies {rule}, so {why}: take it out of permissions.deny" for rule, why in denied.items()]
        found += [
            f"{name} asks for each {rule}, which with -p is denied: take it out of permissions.ask" for rule in asked
        ]
    return found


def unwriting(known: Settings, mode: str) -> list[str]:
    """Why agents can't write files, or not without a person, in a session of that permission mode."""
    rules = [rule for values in known.values() for rule in _rules(values, "allow")]
    # `Edit` alone stands for that tool, and with a path for every tool that writes there.
    allowed = {"Edit", "Write"} <= set(map(_tool, rules)) or any(
        rule.startswith("Edit(") and rule != "Edit(*)" for rule in rules
    )
    return [_MODES[mode]] if mode in _MODES and (mode == "plan" or not allowed) else []


def unhooked(known: Settings, ran: bool | None) -> list[str]:
    """Why our hooks don't work, or not all. *ran* says whether they did in a session; None where nobody knows."""
    off = next((name for name, values in known.items() if values.get("disableAllHooks") is True), "")
    if off and not ran:
        return [f"{off} has disableAllHooks, {_COST}: take it out"]
    plugins = [found for values in known.values() if isinstance(found := values.get("enabledPlugins"), dict)]
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
    """The events for which no file has a hook of ours, and whether there are others for which one has."""
    hooks = [at(values, "hooks") for values in known.values()]
    missing = [
        event for event in HOOKS if not any("claudestrator-helper" in json.dumps(at(each, event)) for each in hooks)
    ]
    return missing, len(missing) < len(HOOKS)


def _rules(values: dict[str, Any], kind: str) -> list[str]:
    found = at(values, "permissions", kind)
    return [rule for rule in found if isinstance(rule, str)] if isinstance(found, list) else []


def _barring(rule: str) -> tuple[str, str] | None:
    """A rule about all of what a run needs, as it is to be named, and what it does to the run."""
    tool = _tool(rule)
    return (rule if "claudestrator-helper" in rule else tool, _NEEDS[tool]) if tool else None


def _tool(rule: str) -> str:
    """The tool of _NEEDS that a rule is about as a whole, or ""."""
    name = rule.partition("(")[0]
    return name if name in _NEEDS and (rule in (name, f"{name}(*)") or rule in _WHOLE) else ""
