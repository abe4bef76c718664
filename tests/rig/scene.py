"""A project with Claudestrator installed, ready for runs of the real Claude Code, and what such a run left."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rig import project
from rig.agents import is_told, launched
from rig.orchestrator import NOTE
from rig.scripted_model import ScriptedModel
from rig.session import LIMIT, Run, Setting, prepare_home, run_headless
from rig.transcript import Transcript, agent_exchanges, agents_that_ran, main_exchanges, spoken, transcript

if TYPE_CHECKING:
    from pathlib import Path

    from rig.plays import Play

PRD = "# A thing\n\nBuild it.\n"
CONFIG = ".claudestrator/config.toml"


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    run: Run
    statuses: dict[str, str]
    events: list[dict[str, Any]]

    @property
    def said(self) -> str:
        """What the orchestrator said to the person.

        It is not the session's output: a notification that comes after the last word makes a turn of its own.
        """
        return "\n".join(spoken(self.run.exchanges))

    @property
    def transcript(self) -> Transcript:
        return transcript(self.run.exchanges)

    def logged(self, event: str) -> list[str]:
        """The ids of these events, in order."""
        return [entry.get("id", "") for entry in self.events if entry["event"] == event]

    @property
    def agents(self) -> list[str]:
        """The agents that ran, in order, each as its id and attempt."""
        return agents_that_ran(self.run.exchanges)

    def models(self, task_id: str) -> list[str]:
        """The models that its attempts were spawned with."""
        spawned = [entry for entry in self.events if entry["event"] == "spawned"]
        return [entry["model"] for entry in spawned if entry["id"] == task_id]

    def seconds_until_replaced(self, task_id: str) -> float:
        """Between what a task's first agent asked last, and the SPAWN of its second."""
        asked = [each for each in agent_exchanges(self.run.exchanges) if is_told(each.request, task_id)]
        last = max(each.time for each in asked if each.request.agent == asked[0].request.agent)
        launches = [
            exchange.time
            for exchange in main_exchanges(self.run.exchanges)
            if any(launched(block) == task_id for block in exchange.answer)
        ]
        return launches[1] - last

    def agents_saw(self, text: str, task_id: str = "") -> bool:
        """Whether the conversation of any agent, or of this task's, held the text."""
        asked = [each.request for each in agent_exchanges(self.run.exchanges)]
        those = [request for request in asked if not task_id or is_told(request, task_id)]
        return any(text in json.dumps(request.messages) for request in those)

    @property
    def notes(self) -> list[str]:
        """What the orchestrator was told will go wrong. Raises AssertionError when it did not say just that."""
        first = json.dumps(main_exchanges(self.run.exchanges)[0].request.messages, ensure_ascii=False)
        told = [line.strip() for line in first.split("\\n") if line.startswith(NOTE)]
        said = [text for text in spoken(self.run.exchanges) if text.startswith(NOTE)]
        assert told == said
        return said


@dataclass(frozen=True)
class Scene:
    """Where Claude Code runs: `setting` differs between the kinds of install."""

    setting: Setting

    @property
    def project(self) -> Path:
        return self.setting.project

    @property
    def transcripts(self) -> list[Path]:
        """Those of its sessions, which Claude Code keeps."""
        return list((self.setting.home / ".claude" / "projects").glob("*/*.jsonl"))

    def orchestrate(
        self, play: Play, prompt: str = "/orchestrate", mode: str = "acceptEdits", limit: float = LIMIT
    ) -> Outcome:
        """Raises AssertionError when the scripted model could make nothing of a request, or claude failed."""
        return self.run(ScriptedModel(play), prompt, mode, limit)

    def run(
        self, model: ScriptedModel, prompt: str = "/orchestrate", mode: str = "acceptEdits", limit: float = LIMIT
    ) -> Outcome:
        """As orchestrate does, with a model that is not quite the scripted one."""
        outcome = self.outcome(run_headless(self.setting, model, prompt, mode, limit))
        assert outcome.run.exit_code == 0, (outcome.run.output, outcome.run.error_output)
        return outcome

    def with_queue(self, *sections: str) -> Scene:
        """Itself, with these tasks in its queue."""
        project.helper(self.project, "add-tasks", "-", text="\n\n---\n\n".join(sections) + "\n\n---\n")
        return self

    def with_arguments(self, *arguments: str) -> Scene:
        return replace(self, setting=replace(self.setting, arguments=(*self.setting.arguments, *arguments)))

    def among_all_processes(self) -> Scene:
        return replace(self, setting=replace(self.setting, own_processes=False))

    def outcome(self, run: Run) -> Outcome:
        """Raises AssertionError when the scripted model could make nothing of a request."""
        assert not run.brain_errors, run.brain_errors
        return Outcome(run, project.statuses(self.project), project.run_log(self.project))


def wrap_helper(scene: Scene, script: str) -> None:
    """Puts a shell script in front of the helper that install.sh linked, which it finds as `$real`."""
    link = project.bin_folder(scene.setting.home) / "claudestrator-helper"
    text = f"#!/bin/sh\nreal='{link.resolve()}'\n{script}\n"
    link.unlink()
    link.write_text(text, encoding="utf-8")
    link.chmod(0o755)


@dataclass(frozen=True)
class Stage:
    """What all the scenes of one test session share; `engine` is what their projects configure, also beside the keys of
    a configuration of their own.

    The plugin's venv is made once in `data`, by default in the folder; other sessions may use it at the same time.
    """

    claude: Path
    folder: Path
    engine: str = "task"
    data: Path | None = None

    def by_script(self, name: str, files: dict[str, str] | None = None, **environment: str) -> Scene:
        """A new project in `folder`, with install.sh having installed into it."""
        home, root = self._new(name, files)
        project.install_by_script(root, home, self.claude)
        return Scene(Setting(self.claude, home, root, (project.bin_folder(home),), environment))

    def by_plugin(self, name: str, files: dict[str, str] | None = None, **environment: str) -> Scene:
        """A new project, to be run with the repository as a plugin; without an engine, with that of every release."""
        home, root = replace(self, engine=self.engine or "task")._new(name, files)
        arguments = ("--plugin-dir", str(project.REPOSITORY))
        # The first use makes the plugin's venv, which needs the network that a run does not have.
        data = {"XDG_DATA_HOME": str(self.data or self.folder / "data")}
        project.launch_plugin_helper(home, data)
        return Scene(Setting(self.claude, home, root, (), data | environment, arguments))

    def bare(self, name: str, files: dict[str, str], **environment: str) -> Scene:
        """A new project in which nothing of Claudestrator is installed."""
        return Scene(Setting(self.claude, *replace(self, engine="")._new(name, files), (), environment))

    def _new(self, name: str, files: dict[str, str] | None) -> tuple[Path, Path]:
        home, root = self.folder / f"{name}-home", self.folder / name
        made = {"PRD.md": PRD} if files is None else files
        if self.engine:
            own = made.get(CONFIG, "[run]\n").replace("[run]\n", f'[run]\nengine = "{self.engine}"\n')
            made = made | {CONFIG: own}
        project.make_repository(root, made)
        prepare_home(home, root)
        return home, root
