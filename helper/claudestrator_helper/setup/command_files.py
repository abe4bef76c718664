"""Which command files an installation writes, removes and keeps: decided here, without touching the disk."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ClaudestratorError
from .settings_edit import Addition, is_known

#: The manifest beside settings.json, so that it moves with the installation, and the one beside settings.local.json.
NAME, LOCAL_NAME = "claudestrator-install.json", "claudestrator-install.local.json"
#: Everything that any version has installed below ``.claude``: files and folders.
_FILE = r"commands/(?:orchestrate|claudestrator/[\w-]+)\.md"
_FOLDERS = ("", "commands", "commands/claudestrator")


class Manifest(NamedTuple):
    """What an installation put into a ``.claude`` folder. *files* maps each path below the folder to the SHA-256 hashes
    of the texts written there. *folders* were made by the installation, outermost first. *unknown* names listed
    settings that no version adds: a manifest may come with someone else's repository."""

    version: str = ""
    files: Mapping[str, tuple[str, ...]] = {}
    folders: tuple[str, ...] = ()
    settings: tuple[Addition, ...] = ()
    made_settings: bool = False
    unknown: tuple[str, ...] = ()


class Plan(NamedTuple):
    """What to do with each file. *kept* are our files that a person has changed; they stay as they are."""

    writes: dict[str, str]
    removals: list[str]
    kept: list[str]
    files: dict[str, tuple[str, ...]]


def command_files(commands: Mapping[str, str]) -> dict[str, str]:
    """The texts of *commands*, given by file name, by path below ``.claude``. Each gets the name that it has in the
    plugin (``/claudestrator:status``). ``/orchestrate`` is also installed bare."""
    files = {f"commands/claudestrator/{name}": _installed(text) for name, text in sorted(commands.items())}
    return {"commands/orchestrate.md": commands["orchestrate.md"], **files}


def _installed(text: str) -> str:
    """The text of a skill that is called for another. Without a description, a plugin's skill is not in the list that
    every session begins with; one in ``.claude/commands`` is in it, by its first line, and this is the shortest."""
    return text.replace('description: ""', "description: .", 1)


def plan(wanted: Mapping[str, str], present: Mapping[str, str | None], before: Mapping[str, tuple[str, ...]]) -> Plan:
    """The plan that makes the files *wanted*, given the texts *present* and the hashes written *before*. Raises
    ClaudestratorError if someone else's file is in the way."""
    made = Plan({}, [], [], {})
    in_the_way = []
    for path, text in wanted.items():
        now, ours = present.get(path), before.get(path, ())
        if now == text:
            made.files.update({path: (digest(text),)} if ours else {})
        elif now is None or digest(now) in ours:
            made.writes[path] = text
            made.files[path] = (digest(text),)
        elif ours:
            made.kept.append(path)
            made.files[path] = ours
        else:
            in_the_way.append(path)
    if in_the_way:
        names = ", ".join(in_the_way)
        raise ClaudestratorError(f"{names} exists and is not Claudestrator's: move it away and run this again")
    for path, ours in before.items():
        now = present.get(path)
        if path not in wanted and now is not None:
            (made.removals if digest(now) in ours else made.kept).append(path)
    return made


def both(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The hashes of our files while they are being replaced, so that after a kill each is still known as ours."""
    paths = dict.fromkeys([*before, *after])
    return {path: tuple(dict.fromkeys((*before.get(path, ()), *after.get(path, ())))) for path in paths}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def render(manifest: Manifest) -> str:
    fields = manifest._asdict()
    del fields["unknown"]
    fields["settings"] = [addition._asdict() for addition in manifest.settings]
    return json.dumps(fields, indent=2) + "\n"


def parse(text: str) -> Manifest:
    """The manifest in *text*. Raises ClaudestratorError for a text that render did not make."""
    try:
        fields = json.loads(text)
        listed = [Addition(tuple(map(str, a["path"])), a["value"], bool(a["item"])) for a in fields["settings"]]
        files = {_ours(path, re.fullmatch(_FILE, path)): tuple(hashes) for path, hashes in fields["files"].items()}
        folders = tuple(_ours(path, path in _FOLDERS) for path in fields["folders"])
        made = bool(fields["made_settings"])
        version = str(fields["version"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ClaudestratorError(f"is not as Claudestrator wrote it ({error!r}): restore or delete it") from error
    unknown = tuple(json.dumps(".".join(each.path))[:80] for each in listed if not is_known(each))
    return Manifest(version, files, folders, tuple(filter(is_known, listed)), made, unknown)


def _ours(path: Any, known: object) -> str:
    if not known:
        raise ValueError(path)
    return str(path)
