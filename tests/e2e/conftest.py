"""What the end-to-end tests share. They are skipped, with the reason, where the machine lacks what they need.

CLAUDESTRATOR_E2E=required turns each such skip into a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from rig import chromium, claude_code
from rig.scene import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def claude() -> Path:
    try:
        return claude_code.binary()
    except claude_code.BinaryMissingError as error:
        lacking(str(error))


@pytest.fixture(scope="session")
def stage(claude: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Its folder has a short name, because its length is in every notification; it is kept when a test fails."""
    if not Path(sys.prefix, "bin", "claudestrator-helper").exists():
        lacking(f"the helper is not installed beside {sys.executable}: run `pip install -e .`")
    folder = Path(tempfile.mkdtemp(prefix="e2e-")).resolve()
    # Side by side, each process has its own folder below one that they share.
    own = tmp_path_factory.getbasetemp().resolve()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    yield Stage(claude, folder, data=shared / "data")
    if not request.session.testsfailed:
        shutil.rmtree(folder)


@pytest.fixture
def oldest(stage: Stage) -> Stage:
    """The stage with the oldest release that is supported."""
    try:
        return replace(stage, claude=claude_code.binary(claude_code.OLDEST), folder=stage.folder / "oldest")
    except claude_code.BinaryMissingError as error:
        lacking(str(error))


@pytest.fixture
def without_mods(stage: Stage) -> Stage:
    """The stage with a release before there were mods, and with the engine that Claudestrator chooses there."""
    try:
        binary = claude_code.binary(claude_code.NO_MODS)
    except claude_code.BinaryMissingError as error:
        lacking(str(error))
    return replace(stage, claude=binary, engine="auto", folder=stage.folder / "no-mods")


@pytest.fixture
def lean(stage: Stage) -> Stage:
    return replace(stage, engine="lean", folder=stage.folder / "lean")


@pytest.fixture
def mod(stage: Stage) -> Stage:
    """The stage of a plugin whose hooks module carries out the run, which needs no configuration."""
    return replace(stage, engine="auto", folder=stage.folder / "mod")


@pytest.fixture(params=["task", "lean"])
def both(request: pytest.FixtureRequest, stage: Stage, lean: Stage) -> Stage:
    """The stage with each of the two engines, for what has to be the same with both."""
    return lean if request.param == "lean" else replace(stage, folder=stage.folder / "task")


@pytest.fixture(scope="session")
def tmux() -> None:
    if not shutil.which("tmux"):
        lacking("tmux is missing: install it with the system's package manager")


@pytest.fixture(scope="module")
def page() -> Iterator[chromium.Page]:
    if not chromium.binary():
        lacking("chromium is missing: install it with the system's package manager")
    with chromium.page() as found:
        yield found


def lacking(reason: str) -> NoReturn:
    if os.environ.get("CLAUDESTRATOR_E2E") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
