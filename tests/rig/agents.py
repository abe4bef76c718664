"""The scripted agents: they obey their prompt, act their part, and believe only what they saw succeed."""

from __future__ import annotations

import itertools
import os
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rig.conversation import Call, calls, last_calls, say, texts, use
from rig.messages_api import ApiError
from rig.plays import Act, Ending, Play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rig.messages_api import JSON, Request

COMMAND_LIMIT = 9_000
_RUN = re.compile(r"Run `([^`]+)` and follow it")
_TASK = re.compile(r"^# Your task: (\S+)", re.MULTILINE)
_REPORT = re.compile(r"^ *(claudestrator-helper (done|fail) \S+ --attempt (\d+)(?: - <<'(\w+)')?)$", re.MULTILINE)
_MESSAGE = re.compile(r"^(REPORT \S+ attempt (\d+): (done|failed))$", re.MULTILINE)
_VERDICT = re.compile(
    r"^(claudestrator-helper verdict) ID (pass|fail)( --attempt \d+)(?: (- <<'(\w+)'))?$", re.MULTILINE
)
_JUDGED = re.compile(r"^## (\S+) \(line \d+\)$", re.MULTILINE)
_FOLDER = re.compile(r"^In a worktree of your own: (\S+)$", re.MULTILINE)
_SEPARATOR = "\n\n---\n\n"


@dataclass(frozen=True)
class Assignment:
    """What the printed prompt says: the task, the attempt, how to report (by verb the heredoc's head, or the last
    message's first line), for which tasks a verifying agent is to give which command with its verdict, and the folder
    of the agent's own worktree, "" if it has none."""

    task_id: str
    attempt: int
    heads: dict[str, tuple[str, str]]
    judged: tuple[str, ...] = ()
    verdicts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    folder: str = ""

    @classmethod
    def parse(cls, prompt: str) -> Assignment:
        """Raises ValueError for a prompt that does not name the task or does not say how to report."""
        task = _TASK.search(prompt)
        reports = _REPORT.findall(prompt)
        heads = {verb: (head, mark) for head, verb, _, mark in reports}
        messages = _MESSAGE.findall(prompt)
        heads |= {"done" if word == "done" else "fail": (line, "") for line, _, word in messages}
        reports += [("", "", attempt, "") for _, attempt, _ in messages]
        if not task or set(heads) != {"done", "fail"}:
            raise ValueError(f"an agent can't work by this prompt: {prompt[:300]!r}")
        verdicts = {words[1]: words for words in _VERDICT.findall(prompt)}
        folder = "".join(_FOLDER.findall(prompt))
        return cls(task[1], int(reports[0][2]), heads, tuple(_JUDGED.findall(prompt)), verdicts, folder)

    @property
    def by_message(self) -> bool:
        return self.heads["done"][0].startswith("REPORT ")

    def report(self, verb: str, text: str) -> JSON:
        head, mark = self.heads[verb]
        if self.by_message:
            return say(f"{head}\n{text}")
        # Not every agent is asked for a note.
        return use("Bash", command=f"{head}\n{text}\n{mark}" if mark else head)

    def verdict(self, task_id: str, why: str) -> JSON:
        verb, word, attempt, heredoc, mark = self.verdicts["fail" if why else "pass"]
        command = f"{verb} {task_id} {word}{attempt}"
        return use("Bash", command=f"{command} {heredoc}\n{why}\n{mark}" if why else command)


def next_blocks(request: Request, play: Play, launch: int) -> list[JSON]:
    """The agent's next message. Its place in its part is the number of messages that it has sent.

    `launch` counts the agents that were started with this prompt, from 1.
    """
    sent = sum(message["role"] == "assistant" for message in request.messages)
    told = task_of(request)
    if told is None:
        return [say("There is nothing that I was told to run.")]
    if play.act(told, launch).ending is Ending.UNSTARTED:
        return [say("I would rather not.")]
    if _given(request):
        # A forked skill begins with its prompt.
        return (
            _step(request, play, sent + 1)
            if not sent or last_calls(request.messages)
            else _after_the_end(request, play)
        )
    if not sent:
        return [use("Bash", command=first_command(request))]
    return _step(request, play, sent) if last_calls(request.messages) else _after_the_end(request, play)


def first_command(request: Request) -> str | None:
    """The command that the agent's launch told it to run."""
    asked = _RUN.search("\n".join(texts(request.messages, "user")))
    return asked[1] if asked else None


def task_of(request: Request) -> str | None:
    """What the agent was launched for."""
    given, command = _TASK.search(_given(request)), first_command(request)
    return given[1] if given else command.split()[-1] if command else None


def prompt_of(request: Request) -> str:
    """What the agent began with, or its first call printed; "" where it has not come to that."""
    return _given(request) or next((call.result for call in calls(request.messages)), "")


def launched(block: JSON) -> str:
    """What the agent that a call starts is for; "" for another call."""
    given = block.get("input", {})
    return str(given.get("description" if block.get("name") in ("Agent", "Task") else "args", ""))


def is_told(request: Request, task_id: str) -> bool:
    """Whether the agent was launched for that task."""
    return task_of(request) == task_id


def _given(request: Request) -> str:
    """The prompt that the agent began with; "" for one that has to fetch it."""
    return next((text for text in texts(request.messages[:1], "user") if _TASK.search(text)), "")


def _step(request: Request, play: Play, sent: int) -> list[JSON]:
    answered = last_calls(request.messages) or [Call("", {}, "", is_error=False)]
    failure = next((call for call in answered if call.is_error and call.tool != "Read"), None)
    if sent == 1 and failure:
        return [say(f"My prompt can't be had: {failure.result[:200]}")]
    assignment = _assignment(request)
    last = answered[-1]
    if _is_report(last.input.get("command", "")) or _since_refusal(request):
        return _after_report(request, assignment, play.act(assignment.task_id, assignment.attempt), last)
    judging = _judging(assignment, play)[sent - 1 : sent]
    if judging:
        (task_id, check) = judging[0]
        return [use("Bash", command=check) if check else assignment.verdict(task_id, _why(failure) if failure else "")]
    if failure or assignment.judged:
        return (
            [assignment.report("fail", _why(failure))]
            if failure
            else _ending(assignment, play.act(assignment.task_id, assignment.attempt))
        )
    # Not all of them: the last takes its time when it is made.
    return next(itertools.islice(_steps(assignment, play), sent - 1, None))


def _judging(assignment: Assignment, play: Play) -> list[tuple[str, str]]:
    """The turns of a verifying agent: a task with its check, if it has one, and then without it for the verdict."""
    checks = play.act(assignment.task_id, assignment.attempt).verdicts
    return [turn for id_ in assignment.judged for turn in ([(id_, checks[id_])] if id_ in checks else []) + [(id_, "")]]


def _steps(assignment: Assignment, play: Play) -> Iterator[list[JSON]]:
    act = play.act(assignment.task_id, assignment.attempt)
    if assignment.task_id == "decomposition":
        yield from ([call] for call in add_tasks_calls(play.tasks))
    yield from _writing(assignment, act.files)
    yield from ([use("Bash", command=check)] for check in act.checks)
    yield _ending(assignment, act)


def _writing(assignment: Assignment, files: dict[str, str]) -> Iterator[list[JSON]]:
    if files:
        # The Write tool refuses a file that exists and was not read; reading a missing one does no harm.
        paths = {path: os.path.join(assignment.folder, path) for path in files}
        yield [use("Read", file_path=path) for path in paths.values()]
        yield [use("Write", file_path=paths[path], content=content) for path, content in files.items()]


def _ending(assignment: Assignment, act: Act) -> list[JSON]:
    time.sleep(act.delay)
    if act.ending is Ending.BROKEN:
        raise ApiError(act.status)
    if act.ending in (Ending.FORGET, Ending.SILENT):
        return [say(act.chatter or "All of it works now.")]
    report = assignment.report("fail" if act.ending is Ending.FAIL else "done", act.note)
    return [say(act.chatter), report] if act.chatter and assignment.by_message else [report]


def _after_the_end(request: Request, play: Play) -> list[JSON]:
    """Somebody spoke to an agent that had ended: the hook that tells it to report."""
    assignment = _assignment(request)
    act = play.act(assignment.task_id, assignment.attempt)
    told = "".join(list(texts(request.messages, "user", "system"))[-1:])
    if act.ending is Ending.FORGET and ("claudestrator-helper" in told or "REPORT" in told):
        return [assignment.report("done", act.note)]
    return [say("There is nothing more to say.")]


def _assignment(request: Request) -> Assignment:
    """Raises ValueError."""
    return Assignment.parse(prompt_of(request))


def _is_report(command: str) -> bool:
    return re.match(r"claudestrator-helper (done|fail) ", command) is not None


def _after_report(request: Request, assignment: Assignment, act: Act, last: Call) -> list[JSON]:
    """What it says once its report was taken, or does after that was refused."""
    more = [*_writing(assignment, act.solved), _ending(assignment, act)] if act.solved else []
    done = _since_refusal(request)
    return more[done - 1] if 0 < done <= len(more) else [say(_closing(act, last.result))]


def _since_refusal(request: Request) -> int:
    """How many messages the agent has sent since its first report that was refused, that one included; 0 for none."""
    sent = [message["content"] for message in request.messages if message["role"] == "assistant"]
    wrong = {
        block["tool_use_id"]
        for message in request.messages
        for block in (message["content"] if isinstance(message["content"], list) else [])
        if block.get("type") == "tool_result" and block.get("is_error")
    }
    refused = [
        at
        for at, content in enumerate(sent)
        for block in (content if isinstance(content, list) else [])
        if block.get("id") in wrong and _is_report(block.get("input", {}).get("command", ""))
    ]
    return len(sent) - refused[0] if refused else 0


def _closing(act: Act, printed: str) -> str:
    time.sleep(act.linger)
    line = printed.strip().split("\n")[-1]
    return f"{act.chatter}\n{line}" if act.chatter else line


def _why(failure: Call) -> str:
    lines = failure.result.strip().split("\n")
    what = failure.input.get("command") or failure.input.get("file_path", "")
    # A command's last line is its verdict; a refusal begins with it.
    return f"{what.split(chr(10))[0][:60]}: {lines[-1 if len(lines) > 1 else 0][:200]}"


def add_tasks_calls(sections: tuple[str, ...]) -> list[JSON]:
    """The sections through `add-tasks`, in order, in as few commands as their length allows."""
    calls: list[JSON] = []
    batch: list[str] = []
    for section in sections:
        if batch and len(_add_tasks_command([*batch, section])) > COMMAND_LIMIT:
            calls.append(use("Bash", command=_add_tasks_command(batch)))
            batch = []
        batch.append(section)
    return [*calls, use("Bash", command=_add_tasks_command(batch))] if batch else calls


def _add_tasks_command(sections: list[str]) -> str:
    body = _SEPARATOR.join(sections)
    return f"claudestrator-helper add-tasks - <<'TASKS'\n{body}\n\n---\nTASKS"
