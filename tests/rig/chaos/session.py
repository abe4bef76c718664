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

from rig.chaos.agent import Agent, Left, last_message, transcript
from rig.chaos.calls import Call, Result, call, fork
from rig.chaos.events import Events, Seat, described, directives
from rig.chaos.mod import BEGUN, Mod
from rig.chaos.person import content
from rig.chaos.scene import become, real
from rig.chaos.skills import Skills

if TYPE_CHECKING:
    from rig.chaos.hosts import Host
    from rig.chaos.scene import Scene

TICK = 0.02
#: What Claude Code allows a Bash call, in milliseconds of the helper's clock.
CAP = 90_000
ERRORS = ("rate_limit", "overloaded", "invalid_request")
#: How the command calls the helper when it is typed.
_TEXT = Path(__file__).parents[3].joinpath("commands", "orchestrate.md").read_text(encoding="utf-8")
START = re.findall(r"^claudestrator-helper (start .*)$", _TEXT, re.MULTILINE)[0].split()


class Session(Events):
    """*name* is this process's in the journal; *id_* may be an older one's too, as after `claude --resume`. A mod may
    go on with the run of a *resumed* one before anything is typed."""

    def __init__(
        self, scene: Scene, name: str, id_: str, words: str, tasks: list[str], host: Host, *, resumed: bool
    ) -> None:
        environ = {"CLAUDE_CODE_SESSION_ID": id_, "BASH_MAX_TIMEOUT_MS": str(CAP), **host.environ}
        super().__init__(scene, name, id_, environ)
        self.words, self.tasks, self.host, self.resumed = words, tasks, host, resumed
        self.chance = random.Random(f"{scene.seed}/{name}")
        self.skills, self.mod = Skills(self), Mod(self)
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
        signal.signal(signal.SIGUSR2, lambda *_: self.mod.doom())
        self.note("session", id=self.id, host=self.host.name)
        if self.host.mods:
            self.mod.load()
        if not (self.host.mods and self.resumed):
            self.type(self.words)
        world = os.getppid()
        while not self.over and os.getppid() == world:
            self.tick()
            time.sleep(TICK)
        self.mod.unload()
        self.note("session ends")

    def tick(self) -> None:
        for pid, seat in list(self.seats.items()):
            self.look_after(pid, seat)
        self.forgotten = [each for each in self.forgotten if each.ended() is None]
        self.mod.tick()
        self.skills.tick()
        if self.under_way:
            self.listen(self.under_way)
        elif self.skills.under_way or self.mod.busy or self.in_foreground:
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
        self.idle_since = real()
        if self.mod.loaded:
            self.mod.type(words)
        else:
            self.type_markdown(words)

    def type_markdown(self, words: str) -> None:
        self.begin_hook("UserPromptExpansion", command_name="orchestrate", command_args=words).result()
        # On a full disk the hook can't leave the words, and the next wait looks for them in the transcript.
        left = content(os.path.join(os.path.dirname(self.scene.queue), "agent_complete", f".asked.{self.id}"))
        self.note("typed", told=bool(re.search(r'"words": "', left)))
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

    def obey_hook(self, text: str) -> None:
        """Goes on after the Skill calls of a message."""
        lines = directives(text)
        self.note("obeys", lines=lines, verb="hook")
        if lines and lines[-1].startswith("STOP"):
            self.stop(lines[-1])
        else:
            self.follow(lines)

    def follow(self, lines: list[str]) -> None:
        """Calls agents, and waits."""
        for line in lines:
            if line.startswith("SPAWN"):
                self.launch(line.split()[1])
        works = [line for line in lines if line.startswith("WORK")]
        if self.chance.random() < 0.03:
            self.note("ends its turn by mistake")
            self.end_turn()
        elif works:
            self.skills.call(works)
        else:
            self.wait()

    def stop(self, sentence: str) -> None:
        self.note("says", sentence=sentence)
        is_last = re.search("another session|tasks are completed|run has ended", sentence)
        if is_last or self.chance.random() < 0.5:
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

    # What the mod comes to

    def answered(self, answer: dict[str, Any] | None) -> None:
        """The mod has carried out what was typed; without an answer, the command's own text does."""
        self.idle_since = real()
        if answer is None:
            self.type_markdown(self.words)
            return
        last = str(answer.get("text", "")).split("\n")[-1]
        if last != BEGUN:
            self.hears(last)

    def hears(self, sentence: str) -> None:
        """The person reads what a run has ended with, and closes the session or stays."""
        self.note("says", sentence=f"STOP {sentence}")
        self.idle_since = real()
        is_last = re.search("another session|tasks? (are|is) completed|run has ended", sentence)
        self.over = bool(is_last) or self.chance.random() < 0.5

    # Agents

    @property
    def in_foreground(self) -> bool:
        return any(seat.foreground for seat in self.seats.values())

    def launch(self, id_: str, prompt: str = "") -> Seat:
        seat = self.begin_agent(id_, "mod" if prompt else "task", prompt, {})
        response = {"agentId": seat.agent}
        self.hook("PostToolUse", tool_name="Agent", tool_input={"description": id_}, tool_response=response)
        return seat

    def begin_agent(self, id_: str, way: str, prompt: str, given: dict[str, str]) -> Seat:
        self.launched += 1
        seat = Seat(id_, f"{self.name}.{self.launched}.{id_}", way, given)
        self.known.append(seat)
        self.note("launch", agent=seat.who, way=way)
        if way == "foreground":
            self.note("foreground", agent=seat.who)
        agent = Agent(self.scene, seat.who, id_, self.environ, self.tasks, prompt)
        self.seats[fork(agent.live)] = seat
        return seat

    def came_back(self, seat: Seat, code: int) -> None:
        """The call of a skill in the foreground has returned, or was interrupted."""
        self.note("foreground ends", agent=seat.who)
        if code >= 0:
            self.skills.came_back(seat)
            return
        # The person pressed Esc, of which no hook hears, and speaks or types the command again.
        self.note("interrupted", agent=seat.who)
        self.skills.forget()
        if self.chance.random() < 0.5:
            self.type(self.words)
        else:
            self.wait()

    def look_after(self, pid: int, seat: Seat) -> None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            if seat.hangs:
                os.kill(pid, signal.SIGKILL)
            return
        code = os.waitstatus_to_exitcode(status)
        said = content(last_message(self.scene, seat.who)) or "All of it works now."
        if code < 0 and seat.foreground:
            del self.seats[pid]
            self.came_back(seat, code)
            return
        if code < 0 and self.chance.random() < 0.5:
            # Killed, and Claude Code never says so.
            self.note("agent vanishes", agent=seat.who)
            del self.seats[pid]
            return
        if code == Left.BY_ERROR:
            self.hook("StopFailure", agent_id=seat.agent, error=self.chance.choice(ERRORS))
            del self.seats[pid]
            self.ended(seat, code, "failed", "")
            return
        answer = self.hook(
            "SubagentStop",
            stop_hook_active=seat.asked,
            agent_id=seat.agent,
            agent_transcript_path=transcript(self.scene, seat.who),
            last_assistant_message=said,
        )
        del self.seats[pid]
        if answer.get("decision") == "block" and not seat.asked:
            self.ask(seat, str(answer.get("reason")), worked=code == Left.WORKED)
        else:
            self.ended(seat, code, "failed" if code < 0 else "completed", said)

    def ask(self, seat: Seat, reason: str, *, worked: bool) -> None:
        """A hook holds the agent, which mostly hears what it says."""
        self.note("agent held", agent=seat.who)
        seat.asked = True
        with open(transcript(self.scene, seat.who), "a", encoding="utf-8") as file:
            file.write(json.dumps({"content": reason}) + "\n")
        agent = Agent(self.scene, seat.who, seat.id, self.environ, self.tasks)
        heard = reason if self.chance.random() < 0.8 else ""
        self.seats[fork(partial(agent.asked, heard, worked=worked))] = seat

    def ended(self, seat: Seat, code: int, status: str, said: str) -> None:
        self.note("agent ends", agent=seat.who, status=status, said=said)
        if seat.foreground:
            self.came_back(seat, code)
        elif self.mod.loaded:
            self.mod.ended(seat, status, said)
        else:
            self.notified(seat)

    def notified(self, seat: Seat) -> None:
        """The notice of an agent's end enters the conversation, or begins a turn, in which there is nothing to do."""
        summary = f'Agent "{described(seat)}" finished'
        notice = f"<task-notification>\n<task-id>{seat.agent}</task-id>\n<summary>{summary}</summary>"
        answer = self.hook("UserPromptSubmit", prompt=notice, prompt_id=f"of {seat.agent}")
        is_at_work = self.under_way or self.skills.under_way or self.in_foreground
        if answer.get("decision") != "block" and not is_at_work:
            self.end_turn()

    # Parts

    def begin(self, *words: str) -> None:
        self.under_way = call(self.scene, self.name, words, "", self.environ)

    def think(self) -> None:
        time.sleep(self.chance.uniform(0, 0.08))
