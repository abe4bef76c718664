"""`context` against what the server saw: the same session, counted from its transcript and from its requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from rig import project
from rig.transcript import transcript

if TYPE_CHECKING:
    from rig.messages_api import Exchange
    from rig.scene import Scene

_WITHIN = 0.02


def context(scene: Scene) -> dict[str, Any]:
    """The account of the project's last run, as `context --json` gives it."""
    found: dict[str, Any] = json.loads(project.helper(scene.project, "context", "--json", home=scene.setting.home))
    return found


def assert_agrees(account: dict[str, Any], exchanges: list[Exchange]) -> None:
    """The account of a run that all of these exchanges of the main conversation belong to."""
    seen, counted = transcript(exchanges), account["characters"]
    told = {"entered": counted["entered"], "reread": counted["reread"], "turns": account["turns"]}
    assert account["turns"] == seen.turns
    assert told == pytest.approx({"entered": seen.entered, "reread": seen.reread, "turns": seen.turns}, rel=_WITHIN)
    assert sum(counted["sources"].values()) == counted["entered"] + counted["opening"]
    assert account["missing"] == {"sessions": 0, "agents": 0, "lines": 0}
