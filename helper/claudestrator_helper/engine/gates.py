"""Gates: the commands that have to pass before a task is done, and which of them a person has allowed."""

from collections.abc import Iterable

from ..texts.named_tuples import NamedTuple

#: The gate that runs before the first task of a run: what is red then, no task is blamed for.
BASELINE = "baseline"
#: The name of what sets up the worktree of an agent; no id has that sign.
SETUP = "setup~{}"
#: Never changed in place.
NO_COMMANDS = list[str]()


class Gates(NamedTuple):
    """What runs without asking: the gates of a project, the *commands* for each of its tasks and those of single
    *tasks*, by id; and what *setup* runs in each new worktree before its agent begins."""

    commands: list[str]
    tasks: dict[str, list[str]]
    setup: list[str] = NO_COMMANDS

    def __bool__(self) -> bool:
        return self.proves or bool(self.setup)

    @property
    def proves(self) -> bool:
        """Whether there is a gate."""
        return bool(self.commands or self.tasks)

    def of(self, id_: str) -> list[str]:
        """The commands for that task, each once."""
        return list(dict.fromkeys([*self.commands, *self.tasks.get(id_, [])]))


NONE = Gates([], {})


def changed(asked: Gates, allowed: Gates | None, ids: Iterable[str]) -> list[str]:
    """What is no longer as it was allowed, among the gate for all tasks, those of the tasks *ids*, and the set-up."""
    if allowed is None:
        return []
    known = [id_ for id_ in ids if id_ in allowed.tasks and asked.tasks.get(id_) != allowed.tasks[id_]]
    found = ["[gate] commands"] if allowed.proves and asked.commands != allowed.commands else []
    return [*found, *known, *(["[worktree] setup"] if allowed.setup and asked.setup != allowed.setup else [])]


def runnable(asked: Gates, allowed: Gates | None, id_: str) -> list[str]:
    """The commands that run for that task. A gate that was changed since it was allowed is none of them."""
    if allowed is None or asked.commands != allowed.commands:
        return []
    own = asked.tasks.get(id_, [])
    return Gates(asked.commands, {id_: own} if own == allowed.tasks.get(id_) else {}).of(id_)


def waiting(asked: Gates, allowed: Gates | None) -> Gates:
    """What no one has allowed yet."""
    if allowed is None:
        return asked
    tasks = {id_: own for id_, own in asked.tasks.items() if id_ not in allowed.tasks}
    commands = [] if asked.commands == allowed.commands else asked.commands
    return Gates(commands, tasks, [] if asked.setup == allowed.setup else asked.setup)
