"""The scripted model: tells who is asking, and lets the orchestrator or an agent answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig import agents, orchestrator
from rig.conversation import say

if TYPE_CHECKING:
    from rig.messages_api import JSON, Request
    from rig.plays import Play


class ScriptedModel:
    """Obeys the directives as the main conversation, and acts `play` as the agents."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self._launches: dict[str, list[str]] = {}

    def answer(self, request: Request) -> list[JSON]:
        if is_side_request(request):
            return [say("ok")]
        if request.agent:
            return agents.next_blocks(request, self.play, self._launch(request, request.agent))
        return orchestrator.next_blocks(request)

    def _launch(self, request: Request, agent: str) -> int:
        """How many agents, this one included, have come with its prompt."""
        seen = self._launches.setdefault(agents.first_command(request) or "", [])
        if agent not in seen:
            seen.append(agent)
        return seen.index(agent) + 1


def is_side_request(request: Request) -> bool:
    """Titles, topics and the like: they are asked without tools."""
    return not request.tools
