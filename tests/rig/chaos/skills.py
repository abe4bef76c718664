"""The lean engine in a session: agents as forked skills, in the foreground or in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rig.chaos.calls import Call, call

if TYPE_CHECKING:
    from rig.chaos.events import Seat
    from rig.chaos.session import Session

PREFIX = "claudestrator:"


class Skills:
    """The Skill calls of the message that a session is at, one after the other."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lines: list[str] = []
        self.under_way: Call | None = None
        self.answer: dict[str, Any] | None = None

    def call(self, lines: list[str]) -> None:
        """All WORK lines in one message."""
        self.lines, self.answer = list(lines), None
        self.next()

    def next(self) -> None:
        while self.lines:
            if self.begin(*self.lines.pop(0).split()[1:]):
                return
        if self.answer is None:
            # All calls were refused.
            self.session.wait()
        else:
            self.session.obey_hook(text_of(self.answer))

    def begin(self, id_: str, model: str) -> bool:
        """Whether the skill began."""
        session = self.session
        given: dict[str, str] = {"skill": f"{PREFIX}work-{model}", "args": id_}
        decided = session.hook("PreToolUse", tool_name="Skill", tool_input=given).get("hookSpecificOutput", {})
        given = decided.get("updatedInput", given)
        name = given["skill"]
        is_busy = any(seat.given.get("skill") == name for seat in session.seats.values())
        words = ["prompt", "--skill", name.removeprefix(PREFIX)]
        rendered = call(session.scene, session.name, words, "", session.environ).result()
        if rendered.code:
            session.note("refused", skill=name)
            return False
        background = session.host.background and not is_busy
        seat = session.begin_agent(id_, "background" if background else "foreground", rendered.out, given)
        if background:
            self.came_back(seat)
        return True

    def came_back(self, seat: Seat) -> None:
        """The call has returned: in the background, the hook on it waits for the run's next step."""
        got: dict[str, object] = {"success": True, "commandName": "work", "status": "forked", "agentId": seat.agent}
        got["background" if not seat.foreground else "result"] = True if not seat.foreground else "done"
        facts = {"tool_name": "Skill", "tool_input": seat.given, "tool_response": got}
        self.under_way = self.session.begin_hook("PostToolUse", **facts)

    def tick(self) -> None:
        result = self.under_way.ended() if self.under_way else None
        if result:
            self.under_way, self.answer = None, self.session.answer_of(result)
            self.next()

    def forget(self) -> None:
        """The turn was interrupted."""
        self.lines, self.under_way = [], None


def text_of(answer: dict[str, Any]) -> str:
    """What the model sees in the place of the call's result."""
    output = answer.get("hookSpecificOutput", {}).get("updatedToolOutput", {})
    return str(output.get("result") or output.get("commandName") or "")
