"""The orchestrator as a script: it knows nothing but the text of the command, and does what that says.

The rows of the command's table are read for the calls to make, and its bullets for what to do when something
else happens. Where the text does not say, this does what an unguided model is known to do (it takes a wait
that came back for a finished one, and ends), so that a gap in the text makes the run fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.conversation import QUIET, last_calls, say, since_last_answer, texts, use

if TYPE_CHECKING:
    from rig.conversation import Call
    from rig.messages_api import JSON, Request

_ROW = re.compile(r"^\| `([A-Z]+)([^`]*)` \| (.+) \|$", re.MULTILINE)
_BULLET = re.compile(r"^- (.+)$", re.MULTILINE)
_TOOL = re.compile(r"\bCall (\w+):")
_ARGUMENT = re.compile(r"(\w+) (?:`` ?(.+?) ?``|`([^`]+)`)")
_SAME_AS = re.compile(r"do as for ([A-Z]+)")
#: What the helper's first line begins with where something will go wrong.
NOTE = "note: "
_SPOKEN = re.compile(r"^The helper says:\s*$", re.MULTILINE)
#: Behind what Claude Code puts before the words of hooks: those at a session's beginning, and at a turn's end.
_HOOK = re.compile(r"^(?:SessionStart hook additional context: |Stop hook feedback:\n)(.+)", re.MULTILINE)
_HOOK_CALL = re.compile(r"\b[Cc]all Bash(?::| with the) command `([^`]+)`(?:,| and) timeout `?(\d+)")
_COMPACTED = "This session is being continued from a previous conversation"


@dataclass(frozen=True)
class Row:
    """One directive: the names of its words (`<id>`), and what the table says to do."""

    word: str
    names: list[str]
    text: str

    def call(self, directive: str, tools: dict[str, JSON]) -> JSON | None:
        """The tool call that the row describes, filled in from the directive's line, if there is one."""
        tool = _TOOL.search(self.text)
        if not tool:
            return None
        values = dict(zip(self.names, directive.split()[1:], strict=False))
        # Claude Code lists the tool as Agent and takes Task for the same.
        schema = tools.get(tool[1]) or tools.get("Agent" if tool[1] == "Task" else "") or {}
        arguments = {
            name: _typed(_filled(quoted or plain, values), schema.get("properties", {}).get(name, {}))
            for name, quoted, plain in _ARGUMENT.findall(self.text[tool.end() :])
        }
        return use(tool[1], **arguments)

    @property
    def beside(self) -> str | None:
        """The directive whose call goes into the same message, after this one's."""
        found = re.search(r"after them the call for ([A-Z]+), in one message", self.text)
        return found[1] if found else None

    @property
    def otherwise(self) -> str | None:
        """The directive that follows where this one's call brings none."""
        same = _SAME_AS.search(self.text)
        return same[1] if same else None


@dataclass(frozen=True)
class Command:
    """The command's text as it arrived in the conversation."""

    rows: dict[str, Row]
    bullets: list[str]
    spoken: str

    @classmethod
    def parse(cls, text: str) -> Command:
        said = _SPOKEN.search(text)
        rules = text[: said.start()] if said else text
        rows = {word: Row(word, re.findall(r"<\w+>", names), does) for word, names, does in _ROW.findall(rules)}
        return cls(rows, _BULLET.findall(rules), text[said.end() :] if said else "")

    def directives(self, output: str) -> list[str]:
        """The lines at the end of what the helper printed that begin with a word of the table."""
        found: list[str] = []
        for line in reversed(output.strip().split("\n")):
            if line.split(" ", 1)[0] not in self.rows:
                break
            found.insert(0, line)
        return found

    def rule(self, *keywords: str) -> str | None:
        """The bullet that speaks of this situation."""
        return next((text for text in self.bullets if all(word in text for word in keywords)), None)


def command_text(messages: list[JSON]) -> str | None:
    """The last command that was expanded into the conversation."""
    # What a compaction brings in again comes from the system.
    found = [text for text in texts(messages, "user", "system") if _ROW.search(text)]
    return found[-1] if found else None


def next_blocks(request: Request) -> list[JSON]:
    """What the orchestrator does now. It looks at the command, its own last calls and their results only."""
    text = command_text(request.messages)
    if text is None:
        return [say("I was given no command that I know.")]
    command = Command.parse(text)
    fresh = since_last_answer(request.messages)
    typed = any(text in said for said in texts(fresh, "user"))
    told = None if typed else _told(fresh)
    answered = last_calls(request.messages)
    if told:
        return [told]
    if typed:
        return [*_note(command), *_obey(command, command.spoken, request)]
    if answered:
        return _after_calls(command, answered, request)
    if any(_COMPACTED in said for said in texts(fresh, "user")):
        # Without a word on it, what the command printed long ago looks like news.
        rule = command.rule("compaction")
        return _by_rule(command, request, "compaction", "") if rule else _obey(command, command.spoken, request)
    return _on_notification(command, request)


def _told(fresh: list[JSON]) -> JSON | None:
    """The call that a hook has asked for, of several the last."""
    said = "\n".join(line for text in texts(fresh, "user", "system") for line in _HOOK.findall(text))
    calls = _HOOK_CALL.findall(said)
    return use("Bash", command=calls[-1][0], timeout=int(calls[-1][1])) if calls else None


def _note(command: Command) -> list[JSON]:
    """What the helper said to the person where nobody but the model can see it."""
    first = command.spoken.strip().split("\n")[0]
    return [say(first)] if first.startswith(NOTE) and command.rule("`note: ") else []


def _after_calls(command: Command, answered: list[Call], request: Request) -> list[JSON]:
    last = answered[-1]
    if last.tool == "Skill" and not last.is_error:
        return _after_work(command, last, request)
    if last.tool != "Bash":
        return _after_spawn(command, answered, request)
    told_nothing = _told_nothing(last)
    if told_nothing and not command.directives(last.result):
        return _by_rule(command, request, told_nothing, else_say=f"The agents are done: {last.result[:80]}")
    return _obey(command, last.result, request)


def _after_spawn(command: Command, answered: list[Call], request: Request) -> list[JSON]:
    refused = [call for call in answered if call.is_error]
    if refused:
        return _by_rule(command, request, "refused", else_say=f"The agent could not start: {refused[0].result[:200]}")
    return [say("The agents were started.")]


def _after_work(command: Command, call: Call, request: Request) -> list[JSON]:
    otherwise = command.rows["WORK"].otherwise
    directives = command.directives(call.result) or ([otherwise] if otherwise else [])
    return _do(command, directives, request) if directives else [say("The agent has ended.")]


def _told_nothing(wait: Call) -> str:
    """The words for a wait that came back without the helper's answer; empty for one that brought it."""
    if re.search(r"moved to the background|running in background", wait.result):
        return "moved to the background"
    if "timed out" in wait.result:
        return "timed out"
    return "interrupted" if "interrupted" in wait.result else ""


def _on_notification(command: Command, request: Request) -> list[JSON]:
    rule = command.rule("notification", "nothing")
    if rule:
        said = [text for text in texts(request.messages, "assistant") if text != QUIET and not text.startswith(NOTE)]
        return [say(said[-1] if said and "after STOP: say that sentence again" in rule else QUIET)]
    return [say("An agent has finished; I will look at what it did.")]


def _by_rule(command: Command, request: Request, situation: str, else_say: str) -> list[JSON]:
    rule = command.rule(situation)
    same = _SAME_AS.search(rule) if rule else None
    return _do(command, [same[1]], request) if same else [say(else_say)]


def _obey(command: Command, output: str, request: Request) -> list[JSON]:
    directives = command.directives(output)
    if directives:
        return _do(command, directives, request)
    if command.rule("No directive"):
        return [say(output.strip() or QUIET)]
    return [say("The helper said something that I do not understand.")]


def _do(command: Command, directives: list[str], request: Request) -> list[JSON]:
    """All SPAWN lines in one message if the text says so, and all WORK lines; other directives by themselves."""
    rows = [(command.rows[line.split(" ", 1)[0]], line) for line in directives]
    together = [(row, line) for row, line in rows if row.word == "SPAWN"]
    if together:
        chosen = together if "All SPAWN lines" in together[0][0].text else together[:1]
        beside = together[0][0].beside
        calls = [*chosen, (command.rows[beside], beside)] if beside else chosen
        return [block for row, line in calls if (block := row.call(line, request.tools))]
    works = [(row, line) for row, line in rows if row.word == "WORK"]
    if len(works) > 1 and "All WORK lines in one message" in works[0][0].text:
        return [block for row, line in works if (block := row.call(line, request.tools))]
    row, line = rows[-1]
    return [row.call(line, request.tools) or say(line.partition(" ")[2])]


def _filled(template: str, values: dict[str, str]) -> str:
    return re.sub(r"<\w+>", lambda name: values.get(name[0], name[0]), template)


def _typed(value: str, schema: JSON) -> str | int | bool:
    if schema.get("type") == "boolean":
        return value == "true"
    return int(value) if schema.get("type") in ("number", "integer") else value
