"""What a run cost the orchestrator's context, and the share of that in the whole cost."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from .. import host
from ..engine.config import MOD
from ..errors import ClaudestratorError
from ..store import run_log, state_file
from ..store.paths import Project
from ..texts import ids
from . import agents, prices, session_files
from .agents import Agent, Attempt
from .conversation import segments
from .prices import Usage
from .tally import Row, Segment, together

Began = tuple[str, str]


@dataclass(frozen=True, repr=False, match_args=False)
class Account:
    """One run's account. *whole* is its part of its sessions; *launched* are its agents; *loops* is by number. *gone*
    counts the sessions, and *lost* the agents, without a transcript."""

    run: str
    whole: Segment
    sessions: int
    gone: int = 0
    launched: list[Agent] = field(default_factory=list)
    lost: int = 0
    loops: dict[int, Row] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def tasks(self) -> int:
        """How many tasks had an agent; if none had, how many other ids had one."""
        launched = {*filter(None, self.whole.rows), *(agent.id for agent in self.launched)}
        return sum(ids.role(id_) == "task" for id_ in launched) or len(launched)

    @property
    def agents(self) -> dict[str, list[Usage]]:
        """The usage of each answer of the agents, by the ids of tasks."""
        found: dict[str, list[Usage]] = {}
        for agent in self.launched:
            found.setdefault(agent.id, []).extend(agent.usage)
        return found

    @property
    def main(self) -> list[Usage]:
        """The usage of each answer in the main conversation."""
        return list(self.whole.usage.values())

    @property
    def others(self) -> list[Usage]:
        """The usage of each answer of an agent."""
        return [used for all_ in self.agents.values() for used in all_]

    @property
    def dollars(self) -> tuple[float, float] | None:
        """What orchestration and agents cost, in dollars; None if a model has no price, or no model is known. With a
        mod there may be no orchestration that asked for anything."""
        main, agents = ([prices.dollars(used) for used in side] for side in (self.main, self.others))
        if None in main or None in agents or not any(main or agents):
            return None
        return sum(each or 0.0 for each in main), sum(each or 0.0 for each in agents)


def of_project(project: Project, *, with_agents: bool = True) -> Account:
    """The account of the project's last run.

    Raises ClaudestratorError if there was none, if its transcripts are gone, and if a file can't be read.

    """
    current, log = state_file.read(project), run_log.read(project)
    if not current.run:
        raise ClaudestratorError("no run here yet: name a transcript, `claudestrator-helper context TRANSCRIPT`")
    # A run that a mod began may have been continued by another engine.
    attempts = _spawned(log, current.run) if with_agents else ()
    by_mod = current.engine == MOD
    return of_run(log, current.run, current.owner.session, attempts, with_agents=with_agents, by_mod=by_mod)


def _spawned(log: list[dict[str, object]], run: str) -> list[Attempt]:
    entries = (entry for entry in log if entry.get("run") == run and entry.get("event") == "spawned")
    return [(str(entry.get("id")), attempt) for entry in entries if isinstance(attempt := entry.get("attempt"), int)]


def of_run(
    log: list[dict[str, object]],
    run: str,
    session: str,
    attempts: Collection[Attempt] = (),
    *,
    with_agents: bool = True,
    by_mod: bool = True,
) -> Account:
    """The account of any run in the *log*; *session* is the run's own if the log names none. Agents of a mod, which no
    conversation names, are found if their *attempts* are given; without a mod, the conversation must have the run.

    Raises ClaudestratorError as `of_project` does.

    """
    paths, gone = _transcripts(log, run, session)
    if not attempts:
        return _account(paths, log, run, gone, with_agents)
    try:
        found = _account(paths, log, run, gone, with_agents=False)
    except ClaudestratorError:
        if not by_mod:
            raise
        # Nothing of the run is in the conversation.
        found = Account(run, Segment(), len(paths), gone)
    found.whole.agents.update(agents.unnamed(paths, found.whole.agents, set(attempts)))
    launched, lost = agents.of(found.whole, paths)
    for id_ in (id_ for id_, _ in attempts if any(agent.id == id_ for agent in launched)):
        found.whole.row(id_)
    return replace(found, launched=launched, lost=lost)


def _transcripts(log: list[dict[str, object]], run: str, session: str) -> tuple[list[str], int]:
    """The transcripts of the run's sessions, and how many of these have none."""
    named = [str(entry.get("session")) for entry in log if _began(entry) and entry.get("run") == run]
    names = list(dict.fromkeys(named)) or [session]
    paths = [path for path in map(session_files.transcript, names) if path]
    if not paths:
        raise ClaudestratorError(
            f"the transcript of the last run's session is not under {session_files.folder()}: name it, "
            "`claudestrator-helper context TRANSCRIPT`"
        )
    return paths, len(names) - len(paths)


def of_transcript(project: Project, path: str) -> Account:
    """The account of the last run in a transcript.

    Raises ClaudestratorError if the transcript can't be read, or holds no run.

    """
    return _account([path], run_log.read(project), "", 0, with_agents=True)


def _account(paths: list[str], log: list[dict[str, object]], run: str, gone: int, with_agents: bool) -> Account:
    by_run: dict[str, list[Segment]] = {}
    unreadable = 0
    for path in paths:
        parts, bad = segments(session_files.lines(path))
        unreadable += bad
        for name, part in zip(_runs(parts, _sessions_log(log, path)), parts, strict=True):
            by_run.setdefault(name, []).append(part)
    if not by_run:
        raise ClaudestratorError(
            f"{paths[-1]} holds no run: name the transcript of a session in which `/orchestrate` was typed"
        )
    if run not in by_run and any(_began(entry) and entry.get("run") == run for entry in log):
        raise ClaudestratorError(
            f"{paths[-1]} does not hold the last run: name another, `claudestrator-helper context TRANSCRIPT`"
        )
    name = run if run in by_run else list(by_run)[-1]
    whole = together(sorted(by_run[name], key=lambda part: part.began))
    found, lost = agents.of(whole, paths) if with_agents else ([], 0)
    known = run or ("" if name.startswith("#") else name)
    return Account(known, whole, len(paths), gone, found, lost, _loops(whole, log, known), unreadable)


def _began(entry: dict[str, object]) -> bool:
    return entry.get("event") == run_log.BEGAN


def _sessions_log(log: Iterable[dict[str, object]], path: str) -> list[Began]:
    """The runs that the transcript's session began, and when."""
    mine = [
        entry for entry in log if _began(entry) and f"{entry.get('session')}{host.LINES}" == path.rpartition("/")[2]
    ]
    return [(str(entry.get("time"))[:19], str(entry.get("run"))) for entry in mine]


def _runs(parts: list[Segment], began: list[Began]) -> list[str]:
    """The run of each part of a session, by the log; without an entry, the run before it, unless a STOP ended that."""
    names: list[str] = []
    for part in parts:
        before = [run for time, run in began if time <= part.began[:19]]
        # Without hooks, only the first `wait` begins the run.
        within = [run for time, run in began if part.began[:19] < time <= part.ended[:19]]
        continues = part.continues and names
        if within and not continues and (not before or before[-1] in names):
            names.append(within[0])
        else:
            names.append(before[-1] if before else names[-1] if continues else f"#{len(names)}")
    return names


def _loops(whole: Segment, log: list[dict[str, object]], run: str) -> dict[int, Row]:
    """What each loop came to. A task counts for the loop in which it was launched last."""
    # The end of a loop's last agent is logged in the next loop, which begins with it.
    mine = [entry for entry in log if entry.get("run") == run and entry.get("event") == "spawned"]
    number = {str(entry.get("id")): prices.count(entry.get("loop")) for entry in mine}
    found: dict[int, Row] = {}
    for id_, row in whole.rows.items():
        if number.get(id_):
            found.setdefault(number[id_], Row()).add(row)
    return dict(sorted(found.items()))
