"""What holds for the whole suite: a home of its own, and no deadline for a test on a busy machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples import TIMES
from hypothesis import settings

settings.register_profile("suite", deadline=None, max_examples=60 * TIMES)
settings.load_profile("suite")

#: What a person's shell, or the Claude Code that runs this suite, may have set, and what would change results.
_CHANGES_RESULTS = (
    "AI_AGENT", "BASH_MAX_TIMEOUT_MS", "CLAUDE_CODE_SESSION_ATTENDED", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CONFIG_DIR", "CLAUDE_PROJECT_DIR",
    "CLAUDE_JOB_DIR", "CLAUDE_PID", "CLAUDESTRATOR_PLUGIN", "CLAUDESTRATOR_STATE_DIR",
)  # fmt: skip

#: The files that take longest. They are begun first, in this order, so that no process is left with one at the end; and
#: those that mostly compute among those that mostly wait, so that there is always something for every core.
_LONG = (
    "e2e/test_context", "e2e/test_improvement", "e2e/test_runs", "e2e/test_foreground", "e2e/test_side_by_side", "e2e/test_survival",
    "e2e/test_verification", "test_faults", "e2e/test_context_accounting", "e2e/test_mod_runs", "e2e/test_permission_modes", "test_launcher",
    "e2e/test_words", "e2e/test_own_jobs", "test_commit_cut_off", "test_hostile", "e2e/test_demo", "e2e/test_careless", "test_gates", "test_bounds",
    "test_loops", "test_install", "test_chaos", "test_task_commits", "e2e/test_waiting", "test_fuzz", "test_many_hands", "test_git", "test_worktrees",
    "test_hooks", "test_mod", "e2e/test_colleague", "test_cli", "test_verdicts", "e2e/test_report_page", "test_preflight", "test_commit_killed",
    "test_tree_setup", "test_git_hostile", "test_killed", "test_verify", "e2e/test_isolation", "test_any_order", "test_lean", "test_run",
    "test_claude_code", "test_run_report", "test_output", "e2e/test_oldest",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    order = {here / f"{name}.py": at for at, name in enumerate(_LONG)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of the suite and of every process that it starts."""
    real, own = Path.home(), tmp_path_factory.mktemp("home").resolve()
    with pytest.MonkeyPatch.context() as patch:
        for name in _CHANGES_RESULTS:
            patch.delenv(name, raising=False)
        for name, path in _of_downloads(real).items():
            if name not in os.environ and path.exists():
                patch.setenv(name, str(path))
        patch.setenv("HOME", str(own))
        for name in ("CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(own / name.lower()))
        yield own


@pytest.fixture(scope="session", autouse=True)
def _power_stays_on() -> Iterator[None]:
    """What a test writes has to outlive a process, not the machine; and the disk would take longer than the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


def _of_downloads(real: Path) -> dict[str, Path]:
    """Where downloads are cached and configured: a home without these would fetch everything anew, or fail to."""
    return {
        "XDG_CACHE_HOME": real / ".cache",
        "PIP_CONFIG_FILE": real / ".config" / "pip" / "pip.conf",
        "NPM_CONFIG_USERCONFIG": real / ".npmrc",
    }
