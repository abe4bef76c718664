"""What a run cost the orchestrator's context, and the share of that in the whole cost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .. import host
from ..engine.config import MOD
from ..engine.state import State
from ..errors import ClaudestratorError
from ..store import marker_files, run_log, state_file
from ..store.paths import Project
from ..texts import ids
from . import prices, session_files
from .conversation import later, segments
from .prices import Usage
from .tally import Row, Segment, together
from .transcript import Entry, entries, obj

Began = tuple[str, str]
NO_AGENTS: Mapping[str, str] = {}


@dataclass(frozen=True, repr=False, match_args=False)
class Account:
    """One run's account. *whole* is its part of its sessions; *agents* the usage of each answer of its agents, by the
    ids of tasks; *loops* is by number. *gone* counts the sessions, and *lost* the agents, without a transcript."""

    run: str
    whole: Segment
    sessions: int
    gone: int = 0
    agents: dict[str, list[Usage]] = field(default_factory=dict)
    lost: int = 0
    loops: dict[int, Row] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def tasks(self) -> int:
        """How many tasks had an agent; if none had, how many other ids had one."""
        launched = [id_ for id_ in self.whole.rows if id_]
        return sum(ids.role(id_) == "task" for id_ in launched) or len(launched)

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
        """What orchestration and agents cost, in dollars; None if a model has no price, or no model is known."""
        main, agents = ([prices.dollars(used) for used in side] for side in (self.main, self.others))
        if None in main or None in agents or not any(main + agents):
            return None
        return sum(each or 0.0 for each in main), sum(each or 0.0 for each in agents)


def of_project(project: Project, *, with_agents: bool = True) -> Account:
    """The account of the project's last run.

    Raises ClaudestratorError if there was none, if its transcripts are gone, and if a file can't be read.

    """
    current, log = state_file.read(project), run_log.read(project)
    if not current.run:
        raise ClaudestratorError("no run here yet: name a transcript, `claudestrator-helper context TRANSCRIPT`")
    named = [str(entry.get("session")) for entry in log if _began(entry) and entry.get("run") == current.run]
    names = list(dict.fromkeys(named)) or [current.owner.session]
    paths = [path for path in map(session_files.transcript, names) if path]
    if not paths:
        raise ClaudestratorError(
            f"the transcript of the last run's session is not under {session_files.folder()}: name it, "
            "`claudestrator-helper context TRANSCRIPT`"
        )
    by_mod = _launched_by_mod(project, current) if current.engine == MOD else {}
    return _account(paths, log, current.run, len(names) - len(paths), with_agents, by_mod)


def _launched_by_mod(project: Project, current: State) -> dict[str, str]:
    """The agents of a run that no conversation has orchestrated, each the last at work on its id, with those ids."""
    last = {id_: marker_files.name(project, id_, record.attempts) for id_, record in current.tasks.items()}
    return {name: id_ for id_, name in last.items() if name}


def of_transcript(project: Project, path: str) -> Account:
    """The account of the last run in a transcript.

    Raises ClaudestratorError if the transcript can't be read, or holds no run.

    """
    return _account([path], run_log.read(project), "", 0, with_agents=True)


def _account(
    paths: list[str],
    log: list[dict[str, object]],
    run: str,
    gone: int,
    with_agents: bool,
    by_mod: Mapping[str, str] = NO_AGENTS,
) -> Account:
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
    whole.agents.update(by_mod)
    for id_ in by_mod.values():
        whole.row(id_)
    agents, lost = _agents(whole, paths) if with_agents else ({}, 0)
    known = run or ("" if name.startswith("#") else name)
    return Account(known, whole, len(paths), gone, agents, lost, _loops(whole, log, known), unreadable)


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
        continues = part.continues and names
        names.append(before[-1] if before else names[-1] if continues else f"#{len(names)}")
    return names


def _agents(whole: Segment, paths: list[str]) -> tuple[dict[str, list[Usage]], int]:
    """The usage of each agent, and of those that it launched in turn, by task; and how many left no transcript."""
    used: dict[str, list[Usage]] = {"": list(whole.sidechains.values())} if whole.sidechains else {}
    waiting, seen, lost = list(whole.agents.items()), set(whole.agents), 0
    while waiting:
        name, id_ = waiting.pop()
        places = session_files.agent(paths, name)
        lost += not places
        answers: dict[str, Usage] = {}
        for entry in (entry for path in places for entry in entries(session_files.lines(path)) if entry):
            _note(answers, entry)
            launched = obj(entry.get("toolUseResult")).get(host.AGENT_NAME)
            if isinstance(launched, str) and launched not in seen:
                seen.add(launched)
                waiting.append((launched, id_))
        used.setdefault(id_, []).extend(answers.values())
    return used, 0 if whole.sidechains else lost


def _note(answers: dict[str, Usage], entry: Entry) -> None:
    message = obj(entry.get("message"))
    name = message.get("id")
    if entry.get("type") == "assistant" and isinstance(name, str):
        later(answers, name, prices.parse(message))


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
