"""Verdicts of the verifying agent on disk: ``agent_complete/<id>.verdict``, one file each, so that none needs a lock.

The first line is ``pass``, or ``fail`` and the reason; the others name the agent's attempt and the agent.
"""

from collections.abc import Iterable

from ..engine import state, verification
from ..errors import ClaudestratorError
from ..store import marker_files, state_file
from ..store.paths import Project
from ..texts import fields, ids, queue

PASS, FAIL = "pass", "fail"
_KIND = "verdict"


def read(project: Project, current: state.State) -> dict[str, str]:
    """The verdicts that have come, by id: "" for a pass, otherwise why the task fails."""
    found = ((id_, _of(project, current, id_)) for id_ in current.verification.checking)
    return {id_: verdict for id_, verdict in found if verdict is not None}


def _of(project: Project, current: state.State, id_: str) -> str | None:
    verifier = verification.id_of(current)
    lines = marker_files.text(project, id_, _KIND).split("\n")
    if lines[1:3] != [f"attempt: {current.record(verifier).attempts}", verifier]:
        return None
    word, _, reason = lines[0].partition(" ")
    return {PASS: "", FAIL: fields.one_line(reason) or "no reason given"}.get(word)


def clear(project: Project, tasks: Iterable[str]) -> None:
    """Removes the verdicts on these tasks, by id."""
    for id_ in tasks:
        marker_files.remove(project, id_, _KIND)


def give(project: Project, id_: str, word: str, attempt: int | None, reason: str) -> str:
    """Leaves a verdict. Returns one line that says so.

    Raises ClaudestratorError for a verdict that can't count: its attempt is over, its task is not under verification,
    a failure has no reason, or it contradicts the first.

    """
    current, said = state_file.read(project), fields.cut(reason, 1000)
    verifier = verification.id_of(current)
    agent = current.agents.get(verifier)
    if agent is None:
        raise ClaudestratorError("nothing is being verified: end here, nothing was recorded")
    if attempt not in (None, agent.attempt):
        raise ClaudestratorError(f"attempt {attempt} of {verifier} is over: end here, nothing was recorded")
    before = _of(project, current, ids.checked(id_))
    if before is None:
        _admit(current, id_, word, said)
        marker_files.leave(project, id_, _KIND, agent.attempt, f"{word} {said}" if word == FAIL else PASS, verifier)
    elif bool(before) != (word == FAIL):
        given = FAIL if before else PASS
        raise ClaudestratorError(f"{id_} has its verdict already, {given}: continue with the next, the first counts")
    left = len(current.verification.checking) - len(read(project, current))
    return f"{word} {id_}, {left} to go" if left else f"{word} {id_}, the last one"


def _admit(current: state.State, id_: str, word: str, reason: str) -> None:
    checking = current.verification.checking
    if id_ not in checking:
        under = f"{', '.join(checking[:5])}{'…' if checking[5:] else ''}"
        raise ClaudestratorError(f"{id_} is not to be verified now: give your verdicts on {under or 'no others'}")
    if word == FAIL and not reason:
        raise ClaudestratorError(f"a fail needs its reason: `claudestrator-helper verdict {id_} {FAIL} REASON`")


def missing(project: Project, current: state.State, parsed: queue.Queue) -> list[str]:
    """The ids of tasks without a verdict, except those that a person has reopened or removed in the meantime."""
    needed = current.completed.keys() & parsed.by_id.keys() - read(project, current).keys()
    return [id_ for id_ in current.verification.checking if id_ in needed]
