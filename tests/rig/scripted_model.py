"""The scripted model: tells who is asking, and lets the orchestrator or an agent answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig import agents, orchestrator
from rig.conversation import say, texts

if TYPE_CHECKING:
    from rig.messages_api import JSON, Request
    from rig.plays import Play

_SUMMARIZE = "Your task is to create a detailed summary of the conversation"


class ScriptedModel:
    """Obeys the directives as the main conversation, and acts `play` as the agents."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self._launches: dict[str, list[str]] = {}

    def answer(self, request: Request) -> list[JSON]:
        if is_side_request(request):
            # A summary in which nothing is left of the run.
            return [say("<summary>It went well.</summary>" if request.tools else "ok")]
        if request.agent:
            return agents.next_blocks(request, self.play, self._launch(request, request.agent))
        return self.orchestrate(request)

    def orchestrate(self, request: Request) -> list[JSON]:
        return orchestrator.next_blocks(request)

    def _launch(self, request: Request, agent: str) -> int:
        """How many agents, this one included, have come with its prompt."""
        seen = self._launches.setdefault(agents.task_of(request) or "", [])
        if agent not in seen:
            seen.append(agent)
        return seen.index(agent) + 1


def is_side_request(request: Request) -> bool:
    """Titles, topics and the like, which are asked without tools, and the summary at a compaction."""
    asked = "".join(list(texts(request.messages, "user"))[-1:])
    return not request.tools or _SUMMARIZE in asked
