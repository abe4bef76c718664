"""The project's configuration file, ``.claudestrator/config.toml``.

The shipped file of that name documents every key with its default; a test keeps it equal to this module.
"""

import re
import sys
from collections.abc import Callable, Iterator

from ..engine.config import (
    BY_LOOP,
    BY_TASK,
    ENGINES,
    IN_SUBJECT,
    LEAN,
    MOST_FORKED,
    MOST_PARALLEL,
    NO_COMMITS,
    Config,
)
from ..errors import ClaudestratorError
from ..texts import gate_commands
from ..texts.models import BY_COMPLEXITY, NAMES
from . import files
from .paths import Project

#: Patterns of files to copy.
_MOST = 50
Rule = tuple[Callable[[object], bool], str]


def _one_of(*words: str) -> Rule:
    return lambda value: value in words, f"one of {', '.join(words)}"


def _is_inside(pattern: object) -> bool:
    if not isinstance(pattern, str) or not pattern.isprintable() or not 0 < len(pattern) <= 500:
        return False
    return not pattern.startswith("/") and ".." not in pattern.split("/")


def _is_subject(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable() or value != value.strip() or len(value) > 100:
        return False
    named = re.findall(r"\{(\w+)\}", value)
    return bool(named) and {*named} <= {*IN_SUBJECT} and value.count("{") == value.count("}") == len(named)


def _between(low: int, high: int) -> Rule:
    return (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
        f"a whole number from {low} to {high}",
    )


_COMMANDS: Rule = (
    lambda value: isinstance(value, list) and not gate_commands.problem(value),
    f"a list of at most {gate_commands.MOST} commands, each a program and its words, which no shell reads",
)
_PATTERNS: Rule = (
    lambda value: isinstance(value, list) and len(value) <= _MOST and all(map(_is_inside, value)),
    f"a list of at most {_MOST} paths below the project's folder, in which * and ? stand for other signs",
)
_SUBJECT: Rule = (
    _is_subject,
    f"one line of at most 100 characters, with {' or '.join('{' + name + '}' for name in IN_SUBJECT)} in it",
)
_FLAG: Rule = (lambda value: isinstance(value, bool), "true or false")

ROLES = ("decomposition", "research", "decomp", "verify", "memory")

#: Every key with the rule for its values.
KEYS: dict[str, Rule] = {
    **{f"models.{name}": _one_of(*NAMES) for name in (*BY_COMPLEXITY, *ROLES)},
    "run.attempts": _between(1, 5),
    "run.tasks_per_loop": _between(1, 100),
    "run.start_timeout": _between(30, 3600),
    "run.task_timeout": _between(1, 1440),
    "run.commit": _one_of(BY_LOOP, BY_TASK, NO_COMMITS),
    "run.commit_subject": _SUBJECT,
    "run.verify": _one_of("loop", "none"),
    "run.engine": _one_of(*ENGINES),
    "run.parallel": _between(1, MOST_PARALLEL),
    "run.worktrees": _FLAG,
    "run.share_files": _FLAG,
    "gate.commands": _COMMANDS,
    "gate.refusals": _between(1, 20),
    "gate.timeout": _between(1, 1440),
    "worktree.setup": _COMMANDS,
    "worktree.copy": _PATTERNS,
    "worktree.timeout": _between(1, 1440),
    "journal.enabled": _FLAG,
    "memory.enabled": _FLAG,
}


#: Characters of the file, and dots of a line, that are read; the file may have come with someone else's repository.
_MOST, _DOTS = 100_000, 200
TABLES = tuple(dict.fromkeys(key.split(".")[0] for key in KEYS))


def read(project: Project) -> Config:
    """The configuration. Raises ClaudestratorError with the first problem in the file."""
    values, wrong = _read(project)
    if wrong:
        raise ClaudestratorError(wrong[0])
    return _config(values)


def models(project: Project) -> dict[str, str]:
    """The models of tasks, by complexity; the default ones where the file has problems, as for a look at the queue."""
    try:
        return read(project).models
    except ClaudestratorError:
        return BY_COMPLEXITY


def problems(project: Project) -> list[str]:
    """Every problem in the file, one a line."""
    try:
        return _read(project)[1]
    except ClaudestratorError as error:
        return [str(error)]


def parse(text: str, name: str) -> tuple[dict[str, object], list[str]]:
    """The values by dotted key, and a line for each problem; *name* is the file's in those."""
    if sys.version_info < (3, 11):
        return {}, [f"{name}: reading it needs Python 3.11; install that, and then Claudestrator again"]
    import tomllib

    # It takes tomllib the square of a key's length.
    if len(text) > _MOST or any(line.count(".") > _DOTS for line in text.split("\n")):
        return {}, [f"{name}: it is too long, {_MOST:,} characters and {_DOTS} dots a line are the most; shorten it"]
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        return {}, [f"{name}: {error}; fix its TOML"]
    values: dict[str, object] = {}
    wrong: list[str] = []
    for key, value in _flat(document):
        rule = KEYS.get(key)
        if key in TABLES:
            wrong.append(f"{name}: {key} is {value!r:.60}; it has to be a table: [{key}], and its keys below")
        elif rule is None:
            wrong.append(f"{name}: there is no key {key!r:.60}; {_known(key)}")
        elif not rule[0](value):
            wrong.append(f"{name}: {key} is {value!r:.60}; it has to be {rule[1]}")
        else:
            values[key] = value
    parallel = values.get("run.parallel")
    if values.get("run.engine") == LEAN and isinstance(parallel, int) and parallel > MOST_FORKED:
        wrong.append(f"{name}: run.engine lean runs {MOST_FORKED} tasks at a time; take out run.engine, or set fewer")
    return values, wrong


def _known(key: str) -> str:
    """What there is instead of a key that there isn't."""
    keys = [known for known in KEYS if known.split(".")[0] == key.split(".", maxsplit=1)[0]]
    return f"the keys are {', '.join(keys)}" if keys else f"the tables are {', '.join(TABLES)}"


def _read(project: Project) -> tuple[dict[str, object], list[str]]:
    text = files.read(project.config, project.root)
    return parse(text, project.config) if text is not None else ({}, [])


def _flat(document: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Each value with its dotted key. Unknown tables and keys outside a table get a name that no key has."""
    for key, value in document.items():
        if key in TABLES and isinstance(value, dict):
            yield from ((f"{key}.{inner}", each) for inner, each in value.items())
        else:
            yield (key if key in TABLES else f"[{key}]" if isinstance(value, dict) else f"{key} in no table"), value


def _config(values: dict[str, object]) -> Config:
    default = Config()
    models = {key.removeprefix("models."): str(value) for key, value in values.items() if key.startswith("models.")}
    named = {key.removeprefix("run."): value for key, value in values.items() if key.startswith("run.")}
    named |= {key.replace(".", "_"): value for key, value in values.items() if key.startswith(("gate.", "worktree."))}
    flags = {key.removesuffix(".enabled"): value for key, value in values.items() if key.endswith(".enabled")}
    return default._replace(models=default.models | models, **named, **flags)  # type: ignore[arg-type]
