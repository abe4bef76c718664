"""What the Claude Code of a session can do, which decides the engine where none is asked for by name."""

from __future__ import annotations

from typing import NamedTuple


class Host(NamedTuple):
    """Whether it loads *mods*, and whether it runs skills in the *background*; *environ* is that of what it starts."""

    name: str
    environ: dict[str, str]
    mods: bool = False
    background: bool = False


_TERMINAL = {"CLAUDE_CODE_ENTRYPOINT": "cli"}
HOSTS = {
    "mods": Host("mods", {**_TERMINAL, "AI_AGENT": "claude-code_2-1-332_agent"}, mods=True, background=True),
    "skills": Host("skills", {**_TERMINAL, "AI_AGENT": "claude-code_2-1-280_agent"}, background=True),
    # Of an older release, or without a terminal.
    "plain": Host("plain", {}),
}
