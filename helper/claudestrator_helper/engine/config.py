"""What a project may configure, and the defaults."""

from .. import host
from ..texts.models import BY_COMPLEXITY
from ..texts.named_tuples import NamedTuple

#: How agents are run: TASK by Claude Code's Task tool, in the background; LEAN as forked skills, in the background of a
#: terminal and otherwise in the foreground; MOD by our hooks module in Claude Code, with no model in between. AUTO is
#: the first of MOD, LEAN in the background, and TASK that works.
TASK, LEAN, MOD, AUTO = "task", "lean", "mod", "auto"
ENGINES = (AUTO, MOD, LEAN, TASK)
#: When the run commits: once a loop, or once a task, on a branch of its own.
BY_LOOP, BY_TASK, NO_COMMITS = "loop", "task", "none"
#: The subject of a task's commit, and what may be in it.
SUBJECT, IN_SUBJECT = "{id}: {objective}", ("id", "objective", "uncapitalized")
#: The model of an agent that carries out no task, where neither the configuration nor its role's text names one.
ROLE_MODEL = "opus"
#: Agents that Claude Code runs at once, at most.
MOST_PARALLEL = host.AGENTS_AT_ONCE
#: Tasks that LEAN runs at once, at most: each model has a skill more than that (hooks/forked_skill.py).
MOST_FORKED = 4
#: Loops of one run at most.
MOST_LOOPS = 1000


#: Never changed in place, like all that a configuration holds.
_NO_WORDS = list[str]()


class Config(NamedTuple):
    """*models* by complexity and, where the configuration says so, by role; *start_timeout* in seconds,
    *task_timeout* in minutes. *parallel* tasks run at once, in *worktrees* of their own where there can be any;
    otherwise never two that may touch the same file, unless they *share_files*. *gate_commands* have to pass before a
    task is done: a red one is refused *gate_refusals* times, and may take *gate_timeout* minutes. In a new worktree,
    the files *worktree_copy* are copied and the commands *worktree_setup* run, for at most *worktree_timeout* minutes
    each."""

    models: dict[str, str] = BY_COMPLEXITY
    attempts: int = 2
    tasks_per_loop: int = 5
    start_timeout: int = 180
    task_timeout: int = 60
    commit: str = BY_LOOP
    commit_subject: str = SUBJECT
    verify: str = "none"
    engine: str = AUTO
    parallel: int = 1
    share_files: bool = False
    worktrees: bool = True
    gate_commands: list[str] = _NO_WORDS
    gate_refusals: int = 3
    gate_timeout: int = 30
    worktree_setup: list[str] = _NO_WORDS
    worktree_copy: list[str] = _NO_WORDS
    worktree_timeout: int = 10
    journal: bool = True
    memory: bool = True
