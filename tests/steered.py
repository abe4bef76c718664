"""Every verb by which a person looks at a run and steers it, during runs of the real Claude Code, with each engine.

usage: python tests/steered.py [ENGINE…]

An ENGINE is one of those below, by default all. Needs CLAUDE_BIN, or fetches the release that everything is tested with.
Prints a line for each check, and exits with 1 if one was not as it should be.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rig import claude_code, project
from rig.conversation import last_calls, say, since_last_answer, texts, use
from rig.interactive import Terminal
from rig.plays import Act, Ending, Play, task_section
from rig.scene import Scene, Stage
from rig.scripted_model import ScriptedModel
from rig.session import Headless

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.messages_api import JSON, Exchange, Request

#: Each engine with how its session runs: in a terminal or by `-p`.
ENGINES = ("mod", "mod -p", "task", "task -p", "lean", "lean -p")
ANY_COMMAND = "bypassPermissions"
HINT = "use the mock server"
PATIENCE = 90.0


def held(number: int) -> tuple[Act, ...]:
    """An agent that works until there is a file of that name."""
    return (Act(checks=(f"until [ -e go-{number} ]; do sleep 0.1; done",)),)


FAILS = Act(ending=Ending.FAIL, note="there is no server")
PLAY = Play(acts={"TASK-001": held(1), "TASK-002": (FAILS, FAILS, Act()), "TASK-007": held(7), "TASK-008": held(8)})
NEEDS = {3: 2, 5: 4, 7: 6}
TASKS = tuple(
    task_section(
        f"TASK-00{n}",
        f"part {n}",
        complexity="easy",
        dependencies=(f"TASK-00{NEEDS[n]}",) if n in NEEDS else (),
        files=(f"{n}.txt",),
    )
    for n in range(1, 10)
)


#: A command's text: one of a verb that the model is to call, or one that it is to repeat.
_ASKED = re.compile(r"Run `claudestrator-helper (retry|skip) ID|(?:Tell the user this|Show the user these)")
_DONE = re.compile("claudestrator-helper (?:retry|skip) TASK")


class StuckError(Exception):
    """A task has not begun, so that nothing after it can be checked."""


class Obliging(ScriptedModel):
    """The scripted model, which also does what `/claudestrator:retry` and `:skip` ask of it."""

    def orchestrate(self, request: Request) -> list[JSON]:
        said = list(texts(since_last_answer(request.messages), "user"))
        asked = next((text for text in reversed(said) if _ASKED.search(text)), "")
        if asked:
            verb = _ASKED.search(asked)[1]  # type: ignore[index]
            if not verb:
                return [say(asked.partition("```")[2] or asked)]
            id_, _, rest = asked.partition("The user typed: ")[2].split("\n")[0].partition(" ")
            told = f" --hint - <<'HINT'\n{rest}\nHINT" if verb == "retry" else " --unblock" * bool(rest)
            return [use("Bash", command=f"claudestrator-helper {verb} {id_}{told}")]
        calls = last_calls(request.messages)
        if calls and _DONE.match(str(calls[-1].input.get("command"))):
            return [say(calls[-1].result)]
        return super().orchestrate(request)


@dataclass
class Steered:
    """A run with an engine, and what has come of it. *session* is None between two `claude -p`."""

    name: str
    scene: Scene
    stack: ExitStack
    failures: list[str] = field(default_factory=list)
    session: Terminal | Headless | None = None
    followed: dict[str, Path] = field(default_factory=dict)
    seen: list[Exchange] = field(default_factory=list)

    @property
    def engine(self) -> str:
        return self.name.partition(" ")[0]

    def begin(self, words: str) -> None:
        model, command = Obliging(PLAY), f"/orchestrate --engine {self.engine} {words}".strip()
        if self.name.endswith("-p"):
            self.session = self.stack.enter_context(Headless(self.scene.setting, model, command, ANY_COMMAND))
            return
        if not isinstance(self.session, Terminal):
            self.session = self.stack.enter_context(Terminal(self.scene.setting, model, ANY_COMMAND))
            self.session.wait_for(lambda: "❯" in self.screen(), "prompt")
        self.session.type(command)

    def screen(self) -> str:
        return self.session.screen() if isinstance(self.session, Terminal) else ""

    def type(self, command: str, answer: str) -> None:
        """Types a command during the run, as its person may, and checks what is shown."""
        assert isinstance(self.session, Terminal)
        before = self.screen().count(answer)
        self.session._tmux("send-keys", "-l", command)
        time.sleep(0.5)
        if self.engine == "mod":
            self.session.press("Enter")
        else:
            # Sends at once what is typed during a turn.
            self.session.press("C-x")
            self.session.press("C-s")
        self.check(command, lambda: self.screen().count(answer) > before, lambda: self.screen()[-1500:])

    def by_hand(self, *words: str, answer: str) -> None:
        """Calls the helper in another terminal."""
        said = self.helper(*words)
        self.check(" ".join(words), lambda: answer in said, lambda: said, seconds=0)

    def helper(self, *words: str) -> str:
        try:
            return project.helper(self.scene.project, *words, home=self.scene.setting.home)
        except project.SetupError as error:
            return str(error)

    def follow(self, name: str, *words: str) -> None:
        self.followed[name] = path = self.scene.setting.home / f"followed-{name}"
        home = {**os.environ, "HOME": str(self.scene.setting.home), "XDG_STATE_HOME": ""}
        command = [str(Path(sys.prefix, "bin", "claudestrator-helper")), *words]
        with path.open("wb") as file:
            process = subprocess.Popen(command, cwd=self.scene.project, env=home, stdout=file, stderr=file)
        self.stack.callback(_ended, process)

    def check(
        self, what: str, is_so: Callable[[], bool], why: Callable[[], str] = str, seconds: float = PATIENCE
    ) -> None:
        deadline = time.monotonic() + seconds
        while not (good := is_so()) and time.monotonic() < deadline:
            time.sleep(0.1)
        print(f"{'ok  ' if good else 'NOT '} {self.name}: {what}", flush=True)
        if not good:
            print(why(), flush=True)
            self.failures.append(what)

    def events(self, event: str) -> list[str]:
        return [each.get("id", "") for each in project.run_log(self.scene.project) if each["event"] == event]

    def spawned(self, id_: str, attempt: int = 1) -> None:
        self.check(f"{id_} starts", lambda: self.events("spawned").count(id_) >= attempt, self.screen)
        if f"{id_} starts" in self.failures:
            raise StuckError

    def go(self, number: int) -> None:
        (self.scene.project / f"go-{number}").touch()

    def status(self, id_: str) -> str:
        return project.statuses(self.scene.project)[id_]


def _ended(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    process.wait()


def while_the_first_works(run: Steered) -> None:
    run.begin("")
    run.spawned("TASK-001")
    for name, words in (("log", ["log", "-f"]), ("tail", ["tail", "TASK-002", "-f"]), ("watch", ["watch"])):
        run.follow(name, *words)
    run.check("tail TASK-001", lambda: "until [ -e go-1 ]" in run.helper("tail", "TASK-001"), run.screen)
    run.by_hand("status", answer="running: TASK-001")
    run.by_hand("show", "TASK-001", answer="running: haiku, attempt 1")
    run.by_hand("log", answer="spawned TASK-001 (haiku, attempt 1)")
    if run.name == "mod":
        run.type("/claudestrator-status", "running: TASK-001")
        run.type("/claudestrator-show TASK-001", "objective: part 1")
        run.type("/claudestrator-log TASK-001", "spawned TASK-001 (haiku, attempt 1)")
        run.type("/claudestrator-tail TASK-001", "Bash: until [ -e go-1 ]")
        run.type("/claudestrator-skip TASK-004", "TASK-004 skipped; TASK-005 stays blocked without --unblock")
        run.type("/claudestrator:skip TASK-006 unblock", "TASK-006 skipped; TASK-007 may run")
        run.type("/claudestrator-pause", "The run pauses once TASK-001 has reported")
    elif isinstance(run.session, Terminal):
        run.type("/claudestrator:status", "running: TASK-001")
        run.type("/claudestrator:skip TASK-004", "TASK-004 skipped; TASK-005 stays blocked without --unblock")
        run.type("/claudestrator:skip TASK-006 unblock", "TASK-006 skipped; TASK-007 may run")
        run.type("/claudestrator:pause", "The run pauses once TASK-001 has reported")
    else:
        run.by_hand("skip", "TASK-004", answer="TASK-004 skipped; TASK-005 stays blocked without --unblock")
        run.by_hand("skip", "TASK-006", "--unblock", answer="TASK-006 skipped; TASK-007 may run")
        run.by_hand("pause", answer="The run pauses once TASK-001 has reported")


def while_it_is_paused(run: Steered) -> None:
    run.go(1)
    # A command that was typed may have ended the wait; then the report is settled once the run continues.
    report = run.scene.project / ".claude" / "agent_complete" / "TASK-001.done"
    run.check(
        "the agent at work finishes", lambda: report.exists() or run.status("TASK-001") == "completed", run.screen
    )
    time.sleep(2)
    run.check("nothing starts while it is paused", lambda: "TASK-002" not in run.events("spawned"), seconds=0)
    run.by_hand("status", answer="run: paused")
    if run.name == "mod":
        run.type("/claudestrator-resume", "The run continues.")
    elif isinstance(run.session, Terminal):
        run.type("/claudestrator:resume", "The run ")
    else:
        run.by_hand("resume", answer="The run continues.")


def while_one_has_failed(run: Steered) -> None:
    run.spawned("TASK-007")
    run.check("a skipped task starts not", lambda: not {"TASK-004", "TASK-006"} & {*run.events("spawned")}, seconds=0)
    run.by_hand("status", answer="blocked: TASK-003  by TASK-002 (failed)")
    run.by_hand("tasks", answer="blocked      TASK-003")
    run.by_hand("show", "TASK-002", answer="failed: there is no server")
    run.by_hand("tail", "TASK-002", answer="there is no server")
    run.by_hand("log", "TASK-002", answer="failed TASK-002 (sonnet, attempt 2): there is no server")
    told = f"TASK-002 {HINT}"
    if run.name == "mod":
        run.type(f"/claudestrator-retry {told}", "TASK-002 pending, it was failed")
    elif isinstance(run.session, Terminal):
        run.type(f"/claudestrator:retry {told}", "TASK-002 pending, it was failed")
    else:
        run.by_hand("retry", "TASK-002", "--hint", HINT, answer="TASK-002 pending, it was failed")
    run.go(7)


def at_the_end(run: Steered) -> None:
    run.spawned("TASK-008")
    run.check("the task that was tried again is done", lambda: run.status("TASK-002") == "completed", seconds=0)
    run.check("what it blocked is done", lambda: run.status("TASK-003") == "completed", seconds=0)
    assert run.session
    agents = [each.request for each in run.session.api.exchanges if each.request.agent]
    run.check("its agent was told the hint", lambda: any(HINT in str(each.messages) for each in agents), seconds=0)
    tail = run.followed["tail"].read_text()
    run.check("tail -f shows each attempt", lambda: "attempt 2" in tail and "attempt 3" in tail, lambda: tail, 0)
    if run.name == "mod":
        run.type("/claudestrator-stop", "The run will stop once TASK-008 has reported.")
    else:
        run.by_hand("stop", answer="The run will stop once TASK-008 has reported.")
    run.go(8)
    run.check("the run stops", lambda: "run: stopped" in run.helper("status"), run.screen)
    if isinstance(run.session, Headless):
        said = run.session.finished(PATIENCE).output
        run.check("it says so", lambda: "has stopped, as asked: 5 of 7 tasks completed" in said, lambda: said, 0)
    else:
        run.check("it says so", lambda: "as asked: 5 of 7 tasks completed" in run.screen(), run.screen)
    run.begin("")
    run.check("/orchestrate goes on", lambda: run.status("TASK-009") == "completed", run.screen)
    run.check("the run ends", lambda: "run: finished" in run.helper("status"), run.screen)
    lines = run.followed["log"].read_text()
    run.check("log -f shows all", lambda: all(f"{word} TASK-00" in lines for word in ("skipped", "retry")), seconds=0)
    watched = run.followed["watch"].read_text()
    run.check("watch ends with the stop", lambda: "stopped" in watched.splitlines()[-1], lambda: watched, 0)
    errors = run.session.api.errors
    run.check("nothing was asked that the model could make nothing of", lambda: not errors, lambda: str(errors), 0)


def steered(claude: Path, name: str) -> list[str]:
    """What was not as it should be with that engine."""
    folder = Path(tempfile.mkdtemp(prefix="steered-")).resolve()
    stage = Stage(claude, folder, engine=name.partition(" ")[0], data=Path(tempfile.gettempdir(), "steered-data"))
    # The plugin's mod would answer the commands of the other engines, too.
    made = stage.by_plugin if name.startswith("mod") else stage.by_script
    scene = made("pocket", {}).with_queue(*TASKS).among_all_processes()
    with ExitStack() as stack, suppress(StuckError):
        run = Steered(name, scene, stack)
        for part in (while_the_first_works, while_it_is_paused, while_one_has_failed, at_the_end):
            part(run)
    return run.failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=", ".join(ENGINES))
    chosen = parser.parse_args().engines or list(ENGINES)
    claude = claude_code.binary()
    failures = [failure for name in chosen for failure in steered(claude, name)]
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
