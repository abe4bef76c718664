"""The runs stay away from the person's own HOME and from the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rig.isolation import namespace_words
from rig.plays import Act, Play, task_section

if TYPE_CHECKING:
    from pathlib import Path

    from rig.scene import Stage

ONE_TASK = (task_section("TASK-001", "the one"),)


def test_installing_and_running_leave_the_callers_home_alone_and_reach_no_network(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_home = tmp_path / "own-home"
    own_home.mkdir()
    monkeypatch.setenv("HOME", str(own_home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    scene = stage.by_script("own-home")
    interfaces = "cat /proc/net/dev > seen.txt || true"

    outcome = scene.orchestrate(Play(ONE_TASK, {"TASK-001": (Act(checks=(interfaces,)),)}), mode="bypassPermissions")

    assert outcome.statuses == {"TASK-001": "completed"}
    assert list(own_home.iterdir()) == []
    if not namespace_words():
        pytest.skip("no network namespace on this machine")
    seen = (scene.project / "seen.txt").read_text(encoding="utf-8").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in seen] == ["lo"]
