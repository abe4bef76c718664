"""A session of Claude Code: it does what `commands/orchestrate.md` says, runs agents, and has its hooks answered."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig.chaos.agent import Agent, Left, transcript
from rig.chaos.calls import Call, Result, call, fork
from rig.chaos.scene import become, real

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.chaos.scene import Scene

TICK = 0.02
DIRECTIVES = ("SPAWN", "WORK", "WAIT", "STOP")
#: What Claude Code allows a Bash call, in milliseconds of the helper's clock.
CAP = 90_000
ERRORS = ("rate_limit", "overloaded", "invalid_request")
#: How the command calls the helper when it is typed.
_TEXT = Path(__file__).parents[3].joinpath("commands", "orchestrate.md").read_text(encoding="utf-8")
START = re.findall(r"^claudestrator-helper (start .*)$", _TEXT, re.MULTILINE)[0].split()


def directives(output: str) -> list[str]:
    """The lines at the end of what the helper printed that begin with a directive's word."""
    found: list[str] = []
    for line in reversed(output.strip().split("\n")):
        if line.split(" ", 1)[0] not in DIRECTIVES:
            break
        found.insert(0, line)
    return found


class Seat:
    """An agent that this session launched; *call* is the input of the Skill tool that it works in the foreground of."""

    def __init__(self, id_: str, who: str, call: dict[str, str] | None = None) -> None:
        self.id, self.who, self.call, self.asked = id_, who, call, False


class Session:
    """*name* is this process's in the journal; *id_* may be an older one's too, as after `claude --resume`."""

    def __init__(self, scene: Scene, name: str, id_: str, words: str, tasks: list[str]) -> None:
        self.scene, self.name, self.id, self.words, self.tasks = scene, name, id_, words, tasks
        self.chance = random.Random(f"{scene.seed}/{name}")
        self.environ = {"CLAUDE_CODE_SESSION_ID": id_, "BASH_MAX_TIMEOUT_MS": str(CAP)}
        self.seats: dict[int, Seat] = {}
        self.under_way: Call | None = None
        self.forgotten: list[Call] = []
        self.over = self.moved = False
        self.idle_since = 0.0
        self.launched = 0

    def live(self) -> None:
        become("claude")
        os.setpgid(0, 0)
        self.environ["CLAUDE_PID"] = str(os.getpid())
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "moved", True))
        self.note("session", id=self.id)
        self.type(self.words)
        world = os.getppid()
        while not self.over and os.getppid() == world:
            self.tick()
            time.sleep(TICK)
        self.note("session ends")

    def tick(self) -> None:
        for pid, seat in list(self.seats.items()):
            self.look_after(pid, seat)
        self.forgotten = [each for each in self.forgotten if each.ended() is None]
        if self.under_way:
            self.listen(self.under_way)
        elif any(seat.call for seat in self.seats.values()):
            pass
        elif not self.over and real() - self.idle_since > (4 if self.seats else 0.6):
            self.note("nudged")
            self.type("")

    def listen(self, under_way: Call) -> None:
        result = under_way.ended()
        if result:
            self.under_way = None
            self.obey(under_way, result)
        elif self.moved and under_way.words[0] == "wait":
            self.note("wait moved to the background")
            self.forgotten.append(under_way)
            self.wait()
        self.moved = False

    # What the command says

    def type(self, words: str) -> None:
        """`/orchestrate`, typed by the person."""
        self.hook("UserPromptExpansion", command_name="orchestrate", command_args=words)
        self.begin(*(word.replace("${CLAUDE_SESSION_ID}", self.id) for word in START))

    def wait(self) -> None:
        self.think()
        self.hook("PreToolUse", tool_name="Bash", tool_input={"command": "claudestrator-helper wait"})
        self.begin("wait")

    def obey(self, ended: Call, result: Result) -> None:
        self.think()
        lines = directives(result.out) if result.code == 0 else []
        self.note("obeys", lines=lines, verb=ended.words[0])
        if lines and lines[-1].startswith("STOP"):
            self.stop(lines[-1])
        elif lines or (result.code < 0 and ended.words[0] == "wait"):
            self.follow(lines)
        elif result.code < 0:
            self.type(self.words)
        else:
            self.end_turn()

    def follow(self, lines: list[str]) -> None:
        """Calls agents, and waits."""
        for line in lines:
            if line.startswith("SPAWN"):
                self.launch(line.split()[1])
        if self.chance.random() < 0.03:
            self.note("ends its turn by mistake")
            self.end_turn()
        elif lines and lines[-1].startswith("WORK"):
            _, id_, model = lines[-1].split()
            self.work(id_, model)
        else:
            self.wait()

    def stop(self, sentence: str) -> None:
        self.note("says", sentence=sentence)
        if "another session" in sentence:
            self.over = not self.sent_back()
        elif "tasks are completed" in sentence or "run has ended" in sentence or self.chance.random() < 0.5:
            # The person reads it and closes the session.
            self.over = not self.sent_back()
        else:
            self.end_turn()

    def end_turn(self) -> None:
        self.idle_since = real()
        self.sent_back()

    def sent_back(self) -> bool:
        """Whether the Stop hook sends this session back to its run."""
        answer = self.hook("Stop", stop_hook_active=False)
        if answer.get("decision") != "block":
            return False
        self.note("sent back", reason=answer.get("reason"))
        self.wait()
        return True

    # Agents

    def launch(self, id_: str) -> None:
        self.launched += 1
        who = f"{self.name}.{self.launched}.{id_}"
        agent = Agent(self.scene, who, id_, self.environ, self.tasks)
        self.seat(Seat(id_, who), agent.live)
        self.hook("PostToolUse", tool_name="Agent", tool_input={"description": id_}, tool_response={"agentId": who})

    def work(self, id_: str, model: str) -> None:
        """Calls the skill, which takes until its agent has ended."""
        given = {"skill": f"claudestrator:work-{model}", "args": id_}
        self.hook("PreToolUse", tool_name="Skill", tool_input=given)
        self.launched += 1
        who = f"{self.name}.{self.launched}.{id_}"
        self.note("foreground", agent=who)
        agent = Agent(self.scene, who, id_, self.environ, self.tasks)
        agent.fork = True
        self.seat(Seat(id_, who, given), agent.live)

    def came_back(self, seat: Seat, code: int) -> None:
        """The call of the skill has returned, or was interrupted."""
        self.note("foreground ends", agent=seat.who)
        if code < 0:
            # The person pressed Esc, of which no hook hears, and speaks or types the command again.
            self.note("interrupted", agent=seat.who)
            if self.chance.random() < 0.5:
                self.type(self.words)
            else:
                self.wait()
            return
        if not os.path.exists(transcript(self.scene, seat.who)):
            # Without its prompt the skill doesn't begin, and the call is refused.
            self.wait()
            return
        response = {"success": True, "commandName": "work", "status": "forked", "agentId": seat.who, "result": "done"}
        answer = self.hook("PostToolUse", tool_name="Skill", tool_input=seat.call, tool_response=response)
        output = answer.get("hookSpecificOutput", {}).get("updatedToolOutput", {})
        lines = directives(str(output.get("result", "")))
        self.note("obeys", lines=lines, verb="hook")
        if lines and lines[-1].startswith("STOP"):
            self.stop(lines[-1])
        else:
            self.follow(lines)

    def seat(self, seat: Seat, work: Callable[[], object]) -> None:
        self.seats[fork(work)] = seat

    def look_after(self, pid: int, seat: Seat) -> None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            return
        code = os.waitstatus_to_exitcode(status)
        if seat.call and (code < 0 or not os.path.exists(transcript(self.scene, seat.who))):
            del self.seats[pid]
            self.came_back(seat, code)
            return
        if code < 0 and self.chance.random() < 0.5:
            # Killed, and Claude Code never says so.
            self.note("agent vanishes", agent=seat.who)
            del self.seats[pid]
            return
        if code == Left.BY_ERROR:
            self.hook("StopFailure", agent_id=seat.who, error=self.chance.choice(ERRORS))
            del self.seats[pid]
            if seat.call:
                self.came_back(seat, code)
            return
        answer = self.hook(
            "SubagentStop",
            stop_hook_active=seat.asked,
            agent_id=seat.who,
            agent_transcript_path=transcript(self.scene, seat.who),
            last_assistant_message="All of it works now.",
        )
        del self.seats[pid]
        if answer.get("decision") == "block" and not seat.asked:
            self.note("agent held", agent=seat.who)
            seat.asked = True
            with open(transcript(self.scene, seat.who), "a", encoding="utf-8") as file:
                file.write(json.dumps({"content": answer.get("reason")}) + "\n")
            agent = Agent(self.scene, f"{seat.who}+", seat.id, self.environ, self.tasks)
            reason = str(answer.get("reason")) if self.chance.random() < 0.8 else ""
            self.seat(seat, partial(agent.asked, reason, worked=code == Left.WORKED))
        elif seat.call:
            self.came_back(seat, code)
        elif not self.under_way:
            # Its notification is a new turn, in which there is nothing to do.
            self.end_turn()

    def hook(self, name: str, **facts: object) -> dict[str, Any]:
        running = [
            {"id": seat.who, "type": "subagent", "status": "running", "description": seat.id}
            for seat in self.seats.values()
            if not seat.call
        ]
        event = {
            "hook_event_name": name,
            "session_id": self.id,
            "cwd": self.scene.root,
            "permission_mode": "default",
            "background_tasks": running,
            **facts,
        }
        environ = {**self.environ, "CLAUDE_PROJECT_DIR": self.scene.root}
        out = call(self.scene, f"{self.name} hook", ["hook"], json.dumps(event), environ).result().out
        answer = json.loads(out) if out.strip() else {}
        return answer if isinstance(answer, dict) else {}

    # Parts

    def begin(self, *words: str) -> None:
        self.under_way = call(self.scene, self.name, words, "", self.environ)

    def think(self) -> None:
        time.sleep(self.chance.uniform(0, 0.08))

    def note(self, event: str, **facts: object) -> None:
        self.scene.journal.note(event, who=self.name, session=self.id, pid=os.getpid(), **facts)
