"""Which Bash calls are exactly one plain call of the helper, so that they may run without a prompt.

Claude Code's shell is bash or zsh. Anything that either may read as more than words is refused: the only quotes are
single ones around a whole word, the only redirection is one here-document with a quoted delimiter, and there is no
expansion.
"""

import re

from .. import host

#: Verbs by which a person steers a run, so that no agent may run them. The first three, which lose nothing, run without
#: a prompt in the main conversation, where a person may have asked for them.
HARMLESS = ("stop", "pause", "resume")
STEERING = (*HARMLESS, "retry", "skip", "set-status", "state", "undo", "clean")
#: Verbs that the orchestrator and its agents run. Other verbs for people still prompt, and so does `--project`.
VERBS = (
    "wait", "prompt", "done", "fail", "verdict", "add-tasks", "add-issue", "remember", "tasks", "issues", "next-task",
    "status", "check",
)  # fmt: skip
_WORD = r"(?!'?--project)(?:[A-Za-z0-9_.,:/@+-]+|'[ -&(-~]*')"
_BODY = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*"
_CALL = re.compile(rf"claudestrator-helper ({'|'.join((*VERBS, *HARMLESS))})(?: {_WORD})*(?: <<'([A-Z]+)'\n({_BODY}))?")


def is_plain(tool_input: dict[str, object], *, of_agent: bool = False) -> bool:
    """Whether this input of the Bash tool is exactly one call of the helper, inside the sandbox if there is one, and no
    steering verb where an agent calls."""
    command = tool_input.get(host.BASH_COMMAND)
    if not isinstance(command, str) or not set(tool_input) <= host.BASH_FIELDS:
        return False
    call = _CALL.fullmatch(command.removesuffix("\n"))
    if call is None or (of_agent and call[1] in HARMLESS):
        return False
    if call[2] is None:
        return True
    # The shell ends the document at the first line that is the delimiter, and runs whatever follows.
    *lines, last = call[3].split("\n")
    return last == call[2] and last not in lines
